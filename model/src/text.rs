//! What do values that are written as text have in common? They enter serde through their `FromStr`, a misspelt one has
//! near neighbours, and some characters are never safe to show.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};

/// Deserialize a string by parsing it, so that the type's own rules hold for every format.
pub(crate) fn deserialize_parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    struct Parsed<T>(PhantomData<T>);

    impl<T: FromStr> Visitor<'_> for Parsed<T>
    where
        T::Err: Display,
    {
        type Value = T;

        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Parsed(PhantomData))
}

/// Could this character change how the text around it is shown? Control characters, line separators, and those that
/// turn the direction of text.
pub fn is_control_or_bidi(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The same text with each of those characters as `\u{…}`, for messages that quote what came from outside.
pub fn neutral(text: &str) -> String {
    let shown = |character: char| {
        if is_control_or_bidi(character) { character.escape_unicode().to_string() } else { character.to_string() }
    };
    text.chars().map(shown).collect()
}

/// The nearest of `known` to `wrong`, if one is near enough to have been meant.
///
/// Near enough is a third of the longer text's length, by optimal string alignment (a swap of neighbours is one step).
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_all(wrong, known, 1).first().copied()
}

/// The `limit` nearest of `known` to `wrong`, nearest first, none that isn't near enough to have been meant.
pub fn nearest_all<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<&'a str> {
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let distance = strsim::osa_distance(wrong, candidate);
            let allowed = wrong.chars().count().max(candidate.chars().count()).div_ceil(3);
            (distance > 0 && distance <= allowed).then_some((distance, candidate))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(limit).map(|(_, candidate)| candidate).collect()
}

/// Does the text name licences as SPDX has them (`MIT OR Apache-2.0`)? Strict: no deprecated spellings, no slashes.
pub fn is_spdx_expression(text: &str) -> bool {
    text.len() <= 1024 && spdx::Expression::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swapped_pair_is_near_and_a_stranger_is_not() {
        let known = ["auth-jwt", "csv", "template-hash"];
        assert_eq!(nearest("auth-jtw", known), Some("auth-jwt"));
        assert_eq!(nearest("templte-hash", known), Some("template-hash"));
        assert_eq!(nearest("postgres", known), None);
    }

    #[test]
    fn spdx_expressions_and_other_words() {
        assert!(is_spdx_expression("MIT OR Apache-2.0") && is_spdx_expression("GPL-3.0-only WITH Classpath-exception-2.0"));
        assert!(!is_spdx_expression("MIT/Apache-2.0") && !is_spdx_expression("proprietary") && !is_spdx_expression(""));
    }
}
