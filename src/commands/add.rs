//! `mfp add`: declare plugins, lock, install. If anything fails, no file has changed.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::lock::{Lock, LockedPlugin, unapproved};
use mfp_model::name::PluginName;
use mfp_model::plan::diff;
use mfp_model::project::edit::Place;
use mfp_model::project::{Manifest, edit};
use mfp_model::requirement::Requirement;
use mfp_model::source::{
    AskedRef, BareWasm, GitUrl, Pin, REMOTE_HEALTH_CHECK_INTERVAL, REMOTE_RETRIES, REMOTE_TIMEOUT_MS, RelativePath, RemoteEndpoint,
    Request, Source, SourceId, Spec, UrlError, is_path,
};
use mfp_model::version::Version;

use crate::app::App;
use crate::changing::{Decision, cant_edit, carry_out, refuse_locked};
use crate::cli::edit::AddArgs;
use crate::cli::spec;
use crate::commands::approve::{approve_all, ask_before_adding};
use crate::error::{Error, Excerpt, Result};
use crate::locking::{Declared, Freedom, Goal, lock};
use crate::moved_tags;
use crate::policy::refuse_denied_source;
use crate::project::Project;
use crate::report::{Outcome, clean};
use crate::sources::declared::read_folder;
use crate::sources::fetch::fetch_first_sight;
use crate::sources::git::Git;

/// One plugin that's to be declared.
#[derive(Debug)]
struct Addition {
    /// The name in the project.
    name: PluginName,
    request: Request,
    /// No requirement was given: `^` of what is chosen.
    open: bool,
    /// Whether plain `http:` to another machine is allowed for it: nobody says so on the command line.
    allow_http: bool,
}

/// Understand, edit, lock, save, lay out.
pub(crate) fn run(app: &App<'_>, args: &AddArgs) -> Result<Outcome> {
    refuse_locked(app, "add")?;
    check_arguments(args)?;
    let mut project = app.project()?;
    let _held = project.hold(app.reporter)?;
    let before = project.manifest()?;
    let old = project.lock()?;
    let mut seen = BTreeMap::new();
    let additions = args.specs.iter().map(|text| addition(app, &project, &before, args, text, &mut seen)).collect::<Result<Vec<_>>>()?;

    let wished_text = declare(&project.manifest_text, args, &additions)?;
    let wished = project.parse(&wished_text)?;
    let freedom = Freedom::Names(additions.iter().map(|addition| addition.name.clone()).collect());
    let goal = Goal { freedom, precise: exactly(&additions), seen, ..Goal::keeping(&project.root, &wished, &wished_text, old.as_ref()) };
    refuse_moved_tags(old.as_ref(), &goal.seen)?;
    let chosen = lock(app, &app.store()?, &goal).map_err(|error| pointing_into(&project.manifest_text, error))?;

    let settled = additions.into_iter().map(|addition| settle(addition, &chosen)).collect::<Vec<_>>();
    let mut text = declare(&project.manifest_text, args, &settled)?;
    let mut manifest = project.parse(&text)?;
    let new = Lock::build(&manifest, chosen.plugins.into_values().collect());
    let asking = if args.approve { brought(&manifest, &new, &settled) } else { changed(&manifest, old.as_ref(), &new) };
    let is_approved = args.approve || (app.may_ask() && !args.dry_run && ask_before_adding(app, &manifest, &asking)?);
    if is_approved && !asking.is_empty() {
        text = approve_all(app, &mut project, &text, &asking, args.dry_run)?;
        manifest = project.parse(&text)?;
    }
    let decision = Decision {
        manifest: &manifest,
        manifest_text: text.clone(),
        old: old.as_ref(),
        lock: new,
        dry_run: args.dry_run,
        no_sync: args.no_sync,
        held: Default::default(),
    };
    carry_out(app, &mut project, decision).map_err(|error| saying_how_to_approve(args, error))
}

/// What isn't there yet is approved in the same breath as it's added.
fn saying_how_to_approve(args: &AddArgs, error: Error) -> Error {
    if error.code() != "mfp::approval::missing" {
        return error;
    }
    let typed: Vec<_> = args.specs.iter().map(|spec| clean(spec)).collect();
    error.help(format!("if a person has decided that it may: `mfp add {} --approve`", typed.join(" ")))
}

