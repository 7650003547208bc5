//! Which files of a commit are the plugin? The package set, read from the object database: no checkout, so no filter, no
//! line endings and no link of anybody's has a say.

use std::collections::BTreeMap;
use std::rc::Rc;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryKind;
use gix::objs::{CommitRef, Kind, TreeRef};
use mfp_model::content::{MANIFEST_FILE, PackagePath, SIGNATURE_FILE};
use mfp_model::package::{reaches_into, select};
use mfp_model::plugin::PluginManifest;

use super::limits::MAX_TREE_ENTRIES;
use super::repository::Repository;
use crate::error::{Error, Result};
use crate::explain;
use crate::report::clean;

/// How deep submodules may stand in submodules.
const MAX_NESTED: usize = 4;
/// How a file begins that stands for another one in Git LFS.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// The files of a plugin, with their bytes.
pub(super) type Files = Vec<(PackagePath, Vec<u8>)>;

/// Something in a tree that isn't a folder.
#[derive(Debug, Clone)]
struct Leaf {
    kind: EntryKind,
    id: ObjectId,
    /// The commit of the submodule that it's in, by the submodule's path, if it's in one.
    submodule: Option<String>,
}

/// Where in a repository to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    /// The commit.
    pub(super) commit: ObjectId,
    /// The plugin's folder, or the root.
    pub(super) subdir: Option<&'p PackagePath>,
    /// Do submodules count?
    pub(super) submodules: bool,
}

/// Read the plugin at a place: the files that it is, by what its own manifest says.
pub(super) fn read(repository: &Repository<'_>, place: Place<'_>) -> Result<Files> {
    repository.bring_trees(place.commit)?;
    let root = tree_of(repository, place.commit)?;
    let folder = descend(repository, root, place.subdir)?;
    let mut leaves = walk(repository, folder)?;
    let manifest = manifest(repository, place, root, &leaves)?;
    let has_modules = leaves.values().any(|leaf| leaf.kind == EntryKind::Commit);
    let modules = if has_modules { enter_submodules(repository, place, root, &manifest, &mut leaves)? } else { BTreeMap::new() };
    let names = leaves.iter().filter(|(_, leaf)| leaf.kind != EntryKind::Commit).map(|(path, _)| path.as_str());
    let set = select(&manifest, names, None).map_err(|error| {
        Error::new(error.code(), format!("{}: {error}", shown(repository, place))).help("tell the plugin's author; nothing was kept")
    })?;
    // It isn't part of the content, and travels with it.
    let signature: PackagePath = SIGNATURE_FILE.parse().expect("`plugin.minisig` is a legal path");
    let chosen: Vec<(PackagePath, Leaf)> =
        set.into_iter().chain([signature]).filter_map(|path| Some((path.clone(), leaves.get(path.as_str())?.clone()))).collect();
    let own: Vec<ObjectId> = chosen.iter().filter(|(_, leaf)| leaf.submodule.is_none()).map(|(_, leaf)| leaf.id).collect();
    repository.bring_blobs(place.commit, &own)?;
    for (path, module) in &modules {
        let ids: Vec<ObjectId> = chosen.iter().filter(|(_, leaf)| leaf.submodule.as_ref() == Some(path)).map(|(_, leaf)| leaf.id).collect();
        module.repository.bring_blobs(module.commit, &ids)?;
    }
    let mut files = Files::new();
    for (path, leaf) in chosen {
        let from = match &leaf.submodule {
            None => repository,
            Some(module) => &*modules.get(module).ok_or_else(|| Error::bug("a file of a submodule that wasn't read"))?.repository,
        };
        let bytes = blob(from, &path, &leaf).map_err(|error| error.note(format!("in {}", shown(repository, place))))?;
        files.push((path, bytes));
    }
    Ok(files)
}

/// A submodule that was entered.
struct Module<'a> {
    repository: Rc<Repository<'a>>,
    commit: ObjectId,
    /// What it says about submodules of its own.
    modules_file: Option<Vec<u8>>,
}

fn shown(repository: &Repository<'_>, place: Place<'_>) -> String {
    let folder = place.subdir.map(|folder| format!(", folder `{folder}`")).unwrap_or_default();
    format!("{} at {}{folder}", repository.shown(), place.commit.to_hex_with_len(7))
}

/// The bytes of a file, which must be a regular one.
fn blob(repository: &Repository<'_>, path: &PackagePath, leaf: &Leaf) -> Result<Vec<u8>> {
    if !matches!(leaf.kind, EntryKind::Blob | EntryKind::BlobExecutable) {
        return Err(Error::new("mfp::git::tree", format!("`{path}` belongs to the plugin and is a symbolic link"))
            .help("a plugin's files are regular ones; tell its author"));
    }
    let bytes = repository.expect(&leaf.id, Kind::Blob)?;
    if bytes.len() < 1024 && bytes.starts_with(LFS) {
        return Err(Error::new("mfp::git::lfs", format!("`{path}` is kept in Git LFS, and the repository holds only a pointer to it"))
            .help("ask the author to commit the file itself (`git lfs untrack`), or take the plugin from an archive that holds it"));
    }
    Ok(bytes)
}

