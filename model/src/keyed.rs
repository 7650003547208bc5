//! Is a record written with its keys? serde's derived readers also take a list of the values in the fields' order, and
//! `"capabilities": []` must never mean "asks for nothing".

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

/// A record that's read from a map and from nothing else.
pub(crate) struct Keyed<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapOnly<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapOnly<T> {
            type Value = Keyed<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("keys and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Keyed<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Keyed)
            }
        }

        deserializer.deserialize_map(MapOnly(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_no_record() {
        #[derive(Deserialize)]
        struct Pair {
            a: u8,
        }
        assert_eq!(serde_json::from_str::<Keyed<Pair>>(r#"{"a":1}"#).unwrap().0.a, 1);
        assert!(serde_json::from_str::<Pair>("[1]").is_ok(), "what serde does without it");
        assert!(serde_json::from_str::<Keyed<Pair>>("[1]").is_err());
    }
}
