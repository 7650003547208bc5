//! Is a plugin's licence one that the project allows? SPDX expressions against a list.
//!
//! A plugin states an expression: of `MIT OR Apache-2.0` one has to be allowed, of `MIT AND Zlib` both, and an exception
//! (`Apache-2.0 WITH LLVM-exception`) is part of what has to be in the list. The project's list is read strictly: each
//! entry is one SPDX identifier, with an exception or not, so that a typing mistake allows nothing by accident. A
//! plugin's text is read a little less strictly, since whoever reads it can't correct it: `/` is `OR`, and GNU licences
//! may be spelt as they used to be (`GPL-2.0` is `GPL-2.0-only`, `GPL-2.0+` is `GPL-2.0-or-later`). Nothing is guessed:
//! what isn't an identifier (`Apache 2`, `BSD`) is no licence that could be allowed.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use spdx::{Expression, LicenseItem, LicenseReq, Licensee, ParseMode};

use crate::text::{nearest, neutral};

/// The longest expression that's read; nobody needs a longer one.
const MAX_BYTES: usize = 1024;

/// How a plugin's expression is read.
const OF_PLUGINS: ParseMode = ParseMode {
    allow_slash_as_or_operator: true,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: false,
};

/// One licence that a project allows: an SPDX identifier, or `LicenseRef-…`, with an exception or not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllowedLicense(Licensee);

/// Why a text isn't a licence that can be allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllowedLicenseError {
    /// Not an SPDX identifier.
    #[error("not the SPDX identifier of a licence{}", did_you_mean(.meant.as_deref()))]
    Unknown {
        /// What was probably meant.
        meant: Option<String>,
    },
    /// Several in one.
    #[error("one licence an entry: what a plugin combines with AND and OR is judged by its parts")]
    Several,
}

fn did_you_mean(meant: Option<&str>) -> String {
    meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"))
}

impl FromStr for AllowedLicense {
    type Err = AllowedLicenseError;

    fn from_str(text: &str) -> Result<Self, AllowedLicenseError> {
        let mut words = text.split_whitespace();
        if text.len() <= MAX_BYTES && words.any(|word| ["AND", "OR"].iter().any(|operator| word.eq_ignore_ascii_case(operator))) {
            return Err(AllowedLicenseError::Several);
        }
        let unknown = || AllowedLicenseError::Unknown { meant: meant(text) };
        let licensee = Licensee::parse(text).map_err(|_| unknown())?;
        // The parser stops where it has enough. What follows would be ignored.
        if licensee.to_string() == text { Ok(Self(licensee)) } else { Err(unknown()) }
    }
}

impl fmt::Display for AllowedLicense {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// What somebody probably meant: an identifier in other letters, one that's spelt nearly like it, or what people call it.
fn meant(text: &str) -> Option<String> {
    let (license, exception) = match text.split_once(" WITH ") {
        Some((license, exception)) => (license, Some(exception)),
        None => (text, None),
    };
    if license.len() > 64 || exception.is_some_and(|exception| exception.len() > 64) {
        return None;
    }
    let current = || spdx::identifiers::LICENSES.iter().map(|license| license.name).filter(|name| is_current(name));
    let loosely = || spdx::imprecise_license_id(license).filter(|(_, length)| *length == license.len()).map(|(id, _)| id.name);
    let known = current().find(|name| name.eq_ignore_ascii_case(license));
    let known = known.or_else(|| gnu_in_full(license)).or_else(loosely).or_else(|| nearest(license, current()))?;
    let Some(exception) = exception else { return Some(known.to_owned()) };
    let exceptions = || spdx::identifiers::EXCEPTIONS.iter().map(|exception| exception.name);
    let same = exceptions().find(|name| name.eq_ignore_ascii_case(exception));
    same.or_else(|| nearest(exception, exceptions())).map(|exception| format!("{known} WITH {exception}"))
}

fn is_current(name: &str) -> bool {
    spdx::license_id(name).is_some_and(|id| !id.is_deprecated())
}

/// The identifier that says in full what an older one of the GNU licences means.
fn gnu_in_full(name: &str) -> Option<&'static str> {
    let id = spdx::license_id(name).filter(|id| id.is_gnu() && id.is_deprecated())?;
    let full = match name.strip_suffix('+') {
        Some(base) => format!("{base}-or-later"),
        None => format!("{}-only", id.name),
    };
    spdx::license_id(&full).map(|id| id.name)
}

