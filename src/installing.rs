//! From a lock to a plugin folder: what `sync`, `add`, `remove`, `update` and `run` have in common.
//!
//! Choose what the groups want, keep back what nobody approved, see what's laid out already, bring what's missing into
//! the store (a vendored folder first, then the network), and switch the plugin folder over. [`prepare`] does everything up
//! to the switch, so that a command can fail before it has changed a file of the project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use mfp_model::content::MANIFEST_FILE;
use mfp_model::digest::ContentDigest;
use mfp_model::lock::{Lock, LockedPlugin, Unapproved, unapproved};
use mfp_model::name::{GroupName, PluginName};
use mfp_model::plugin::{MetadataMismatch, PluginManifest};
use mfp_model::project::{Advisories, DEFAULT_PLUGIN_DIR, Manifest};
use mfp_model::source::Pin;
use mfp_store::layout::{Layout, LayoutPlan, LinkMode, Record};
use mfp_store::vendor::Vendor;
use mfp_store::{Store, StoreGuard, Stored, Tree, Verified};

use crate::app::App;
use crate::cli::project::LinkModeArg;
use crate::configs;
use crate::error::{Error, Exit, Result};
use crate::explain::{self, Explained};
use crate::project::{LOCK, Project};
use crate::report::document::{ChangeDocument, ChangeKind, ChangeSide};
use crate::report::{ChangeLine, Event};
use crate::signing;
use crate::sources::fetch::{check_package, fetch_missing};
use crate::user_config::LinkModeName;

/// Which optional groups are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Groups {
    /// None.
    #[default]
    None,
    /// These.
    Some(BTreeSet<GroupName>),
    /// All.
    All,
}

impl Groups {
    fn want(&self, of: &BTreeSet<GroupName>) -> bool {
        match self {
            _ if of.is_empty() => true,
            Self::None => false,
            Self::Some(names) => !names.is_disjoint(of),
            Self::All => true,
        }
    }

    /// A text that's different for each choice.
    fn key(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Some(names) => names.iter().map(GroupName::as_str).collect::<Vec<_>>().join(","),
            Self::All => "*".to_owned(),
        }
    }
}

/// The plugins that a choice of groups wants, and everything they depend on.
pub(crate) fn selected<'l>(lock: &'l Lock, groups: &Groups) -> BTreeMap<PluginName, &'l LockedPlugin> {
    let mut wanted = BTreeMap::new();
    let mut queue: Vec<&PluginName> =
        lock.requirements.iter().filter(|(_, request)| groups.want(&request.groups)).map(|(name, _)| name).collect();
    while let Some(name) = queue.pop() {
        let Some(plugin) = lock.plugins.get(name) else { continue };
        if wanted.insert(name.clone(), plugin).is_none() {
            queue.extend(plugin.dependencies().iter().filter(|dependency| !dependency.optional).map(|dependency| &dependency.name));
        }
    }
    wanted
}

/// What's to be done to the plugin folder, with every byte of it in the store.
#[derive(Debug)]
pub(crate) struct Prepared {
    layout: Layout,
    plan: LayoutPlan,
    /// The same in terms of versions.
    pub(crate) changes: Vec<FolderChange>,
    store: Store,
    _guard: Option<StoreGuard>,
    wanted: usize,
    /// Plugins that are kept back.
    pub(crate) unapproved: Vec<Unapproved>,
    /// Do the texts of manifest and lock say all that the plugin folder will hold, and that it may hold it? What a registry
    /// warns of can change while they don't.
    may_stamp: bool,
    manner: Manner,
}

/// What an installation is to be like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) groups: Groups,
    pub(crate) link_mode: Option<LinkModeArg>,
    /// Only look: fetch nothing.
    pub(crate) only_plan: bool,
    /// What happens to plugins that are locked and not wanted by these groups.
    pub(crate) manner: Manner,
}

/// What happens to plugins that are laid out and locked, but not wanted by the chosen groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Manner {
    /// They go: the plugin folder becomes exactly what was asked for.
    #[default]
    Exact,
    /// They stay: the command isn't about groups.
    Keeping,
    /// They stay, and nothing is said if nothing was to be done.
    BeforeRun,
}

