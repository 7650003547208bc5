use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> PluginName {
    text.parse().unwrap()
}

/// The line of formats.md, with digests and a signer that are real, and one key replaced or added.
fn line(key: &str, value: &str) -> String {
    let digest = "0f".repeat(32);
    let mut fields = vec![
        ("v", "1".to_owned()),
        ("name", r#""auth-jwt""#.to_owned()),
        ("version", r#""1.4.2""#.to_owned()),
        ("types", r#"["auth"]"#.to_owned()),
        ("description", r#""Validates \u0062earer tokens""#.to_owned()),
        ("license", r#""MIT OR Apache-2.0""#.to_owned()),
        ("deps", r#"[{"name":"jwks-core","req":"^0.3","optional":false}]"#.to_owned()),
        ("mockforge", r#"">=0.3, <2""#.to_owned()),
        ("file", r#""auth-jwt-1.4.2.tar.zst""#.to_owned()),
        ("size", "48211".to_owned()),
        ("sha256", format!("{digest:?}")),
        ("content", format!("\"blake3:{digest}\"")),
        ("published", r#""2026-08-01T10:00:00Z""#.to_owned()),
        ("capabilities", r#"{"http":["auth.example.com"],"memory":134217728}"#.to_owned()),
        ("signer", r#""minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa""#.to_owned()),
        ("yanked", "false".to_owned()),
    ];
    match fields.iter_mut().find(|(known, _)| *known == key) {
        Some(field) => value.clone_into(&mut field.1),
        None if key.is_empty() => {}
        None => fields.push((key, value.to_owned())),
    }
    let fields: Vec<String> =
        fields.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}\n", fields.join(","))
}

fn parse(text: &str) -> Result<IndexDocument, IndexError> {
    IndexDocument::parse(text.as_bytes(), &name("auth-jwt"))
}

fn one(key: &str, value: &str) -> IndexLine {
    let document = parse(&line(key, value)).unwrap_or_else(|error| panic!("{key} = {value}: {error}"));
    document.lines.into_iter().next().unwrap()
}

#[test]
fn the_published_form_is_read() {
    let read = one("", "");
    assert_eq!(read.version.to_string(), "1.4.2");
    assert_eq!(read.description.as_deref(), Some("Validates bearer tokens"));
    assert_eq!(read.deps, [Dependency { name: name("jwks-core"), requirement: "^0.3".parse().unwrap(), optional: false }]);
    assert_eq!(read.mockforge, Some(">=0.3, <2".parse().unwrap()));
    assert_eq!(read.artifact(), Artifact { format: ArchiveFormat::TarZst, size: 48211, sha256: "0f".repeat(32).parse().unwrap() });
    assert_eq!(read.published.to_string(), "2026-08-01T10:00:00Z");
    assert_eq!(serde_json::to_string(&read.capabilities).unwrap(), r#"{"http":["auth.example.com"],"memory":134217728}"#);
    assert!(read.signer.is_some() && !read.yanked.is_yanked());
}

#[test]
fn what_may_be_absent_may_be_absent() {
    for key in ["description", "license", "mockforge", "signer", "yanked"] {
        one(key, "");
    }
    for (key, value) in
        [("signer", "null"), ("signer", "\"\""), ("license", "null"), ("deprecated", "null"), ("x-new", "[{}]"), ("deps", "[]")]
    {
        one(key, value);
    }
    assert_eq!(one("signer", "\"\"").signer, None);
    assert_eq!(one("yanked", "true").yanked, Yanked::Yes);
    assert_eq!(one("yanked", r#""leaks \"tokens\"""#).yanked.reason(), Some("leaks \"tokens\""));
    let deprecated = one("deprecated", r#"{"reason":"old","use":"auth-oidc"}"#).deprecated.unwrap();
    assert_eq!((deprecated.reason.as_str(), deprecated.use_instead.as_deref()), ("old", Some("auth-oidc")));
    assert_eq!(one("author", r#"{"name":"Ada"}"#).author, one("author", r#""Ada""#).author);
    assert_eq!(one("unpacked", "7").unpacked, Some(7));
    assert_eq!(one("keywords", r#"["a","b"]"#).keywords, ["a", "b"]);
}

#[test]
fn lines_for_a_newer_mfp_are_skipped_and_counted() {
    for newer in [line("v", "2"), line("v", "2").replace("\"auth\"", "{}"), line("v", "0"), line("capabilities", r#"{"sockets":["a"]}"#)] {
        let document = parse(&format!("{newer}{}", line("version", "\"1.5.0\""))).unwrap();
        assert_eq!((document.lines.len(), document.skipped), (1, 1), "{newer}");
    }
}

#[test]
fn what_is_wrong_names_its_line() {
    let mut shown = String::new();
    for (key, value) in [
        ("v", ""),
        ("v", "\"1\""),
        ("name", "\"csv\""),
        ("name", "\"Auth_JWT\""),
        ("version", "\"1.4\""),
        ("version", "\"1.4.2+b1\""),
        ("version", "1.4"),
        ("types", "[]"),
        ("types", "[\"webhook\"]"),
        ("types", r#"["\u001b[31m"]"#),
        ("deps", ""),
        ("deps", r#"[{"name":"a","req":"latest"}]"#),
        ("deps", r#"[{"name":"../a","req":"1"}]"#),
        ("deps", r#"[{"name":"a","req":"1"},{"name":"a","req":"2"}]"#),
        ("mockforge", "\"new\""),
        ("file", r#""../auth-jwt-1.4.2.tar.zst""#),
        ("file", r#""dl/auth-jwt-1.4.2.tar.zst""#),
        ("file", r#""..""#),
        ("file", r#""auth-jwt-1.4.2.exe""#),
        ("file", r#""con.zip""#),
        ("file", r#""auth-jwt-1.4.2.zip.""#),
        ("file", r#""auth-jwt-\u202e.zip""#),
        ("size", "-1"),
        ("size", "1.5"),
        ("sha256", r#""00""#),
        ("content", r#""sha256:00""#),
        ("published", r#""yesterday""#),
        ("capabilities", ""),
        ("capabilities", r#"{"http":["https://a.example/x"]}"#),
        ("capabilities", "[]"),
        ("signer", r#""minisign:RW""#),
        ("yanked", "1"),
    ] {
        let text = format!("\n{}{}", line("version", "\"1.0.0\""), line(key, value));
        let error = parse(&text).expect_err(&text);
        assert_eq!((error.line, error.code()), (3, "mfp::registry::index"), "{key} = {value}: {error}");
        writeln!(shown, "{key} = {value}\n  {error}").unwrap();
    }
    assert!(!shown.contains('\u{1b}'));
    insta::assert_snapshot!(shown);
}

#[test]
fn a_file_is_whole_or_an_error() {
    let good = line("", "");
    for text in [&good[..good.len() - 2], &format!("{good}<html>"), &format!("{good}{good}"), "[]", "null"] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(IndexDocument::parse(b"\xff", &name("auth-jwt")).is_err());
    assert_eq!(parse("").unwrap(), IndexDocument::default());
    assert_eq!(parse(&good.replace('\n', "\r\n\n")).unwrap().lines.len(), 1);
}

#[test]
fn counts_are_bounded() {
    let many = |count: usize| -> String { (0..count).map(|n| line("version", &format!("\"1.0.{n}\""))).collect() };
    assert_eq!(parse(&many(MAX_VERSIONS)).unwrap().lines.len(), MAX_VERSIONS);
    assert!(parse(&many(MAX_VERSIONS + 1)).unwrap_err().message.contains("2000"));
    let deps: Vec<String> = (0..201).map(|n| format!(r#"{{"name":"d{n}","req":"1"}}"#)).collect();
    assert!(parse(&line("deps", &format!("[{}]", deps.join(",")))).unwrap_err().message.contains("200"));
}

#[test]
fn a_bulk_file_says_what_the_single_files_say() {
    let csv = line("name", "\"csv\"");
    let text = format!("{}{csv}{}{}", line("", ""), line("version", "\"1.5.0\""), line("v", "2"));
    let bulk = IndexDocument::parse_bulk(text.as_bytes()).unwrap();
    assert_eq!(bulk.keys().map(PluginName::as_str).collect::<Vec<_>>(), ["auth-jwt", "csv"]);
    assert_eq!(bulk[&name("auth-jwt")], parse(&format!("{}{}{}", line("", ""), line("version", "\"1.5.0\""), line("v", "2"))).unwrap());
    assert_eq!(bulk[&name("csv")], IndexDocument::parse(csv.as_bytes(), &name("csv")).unwrap());
    assert!(IndexDocument::parse_bulk(format!("{csv}{csv}").as_bytes()).is_err());
}

#[test]
fn paths_are_those_of_the_format() {
    for (plugin, path) in [
        ("a", "index/1/a"),
        ("ab", "index/2/ab"),
        ("abc", "index/3/a/abc"),
        ("abcd", "index/ab/cd/abcd"),
        ("auth-jwt", "index/au/th/auth-jwt"),
    ] {
        assert_eq!(index_path(&name(plugin)), path);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// A changed or cut byte gives an index or an error, never a panic, and a cut line is never dropped.
    #[test]
    fn damage_is_noticed(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let text = line("", "").into_bytes();
        let at = at.index(text.len() - 2);
        prop_assert!(IndexDocument::parse(&text[..=at], &name("auth-jwt")).is_err());
        let mut changed = text;
        changed[at] = byte;
        let _ = IndexDocument::parse(&changed, &name("auth-jwt"));
    }
}