/// Versions that a person named in full: taken also where they're yanked.
fn exactly(additions: &[Addition]) -> BTreeMap<PluginName, Version> {
    let exact = |addition: &Addition| match &addition.request.source {
        Source::Registry { requirement, .. } => {
            let version = requirement.to_string().strip_prefix('=')?.parse().ok()?;
            requirement.is_exact().then(|| (addition.name.clone(), version))
        }
        _ => None,
    };
    additions.iter().filter_map(exact).collect()
}

/// A tag that's in the lock already, and leads elsewhere now, isn't taken by adding it again.
fn refuse_moved_tags(old: Option<&Lock>, seen: &BTreeMap<PluginName, Declared>) -> Result<()> {
    let moved = seen.iter().filter_map(|(name, declared)| {
        let locked = old?.plugins.get(name)?;
        let (Pin::Git { url, reference, .. }, Pin::Git { url: now, reference: asked, commit, .. }) =
            (&locked.package()?.pin, &declared.locked.package()?.pin)
        else {
            return None;
        };
        (url == now && reference == asked).then(|| moved_tags::compare(locked, commit.clone())).flatten()
    });
    let moved: Vec<_> = moved.collect();
    if moved.is_empty() { Ok(()) } else { Err(moved_tags::refusal(&moved).note("no file was changed")) }
}

/// Errors point into the file that's on disk, not into the one that would have been written.
fn pointing_into(on_disk: &str, error: Error) -> Error {
    // What isn't declared yet can't be updated.
    let help = error.help_text().map(|help| help.replace(" --precise ", "@").replace("`mfp update ", "`mfp add "));
    let error = match help {
        Some(help) => error.help(help),
        None => error,
    };
    error.with_excerpt_of(|excerpt| {
        let line = excerpt.text.get(excerpt.span.clone())?;
        let start = on_disk.find(line)?;
        Some(Excerpt { text: on_disk.to_owned(), span: start..start + line.len(), ..excerpt.clone() })
    })
}

fn check_arguments(args: &AddArgs) -> Result<()> {
    let refuse = |what: &str, help: &str| Err(Error::new("mfp::usage::arguments", what).help(help));
    match () {
        () if args.specs.is_empty() => refuse("what is to be added?", "`mfp add NAME`, `mfp add URL` or `mfp add ./folder`"),
        () if args.rename.is_some() && args.specs.len() > 1 => {
            refuse("--rename is for exactly one plugin", "`mfp add NAME --rename OTHER`")
        }
        () if !args.types.is_empty() && !args.specs.iter().all(|spec| spec.starts_with("remote+")) => {
            refuse("--type says what a service answers; other plugins say it themselves", "leave it out")
        }
        () => Ok(()),
    }
}

/// What an argument declares.
fn addition(
    app: &App<'_>,
    project: &Project,
    manifest: &Manifest,
    args: &AddArgs,
    text: &str,
    seen: &mut BTreeMap<PluginName, Declared>,
) -> Result<Addition> {
    let (id, source, open) = match spec::parse(text, args)? {
        Spec::Named { name, requirement } => {
            let registry = registry(manifest, args)?;
            let open = requirement.is_none();
            (name, Source::Registry { requirement: requirement.unwrap_or_else(Requirement::any), registry }, open)
        }
        Spec::Path(path) => {
            let path = relative_path(app, project, &path)?;
            let folder = read_folder(&provisional(args, text), &project.root, &path, &BareWasm::default(), None)?;
            (folder.manifest.id, Source::Path { path, bare: BareWasm::default() }, false)
        }
        Spec::Url { url, sha256 } => {
            refuse_plain_http(&url)?;
            let name = provisional(args, text);
            refuse_denied_source(manifest, &project.manifest_text, &name, &SourceId::Url(url.clone()))?;
            let source = Source::Url { url, sha256, bare: BareWasm::default() };
            let (sources, store) = (app.sources()?, app.store()?);
            let sight =
                app.wait(fetch_first_sight(&sources, &store, &project.root, &provisional(args, text), args.rename.as_ref(), &source))?;
            let id = sight.manifest.id.clone();
            let name = args.rename.clone().unwrap_or_else(|| id.clone());
            let declared = sight.declare(&name, (name != id).then_some(&id));
            seen.insert(name, declared);
            (id, source, false)
        }
        Spec::Git(spec) => {
            let url = repository(app, project, &spec.address)?;
            refuse_denied_source(manifest, &project.manifest_text, &provisional(args, &spec.address), &SourceId::Git(url.clone()))?;
            let git = Git::new(app, &project.root)?;
            let reference = match spec.reference {
                AskedRef::Said(reference) => reference,
                AskedRef::Named(name) => git.guess(&url, &name)?,
            };
            let source = Source::Git { url, reference, subdir: spec.subdir, submodules: args.submodules };
            let sight = git.first_sight(&app.store()?, &provisional(args, &spec.address), &source)?;
            let id = sight.manifest.id.clone();
            let name = args.rename.clone().unwrap_or_else(|| id.clone());
            let declared = sight.declare(&name, (name != id).then_some(&id));
            seen.insert(name, declared);
            (id, source, false)
        }
        Spec::Remote(address) => service(args, &project.manifest_text, manifest, &address)?,
    };
    let request = Request::new(source);
    Ok(match &args.rename {
        Some(name) if *name != id => {
            Addition { name: name.clone(), request: Request { package: Some(id), ..request }, open, allow_http: false }
        }
        _ => Addition { name: id, request, open, allow_http: false },
    })
}

