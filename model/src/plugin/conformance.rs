//! What does a plugin answer, by its author's own word? Requests with expected answers, as `tests:` in a manifest holds them.
//!
//! A manifest is read without looking into them: they're the author's tool, and whoever uses the plugin needs none of it. Here
//! they're looked at, and a key that's misspelt is an error, since a test that expects nothing would always pass.

use serde_json::{Map, Value};

/// All keys that a test may have.
const KEYS: [&str; 7] = ["name", "call", "request", "config", "expect", "expect-error", "expect-partial"];
/// Of which it has one.
const EXPECTED: [&str; 3] = ["expect", "expect-error", "expect-partial"];

/// A call of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConformanceCall {
    /// Who is this?
    Authenticate,
    /// A template function, which the request names.
    Execute,
    /// Which template functions are there?
    Functions,
    /// A whole response.
    Generate,
    /// Rows.
    Query,
}

impl ConformanceCall {
    const ALL: [Self; 5] = [Self::Authenticate, Self::Execute, Self::Functions, Self::Generate, Self::Query];

    /// Its name, in manifests as in the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Execute => "execute",
            Self::Functions => "functions",
            Self::Generate => "generate",
            Self::Query => "query",
        }
    }
}

/// A request with an expected answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Conformance {
    /// What it shows, in the author's words; not empty.
    pub name: String,
    /// What it asks.
    pub call: ConformanceCall,
    /// The request, as the protocol has it. An object.
    pub request: Value,
    /// The plugin's configuration for it. An object.
    pub config: Value,
    /// What has to come back.
    pub expect: Expectation,
}

/// What has to come back.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// This, and nothing else. Numbers count by their value.
    Exactly(Value),
    /// At least this: keys that it doesn't name may be there, at every depth. Lists are as long as it says.
    Partly(Value),
    /// The plugin's own error, with this text in it.
    Error(String),
}

/// Why something isn't a request with an expected answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConformanceError {
    /// The key that it's about, if it's about one that's there.
    pub key: Option<String>,
    /// What's wrong, in a sentence.
    pub message: String,
}

impl Conformance {
    /// Read one item of `tests:`.
    pub fn read(test: &Value) -> Result<Self, ConformanceError> {
        let Value::Object(test) = test else { return Err(wrong(None, "must be a mapping")) };
        if let Some(unknown) = test.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let shown = super::neutral(unknown, 64);
            return Err(wrong(Some(unknown), format!("unknown key `{shown}`; known: {}", KEYS.join(", "))));
        }
        let name = text(test, "name").ok_or_else(|| wrong(Some("name"), "`name` is missing, or isn't a text"))?;
        let call = text(test, "call").and_then(|call| ConformanceCall::ALL.into_iter().find(|known| known.as_str() == call));
        let names = || ConformanceCall::ALL.map(ConformanceCall::as_str).join(", ");
        let call = call.ok_or_else(|| wrong(Some("call"), format!("`call` must be one of {}", names())))?;
        let expect = expectation(test)?;
        Ok(Self { name: name.to_owned(), call, request: object(test, "request")?, config: object(test, "config")?, expect })
    }
}

impl Expectation {
    /// Where an answer isn't what's expected: a sentence for each place, at most twenty; none if it is.
    pub fn differences(&self, answer: &Value) -> Vec<String> {
        let mut found = Vec::new();
        match self {
            Self::Exactly(wanted) => compare("", wanted, answer, true, &mut found),
            Self::Partly(wanted) => compare("", wanted, answer, false, &mut found),
            Self::Error(_) => found.push(format!("an error was expected, and it answered {}", short(answer))),
        }
        found.truncate(MOST_DIFFERENCES);
        found
    }
}

const MOST_DIFFERENCES: usize = 20;

fn text<'a>(test: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    test.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn object(test: &Map<String, Value>, key: &str) -> Result<Value, ConformanceError> {
    match test.get(key) {
        None => Ok(Value::Object(Map::new())),
        Some(value @ Value::Object(_)) => Ok(value.clone()),
        Some(_) => Err(wrong(Some(key), format!("`{key}` must be a mapping"))),
    }
}

fn expectation(test: &Map<String, Value>) -> Result<Expectation, ConformanceError> {
    let mut given = EXPECTED.into_iter().filter(|key| test.contains_key(*key));
    let (Some(key), None) = (given.next(), given.next()) else {
        return Err(wrong(None, format!("needs exactly one of {}", EXPECTED.join(", "))));
    };
    match key {
        "expect" => Ok(Expectation::Exactly(test[key].clone())),
        "expect-partial" => Ok(Expectation::Partly(test[key].clone())),
        _ => text(test, key)
            .map(|part| Expectation::Error(part.to_owned()))
            .ok_or_else(|| wrong(Some(key), "`expect-error` must be a text that the error contains")),
    }
}

