//! The templates as they're in this program: `templates/` of the repository.

use std::borrow::Cow;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "templates/"]
#[exclude = "README.md"]
#[exclude = "check.sh"]
struct Templates;

/// The paths of all of them, with `/`.
pub(super) fn paths() -> impl Iterator<Item = Cow<'static, str>> {
    Templates::iter()
}

/// The bytes of one.
pub(super) fn bytes(path: &str) -> Option<Cow<'static, [u8]>> {
    Templates::get(path).map(|file| file.data)
}

/// The text of one.
pub(super) fn text(path: &str) -> Option<String> {
    bytes(path).and_then(|bytes| String::from_utf8(bytes.into_owned()).ok())
}

/// Where the text of a licence is.
pub(super) fn license(id: &str) -> String {
    format!("licenses/{id}.txt")
}

/// Is the text of this licence here?
pub(super) fn has_license(id: &str) -> bool {
    Templates::get(&license(id)).is_some()
}
