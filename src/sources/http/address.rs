//! Which addresses may a request go to? Looked at where it's connected to, and not by name.
//!
//! A host that a person wrote down may be anywhere but at a link-local or metadata address: nothing that serves plugins is
//! there, and on a cloud machine its credentials are. A host that a public server redirects to must be public too, or the
//! server could have this machine ask its neighbours. Names are resolved here and filtered, so that a name that changes its
//! mind between a check and a connection gains nothing; an address in a URL is looked at as it stands.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::{fmt, io};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How far a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Private networks and this machine too.
    Private,
    /// Public addresses only.
    Public,
}

impl Reach {
    /// How far a server at this address may send somebody who came this far. What isn't known to be private is public.
    pub(super) fn after(self, server: Option<SocketAddr>) -> Self {
        match server {
            Some(server) if is_private(server.ip()) => self,
            _ => Self::Public,
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        !is_forbidden(address) && (self == Self::Private || !is_private(address))
    }

    /// May this URL be asked, as far as an address stands in it? The URL parser has made every spelling of one equal.
    pub(super) fn allows_literal(self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            Some(Host::Domain(_)) | None => true,
        }
    }
}

/// Link-local, metadata services, and what's no host at all; and every address that stands for one of those.
fn is_forbidden(address: IpAddr) -> bool {
    forbids(address) || embedded(address).is_some_and(|inner| forbids(inner.into()))
}

fn forbids(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_link_local() || address.is_multicast() || address.is_broadcast() || METADATA_V4.contains(&address)
        }
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_multicast() || METADATA_V6.contains(&address),
    }
}

/// Where clouds keep what only the machine itself may ask: Alibaba, Oracle, Azure (their others are link-local).
const METADATA_V4: [Ipv4Addr; 3] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];
/// The same: Amazon, Google.
const METADATA_V6: [Ipv6Addr; 2] = [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// This machine, and networks that not everybody can reach; and every address that stands for one of those.
fn is_private(address: IpAddr) -> bool {
    is_not_everybodys(address) || embedded(address).is_some_and(|inner| is_not_everybodys(inner.into()))
}

fn is_not_everybodys(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            let shared = first == 100 && (64..128).contains(&second);
            let protocol = (first, second, third) == (192, 0, 0);
            let benchmarks = first == 198 && matches!(second, 18 | 19);
            address.is_private()
                || address.is_loopback()
                || address.is_documentation()
                || first == 0
                || first >= 240
                || shared
                || protocol
                || benchmarks
        }
        IpAddr::V6(address) => {
            let site_local = address.segments()[0] & 0xffc0 == 0xfec0;
            let local_nat64 = address.segments()[..3] == [0x64, 0xff9b, 1];
            let documentation = address.segments()[..2] == [0x2001, 0xdb8];
            address.is_loopback() || address.is_unspecified() || address.is_unique_local() || site_local || local_nat64 || documentation
        }
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, translated, compatible, 6to4, NAT64, Teredo, ISATAP.
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(six) = address else { return None };
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match six.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => four(high, low),
        [0x2001, 0, .., high, low] => four(!high, !low),
        _ => None,
    }
}

/// Asks for the addresses of a name.
pub(super) type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;
/// The answer, when it comes.
pub(super) type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// As the system does it.
pub(super) fn system() -> Lookup {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}

/// Resolves names, and leaves out what's out of reach. What it gives is what's connected to: nobody asks again in between.
pub(super) struct Resolver {
    pub(super) reach: Reach,
    pub(super) lookup: Lookup,
}

/// A name leads only to addresses that are out of reach.
#[derive(Debug)]
struct OutOfReach;

impl fmt::Display for OutOfReach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name leads to an address that isn't connected to")
    }
}

impl std::error::Error for OutOfReach {}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, looking) = (self.reach, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let (allowed, refused): (Vec<_>, Vec<_>) = looking.await?.into_iter().partition(|address| reach.allows(address.ip()));
            if allowed.is_empty() && !refused.is_empty() {
                return Err(OutOfReach.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Did a request fail since its host is out of reach?
pub(super) fn was_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(deeper) = cause {
        if deeper.is::<OutOfReach>() {
            return true;
        }
        cause = deeper.source();
    }
    false
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Every spelling of every kind of address, with who may be sent there.
    #[test]
    fn an_address_is_looked_at_however_it_is_written() {
        let lines = include_str!("../../../fixtures/addresses.txt").lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let (who, host) = line.split_once(' ').unwrap();
            let url = Url::parse(&format!("http://{host}/")).unwrap();
            let reach = (Reach::Private.allows_literal(&url), Reach::Public.allows_literal(&url));
            let expected = match who {
                "never" => (false, false),
                "private" => (true, false),
                "public" => (true, true),
                other => panic!("{other}"),
            };
            assert_eq!(reach, expected, "{host}");
        }
    }

    #[test]
    fn a_public_server_sends_nobody_into_a_private_network() {
        let after = |reach: Reach, server: &str| reach.after(Some(server.parse().unwrap()));
        assert_eq!(after(Reach::Private, "93.184.216.34:443"), Reach::Public);
        assert_eq!(after(Reach::Private, "10.0.0.1:443"), Reach::Private);
        assert_eq!(after(Reach::Public, "10.0.0.1:443"), Reach::Public, "a public server in between is one too many");
        assert_eq!(Reach::Private.after(None), Reach::Public);
    }

    /// A resolver that gives these answers, one a question.
    pub(in crate::sources::http) fn answering(answers: &[&[&str]]) -> (Lookup, Arc<AtomicUsize>) {
        let answers: Vec<Vec<SocketAddr>> = answers.iter().map(|all| all.iter().map(|text| text.parse().unwrap()).collect()).collect();
        let asked = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&asked);
        let lookup: Lookup = Arc::new(move |_| {
            let answer = answers[counting.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)].clone();
            Box::pin(async move { Ok(answer) })
        });
        (lookup, asked)
    }

    #[tokio::test]
    async fn names_are_filtered_where_they_are_resolved() {
        let resolve = async |reach, answer: &[&str]| {
            let resolver = Resolver { reach, lookup: answering(&[answer]).0 };
            resolver.resolve("plugins.example".parse().unwrap()).await.map(|found| found.map(|at| at.ip().to_string()).collect::<Vec<_>>())
        };
        let (near, far, meta) = ("10.0.0.1:0", "93.184.216.34:0", "169.254.169.254:0");
        assert_eq!(resolve(Reach::Private, &[near, meta, far]).await.unwrap(), ["10.0.0.1", "93.184.216.34"]);
        assert_eq!(resolve(Reach::Public, &[near, meta, far]).await.unwrap(), ["93.184.216.34"]);
        assert!(resolve(Reach::Public, &[]).await.unwrap().is_empty(), "a name without addresses is somebody else's error");
        for (reach, answer) in
            [(Reach::Public, near), (Reach::Public, meta), (Reach::Private, meta), (Reach::Private, "[2002:a9fe:a9fe::1]:0")]
        {
            let Err(error) = resolve(reach, &[answer]).await else { panic!("{answer} is within {reach:?}") };
            assert!(error.is::<OutOfReach>(), "{error}");
        }
        let found = Resolver { reach: Reach::Private, lookup: system() }.resolve("localhost".parse().unwrap()).await.unwrap().count();
        assert!(found > 0, "the system's own");
    }
}
