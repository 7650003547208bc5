//! What may a repository's server make of this machine? Bytes, objects and time are counted here, for every transport.
//!
//! gix reads what comes through readers of ours, which stop it when a limit is reached; why they did is kept beside, since
//! an error that has gone through gix no longer says it.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::error::Error;

/// The most bytes that one pack may have.
pub(super) const MAX_PACK_BYTES: u64 = 512 << 20;
/// The most bytes that an answer without a pack may have: a list of refs, mostly.
pub(super) const MAX_TALK_BYTES: u64 = 64 << 20;
/// The largest object, in bytes; also the largest allocation that a pack can ask for.
pub(super) const MAX_OBJECT_BYTES: usize = 256 << 20;
/// The most files and folders that are looked at in one tree.
pub(super) const MAX_TREE_ENTRIES: usize = 100_000;
/// The most commits that are looked at to find one in another's history.
pub(super) const MAX_COMMITS: usize = 2_000_000;

/// What's left of one conversation, and why it was ended, shared by everything that reads for it.
#[derive(Debug, Clone)]
pub(super) struct Budget(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes: Cell<u64>,
    deadline: Cell<Instant>,
    patience: Duration,
    failure: RefCell<Option<Error>>,
    what: String,
}

impl Budget {
    /// A budget for talking to `what` (as it's shown), each operation of which may take as long as `patience`.
    pub(super) fn new(what: String, patience: Duration) -> Self {
        let deadline = Cell::new(Instant::now() + patience);
        Self(Rc::new(Inner { bytes: Cell::new(MAX_TALK_BYTES), deadline, patience, failure: RefCell::new(None), what }))
    }

    /// The next operation begins: it may read this much, and it has its own time.
    pub(super) fn renew(&self, bytes: u64) {
        self.0.bytes.set(bytes);
        self.0.deadline.set(Instant::now() + self.0.patience);
        self.0.failure.borrow_mut().take();
    }

    /// How much time is left.
    pub(super) fn time_left(&self) -> Duration {
        self.0.deadline.get().saturating_duration_since(Instant::now())
    }

    /// So many bytes came. An error if they're more than may.
    pub(super) fn spend(&self, bytes: usize) -> io::Result<()> {
        let left = self.0.bytes.get().checked_sub(bytes as u64);
        match left {
            Some(left) => {
                self.0.bytes.set(left);
                Ok(())
            }
            None => Err(self.fail(
                Error::new("mfp::git::too-large", format!("{} sends more than mfp takes from a repository", self.0.what))
                    .help("take the plugin from a registry or an archive, or ask its author for a repository of its own"),
            )),
        }
    }

    /// Is there time left?
    pub(super) fn check_time(&self) -> io::Result<()> {
        if self.time_left().is_zero() { Err(self.fail(self.too_slow())) } else { Ok(()) }
    }

    /// It took too long.
    pub(super) fn too_slow(&self) -> Error {
        Error::new("mfp::network::timeout", format!("{} didn't answer in time: it took longer than {:?}", self.0.what, self.0.patience))
            .help("try again; the limits are `network.*-timeout` in `mfp config list`")
    }

    /// Note why this ends, and give an error that gix can carry.
    pub(super) fn fail(&self, error: Error) -> io::Error {
        self.0.failure.borrow_mut().get_or_insert(error);
        io::ErrorKind::ConnectionAborted.into()
    }

    /// Why it ended, if one of our own readers ended it.
    pub(super) fn failure(&self) -> Option<Error> {
        self.0.failure.borrow_mut().take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_or_later_than_may_be_ends_the_conversation_and_says_why() {
        let budget = Budget::new("a repository".to_owned(), Duration::from_mins(5));
        budget.renew(10);
        assert!(budget.spend(10).is_ok() && budget.check_time().is_ok() && budget.failure().is_none());
        assert!(budget.spend(1).is_err());
        assert_eq!(budget.failure().map(|error| error.code()), Some("mfp::git::too-large"));
        budget.renew(10);
        assert!(budget.spend(10).is_ok(), "the next operation has its own");
        let late = Budget::new("a repository".to_owned(), Duration::ZERO);
        assert!(late.check_time().is_err());
        assert_eq!(late.failure().map(|error| error.code()), Some("mfp::network::timeout"));
    }
}
