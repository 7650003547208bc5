//! How is a plugin called that runs elsewhere? Over HTTP, by the protocol of MockForge's remote plugins.
//!
//! Nothing is known of a service's code: what it's sent, how long it's waited for and what's taken for an answer is all
//! that's in our hands. Only the keys of the protocol are sent, since the SDK fails on others; answers are held to the same
//! envelope and shapes as everybody's; redirects aren't followed and no proxy is used.
//!
//! **Retries.** A connection that can't be made is tried again for every call: nothing was sent. A 5xx that isn't the
//! plugin's own error is tried again for `execute` and `query`, which compute and read. It isn't for `authenticate` (a try
//! may count towards a lock-out, and a one-time token is used up) or `generate` (a mock that keeps state may have changed
//! it). A connection that breaks after something was sent isn't tried again for any. All tries and the waits in between are
//! inside the call's one time limit.

mod health;
mod spec;

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use mfp_model::address::Reach;
use mfp_model::name::PluginName;
use url::Url;

pub use self::health::Health;
pub use self::spec::{Credential, CredentialError, RemoteSpec};
use crate::abi::Transport;
use crate::abi::guest::Allowance;
use crate::call::Call;
use crate::error::{CallError, RemoteFailure};
use crate::outbound::rules::{Checked, Received};
use crate::outbound::{Failure, Outbound, Who};
use crate::protocol::answer::{self, Opened};
use crate::protocol::request::Request;

/// The wait before the first retry; each further one doubles it.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// A plugin that's a service.
pub(crate) struct Service {
    name: PluginName,
    endpoint: String,
    timeout: Duration,
    retries: u32,
    credential: Option<Credential>,
    health_interval: Duration,
    health: Mutex<Health>,
    /// The largest answer, in bytes.
    most: usize,
    outbound: Arc<Outbound>,
}

/// A try that failed, and whether another can help.
struct Failed {
    failure: RemoteFailure,
    again: bool,
}

impl Service {
    /// The client of this service. Nothing is asked yet.
    pub(crate) fn new(spec: RemoteSpec, most: usize, outbound: Arc<Outbound>) -> Self {
        Self {
            endpoint: spec.endpoint.to_string(),
            name: spec.name,
            timeout: spec.timeout,
            retries: spec.retries,
            credential: spec.credential,
            health_interval: spec.health_interval,
            health: Mutex::default(),
            most,
            outbound,
        }
    }

    fn try_until(&self, call: &Call, request: &Request, until: Instant) -> Result<Opened, RemoteFailure> {
        let body = Bytes::copy_from_slice(request.text().as_bytes());
        let mut backoff = FIRST_BACKOFF;
        for left in (0..=self.retries).rev() {
            let failed = match self.try_once(call, body.clone(), until) {
                Ok(opened) => return Ok(opened),
                Err(failed) => failed,
            };
            let wait = jittered(backoff);
            if left == 0 || !failed.again || Instant::now() + wait >= until {
                return Err(failed.failure);
            }
            std::thread::sleep(wait);
            backoff *= 2;
        }
        unreachable!("the last try returns")
    }

    fn try_once(&self, call: &Call, body: Bytes, until: Instant) -> Result<Opened, Failed> {
        let sent = self.send(Method::POST, path(call), body, until);
        let answer = sent.map_err(|failure| self.failed(failure))?;
        let unusable = |what| Failed { failure: RemoteFailure::Answer(what), again: false };
        match answer.status {
            status if status.is_success() => answer::open(&answer.body).map_err(unusable),
            // The SDK's way to say that the plugin itself can't.
            StatusCode::INTERNAL_SERVER_ERROR if let Ok(Opened::Error(message)) = answer::open(&answer.body) => Ok(Opened::Error(message)),
            status => {
                let again = status.is_server_error() && may_be_repeated(call);
                Err(Failed { failure: RemoteFailure::Status(status.as_u16()), again })
            }
        }
    }

    fn send(&self, method: Method, path: &str, body: Bytes, until: Instant) -> Result<Received, Failure> {
        let url = Url::parse(&format!("{}{path}", self.endpoint)).map_err(|error| Failure::Host(error.to_string()))?;
        if !Reach::Private.allows_literal(&url) {
            return Err(Failure::OutOfReach);
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(credential) = &self.credential {
            headers.insert(credential.name().clone(), credential.value().clone());
        }
        self.outbound.exchange(Who::Host, Checked { method, url, headers, body }, until, self.most)
    }

    fn failed(&self, failure: Failure) -> Failed {
        let (failure, again) = match failure {
            Failure::Connect(reason) => (RemoteFailure::Unreachable(reason), true),
            Failure::OutOfReach => (RemoteFailure::Unreachable("its address is one that's never connected to".to_owned()), false),
            Failure::Broken(reason) => (RemoteFailure::Broken(reason), false),
            Failure::Timeout => (RemoteFailure::Timeout(self.timeout), false),
            Failure::TooLarge(found) => {
                let limit = crate::error::bytes(self.most as u64);
                (RemoteFailure::Answer(format!("it has {found} bytes or more, the limit is {limit}")), false)
            }
            Failure::Host(reason) => (RemoteFailure::Unreachable(reason), false),
        };
        Failed { failure, again }
    }

    fn error(&self, call: &Call, failure: RemoteFailure) -> CallError {
        CallError::Remote { plugin: self.name.clone(), call: call.name(), endpoint: self.endpoint.clone(), failure }
    }
}

impl Transport for Service {
    fn lists_functions(&self) -> bool {
        false
    }

    fn ask(&self, call: &Call, request: &Request, allowance: &mut Allowance) -> Result<Opened, CallError> {
        let until = allowance.ends.min(Instant::now() + self.timeout);
        self.try_until(call, request, until).map_err(|failure| self.error(call, failure))
    }

    fn unusable(&self, call: &Call, what: &str) -> Option<CallError> {
        Some(self.error(call, RemoteFailure::Answer(what.to_owned())))
    }

    fn service(&self) -> Option<&Service> {
        Some(self)
    }
}

/// Where a call is posted to. Services have no list of functions; what has none isn't asked.
fn path(call: &Call) -> &'static str {
    match call {
        Call::Authenticate => "/plugin/authenticate",
        Call::Execute(_) | Call::Functions => "/plugin/template/execute",
        Call::Generate => "/plugin/response/generate",
        Call::Query => "/plugin/datasource/query",
    }
}

/// May a call be made twice where nobody knows whether the first was heard? See the module.
fn may_be_repeated(call: &Call) -> bool {
    match call {
        Call::Execute(_) | Call::Functions | Call::Query => true,
        Call::Authenticate | Call::Generate => false,
    }
}

/// Exponential backoff is only kind to a service if not everybody comes back at the same moment.
fn jittered(wait: Duration) -> Duration {
    let random = std::hash::RandomState::new().build_hasher().finish();
    wait.mul_f64(0.5 + f64::from(u16::try_from(random % 1000).unwrap_or(0)) / 1000.0)
}
