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
    if known.iter().any(|(_, age)| *age != Age::Now) {
        let each: Vec<String> = known.iter().map(|(name, age)| format!("{name} {}", in_words(*age, subject.app.settings.now))).collect();
        let text = format!("No registry was asked: newer yanks, revocations and advisories aren't known ({})", each.join("; "));
        subject.app.reporter.event(Event::Note(text));
    }
    let document = |(name, age): (RegistryName, Age)| KnownRegistry {
        registry: name.to_string(),
        last_answer: if let Age::AsOf(time) = age { Some(time.to_string()) } else { None },
    };
    known.into_iter().map(document).collect()
}

/// The registries that the plugins in question come from.
fn ages(subject: &Subject<'_>) -> Vec<(RegistryName, Age)> {
    let names: BTreeSet<&RegistryName> = subject.plugins.iter().filter_map(|plugin| registry_of(&plugin.package()?.pin)).collect();
    // A registry that can't be asked (a proxy that isn't one, a kind that's unknown) is one of which nothing is known.
    let sources = subject.app.sources().ok();
    let registries = sources.as_ref().and_then(|sources| sources.registries(subject.manifest, &subject.project.root).ok());
    let age = |name: &RegistryName| registries.as_ref().and_then(|all| all.get(name)).map_or(Age::Never, RegistryClient::age);
    names.into_iter().map(|name| (name.clone(), age(name))).collect()
}

fn registry_of(pin: &Pin) -> Option<&RegistryName> {
    if let Pin::Registry { registry, .. } = pin { Some(registry) } else { None }
}

/// How old that is: as the rest of a sentence that begins with the registry's name.
pub(crate) fn in_words(age: Age, now: Timestamp) -> String {
    match age {
        Age::Now => "is a folder".to_owned(),
        Age::Never => "was never asked from this machine".to_owned(),
        Age::AsOf(time) => {
            let passed = Duration::try_from(now.duration_since(time)).unwrap_or_default();
            format!("last answered {} ago", roughly(passed))
        }
    }
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
    fn ages_are_said_in_one_unit() {
        let said = [5, 60, 7_199, 86_399, 172_800].map(|seconds| roughly(Duration::from_secs(seconds)));
        assert_eq!(said, ["less than a minute", "1 minute", "1 hour", "23 hours", "2 days"]);
    }
}
