//! `mfp verify`: is everything still what plugins.lock says? Store, vendored folders, plugin folder, lock and approvals are
//! looked at again, without a network.
//!
//! Verifying is a list of [`checks`], each of which tells what's wrong in its own matter and changes nothing. How bad it is
//! together is decided here, by the codes. [`mod@fix`] is the one part that changes something, before the checks.

use mfp_model::lock::LockedPlugin;
use mfp_model::project::Advisories;

use crate::advisories::Book;
use crate::app::App;
use crate::approvals::taken_away;
use crate::cli::look::VerifyArgs;
use crate::error::catalogue::exit_of;
use crate::error::{Error, Exit, Result};
use crate::explain;
use crate::report::document::{Document, Problem, ProblemsDocument};
use crate::report::{Event, Outcome, plural};

use checks::{CHECKS, Finding, Subject};

mod checks;
mod fix;
pub(crate) mod known;

/// Look at everything; with `--fix`, fetch what's damaged again first.
pub(crate) fn run(app: &App<'_>, args: &VerifyArgs) -> Result<Outcome> {
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    if let Some(name) = args.names.iter().find(|name| !lock.plugins.contains_key(*name)) {
        return Err(explain::not_locked(name, &lock));
    }
    let store = if args.fix { app.store()? } else { app.store_to_read()? };
    let is_meant = |plugin: &&LockedPlugin| args.names.is_empty() || args.names.contains(&plugin.name);
    let plugins = lock.plugins.values().filter(is_meant).collect();
    let book = Book::known(app, &manifest, &project.root);
    let is_whole = args.names.is_empty();
    let subject = Subject { app, store: &store, project: &project, manifest: &manifest, lock: &lock, plugins, book: &book, is_whole };
    if args.fix {
        fix::run(&subject)?;
    }
    let mut findings = Vec::new();
    for check in CHECKS {
        findings.extend(check(&subject)?);
    }
    let checked = subject.say_what_was_looked_at();
    let as_of = known::say(&subject);
    let problems = findings.iter().map(Finding::problem).collect();
    let outcome = Outcome::done(Document::Problems(ProblemsDocument { problems, checked, as_of }));
    Ok(match verdict(&findings) {
        None => outcome,
        Some(error) => outcome.refused(error),
    })
}

impl Subject<'_> {
    /// Gives how many plugins have bytes to verify.
    fn say_what_was_looked_at(&self) -> usize {
        let (here, services): (Vec<&LockedPlugin>, Vec<_>) = self.plugins.iter().copied().partition(|plugin| plugin.package().is_some());
        for service in services {
            let text = format!("{} is a service: there's nothing to verify, and no promise about its code", service.name);
            self.app.reporter.event(Event::Note(text));
        }
        for line in taken_away(self.app, self.manifest, self.plugins.iter().copied()) {
            self.app.reporter.event(Event::Note(line));
        }
        if self.manifest.policy.advisories == Advisories::Warn {
            self.book.warn(self.app, self.lock, |name| self.is_meant(name.as_str()));
        }
        self.app.reporter.event(Event::Note(format!("Verified {}", plural(here.len(), "plugin"))));
        here.len()
    }
}

/// What all findings come to. Of one kind of finding, its own code; of several, that something failed, as the worst of them.
fn verdict(findings: &[Finding]) -> Option<Error> {
    let worst = findings.iter().map(|finding| exit_of(finding.code)).reduce(Exit::or)?;
    let points = findings.iter().map(Finding::point);
    let is_only = |code: &str| findings.iter().all(|finding| finding.code == code);
    Some(match findings.first()?.code {
        code @ "mfp::approval::missing" if is_only(code) => {
            Error::new(code, "not everything that's locked was approved").points(points).help("`mfp sync` says what is asked for")
        }
        code if code.starts_with("mfp::policy::") && is_only(code) => Error::new(code, "not everything that's locked is allowed")
            .points(points)
            .help("`mfp sync` shows the rule; `mfp lock` takes another version where one is allowed"),
        code @ "mfp::integrity::metadata" if is_only(code) => {
            Error::new(code, "plugins.lock says other things about plugins than they say")
                .points(points)
                .help("take plugins.lock from version control again, or make it anew: `mfp lock --rebuild`")
        }
        code @ "mfp::config::invalid" if is_only(code) => Error::new(code, "not everything that's configured is what the plugins take")
            .points(points)
            .help("`mfp info NAME --config` shows what it takes; `mfp sync` shows the place"),
        code @ "mfp::lock::stale" if is_only(code) => Error::new(code, "plugins.lock is out of date").points(points).help("run `mfp lock`"),
        _ => Error::new("mfp::verify::failed", "not everything is what plugins.lock says").points(points).exit_with(worst).help(
            if worst == Exit::Integrity { "`mfp verify --fix` fetches what's damaged again" } else { "`mfp sync` says what's to be done" },
        ),
    })
}

impl Finding {
    fn problem(&self) -> Problem {
        Problem { code: self.code.to_owned(), name: self.name.clone(), message: self.message.clone() }
    }

    /// As a person reads it in a list. A lock's reasons name what they're about.
    fn point(&self) -> String {
        if self.code == "mfp::lock::stale" { self.message.clone() } else { format!("{}: {}", self.name, self.message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(codes: &[&'static str]) -> Vec<Finding> {
        codes.iter().map(|code| Finding { code, name: "a".to_owned(), message: "b".to_owned() }).collect()
    }

    #[test]
    fn the_worst_finding_decides() {
        let end = |codes: &[&'static str]| verdict(&found(codes)).map(|error| (error.code(), error.exit().code()));
        assert_eq!(end(&[]), None);
        assert_eq!(end(&["mfp::lock::stale", "mfp::lock::stale"]), Some(("mfp::lock::stale", 3)));
        assert_eq!(end(&["mfp::approval::missing"]), Some(("mfp::approval::missing", 5)));
        assert_eq!(end(&["mfp::policy::license", "mfp::policy::license"]), Some(("mfp::policy::license", 5)));
        assert_eq!(end(&["mfp::policy::license", "mfp::policy::key"]), Some(("mfp::verify::failed", 5)));
        assert_eq!(end(&["mfp::lock::stale", "mfp::approval::missing"]), Some(("mfp::verify::failed", 5)));
        assert_eq!(end(&["mfp::lock::stale", "mfp::layout::changed", "mfp::approval::missing"]), Some(("mfp::verify::failed", 4)));
    }
}
