//! How would this manifest read in mfp's dialect, and what has to be assumed for that?
//!
//! A pure function from a text to a text. Any dialect but mfp's own is written anew; in mfp's own only what's mechanical is
//! mended, in its place, so that comments and order stay. What's written is read back, and must say what was understood: a
//! text that doesn't is never given out. Nothing that's asked for gets wider by it.

use std::ops::Range;

use super::dialects::{self, Dialect, Form, Given};
use super::outline::Outline;
use super::write::Quoting;
use super::yaml::{self, Key, Node, Value};
use super::{PluginManifest, PluginManifestError};
use crate::license::{self, Stated};
use crate::requirement::Requirement;
use crate::version::Version;

/// A manifest as it's to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewritten {
    /// The form that it was in.
    pub form: Form,
    /// The text in mfp's dialect.
    pub text: String,
    /// What had to be assumed or left out, or was mended: a sentence each.
    pub assumptions: Vec<String>,
}

/// Some editors put it before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The manifest in mfp's dialect, or `None` where there's nothing to change; else every mistake that only its author can correct.
pub fn rewrite(text: &str, given: &Given) -> Result<Option<Rewritten>, Vec<PluginManifestError>> {
    let Some(rest) = text.strip_prefix(BYTE_ORDER_MARK) else { return without_mark(text, given) };
    let moved = |error: PluginManifestError| error.moved_by(BYTE_ORDER_MARK.len_utf8());
    let rewritten = without_mark(rest, given).map_err(|errors| errors.into_iter().map(moved).collect::<Vec<_>>())?;
    let mut rewritten = match rewritten {
        Some(rewritten) => rewritten,
        None => Rewritten { form: Form::Read(Dialect::Mfp), text: rest.to_owned(), assumptions: Vec::new() },
    };
    rewritten.assumptions.push("the byte order mark is left out".to_owned());
    Ok(Some(rewritten))
}

fn without_mark(text: &str, given: &Given) -> Result<Option<Rewritten>, Vec<PluginManifestError>> {
    let root = yaml::parse(text).map_err(|error| vec![template_perhaps(text, error)])?;
    let form = dialects::form_of(&root).map_err(|error| vec![error])?;
    if form == Form::Read(Dialect::Mfp) {
        return Ok(mended(text, given));
    }
    let manifest = dialects::anew(&root, form, given)?;
    let mut assumptions = manifest.warnings.clone();
    if has_comments(text) {
        assumptions.push("comments aren't kept".to_owned());
    }
    Ok(Some(Rewritten { form, text: written(manifest)?, assumptions }))
}

/// A template for manifests isn't a manifest before it's filled in.
fn template_perhaps(text: &str, error: PluginManifestError) -> PluginManifestError {
    if text.contains("{{") { error.with_help("`{{ … }}` is a place to fill in: make the plugin from its template first") } else { error }
}

/// The text of a manifest that reads back as the same one.
fn written(manifest: PluginManifest) -> Result<String, Vec<PluginManifestError>> {
    let manifest = PluginManifest { warnings: Vec::new(), ..manifest };
    let says_the_same = |text: &String| PluginManifest::parse(text).is_ok_and(|back| back == manifest);
    let texts = [Quoting::Needed, Quoting::Everything].into_iter().filter_map(|quoting| manifest.to_yaml(quoting));
    texts.into_iter().find(says_the_same).ok_or_else(|| {
        vec![
            PluginManifestError::unsupported("the manifest says something that can't be written in mfp's dialect", None)
                .with_help("write it by hand: `mfp schema plugin --example` shows how"),
        ]
    })
}

fn has_comments(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with('#') || line.contains(" #"))
}

/// One place that's to read otherwise.
struct Edit {
    span: Range<usize>,
    /// What's written there.
    text: String,
    /// What that says.
    says: String,
    sentence: String,
}

