//! Where does a name lead to, and may it be connected to? The only place that answers, for plugins and for services.
//!
//! A name is resolved once for each connection, what's out of reach is left out, and what's left is what's connected to:
//! nobody asks again in between. Addresses that stand in a URL aren't resolved, so whoever sends looks at them before.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use mfp_model::address::{Reach, is_plainly_public, reachable};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What the loader needs of the network beyond sockets. All rules hold above it: it can't widen what plugins reach.
pub trait Network: Send + Sync + 'static {
    /// The addresses of a name, in the order in which they're to be tried. May block.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;

    /// May sockets be opened at all?
    fn is_online(&self) -> bool {
        true
    }

    /// Where to go for an address that a name led to and that was allowed: there, unless it's reached by a gateway.
    fn route(&self, address: IpAddr) -> IpAddr {
        address
    }
}

/// The operating system's names and routes.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNetwork;

impl Network for SystemNetwork {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    }
}

/// Who's connecting, which decides where a name may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// A plugin: to public addresses only. Others it reaches by no name, but by an address that was approved.
    Plugin,
    /// mfp itself, on its way to a service that a person wrote down: anywhere but to link-local and metadata addresses.
    Host,
}

impl Who {
    fn may_be_led_to(self, address: IpAddr) -> bool {
        match self {
            Self::Plugin => is_plainly_public(address),
            Self::Host => Reach::Private.allows(address),
        }
    }
}

/// Resolves names for one kind of client.
pub(super) struct Resolver {
    pub(super) who: Who,
    pub(super) network: Arc<dyn Network>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (who, network) = (self.who, Arc::clone(&self.network));
        Box::pin(async move {
            let found = tokio::task::spawn_blocking(move || {
                let allowed = reachable(network.resolve(name.as_str())?, |address| who.may_be_led_to(*address));
                let routed = |allowed: Vec<IpAddr>| allowed.into_iter().map(|address| SocketAddr::new(network.route(address), 0)).collect();
                Ok::<_, io::Error>(allowed.map(routed))
            });
            let allowed: Vec<SocketAddr> = found.await???;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The innermost cause: what the operating system or the TLS library said. Never has the URL in it.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| "no reason was given".to_owned(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |cause| cause.source())
}
