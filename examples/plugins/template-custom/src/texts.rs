//! What the functions do that are always there.

use mockforge_plugin_sdk::{Result, fail};

pub(crate) fn title(text: &str) -> String {
    let mut begins = true;
    let mut titled = String::with_capacity(text.len());
    for letter in text.chars() {
        if begins {
            titled.extend(letter.to_uppercase());
        } else {
            titled.extend(letter.to_lowercase());
        }
        begins = !letter.is_alphanumeric() && letter != '\'' && letter != '’';
    }
    titled
}

pub(crate) fn mask(text: &str, shown: usize) -> String {
    let hidden = text.chars().count().saturating_sub(shown);
    text.chars().enumerate().map(|(place, letter)| if place < hidden { '*' } else { letter }).collect()
}

pub(crate) fn truncate(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    if length == 0 { kept } else { format!("{}…", kept.trim_end()) }
}

pub(crate) fn pad(text: &str, length: u16, fill: char) -> String {
    let missing = usize::from(length).saturating_sub(text.chars().count());
    std::iter::repeat_n(fill, missing).chain(text.chars()).collect()
}

/// The digits with the one that makes them right by Luhn's rule (ISO/IEC 7812-1).
pub(crate) fn luhn(digits: &str) -> Result<String> {
    let mut sum = 0;
    for (place, digit) in digits.chars().rev().enumerate() {
        let Some(digit) = digit.to_digit(10) else { fail!("luhn: `{digit}` isn't a digit") };
        let doubled = if place.is_multiple_of(2) { digit * 2 } else { digit };
        sum = (sum + doubled / 10 + doubled % 10) % 10;
    }
    Ok(format!("{digits}{}", (10 - sum) % 10))
}

/// `2026-01-01T00:00:00.000Z`, so far from `now_ms`.
pub(crate) fn timestamp(now_ms: i64, offset: &str) -> Result<String> {
    let unit = match offset.chars().last() {
        Some('s') => 1000,
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        _ => fail!("timestamp: `{offset}` isn't a time; `90s`, `-15m`, `2h` and `-7d` are"),
    };
    let count: Option<i64> = offset[..offset.len() - 1].parse().ok();
    let time = count.and_then(|count| count.checked_mul(unit)).and_then(|offset| now_ms.checked_add(offset));
    let Some(time) = time.filter(|time| (YEAR_0_MS..YEAR_10000_MS).contains(time)) else {
        fail!("timestamp: `{offset}` is no time, or leads beyond the years 0 to 9999");
    };
    let (days, of_day) = (time.div_euclid(86_400_000), time.rem_euclid(86_400_000));
    let (year, month, day) = date(days);
    let (hour, minute, second, ms) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60, of_day % 1000);
    Ok(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"))
}

const YEAR_0_MS: i64 = -62_167_219_200_000;
const YEAR_10000_MS: i64 = 253_402_300_800_000;

/// The Gregorian date of a day since 1970, from 400 years of 146 097 days each that begin in March.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
