//! Does the system's keyring have it? macOS's keychain, Windows' credential manager, elsewhere the Secret Service on D-Bus.
//!
//! Any of them may be missing, locked, or waiting for a person to type a password, and the libraries that ask them wait for
//! ever. So each question is asked on a thread of its own and given up in time. That thread ends with the process.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use zeroize::Zeroizing;

/// What every entry of mfp is filed under; the origin is its user.
const SERVICE: &str = "mfp";

/// The keyring couldn't be asked, and why: the system's words, which are for [`clean`](crate::report::clean) to look at.
#[derive(Debug, Clone)]
pub(super) struct Unavailable(pub(super) String);

/// What's kept for an origin.
pub(super) fn get(origin: &str, timeout: Duration) -> Result<Option<Zeroizing<String>>, Unavailable> {
    ask(origin, timeout, |entry| match entry.get_password() {
        Ok(secret) => Ok(Some(Zeroizing::new(secret))),
        Err(keyring::Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })
}

/// Keep this for an origin, and make sure that it's there.
pub(super) fn set(origin: &str, secret: &str, timeout: Duration) -> Result<(), Unavailable> {
    let kept = Zeroizing::new(secret.to_owned());
    let is_kept = ask(origin, timeout, move |entry| {
        entry.set_password(&kept)?;
        Ok(Zeroizing::new(entry.get_password()?) == kept)
    })?;
    if is_kept { Ok(()) } else { Err(Unavailable("it doesn't give back what was put into it".to_owned())) }
}

/// Forget what's kept for an origin.
pub(super) fn delete(origin: &str, timeout: Duration) -> Result<(), Unavailable> {
    ask(origin, timeout, |entry| match entry.delete_credential() {
        Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
        Err(error) => Err(error),
    })
}

fn ask<T: Send + 'static>(
    origin: &str,
    timeout: Duration,
    question: impl FnOnce(&keyring::Entry) -> keyring::Result<T> + Send + 'static,
) -> Result<T, Unavailable> {
    let (sender, receiver) = sync_channel(1);
    let origin = origin.to_owned();
    let work = move || {
        let answer = keyring::Entry::new(SERVICE, &origin).and_then(|entry| question(&entry));
        // Nobody may wait for it any more.
        let _ = sender.send(answer.map_err(|error| Unavailable(reason(&error))));
    };
    std::thread::Builder::new().name("mfp-keyring".into()).spawn(work).map_err(|error| Unavailable(error.to_string()))?;
    match receiver.recv_timeout(timeout) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(Unavailable(format!("it didn't answer within {timeout:?}"))),
        Err(RecvTimeoutError::Disconnected) => Err(Unavailable("asking it failed".to_owned())),
    }
}

/// Why, without the value that an error may carry.
fn reason(error: &keyring::Error) -> String {
    match error {
        keyring::Error::NoDefaultStore => match keyring::Entry::store_status() {
            Err(keyring::Error::NoDefaultStore) | Ok(()) => "there's none on this machine".to_owned(),
            Err(why) => reason(why),
        },
        keyring::Error::PlatformFailure(why) | keyring::Error::NoStorageAccess(why) => why.to_string(),
        keyring::Error::TooLong(..) => "the token is too long for it".to_owned(),
        keyring::Error::BadEncoding(_) => "what it has isn't text".to_owned(),
        _ => "it refused".to_owned(),
    }
}
