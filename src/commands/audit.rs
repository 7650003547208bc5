//! `mfp audit`: what should somebody know about what's locked?
//!
//! Registries are asked what they warn of and what has become of the locked versions. Offline, what's cached is gone by, and
//! its age said. Nothing is changed, and nothing is stopped that isn't stopped elsewhere: the exit code is for whoever asks.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::index::IndexDocument;
use mfp_model::lock::Lock;
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::source::Pin;

use crate::advisories::{self, Asked, Book};
use crate::app::App;
use crate::audit::sarif::{self, Texts};
use crate::audit::{Finding, Level, Subject, table};
use crate::cli::audit::{AuditArgs, AuditFormat, LevelArg};
use crate::commands::verify::known::{in_words, time_of};
use crate::error::{Error, Exit, Result};
use crate::report::document::{AuditDocument, AuditProblem, Document, KnownRegistry};
use crate::report::{Event, Outcome, clean, plural};
use crate::sources::registry::Age;
use crate::sources::{Registries, registry};

/// Ask, look, and tell.
pub(crate) fn run(app: &App<'_>, args: &AuditArgs) -> Result<Outcome> {
    if args.format == AuditFormat::Sarif && app.settings.talk.json {
        return Err(Error::new("mfp::usage::arguments", "--json and --format sarif are two documents").help("`mfp audit --format sarif`"));
    }
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    let sources = app.sources()?;
    let registries = sources.registries(&manifest, &project.root)?;
    let known = Book::known(app, &manifest, &project.root);
    let (asked, had) = app.wait(async {
        Ok(futures_util::future::join(advisories::ask(advisories::used_by(&lock), &registries, &known), documents(&lock, &registries))
            .await)
    })?;
    app.documents.save();
    let subject = Subject {
        manifest: &manifest,
        lock: &lock,
        book: &asked.book,
        documents: &had.documents,
        now: app.settings.now,
        stale_after: args.stale_after,
    };
    let (findings, idle) = subject.findings(&args.ignore);
    for word in idle {
        let text = format!("`--ignore {}` means nothing that was found", clean(word));
        app.reporter.event(Event::Warning { code: "mfp::audit::ignore", text });
    }
    let as_of = ages(&asked, &lock);
    say(app, &findings, &lock, &as_of);
    let level = Level::from(args.level);
    let text = match args.format {
        AuditFormat::Text => table(&findings),
        AuditFormat::Sarif => {
            let texts = Texts { lock: project.lock_text.as_deref().unwrap_or_default(), manifest: &project.manifest_text };
            let json = serde_json::to_string_pretty(&sarif::log(&findings, &texts)).unwrap_or_default();
            format!("{}\n", crate::report::neutral_json(&json))
        }
    };
    let document = document(&findings, &lock, level, &as_of);
    let outcome = Outcome::done(Document::Audit(document)).text(text);
    Ok(match refusal(app, &findings, level, &asked, &had) {
        None => outcome,
        Some(error) => outcome.refused(error),
    })
}

/// What registries have of the locked plugins, and what couldn't be asked.
#[derive(Default)]
struct Had {
    documents: BTreeMap<PluginName, Option<IndexDocument>>,
    failed: Vec<(RegistryName, Error)>,
}

async fn documents(lock: &Lock, registries: &Registries<'_>) -> Had {
    let asked = lock.plugins.values().filter_map(|plugin| match &plugin.package()?.pin {
        Pin::Registry { registry: name, .. } => Some(async move {
            let document = match registry(registries, name) {
                Ok(client) => client.index(plugin.id()).await,
                Err(error) => Err(error),
            };
            (plugin, name, document)
        }),
        _ => None,
    });
    let mut had = Had::default();
    for (plugin, name, document) in futures_util::future::join_all(asked).await {
        match document {
            Ok(document) => drop(had.documents.insert(plugin.name.clone(), document)),
            Err(error) => had.failed.push((name.clone(), error)),
        }
    }
    had
}

