//! How is a place in a JSON document named? By a JSON pointer (RFC 6901): `/keys/0/url`; empty for the whole.

/// The place of a key, or of a number in a list, below another place.
pub fn below(pointer: &str, part: &str) -> String {
    format!("{pointer}/{}", part.replace('~', "~0").replace('/', "~1"))
}

/// The keys and numbers on the way to a place.
pub fn parts(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_key_is_its_place_leads_to_it() {
        let keys = ["a", "", "a/b", "~", "~1", "~0/"];
        let pointer = keys.iter().fold(String::new(), |pointer, key| below(&pointer, key));
        assert_eq!(parts(&pointer).collect::<Vec<_>>(), keys);
        assert_eq!(parts("").count(), 0);
        let document = serde_json::json!({ "a/b~1": [1, 2] });
        assert_eq!(document.pointer(&below(&below("", "a/b~1"), "1")), Some(&2.into()));
    }
}
