//! What can't be known without asking: whether a registry has yanked something since, or somebody has revoked or warned of
//! it. It's said, with the age of what's known, so that nobody takes "verified" for more than it is.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use mfp_model::name::RegistryName;
use mfp_model::source::Pin;

use super::checks::Subject;
use crate::report::Event;
use crate::report::document::KnownRegistry;
use crate::sources::registry::{Age, RegistryClient};

/// Say it, and give it for `--json`.
pub(super) fn say(subject: &Subject<'_>) -> Vec<KnownRegistry> {
    let known = ages(subject);
    if known.iter().any(|one| one.age != Age::Now) {
        let each: Vec<String> = known.iter().map(|one| one.in_words(subject.app.settings.now)).collect();
        let text = format!("No registry was asked: newer yanks, revocations and advisories aren't known ({})", each.join("; "));
        subject.app.reporter.event(Event::Note(text));
    }
    let document = |one: Known| KnownRegistry {
        registry: one.name.to_string(),
        last_answer: time_of(one.age),
        last_advisories: time_of(one.advisories),
    };
    known.into_iter().map(document).collect()
}

/// When it was, for programs.
pub(crate) fn time_of(age: Age) -> Option<String> {
    if let Age::AsOf(time) = age { Some(time.to_string()) } else { None }
}

/// How old what's known of a registry is: of what it has, and of what it warns of, which is asked for by itself.
struct Known {
    name: RegistryName,
    age: Age,
    advisories: Age,
}

impl Known {
    fn in_words(&self, now: Timestamp) -> String {
        let whole = in_words(self.age, now);
        let of_advisories = match self.advisories {
            advisories if in_words(advisories, now) == whole => String::new(),
            Age::AsOf(time) => format!(", and about advisories {} ago", since(time, now)),
            Age::Now | Age::Never => ", and wasn't asked for advisories".to_owned(),
        };
        format!("{} {whole}{of_advisories}", self.name)
    }
}

/// The registries that the plugins in question come from.
fn ages(subject: &Subject<'_>) -> Vec<Known> {
    let names: BTreeSet<&RegistryName> = subject.plugins.iter().filter_map(|plugin| registry_of(&plugin.package()?.pin)).collect();
    // A registry that can't be asked (a proxy that isn't one, a kind that's unknown) is one of which nothing is known.
    let sources = subject.app.sources().ok();
    let registries = sources.as_ref().and_then(|sources| sources.registries(subject.manifest, &subject.project.root).ok());
    let age = |name: &RegistryName| registries.as_ref().and_then(|all| all.get(name)).map_or(Age::Never, RegistryClient::age);
    let advisories = |name: &RegistryName| subject.book.0.get(name).map_or(Age::Never, |known| known.age);
    names.into_iter().map(|name| Known { name: name.clone(), age: age(name), advisories: advisories(name) }).collect()
}

fn registry_of(pin: &Pin) -> Option<&RegistryName> {
    if let Pin::Registry { registry, .. } = pin { Some(registry) } else { None }
}

/// How old that is: as the rest of a sentence that begins with the registry's name.
pub(crate) fn in_words(age: Age, now: Timestamp) -> String {
    match age {
        Age::Now => "is a folder".to_owned(),
        Age::Never => "was never asked from this machine".to_owned(),
        Age::AsOf(time) => format!("last answered {} ago", since(time, now)),
    }
}

fn since(time: Timestamp, now: Timestamp) -> String {
    roughly(Duration::try_from(now.duration_since(time)).unwrap_or_default())
}

/// An age as people say it: the largest unit that fits.
fn roughly(passed: Duration) -> String {
    let seconds = passed.as_secs();
    let (count, unit) = match seconds {
        0..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    if count == 0 { "less than a minute".to_owned() } else { crate::report::plural(usize::try_from(count).unwrap_or(usize::MAX), unit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_warns_of_has_an_age_of_its_own() {
        let now: Timestamp = "2026-08-03T10:00:00Z".parse().unwrap();
        let at = |text: &str| Age::AsOf(text.parse().unwrap());
        let said = |age, advisories| Known { name: "corp".parse().unwrap(), age, advisories }.in_words(now);
        let (early, late) = (at("2026-08-01T10:00:00Z"), at("2026-08-03T08:00:00Z"));
        assert_eq!(said(late, late), "corp last answered 2 hours ago");
        assert_eq!(said(late, early), "corp last answered 2 hours ago, and about advisories 2 days ago");
        assert_eq!(said(late, Age::Never), "corp last answered 2 hours ago, and wasn't asked for advisories");
        assert_eq!(said(Age::Never, Age::Never), "corp was never asked from this machine");
        assert_eq!(said(Age::Now, Age::Now), "corp is a folder");
    }

    #[test]
    fn ages_are_said_in_one_unit() {
        let said = [5, 60, 7_199, 86_399, 172_800].map(|seconds| roughly(Duration::from_secs(seconds)));
        assert_eq!(said, ["less than a minute", "1 minute", "1 hour", "23 hours", "2 days"]);
    }
}
