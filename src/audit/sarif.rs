//! Findings as SARIF 2.1.0, for code scanning: a rule for each kind and each advisory, a result for each finding, placed in
//! plugins.lock or in the manifest, with a fingerprint that stays the same while the finding does.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Finding, Kind, Level, Matter, Place};
use crate::advisories::shortened;
use crate::error::catalogue::{meaning_of, remedy_of};
use crate::project::{LOCK, MANIFEST};

/// The texts that places are in.
pub(crate) struct Texts<'a> {
    pub(crate) lock: &'a str,
    pub(crate) manifest: &'a str,
}

/// The whole log.
pub(crate) fn log(findings: &[Finding], texts: &Texts<'_>) -> Value {
    let rules: BTreeMap<String, Value> = findings.iter().map(|finding| (rule_id(finding), rule(finding))).collect();
    let indexes: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(index, id)| (id.as_str(), index)).collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, indexes[rule_id(finding).as_str()], texts)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "mfp audit",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().collect::<Vec<_>>(),
            } },
            "columnKind": "utf16CodeUnits",
            "originalUriBaseIds": { "PROJECT": { "description": { "text": "The folder of mockforge-plugins.toml." } } },
            "results": results,
        }],
    })
}

fn rule_id(finding: &Finding) -> String {
    match &finding.matter {
        Matter::Advisory(_) => finding.id(),
        Matter::Shown(kind) => format!("mfp/{}", kind.word()),
    }
}

fn rule(finding: &Finding) -> Value {
    let (short, full) = match &finding.matter {
        Matter::Advisory(advisory) => {
            let title = shortened(&advisory.title);
            let title = if title.is_empty() { finding.id() } else { title };
            (title.clone(), format!("{title} (an advisory of the plugin's registry)"))
        }
        Matter::Shown(kind) => (summary(*kind).to_owned(), meaning_of(finding.code()).unwrap_or_default().to_owned()),
    };
    let mut rule = json!({
        "id": rule_id(finding),
        "shortDescription": { "text": short },
        "fullDescription": { "text": full },
        "help": { "text": remedy_of(finding.code()).unwrap_or_default() },
        "defaultConfiguration": { "level": level(finding.level) },
        "properties": { "security-severity": score(finding.level), "tags": ["security", "supply-chain"] },
    });
    if let Some(url) = finding.url() {
        rule["helpUri"] = url.into();
    }
    rule
}

fn summary(kind: Kind) -> &'static str {
    match kind {
        Kind::Yanked => "A locked version was withdrawn",
        Kind::Deprecated => "A plugin is deprecated",
        Kind::Stale => "A plugin had no release for long",
        Kind::Unsigned => "A plugin isn't signed",
        Kind::Broad => "A plugin reaches far",
        Kind::Http => "Plain http",
        Kind::Unreadable => "Advisories can't be read",
    }
}

fn result(finding: &Finding, rule: usize, texts: &Texts<'_>) -> Value {
    let (file, region) = match &finding.place {
        Place::Lock(name) => (LOCK, entry_region(texts.lock, name.as_str())),
        Place::Manifest(span) => (MANIFEST, span_region(texts.manifest, span)),
    };
    let mut result = json!({
        "ruleId": rule_id(finding),
        "ruleIndex": rule,
        "level": level(finding.level),
        "message": { "text": finding.sentence() },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": file, "uriBaseId": "PROJECT" },
            "region": region,
        } }],
        "partialFingerprints": { "mfpFinding/v1": fingerprint(finding) },
    });
    if finding.is_ignored {
        result["suppressions"] = json!([{ "kind": "external", "justification": "--ignore" }]);
    }
    result
}

/// Of what the finding is, not of where it stands: lines of a lock move.
fn fingerprint(finding: &Finding) -> String {
    let text = [finding.code(), &finding.id(), &finding.name, finding.version.as_deref().unwrap_or_default()].join("\n");
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Low => "note",
        Level::Medium => "warning",
        Level::High | Level::Critical => "error",
    }
}

/// As code scanning ranks it: a number in a text.
fn score(level: Level) -> &'static str {
    match level {
        Level::Low => "3.0",
        Level::Medium => "5.5",
        Level::High => "8.0",
        Level::Critical => "9.5",
    }
}

/// The lines of an entry in the lock's text; the first line, if it can't be found.
fn entry_region(text: &str, name: &str) -> Value {
    let wanted = format!("name = \"{name}\"");
    let lines: Vec<&str> = text.lines().collect();
    let start = (0..lines.len()).find(|at| lines[*at] == "[[plugin]]" && lines.get(at + 1) == Some(&wanted.as_str()));
    let Some(start) = start else { return json!({ "startLine": 1 }) };
    let length = lines[start..].iter().position(|line| line.is_empty()).unwrap_or(lines.len() - start);
    json!({ "startLine": start + 1, "endLine": start + length })
}

fn span_region(text: &str, span: &std::ops::Range<usize>) -> Value {
    let line_of = |at: usize| text.get(..at.min(text.len())).map_or(1, |before| before.matches('\n').count() + 1);
    json!({ "startLine": line_of(span.start), "endLine": line_of(span.end) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_own_name() {
        let text =
            "# head\n[[plugin]]\nname = \"a\"\nsource = \"x\"\n\n[[plugin]]\nname = \"b\"\ndependencies = [\n    { name = \"a\" },\n]\n";
        assert_eq!(entry_region(text, "a"), json!({ "startLine": 2, "endLine": 4 }));
        assert_eq!(entry_region(text, "b"), json!({ "startLine": 6, "endLine": 10 }));
        assert_eq!(entry_region(text, "c"), json!({ "startLine": 1 }));
        assert_eq!(span_region("a\nbc\nd", &(2..4)), json!({ "startLine": 2, "endLine": 2 }));
    }
}
