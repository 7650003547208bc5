//! `mfp approve`: show what plugins ask for beside what's approved, ask a person, and write it down.
//!
//! Without a terminal somebody has to say it in flags: nothing in the environment approves anything. Where the user's policy
//! takes approvals only from the user's own file, they're written there, and the project's file stays as it is.

use mfp_model::capability::Capabilities;
use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::project::{Approval, ApprovalsFrom, Manifest, edit};
use mfp_model::source::{Pin, Source, SourceId};
use mfp_model::version::Version;
use mfp_store::fs::write_atomic;

use crate::app::App;
use crate::approvals::{Case, plain, policy_for, words};
use crate::changing::cant_edit;
use crate::cli::approve::ApproveArgs;
use crate::cli::spec::parse_name_at_version;
use crate::commands::info;
use crate::error::{Error, Result};
use crate::explain;
use crate::project::{MANIFEST, Project};
use crate::report::document::{ApproveDocument, DecisionDocument, Document};
use crate::report::{Event, Outcome};
use crate::user_config::UserConfig;
use crate::user_config::approvals::key;

/// What's to become of a plugin's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    /// It's as it should be.
    Nothing,
    /// This much is approved.
    Approve(Capabilities),
    /// Nothing is approved any more.
    Revoke,
}

/// Look, decide, write, for each plugin.
pub(crate) fn run(app: &App<'_>, args: &ApproveArgs) -> Result<Outcome> {
    let allowed = args.allow.capabilities();
    if !allowed.is_empty() && args.plugins.len() > 1 {
        return Err(Error::new("mfp::usage::arguments", "what's approved one by one is for exactly one plugin")
            .help("name one plugin, or approve what each asks for: `mfp approve NAME… --yes`"));
    }
    let mut project = app.project()?;
    let _held = project.hold(app.reporter)?;
    let manifest = project.manifest()?;
    let lock = project.lock()?;
    let cases = args.plugins.iter().map(|text| case(app, &project, &manifest, lock.as_ref(), args, text)).collect::<Result<Vec<_>>>()?;

    let mut decided = Vec::new();
    let mut undecided = Vec::new();
    for case in cases {
        let proposal = proposal(args, &case);
        let is_said = args.yes || args.revoke || !allowed.is_empty();
        let change = if is_said { Some(proposal) } else { ask(app, &case, proposal)? };
        match change {
            Some(change) => decided.push((case, change)),
            None => undecided.push(case),
        }
    }
    if !undecided.is_empty() {
        return Err(nobody_to_ask(&undecided));
    }
    let file = write(app, &mut project, &decided)?;
    report(app, &decided, file.as_deref());
    let approvals = decided.iter().map(|(case, change)| document(case, change)).collect();
    Ok(Outcome::done(Document::Approve(ApproveDocument { approvals, file })))
}

