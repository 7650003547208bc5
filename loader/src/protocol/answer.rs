//! Is this an answer? The envelope, and the shape of each call's result.
//!
//! An answer is foreign and may be megabytes: it's checked as text, in one pass that builds nothing, and kept as text. As a
//! tree of values, eight megabytes of `[],[],…` would be hundreds. The pass reads every number and string and refuses
//! nesting deeper than 128, so that an accepted answer can be read by whoever gets it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::call::Call;
use crate::error::MAX_PLUGIN_ERROR;

/// A plugin's answer: the result that was in the envelope, of the shape that the call promises.
#[derive(Debug, Clone)]
pub struct Answer {
    result: Box<RawValue>,
}

impl Answer {
    /// The result as the plugin wrote it: valid JSON, foreign text.
    pub fn as_json(&self) -> &str {
        self.result.get()
    }

    /// The result as a tree of values, which may take many times the memory of the text.
    pub fn to_value(&self) -> Value {
        serde_json::from_str(self.result.get()).expect("the answer was read to its end when it was checked")
    }

    /// The result in the envelope: `{"success":true,"result":…}`.
    pub(crate) fn wrapped(&self) -> String {
        format!("{{\"success\":true,\"result\":{}}}", self.as_json())
    }
}

/// The envelope `{"success":false,"error":…}` around an error text.
pub(crate) fn wrapped_error(error: &str) -> String {
    serde_json::json!({ "success": false, "error": error }).to_string()
}

/// What was in an envelope.
#[derive(Debug)]
pub(crate) enum Opened {
    /// `success: true`: the result, not looked at yet.
    Result(Box<RawValue>),
    /// `success: false`: the plugin's own error.
    Error(String),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    success: bool,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    error: Option<IgnoredOr<String>>,
}

/// A key that's there, even if it's `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A value of the wanted type, or whatever else stands there.
#[derive(Deserialize)]
#[serde(untagged)]
enum IgnoredOr<T> {
    Wanted(T),
    Other(IgnoredAny),
}

/// Open an envelope. `Err` says why it isn't one.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it isn't UTF-8".to_owned())?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| not_json(&error, "it isn't an envelope"))?;
    match (envelope.success, envelope.result, envelope.error) {
        (true, Some(result), _) => Ok(Opened::Result(result.to_owned())),
        (true, None, _) => Err("it says `success` and has no `result`".to_owned()),
        (false, _, Some(IgnoredOr::Wanted(error))) => Ok(Opened::Error(cut(error))),
        (false, _, Some(IgnoredOr::Other(_)) | None) => Err("it says no success and has no `error` text".to_owned()),
    }
}

/// The first [`MAX_PLUGIN_ERROR`] bytes of a plugin's error, in whole characters.
pub(crate) fn cut(mut error: String) -> String {
    if error.len() > MAX_PLUGIN_ERROR {
        let end = (0..=MAX_PLUGIN_ERROR).rev().find(|end| error.is_char_boundary(*end)).unwrap_or(0);
        error.truncate(end);
    }
    error
}

fn not_json(error: &serde_json::Error, wrong_shape: &str) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => wrong_shape,
        _ => "it isn't JSON",
    };
    format!("{what}: {}", crate::error::shown(&error.to_string(), 200))
}

/// A result of the shape that `call` promises. `Err` says how it isn't.
pub(crate) fn check(call: &Call, result: Box<RawValue>) -> Result<Answer, String> {
    let text = result.get();
    // First all of it, since a shape doesn't look into keys that it doesn't know.
    shape::<Any>(text).map_err(|error| not_json(&error, "`result` can't be read"))?;
    match call {
        Call::Authenticate => shape::<Verdict>(text),
        Call::Execute(_) => Ok(()),
        Call::Functions => shape::<List<Function>>(text),
        Call::Generate => shape::<Response>(text),
        Call::Query => shape::<Rows>(text),
    }
    .map_err(|error| not_json(&error, &format!("`result` isn't what `{}` answers", call.name())))?;
    Ok(Answer { result })
}

fn shape<'a, T: Deserialize<'a>>(text: &'a str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<T>(text).map(drop)
}

