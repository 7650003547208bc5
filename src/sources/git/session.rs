//! How is a repository talked to? Git's protocol, version 2 where the server speaks it, in three questions: which refs are
//! there, give me these objects to this depth, give me just these.
//!
//! The protocol is gix's; which questions are asked is decided here and not by its `clone`, since a plugin needs a
//! handful of files of one commit: the server is asked for the commit and its trees without blobs where it offers that, and
//! then for the blobs that make up the plugin.

use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::odb::pack;
use gix::protocol::fetch::{Arguments, Response};
use gix::protocol::handshake::Ref;
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::git::ConnectMode;
use gix::protocol::transport::client::git::blocking_io::Connection;
use gix::protocol::transport::{Protocol, Service};
use gix::protocol::{Command, Handshake, LsRefsCommand};

use super::Shared;
use super::address::{Address, Way};
use super::limits::{Budget, MAX_OBJECT_BYTES, MAX_PACK_BYTES, MAX_TALK_BYTES};
use super::over_http::Client;
use super::over_program::{Program, local, ssh, start};
use crate::error::{Error, Result};

/// Who we are to a server.
const AGENT: &str = concat!("mfp/", env!("CARGO_PKG_VERSION"));

/// A conversation with one repository.
pub(super) struct Session<'a> {
    transport: Box<dyn Transport + 'a>,
    handshake: Handshake,
    budget: Budget,
    shown: String,
    was_fetched_from: bool,
    is_over_http: bool,
    _program: Option<Program>,
}

/// What of the objects behind a commit is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Everything.
    Whole,
    /// No blobs, if the server can leave them out.
    Trees,
    /// Commits only, if the server can leave the rest out.
    Commits,
}

/// Why objects didn't come.
#[derive(Debug)]
pub(super) enum NotGiven {
    /// The server doesn't give them (it may not have them, or not to us), or breaks the protocol.
    Refused,
    /// The conversation failed.
    Failed(Error),
}

impl From<Error> for NotGiven {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<'a> Session<'a> {
    /// Connect and shake hands.
    pub(super) fn open(address: &Address, shared: &Rc<Shared<'a>>) -> Result<Self> {
        let shown = address.shown.clone();
        let (patience, idle) = shared.http.patience();
        let budget = Budget::new(shown.clone(), patience);
        let (mut transport, program): (Box<dyn Transport + 'a>, _) = match &address.way {
            Way::Http(url) => {
                let client = Client::new(shared, budget.clone(), &shown)?;
                let url = gix::url::parse(url.as_str()).map_err(|_| Error::bug("a URL that git can't parse"))?;
                (Box::new(gix_transport::client::blocking_io::http::Transport::new_http(client, url, Protocol::V2, false)), None)
            }
            Way::Ssh(place) => over_pipes(ssh(place, &shared.user), &shown, &budget, idle, shared.user.may_ask())?,
            Way::File(path) => over_pipes(local(path), &shown, &budget, idle, false)?,
        };
        budget.renew(MAX_TALK_BYTES);
        let nobody = |_| Ok(None);
        let handshake = gix::protocol::handshake(&mut transport, Service::UploadPack, nobody, Vec::new(), &mut gix::progress::Discard);
        let handshake = handshake.map_err(|error| broken(&budget, &shown, &error))?;
        let is_over_http = matches!(address.way, Way::Http(_));
        let session = Self { transport, handshake, budget, shown, was_fetched_from: false, is_over_http, _program: program };
        session.check_format()?;
        Ok(session)
    }

    /// Does the repository name its objects by SHA-1?
    fn check_format(&self) -> Result<()> {
        let format = self.handshake.capabilities.capability("object-format").and_then(|capability| capability.value().map(BStr::to_owned));
        match format {
            Some(format) if format != "sha1" => Err(super::by_sha256(&format!("{} names its objects", self.shown))),
            _ => Ok(()),
        }
    }

    /// Is it of the newer protocol, where any object may be asked for and questions follow one another?
    pub(super) fn is_modern(&self) -> bool {
        self.handshake.server_protocol_version == Protocol::V2
    }

    /// Can it be asked something more? The older protocol ends with its first pack.
    pub(super) fn is_spent(&self) -> bool {
        self.was_fetched_from && !self.is_modern() && !self.is_over_http
    }