/// The licences that an expression is made of, by their identifiers, each once and in the expression's order. An error says what's
/// wrong with it. Strict: only what everybody reads the same way.
pub fn identifiers(expression: &str) -> Result<Vec<String>, String> {
    if expression.len() > MAX_BYTES {
        return Err(format!("it's longer than {MAX_BYTES} bytes"));
    }
    let parsed = Expression::parse(expression).map_err(|error| error.reason.to_string())?;
    let mut identifiers: Vec<String> = Vec::new();
    for requirement in parsed.requirements() {
        let id = requirement.req.license.to_string();
        if !identifiers.contains(&id) {
            identifiers.push(id);
        }
    }
    Ok(identifiers)
}

/// How a licence is stated, for who states it and can correct it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stated {
    /// An SPDX expression as it should be.
    Spdx,
    /// It can only mean this expression, and should be written so.
    Spelling(String),
    /// Not an SPDX expression; perhaps what was meant, in a neutral spelling.
    Unknown(Option<String>),
}

/// Is this an SPDX expression, as strict readers want it?
pub fn stated(text: &str) -> Stated {
    if text.len() > MAX_BYTES {
        return Stated::Unknown(None);
    }
    match Expression::parse(text) {
        Ok(expression) if !has_older_gnu(&expression) => return Stated::Spdx,
        _ => {}
    }
    let same = Expression::canonicalize(text).ok().flatten().filter(|same| is_same_but_case(same, text));
    let canonical = same.or_else(|| meant(text).filter(|meant| is_same_but_case(meant, text)));
    match canonical.filter(|canonical| Expression::parse(canonical).is_ok()) {
        Some(canonical) => Stated::Spelling(canonical),
        None => Stated::Unknown(meant(text)),
    }
}

fn has_older_gnu(expression: &Expression) -> bool {
    expression.requirements().any(|one| in_full(&one.req) != one.req)
}

/// Letters in another case, `/` for `OR`: what's said stays the same. A guess at a licence's name isn't that.
fn is_same_but_case(canonical: &str, text: &str) -> bool {
    let word = |word: &str| gnu_in_full(word).unwrap_or(word).to_ascii_lowercase();
    let words = |text: &str| text.replace('/', " OR ").split_whitespace().map(word).collect::<Vec<_>>();
    words(canonical) == words(text)
}

/// Why a plugin's licence isn't allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LicenseRefusal {
    /// It states none.
    Missing,
    /// What it states isn't an SPDX expression; in a neutral spelling.
    Unreadable(String),
    /// What it states isn't in the list; in a neutral spelling.
    NotAllowed(String),
}

impl fmt::Display for LicenseRefusal {
    /// As the rest of a sentence that begins with the plugin's name.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(out, "states no licence"),
            Self::Unreadable(text) => write!(out, "states the licence `{text}`, which isn't an SPDX expression"),
            Self::NotAllowed(text) => write!(out, "has the licence `{text}`, which isn't allowed"),
        }
    }
}

/// Is this licence, as a plugin states it, among those that are allowed?
pub fn judge(stated: Option<&str>, allowed: &BTreeSet<AllowedLicense>) -> Result<(), LicenseRefusal> {
    let stated = stated.filter(|text| !text.trim().is_empty()).ok_or(LicenseRefusal::Missing)?;
    let shown = || neutral(stated.get(..200).unwrap_or(stated));
    let readable = Some(stated).filter(|text| text.len() <= MAX_BYTES).and_then(|text| Expression::parse_mode(text, OF_PLUGINS).ok());
    let expression = readable.ok_or_else(|| LicenseRefusal::Unreadable(shown()))?;
    let is_allowed = |asked: &LicenseReq| {
        let asked = in_full(asked);
        allowed.iter().any(|allowed| allowed.0.satisfies(&asked))
    };
    if expression.evaluate(is_allowed) { Ok(()) } else { Err(LicenseRefusal::NotAllowed(shown())) }
}

