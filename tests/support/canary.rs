//! Secrets that every machine of these tests has, and that must be seen nowhere.
//!
//! A token in `MFP_CREDENTIALS` and one in a variable of its own, a password in netrc (for the hosts of the tests' own servers, so
//! that it's really sent), the comment of an ssh key. After every run of mfp its output is searched for them, and the lock
//! and the manifest; when a machine is gone, every other file of its project, its store and its cache. What stands in
//! all of them is [`MARK`].

use std::path::Path;

/// What every secret begins with. The letters are chosen so that no test has them by chance.
pub(crate) const MARK: &str = "zz-canary-zz";
/// A token, by origin.
pub(crate) const CREDENTIAL: &str = "zz-canary-zz-credential";
/// A token in a variable, as a CI system has many.
pub(crate) const TOKEN: &str = "zz-canary-zz-token";
/// A password in netrc.
pub(crate) const PASSWORD: &str = "zz-canary-zz-password";
/// The value of a URL's query. It may stand in the manifest and in the lock, where a person put it, and nowhere else.
pub(crate) const QUERY: &str = "zz-query-canary-zz";
/// `u:` and the password as basic credentials have them: the part that doesn't depend on what follows.
const ENCODED: &str = "dTp6ei1jYW5hcnktenotcGFzc3dvcm";

/// Plant those that are files.
pub(crate) fn plant(home: &Path) {
    let write = |path: &str, text: String| {
        let path = home.join(path);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
    };
    write(".netrc", format!("machine 127.0.0.1 login u password {PASSWORD}\nmachine canary.invalid login u password {PASSWORD}\n"));
    write(".ssh/id_canary.pub", format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA {MARK}-comment\n"));
}

/// Those that are variables.
pub(crate) fn variables() -> [(&'static str, String); 3] {
    [
        ("MFP_CREDENTIALS", format!("{{\"https://canary.invalid:8443\":\"{CREDENTIAL}\"}}")),
        ("CANARY_TOKEN", TOKEN.to_owned()),
        ("GITHUB_TOKEN", TOKEN.to_owned()),
    ]
}

/// Is one of them in this text?
fn found(text: &str) -> Option<&'static str> {
    [MARK, ENCODED, QUERY].into_iter().find(|secret| text.contains(secret))
}

/// What a command printed has none of them.
#[track_caller]
pub(crate) fn not_printed(text: &str) {
    if let Some(secret) = found(text) {
        panic!("`{secret}` is printed:\n{text}");
    }
}

/// The two files that people commit have none of the secrets that nobody put there.
#[track_caller]
pub(crate) fn not_committed(project: &Path) {
    for file in ["plugins.lock", "mockforge-plugins.toml"] {
        let text = std::fs::read(project.join(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        if let Some(secret) = found(&text).filter(|secret| *secret != QUERY) {
            panic!("`{secret}` is in {file}:\n{text}");
        }
    }
}

/// No file below these folders has one of them.
pub(crate) fn not_kept(folders: &[&Path]) -> Result<(), String> {
    let mut folders: Vec<_> = folders.iter().map(|folder| (*folder).to_owned()).collect();
    while let Some(next) = folders.pop() {
        for path in std::fs::read_dir(&next).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let Ok(metadata) = path.symlink_metadata() else { continue };
            if metadata.is_dir() {
                folders.push(path);
                continue;
            }
            let text = if metadata.is_file() { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
            let is_asked_for = path.ends_with("plugins.lock") || path.ends_with("mockforge-plugins.toml");
            if let Some(secret) = found(&String::from_utf8_lossy(&text)).filter(|secret| *secret != QUERY || !is_asked_for) {
                return Err(format!("`{secret}` is in {}", path.display()));
            }
        }
    }
    Ok(())
}
