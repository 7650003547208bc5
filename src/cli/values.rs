//! How are times and sizes written on the command line? An integer and `ms`, `s` or `m`; an integer and `KiB`, `MiB` or `GiB`.

use std::time::Duration;

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
    fn a_time_has_a_unit() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("1m"), Ok(Duration::from_mins(1)));
        for wrong in ["", "5", "s", "0s", "1h", "-1s", "1.5s", "99999999999999999999s", "1441m", "1ſ"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