fn malformed(what: &str) -> Error {
    Error::new("mfp::git::tree", format!("a repository holds {what}, which git itself doesn't write"))
        .help("nothing was kept; don't trust it")
}

fn tree_of(repository: &Repository<'_>, commit: ObjectId) -> Result<ObjectId> {
    let data = repository.expect(&commit, Kind::Commit)?;
    let commit = CommitRef::from_bytes(&data, gix::hash::Kind::Sha1).map_err(|_| malformed("a commit that can't be read"))?;
    Ok(commit.tree())
}

/// The tree of the plugin's folder.
fn descend(repository: &Repository<'_>, root: ObjectId, subdir: Option<&PackagePath>) -> Result<ObjectId> {
    let Some(subdir) = subdir else { return Ok(root) };
    let (mut at, mut passed) = (root, String::new());
    for part in subdir.as_str().split('/') {
        let entries = entries(repository, &at)?;
        let next = entries.iter().find(|(name, kind, _)| name == part && *kind == EntryKind::Tree);
        let Some((_, _, id)) = next else {
            let folders = entries.iter().filter(|(_, kind, _)| *kind == EntryKind::Tree).map(|(name, ..)| name.as_str());
            let near = mfp_model::text::nearest(part, folders).map(|near| clean(&format!("{passed}{near}")).into_owned());
            let help = near.map_or_else(|| "check `subdir`, and the ref".to_owned(), |near| format!("is it `{near}`?"));
            return Err(Error::new("mfp::git::no-folder", format!("{} has no folder `{subdir}` there", repository.shown())).help(help));
        };
        at = *id;
        passed.extend([part, "/"]);
    }
    Ok(at)
}

type Entry = (String, EntryKind, ObjectId);

/// What's in a tree. Names that aren't UTF-8 are left out, as they can't be in a package.
fn entries(repository: &Repository<'_>, id: &ObjectId) -> Result<Vec<Entry>> {
    let data = repository.expect(id, Kind::Tree)?;
    let tree = TreeRef::from_bytes(&data, gix::hash::Kind::Sha1).map_err(|_| malformed("a folder that can't be read"))?;
    let mut found: Vec<Entry> = Vec::with_capacity(tree.entries.len());
    let mut names = std::collections::BTreeSet::new();
    for entry in &tree.entries {
        if entry.filename.is_empty() || matches!(entry.filename.as_bytes(), b"." | b"..") || entry.filename.contains(&b'/') {
            return Err(malformed("a file with an impossible name"));
        }
        if !names.insert(entry.filename) {
            return Err(malformed("two files of one name"));
        }
        if let Ok(name) = entry.filename.to_str() {
            found.push((name.to_owned(), entry.mode.kind(), entry.oid.to_owned()));
        }
    }
    Ok(found)
}

/// Everything below a tree that isn't a folder, by its path.
fn walk(repository: &Repository<'_>, tree: ObjectId) -> Result<BTreeMap<String, Leaf>> {
    let mut leaves = BTreeMap::new();
    let mut folders = vec![(tree, String::new())];
    let mut looked_at = 0;
    while let Some((tree, prefix)) = folders.pop() {
        for (name, kind, id) in entries(repository, &tree)? {
            looked_at += 1;
            let path = format!("{prefix}{name}");
            // A folder of folders of the same folder is small on disk and endless to walk.
            if looked_at > MAX_TREE_ENTRIES || path.len() > 4096 {
                return Err(Error::new("mfp::git::too-large", format!("{} holds more than {MAX_TREE_ENTRIES} files", repository.shown()))
                    .help("name the plugin's own folder: `subdir`, or `#ref:folder` on the command line"));
            }
            if kind == EntryKind::Tree {
                folders.push((id, format!("{path}/")));
            } else {
                leaves.insert(path, Leaf { kind, id, submodule: None });
            }
        }
    }
    Ok(leaves)
}

/// What the plugin says about itself.
fn manifest(repository: &Repository<'_>, place: Place<'_>, root: ObjectId, leaves: &BTreeMap<String, Leaf>) -> Result<PluginManifest> {
    let Some(leaf) = leaves.get(MANIFEST_FILE) else { return Err(no_manifest(repository, place, root, leaves)) };
    repository.bring_blobs(place.commit, &[leaf.id])?;
    let path: PackagePath = MANIFEST_FILE.parse().expect("`plugin.yaml` is a legal path");
    let text = blob(repository, &path, leaf)?;
    let file = place.subdir.map_or_else(|| MANIFEST_FILE.to_owned(), |folder| format!("{folder}/{MANIFEST_FILE}"));
    PluginManifest::from_bytes(&text).map_err(|error| explain::plugin_manifest(&file, &text, &error))
}