/// Plan, and bring what's missing into the store.
pub(crate) fn prepare(app: &App<'_>, project: &Project, manifest: &Manifest, lock: &Lock, options: &Options) -> Result<Prepared> {
    let store = app.store()?;
    let layout = Layout::open(&project.root, Path::new(manifest.project.plugin_dir.as_str())).explained()?;
    let mut wanted = selected(lock, &options.groups);
    // A service has no files.
    wanted.retain(|_, plugin| plugin.package().is_some());
    let asked_for = wanted.len();
    if options.manner != Manner::Exact {
        wanted.extend(layout.plugins().keys().filter_map(|name| Some((name.clone(), lock.plugins.get(name)?))));
    }
    let unapproved = unapproved(manifest, wanted.values().copied());
    let kept_back: BTreeSet<&PluginName> = unapproved.iter().map(|one| &one.name).collect();
    let contents: BTreeMap<PluginName, ContentDigest> =
        wanted.values().filter(|plugin| !kept_back.contains(&plugin.name)).map(|plugin| (plugin.name.clone(), plugin.content)).collect();
    let plan = layout.plan(&contents).explained()?;
    let is_more = wanted.len() > asked_for;
    let of_plan = plan.needed();
    let at_hand = AtHand::look(&store, &wanted.values().copied().collect::<Vec<_>>(), |plugin| {
        // A command that's about other plugins leaves those that it doesn't lay out to whoever syncs, verifies or loads them.
        !options.only_plan && (options.manner != Manner::Keeping || of_plan.contains_key(&plugin.name))
    });
    if let Some((_, problem)) = at_hand.unproven.first().filter(|_| options.only_plan) {
        return Err(problem.clone());
    }
    let has_folders = wanted.values().any(|plugin| plugin.package().is_some_and(|package| matches!(package.pin, Pin::Path { .. })));
    let mut guard = None;
    if !options.only_plan {
        if let Some(error) = at_hand.otherwise {
            return Err(error);
        }
        // Laid out already, and yet not proven to be by whom the lock says now: those are needed too.
        let needed: Vec<&LockedPlugin> = wanted
            .values()
            .copied()
            .filter(|plugin| of_plan.contains_key(&plugin.name) || kept_back.contains(&plugin.name))
            .chain(at_hand.unproven.iter().map(|(plugin, _)| *plugin))
            .collect();
        if !needed.is_empty() {
            guard = Some(hold_store(app, &store)?);
            bring_missing(app, &store, project, manifest, &needed, at_hand.unproven)?;
        }
        configs::refuse(&store, project, manifest, wanted.values().copied())?;
    }
    let changes = folder_changes(&plan, lock, &store);
    Ok(Prepared {
        layout,
        plan,
        changes,
        store,
        _guard: guard,
        wanted: contents.len(),
        unapproved,
        may_stamp: !has_folders && !is_more && manifest.policy.advisories == Advisories::Warn,
        manner: options.manner,
    })
}

/// What a stored plugin says about itself.
pub(crate) fn described(plugin: &LockedPlugin, stored: &Stored) -> Result<PluginManifest> {
    mfp_loader::described(plugin, stored).map_err(explain::locked)
}

/// So many plugins are looked at in the time that it takes to start a thread and to wait for it.
const WORTH_A_THREAD: usize = 32;

/// What the store has of some plugins. It was checked when it came in, against the lock of that day: this one must say the same.
#[derive(Debug, Default)]
struct AtHand<'l> {
    /// Those whose signatures don't prove what the lock says about their signers, with what's wrong.
    unproven: Vec<(&'l LockedPlugin, Error)>,
    /// The first of which the lock says other things than it does itself.
    otherwise: Option<Error>,
}

