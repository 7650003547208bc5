//! What is this YAML as JSON? By YAML 1.2's core schema, for schemas and test requests, which are JSON in meaning.

use serde_json::{Map, Number, Value as Json};

use crate::plugin::PluginManifestError;
use crate::plugin::yaml::{Node, Value};

/// The node as JSON. Numbers that JSON can't hold (`.inf`, or too large) are errors. As deep as the tree, so bounded.
pub(super) fn to_json(node: &Node) -> Result<Json, PluginManifestError> {
    match &node.value {
        Value::List(items) => items.iter().map(to_json).collect::<Result<_, _>>().map(Json::Array),
        Value::Map(entries) => {
            let entry = |(key, node): &(_, Node)| -> Result<(String, Json), PluginManifestError> { Ok((key_text(key), to_json(node)?)) };
            entries.iter().map(entry).collect::<Result<Map<_, _>, _>>().map(Json::Object)
        }
        Value::Scalar { text, plain: false } => Ok(Json::String(text.clone())),
        Value::Scalar { .. } if node.is_null() => Ok(Json::Null),
        Value::Scalar { text, .. } => plain(text).ok_or_else(|| PluginManifestError::invalid("JSON has no such number", node.span.clone())),
    }
}

fn key_text(key: &crate::plugin::yaml::Key) -> String {
    key.text.clone()
}

/// A scalar without quotes; `None` for a number that JSON can't hold.
fn plain(text: &str) -> Option<Json> {
    match text {
        "true" | "True" | "TRUE" => return Some(Json::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Json::Bool(false)),
        _ => {}
    }
    if is_integer(text) {
        let digits = text.strip_prefix('+').unwrap_or(text);
        return digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from)).ok().map(Json::Number);
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix).filter(|digits| !digits.is_empty() && digits.chars().all(|one| one.is_digit(radix)))
        {
            return u64::from_str_radix(digits, radix).ok().map(|number| Json::Number(number.into()));
        }
    }
    if is_float(text) {
        return text.parse().ok().and_then(Number::from_f64).map(Json::Number);
    }
    if matches!(text.trim_start_matches(['+', '-']), ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return None;
    }
    Some(Json::String(text.to_owned()))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn is_integer(text: &str) -> bool {
    let digits = unsigned(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let all_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match unsigned(text).split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(unsigned(exponent))),
        None => (unsigned(text), None),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let has_mantissa = all_digits(whole) && all_digits(part) && mantissa.bytes().any(|byte| byte.is_ascii_digit());
    has_mantissa && exponent.is_none_or(|digits| !digits.is_empty() && all_digits(digits))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plugin::yaml;

    #[test]
    fn scalars_are_what_the_core_schema_says() {
        let text = "a: 1\nb: -2\nc: 1.5\nd: 1e3\ne: '1'\nf: true\ng: ~\nh: no\ni: 0x1f\nj: 0o17\nk: 1.2.3\nl: .5\nm: [x, {y: 2.}]\nn: e5\no: '-'\np: 18446744073709551615\n";
        let expected = json!({"a": 1, "b": -2, "c": 1.5, "d": 1000.0, "e": "1", "f": true, "g": null, "h": "no", "i": 31, "j": 15, "k": "1.2.3", "l": 0.5,
            "m": ["x", {"y": 2.0}], "n": "e5", "o": "-", "p": 18_446_744_073_709_551_615_u64});
        assert_eq!(to_json(&yaml::parse(text).unwrap()).unwrap(), expected);
    }

    #[test]
    fn numbers_that_json_can_t_hold_are_errors() {
        for text in [".inf", "-.INF", ".nan", "1e999", "18446744073709551616", "0xffffffffffffffffff"] {
            assert!(to_json(&yaml::parse(text).unwrap()).is_err(), "{text}");
        }
    }
}