/// The address of a repository as it was typed: a folder is relative to the current one.
fn repository(app: &App<'_>, project: &Project, typed: &str) -> Result<GitUrl> {
    let refuse = |why: String| {
        Error::new("mfp::usage::spec", format!("`{}` can't be a repository: {why}", clean(typed)))
            .help("write it as `https://host/path`, `ssh://user@host/path`, `user@host:path` or `file:///path`")
    };
    let url: GitUrl = if is_path(typed) {
        relative_path(app, project, typed)?.as_str().parse().map_err(|error: UrlError| refuse(error.to_string()))?
    } else {
        typed.parse().map_err(|error: UrlError| refuse(error.to_string()))?
    };
    if url.needs_allow_http() {
        return Err(plain_http(&url.to_string()));
    }
    Ok(url)
}

/// The manifest would refuse it too, but only once its bytes were here.
fn refuse_plain_http(url: &mfp_model::source::ArtifactUrl) -> Result<()> {
    if !url.needs_allow_http() {
        return Ok(());
    }
    Err(plain_http(&url.redacted()))
}

fn plain_http(shown: &str) -> Error {
    let message = format!("`{}` is plain http to another machine, which can be read and changed on its way", clean(shown));
    Error::new("mfp::usage::spec", message)
        .help("use https, or write it into mockforge-plugins.toml with `allow-http = true` beside it if you know that network")
}

/// A name for messages, until the plugin has said its own: what its file or folder is called.
fn provisional(args: &AddArgs, typed: &str) -> PluginName {
    let file =
        typed.split(['#', '?']).next().unwrap_or_default().trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    let named = args.rename.clone().or_else(|| stem.parse().ok());
    named.unwrap_or_else(|| "plugin".parse().expect("`plugin` is a name"))
}

/// A service, which is what whoever adds it says: an address says neither what it's called nor what it answers, and nobody else knows.
fn service(args: &AddArgs, manifest_text: &str, manifest: &Manifest, address: &str) -> Result<(PluginName, Source, bool)> {
    let shown = clean(address);
    let (Some(name), false) = (&args.rename, args.types.is_empty()) else {
        return Err(Error::new("mfp::usage::spec", format!("`{shown}` is a service, whose name and types nobody can look up"))
            .help(format!("say them: `mfp add remote+{shown} --rename NAME --type auth` (or template, response, datasource)")));
    };
    let endpoint = match address.strip_prefix("env:") {
        Some(variable) => variable.parse().map(RemoteEndpoint::Env).map_err(|error| error.to_string()),
        None => address.parse().map(RemoteEndpoint::Url).map_err(|error: UrlError| error.to_string()),
    };
    let endpoint = endpoint.map_err(|why| {
        Error::new("mfp::usage::spec", format!("`{shown}` can't be a service's address: {why}"))
            .help("write it as `remote+https://host/path`, or `remote+env:NAME` for one that a variable holds")
    })?;
    match &endpoint {
        RemoteEndpoint::Url(url) if url.needs_allow_http() => return Err(plain_http(address)),
        _ => refuse_denied_source(manifest, manifest_text, name, &SourceId::Remote(endpoint.clone()))?,
    }
    let source = Source::Remote {
        endpoint,
        types: args.types.iter().copied().collect(),
        timeout_ms: REMOTE_TIMEOUT_MS,
        retries: REMOTE_RETRIES,
        health_check_interval: REMOTE_HEALTH_CHECK_INTERVAL,
    };
    Ok((name.clone(), source, false))
}

