//! A publisher's key files: how a secret key gets onto this disk, off it again, and to its one use.
//!
//! The files are minisign's, so that either program reads the other's. A secret key is for its owner alone: it's written with
//! mode 0600, and refused where others could read it. What's secret is never printed, logged or kept in an error.

use std::fmt;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use mfp_model::signature::{SignatureFile, prove};
use mfp_model::signer::{SIGNER_PREFIX, Signer};
use minisign::{KeyPair, PublicKey, SecretKeyBox};

use crate::error::{Error, Result};
use crate::explain;
use crate::settings::Hidden;

/// The largest key or password file, in bytes. A key's has some 260.
const MAX_FILE_BYTES: u64 = 16 << 10;
/// Where the kind of encryption stands in a secret key, and what it is where there's none.
const KDF: std::ops::Range<usize> = 2..4;
const NO_KDF: [u8; 2] = [0, 0];
const ENCRYPTED: &[u8; 2] = b"Sc";
/// A comment that says what the file is. Other programs look at no more than its beginning.
const SECRET_COMMENT: &str = "minisign secret key, made by mfp: keep it to yourself";

/// A secret key, ready to sign.
pub(crate) struct SecretKey {
    secret: minisign::SecretKey,
    public: PublicKey,
    signer: Signer,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SecretKey(hidden, of {})", self.signer)
    }
}

/// What can be read from a key file.
#[derive(Debug)]
pub(crate) enum KeyFile {
    /// A public key.
    Public(Signer),
    /// A secret key, not opened yet.
    Secret(ClosedKey),
}

/// A secret key as its file has it.
pub(crate) struct ClosedKey {
    place: PathBuf,
    text: Hidden,
}

impl fmt::Debug for ClosedKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ClosedKey({})", self.place.display())
    }
}

/// Make a key pair: the secret key in `place`, for this user alone, and the public one in `place` with `.pub`. Neither may be there.
pub(crate) fn create(place: &Path, password: Option<&Hidden>) -> Result<(Signer, PathBuf)> {
    let public_place = with_ending(place, "pub");
    if let Some(there) = [place, &public_place].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(exists(there));
    }
    let pair = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password.to_string())),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let KeyPair { pk, sk } = pair.map_err(|error| no_random(&error))?;
    let secret = sk.to_box(Some(SECRET_COMMENT)).map_err(|error| no_random(&error))?;
    let public = pk.to_box().map_err(|error| no_random(&error))?;
    let signer = signer_of(&pk)?;
    write_new(place, &secret.to_bytes(), 0o600)?;
    if let Err(error) = write_new(&public_place, &public.to_bytes(), 0o644) {
        // A secret key whose public half nobody has is of no use to anybody.
        let _ = std::fs::remove_file(place);
        return Err(error);
    }
    Ok((signer, public_place))
}

/// Read a key file, of either kind.
pub(crate) fn read(place: &Path) -> Result<KeyFile> {
    let mut file = std::fs::File::open(place).map_err(|error| explain::io("read", place, &error))?;
    let mut text = String::new();
    let read = (&mut file).take(MAX_FILE_BYTES + 1).read_to_string(&mut text);
    match read {
        Ok(size) if size as u64 <= MAX_FILE_BYTES => {}
        Ok(_) => return Err(malformed(place)),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Err(malformed(place)),
        Err(error) => return Err(explain::io("read", place, &error)),
    }
    let line = text.lines().nth(1).unwrap_or_default();
    if let Ok(signer) = format!("{SIGNER_PREFIX}{line}").parse() {
        return Ok(KeyFile::Public(signer));
    }
    let text = Hidden::from(text);
    refuse_readable_by_others(place, &file)?;
    Ok(KeyFile::Secret(ClosedKey { place: place.to_owned(), text }))
}

/// A key as it's typed: `minisign:RW…`, or a file with a public key.
pub(crate) fn public(typed: &str, base: &Path) -> Result<Signer> {
    if typed.starts_with(SIGNER_PREFIX) {
        return typed.parse().map_err(|error: mfp_model::signer::SignerError| {
            Error::new("mfp::usage::arguments", format!("that's no key: {error}")).help("`mfp key show FILE` prints it")
        });
    }
    let place = base.join(typed);
    match read(&place)? {
        KeyFile::Public(signer) => Ok(signer),
        KeyFile::Secret(_) => Err(Error::new("mfp::usage::arguments", format!("{} holds a secret key", place.display()))
            .help(format!("name the public one: {}.pub", place.display()))),
    }
}

/// The secret key of a file, which must be one.
pub(crate) fn secret(place: &Path) -> Result<ClosedKey> {
    match read(place)? {
        KeyFile::Secret(key) => Ok(key),
        KeyFile::Public(_) => Err(Error::new("mfp::usage::arguments", format!("{} holds a public key", place.display()))
            .help("signing needs the secret one, which `mfp key new` wrote beside it")),
    }
}