fn wrong(key: Option<&str>, message: impl Into<String>) -> ConformanceError {
    ConformanceError { key: key.map(str::to_owned), message: message.into() }
}

/// What differs at this place and below it.
fn compare(place: &str, wanted: &Value, got: &Value, exactly: bool, found: &mut Vec<String>) {
    if found.len() > MOST_DIFFERENCES {
        return;
    }
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            for (key, value) in wanted {
                let place = format!("{place}/{key}");
                match got.get(key) {
                    Some(got) => compare(&place, value, got, exactly, found),
                    None => found.push(format!("{}: missing, {} was expected", shown(&place), short(value))),
                }
            }
            for (key, value) in got.iter().filter(|(key, _)| exactly && !wanted.contains_key(*key)) {
                found.push(format!("{}: {} wasn't expected", shown(&format!("{place}/{key}")), short(value)));
            }
        }
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
            for (at, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                compare(&format!("{place}/{at}"), wanted, got, exactly, found);
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            found.push(format!("{}: {} items were expected, there are {}", shown(place), wanted.len(), got.len()));
        }
        (Value::Number(wanted), Value::Number(got)) if wanted.as_f64() == got.as_f64() && (wanted.is_f64() || got.is_f64()) => {}
        (wanted, got) if wanted == got => {}
        (wanted, got) => found.push(format!("{}: {} was expected, it's {}", shown(place), short(wanted), short(got))),
    }
}

fn shown(place: &str) -> String {
    if place.is_empty() { "the answer".to_owned() } else { format!("`{}`", super::neutral(place, 200)) }
}

fn short(value: &Value) -> String {
    super::neutral(&value.to_string(), 200)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_test_says_what_it_sends_and_what_it_expects() {
        let good = json!({ "name": "hello", "call": "execute", "request": { "function_name": "hello", "args": [] }, "expect": null });
        assert_eq!(Conformance::read(&good).unwrap().expect, Expectation::Exactly(Value::Null));
        assert!(Conformance::read(&json!({ "name": "x", "call": "functions", "expect-partial": [] })).is_ok());
        for (test, key, part) in [
            (json!("x"), None, "mapping"),
            (json!({ "call": "query", "expect": 1 }), Some("name"), "`name`"),
            (json!({ "name": "x", "call": "hello", "expect": 1 }), Some("call"), "`call`"),
            (json!({ "name": "x", "call": "query", "request": [], "expect": 1 }), Some("request"), "`request`"),
            (json!({ "name": "x", "call": "query", "request": {} }), None, "exactly one"),
            (json!({ "name": "x", "call": "query", "expect": 1, "expect-error": "y" }), None, "exactly one"),
            (json!({ "name": "x", "call": "query", "expect-error": 1 }), Some("expect-error"), "`expect-error`"),
            (json!({ "name": "x", "call": "query", "expected": 1 }), Some("expected"), "unknown key `expected`"),
        ] {
            let error = Conformance::read(&test).unwrap_err();
            assert!(error.message.contains(part) && error.key.as_deref() == key, "{test}: {error:?}");
        }
    }

    #[test]
    fn what_differs_is_told_by_its_place() {
        let got = json!({ "a": 1, "b": [1, { "c": "x" }], "d": null });
        let exactly = |wanted: Value| Expectation::Exactly(wanted).differences(&got);
        let partly = |wanted: Value| Expectation::Partly(wanted).differences(&got);
        assert!(exactly(got.clone()).is_empty() && partly(got.clone()).is_empty());
        assert!(exactly(json!({ "a": 1.0, "b": [1, { "c": "x" }], "d": null })).is_empty(), "numbers count by their value");
        assert_eq!(exactly(json!({ "a": 1, "b": [1, { "c": "x" }] })), ["`/d`: null wasn't expected"]);
        assert!(partly(json!({ "b": [1, {}] })).is_empty());
        assert_eq!(partly(json!({ "b": [1] })), ["`/b`: 1 items were expected, there are 2"]);
        assert_eq!(
            partly(json!({ "b": [1, { "c": "y", "e": 2 }] })),
            ["`/b/1/c`: \"y\" was expected, it's \"x\"", "`/b/1/e`: missing, 2 was expected"]
        );
        assert_eq!(exactly(json!("x")).len(), 1);
        assert!(!Expectation::Error("x".into()).differences(&got).is_empty());
    }

    #[test]
    fn large_numbers_that_differ_are_different() {
        let wanted = Expectation::Exactly(json!(9_007_199_254_740_993_u64));
        assert!(!wanted.differences(&json!(9_007_199_254_740_992_u64)).is_empty());
    }
}