/// Any JSON, read to its end and forgotten.
struct Any;
/// A string, forgotten.
struct Text;
/// A list of something, forgotten.
struct List<T>(std::marker::PhantomData<T>);
/// An object whose values are something, forgotten.
struct Object<T>(std::marker::PhantomData<T>);

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_str<E>(self, _: &str) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_unit<E>(self) -> Result<Any, E> {
        Ok(Any)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Any, A::Error> {
        while items.next_element::<Any>()?.is_some() {}
        Ok(Any)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Any, A::Error> {
        while entries.next_entry::<Text, Any>()?.is_some() {}
        Ok(Any)
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

/// A string that's looked at where it stands.
struct TextVisitor(fn(&str) -> Result<(), &'static str>);

impl Visitor<'_> for TextVisitor {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        (self.0)(text).map_err(E::custom)
    }
}

macro_rules! text {
    ($name:ident, $check:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(TextVisitor($check)).map(|()| $name)
            }
        }
    };
}

/// The name of a header.
struct HeaderName;
/// The value of a header, or a content type: what would end the header isn't in it.
struct HeaderValue;
/// Bytes in standard base64.
struct Base64;

text!(Text, |_| Ok(()));
text!(HeaderName, |text| {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.is_empty() && text.bytes().all(token) { Ok(()) } else { Err("a header has a name that isn't one") }
});
text!(HeaderValue, |text| {
    let fits = |c: char| c == '\t' || !c.is_control();
    if text.chars().all(fits) { Ok(()) } else { Err("a header has a control character") }
});
text!(Base64, |text| {
    let mut chunk = [0; 3 * 1024];
    let whole = text.len().is_multiple_of(4);
    let mut parts = text.as_bytes().chunks(4 * 1024).peekable();
    let mut fits = whole;
    while let Some(part) = parts.next().filter(|_| fits) {
        // Only the last part may be padded.
        let padded = part.ends_with(b"=") && parts.peek().is_some();
        fits = !padded && STANDARD.decode_slice(part, &mut chunk).is_ok();
    }
    if fits { Ok(()) } else { Err("`body` isn't base64") }
});

struct ListVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<T>, A::Error> {
        while items.next_element::<T>()?.is_some() {}
        Ok(List(self.0))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(std::marker::PhantomData))
    }
}

/// The names of an object are checked as `K`.
struct ObjectVisitor<K, T>(std::marker::PhantomData<(K, T)>);

impl<'de, K: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<K, T> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_entry::<K, T>()?.is_some() {}
        Ok(())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = ObjectVisitor::<Text, T>(std::marker::PhantomData);
        deserializer.deserialize_map(visitor).map(|()| Self(std::marker::PhantomData))
    }
}

/// The headers of a response.
struct Headers;

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = ObjectVisitor::<HeaderName, HeaderValue>(std::marker::PhantomData);
        deserializer.deserialize_map(visitor).map(|()| Self)
    }
}

/// A status that HTTP libraries take: 100 to 999.
struct Status;

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u16::deserialize(deserializer)? {
            100..=999 => Ok(Self),
            _ => Err(de::Error::custom("`status_code` isn't between 100 and 999")),
        }
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read to be checked")]
struct Verdict {
    authenticated: bool,
    user_id: Option<Text>,
    claims: Option<Object<Any>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read to be checked")]
struct Function {
    name: Text,
    description: Option<Text>,
    parameters: Option<List<Parameter>>,
    return_type: Option<Text>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read to be checked")]
struct Parameter {
    name: Text,
    #[serde(rename = "type")]
    param_type: Option<Text>,
    required: Option<bool>,
    description: Option<Text>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read to be checked")]
struct Response {
    status_code: Status,
    headers: Option<Headers>,
    body: Base64,
    content_type: Option<HeaderValue>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read to be checked")]
struct Rows {
    columns: List<Column>,
    rows: List<Object<Any>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read to be checked")]
struct Column {
    name: Text,
    data_type: Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &str) -> Result<String, String> {
        match open(text.as_bytes())? {
            Opened::Result(result) => Ok(result.get().to_owned()),
            Opened::Error(error) => Ok(format!("error: {error}")),
        }
    }

