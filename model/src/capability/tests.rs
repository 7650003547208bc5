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

/// Every host that the patterns below can tell apart.
const NAMES: [&str; 8] = ["x.com", "a.x.com", "b.a.x.com", "b.x.com", "y.com", "ax.com", "127.0.0.1", "com"];
const ORIGINS: [(&str, &str); 5] = [("https", ""), ("http", ""), ("https", ":8443"), ("http", ":8443"), ("http", ":443")];
const FILES: [&str; 7] = ["data", "data/in", "data/in/a.csv", "data/out", "data2", "cache", "cache/data"];

fn host() -> impl Strategy<Value = HostPattern> {
    let names = prop::sample::select(vec!["*", "*.com", "*.x.com", "*.a.x.com", "x.com", "a.x.com", "b.a.x.com", "ax.com", "127.0.0.1"]);
    (prop::sample::select(vec!["", "http://"]), names, prop::sample::select(vec!["", ":8443", ":443"]))
        .prop_map(|(scheme, name, port)| format!("{scheme}{name}{port}").parse().unwrap())
}

fn path() -> impl Strategy<Value = CapabilityPath> {
    prop::sample::select(FILES.to_vec()).prop_map(|path| path.parse().unwrap())
}

fn set<T: Ord + std::fmt::Debug>(one: impl Strategy<Value = T>) -> impl Strategy<Value = BTreeSet<T>> {
    prop::collection::btree_set(one, 0..4)
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    let env = prop::sample::select(vec!["A", "B", "C"]).prop_map(|name| name.parse::<EnvName>().unwrap());
    let number = || prop::option::of(prop::sample::select(vec![1, 100, u64::MAX]));
    (set(env), set(path()), set(path()), set(host()), number(), number())
        .prop_map(|(env, fs_read, fs_write, http, memory, time_ms)| Capabilities { env, fs_read, fs_write, http, memory, time_ms })
}

/// All that is concretely allowed, one by one: the meaning that the relation must keep to.
fn meaning(of: &Capabilities) -> BTreeSet<String> {
    let origins = ORIGINS.iter().flat_map(|(scheme, port)| NAMES.iter().map(move |name| format!("{scheme}://{name}{port}/")));
    let urls = origins.filter(|url| of.allows_url(&Url::parse(url).unwrap()));
    let files = |set: &BTreeSet<CapabilityPath>, verb: &str| -> Vec<String> {
        FILES
            .iter()
            .filter(|file| set.iter().any(|path| path.covers(&file.parse().unwrap())))
            .map(|file| format!("{verb} {file}"))
            .collect()
    };
    let numbers = [1, 100, u64::MAX].into_iter().flat_map(|number| {
        let memory = (of.memory >= Some(number)).then(|| format!("memory {number}"));
        let time = (of.time_ms >= Some(number)).then(|| format!("time {number}"));
        memory.into_iter().chain(time)
    });
    let env = of.env.iter().map(|name| format!("env {name}"));
    urls.chain(files(&of.fs_read, "read")).chain(files(&of.fs_write, "write")).chain(numbers).chain(env).collect()
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
    fn never_within_what_doesn_t_allow_it(a in capabilities(), b in capabilities()) {
        if a.is_subset_of(&b) {
            let beyond: Vec<String> = meaning(&a).difference(&meaning(&b)).cloned().collect();
            prop_assert!(beyond.is_empty(), "{:?} within {:?} but allows {:?}", a, b, beyond);
        }
    }

    #[test]
    fn an_intersection_allows_what_both_allow(a in capabilities(), b in capabilities()) {
        let both: BTreeSet<String> = meaning(&a).intersection(&meaning(&b)).cloned().collect();
        prop_assert_eq!(meaning(&a.intersection(&b)), both);
    }

    #[test]
    fn with_its_excess_allowed_nothing_is_in_excess(a in capabilities(), b in capabilities()) {
        let excess = a.excess(&b);
        prop_assert_eq!(excess.is_empty(), a.is_subset_of(&b));
        prop_assert!(a.is_subset_of(&b.union(&excess)));
    }
}
