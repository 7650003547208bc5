//! What does a value look like? As its type and its name have it.

use apollo_compiler::schema::ExtendedType;
use mockforge_plugin_sdk::serde_json::{Value, json};

/// Of what a value is made up: the same, and it's the same value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key(u64);

impl Key {
    pub(crate) fn new(seed: u32) -> Self {
        Self(0xcbf2_9ce4_8422_2325 ^ u64::from(seed)).with("")
    }

    /// A key below this one. (FNV-1a, and a byte between texts that none of them has.)
    pub(crate) fn with(self, text: &str) -> Self {
        let step = |key: u64, byte: u8| (key ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(step(text.bytes().fold(self.0, step), 0xff))
    }

    pub(crate) fn at(self, at: usize) -> Self {
        self.with(&at.to_string())
    }

    /// The id of what's made of this.
    pub(crate) fn id(self) -> String {
        format!("{:08x}", self.number() >> 32)
    }

    /// A number, whose bits are as good as one another. (The end of `SplitMix64`.)
    fn number(self) -> u64 {
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    /// A number below this one, which isn't 0.
    fn below(self, end: u64) -> u64 {
        self.number() % end
    }

    fn between(self, least: i64, most: i64) -> i64 {
        least + i64::try_from(self.below(most.abs_diff(least) + 1)).unwrap_or(0)
    }

    pub(crate) fn choose<T>(self, choices: &[T]) -> Option<&T> {
        choices.get(usize::try_from(self.below((choices.len() as u64).max(1))).unwrap_or(0))
    }

    fn word(self, words: &[&'static str]) -> &'static str {
        self.choose(words).copied().unwrap_or_default()
    }
}

const FIRST: [&str; 12] =
    ["Ada", "Alan", "Barbara", "Donald", "Edsger", "Frances", "Grace", "Hedy", "Katherine", "Linus", "Margaret", "Radia"];
const LAST: [&str; 12] =
    ["Allen", "Dijkstra", "Hamilton", "Hopper", "Johnson", "Knuth", "Lamarr", "Liskov", "Lovelace", "Perlman", "Torvalds", "Turing"];
const QUALITY: [&str; 12] = ["amber", "bright", "calm", "early", "fine", "gentle", "hidden", "light", "quiet", "round", "swift", "warm"];
const THING: [&str; 12] =
    ["anchor", "bridge", "cloud", "garden", "harbor", "kettle", "lantern", "meadow", "river", "stone", "tower", "window"];
const CITY: [&str; 8] = ["Bergen", "Graz", "Kyoto", "Lisbon", "Lyon", "Nairobi", "Porto", "Quito"];
const COUNTRY: [&str; 8] = ["Austria", "Ecuador", "France", "Japan", "Kenya", "Norway", "Portugal", "Spain"];
const COLOR: [&str; 8] = ["black", "blue", "green", "orange", "red", "violet", "white", "yellow"];

/// The value of a scalar or an enum, as the field `name` of the type `owner`.
pub(crate) fn leaf(definition: &ExtendedType, name: &str, owner: &str, key: Key) -> Value {
    let name = name.to_ascii_lowercase();
    match definition {
        ExtendedType::Enum(known) => {
            let values: Vec<&str> = known.values.keys().map(apollo_compiler::Name::as_str).collect();
            key.choose(&values).copied().into()
        }
        definition => scalar(definition.name(), &name, owner, key),
    }
}

fn scalar(kind: &str, name: &str, owner: &str, key: Key) -> Value {
    let is = |names: &[&str]| names.iter().any(|known| kind.eq_ignore_ascii_case(known));
    match kind {
        "ID" => id(name, key).into(),
        "Boolean" => (key.below(2) == 1).into(),
        "Int" => whole(name, key).into(),
        "Float" => real(name, key),
        "String" => text(name, owner, key).into(),
        _ if is(&["DateTime", "Timestamp", "Instant"]) => time(key).into(),
        _ if is(&["Date", "LocalDate"]) => date(key).into(),
        _ if is(&["Time", "LocalTime"]) => clock(key).into(),
        _ if is(&["UUID", "GUID"]) => uuid(key).into(),
        _ if is(&["URL", "URI"]) => url(key).into(),
        _ if is(&["Email", "EmailAddress"]) => email(key).into(),
        _ if is(&["BigInt", "Long"]) => whole(name, key).into(),
        _ if is(&["Decimal", "Money", "BigDecimal"]) => real(name, key),
        _ if is(&["JSON", "JSONObject", "Any"]) => json!({}),
        _ => text(name, owner, key).into(),
    }
}

/// An object's own id is that of its key; another one's is of what it's called.
fn id(name: &str, key: Key) -> String {
    key.with(name).id()
}

fn ends(name: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| name.ends_with(end))
}

fn whole(name: &str, key: Key) -> i64 {
    match name {
        _ if ends(name, &["age"]) => key.between(18, 80),
        _ if ends(name, &["year"]) => key.between(1990, 2026),
        _ if ends(name, &["rating", "stars"]) => key.between(1, 5),
        _ if ends(name, &["percent"]) => key.between(0, 100),
        _ => key.between(0, 1000),
    }
}

fn real(name: &str, key: Key) -> Value {
    let hundredths = match name {
        _ if ends(name, &["latitude", "lat"]) => key.between(-9000, 9000),
        _ if ends(name, &["longitude", "lng", "lon"]) => key.between(-18_000, 18_000),
        _ if ends(name, &["rating"]) => key.between(100, 500),
        _ => key.between(100, 20_000),
    };
    #[expect(clippy::cast_precision_loss, reason = "it's small")]
    let value = hundredths as f64 / 100.0;
    value.into()
}

fn text(name: &str, owner: &str, key: Key) -> String {
    match name {
        "name" if ["person", "user", "customer", "author", "employee", "member"].iter().any(|who| owner.eq_ignore_ascii_case(who)) => {
            person(key)
        }
        _ if ends(name, &["firstname", "givenname"]) => key.word(&FIRST).to_owned(),
        _ if ends(name, &["lastname", "surname", "familyname"]) => key.word(&LAST).to_owned(),
        _ if ends(name, &["fullname", "author"]) => person(key),
        _ if ends(name, &["username", "login", "nickname"]) => key.word(&FIRST).to_lowercase() + &key.between(1, 99).to_string(),
        _ if ends(name, &["email"]) => email(key),
        _ if ends(name, &["url", "uri", "link", "website", "image", "avatar"]) => url(key),
        _ if ends(name, &["phone"]) => format!("+1 555 01{:02}", key.below(100)),
        _ if ends(name, &["city"]) => key.word(&CITY).to_owned(),
        _ if ends(name, &["country"]) => key.word(&COUNTRY).to_owned(),
        _ if ends(name, &["color", "colour"]) => key.word(&COLOR).to_owned(),
        _ if ends(name, &["currency"]) => key.word(&["CHF", "EUR", "GBP", "JPY", "USD"]).to_owned(),
        _ if ends(name, &["slug", "sku", "handle"]) => format!("{}-{}", key.word(&QUALITY), key.with("thing").word(&THING)),
        _ if ends(name, &["createdat", "updatedat", "timestamp"]) => time(key),
        _ if ends(name, &["date"]) => date(key),
        _ if ends(name, &["description", "text", "body", "summary", "comment", "message"]) => sentence(key),
        _ => capital(&format!("{} {}", key.word(&QUALITY), key.with("thing").word(&THING))),
    }
}

fn person(key: Key) -> String {
    format!("{} {}", key.word(&FIRST), key.with("last").word(&LAST))
}

fn email(key: Key) -> String {
    format!("{}.{}@example.com", key.word(&FIRST), key.with("last").word(&LAST)).to_lowercase()
}

fn url(key: Key) -> String {
    format!("https://example.com/{}-{}", key.word(&QUALITY), key.with("thing").word(&THING))
}

fn sentence(key: Key) -> String {
    let other = key.with("other");
    let thing = |key: Key| format!("{} {}", key.word(&QUALITY), key.with("thing").word(&THING));
    format!("The {} is behind the {}.", thing(key), thing(other))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A day of the years 2020 to 2026.
fn date(key: Key) -> String {
    const DAYS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = key.below(12);
    let last = DAYS.get(usize::try_from(month).unwrap_or(0)).copied().unwrap_or(28);
    format!("{}-{:02}-{:02}", key.with("year").between(2020, 2026), month + 1, key.with("day").between(1, last))
}

fn clock(key: Key) -> String {
    format!("{:02}:{:02}:{:02}", key.below(24), key.with("minute").below(60), key.with("second").below(60))
}

fn time(key: Key) -> String {
    format!("{}T{}Z", date(key), clock(key.with("clock")))
}

/// A UUID of version 8: one whose bits are the maker's own.
fn uuid(key: Key) -> String {
    let (high, low) = (key.number(), key.with("low").number());
    let (high, low) = (high & 0xffff_ffff_ffff_0fff | 0x8000, low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000);
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff, high & 0xffff, low >> 48, low & 0xffff_ffff_ffff)
}
