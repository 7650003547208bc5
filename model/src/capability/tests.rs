use proptest::prelude::*;
use url::Url;

use super::*;

fn parse(json: &str) -> Capabilities {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[test]
fn the_canonical_form_has_one_order_and_leaves_nothing_out_but_nothing() {
    let text = r#"{"env":["FLAG"],"fs-read":["data"],"fs-write":["cache"],"http":["*.x.com:8443","auth.example.com"],"memory":134217728,"time-ms":500}"#;
    assert_eq!(serde_json::to_string(&parse(text)).unwrap(), text);
    assert_eq!(serde_json::to_string(&Capabilities::default()).unwrap(), "{}");
    assert!(parse("{}").is_empty());
    let keys: Vec<String> = serde_json::to_value(parse(text)).unwrap().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, Capabilities::KEYS);
}

#[test]
fn sets_are_sorted_and_values_normalised_when_read() {
    let read = parse(r#"{"memory":"128MiB","http":["B.example","https://a.example:443","b.example."],"fs-read":["./data/"]}"#);
    assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"fs-read":["data"],"http":["a.example","b.example"],"memory":134217728}"#);
}

#[test]
fn an_unknown_capability_is_never_ignored() {
    for json in [
        r#"{"sockets":true}"#,
        r#"{"http":["a.com/x"]}"#,
        r#"{"fs-read":["."]}"#,
        r#"{"memory":-1}"#,
        r#"{"env":["*"]}"#,
        "[]",
        r#"[["A"]]"#,
        "null",
    ] {
        assert!(serde_json::from_str::<Capabilities>(json).is_err(), "{json}");
    }
}

