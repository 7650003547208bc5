//! How big, how long? The two units that people write in files: `"64MiB"` and `"24h"`.
//!
//! An integer and a unit, nothing else: no fractions, no spaces, no `MB` that might be a million or 2^20. A plain number
//! of bytes is taken where a file is written by a program (the lock and index lines hold integers).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Why a text isn't a size or a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No integer, no unit, or another unit.
    #[error("`{text}` isn't {what}")]
    Syntax {
        /// The text as it was given.
        text: String,
        /// What it should be, with the units that exist.
        what: &'static str,
    },
    /// Larger than can be counted.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

/// An integer directly followed by one of `units`; the result is the product.
fn parse_with(text: &str, units: &[(&str, u64)], what: &'static str) -> Result<u64, UnitError> {
    let syntax = || UnitError::Syntax { text: text.to_owned(), what };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit).ok_or_else(syntax)?;
    if number.is_empty() {
        return Err(syntax());
    }
    let too_large = || UnitError::TooLarge(text.to_owned());
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor)).ok_or_else(too_large)
}

/// A number of bytes. Its text is an integer and `KiB`, `MiB` or `GiB`; a plain integer is taken from files too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

const SIZES: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

impl ByteSize {
    /// The text that parses to this size (`128MiB`), with the largest unit that divides it; `None` if none does.
    pub fn to_text(self) -> Option<String> {
        let fits = |(_, factor): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(*factor);
        SIZES.iter().rev().find(fits).map(|(unit, factor)| format!("{}{unit}", self.0 / factor))
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        parse_with(text, &SIZES, "a size: an integer and `KiB`, `MiB` or `GiB`, as in `64MiB`").map(Self)
    }
}

/// With a unit where one divides it, else in bytes: for people to read.
impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_text() {
            Some(text) => out.pad(&text),
            None => write!(out, "{} bytes", self.0),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Size;

        impl Visitor<'_> for Size {
            type Value = ByteSize;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a number of bytes, or a size such as \"64MiB\"")
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
                u64::try_from(bytes).map(ByteSize).map_err(|_| E::custom("a size can't be negative"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Size)
    }
}

/// A period of time, in whole seconds. Its text is an integer and `s`, `m`, `h`, `d` or `w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Period(u64);

const PERIODS: [(&str, u64); 5] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];

impl Period {
    /// A period of this many seconds.
    pub fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The whole period in seconds.
    pub fn as_seconds(self) -> u64 {
        self.0
    }

    /// The same as a [`Duration`].
    pub fn as_duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl FromStr for Period {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        parse_with(text, &PERIODS, "a period: an integer and `s`, `m`, `h`, `d` or `w`, as in `24h`").map(Self)
    }
}

/// With the largest unit that divides it, days at most and `24h` for one day: every text parses to the same period.
impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(unit, factor): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(*factor) && *unit != "w";
        let (unit, factor) = match self.0 {
            86_400 => ("h", 3600),
            _ => PERIODS.iter().rev().find(fits).copied().unwrap_or(("s", 1)),
        };
        out.pad(&format!("{}{unit}", self.0 / factor))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize_parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units_only() {
        for (text, bytes) in [("64MiB", 64 << 20), ("1KiB", 1024), ("2GiB", 2 << 30), ("0KiB", 0)] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["64MB", "64", "MiB", "1.5MiB", "64 MiB", "-1KiB", "64mib", "+1KiB", ""] {
            assert!(matches!(text.parse::<ByteSize>(), Err(UnitError::Syntax { .. })), "{text}");
        }
        assert!(matches!("99999999999GiB".parse::<ByteSize>(), Err(UnitError::TooLarge(_))));
        assert!(matches!("99999999999999999999KiB".parse::<ByteSize>(), Err(UnitError::TooLarge(_))));
    }

    #[test]
    fn a_size_prints_as_it_is_written() {
        assert_eq!(ByteSize(128 << 20).to_string(), "128MiB");
        assert_eq!(ByteSize(1536).to_string(), "1536 bytes");
        assert_eq!(ByteSize(0).to_text(), None);
        assert_eq!(serde_json::from_str::<ByteSize>("134217728").ok(), Some(ByteSize(128 << 20)));
        assert_eq!(serde_json::from_str::<ByteSize>("\"128MiB\"").ok(), Some(ByteSize(128 << 20)));
        assert!(serde_json::from_str::<ByteSize>("-1").is_err());
        assert!(serde_json::from_str::<ByteSize>("1.5").is_err());
    }

    #[test]
    fn periods_print_to_what_parses() {
        for (text, seconds, shown) in
            [("24h", 86_400, "24h"), ("1d", 86_400, "24h"), ("90m", 5400, "90m"), ("2w", 1_209_600, "14d"), ("0s", 0, "0s")]
        {
            let period: Period = text.parse().unwrap();
            assert_eq!((period.as_seconds(), period.to_string().as_str()), (seconds, shown));
            assert_eq!(shown.parse(), Ok(period));
        }
        for text in ["24", "h", "1.5h", "1h30m", "24H", "1y"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }
}