/// How old what's known of each registry's warnings is: of those that something is locked from.
fn ages(asked: &Asked, lock: &Lock) -> Vec<(RegistryName, Age)> {
    advisories::used_by(lock)
        .into_iter()
        .map(|name| (name.clone(), asked.book.0.get(&name).map_or(Age::Never, |known| known.age)))
        .collect()
}

fn say(app: &App<'_>, findings: &[Finding], lock: &Lock, as_of: &[(RegistryName, Age)]) {
    let count = |level: Level| findings.iter().filter(|finding| !finding.is_ignored && finding.level == level).count();
    let counts = [Level::Critical, Level::High, Level::Medium, Level::Low].map(|level| (count(level), level.as_str()));
    let mut parts: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    let ignored = findings.iter().filter(|finding| finding.is_ignored).count();
    if ignored > 0 {
        parts.push(format!("{ignored} ignored"));
    }
    let found = if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") };
    app.reporter.event(Event::Note(format!("Audited {}: {found}", plural(lock.plugins.len(), "plugin"))));
    if app.settings.offline {
        let each: Vec<String> = as_of.iter().map(|(name, age)| format!("{name} {}", in_words(*age, app.settings.now))).collect();
        if !each.is_empty() {
            app.reporter.event(Event::Note(format!("No registry was asked: what's newer isn't known ({})", each.join("; "))));
        }
    }
}

/// Why the answer isn't "all is well". What couldn't be asked is worse than what was found: nobody knows what it hides.
fn refusal(app: &App<'_>, findings: &[Finding], level: Level, asked: &Asked, had: &Had) -> Option<Error> {
    let failed = || asked.failed.iter().chain(&had.failed);
    if !app.settings.offline && failed().next().is_some() {
        let points: BTreeSet<String> = failed().map(|(name, error)| format!("{name}: {}", error.message())).collect();
        let worst = failed().map(|(_, error)| error.exit()).reduce(Exit::or).unwrap_or(Exit::Network);
        let error = Error::new("mfp::audit::unknown", "not every registry said what it knows").points(points);
        return Some(error.exit_with(worst.or(Exit::Network)).help("try again later; `mfp audit --offline` goes by what's cached"));
    }
    let counting: Vec<&Finding> = findings.iter().filter(|finding| finding.counts_from(level)).collect();
    if counting.is_empty() {
        return None;
    }
    let ids: Vec<String> = counting.iter().map(|finding| finding.id()).collect();
    let message = format!("{} at or above {}", plural(counting.len(), "finding"), level.as_str());
    Some(Error::new("mfp::audit::findings", message).detail("ids", ids).help(format!(
        "look at them; `--ignore {}` leaves out what a person has judged",
        counting.first().map(|finding| finding.id()).unwrap_or_default()
    )))
}

fn document(findings: &[Finding], lock: &Lock, level: Level, as_of: &[(RegistryName, Age)]) -> AuditDocument {
    let problem = |finding: &Finding| AuditProblem {
        code: finding.code().to_owned(),
        name: finding.name.clone(),
        message: finding.message.clone(),
        id: finding.id(),
        severity: finding.level.as_str().to_owned(),
        url: finding.url(),
        ignored: finding.is_ignored,
    };
    let known = |(name, age): &(RegistryName, Age)| KnownRegistry {
        registry: name.to_string(),
        last_answer: time_of(*age),
        last_advisories: time_of(*age),
    };
    AuditDocument {
        problems: findings.iter().map(problem).collect(),
        checked: lock.plugins.len(),
        level: level.as_str().to_owned(),
        as_of: as_of.iter().map(known).collect(),
    }
}

impl From<LevelArg> for Level {
    fn from(level: LevelArg) -> Self {
        match level {
            LevelArg::Low => Self::Low,
            LevelArg::Medium => Self::Medium,
            LevelArg::High => Self::High,
            LevelArg::Critical => Self::Critical,
        }
    }
}