fn registry(manifest: &Manifest, args: &AddArgs) -> Result<mfp_model::name::RegistryName> {
    let name = args.registry.as_ref().unwrap_or(&manifest.project.registry);
    if manifest.registries.contains_key(name) {
        return Ok(name.clone());
    }
    let near = mfp_model::text::nearest(name.as_str(), manifest.registries.keys().map(AsRef::as_ref));
    let help = near.map_or_else(
        || format!("add it to mockforge-plugins.toml:\n[registries]\n{name} = \"https://…/\""),
        |near| format!("did you mean `--registry {near}`?"),
    );
    Err(Error::new("mfp::registry::undeclared", format!("the project names no registry `{name}`")).help(help))
}

/// A path as it was typed (relative to the current folder), as the manifest has it (relative to the project).
fn relative_path(app: &App<'_>, project: &Project, typed: &str) -> Result<RelativePath> {
    let refuse = |why: &str| {
        Error::new("mfp::usage::spec", format!("`{}` can't be a plugin: {why}", clean(typed)))
            .help("name a folder with a plugin.yaml in it, or a .wasm file")
    };
    let place = app.settings.path(typed).canonicalize().map_err(|error| refuse(&error.to_string()))?;
    let relative = relative_to(&place, &project.root).ok_or_else(|| refuse("it has no path from the project"))?;
    relative.parse().map_err(|error: mfp_model::source::RelativePathError| refuse(&error.to_string()))
}

/// The way from one absolute folder to another place, with `/` and `..`.
fn relative_to(place: &std::path::Path, from: &std::path::Path) -> Option<String> {
    let (place, from): (Vec<_>, Vec<_>) = (place.components().collect(), from.components().collect());
    let shared = place.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n(Some(".."), from.len() - shared);
    let down = place[shared..].iter().map(|part| part.as_os_str().to_str());
    let parts: Option<Vec<&str>> = up.chain(down).collect();
    Some(parts?.join("/")).filter(|path| !path.is_empty())
}

/// The manifest's text with these plugins declared.
fn declare(text: &str, args: &AddArgs, additions: &[Addition]) -> Result<String> {
    let place = args.group.clone().map_or(Place::Plugins, Place::Group);
    additions.iter().try_fold(text.to_owned(), |text, addition| {
        let declared = edit::Addition {
            source: addition.request.source.clone(),
            package: addition.request.package.clone(),
            allow_http: addition.allow_http,
        };
        edit::add(&text, &place, &addition.name, &declared).map_err(|error| cant_edit(&error))
    })
}

/// An open wish becomes `^` of the version that was chosen for it.
fn settle(addition: Addition, chosen: &Lock) -> Addition {
    let version = chosen.plugins.get(&addition.name).and_then(|plugin| plugin.version());
    match (addition.open, addition.request.source.clone(), version) {
        (true, Source::Registry { registry, .. }, Some(version)) => {
            let source = Source::Registry { requirement: Requirement::caret(version), registry };
            Addition { request: Request { source, ..addition.request }, ..addition }
        }
        _ => addition,
    }
}

/// `--approve`: those of the added plugins, and of what they bring with them, that ask for more than is approved.
fn brought<'l>(manifest: &Manifest, lock: &'l Lock, additions: &[Addition]) -> Vec<&'l LockedPlugin> {
    let mut queue: Vec<&PluginName> = additions.iter().map(|addition| &addition.name).collect();
    let (mut seen, mut asking) = (BTreeSet::new(), Vec::new());
    while let Some(name) = queue.pop() {
        let Some(plugin) = lock.plugins.get(name).filter(|_| seen.insert(name.clone())) else { continue };
        queue.extend(plugin.dependencies().iter().map(|dependency| &dependency.name));
        if !unapproved(manifest, [plugin]).is_empty() {
            asking.push(plugin);
        }
    }
    asking
}

/// What's new in the lock, or another version, and asks for more than is approved.
fn changed<'l>(manifest: &Manifest, old: Option<&Lock>, new: &'l Lock) -> Vec<&'l LockedPlugin> {
    let changed: Vec<&LockedPlugin> = diff(old, new).iter().filter_map(|change| new.plugins.get(&change.name)).collect();
    unapproved(manifest, changed).iter().filter_map(|one| new.plugins.get(&one.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_from_the_project() {
        let relative = |place: &str, from: &str| relative_to(place.as_ref(), from.as_ref());
        assert_eq!(relative("/w/plugins/x", "/w/project").as_deref(), Some("../plugins/x"));
        assert_eq!(relative("/w/project/x", "/w/project").as_deref(), Some("x"));
        assert_eq!(relative("/w/project", "/w/project"), None);
    }
}
