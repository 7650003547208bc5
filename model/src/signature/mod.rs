//! Did this publisher sign this version of this plugin? Statements, the signatures on them, and what proves what.
//!
//! A file alone is never signed: an old signature that's good could be put beside another plugin. What's signed is a
//! [`Statement`], four lines that are a function of a lock entry. Signatures are minisign's, pre-hashed ones only; a signature
//! file is read strictly ([`SignatureFile`]), keys are the same if their 32 bytes are, and neither the eight bytes of a key's id nor
//! any comment decides anything. How one key follows another is in [`rotation`].

mod file;
pub mod rotation;

use std::fmt;

use minisign_verify::PublicKey;

pub use self::file::{KeyId, MAX_SIGNATURE_BYTES, SignatureError, SignatureFile};
use crate::digest::ContentDigest;
use crate::lock::LockedPlugin;
use crate::name::PluginName;
use crate::signer::Signer;
use crate::version::Version;

/// The first line of every statement about a version.
pub const STATEMENT_HEADER: &str = "mockforge-plugin-statement/v1";

/// What a publisher signs: this content is this version of this plugin.
///
/// Its text is four lines, each with its line feed. No registry is in it, so that a mirror, a vendored folder or another format
/// of the archive doesn't break it; and the content covers `plugin.yaml`, so types, dependencies and capabilities too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The plugin's own id, also where a project calls it by another name.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// What it is.
    pub content: ContentDigest,
}

impl Statement {
    /// What has to be signed for this lock entry; a service has nothing to sign.
    pub fn of(plugin: &LockedPlugin) -> Option<Self> {
        let package = plugin.package()?;
        Some(Self { name: plugin.id().clone(), version: package.version.clone(), content: plugin.content })
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{STATEMENT_HEADER}\nname: {}\nversion: {}\ncontent: {}", self.name, self.version, self.content)
    }
}

/// Why signatures don't prove that a key signed something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// There's no signature at all.
    #[error("there's no signature with it")]
    Missing,
    /// Another key made it, as far as its id says.
    #[error("the signature there bears the key id {id}, and isn't by that key")]
    OtherKey {
        /// The id that the signature bears.
        id: KeyId,
    },
    /// It isn't a signature file.
    #[error("the signature file is malformed: {0}")]
    Malformed(&'static str),
    /// It was made without hashing the statement first, as old programs do.
    #[error("the signature is of minisign's legacy kind, which isn't accepted")]
    Legacy,
    /// It bears the key's id, and the key didn't make it.
    #[error("the signature bears that key's id and doesn't verify: it was changed, or another key with the same id made it")]
    Bad,
    /// The key made it, for something else.
    #[error("the signature is genuine, but for another name, version or content{}", for_what(.comment))]
    Replayed {
        /// What the signature says about itself, which the key has signed too. From outside.
        comment: String,
    },
}

fn for_what(comment: &str) -> String {
    if comment.is_empty() { String::new() } else { format!("; it says of itself: {}", crate::text::neutral(&comment.replace('\t', " "))) }
}

impl Unproven {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::OtherKey { .. } => "mfp::signature::unproven",
            Self::Malformed(_) => "mfp::signature::malformed",
            Self::Legacy => "mfp::signature::legacy",
            Self::Bad => "mfp::signature::bad",
            Self::Replayed { .. } => "mfp::signature::replayed",
        }
    }

    /// Of several signatures that all prove nothing, the one that tells most is spoken of.
    fn weight(&self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::OtherKey { .. } => 1,
            Self::Malformed(_) => 2,
            Self::Legacy => 3,
            Self::Bad => 4,
            Self::Replayed { .. } => 5,
        }
    }
}

impl From<SignatureError> for Unproven {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Malformed(why) => Self::Malformed(why),
            SignatureError::Legacy => Self::Legacy,
        }
    }
}

/// Does this signature prove that this key signed this text?
///
/// The id is compared only to say what's wrong: a signature that the key's 32 bytes verify is the key's, whatever id either bears.
pub fn prove(signer: &Signer, text: &str, file: &SignatureFile) -> Result<(), Unproven> {
    prove_bytes(signer, text.as_bytes(), file)
}

/// [`prove`] for anything: a publisher may sign files too.
pub fn prove_bytes(signer: &Signer, bytes: &[u8], file: &SignatureFile) -> Result<(), Unproven> {
    let key = PublicKey::from_base64(&signer.public_key_with_id(file.key_id())).map_err(|_| Unproven::Bad)?;
    let signature = minisign_verify::Signature::decode(file.text()).map_err(|_| Unproven::Bad)?;
    if key.verify(bytes, &signature, false).is_ok() {
        return Ok(());
    }
    Err(match () {
        // The comment's own signature says that the key made this one, for something.
        () if file.is_made_by(signer) => Unproven::Replayed { comment: file.trusted_comment().to_owned() },
        () if file.key_id() == signer.key_id() => Unproven::Bad,
        () => Unproven::OtherKey { id: file.key_id() },
    })
}

/// Does one of these signature files prove that this key signed this text? Gives the one that does, else why none does.
pub fn prove_any<'t>(signer: &Signer, text: &str, files: impl IntoIterator<Item = &'t str>) -> Result<&'t str, Unproven> {
    let mut most = Unproven::Missing;
    for file in files {
        match SignatureFile::parse(file).map_err(Unproven::from).and_then(|parsed| prove(signer, text, &parsed)) {
            Ok(()) => return Ok(file),
            Err(why) if why.weight() > most.weight() => most = why,
            Err(_) => {}
        }
    }
    Err(most)
}

/// Is what a lock says about an entry's signer proven by one of these signature files? Gives the one that proves it; `None` if the
/// lock says that nobody signed it, and of a service.
pub fn prove_locked<'t>(plugin: &LockedPlugin, files: impl IntoIterator<Item = &'t str>) -> Result<Option<&'t str>, Unproven> {
    let (Some(signer), Some(statement)) = (plugin.signer(), Statement::of(plugin)) else { return Ok(None) };
    prove_any(signer, &statement.to_string(), files).map(Some)
}

#[cfg(test)]
mod tests;
