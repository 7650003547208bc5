//! What does a PAX header say about the member after it? Its path and its size; all else either doesn't matter or isn't accepted.

use std::collections::BTreeSet;

use super::error::{ArchiveClass, ArchiveError};

/// Keys that say nothing about which bytes are where.
const HARMLESS: [&str; 11] =
    ["SCHILY.dev", "SCHILY.ino", "SCHILY.nlink", "atime", "comment", "ctime", "gid", "gname", "mtime", "uid", "uname"];
/// The same, by their beginning: extended attributes and file flags, which aren't content.
const HARMLESS_PREFIXES: [&str; 5] = ["LIBARCHIVE.xattr.", "LIBARCHIVE.creationtime", "SCHILY.xattr.", "SCHILY.acl.", "SCHILY.fflags"];

/// The records of one PAX header that matter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    /// The member's name, as bytes.
    pub(crate) path: Option<Vec<u8>>,
    /// The member's size in bytes.
    pub(crate) size: Option<u64>,
}

fn differential(why: &'static str) -> ArchiveError {
    ArchiveError::whole(ArchiveClass::Differential, why)
}

impl Records {
    /// Read a header's data. Each key stands once, with a value.
    pub(crate) fn parse(data: &[u8]) -> Result<Self, ArchiveError> {
        let mut records = Self::default();
        let mut seen = BTreeSet::new(); // thousands fit into a header, and there may be thousands of headers
        let mut rest = data;
        while !rest.is_empty() {
            let (key, value, after) = record(rest)?;
            rest = after;
            if !seen.insert(key) {
                return Err(differential("a PAX header with the same key twice"));
            }
            match key {
                "path" => records.path = Some(value.to_owned()),
                "size" => records.size = Some(decimal(value).ok_or(differential("a PAX size that isn't a plain decimal number"))?),
                "linkpath" => return Err(ArchiveError::whole(ArchiveClass::Link, "a PAX header with the name of a link")),
                _ if key.starts_with("GNU.sparse.") => {
                    return Err(ArchiveError::whole(ArchiveClass::Special, "a PAX header of a sparse file"));
                }
                _ if is_harmless(key) => (),
                _ => return Err(differential("a PAX header with a key that only some programs know")),
            }
        }
        Ok(records)
    }
}

fn is_harmless(key: &str) -> bool {
    HARMLESS.contains(&key) || HARMLESS_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// A global header may hold a comment and nothing else: anything that changes members could be read or ignored.
pub(crate) fn check_global(data: &[u8]) -> Result<(), ArchiveError> {
    let mut rest = data;
    while !rest.is_empty() {
        let (key, _, after) = record(rest)?;
        if key != "comment" {
            return Err(differential("a global PAX header that says more than a comment"));
        }
        rest = after;
    }
    Ok(())
}

/// `<length> <key>=<value>\n`, where the length is that of the whole record.
fn record(data: &[u8]) -> Result<(&str, &[u8], &[u8]), ArchiveError> {
    split_record(data).ok_or(differential("a malformed PAX header"))
}

fn split_record(data: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let space = data.iter().take(8).position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(&data[..space])?).ok()?;
    let (record, after) = data.split_at_checked(length)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let key = std::str::from_utf8(&record[..equals]).ok().filter(|key| !key.is_empty() && !key.contains(char::is_control))?;
    let value = record.get(equals + 1..).filter(|value| !value.is_empty())?;
    Some((key, value, after))
}

/// Digits only, no leading zero.
fn decimal(digits: &[u8]) -> Option<u64> {
    let plain = digits.iter().all(u8::is_ascii_digit) && (digits == b"0" || !digits.starts_with(b"0"));
    if plain { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_one_spelling() {
        let parse = |data: &[u8]| Records::parse(data).map_err(|error| error.class());
        let path = |path: &str| Ok(Records { path: Some(path.into()), size: None });
        assert_eq!(parse(b"9 path=a\n"), path("a"));
        assert_eq!(parse(b"9 path=a\n9 size=5\n"), Ok(Records { path: Some(b"a".into()), size: Some(5) }));
        assert_eq!(parse(b"12 path=a=b\n"), path("a=b"));
        assert_eq!(parse(b"30 mtime=1700000000.123456789\n9 path=a\n"), path("a"));
        assert_eq!(parse(b"14 linkpath=a\n"), Err(ArchiveClass::Link));
        assert_eq!(parse(b"22 GNU.sparse.major=1\n"), Err(ArchiveClass::Special));
        for wrong in [
            &b"11 path=a\n"[..],
            b"8 path=a\n",
            b"09 path=a\n",
            b"+9 path=a\n",
            b"9 path=a ",
            b"9\tpath=a\n",
            b"8 path=\n",
            b"6 =a\n",
            b"7 path\n",
            b"9 path=a\n9 path=b\n",
            b"9 size=-\n",
            b"11 size=05\n",
            b"13 realsize=\n",
            b"21 hdrcharset=BINARY\n",
            b"99 path=evil\n",
            b"99999999999999999999 path=a\n",
            b"x",
            b"\0",
        ] {
            assert_eq!(parse(wrong), Err(ArchiveClass::Differential), "{:?}", String::from_utf8_lossy(wrong));
        }
    }

    #[test]
    fn a_global_header_may_only_comment() {
        assert!(check_global(b"14 comment=ab\n").is_ok());
        assert!(check_global(b"14 comment=ab\n9 path=a\n").is_err());
        assert!(check_global(b"9 path=a\n").is_err());
    }
}
