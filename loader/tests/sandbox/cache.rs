//! The cache of compiled code: it saves time and decides nothing.
#![cfg(unix)]

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use mfp_loader::{CacheError, CodeOrigin, LoadError, Loader, LoaderOptions, Plugins};

use crate::support::*;

fn load_in(cache: &Path, code: &str) -> Result<Plugins, LoadError> {
    let loader = Loader::new(LoaderOptions { aot_cache: Some(cache.to_owned()), ..options() });
    loader.load(vec![template("t", code)])
}

/// Where the code came from; and it works.
#[track_caller]
fn origin(cache: &Path, code: &str) -> CodeOrigin {
    let plugins = load_in(cache, code).unwrap();
    ask(&plugins, "t", &execute()).unwrap();
    plugins.info(&name("t")).unwrap().origin.unwrap()
}

fn only_file(cache: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(cache).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    file
}

fn other() -> String {
    answering("template_function", r#"{"success":true,"result":"other"}"#)
}

#[test]
fn the_second_load_compiles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("deep/aot");
    assert_eq!(origin(&cache, ECHO), CodeOrigin::Compiled);
    assert_eq!(origin(&cache, ECHO), CodeOrigin::Cache);
    assert_eq!(origin(&cache, &other()), CodeOrigin::Compiled, "another content");
    assert_eq!(cache.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(load([template("t", ECHO)]).unwrap().info(&name("t")).unwrap().origin.unwrap(), CodeOrigin::Compiled, "no cache");
}

#[test]
fn other_settings_are_other_code() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("aot");
    assert_eq!(origin(&cache, ECHO), CodeOrigin::Compiled);
    let allocation = mfp_loader::Allocation::Pool { instances: 4 };
    let loader = Loader::new(LoaderOptions { aot_cache: Some(cache.clone()), allocation, ..options() });
    let plugins = loader.load(vec![template("t", ECHO)]).unwrap();
    ask(&plugins, "t", &execute()).unwrap();
    assert_eq!(plugins.info(&name("t")).unwrap().origin.unwrap(), CodeOrigin::Cache, "where memory comes from isn't one of them");
}

#[test]
fn a_damaged_file_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("aot");
    origin(&cache, ECHO);
    let file = only_file(&cache);
    let good = std::fs::read(&file).unwrap();
    for at in [0, 20, 47, 48, 100, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        std::fs::write(&file, bad).unwrap();
        assert_eq!(origin(&cache, ECHO), CodeOrigin::Compiled, "byte {at}");
        assert_eq!(origin(&cache, ECHO), CodeOrigin::Cache, "and it was put right");
    }
    for length in [0, 10, 48, good.len() - 1] {
        std::fs::write(&file, &good[..length]).unwrap();
        assert_eq!(origin(&cache, ECHO), CodeOrigin::Compiled, "{length} bytes");
    }
}

#[test]
fn a_file_under_another_name_is_a_wrong_one() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("aot");
    origin(&cache, &other());
    let code = std::fs::read(only_file(&cache)).unwrap();
    std::fs::remove_file(only_file(&cache)).unwrap();
    origin(&cache, ECHO);
    std::fs::write(only_file(&cache), code).unwrap();
    let plugins = load_in(&cache, ECHO).unwrap();
    assert_eq!(plugins.info(&name("t")).unwrap().origin.unwrap(), CodeOrigin::Compiled);
    assert_ne!(ask(&plugins, "t", &execute()).unwrap(), "other");
}

#[test]
fn files_that_others_may_write_to_or_that_are_links_are_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("aot");
    origin(&cache, ECHO);
    let file = only_file(&cache);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(origin(&cache, ECHO), CodeOrigin::Compiled);
    let elsewhere = folder.path().join("elsewhere");
    std::fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert_eq!(origin(&cache, ECHO), CodeOrigin::Compiled);
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("aot");
    origin(&cache, ECHO);
    for mode in [0o777, 0o770, 0o702] {
        std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = load_in(&cache, ECHO).unwrap_err();
        assert_eq!(error.code(), "mfp::sandbox::cache");
        assert!(matches!(error, LoadError::Cache(CacheError::Mode { .. })), "{error}");
    }
    let link = folder.path().join("link");
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o700)).unwrap();
    symlink(&cache, &link).unwrap();
    assert!(matches!(load_in(&link, ECHO), Err(LoadError::Cache(CacheError::Open { .. }))));
}

#[test]
fn a_folder_of_another_user_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("aot");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o700)).unwrap();
    // Only root can give a folder away; for others there's nothing to test.
    if chown(&cache, Some(12_345), None).is_ok() {
        assert!(matches!(load_in(&cache, ECHO), Err(LoadError::Cache(CacheError::Owner { owner: 12_345, .. }))));
    }
}

#[test]
fn what_is_wrong_with_the_wasm_is_wrong_from_the_cache_too() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("aot");
    origin(&cache, ECHO);
    let loader = Loader::new(LoaderOptions { aot_cache: Some(cache), ..options() });
    let mut spec = template("t", ECHO);
    spec.limits.own.memory = Some(64 << 10);
    assert_eq!(loader.load(vec![spec]).unwrap_err().code(), "mfp::sandbox::memory");
    let mut spec = template("t", ECHO);
    spec.types.insert(mfp_loader::PluginType::Auth);
    assert_eq!(loader.load(vec![spec]).unwrap_err().code(), "mfp::sandbox::export");
}