/// There's no plugin there: where in the repository are there any?
fn no_manifest(repository: &Repository<'_>, place: Place<'_>, root: ObjectId, leaves: &BTreeMap<String, Leaf>) -> Error {
    let below = format!("/{MANIFEST_FILE}");
    let all = if place.subdir.is_none() { None } else { walk(repository, root).ok() };
    let folders: Vec<String> = all
        .as_ref()
        .unwrap_or(leaves)
        .keys()
        .filter_map(|path| path.strip_suffix(&below))
        .map(|folder| clean(folder).into_owned())
        .take(10)
        .collect();
    let error = Error::new("mfp::git::no-plugin", format!("{} holds no {MANIFEST_FILE}", shown(repository, place)));
    match folders.as_slice() {
        [] => error.help("is it the right repository, ref and folder?"),
        [first, ..] => error
            .points(folders.iter().map(|folder| format!("there's one in `{folder}`")))
            .help(format!("name the folder: `--subdir {first}`, or `subdir = \"{first}\"` in the manifest"))
            .detail("folders", folders.clone()),
    }
}

/// Read the submodules that the package reaches into; files in them stand among the leaves afterwards.
fn enter_submodules<'a>(
    repository: &Repository<'a>,
    place: Place<'_>,
    root: ObjectId,
    manifest: &PluginManifest,
    leaves: &mut BTreeMap<String, Leaf>,
) -> Result<BTreeMap<String, Module<'a>>> {
    let mut entered: BTreeMap<String, Module<'a>> = BTreeMap::new();
    for nesting in 0..=MAX_NESTED {
        let is_reached = |path: &str, leaf: &Leaf| leaf.kind == EntryKind::Commit && reaches_into(manifest, path);
        let reached: Vec<(String, ObjectId)> =
            leaves.iter().filter(|(path, leaf)| is_reached(path, leaf)).map(|(path, leaf)| (path.clone(), leaf.id)).collect();
        let Some((first, _)) = reached.first() else { return Ok(entered) };
        if !place.submodules {
            return Err(not_asked_for(repository, place, first));
        }
        if nesting == MAX_NESTED {
            break;
        }
        for (path, commit) in reached {
            let above = entered.iter().rev().find(|(above, _)| path.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('/')));
            let opened = if let Some((above, parent)) = above {
                parent.repository.submodule(parent.modules_file.as_deref(), &path[above.len() + 1..])?
            } else {
                let full = place.subdir.map_or_else(|| path.clone(), |folder| format!("{folder}/{path}"));
                repository.submodule(modules_file(repository, place.commit, root)?.as_deref(), &full)?
            };
            let module = enter(opened.ok_or_else(|| out_of_reach(&path))?, commit)?;
            let found = walk(&module.repository, tree_of(&module.repository, commit)?)?;
            leaves.remove(&path);
            let inside = |(below, leaf)| (format!("{path}/{below}"), Leaf { submodule: Some(path.clone()), ..leaf });
            leaves.extend(found.into_iter().map(inside));
            entered.insert(path.clone(), module);
        }
    }
    let message = format!("the submodules of {} stand more than {MAX_NESTED} deep in one another", shown(repository, place));
    Err(Error::new("mfp::git::submodule", message).help("take the plugin from an archive"))
}

fn not_asked_for(repository: &Repository<'_>, place: Place<'_>, path: &str) -> Error {
    let message = format!("the plugin in {} reaches into the submodule `{}`", shown(repository, place), clean(path));
    Error::new("mfp::git::submodule", message)
        .help("if its content is meant to belong to the plugin, say so in mockforge-plugins.toml: `submodules = true`")
}

fn out_of_reach(path: &str) -> Error {
    let message = format!("the submodule `{}` can't be taken: its address is neither relative nor on the same host", clean(path));
    Error::new("mfp::git::submodule", message)
        .help("take the plugin from an archive, or ask its author to keep what belongs to it in the repository itself")
}

/// Bring what's known of a submodule at the commit that the repository above names.
fn enter(repository: Rc<Repository<'_>>, commit: ObjectId) -> Result<Module<'_>> {
    repository.bring_trees(commit)?;
    let root = tree_of(&repository, commit)?;
    let modules_file = modules_file(&repository, commit, root)?;
    Ok(Module { repository, commit, modules_file })
}

/// The bytes of `.gitmodules`, if there's one.
fn modules_file(repository: &Repository<'_>, commit: ObjectId, root: ObjectId) -> Result<Option<Vec<u8>>> {
    let entries = entries(repository, &root)?;
    let found = entries.iter().find(|(name, kind, _)| name == ".gitmodules" && *kind == EntryKind::Blob);
    let Some((_, _, id)) = found else { return Ok(None) };
    repository.bring_blobs(commit, &[*id])?;
    repository.expect(id, Kind::Blob).map(Some)
}
