//! Which addresses may a request go to? Looked at where it's connected to, and not by name.
//!
//! A host that a person wrote down may be anywhere but at a link-local or metadata address: nothing that serves plugins is
//! there, and on a cloud machine its credentials are. A host that a public server redirects to must be public too, or the
//! server could have this machine ask its neighbours. Names are resolved here and filtered, so that a name that changes its
//! mind between a check and a connection gains nothing; an address in a URL is looked at as it stands.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

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

/// Link-local, metadata services, and what's no host at all.
fn is_forbidden(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => {
            let metadata = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
            address.is_link_local() || address.is_multicast() || address.is_broadcast() || metadata.contains(&address)
        }
        IpAddr::V6(address) => {
            let metadata = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
            address.is_unicast_link_local() || address.is_multicast() || address == metadata
        }
    }
}

/// This machine, and networks that not everybody can reach.
fn is_private(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let shared = first == 100 && (64..128).contains(&second);
            address.is_private() || address.is_loopback() || first == 0 || shared
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unspecified() || address.is_unique_local(),
    }
}

/// The IPv4 address that an IPv6 address stands for (mapped, compatible, 6to4, NAT64, Teredo), or the address itself.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match six.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => four(high, low),
        [0x2001, 0, .., high, low] => four(!high, !low),
        _ => address,
    }
}

/// Resolves names as the system does, and leaves out what's out of reach.
#[derive(Debug)]
pub(super) struct Resolver(pub(super) Reach);

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
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let (allowed, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| reach.allows(address.ip()));
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
mod tests {
    use super::*;

    fn reach(text: &str) -> (bool, bool) {
        let url = Url::parse(&format!("http://{text}/")).unwrap();
        (Reach::Private.allows_literal(&url), Reach::Public.allows_literal(&url))
    }

    #[test]
    fn link_local_and_metadata_addresses_are_never_reached_however_they_are_written() {
        for text in [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "[::ffff:169.254.169.254]",
            "[::169.254.169.254]",
            "[fe80::1]",
            "[2002:a9fe:a9fe::1]",
            "[64:ff9b::a9fe:a9fe]",
            "[2001:0:1:2:3:4:5601:5601]",
            "[fd00:ec2::254]",
            "100.100.100.200",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "[ff02::1]",
        ] {
            assert_eq!(reach(text), (false, false), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_for_those_who_were_told_so() {
        for text in [
            "127.0.0.1",
            "127.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[fd12::1]",
            "[::ffff:10.0.0.1]",
            "[2002:a00:1::1]",
            "[64:ff9b::7f00:1]",
        ] {
            assert_eq!(reach(text), (true, false), "{text}");
        }
        for text in ["93.184.216.34", "172.32.0.1", "100.128.0.1", "[2606:2800:220:1::1]", "[64:ff9b::5db8:d822]", "plugins.acme.example"] {
            assert_eq!(reach(text), (true, true), "{text}");
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

    #[tokio::test]
    async fn names_are_filtered_where_they_are_resolved() {
        let resolve = async |reach| Resolver(reach).resolve("localhost".parse().unwrap()).await.map(Iterator::count);
        assert!(resolve(Reach::Private).await.unwrap() > 0);
        let Err(error) = resolve(Reach::Public).await else { panic!("localhost isn't public") };
        assert!(error.is::<OutOfReach>(), "{error}");
    }
}
