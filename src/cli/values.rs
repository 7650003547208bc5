//! How are values written on the command line? Times as an integer and `ms`, `s` or `m`; sizes as an integer and `KiB`, `MiB` or
//! `GiB`; an accepted key as `NAME=minisign:RW…`; a version as `NAME@1.2.3`; one of several by its name, which documents have too.

use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginType;
use mfp_model::signer::Signer;
use mfp_model::version::Version;

/// A key that somebody accepts for a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AcceptedKey {
    /// The name that the project has for it.
    pub(crate) name: PluginName,
    /// Whose signatures are to be taken from now on.
    pub(crate) signer: Signer,
}

/// `greet=minisign:RW…`
pub(crate) fn accepted_key(text: &str) -> Result<AcceptedKey, String> {
    let (name, signer) = text.split_once('=').ok_or("write it as `NAME=minisign:RW…`")?;
    let name = name.parse().map_err(|error: mfp_model::name::NameError| error.to_string())?;
    let signer = signer.parse().map_err(|error: mfp_model::signer::SignerError| error.to_string())?;
    Ok(AcceptedKey { name, signer })
}

/// A version of a plugin, named in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedVersion {
    pub(crate) name: PluginName,
    pub(crate) version: Version,
}

/// `greet@1.2.0`
pub(crate) fn named_version(text: &str) -> Result<NamedVersion, String> {
    let (name, version) = text.split_once('@').ok_or("write it as `NAME@1.2.3`")?;
    let name = name.parse().map_err(|error: mfp_model::name::NameError| error.to_string())?;
    let version = Version::parse_published(version).map_err(|error| error.to_string())?;
    Ok(NamedVersion { name, version })
}

/// One of several as it's typed, and as documents have it.
pub(crate) fn value_name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// `auth`, `template`, `response` or `datasource`.
pub(crate) fn plugin_type() -> impl TypedValueParser<Value = PluginType> {
    PossibleValuesParser::new(PluginType::ALL.map(PluginType::as_str)).map(|name| name.parse().expect("it's one of their names"))
}

const UNITS: [(&str, u64); 3] = [("ms", 1), ("s", 1000), ("m", 60_000)];

/// `250ms`, `2s`, `1m`; not zero.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let factor = UNITS.iter().find(|(unit, _)| *unit == &text[digits..]).map(|(_, factor)| factor);
    let millis = text[..digits].parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(*factor));
    let millis = millis.filter(|millis| (1..=MAX_MILLIS).contains(millis));
    millis.map(Duration::from_millis).ok_or_else(|| "write it as `250ms`, `2s` or `1m`, at most a day".to_owned())
}

/// `128MiB`, or a number of bytes.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(bytes) => Ok(bytes),
        Err(_) => text.parse::<mfp_model::units::ByteSize>().map(|size| size.0).map_err(|error| error.to_string()),
    }
}

const MAX_MILLIS: u64 = 24 * 3600 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_accepted_by_name_and_in_full() {
        let key = "minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa";
        let accepted = accepted_key(&format!("greet={key}")).unwrap();
        assert_eq!((accepted.name.as_str(), accepted.signer), ("greet", key.parse().unwrap()));
        for wrong in ["greet", key, "greet=", "Greet=minisign:RW", &format!("greet = {key}"), &format!("={key}")] {
            assert!(accepted_key(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("1m"), Ok(Duration::from_mins(1)));
        for wrong in ["", "5", "s", "0s", "1h", "-1s", "1.5s", "99999999999999999999s", "1441m", "1ſ"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