/// Ask about plugins of a lock that isn't written yet. Were all of them approved?
pub(crate) fn ask_before_adding(app: &App<'_>, manifest: &Manifest, plugins: &[&LockedPlugin]) -> Result<bool> {
    for plugin in plugins {
        let case = Case::locked(app, manifest, plugin);
        match ask(app, &case, Change::Approve(case.asked.clone())) {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(false),
            Err(no) if no.code() == "mfp::approval::declined" => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Approve all that these plugins of a lock that isn't written yet ask for: in the manifest's text, which is given back, or in
/// the user's own file, where only that counts.
pub(crate) fn approve_all(app: &App<'_>, project: &mut Project, text: &str, plugins: &[&LockedPlugin], dry_run: bool) -> Result<String> {
    let manifest = project.parse(text)?;
    if manifest.approvals_from == ApprovalsFrom::Project {
        return plugins.iter().try_fold(text.to_owned(), |text, plugin| {
            edit::set_approval(&text, &plugin.name, &plugin.approve(plugin.capabilities())).map_err(|error| cant_edit(&error))
        });
    }
    if dry_run {
        let approved = plugins.iter().map(|plugin| (plugin.name.clone(), plugin.approve(plugin.capabilities())));
        project.set_approvals(manifest.approvals.into_iter().chain(approved).collect());
        return Ok(text.to_owned());
    }
    let all = plugins.iter().map(|plugin| (Case::locked(app, &manifest, plugin), Change::Approve(plugin.capabilities())));
    write(app, project, &all.collect::<Vec<_>>())?;
    Ok(text.to_owned())
}

/// Ask about locked plugins, in the middle of another command. Were all of them approved?
pub(crate) fn ask_about(app: &App<'_>, names: &[PluginName]) -> Result<bool> {
    if !app.may_ask() {
        return Ok(false);
    }
    let mut project = app.project()?;
    let _held = project.hold(app.reporter)?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    let mut decided = Vec::new();
    for plugin in names.iter().filter_map(|name| lock.plugins.get(name)) {
        let case = Case::locked(app, &manifest, plugin);
        let next = Change::Approve(case.asked.clone());
        match ask(app, &case, next) {
            Ok(Some(change)) => decided.push((case, change)),
            Ok(None) => return Ok(false),
            Err(no) if no.code() == "mfp::approval::declined" => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    let file = write(app, &mut project, &decided)?;
    if let Some(file) = file {
        app.reporter.event(Event::Note(format!("Wrote {file}")));
    }
    Ok(true)
}

/// What's to be decided about: the locked version, or one that the registry has.
fn case(app: &App<'_>, project: &Project, manifest: &Manifest, lock: Option<&Lock>, args: &ApproveArgs, text: &str) -> Result<Case> {
    let (name, version) = parse_name_at_version(text)?;
    let locked = lock.and_then(|lock| lock.plugins.get(&name));
    match (locked, version) {
        (Some(plugin), None) => Ok(Case::locked(app, manifest, plugin)),
        (Some(plugin), Some(version)) if plugin.version() == Some(&version) => Ok(Case::locked(app, manifest, plugin)),
        (_, Some(version)) => offered(app, project, manifest, locked, args, &name, &version),
        (None, None) if args.revoke && manifest.approvals.contains_key(&name) => Ok(forgotten(app, manifest, name)),
        (None, None) => Err(match lock {
            Some(lock) => explain::not_locked(&name, lock),
            None => Error::new("mfp::lock::missing", "there's no plugins.lock, which says what plugins ask for").help("run `mfp lock`"),
        }),
    }
}

/// A version that the registry has, and that isn't locked. What it asks for is the registry's claim; the package must say the
/// same when it's fetched.
fn offered(
    app: &App<'_>,
    project: &Project,
    manifest: &Manifest,
    locked: Option<&LockedPlugin>,
    args: &ApproveArgs,
    name: &PluginName,
    version: &Version,
) -> Result<Case> {
    let registry = registry_of(manifest, locked, args, name)?;
    let alias = manifest.plugins.get(name).and_then(|entry| entry.request.package.as_ref());
    let id = locked.map(LockedPlugin::id).or(alias).unwrap_or(name);
    let line = info::line(app, &project.root, manifest, &registry, id, version)?;
    let source = SourceId::Registry(registry);
    let approval = manifest.approvals.get(name);
    Ok(Case {
        name: name.clone(),
        version: version.to_string(),
        is_locked: false,
        asked: line.capabilities,
        approved: manifest.approved(name, &source, line.signer.as_ref()).cloned().unwrap_or_default(),
        void: approval.and_then(|approval| approval.void(&source, line.signer.as_ref(), &manifest.registries)),
        policy: policy_for(app, manifest, &source),
        signer: line.signer,
        source,
    })
}

/// Where a version is looked for: where the plugin comes from.
fn registry_of(manifest: &Manifest, locked: Option<&LockedPlugin>, args: &ApproveArgs, name: &PluginName) -> Result<RegistryName> {
    let elsewhere = || {
        Error::new("mfp::usage::arguments", format!("{name} isn't from a registry, which could be asked for its versions"))
            .help(format!("name what it may do: `mfp approve {name} --http HOST`; `mfp approve --help` shows the rest"))
    };
    if let Some(package) = locked.and_then(LockedPlugin::package) {
        return match &package.pin {
            Pin::Registry { registry, .. } => Ok(registry.clone()),
            _ => Err(elsewhere()),
        };
    }
    match (manifest.plugins.get(name).map(|entry| &entry.request.source), &args.registry) {
        (Some(Source::Registry { registry, .. }), _) | (None, Some(registry)) => Ok(registry.clone()),
        (Some(_), _) => Err(elsewhere()),
        (None, None) => Ok(manifest.project.registry.clone()),
    }
}

/// An approval whose plugin isn't locked any more: it can still be taken back.
fn forgotten(app: &App<'_>, manifest: &Manifest, name: PluginName) -> Case {
    let approval = &manifest.approvals[&name];
    Case {
        version: "(not locked)".to_owned(),
        is_locked: false,
        source: approval.source.clone(),
        signer: approval.signer.clone(),
        asked: Capabilities::default(),
        approved: approval.capabilities.clone(),
        void: None,
        policy: policy_for(app, manifest, &approval.source),
        name,
    }
}

/// What the flags want; without any, what would be approved if the answer is yes.
fn proposal(args: &ApproveArgs, case: &Case) -> Change {
    if args.revoke {
        return Change::Revoke;
    }
    let allowed = args.allow.capabilities();
    let wanted = if allowed.is_empty() { case.asked.clone() } else { allowed.clone() };
    // A locked version says itself what's needed; what's named, or asked by another version, comes to what's there.
    let is_all = args.only || (allowed.is_empty() && case.is_locked);
    let next = if is_all { wanted } else { case.approved.union(&wanted).reduced() };
    match () {
        () if next == case.approved && case.void.is_none() => Change::Nothing,
        () if next.is_empty() => Change::Revoke,
        () => Change::Approve(next),
    }
}

/// Show it, and ask. `None`: there's nobody to ask. A no is an error: nothing is written.
fn ask(app: &App<'_>, case: &Case, proposal: Change) -> Result<Option<Change>> {
    let next = match &proposal {
        Change::Nothing => {
            app.reporter.event(Event::Note(case.table(&case.approved)));
            return Ok(Some(Change::Nothing));
        }
        Change::Approve(next) => next.clone(),
        Change::Revoke => Capabilities::default(),
    };
    app.reporter.event(Event::Note(case.table(&next)));
    if !app.may_ask() {
        return Ok(None);
    }
    let question = match &proposal {
        Change::Revoke => format!("{} asks for nothing. Take its approval back?", case.name),
        _ => format!("Approve {} for {}?", plain(&next), case.name),
    };
    if app.reporter.confirm(&question)? {
        return Ok(Some(proposal));
    }
    Err(Error::new("mfp::approval::declined", format!("nothing was approved: the answer for {} was no", case.name))
        .help(format!("approve less of it with flags: `mfp approve {} --only --http HOST`", case.name)))
}

fn nobody_to_ask(cases: &[Case]) -> Error {
    let point = |case: &Case| format!("{} {} asks for {}", case.name, case.version, words(&case.asked.excess(&case.approved)));
    let typed = |case: &Case| if case.is_locked { case.name.to_string() } else { format!("{}@{}", case.name, case.version) };
    let names: Vec<String> = cases.iter().map(typed).collect();
    Error::new("mfp::approval::undecided", "nobody is there to ask, and no flag says what is approved")
        .points(cases.iter().map(point))
        .note("no file was changed")
        .help(format!("if a person has decided that it may: `mfp approve {} --yes`", names.join(" ")))
        .detail("plugins", cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>())
}

/// Write what was decided: into the project's manifest, or where the user keeps their own. Which file it was, if any.
fn write(app: &App<'_>, project: &mut Project, decided: &[(Case, Change)]) -> Result<Option<String>> {
    let changes: Vec<_> = decided.iter().filter(|(_, change)| *change != Change::Nothing).collect();
    if changes.is_empty() {
        return Ok(None);
    }
    let manifest = project.manifest()?;
    let approval = |case: &Case, capabilities: &Capabilities, registry| Approval {
        source: case.source.clone(),
        registry,
        signer: case.signer.clone(),
        capabilities: capabilities.clone(),
    };
    if manifest.approvals_from == ApprovalsFrom::Project {
        let mut text = project.manifest_text.clone();
        for (case, change) in changes {
            text = match change {
                Change::Approve(next) => edit::set_approval(&text, &case.name, &approval(case, next, None)),
                Change::Revoke | Change::Nothing => edit::unset_approval(&text, &case.name),
            }
            .map_err(|error| cant_edit(&error))?;
        }
        project.parse(&text)?;
        project.save_manifest(text)?;
        return Ok(Some(MANIFEST.to_owned()));
    }
    let file = app.settings.user_config_file.as_deref().ok_or_else(|| Error::bug("a configuration that came from no file"))?;
    let before = std::fs::read_to_string(file).map_err(|error| explain::io("read", file, &error))?;
    let mut text = before;
    let folder = key(&project.root);
    for (case, change) in changes {
        let registry = match &case.source {
            SourceId::Registry(name) => manifest.registries.get(name).map(|registry| registry.url.clone()),
            _ => None,
        };
        text = match change {
            Change::Approve(next) => edit::set_user_approval(&text, &folder, &case.name, &approval(case, next, registry)),
            Change::Revoke | Change::Nothing => edit::unset_user_approval(&text, &folder, &case.name),
        }
        .map_err(|error| cant_edit(&error))?;
    }
    project.set_approvals(UserConfig::parse(&text, file)?.approvals.of(&project.root));
    write_atomic(file, text.as_bytes()).map_err(explain::store)?;
    Ok(Some(file.display().to_string()))
}

/// Say what was done, and what to type next.
fn report(app: &App<'_>, decided: &[(Case, Change)], file: Option<&str>) {
    let note = |text: String| app.reporter.event(Event::Note(text));
    for (case, change) in decided {
        match change {
            Change::Nothing if case.asked.is_empty() => note(format!("{} asks for nothing, and needs no approval", case.name)),
            Change::Nothing => note(format!("{} is approved for what it asks", case.name)),
            Change::Revoke => note(format!("Revoked what {} was approved for", case.name)),
            Change::Approve(next) => {
                note(format!("Approved {} for {}", plain(next), case.name));
                case.taken_away(next).into_iter().for_each(|line| note(format!("  {line}")));
                let lacking = case.asked.excess(next);
                if !lacking.is_empty() {
                    note(format!("{} {} asks for more: {}; it won't run with less", case.name, case.version, plain(&lacking)));
                }
            }
        }
    }
    let Some(file) = file else { return };
    let is_any = decided.iter().any(|(case, change)| !case.is_locked || is_for_a_newer_one(case, change));
    let next = if is_any { "mfp update" } else { "mfp sync" };
    note(format!("Wrote {file}; next: `{next}`"));
}

/// The locked version had all that it asks, and yet more was approved: that's for a version that was held back.
fn is_for_a_newer_one(case: &Case, change: &Change) -> bool {
    let is_more = matches!(change, Change::Approve(next) if !next.is_subset_of(&case.approved));
    is_more && case.void.is_none() && case.asked.is_subset_of(&case.approved)
}

fn document(case: &Case, change: &Change) -> DecisionDocument {
    let json = |capabilities: &Capabilities| serde_json::to_value(capabilities).unwrap_or_default();
    let approved = match change {
        Change::Nothing => case.approved.clone(),
        Change::Approve(next) => next.clone(),
        Change::Revoke => Capabilities::default(),
    };
    DecisionDocument {
        name: case.name.to_string(),
        version: case.version.clone(),
        locked: case.is_locked,
        source: case.source.redacted(),
        signer: case.signer.as_ref().map(ToString::to_string),
        asked: json(&case.asked),
        before: json(&case.approved),
        approved: json(&approved),
        effective: json(&case.effective(&approved)),
        broad: case.asked.broad(),
        void: case.void.as_ref().map(ToString::to_string),
        changed: *change != Change::Nothing,
    }
}