/// mfp's own dialect with what's mechanical mended.
fn mended(text: &str, given: &Given) -> Option<Rewritten> {
    let outline = Outline::of(text)?;
    let mut edits = Vec::new();
    edits.extend(other_id(&outline, given));
    edits.extend(full_version(&outline));
    edits.extend(spdx_license(&outline));
    edits.extend(canonical_requirement(&outline, &["mockforge"]));
    for at in 0..super::MAX_DEPENDENCIES {
        let at = at.to_string();
        if outline.span(&["dependencies", &at]).is_none() {
            break;
        }
        edits.extend(canonical_requirement(&outline, &["dependencies", &at, "version"]));
    }
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|edit| edit.span.start);
    let mut mended = text.to_owned();
    for edit in edits.iter().rev() {
        mended.replace_range(with_header(text, &edit.span), &edit.text);
    }
    if !says_the_same(&outline, &Outline::of(&mended)?, &edits) {
        return None;
    }
    Some(Rewritten { form: Form::Read(Dialect::Mfp), text: mended, assumptions: edits.into_iter().map(|edit| edit.sentence).collect() })
}

/// A block with the `|` or `>` that announces it, which has no quotes; any other text as it is.
fn with_header(text: &str, span: &Range<usize>) -> Range<usize> {
    let announced = text[..span.start].trim_end();
    let header = announced.trim_end_matches(|one: char| one.is_ascii_digit() || matches!(one, '+' | '-'));
    let is_block = header.ends_with(['|', '>']) && text[announced.len()..span.start].contains('\n');
    if is_block { header.len() - 1..span.end } else { span.clone() }
}

/// Does it say what the edits say, and what it said before everywhere else?
fn says_the_same(before: &Outline, after: &Outline, edits: &[Edit]) -> bool {
    before.node(&[]).zip(after.node(&[])).is_some_and(|(before, after)| is_same_but(before, after, edits))
}

fn is_same_but(before: &Node, after: &Node, edits: &[Edit]) -> bool {
    let edited = edits.iter().find(|edit| edit.span == before.span);
    match (&before.value, &after.value, edited) {
        (Value::Scalar { .. }, Value::Scalar { text, .. }, Some(edit)) => *text == edit.says,
        (Value::Scalar { .. }, Value::Scalar { .. }, None) => before.value == after.value,
        (Value::List(old), Value::List(new), _) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_same_but(old, new, edits))
        }
        (Value::Map(old), Value::Map(new), _) => {
            let is_same =
                |((name, old), (other, new)): (&(Key, Node), &(Key, Node))| name.text == other.text && is_same_but(old, new, edits);
            old.len() == new.len() && old.iter().zip(new).all(is_same)
        }
        _ => false,
    }
}

/// The text at a path, if it's one, and where.
fn scalar<'a>(outline: &'a Outline, path: &[&str]) -> Option<(&'a str, Range<usize>)> {
    match outline.node(path)? {
        Node { span, value: Value::Scalar { text, .. } } => Some((text, span.clone())),
        _ => None,
    }
}

fn other_id(outline: &Outline, given: &Given) -> Option<Edit> {
    let (text, span) = scalar(outline, &["plugin", "id"])?;
    let id = given.id.as_ref().filter(|id| id.as_str() != text)?;
    Some(Edit { span, text: id.to_string(), says: id.to_string(), sentence: format!("the plugin is called `{id}`") })
}

fn full_version(outline: &Outline) -> Option<Edit> {
    let (text, span) = scalar(outline, &["plugin", "version"])?;
    let (version, why) = match text.parse::<Version>() {
        Ok(_) => (text.split_once('+')?.0.to_owned(), "without its build metadata"),
        Err(_) => (dialects::completed(text)?.to_string(), "in full"),
    };
    let sentence = format!("the version `{}` is written {why}: `{version}`", super::neutral(text, 140));
    Some(Edit { span, text: version.clone(), says: version, sentence })
}

fn spdx_license(outline: &Outline) -> Option<Edit> {
    let (text, span) = scalar(outline, &["plugin", "license"])?;
    let Stated::Spelling(canonical) = license::stated(text) else { return None };
    let sentence = format!("the licence `{}` is written as SPDX has it: `{canonical}`", super::neutral(text, 100));
    Some(Edit { span, text: format!("\"{canonical}\""), says: canonical, sentence })
}

