//! Which locked plugins has their registry warned of, and may a command go on?
//!
//! A registry speaks for its own plugins only. A *blocking* advisory keeps a version from being chosen and stops whoever would
//! lock it. What's locked already is another matter: a registry mustn't hold a kill switch over projects, so installing and
//! loading stop only where the project says `advisories = "deny"`, and go by what's known without asking.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mfp_model::index::packed::PackedLine;
use mfp_model::lock::{Lock, LockedPlugin, Warned, denied_by_advisories, warned};
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::project::Manifest;
use mfp_model::registry_files::{Advisories, Advisory};
use mfp_model::source::Pin;
use mfp_model::version::Version;
use mfp_resolver::{Held, Origin, PackageKey};

use crate::app::App;
use crate::error::{Error, Excerpt, Result};
use crate::gate::Rule;
use crate::project::MANIFEST;
use crate::report::{Event, clean};
use crate::sources::registry::{KnownAdvisories, known_advisories};
use crate::sources::{Registries, registry};

/// What registries are known to have warned of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book(pub(crate) BTreeMap<RegistryName, KnownAdvisories>);

/// `greet 1.0.0 has the advisory ACME-1 (high): it greets strangers`
pub(crate) fn sentence(hit: &Warned) -> String {
    format!("{} {} {}", hit.name, hit.version, words(&hit.advisory))
}

/// As the rest of a sentence that begins with a name and a version.
pub(crate) fn words(advisory: &Advisory) -> String {
    let title = shortened(&advisory.title);
    let title = if title.is_empty() { String::new() } else { format!(": {title}") };
    format!("has the advisory {} ({}){title}", clean(&advisory.id), advisory.severity.as_str())
}

/// A registry's words, neutral and on one line.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    let shown: String = clean(text.trim()).chars().take(LONGEST).collect();
    if clean(text.trim()).chars().count() > LONGEST { format!("{shown}…") } else { shown }
}

impl Book {
    /// What's known without asking anybody.
    pub(crate) fn known(app: &App<'_>, manifest: &Manifest, root: &Path) -> Self {
        let of = |(name, registry): (&RegistryName, _)| (name.clone(), known_advisories(&app.settings, registry, root));
        Self(manifest.registries.iter().map(of).collect())
    }

    /// What's known of one registry's.
    pub(crate) fn of(&self, registry: &RegistryName) -> Option<&Advisories> {
        self.0.get(registry).map(|known| &known.advisories)
    }

    /// Every advisory about what's locked.
    pub(crate) fn hits(&self, lock: &Lock) -> Vec<Warned> {
        warned(lock, |registry| self.of(registry))
    }

    /// Those that stop a command which locks.
    pub(crate) fn blocking(&self, lock: &Lock) -> Vec<Warned> {
        self.hits(lock).into_iter().filter(|hit| hit.advisory.block).collect()
    }

    fn blocks(&self, registry: &RegistryName, name: &PluginName, version: &Version) -> Option<&Advisory> {
        self.of(registry)?.about(name, version).find(|advisory| advisory.block)
    }

    /// The registries that are known to block something.
    pub(crate) fn blockers(&self) -> BTreeSet<RegistryName> {
        let blocks = |known: &KnownAdvisories| known.advisories.entries.iter().any(|one| one.block);
        self.0.iter().filter(|(_, known)| blocks(known)).map(|(name, _)| name.clone()).collect()
    }

    /// Would a decision come out alike with the other one?
    pub(crate) fn blocks_like(&self, other: &Self) -> bool {
        let blocking = |book: &Self| -> Vec<(RegistryName, Advisory)> {
            let of = |(name, known): (&RegistryName, &KnownAdvisories)| {
                known.advisories.entries.iter().filter(|one| one.block).map(|one| (name.clone(), one.clone())).collect::<Vec<_>>()
            };
            book.0.iter().flat_map(of).collect()
        };
        blocking(self) == blocking(other)
    }
}

/// Versions with a blocking advisory aren't chosen.
#[derive(Debug)]
pub(crate) struct Blocked<'a>(pub(crate) &'a Book);

impl Rule for Blocked<'_> {
    fn held(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Held> {
        let Origin::Registry(registry) = &key.origin else { return None };
        let advisory = self.0.blocks(registry, &key.name, &line.version)?;
        Some(Held { reason: format!("{}, which blocks it", words(advisory)), setting: None, by_policy: true })
    }
}