    #[test]
    fn an_envelope_has_a_result_or_an_error() {
        assert_eq!(opened(r#"{"success":true,"result":[1, 2],"took":3}"#).unwrap(), "[1, 2]");
        assert_eq!(opened(r#"{"success":true,"result":null}"#).unwrap(), "null");
        assert_eq!(opened(r#"{"success":false,"error":"no","code":500}"#).unwrap(), "error: no");
        for wrong in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"success":true}"#,
            r#"{"success":false}"#,
            r#"{"success":false,"error":{"message":"x"}}"#,
            r#"{"success":"true","result":1}"#,
            r#"{"success":true,"result":1} {}"#,
            r#"{"success":false,"success":true,"result":1,"error":"x"}"#,
            r#"{"success":true,"result":1,"result":2}"#,
            r#"{"success":true,"result":{"a":}}"#,
        ] {
            assert!(opened(wrong).is_err(), "{wrong}");
        }
        assert!(open(b"{\"success\":true,\"result\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        let long = format!(r#"{{"success":false,"error":"{}"}}"#, "ä".repeat(5000));
        let error = opened(&long).unwrap();
        assert_eq!(error.len(), "error: ".len() + MAX_PLUGIN_ERROR);
    }

    fn checked(call: &Call, text: &str) -> Result<Value, String> {
        let raw = RawValue::from_string(text.to_owned()).map_err(|error| error.to_string())?;
        check(call, raw).map(|answer| answer.to_value())
    }

    #[test]
    fn each_call_has_its_shape() {
        let good = [
            (Call::Authenticate, r#"{"authenticated":true,"user_id":"ada","claims":{"a":[1]}}"#),
            (Call::Authenticate, r#"{"authenticated":false,"user_id":null}"#),
            (
                Call::Functions,
                r#"[{"name":"f","description":"","parameters":[{"name":"x","type":"string","required":true,"description":""}],"return_type":"string"}]"#,
            ),
            (Call::Functions, "[]"),
            (Call::Generate, r#"{"status_code":200,"headers":{"X-A":"b"},"body":"aGk=","content_type":"text/plain"}"#),
            (Call::Generate, r#"{"status_code":204,"body":""}"#),
            (Call::Query, r#"{"columns":[{"name":"a","data_type":"string"}],"rows":[{"a":1},{}]}"#),
        ];
        for (call, text) in good {
            assert!(checked(&call, text).is_ok(), "{call}: {text}: {:?}", checked(&call, text));
        }
        let bad = [
            (Call::Authenticate, r#"{"authenticated":"true","user_id":"ada"}"#),
            (Call::Authenticate, r#"{"user_id":"ada"}"#),
            (Call::Authenticate, r#"{"authenticated":true,"claims":[]}"#),
            (Call::Authenticate, "true"),
            (Call::Functions, r#"{"f":1}"#),
            (Call::Functions, r#"[{"description":"no name"}]"#),
            (Call::Generate, r#"{"status_code":99,"body":""}"#),
            (Call::Generate, r#"{"status_code":70000,"body":""}"#),
            (Call::Generate, r#"{"status_code":"200","body":""}"#),
            (Call::Generate, r#"{"status_code":200}"#),
            (Call::Generate, r#"{"status_code":200,"body":"not base64"}"#),
            (Call::Generate, r#"{"status_code":200,"body":"aGk"}"#),
            (Call::Generate, r#"{"status_code":200,"body":"","headers":{"X":"a\r\nSet-Cookie: b"}}"#),
            (Call::Generate, r#"{"status_code":200,"body":"","headers":{"X: a":"b"}}"#),
            (Call::Generate, r#"{"status_code":200,"body":"","content_type":"a\nb"}"#),
            (Call::Query, r#"{"columns":[],"rows":[[1]]}"#),
            (Call::Query, r#"{"columns":["a"],"rows":[]}"#),
            (Call::Query, r#"{"rows":[]}"#),
        ];
        for (call, text) in bad {
            assert!(checked(&call, text).is_err(), "{call}: {text}");
        }
    }

    #[test]
    fn an_accepted_answer_can_be_read() {
        let call = Call::Execute("f".into());
        for text in ["null", "1.5", r#""x""#, r#"{"a":{"a":2},"b":[]}"#, "-0"] {
            assert!(checked(&call, text).is_ok(), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for text in [deep.as_str(), "1e999", r#""\ud800""#] {
            assert!(checked(&call, text).is_err(), "{text}");
        }
        let hidden = format!(r#"{{"authenticated":true,"other":{deep}}}"#);
        assert!(checked(&Call::Authenticate, &hidden).is_err(), "in a key that nobody looks at");
    }

    #[test]
    fn base64_is_checked_in_parts_as_it_would_be_whole() {
        for length in [0, 1, 2, 3, 3071, 3072, 3073, 6144, 100_000] {
            let text = STANDARD.encode(vec![7_u8; length]);
            let answer = format!(r#"{{"status_code":200,"body":"{text}"}}"#);
            assert!(checked(&Call::Generate, &answer).is_ok(), "{length}");
        }
        let padded_inside = format!("{}=={}", "A".repeat(4094), "A".repeat(4));
        let answer = format!(r#"{{"status_code":200,"body":"{padded_inside}"}}"#);
        assert!(checked(&Call::Generate, &answer).is_err());
    }
}