/// The same requirement with GNU licences spelt as they are today.
fn in_full(asked: &LicenseReq) -> LicenseReq {
    let mut asked = asked.clone();
    if let LicenseItem::Spdx { id, .. } = &mut asked.license
        && let Some(full) = gnu_in_full(id.name).and_then(spdx::license_id)
    {
        *id = full;
    }
    asked
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(entries: &[&str]) -> BTreeSet<AllowedLicense> {
        entries.iter().map(|entry| entry.parse().unwrap_or_else(|error| panic!("{entry}: {error}"))).collect()
    }

    fn is_allowed(stated: &str, allowed: &[&str]) -> bool {
        judge(Some(stated), &list(allowed)).is_ok()
    }

    #[test]
    fn an_author_hears_how_a_licence_is_written() {
        for text in ["MIT", "MIT OR Apache-2.0", "(MIT AND Zlib) OR GPL-2.0-only", "LicenseRef-acme", "Apache-2.0 WITH LLVM-exception"] {
            assert_eq!(stated(text), Stated::Spdx, "{text}");
        }
        for (text, canonical) in [
            ("mit", "MIT"),
            ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
            ("mit OR GPL-3.0+", "MIT OR GPL-3.0-or-later"),
            ("GPL-2.0", "GPL-2.0-only"),
        ] {
            assert_eq!(stated(text), Stated::Spelling(canonical.into()), "{text}");
        }
        assert_eq!(stated("Apache 2.0"), Stated::Unknown(Some("Apache-2.0".into())), "a guess isn't written without asking");
        assert_eq!(stated("my own"), Stated::Unknown(None));
        assert_eq!(stated(&"MIT OR ".repeat(1000)), Stated::Unknown(None));
    }

    #[test]
    fn one_alternative_is_enough_and_everything_that_is_joined_is_needed() {
        let usual = &["MIT", "Apache-2.0", "Zlib", "Apache-2.0 WITH LLVM-exception", "LicenseRef-acme"][..];
        for (stated, expected) in [
            ("MIT", true),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only OR MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT AND Zlib", true),
            ("(MIT OR GPL-3.0-only) AND Zlib", true),
            ("MIT OR GPL-3.0-only AND GPL-2.0-only", true),
            ("(MIT OR GPL-3.0-only) AND GPL-2.0-only", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH LLVM-exception", false),
            ("GPL-2.0-only WITH Classpath-exception-2.0", false),
            ("LicenseRef-acme", true),
            ("LicenseRef-other", false),
            ("DocumentRef-x:LicenseRef-acme", false),
            ("Apache-1.1+", true),
            ("MIT/GPL-3.0-only", true),
            ("MIT/ Apache-2.0", true),
        ] {
            assert_eq!(is_allowed(stated, usual), expected, "{stated}");
        }
        assert!(!is_allowed("Apache-2.0 WITH LLVM-exception", &["Apache-2.0"]), "an exception changes the licence");
        assert!(!is_allowed("MIT", &[]), "an empty list allows nothing");
    }

    #[test]
    fn an_expression_names_licences() {
        assert_eq!(identifiers("MIT OR (Apache-2.0 WITH LLVM-exception AND MIT)").unwrap(), ["MIT", "Apache-2.0"]);
        assert_eq!(identifiers("LicenseRef-acme").unwrap(), ["LicenseRef-acme"]);
        for wrong in ["", "MIT/Apache-2.0", "Apache 2", "MIT OR", "GPL-2.0", "MIT OR \"x\""] {
            assert!(identifiers(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn old_spellings_of_gnu_licences_mean_what_they_meant() {
        for (stated, allowed, expected) in [
            ("GPL-2.0", "GPL-2.0-only", true),
            ("GPL-2.0", "GPL-2.0-or-later", false),
            ("GPL-2.0+", "GPL-2.0-or-later", true),
            ("GPL-2.0+", "GPL-2.0-only", false),
            ("LGPL-2.1-or-later", "LGPL-2.1-or-later", true),
            ("LGPL-2.1-or-later", "LGPL-3.0-only", false),
        ] {
            assert_eq!(is_allowed(stated, &[allowed]), expected, "{stated} by {allowed}");
        }
    }

    #[test]
    fn nothing_is_guessed_and_nothing_missing_is_allowed() {
        let allowed = list(&["Apache-2.0", "MIT", "BSD-3-Clause"]);
        assert_eq!(judge(None, &allowed), Err(LicenseRefusal::Missing));
        assert_eq!(judge(Some("  "), &allowed), Err(LicenseRefusal::Missing));
        for stated in ["apache", "Apache 2.0", "mit", "BSD", "MIT OR", "(MIT", "MIT OR OR MIT", "MIT Apache-2.0", "NONE", "\u{202e}MIT"] {
            let refusal = judge(Some(stated), &allowed).unwrap_err();
            assert!(matches!(&refusal, LicenseRefusal::Unreadable(_)), "{stated}: {refusal}");
            assert!(!refusal.to_string().contains('\u{202e}'));
        }
        let long = format!("MIT{}", " OR MIT".repeat(1000));
        assert!(matches!(judge(Some(&long), &allowed), Err(LicenseRefusal::Unreadable(shown)) if shown.len() <= 200));
    }

    #[test]
    fn the_list_s_entries_are_identifiers_and_a_wrong_one_is_told_what_it_should_be() {
        let meant = |text: &str| match text.parse::<AllowedLicense>() {
            Err(AllowedLicenseError::Unknown { meant }) => meant,
            other => panic!("{text}: {other:?}"),
        };
        for (text, expected) in [
            ("mit", Some("MIT")),
            ("Apache2.0", Some("Apache-2.0")),
            ("Apache 2.0", Some("Apache-2.0")),
            ("GPL-2.0", Some("GPL-2.0-only")),
            ("GPL-2.0+", Some("GPL-2.0-or-later")),
            ("Apache-2.0 WITH LLVM-exeption", Some("Apache-2.0 WITH LLVM-exception")),
            ("Apache-2.0 WITH LLVM-exception MIT", Some("Apache-2.0 WITH LLVM-exception")),
            ("something of our own", None),
            ("", None),
        ] {
            assert_eq!(meant(text).as_deref(), expected, "{text}");
        }
        assert_eq!("MIT OR Zlib".parse::<AllowedLicense>(), Err(AllowedLicenseError::Several));
        assert!("MIT WITH AdditionRef-acme".parse::<AllowedLicense>().is_ok());
    }

    /// An expression, evaluated by going through it by hand.
    #[derive(Debug, Clone)]
    enum Tree {
        Leaf(usize),
        And(Box<Self>, Box<Self>),
        Or(Box<Self>, Box<Self>),
    }

    const LEAVES: [&str; 8] = [
        "MIT",
        "Zlib",
        "ISC",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "GPL-3.0-only",
        "LicenseRef-a",
        "GPL-2.0-or-later WITH Classpath-exception-2.0",
    ];

    impl Tree {
        fn text(&self, all_brackets: bool) -> String {
            let inner = |tree: &Self| match tree {
                Self::Leaf(_) => tree.text(all_brackets),
                Self::And(..) if !all_brackets => tree.text(all_brackets),
                _ => format!("({})", tree.text(all_brackets)),
            };
            match self {
                Self::Leaf(leaf) => LEAVES[*leaf].to_owned(),
                Self::And(a, b) => format!("{} AND {}", inner(a), inner(b)),
                // AND binds more tightly, so what's joined by it needs no brackets.
                Self::Or(a, b) => format!("{} OR {}", inner(a), inner(b)),
            }
        }

        fn holds(&self, allowed: &BTreeSet<usize>) -> bool {
            match self {
                Self::Leaf(leaf) => allowed.contains(leaf),
                Self::And(a, b) => a.holds(allowed) && b.holds(allowed),
                Self::Or(a, b) => a.holds(allowed) || b.holds(allowed),
            }
        }
    }

    fn trees() -> impl Strategy<Value = Tree> {
        let leaf = (0..LEAVES.len()).prop_map(Tree::Leaf);
        leaf.prop_recursive(4, 16, 2, |inner| {
            let pair = || (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
            prop_oneof![pair().prop_map(|(a, b)| Tree::And(a, b)), pair().prop_map(|(a, b)| Tree::Or(a, b))]
        })
    }

    proptest! {
        #[test]
        fn an_expression_is_judged_as_by_hand(tree in trees(), allowed in proptest::collection::btree_set(0..LEAVES.len(), 0..6), all_brackets: bool) {
            let entries: Vec<&str> = allowed.iter().map(|leaf| LEAVES[*leaf]).collect();
            let text = tree.text(all_brackets);
            prop_assert_eq!(is_allowed(&text, &entries), tree.holds(&allowed), "{} by {:?}", text, entries);
        }

        #[test]
        fn allowing_more_never_forbids(tree in trees(), allowed in proptest::collection::btree_set(0..LEAVES.len(), 0..6), more in 0..LEAVES.len()) {
            let text = tree.text(true);
            let entries: Vec<&str> = allowed.iter().map(|leaf| LEAVES[*leaf]).collect();
            let wider: Vec<&str> = entries.iter().copied().chain([LEAVES[more]]).collect();
            prop_assert!(!is_allowed(&text, &entries) || is_allowed(&text, &wider));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[A-Za-z0-9 .+()/:-]{0,40}|(MIT|AND|OR|WITH|\\(|\\)|GPL-2.0|\\+| |/){0,12}|.{0,40}") {
            let _ = judge(Some(&text), &list(&["MIT"]));
            let _ = text.parse::<AllowedLicense>();
        }
    }
}
