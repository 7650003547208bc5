//! What's looked at, one function a matter. A check changes nothing, opens no socket, and gives what's wrong; an `Err` means
//! that it couldn't look.

use mfp_model::lock::{Lock, LockedPlugin, Violation, Warned, denied_by_advisories, staleness, unapproved, violations};
use mfp_model::plugin::Difference;
use mfp_model::project::Manifest;
use mfp_store::layout::{Layout, ProblemKind};
use mfp_store::vendor::Vendor;
use mfp_store::{Store, StoreError};

use crate::advisories::{Book, words};
use crate::app::App;
use crate::configs::{self, Misfit};
use crate::error::Result;
use crate::explain::{self, Explained};
use crate::installing::{Groups, selected, stored_mismatch, vendored_folders};
use crate::locking::path_contents;
use crate::project::{LOCK, Project};
use crate::signing;

/// Everything that a check may look at.
pub(super) struct Subject<'a> {
    pub(super) app: &'a App<'a>,
    pub(super) store: &'a Store,
    pub(super) project: &'a Project,
    pub(super) manifest: &'a Manifest,
    pub(super) lock: &'a Lock,
    /// The plugins in question: the named ones, or all.
    pub(super) plugins: Vec<&'a LockedPlugin>,
    /// What's known of the registries' warnings.
    pub(super) book: &'a Book,
    /// Is the project as a whole in question?
    pub(super) is_whole: bool,
}

/// One thing that's wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// A code of the catalogue, which says how bad it is.
    pub(super) code: &'static str,
    /// The plugin, or what else it's about.
    pub(super) name: String,
    /// What's wrong with it, as the rest of a sentence that begins with the name.
    pub(super) message: String,
}

impl Finding {
    /// About a plugin.
    pub(super) fn about(code: &'static str, plugin: &LockedPlugin, message: impl Into<String>) -> Self {
        Self { code, name: plugin.name.to_string(), message: message.into() }
    }
}

/// Looks at one matter.
pub(super) type Check = fn(&Subject<'_>) -> Result<Vec<Finding>>;

/// All of them, in the order in which what they find is told.
pub(super) const CHECKS: &[Check] = &[fresh, stored, described, signed, vendored, laid_out, approved, permitted, warned_of, configured];

impl Subject<'_> {
    pub(super) fn is_meant(&self, name: &str) -> bool {
        self.is_whole || self.plugins.iter().any(|plugin| plugin.name.as_str() == name)
    }
}

/// Does the lock say what the manifest wants, and is it closed?
fn fresh(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    if !subject.is_whole {
        return Ok(Vec::new());
    }
    let unmerged = crate::merging::refuse_unmerged(subject.project).err().map(|error| Finding {
        code: error.code(),
        name: LOCK.to_owned(),
        message: "isn't merged: git has another side of it".to_owned(),
    });
    let reasons = staleness(subject.manifest, subject.lock, &path_contents(&subject.project.root, subject.manifest)?);
    let finding = |reason: &_| Finding { code: "mfp::lock::stale", name: LOCK.to_owned(), message: format!("{reason}") };
    Ok(unmerged.into_iter().chain(reasons.iter().map(finding)).collect())
}

/// Is the store's copy of each plugin what the lock says? Optional groups that nobody synced needn't be there.
fn stored(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let of_project = selected(subject.lock, &Groups::None);
    let folders = vendors(subject)?;
    let elsewhere = |plugin: &LockedPlugin| folders.iter().any(|folder| folder.contains(&plugin.content));
    let found = subject.plugins.iter().filter(|plugin| plugin.package().is_some()).filter_map(|plugin| {
        let message = match subject.store.need(&plugin.content).and_then(|stored| stored.check()) {
            Ok(()) => return None,
            Err(StoreError::Missing { .. }) if !of_project.contains_key(&plugin.name) || elsewhere(plugin) => return None,
            Err(StoreError::Missing { .. }) => "isn't in the store".to_owned(),
            Err(error) => error.to_string(),
        };
        Some(Finding::about("mfp::store::damaged", plugin, message))
    });
    Ok(found.collect())
}

/// Does each plugin say about itself what the lock says about it? A lock that was edited names the right bytes, and asks for
/// other capabilities.
fn described(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mismatches = subject.plugins.iter().filter_map(|plugin| Some((plugin, stored_mismatch(subject.store, plugin)?)));
    let told = mismatches.flat_map(|(plugin, mismatch)| {
        let difference = |one: &Difference| format!("{}: {} in plugin.yaml, {} in {LOCK}", one.field, one.manifest, one.other);
        mismatch.differences.iter().map(|one| Finding::about(mismatch.code(), plugin, difference(one))).collect::<Vec<_>>()
    });
    Ok(told.collect())
}

