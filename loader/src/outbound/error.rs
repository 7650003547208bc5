//! Why did a plugin's HTTP request have no response? In words for the plugin and whoever wrote it.
//!
//! A plugin gets `code: sentence` as the error of its request. Codes are part of the ABI: they're added, never renamed. What
//! a name resolved to isn't said: that would be a map of the network the plugin may not reach.

use crate::error::shown;

/// A request that has no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    /// The request isn't the JSON that it must be.
    #[error("{0}")]
    Request(String),
    /// Not a URL that can be asked.
    #[error("{0}")]
    Url(String),
    /// A host that nobody approved for this plugin.
    #[error("{origin} isn't among the hosts that this plugin may reach")]
    NotApproved {
        /// Scheme, host and port.
        origin: String,
    },
    /// A host at an address that plugins may not reach.
    #[error("{host} is at an address that plugins may not reach")]
    Address {
        /// The host as it stands in the URL.
        host: String,
    },
    /// No method that a plugin may use.
    #[error("`{0}` isn't a method that a plugin may use")]
    Method(String),
    /// A header that can't be sent.
    #[error("{0}")]
    Header(String),
    /// More of something than the limit.
    #[error("{what} is {found}, the limit is {limit}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much, as far as it was counted.
        found: usize,
        /// How much there may be.
        limit: usize,
    },
    /// As many requests of the plugin as may be at once didn't end in time.
    #[error("{0} requests of this plugin were waiting for their responses already")]
    Busy(usize),
    /// No whole response in time.
    #[error("{0} didn't answer in time")]
    Timeout(String),
    /// There's no connection.
    #[error("can't connect to {0}")]
    Connect(String),
    /// The connection broke, or what came isn't HTTP.
    #[error("the connection to {0} broke")]
    Broken(String),
    /// The host can't make requests.
    #[error("the host can't make requests: {0}")]
    Host(String),
}

impl HttpError {
    pub(super) fn url(text: &str, what: &str) -> Self {
        Self::Url(format!("`{}` {what}", shown(text, 200)))
    }

    pub(super) fn header(name: &str, what: &str) -> Self {
        Self::Header(format!("`{}` {what}", shown(name, 100)))
    }

    pub(super) fn method(name: &str) -> Self {
        Self::Method(shown(name, 50))
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::Url(_) => "url",
            Self::NotApproved { .. } => "not-approved",
            Self::Address { .. } => "address",
            Self::Method(_) => "method",
            Self::Header(_) => "header",
            Self::TooLarge { .. } => "too-large",
            Self::Busy(_) => "busy",
            Self::Timeout(_) => "timeout",
            Self::Connect(_) => "connect",
            Self::Broken(_) => "broken",
            Self::Host(_) => "host",
        }
    }

    /// As the plugin gets it: `code: sentence`.
    pub(crate) fn for_plugin(&self) -> String {
        format!("{}: {self}", self.code())
    }
}