#[test]
fn excess_is_what_a_person_has_to_decide() {
    let asked = parse(r#"{"env":["A","B"],"fs-write":["data"],"http":["*.x.com","a.y.com"],"memory":200000000,"time-ms":500}"#);
    let allowed = parse(r#"{"env":["A"],"fs-read":["data"],"http":["a.x.com","*.y.com"],"memory":"128MiB","time-ms":500}"#);
    let excess = parse(r#"{"env":["B"],"fs-write":["data"],"http":["*.x.com"],"memory":200000000}"#);
    assert_eq!(asked.excess(&allowed), excess);
    assert!(!asked.is_subset_of(&allowed));
    assert!(asked.is_subset_of(&asked));
    let both = parse(r#"{"env":["A"],"http":["a.x.com","a.y.com"],"memory":"128MiB","time-ms":500}"#);
    assert_eq!(asked.intersection(&allowed), both);
}

#[test]
fn broad_requests_say_why() {
    let asked = parse(
        r#"{"env":["FLAG","API_TOKEN"],"fs-read":["data"],"fs-write":["cache"],"http":["*","http://*.x.com","a.com","http://b.com"]}"#,
    );
    insta::assert_snapshot!(asked.broad().join("\n"), @r"
    env API_TOKEN: reads an environment variable that looks like a secret
    env FLAG: reads an environment variable
    fs-write cache: writes files of the project
    http *: reaches every host
    http http://*.x.com: reaches every host below x.com and is not encrypted
    http http://b.com: is not encrypted
    ");
    assert!(parse(r#"{"fs-read":["data"],"http":["a.com"],"memory":99999999}"#).broad().is_empty());
}

/// Domains over few labels, so that sets meet: the apex, what's below it, what only ends like it, and deeper ones.
fn domain() -> impl Strategy<Value = String> {
    let label = prop::sample::select(vec!["a", "b", "ax", "x", "a-x"]);
    (prop::collection::vec(label, 0..3), prop::sample::select(vec!["x.com", "ax.com", "com", "x.com.evil.org"]))
        .prop_map(|(labels, end)| labels.into_iter().chain([end]).collect::<Vec<_>>().join("."))
}

fn port() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", ":443", ":80", ":8443"])
}

fn scheme() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["https://", "http://"])
}

fn host() -> impl Strategy<Value = HostPattern> {
    let exact = prop_oneof![4 => domain(), 1 => Just("127.0.0.1".to_owned()), 1 => Just("[2001:db8::1]".to_owned())];
    let name = prop_oneof![3 => exact, 3 => domain().prop_map(|domain| format!("*.{domain}")), 1 => Just("*".to_owned())];
    (scheme(), name, port()).prop_map(|(scheme, name, port)| format!("{scheme}{name}{port}").parse().unwrap())
}

/// A URL as a plugin may ask for it: in any spelling of the name, with any path.
fn url() -> impl Strategy<Value = Url> {
    let name = prop_oneof![6 => domain(), 1 => Just("127.0.0.1".to_owned()), 1 => Just("[2001:db8::1]".to_owned())];
    let dot = prop::sample::select(vec!["", "."]);
    let path = prop::sample::select(vec!["/", "/a?b=c", "/..//x"]);
    (scheme(), name, dot, port(), path, any::<bool>()).prop_filter_map(
        "an address has no trailing dot",
        |(scheme, name, dot, port, path, is_loud)| {
            let is_address = name.starts_with(['[', '1']);
            let name = if is_loud { name.to_uppercase() } else { name };
            (!(is_address && dot == ".")).then(|| Url::parse(&format!("{scheme}{name}{dot}{port}{path}")).unwrap())
        },
    )
}

fn path() -> impl Strategy<Value = CapabilityPath> {
    let part = prop::sample::select(vec!["data", "in", "data2", "Data", "a.csv"]);
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/").parse().unwrap())
}

fn set<T: Ord + std::fmt::Debug>(one: impl Strategy<Value = T>) -> impl Strategy<Value = BTreeSet<T>> {
    prop::collection::btree_set(one, 0..4)
}

fn number() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(prop::sample::select(vec![0, 1, 100, u64::MAX]))
}

fn env() -> impl Strategy<Value = EnvName> {
    prop::sample::select(vec!["A", "B", "C", "a"]).prop_map(|name| name.parse().unwrap())
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    (set(env()), set(path()), set(path()), set(host()), number(), number())
        .prop_map(|(env, fs_read, fs_write, http, memory, time_ms)| Capabilities { env, fs_read, fs_write, http, memory, time_ms })
}

fn policy() -> impl Strategy<Value = CapabilityPolicy> {
    let set_of_paths = || prop::option::of(set(path()));
    (prop::option::of(set(env())), set_of_paths(), set_of_paths(), prop::option::of(set(host())), number(), number())
        .prop_map(|(env, fs_read, fs_write, http, memory, time_ms)| CapabilityPolicy { env, fs_read, fs_write, http, memory, time_ms })
}

/// One concrete thing that a plugin may do: what the relation between sets must keep to.
#[derive(Debug, Clone)]
enum Deed {
    Ask(Url),
    Read(CapabilityPath),
    Write(CapabilityPath),
    Env(EnvName),
    Memory(u64),
    Time(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let below = || (path(), prop::sample::select(vec!["", "/in", "/in/a.csv", "2"]));
    let file = || below().prop_map(|(path, more)| format!("{path}{more}").parse::<CapabilityPath>().unwrap());
    prop_oneof![
        4 => url().prop_map(Deed::Ask),
        2 => file().prop_map(Deed::Read),
        2 => file().prop_map(Deed::Write),
        1 => env().prop_map(Deed::Env),
        1 => (1..200_u64).prop_map(Deed::Memory),
        1 => (1..200_u64).prop_map(Deed::Time),
    ]
}

/// Is it allowed? Written anew, from the sentences of the format and not from the code under test.
fn allows(set: &Capabilities, deed: &Deed) -> bool {
    let is_below = |folder: &CapabilityPath, file: &CapabilityPath| {
        let (folder, file): (Vec<_>, Vec<_>) = (folder.as_str().split('/').collect(), file.as_str().split('/').collect());
        file.starts_with(&folder)
    };
    match deed {
        Deed::Ask(url) => set.http.iter().any(|pattern| names(pattern.as_str(), url)),
        Deed::Read(file) => set.fs_read.iter().any(|path| is_below(path, file)),
        Deed::Write(file) => set.fs_write.iter().any(|path| is_below(path, file)),
        Deed::Env(name) => set.env.contains(name),
        Deed::Memory(bytes) => set.memory.is_some_and(|most| *bytes <= most),
        Deed::Time(millis) => set.time_ms.is_some_and(|most| *millis <= most),
    }
}

/// Does a pattern's text take in a URL?
fn names(pattern: &str, url: &Url) -> bool {
    let (scheme, rest) = pattern.strip_prefix("http://").map_or(("https", pattern), |rest| ("http", rest));
    let colon = rest.rfind(':').filter(|at| !rest[*at..].contains(']'));
    let (name, port) = colon.map_or((rest, if scheme == "https" { 443 } else { 80 }), |at| (&rest[..at], rest[at + 1..].parse().unwrap()));
    let host = url.host_str().unwrap();
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_address = !matches!(url.host(), Some(url::Host::Domain(_)));
    let is_named = match name.strip_prefix("*") {
        Some("") => !is_address,
        Some(end) => !is_address && host.len() > end.len() && host.ends_with(end),
        None => name == host,
    };
    is_named && url.scheme() == scheme && url.port_or_known_default() == Some(port)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn within_itself(a in capabilities()) {
        prop_assert!(a.is_subset_of(&a));
        prop_assert!(Capabilities::default().is_subset_of(&a));
        prop_assert!(a.reduced().is_subset_of(&a) && a.is_subset_of(&a.reduced()));
    }

    #[test]
    fn within_each_other_means_the_same(a in capabilities(), b in capabilities()) {
        if a.is_subset_of(&b) && b.is_subset_of(&a) {
            prop_assert_eq!(a.reduced(), b.reduced());
        }
    }

    #[test]
    fn within_is_transitive(a in capabilities(), b in capabilities(), c in capabilities()) {
        let (ab, abc) = (a.intersection(&b), a.intersection(&b).intersection(&c));
        prop_assert!(abc.is_subset_of(&ab) && ab.is_subset_of(&a) && abc.is_subset_of(&a));
        if a.is_subset_of(&b) && b.is_subset_of(&c) {
            prop_assert!(a.is_subset_of(&c));
        }
    }

    #[test]
    fn a_request_goes_where_a_pattern_says(set in capabilities(), url in url()) {
        prop_assert_eq!(set.allows_url(&url), allows(&set, &Deed::Ask(url)));
    }

    #[test]
    fn never_within_what_doesn_t_allow_it(a in capabilities(), b in capabilities(), c in capabilities(), deeds in prop::collection::vec(deed(), 8)) {
        // Sets that were cut from others are often within each other.
        for (new, old) in [(&a, &b), (&a.intersection(&b), &b), (&a.intersection(&c), &a.union(&b)), (&a, &a.union(&c))] {
            if new.is_subset_of(old) {
                for deed in &deeds {
                    prop_assert!(!allows(new, deed) || allows(old, deed), "{:?} within {:?}, but only the first allows {:?}", new, old, deed);
                }
            }
        }
    }

    #[test]
    fn what_is_in_excess_is_what_is_new(a in capabilities(), b in capabilities(), deeds in prop::collection::vec(deed(), 8)) {
        let excess = a.excess(&b);
        for deed in deeds.iter().filter(|deed| allows(&a, deed) && !allows(&b, deed)) {
            prop_assert!(allows(&excess, deed), "{:?} is new, and isn't in {:?}", deed, excess);
        }
    }

    #[test]
    fn an_intersection_allows_what_both_allow(a in capabilities(), b in capabilities(), deeds in prop::collection::vec(deed(), 8)) {
        let both = a.intersection(&b);
        for deed in &deeds {
            prop_assert_eq!(allows(&both, deed), allows(&a, deed) && allows(&b, deed), "{:?}", deed);
        }
    }

    #[test]
    fn an_intersection_is_the_greatest_that_is_within_both(a in capabilities(), b in capabilities(), c in capabilities()) {
        let both = a.intersection(&b);
        prop_assert!(both.is_subset_of(&a) && both.is_subset_of(&b));
        for lower in [&c, &c.intersection(&a), &c.intersection(&a).intersection(&b)] {
            prop_assert!(!(lower.is_subset_of(&a) && lower.is_subset_of(&b)) || lower.is_subset_of(&both), "{:?}", lower);
        }
    }

    #[test]
    fn a_union_allows_what_either_allows(a in capabilities(), b in capabilities(), deeds in prop::collection::vec(deed(), 8)) {
        let either = a.union(&b);
        prop_assert!(a.is_subset_of(&either) && b.is_subset_of(&either));
        for deed in &deeds {
            prop_assert_eq!(allows(&either, deed), allows(&a, deed) || allows(&b, deed), "{:?}", deed);
        }
    }

    #[test]
    fn a_policy_never_widens(granted in capabilities(), policy in policy(), deeds in prop::collection::vec(deed(), 8)) {
        let left = policy.narrow(&granted);
        prop_assert!(left.is_subset_of(&granted));
        prop_assert_eq!(&policy.narrow(&left), &left, "twice is once");
        let most = Capabilities {
            env: policy.env.clone().unwrap_or_else(|| granted.env.clone()),
            fs_read: policy.fs_read.clone().unwrap_or_else(|| granted.fs_read.clone()),
            fs_write: policy.fs_write.clone().unwrap_or_else(|| granted.fs_write.clone()),
            http: policy.http.clone().unwrap_or_else(|| granted.http.clone()),
            memory: policy.memory.or(granted.memory),
            time_ms: policy.time_ms.or(granted.time_ms),
        };
        for deed in &deeds {
            prop_assert_eq!(allows(&left, deed), allows(&granted, deed) && allows(&most, deed), "{:?}", deed);
        }
    }

    #[test]
    fn parts_make_the_whole(a in capabilities()) {
        let parts = a.parts();
        prop_assert_eq!(parts.len(), a.singles().len());
        let whole = parts.iter().fold(Capabilities::default(), |all, part| all.union(part));
        prop_assert_eq!(whole, a);
    }

    #[test]
    fn with_its_excess_allowed_nothing_is_in_excess(a in capabilities(), b in capabilities()) {
        let excess = a.excess(&b);
        prop_assert_eq!(excess.is_empty(), a.is_subset_of(&b));
        prop_assert!(a.is_subset_of(&b.union(&excess)));
    }
}
