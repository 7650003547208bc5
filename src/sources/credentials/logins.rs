//! Where did `mfp login` put what? One small file of this user: which origins, in which store, and the token itself where
//! there's no keyring.
//!
//! That an origin stands in it is why a keyring is asked at all: without a login nobody opens D-Bus. The file is `0600`, in a
//! folder that only this user can write to; where others could have read or changed it, it isn't used ([`mfp_store::private`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mfp_store::file_lock::{FileLock, LockMode};
use mfp_store::private::{PrivateError, make_folder_of, read_private, write_private};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::explain;
use crate::settings::Hidden;

/// The largest such file that's read.
const MAX_BYTES: u64 = 1 << 20;
/// The version of its format.
const VERSION: u32 = 1;

/// The file.
#[derive(Debug, Clone)]
pub(super) struct Logins(PathBuf);

/// One origin that somebody logged in to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// The name that goes with the token, where the server wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    pub(super) kept: Kept,
}

/// Where the token is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kept {
    Keyring,
    File(Token),
}

/// A token as it stands in the file.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Token(pub(super) Hidden);

impl Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u32,
    logins: BTreeMap<String, Login>,
}

impl Logins {
    pub(super) fn at(file: &Path) -> Self {
        Self(file.to_owned())
    }

    /// The file itself, for messages.
    pub(super) fn file(&self) -> &Path {
        &self.0
    }

    /// All of them, by origin.
    pub(super) fn read(&self) -> Result<BTreeMap<String, Login>> {
        let Some(bytes) = read_private(&self.0, MAX_BYTES).map_err(|error| self.refused(error))? else { return Ok(BTreeMap::new()) };
        let bytes = Zeroizing::new(bytes);
        // What's wrong isn't said: a parser's words may have a token in them.
        let wire = serde_json::from_slice::<Wire>(&bytes).ok().filter(|wire| wire.v == VERSION).ok_or_else(|| {
            Error::new("mfp::credentials::file", format!("{} can't be read as what `mfp login` writes", self.0.display()))
                .help("delete it and log in again: `mfp login URL`")
        })?;
        Ok(wire.logins)
    }

    /// Change them, one mfp after the other.
    pub(super) fn change(&self, timeout: Duration, change: impl FnOnce(&mut BTreeMap<String, Login>)) -> Result<()> {
        make_folder_of(&self.0).map_err(|error| self.refused(error))?;
        let lock = self.0.with_extension("lock");
        let _held = FileLock::acquire(&lock, LockMode::Exclusive, timeout, &mut |_| ()).map_err(explain::store)?;
        let mut logins = self.read()?;
        change(&mut logins);
        self.write(logins)
    }

    fn write(&self, logins: BTreeMap<String, Login>) -> Result<()> {
        let text = serde_json::to_vec_pretty(&Wire { v: VERSION, logins }).expect("a map of strings is JSON");
        write_private(&self.0, &Zeroizing::new(text)).map_err(|error| self.refused(error))
    }

    fn refused(&self, error: PrivateError) -> Error {
        match error {
            PrivateError::Io(error) => explain::store(error),
            PrivateError::Open { .. } => Error::new("mfp::credentials::permissions", error.to_string()).help(format!(
                "make it yours alone (`chmod 600 {}`, and its folder `chmod 700`); if others could have read it, change the tokens in it",
                self.0.display()
            )),
        }
    }
}