/// The registries that something is locked from: others have nothing to say.
pub(crate) fn used_by(lock: &Lock) -> BTreeSet<RegistryName> {
    let of = |plugin: &LockedPlugin| match &plugin.package()?.pin {
        Pin::Registry { registry, .. } => Some(registry.clone()),
        _ => None,
    };
    lock.plugins.values().filter_map(of).collect()
}

/// What was learned by asking, and who couldn't be asked.
pub(crate) struct Asked {
    pub(crate) book: Book,
    pub(crate) failed: Vec<(RegistryName, Error)>,
}

/// Ask these registries. Of one that can't be asked, what was known before is what's known.
pub(crate) async fn ask(names: BTreeSet<RegistryName>, registries: &Registries<'_>, known: &Book) -> Asked {
    let ask = async |name: RegistryName| {
        let answer = match registry(registries, &name) {
            Ok(client) => client.advisories().await,
            Err(error) => Err(error),
        };
        (name, answer)
    };
    let mut asked = Asked { book: known.clone(), failed: Vec::new() };
    for (name, answer) in futures_util::future::join_all(names.into_iter().map(ask)).await {
        match answer {
            Ok(answer) => drop(asked.book.0.insert(name, answer)),
            Err(error) => asked.failed.push((name, error)),
        }
    }
    asked
}

impl Asked {
    /// Say what isn't known, where that's no reason to stop.
    pub(crate) fn warn(&self, app: &App<'_>) {
        for (name, error) in &self.failed {
            let text = format!("the advisories of registry `{name}` aren't known: {}", clean(error.message()));
            app.reporter.event(Event::Warning { code: "mfp::audit::unknown", text });
        }
        self.book.warn_of_unreadable(app);
    }
}

impl Book {
    /// An entry that can't be read may be about anything.
    pub(crate) fn warn_of_unreadable(&self, app: &App<'_>) {
        for (name, known) in self.0.iter().filter(|(_, known)| known.advisories.unreadable > 0) {
            let count = crate::report::plural(known.advisories.unreadable, "advisory").replace("advisorys", "advisories");
            let text = format!("registry `{name}` has {count} that can't be read");
            app.reporter.event(Event::Warning { code: "mfp::audit::unreadable", text });
        }
    }
}

/// Nothing with a blocking advisory is locked.
pub(crate) fn refuse_to_lock(book: &Book, lock: &Lock) -> Result<()> {
    let hits = book.blocking(lock);
    match hits.first() {
        None => Ok(()),
        Some(first) => Err(refusal(&hits)
            .help(format!("`mfp remove {}`, or require a version without it; `mfp audit` shows what's known of it", first.name))),
    }
}

/// What's locked already is installed and loaded, unless the project denies it. `text` is the manifest's.
pub(crate) fn say_or_refuse(app: &App<'_>, manifest: &Manifest, text: &str, root: &Path, lock: &Lock) -> Result<()> {
    let book = Book::known(app, manifest, root);
    let denied = denied_by_advisories(manifest, lock, |registry| book.of(registry));
    if !denied.is_empty() {
        return Err(pointing_at_the_rule(denied_error(&denied), manifest, text));
    }
    book.warn(app, lock, |_| true);
    Ok(())
}

impl Book {
    /// Say what's blocked and stops nobody, of the plugins that are meant.
    pub(crate) fn warn(&self, app: &App<'_>, lock: &Lock, is_meant: impl Fn(&PluginName) -> bool) {
        for hit in self.blocking(lock).into_iter().filter(|hit| is_meant(&hit.name)) {
            app.reporter.event(Event::Warning { code: "mfp::policy::advisory", text: sentence(&hit) });
        }
    }
}

/// The project stops at these.
pub(crate) fn denied_error(denied: &[Warned]) -> Error {
    let names: BTreeSet<&str> = denied.iter().map(|hit| hit.name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    refusal(denied).help(format!("`mfp update {}` takes a version without it, if there is one", names.join(" ")))
}

/// With the line of the manifest that denies them. `text` is the manifest's.
pub(crate) fn pointing_at_the_rule(error: Error, manifest: &Manifest, text: &str) -> Error {
    let span = manifest.place("policy.advisories").unwrap_or_default();
    error.excerpt(Excerpt { file: MANIFEST.to_owned(), text: text.to_owned(), span, label: "the project stops at them".to_owned() })
}

fn refusal(hits: &[Warned]) -> Error {
    let ids: Vec<&str> = hits.iter().map(|hit| hit.advisory.id.as_str()).collect();
    let message = if hits.len() == 1 { "the registry blocks a version" } else { "the registry blocks several versions" };
    Error::new("mfp::policy::advisory", message).points(hits.iter().map(sentence)).detail("advisories", ids)
}