impl ClosedKey {
    /// Open it; the password is asked for only if there's one.
    pub(crate) fn open(&self, password: impl FnOnce() -> Result<Hidden>) -> Result<SecretKey> {
        let malformed = || malformed(&self.place);
        let line = self.text.lines().nth(1).unwrap_or_default();
        let bytes = STANDARD.decode(line.trim_end()).map_err(|_| malformed())?;
        let secret = match bytes.get(KDF) {
            // Other programs leave the checksum of such a key empty. Whether it's whole shows when it signs.
            Some(kdf) if kdf == NO_KDF => minisign::SecretKey::from_bytes(&bytes).map_err(|_| malformed())?,
            Some(kdf) if kdf == ENCRYPTED => {
                let password = password()?;
                let boxed = SecretKeyBox::from(self.text.to_string());
                boxed.into_secret_key(Some(password.to_string())).map_err(|_| {
                    Error::new("mfp::key::wrong-password", format!("the password of {} is another", self.place.display()))
                        .help("try again; without its password a secret key can't be used")
                })?
            }
            _ => return Err(malformed()),
        };
        let public = PublicKey::from_secret_key(&secret).map_err(|_| malformed())?;
        let signer = signer_of(&public).map_err(|_| malformed())?;
        Ok(SecretKey { secret, public, signer })
    }
}

impl SecretKey {
    /// Whose it is.
    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Sign a text or a file's bytes. `about` becomes part of the trusted comment, which the key signs too.
    pub(crate) fn sign(&self, bytes: &[u8], about: &str, now: Timestamp) -> Result<String> {
        let about: String = about.chars().filter(|character| !character.is_control()).collect();
        let comment = format!("timestamp:{}\tfile:{about}\thashed", now.as_second());
        let signed = minisign::sign(Some(&self.public), &self.secret, Cursor::new(bytes), Some(&comment), Some("signature by mfp"));
        let text = signed.map_err(|_| damaged())?.into_string();
        Ok(text)
    }

    /// [`SecretKey::sign`] a text, and make sure that everybody else will find it proven.
    pub(crate) fn sign_text(&self, text: &str, about: &str, now: Timestamp) -> Result<SignatureFile> {
        let signature = self.sign(text.as_bytes(), about, now)?;
        let file = SignatureFile::parse(&signature).map_err(|error| Error::bug(format!("a signature that was just made: {error}")))?;
        prove(&self.signer, text, &file).map_err(|_| damaged())?;
        Ok(file)
    }
}

/// The path with one more ending.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// The first line of a file, as a password.
pub(crate) fn password_in(place: &Path) -> Result<Hidden> {
    let file = std::fs::File::open(place).map_err(|error| explain::io("read", place, &error))?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(|error| explain::io("read", place, &error))?;
    let line = text.split('\n').next().unwrap_or_default();
    Ok(Hidden::from(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn signer_of(public: &PublicKey) -> Result<Signer> {
    let text = format!("{SIGNER_PREFIX}{}", public.to_base64());
    text.parse().map_err(|error| Error::bug(format!("a key that was just made: {error}")))
}

#[cfg(unix)]
fn refuse_readable_by_others(place: &Path, file: &std::fs::File) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata().map_err(|error| explain::io("look at", place, &error))?;
    let mode = metadata.mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    let shown = place.display();
    Err(Error::new("mfp::key::permissions", format!("{shown} has mode {mode:04o}: others than its owner may use that secret key"))
        .help(format!("`chmod 600 {shown}`; if somebody else could have read it, change to another key: `mfp key rotate`")))
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &Path, _: &std::fs::File) -> Result<()> {
    Ok(())
}

/// Write a file that isn't there, flushed.
fn write_new(place: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(place).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(
        |error| if error.kind() == std::io::ErrorKind::AlreadyExists { exists(place) } else { explain::io("write", place, &error) },
    )
}

fn exists(place: &Path) -> Error {
    Error::new("mfp::key::exists", format!("{} is there already, and a key is never overwritten", place.display()))
        .help("name another file: `mfp key new --output FILE`")
}

fn malformed(place: &Path) -> Error {
    Error::new("mfp::key::malformed", format!("{} isn't a minisign key", place.display()))
        .help("`mfp key new` and `minisign -G` write such files")
}

fn damaged() -> Error {
    Error::new("mfp::key::malformed", "the secret key is damaged: what it signs isn't verified by its own public key")
        .help("take it from a backup, or change to another key: `mfp key new`")
}

fn no_random(error: &minisign::PError) -> Error {
    Error::new("mfp::io::failed", format!("can't make a key: {error}")).help("`mfp doctor` looks for what could be wrong with this machine")
}