fn canonical_requirement(outline: &Outline, path: &[&str]) -> Option<Edit> {
    let (text, span) = scalar(outline, path)?;
    let canonical = text.parse::<Requirement>().ok()?.to_string();
    if canonical == text {
        return None;
    }
    let sentence = format!("the requirement `{}` is written in full: `{canonical}`", super::neutral(text, 100));
    Some(Edit { span, text: format!("\"{canonical}\""), says: canonical, sentence })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::plugin::PluginType;
    use crate::plugin::tests::fixtures;

    fn template() -> Given {
        Given { types: [PluginType::Template].into(), ..Given::default() }
    }

    /// What's given beside these texts, by their names.
    fn given(name: &str) -> Given {
        if name == "info" { template() } else { Given::default() }
    }

    #[test]
    fn every_form_is_written_anew_and_what_was_assumed_is_said() {
        let mut shown = String::new();
        for (name, text) in fixtures("anew") {
            writeln!(shown, "== {name}").unwrap();
            match rewrite(&text, &given(&name)) {
                Ok(None) => writeln!(shown, "nothing to mend").unwrap(),
                Ok(Some(rewritten)) => {
                    let sentences: Vec<String> = rewritten.assumptions.iter().map(|sentence| format!("  • {sentence}\n")).collect();
                    writeln!(shown, "{}\n{}{}", rewritten.form, sentences.concat(), rewritten.text).unwrap();
                    PluginManifest::parse(&rewritten.text).unwrap_or_else(|error| panic!("{name}: {error}"));
                }
                Err(errors) => {
                    for error in errors {
                        let place = error.span.clone().map_or("-", |span| &text[span]);
                        writeln!(
                            shown,
                            "{} {}\n   at {place:?}\n   help {}",
                            error.code(),
                            error.message,
                            error.help.as_deref().unwrap_or("-")
                        )
                        .unwrap();
                    }
                }
            }
        }
        insta::assert_snapshot!(shown);
    }

    /// What's asked for after writing anew is what reading would ask for, or less.
    #[test]
    fn nothing_that_is_asked_for_gets_wider() {
        let all = ["good", "anew", "shipped"].into_iter().flat_map(fixtures);
        let mut compared = 0;
        for (name, text) in all {
            let (Ok(read), Ok(Some(rewritten))) = (PluginManifest::parse(&text), rewrite(&text, &Given::default())) else { continue };
            let written = PluginManifest::parse(&rewritten.text).unwrap();
            assert_eq!(written.capabilities.intersection(&read.capabilities), written.capabilities, "{name}");
            compared += 1;
        }
        assert!(compared > 12, "{compared}");
    }

    #[test]
    fn the_shapes_that_mockforge_ships_are_understood_or_refused_for_the_right_reason() {
        let mut shown = String::new();
        for (name, text) in fixtures("shipped") {
            let reading =
                PluginManifest::parse(&text).map_or_else(|error| format!("refused: {error}"), |read| format!("read as {}", read.dialect));
            let anew = match rewrite(&text, &Given::default()) {
                Ok(rewritten) => format!("written anew, assuming {:#?}", rewritten.unwrap().assumptions),
                Err(errors) => format!("not written: {} ({})", errors[0], errors[0].help.as_deref().unwrap()),
            };
            writeln!(shown, "== {name}\n{reading}\n{anew}").unwrap();
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn what_is_given_beside_the_text_wins() {
        let text = fixtures("anew").into_iter().find(|(name, _)| name == "refused-name").unwrap().1.replace("1.0.0.1", "1.0.0");
        let errors = rewrite(&text, &Given::default()).unwrap_err();
        assert!(errors[0].message.contains("`my-plugin`"), "{}", errors[0]);
        assert!(errors[0].help.as_deref().unwrap().contains("--id"));
        let given = Given { id: Some("my-plugin".parse().unwrap()), ..template() };
        let manifest = PluginManifest::parse(&rewrite(&text, &given).unwrap().unwrap().text).unwrap();
        assert_eq!((manifest.id.as_str(), manifest.types), ("my-plugin", [PluginType::Template].into()));
        let own = "mfp: 1\nplugin: { id: Words, version: 1.0.0, types: [template] } # mine\n";
        let given = Given { id: Some("words".parse().unwrap()), ..Given::default() };
        assert_eq!(rewrite(own, &given).unwrap().unwrap().text, own.replace("Words", "words"));
    }

    #[test]
    fn a_byte_order_mark_goes_and_places_stay_right() {
        let text = "\u{feff}mfp: 1\nplugin: { id: words, version: 1.0.0, types: [template] }\n";
        assert_eq!(rewrite(text, &Given::default()).unwrap().unwrap().text, text.trim_start_matches('\u{feff}'));
        let text = "\u{feff}name: a\nversion: 1.0.0\ntype: webhook\n";
        let errors = rewrite(text, &Given::default()).unwrap_err();
        assert_eq!(&text[errors[0].span.clone().unwrap()], "webhook");
    }

    #[test]
    fn a_version_that_cant_be_published_loses_its_build_metadata() {
        let own = |version: &str| format!("mfp: 1\nplugin: {{ id: words, version: {version}, types: [template] }}\n");
        let mended = rewrite(&own("1.0.0+local"), &Given::default()).unwrap().unwrap();
        assert_eq!(mended.text, own("1.0.0"));
        let other = rewrite("id: words\nversion: 1.0.0+local\ntypes: [template]\n", &Given::default()).unwrap().unwrap();
        assert_eq!(PluginManifest::parse(&other.text).unwrap().version.to_string(), "1.0.0");
    }

    /// However a value is written, what's put in its place says what it should, and nothing beside it changes.
    #[test]
    fn what_is_mended_reads_back_as_it_was_but_for_the_mending() {
        let manifest = |version: &str, license: &str| {
            format!("mfp: 1\nplugin:\n  id: words\n  types: [template]\n  version: {version}\n  license: {license}\n  keywords: [a]\n")
        };
        let versions = ["1.0.0+a", "'1.0.0+a'", "\"1.0.0+a\" # é", "\n    1.0.0+a", ">-\n    1.0.0+a\n"];
        let licenses = [
            "mit or zlib",
            "\"mit\\x20or zlib\"",
            "mit\n    or zlib",
            ">-\n    mit or\n    zlib",
            "|2-\n    mit or zlib",
            ">\n    mit or zlib\n",
        ];
        for (version, license) in versions.iter().flat_map(|version| licenses.map(|license| (version, license))) {
            let text = manifest(version, license);
            let before = PluginManifest::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            let rewritten = rewrite(&text, &Given::default()).unwrap().unwrap_or_else(|| panic!("nothing to mend: {text}"));
            let after = PluginManifest::parse(&rewritten.text).unwrap_or_else(|error| panic!("{error}: {}", rewritten.text));
            let mended = PluginManifest { version: "1.0.0".parse().unwrap(), license: Some("MIT OR Zlib".to_owned()), ..before };
            assert_eq!(after, mended, "{text}{}", rewritten.text);
        }
        let flow = r#"{"mfp":1,"plugin":{"id":"words","version":"1.0","types":["template"],"license":"mit"}}"#;
        let rewritten = rewrite(flow, &Given::default()).unwrap().unwrap().text;
        assert_eq!(PluginManifest::parse(&rewritten).unwrap().license.as_deref(), Some("MIT"), "{rewritten}");
        // What would read back as something else is left as it is.
        assert_eq!(rewrite(&manifest("1.0.0", "| # as a block\n    mit"), &Given::default()).unwrap(), None);
    }

    #[test]
    fn what_nobody_could_read_isnt_written() {
        let nested = |depth: usize| {
            format!("id: x\nversion: 1.0.0\ntypes: [auth]\nconfig_schema: {{ default: {}{} }}\n", "[".repeat(depth), "]".repeat(depth))
        };
        assert!(rewrite(&nested(61), &Given::default()).is_ok());
        // mfp's dialect has the schema one level deeper.
        PluginManifest::parse(&nested(62)).expect("it can be read as it stands");
        let errors = rewrite(&nested(62), &Given::default()).unwrap_err();
        assert!(errors[0].message.contains("can't be written in mfp's dialect"), "{}", errors[0]);
    }

    #[test]
    fn a_host_is_asked_for_only_with_the_permission() {
        let manifest = |permissions: &str| {
            format!(
                "name: words\nversion: 1.0.0\ncategory: template\ntags: []\nsecurity: {{ permissions: [{permissions}], network_access: [a.example] }}\n"
            )
        };
        let asked = |permissions: &str| {
            let rewritten = rewrite(&manifest(permissions), &Given::default()).unwrap().unwrap();
            (
                PluginManifest::parse(&rewritten.text).unwrap().capabilities.http.len(),
                rewritten.assumptions.concat().contains("no permission for the network"),
            )
        };
        assert_eq!((asked("network:http"), asked("filesystem:read"), asked("")), ((1, false), (0, true), (0, true)));
    }

    #[test]
    fn a_text_that_only_looks_like_something_else_is_written_as_a_text() {
        let words = [
            "no", "yes", "on", "~", "null", "1", "1.0", "0x1f", "1e3", ".inf", "- a", "a: b", "# c", "'", "\"", "@", "`", "é", " ", "|",
            ">", "&a", "*a", "!t", "%", "?", "{", "[", "---", "...",
        ];
        let schema = json!({ "type": "object", "enum": words, "properties": { "no": { "const": "1" }, "1": { "default": 1 }, "~": {}, "a: b": { "const": 1.5e300 } } });
        let keywords = words.iter().filter(|word| !word.trim().is_empty()).collect::<Vec<_>>();
        let text = format!(
            "id: x\nversion: 1.0.0\ntypes: [auth]\nkeywords: {}\nconfig_schema: {schema}\n",
            serde_json::to_string(&keywords).unwrap()
        );
        let written = rewrite(&text, &Given::default()).unwrap().unwrap().text;
        let (before, after) = (PluginManifest::parse(&text).unwrap(), PluginManifest::parse(&written).unwrap());
        assert_eq!((before.keywords, before.config_schema), (after.keywords, after.config_schema));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Whatever a manifest says: what's written says the same, and writing it anew changes nothing any more.
        #[test]
        fn what_is_written_reads_back(
            name in "\\PC{0,30}", description in "[a-z:#'\"\\-\n\t é|>&*!%@`{}\\[\\],?]{0,60}", words in prop::collection::vec("\\PC{1,12}", 0..4),
            number in any::<f64>(), integer in any::<i64>(), text in ".{0,20}", memory in 1_u64..300_000_000, time in 1_u64..40_000,
            host in "[a-z]{1,8}\\.(com|org)", path in "[a-z]{1,6}(/[a-z]{1,6})?", write in any::<bool>(), optional in any::<bool>(),
        ) {
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            let list = |texts: &[String]| serde_json::to_string(texts).unwrap();
            let schema = json!({ "type": "object", "properties": { text.as_str(): { "default": number, "const": integer, "enum": [text.as_str(), null, true] } } });
            let document = format!(
                "id: x\nversion: 1.0.0\ntypes: [auth]\nname: {}\ndescription: {}\nkeywords: {}\ncapabilities:\n  network: {{ allow_http_outbound: true, allowed_hosts: [{host}] }}\n  filesystem: {{ allow_read: true, allow_write: {write}, allowed_paths: [{path}] }}\n  resources: {{ max_memory_bytes: {memory}, max_cpu_time_ms: {time} }}\ndependencies: [{{ id: y, version: '>=1, <3', optional: {optional} }}]\nconfig_schema: {schema}\n",
                quoted(&name), quoted(&description), list(&words),
            );
            if let Ok(before) = PluginManifest::parse(&document) {
                let written = rewrite(&document, &Given::default()).unwrap().unwrap().text;
                let after = PluginManifest::parse(&written).unwrap();
                prop_assert_eq!(&PluginManifest { dialect: Dialect::Mfp, warnings: Vec::new(), ..before }, &after);
                prop_assert_eq!(rewrite(&written, &Given::default()).unwrap(), None);
            }
        }

        /// No text makes it panic, and what it gives out is always a manifest of mfp's.
        #[test]
        fn damaged_manifests_never_panic(which in 0_usize..32, cut in 0_usize..2000, byte in prop::char::range(' ', '~'), keep in any::<bool>()) {
            let all: Vec<(String, String)> = fixtures("anew").into_iter().chain(fixtures("shipped")).collect();
            let mut text = all[which % all.len()].1.clone();
            let cut = (0..=cut % text.len()).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            if keep && text[cut..].chars().next().is_some_and(|one| one.is_ascii()) { text.replace_range(cut..=cut, &byte.to_string()) } else { text.truncate(cut) }
            if let Ok(Some(rewritten)) = rewrite(&text, &template())
                && rewritten.form != Form::Read(Dialect::Mfp)
            {
                prop_assert!(PluginManifest::parse(&rewritten.text).is_ok(), "{}", rewritten.text);
            }
        }
    }
}