/// Does a signature beside each plugin's content, in the store or in a vendored folder, prove what the lock says?
fn signed(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let folders = vendors(subject)?;
    let mut found = Vec::new();
    for plugin in subject.plugins.iter().filter(|plugin| plugin.signer().is_some()) {
        let stored = subject.store.get(&plugin.content).ok().flatten();
        let copies: Vec<&Vendor> = folders.iter().filter(|folder| folder.contains(&plugin.content)).collect();
        if stored.is_none() && copies.is_empty() {
            continue;
        }
        let mut files = stored.map(|stored| stored.signatures()).transpose().explained()?.unwrap_or_default();
        files.extend(copies.iter().filter_map(|folder| folder.signature(&plugin.content)));
        if let Err(error) = signing::prove(plugin, &files) {
            found.push(Finding::about(error.code(), plugin, error.message().to_owned()));
        }
    }
    Ok(found)
}

/// Does each vendored folder hold what it would have to give? What a folder doesn't have comes from elsewhere.
fn vendored(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for folder in vendors(subject)? {
        for plugin in subject.plugins.iter().filter(|plugin| plugin.package().is_some() && folder.contains(&plugin.content)) {
            if let Err(error) = folder.check(&plugin.content) {
                found.push(Finding::about("mfp::integrity::content", plugin, format!("its vendored copy: {error}")));
            }
        }
    }
    Ok(found)
}

fn vendors(subject: &Subject<'_>) -> Result<Vec<Vendor>> {
    let open = |folder: &std::path::PathBuf| {
        Vendor::open(folder).map_err(|error| explain::store(error).help("`mfp vendor DIR` makes a vendored folder"))
    };
    vendored_folders(subject.app, subject.project, subject.manifest).iter().map(open).collect()
}

/// Is every laid-out file what it was laid out as?
fn laid_out(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let folder = std::path::Path::new(subject.manifest.project.plugin_dir.as_str());
    let layout = Layout::open(&subject.project.root, folder).explained()?;
    let changed = layout.check(subject.store).explained()?.into_iter().map(|problem| {
        let what = match problem.kind {
            ProblemKind::Missing => "is missing",
            ProblemKind::Changed => "was changed",
            ProblemKind::Extra => "isn't the plugin's",
        };
        let path = problem.path.map_or_else(|| "its folder".to_owned(), |path| format!("`{path}`"));
        let message = format!("{path} in the plugin folder {what}");
        Finding { code: "mfp::layout::changed", name: problem.plugin.to_string(), message }
    });
    let outdated = layout.plugins().iter().filter_map(|(name, laid_out)| {
        let message = match subject.lock.plugins.get(name) {
            Some(locked) if locked.content == laid_out.content => return None,
            Some(_) => "in the plugin folder isn't what's locked",
            None => "in the plugin folder is no longer locked",
        };
        Some(Finding { code: "mfp::layout::out-of-date", name: name.to_string(), message: message.to_owned() })
    });
    Ok(changed.chain(outdated).filter(|finding| subject.is_meant(&finding.name)).collect())
}

/// Does the project's policy allow each plugin?
fn permitted(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let finding = |one: Violation| Finding {
        code: one.breach.code(),
        name: one.name.to_string(),
        message: format!("{} (`{}` in [policy])", one.breach, one.breach.setting()),
    };
    let found = violations(subject.manifest, subject.lock).into_iter().map(finding);
    Ok(found.filter(|finding| subject.is_meant(&finding.name)).collect())
}

/// Is what the project configures what the plugins take? Of those that can be read: what's damaged is said above.
fn configured(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let readable = |plugin: &&LockedPlugin| {
        let stored = subject.store.get(&plugin.content).ok().flatten();
        stored.is_some_and(|stored| mfp_loader::described(plugin, &stored).is_ok())
    };
    let misfits = configs::misfits(subject.store, subject.manifest, subject.plugins.iter().copied().filter(readable))?;
    let finding = |misfit: Misfit| Finding {
        code: "mfp::config::invalid",
        name: misfit.plugin.to_string(),
        message: format!("its configuration: {}", crate::report::clean(&misfit.violation.to_string())),
    };
    Ok(misfits.into_iter().map(finding).collect())
}

/// Does a registry block something, in a project that stops at that? By what's known of it.
fn warned_of(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let denied = denied_by_advisories(subject.manifest, subject.lock, |registry| subject.book.of(registry));
    let finding = |one: Warned| Finding {
        code: "mfp::policy::advisory",
        name: one.name.to_string(),
        message: format!("{} (`advisories` in [policy])", words(&one.advisory)),
    };
    Ok(denied.into_iter().map(finding).filter(|finding| subject.is_meant(&finding.name)).collect())
}

/// Did a person allow what each plugin asks for?
fn approved(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let finding = |one: &mfp_model::lock::Unapproved| Finding {
        code: "mfp::approval::missing",
        name: one.name.to_string(),
        message: "asks for more than was approved".to_owned(),
    };
    Ok(unapproved(subject.manifest, subject.plugins.iter().copied()).iter().map(finding).collect())
}
