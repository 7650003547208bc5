use mockforge_plugin_sdk::prelude::*;
use mockforge_plugin_sdk::testing::{MockHost, PluginTestHarness};

use crate::mockforge_plugin;
use crate::texts::timestamp;

fn with(functions: Value) -> PluginTestHarness {
    PluginTestHarness::new(mockforge_plugin()).config(json!({ "functions": functions })).expect("a good configuration")
}

fn run(function: &str, args: Value) -> Value {
    let Value::Array(args) = args else { panic!("arguments are a list") };
    with(json!({})).execute(function, args).expect("it works")
}

#[test]
fn a_project_writes_its_own() {
    let harness = with(json!({
        "greeting": { "text": "{{Hello}}, {name|trim|title}! {mood|default:How are you?}", "parameters": ["name", "mood"], "description": "Greets" },
        "item": { "text": "{{\"it\": {it|json}}}", "parameters": ["it"] },
        "fixed": { "text": "" },
    }));
    let greeted = |args: &[Value]| harness.execute("greeting", args.iter().cloned());
    assert_eq!(greeted(&[json!(" ada lovelace ")]).unwrap(), "{Hello}, Ada Lovelace! How are you?");
    assert_eq!(greeted(&[json!("x"), json!(7)]).unwrap(), "{Hello}, X! 7");
    assert_eq!(greeted(&[json!("x"), json!(null)]).unwrap(), "{Hello}, X! How are you?");
    assert_eq!(greeted(&[]).unwrap_err().to_string(), "greeting: there's no argument 1 (`name`)");
    assert_eq!(greeted(&[json!(1), json!(2), json!(3)]).unwrap_err().to_string(), "greeting takes 2 arguments at most, not 3");
    assert_eq!(harness.execute("item", [json!(["a"])]).unwrap(), r#"{"it": ["a"]}"#);
    assert_eq!(harness.execute("fixed", []).unwrap(), "");
    let listed = harness.functions().unwrap();
    let greeting = listed.iter().find(|function| function.name == "greeting").expect("it's listed");
    assert_eq!((greeting.description.as_str(), greeting.parameters.len(), listed.len()), ("Greets", 2, 10));
}

#[test]
fn an_argument_is_never_read_as_a_pattern() {
    let harness =
        with(json!({ "twice": { "text": "{a}{b}", "parameters": ["a", "b"] }, "json": { "text": "{a|json}", "parameters": ["a"] } }));
    assert_eq!(harness.execute("twice", [json!("{b}"), json!("}{")]).unwrap(), "{b}}{");
    assert_eq!(harness.execute("json", [json!("a\"\n")]).unwrap(), r#""a\"\n""#);
    assert!(
        harness.execute("twice", [json!("x".repeat(40_000)), json!("x".repeat(40_000))]).unwrap_err().to_string().contains("longer than")
    );
}

#[test]
fn a_text_that_means_nothing_is_an_error_of_the_configuration() {
    for (text, why) in [
        ("{", "stands alone"),
        ("a } b", "stands alone"),
        ("{name", "stands alone"),
        ("{other}", "`other` isn't among"),
        ("{}", "`` isn't among"),
        ("{name|shout}", "no filter `shout`"),
        ("{name|upper:1}", "takes nothing"),
    ] {
        let error = with(json!({ "f": { "text": text, "parameters": ["name"] } })).execute("title", [json!("x")]).unwrap_err().to_string();
        assert!(error.starts_with("functions.f: ") && error.contains(why), "{error}");
    }
    assert!(with(json!({ "pick": { "text": "" } })).execute("pick", []).unwrap_err().to_string().contains("already"));
}

#[test]
fn texts_are_cut_and_filled_by_characters() {
    assert_eq!(run("title", json!(["don't  panic, ÄRGER über-all"])), "Don't  Panic, Ärger Über-All");
    assert_eq!(
        (run("mask", json!(["4111 1111", 4])), run("mask", json!(["é"])), run("mask", json!(["äöü", 0]))),
        (json!("*****1111"), json!("é"), json!("***"))
    );
    assert_eq!(
        (run("truncate", json!(["grüße dich", 7])), run("truncate", json!(["grüße", 5])), run("truncate", json!(["x", 0]))),
        (json!("grüße…"), json!("grüße"), json!(""))
    );
    assert_eq!((run("pad", json!(["7", 3, "0"])), run("pad", json!(["1234", 3]))), (json!("007"), json!("1234")));
    assert!(with(json!({})).execute("pad", [json!("7"), json!(70_000)]).is_err());
}

#[test]
fn check_digits_are_luhns() {
    // ISO/IEC 7812's example, and the card number that every test has.
    assert_eq!(
        (run("luhn", json!(["7992739871"])), run("luhn", json!(["411111111111111"]))),
        (json!("79927398713"), json!("4111111111111111"))
    );
    assert!(with(json!({})).execute("luhn", [json!("12a")]).is_err());
}

#[test]
fn times_are_rfc_3339() {
    let at = |ms, offset| timestamp(ms, offset).unwrap();
    assert_eq!(at(0, "0s"), "1970-01-01T00:00:00.000Z");
    assert_eq!(at(1_767_225_600_000, "-1s"), "2025-12-31T23:59:59.000Z");
    assert_eq!(
        (at(951_696_000_000, "1d"), at(951_696_000_000, "2d")),
        ("2000-02-29T00:00:00.000Z".to_owned(), "2000-03-01T00:00:00.000Z".to_owned())
    );
    assert_eq!((at(-1, "0s"), at(0, "-719528d")), ("1969-12-31T23:59:59.999Z".to_owned(), "0000-01-01T00:00:00.000Z".to_owned()));
    assert_eq!(at(253_402_300_799_999, "0s"), "9999-12-31T23:59:59.999Z");
    for offset in ["", "7", "s", "1.5h", "1y", "9999999999999d", "-719529d", "é"] {
        assert!(timestamp(0, offset).is_err(), "{offset}");
    }
    let harness = PluginTestHarness::new(mockforge_plugin()).with_host(MockHost::default().at(90_000));
    assert_eq!(harness.execute("timestamp", [json!("-90s")]).unwrap(), "1970-01-01T00:00:00.000Z");
}

#[test]
fn something_of_the_list_is_picked() {
    let list = json!([["a", 7, null]]);
    assert!(list[0].as_array().unwrap().contains(&run("pick", list.clone())));
    assert!(with(json!({})).execute("pick", [json!([])]).unwrap_err().to_string().contains("nothing"));
    assert!(with(json!({})).execute("pikc", [json!([])]).unwrap_err().to_string().contains("no function"));
}