impl<'l> AtHand<'l> {
    /// Look at each once, on as many threads as it's worth. What a plugin says about itself is looked at only where it's asked for.
    fn look(store: &Store, plugins: &[&'l LockedPlugin], is_read: impl Fn(&LockedPlugin) -> bool + Sync) -> Self {
        let share = plugins.len().div_ceil(mfp_store::cores()).max(WORTH_A_THREAD);
        let look_at = |share: &[&'l LockedPlugin]| {
            let mut found = Self::default();
            for plugin in share {
                found.add(store, plugin, is_read(plugin));
            }
            found
        };
        if plugins.len() <= share {
            return look_at(plugins);
        }
        std::thread::scope(|scope| {
            let workers: Vec<_> = plugins.chunks(share).map(|share| scope.spawn(|| look_at(share))).collect();
            workers.into_iter().fold(Self::default(), |found, worker| found.and(worker.join().expect("reading and comparing don't panic")))
        })
    }

    fn add(&mut self, store: &Store, plugin: &'l LockedPlugin, is_read: bool) {
        if let Some(problem) = signing::stored_problem(store, plugin) {
            self.unproven.push((plugin, problem));
        } else if is_read && self.otherwise.is_none() {
            self.otherwise = stored_mismatch(store, plugin).map(|mismatch| explain::metadata(&plugin.name, &mismatch));
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.unproven.extend(other.unproven);
        Self { otherwise: self.otherwise.or(other.otherwise), ..self }
    }
}

/// In what the store's copy doesn't say what the lock says. What's damaged or missing is found where it's used.
pub(crate) fn stored_mismatch(store: &Store, plugin: &LockedPlugin) -> Option<MetadataMismatch> {
    let stored = store.get(&plugin.content).ok().flatten()?;
    let described = mfp_loader::described(plugin, &stored).ok()?;
    described.metadata().check_against(&plugin.metadata()?, LOCK).err()
}

/// Keep the garbage collector away. Waiting for it is announced and bounded.
pub(crate) fn hold_store(app: &App<'_>, store: &Store) -> Result<StoreGuard> {
    store
        .share(app.settings.user.lock_timeout, &mut |path| app.reporter.event(Event::Waiting { path: path.display().to_string() }))
        .explained()
}

/// Bring contents into the store that aren't there, or without the signature that proves them: from the vendored folders first,
/// then from where they come from.
pub(crate) fn bring(app: &App<'_>, store: &Store, project: &Project, manifest: &Manifest, plugins: &[&LockedPlugin]) -> Result<()> {
    let unproven = AtHand::look(store, plugins, |_| false).unproven;
    bring_missing(app, store, project, manifest, plugins, unproven)
}

/// The same where it's known already which of them are here and not proven.
fn bring_missing(
    app: &App<'_>,
    store: &Store,
    project: &Project,
    manifest: &Manifest,
    plugins: &[&LockedPlugin],
    unproven: Vec<(&LockedPlugin, Error)>,
) -> Result<()> {
    let is_unproven = |plugin: &LockedPlugin| unproven.iter().any(|(one, _)| one.name == plugin.name);
    let is_missing = |plugin: &&LockedPlugin| plugin.package().is_some() && (!store.contains(&plugin.content) || is_unproven(plugin));
    let mut missing: Vec<&LockedPlugin> = plugins.iter().copied().filter(is_missing).collect();
    // What's wrong with the signatures that are here, in case that there are no others to be had.
    let mut unproven = unproven.into_iter().next().map(|(_, error)| error);
    for folder in vendored_folders(app, project, manifest) {
        let vendor = Vendor::open(&folder).map_err(|error| explain::store(error).help("`mfp vendor DIR` makes a vendored folder"))?;
        let mut still = Vec::new();
        for plugin in missing {
            if !vendor.contains(&plugin.content) {
                still.push(plugin);
                continue;
            }
            match vendored(store, &vendor, plugin) {
                Ok(tree) => store.insert(tree).explained()?,
                Err(error) if signing::is_about(&error) => {
                    unproven.get_or_insert(error);
                    still.push(plugin);
                }
                Err(error) => return Err(error),
            }
        }
        missing = still;
    }
    fetch_missing(app, store, manifest, &project.root, &missing).map_err(|error| match unproven {
        Some(unproven) if error.exit() == Exit::Network || error.is_missing_artifact() => unproven,
        _ => error,
    })
}

/// What a vendored folder has for a plugin, verified.
pub(crate) fn vendored(store: &Store, vendor: &Vendor, plugin: &LockedPlugin) -> Result<Verified<Tree>> {
    let tree = vendor.ingest(store, &plugin.content).map_err(|error| explain::store(error).about(&plugin.name))?;
    if let Some(package) = plugin.package() {
        check_package(plugin, package, &tree)?;
    }
    Ok(tree)
}

/// The vendored folders that content is looked for in, in this order.
pub(crate) fn vendored_folders(app: &App<'_>, project: &Project, manifest: &Manifest) -> Vec<PathBuf> {
    let named = app.settings.vendor.clone();
    let of_project = manifest.project.vendor.as_ref().map(|path| path.under(&project.root)).filter(|folder| folder.exists());
    named.into_iter().chain(of_project).collect()
}

impl Prepared {
    /// Is there anything to change?
    pub(crate) fn is_noop(&self) -> bool {
        self.plan.is_empty()
    }

    /// Lay out again what was changed in the plugin folder, also where its stamps don't show it: every file is hashed.
    pub(crate) fn repair_changed(&mut self) -> Result<()> {
        for problem in self.layout.check(&self.store).explained()? {
            let content = self.layout.plugins().get(&problem.plugin).map(|laid_out| laid_out.content);
            if let Some(content) = content.filter(|_| self.plan.keep.remove(&problem.plugin)) {
                self.plan.repair.insert(problem.plugin, content);
            }
        }
        Ok(())
    }

    /// Say what would be done, without doing it.
    pub(crate) fn describe(&self, app: &App<'_>) {
        app.reporter.event(Event::Changes(self.changes.iter().map(FolderChange::line).collect()));
    }

    /// Switch the plugin folder over, and say what was done.
    pub(crate) fn apply(mut self, app: &App<'_>, project: &Project, options: &Options) -> Result<Vec<Unapproved>> {
        let started = Instant::now();
        let mode = link_mode(options.link_mode, app.settings.user.link_mode);
        let is_exact = self.unapproved.is_empty() && self.may_stamp;
        let stamp =
            if is_exact { stamp(project, project.lock_text.as_deref().unwrap_or_default(), &options.groups) } else { String::new() };
        if !self.plan.is_empty() || self.layout.stamp() != stamp {
            let applied = self.layout.apply(&self.plan, &self.store, mode, &stamp).explained()?;
            for path in &applied.left {
                let text = format!("{} holds what isn't mfp's, so it was left where it is", project.shown(path).display());
                app.reporter.event(Event::Warning { code: "mfp::layout::foreign", text });
            }
        }
        let placed = self.plan.add.len() + self.plan.update.len() + self.plan.repair.len();
        app.reporter.event(match () {
            () if self.plan.is_empty() && self.manner == Manner::BeforeRun => {
                Event::Detail("the plugin folder is as it should be".to_owned())
            }
            () if self.plan.is_empty() => Event::Checked { count: self.wanted, elapsed: started.elapsed() },
            () if placed > 0 => Event::Installed { count: placed, elapsed: started.elapsed() },
            () => Event::Removed { count: self.plan.remove.len() },
        });
        self.describe(app);
        Ok(self.unapproved)
    }
}

/// One plugin's change in the plugin folder.
#[derive(Debug, Clone)]
pub(crate) struct FolderChange {
    name: PluginName,
    kind: ChangeKind,
    from: Option<ChangeSide>,
    to: Option<ChangeSide>,
    source: String,
    note: Option<String>,
}

impl FolderChange {
    fn line(&self) -> ChangeLine {
        let version = |side: &Option<ChangeSide>| side.as_ref().map(|side| side.version.clone()).unwrap_or_default();
        let (name, note) = (self.name.to_string(), self.note.clone());
        match self.kind {
            ChangeKind::Added => ChangeLine::Added { name, version: version(&self.to), note },
            ChangeKind::Removed => ChangeLine::Removed { name, version: version(&self.from) },
            ChangeKind::Updated => ChangeLine::Updated { name, from: version(&self.from), to: version(&self.to), note },
        }
    }

    /// The same for `--json`.
    pub(crate) fn document(&self) -> ChangeDocument {
        ChangeDocument {
            name: self.name.to_string(),
            kind: self.kind,
            from: self.from.clone(),
            to: self.to.clone(),
            source: self.source.clone(),
        }
    }
}

/// What a plan does, in terms of versions. What's laid out now is known by its content; the store still knows its version.
fn folder_changes(plan: &LayoutPlan, lock: &Lock, store: &Store) -> Vec<FolderChange> {
    let to = |name: &PluginName| lock.plugins.get(name).map(side);
    let change = |name: &PluginName, kind, from: Option<ChangeSide>, to: Option<ChangeSide>| {
        let plugin = lock.plugins.get(name);
        let source = plugin.map(|plugin| plugin.source().redacted()).unwrap_or_default();
        FolderChange { name: name.clone(), kind, from, to, source, note: plugin.and_then(source_note) }
    };
    let added = plan.add.keys().map(|name| change(name, ChangeKind::Added, None, to(name)));
    let updated =
        plan.update.iter().map(|(name, update)| change(name, ChangeKind::Updated, Some(stored_side(store, &update.from)), to(name)));
    let repaired = plan.repair.keys().map(|name| change(name, ChangeKind::Updated, to(name), to(name)));
    let removed = plan.remove.iter().map(|(name, content)| change(name, ChangeKind::Removed, Some(stored_side(store, content)), None));
    added.chain(updated).chain(repaired).chain(removed).collect()
}

/// What a content is that no lock at hand names. Its version is in the store's copy, if that's still there.
fn stored_side(store: &Store, content: &ContentDigest) -> ChangeSide {
    let manifest = store
        .get(content)
        .ok()
        .flatten()
        .and_then(|stored| stored.read(MANIFEST_FILE).ok())
        .and_then(|text| PluginManifest::from_bytes(&text).ok());
    let capabilities = manifest.as_ref().map(|manifest| serde_json::to_value(&manifest.capabilities).unwrap_or_default());
    let version = manifest.map_or_else(|| content.hex()[..12].to_owned(), |manifest| manifest.version.to_string());
    ChangeSide { version, content: content.to_string(), commit: None, capabilities: capabilities.unwrap_or_else(|| serde_json::json!({})) }
}

/// One side of a change.
pub(crate) fn side(plugin: &LockedPlugin) -> ChangeSide {
    ChangeSide {
        version: plugin.version().map_or_else(String::new, ToString::to_string),
        content: plugin.content.to_string(),
        commit: plugin.package().and_then(|package| package.pin.commit()).map(ToString::to_string),
        capabilities: serde_json::to_value(plugin.capabilities()).unwrap_or_default(),
    }
}

/// Where a plugin is from, if it isn't a registry.
pub(crate) fn source_note(plugin: &LockedPlugin) -> Option<String> {
    match &plugin.package()?.pin {
        Pin::Registry { .. } => None,
        Pin::Url { url, .. } => Some(url.redacted()),
        Pin::Git { url, reference, commit, subdir, .. } => {
            let named = reference.key_and_value().map(|(_, name)| format!("#{name}")).unwrap_or_default();
            let folder = subdir.as_ref().map(|folder| format!("{}:{folder}", if named.is_empty() { "#" } else { "" })).unwrap_or_default();
            Some(format!("{url}{named}{folder} at {}", &commit.as_str()[..7]))
        }
        Pin::Path { path } => Some(path.as_str().to_owned()),
    }
}

fn link_mode(flag: Option<LinkModeArg>, configured: Option<LinkModeName>) -> LinkMode {
    match (flag, configured) {
        (Some(LinkModeArg::Clone), _) | (None, Some(LinkModeName::Clone)) => LinkMode::Clone,
        (Some(LinkModeArg::Hardlink), _) | (None, Some(LinkModeName::Hardlink)) => LinkMode::Hardlink,
        (Some(LinkModeArg::Copy), _) | (None, Some(LinkModeName::Copy)) => LinkMode::Copy,
        (Some(LinkModeArg::Symlink), _) | (None, Some(LinkModeName::Symlink)) => LinkMode::Symlink,
        (Some(LinkModeArg::Auto), _) | (None, Some(LinkModeName::Auto) | None) => LinkMode::Auto,
    }
}

/// What a synced project's texts are known by. A project that's the same needs no parsing to know that nothing is to be done.
fn stamp(project: &Project, lock: &str, groups: &Groups) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [env!("CARGO_PKG_VERSION"), &project.manifest_text, lock, &groups.key(), &project.approvals_key()] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Is the plugin folder exactly what these texts say, as far as a look at its files' stamps can tell? Then how many plugins
/// it holds. Reads no TOML, and is allowed to not know.
pub(crate) fn is_synced(project: &Project, groups: &Groups) -> Option<usize> {
    // Where the plugin folder is stands in the manifest, unless it's the usual one.
    if project.manifest_text.contains("plugin-dir") {
        return None;
    }
    let folder = project.root.join(DEFAULT_PLUGIN_DIR);
    let record = Record::load(&folder).ok()??;
    let stamp = stamp(project, project.lock_text.as_deref()?, groups);
    (record.stamp() == stamp && record.stamps_match(&folder)).then(|| record.plugins().len())
}
