//! Why isn't this archive (or folder) one package with one meaning? Eight classes, and a sentence that names the member.

use std::borrow::Cow;
use std::fmt;

use mfp_model::content::PathError;
use mfp_model::text::is_control_or_bidi;

/// The class of an [`ArchiveError`], which is its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArchiveClass {
    /// A path that leaves the folder: absolute, `..`, a drive, a backslash.
    Path,
    /// A name that some file system can't hold or shows as something else; a file that's also a folder.
    Name,
    /// A symbolic or hard link.
    Link,
    /// A device, FIFO, sparse file, encrypted or unknown kind of member, an unknown compression.
    Special,
    /// Bytes that two programs could read in two ways.
    Differential,
    /// Bytes that are no archive of this format, or a damaged or incomplete one.
    Corrupt,
    /// Two members with one path, on some file system at least.
    Duplicate,
    /// Too large, too many, too deep.
    Limit,
}

/// An archive or a folder that isn't unpacked. Nothing of it is left behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ArchiveError {
    class: ArchiveClass,
    /// Sanitised; `None` if it's about the whole.
    member: Option<String>,
    why: Cow<'static, str>,
}

impl ArchiveError {
    /// An error about the archive as a whole.
    pub(crate) fn whole(class: ArchiveClass, why: impl Into<Cow<'static, str>>) -> Self {
        Self { class, member: None, why: why.into() }
    }

    /// An error about one member, whose name is as the archive has it.
    pub(crate) fn member(class: ArchiveClass, name: &[u8], why: impl Into<Cow<'static, str>>) -> Self {
        Self { class, member: Some(sanitised(name)), why: why.into() }
    }

    /// What the model says about a path, about the member with this name.
    pub(crate) fn path(name: &[u8], error: &PathError) -> Self {
        let class = match error {
            PathError::Escapes(_) => ArchiveClass::Path,
            PathError::Name(_) => ArchiveClass::Name,
            PathError::Limit(_) => ArchiveClass::Limit,
        };
        Self::member(class, name, error.to_string())
    }

    /// The class.
    pub fn class(&self) -> ArchiveClass {
        self.class
    }

    /// The member it's about, with control and direction characters escaped.
    pub fn member_name(&self) -> Option<&str> {
        self.member.as_deref()
    }

    /// The stable code: `mfp::archive::` and the class.
    pub fn code(&self) -> &'static str {
        match self.class {
            ArchiveClass::Path => "mfp::archive::path",
            ArchiveClass::Name => "mfp::archive::name",
            ArchiveClass::Link => "mfp::archive::link",
            ArchiveClass::Special => "mfp::archive::special",
            ArchiveClass::Differential => "mfp::archive::differential",
            ArchiveClass::Corrupt => "mfp::archive::corrupt",
            ArchiveClass::Duplicate => "mfp::archive::duplicate",
            ArchiveClass::Limit => "mfp::archive::limit",
        }
    }

    /// mfp's exit code for bytes that aren't what they should be.
    pub fn exit_code(&self) -> u8 {
        4
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(out, "the package isn't acceptable: `{member}`: {}", self.why),
            None => write!(out, "the package isn't acceptable: {}", self.why),
        }
    }
}

/// A name from an archive as it may be shown: escaped where it could change the text around it, cut where it's long.
pub(crate) fn sanitised(name: &[u8]) -> String {
    const LONGEST: usize = 120;
    let text = String::from_utf8_lossy(name);
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        if is_control_or_bidi(character) || character == '`' {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}