    /// The refs whose names begin with these prefixes, and `HEAD`; the older protocol gives all.
    pub(super) fn refs(&mut self, prefixes: &[&str]) -> Result<Vec<Ref>> {
        if let Some(refs) = &self.handshake.refs {
            return Ok(refs.clone());
        }
        self.budget.renew(MAX_TALK_BYTES);
        let mut wanted = RefPrefixes::new();
        wanted.extend(prefixes.iter().map(|prefix| BString::from(*prefix)));
        let agent = ("agent", Some(AGENT.to_owned()));
        let command = LsRefsCommand::new(Some(wanted), &self.handshake.capabilities, agent);
        let refs = command.invoke_blocking(&mut self.transport, &mut gix::progress::Discard, false);
        refs.map_err(|error| broken(&self.budget, &self.shown, &error))
    }

    /// Fetch objects into the pack folder `into`: these and what's behind them, `depth` commits deep if it's given.
    pub(super) fn fetch(&mut self, ids: &[ObjectId], depth: Option<u32>, want: Want, into: &Path) -> Result<(), NotGiven> {
        self.was_fetched_from = true;
        self.budget.renew(MAX_PACK_BYTES);
        let version = self.handshake.server_protocol_version;
        let mut features = Command::Fetch.default_features(version, &self.handshake.capabilities);
        // To an older server this word turns every depth into one more than what's here, which is nothing: all of it.
        features.retain(|(name, _)| *name != "deepen-relative" || self.is_modern());
        features.push(("agent", Some(AGENT.to_owned())));
        Response::check_required_features(version, &features).map_err(|error| broken(&self.budget, &self.shown, &error))?;
        let mut arguments = Arguments::new(version, features, false);
        if let Some(depth) = depth.filter(|_| arguments.can_use_deepen()) {
            arguments.deepen(depth as usize);
        }
        match want {
            Want::Trees if arguments.can_use_filter() => arguments.filter("blob:none"),
            Want::Commits if arguments.can_use_filter() => arguments.filter("tree:0"),
            _ => {}
        }
        for id in ids {
            arguments.want(id);
        }
        self.receive(&mut arguments, into).map_err(|error| {
            tracing::debug!(repository = self.shown, %error, "a fetch was refused, or broke");
            self.budget.failure().map_or(NotGiven::Refused, NotGiven::Failed)
        })
    }

    fn receive(&mut self, arguments: &mut Arguments, into: &Path) -> gix::Result<()> {
        let version = self.handshake.server_protocol_version;
        let mut reader = arguments.send(&mut self.transport, true).map_err(gix::error::Error::from_error)?;
        let response = Response::from_line_reader(version, &mut reader, true, false)?;
        if !response.has_pack() {
            return Err(gix::error::Error::from_error(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)));
        }
        // Progress and errors of the server come beside the pack; nobody is told what a server says.
        reader.set_progress_handler(Some(Box::new(|_, _| std::ops::ControlFlow::Continue(()))));
        let outcome = pack::Bundle::write_to_directory(
            &mut reader,
            Some(into),
            &mut gix::progress::Discard,
            &AtomicBool::new(false),
            None::<gix::odb::Handle>,
            gix::hash::Kind::Sha1,
            pack::bundle::write::Options {
                thread_limit: Some(2),
                alloc_limit_bytes: Some(MAX_OBJECT_BYTES),
                ..pack::bundle::write::Options::default()
            },
        )?;
        if let Some(keep) = outcome.keep_path {
            // It keeps a git from collecting the pack while no ref leads to it; no git works here.
            let _ = std::fs::remove_file(keep);
        }
        std::io::copy(&mut reader, &mut std::io::sink()).map_err(gix::error::Error::from_error)?;
        Ok(())
    }
}

fn over_pipes<'a>(
    command: std::process::Command,
    shown: &str,
    budget: &Budget,
    idle: Duration,
    may_ask: bool,
) -> Result<(Box<dyn Transport + 'a>, Option<Program>)> {
    let (program, output, input) = start(command, shown, budget, idle, may_ask)?;
    let connection = Connection::new(output, input, Protocol::V2, "", None::<(&str, _)>, ConnectMode::Process, false);
    Ok((Box::new(connection), Some(program)))
}

/// Why a conversation ended: our own reason if one of our readers ended it, else that it isn't git's protocol.
fn broken(budget: &Budget, shown: &str, error: &gix::error::Error) -> Error {
    if let Some(failure) = budget.failure() {
        return failure;
    }
    tracing::debug!(repository = shown, %error, "the conversation broke");
    Error::new("mfp::git::protocol", format!("what answers at {shown} doesn't speak git's protocol"))
        .help("check the address; `git ls-remote URL` shows what git says to it")
}

/// The name of a ref, what it names, and the commit that leads to: for an annotated tag they're two.
pub(super) fn name_and_targets(one: &Ref) -> Option<(&str, ObjectId, ObjectId)> {
    let (name, target, peeled) = one.unpack();
    let target = target?;
    Some((name.to_str().ok()?, target.to_owned(), peeled.unwrap_or(target).to_owned()))
}
