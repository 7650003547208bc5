//! Which addresses may a request go to? Looked at where it's connected to, and not by name.
//!
//! A host that a person wrote down may be anywhere but at a link-local or metadata address: nothing that serves plugins is
//! there, and on a cloud machine its credentials are. Who's sent somewhere by somebody else (a redirect, a plugin) goes to
//! public addresses only. The rules are here, without any I/O; resolving names and looking at each address that's connected
//! to is for those who connect.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// How far a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Private networks and this machine too.
    Private,
    /// Public addresses only.
    Public,
}

impl Reach {
    /// How far a server at this address may send somebody who came this far. What isn't known to be private is public.
    #[must_use]
    pub fn after(self, server: Option<SocketAddr>) -> Self {
        match server {
            Some(server) if is_private(server.ip()) => self,
            _ => Self::Public,
        }
    }

    /// May this address be connected to?
    pub fn allows(self, address: IpAddr) -> bool {
        !is_forbidden(address) && (self == Self::Private || !is_private(address))
    }

    /// May this URL be asked, as far as an address stands in it? The URL parser has made every spelling of one equal.
    pub fn allows_literal(self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            Some(Host::Domain(_)) | None => true,
        }
    }
}

/// A name leads to nothing but addresses that are out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfReach;

impl fmt::Display for OutOfReach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name leads to an address that isn't connected to")
    }
}

impl std::error::Error for OutOfReach {}

impl OutOfReach {
    /// Is this why something else failed, such as a request?
    pub fn is_behind(error: &(dyn std::error::Error + 'static)) -> bool {
        std::iter::successors(Some(error), |cause| cause.source()).any(<dyn std::error::Error>::is::<Self>)
    }
}

/// Of the addresses that a name led to, those that may be connected to. A name without any is somebody else's error.
pub fn reachable<A>(found: Vec<A>, may: impl Fn(&A) -> bool) -> Result<Vec<A>, OutOfReach> {
    let is_empty = found.is_empty();
    let allowed: Vec<A> = found.into_iter().filter(may).collect();
    if allowed.is_empty() && !is_empty { Err(OutOfReach) } else { Ok(allowed) }
}

/// May a name lead a plugin here? Public, and under its own number: none that stands for another address (mapped, 6to4,
/// NAT64, …), since who translates it decides where it goes.
pub fn is_plainly_public(address: IpAddr) -> bool {
    let global = match address {
        IpAddr::V4(_) => true,
        // The rest of IPv6 isn't given out, or isn't for hosts.
        IpAddr::V6(address) => address.segments()[0] & 0xe000 == 0x2000,
    };
    global && Reach::Public.allows(address) && embedded(address).is_none()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every spelling of every kind of address, with who may be sent there.
    #[test]
    fn an_address_is_looked_at_however_it_is_written() {
        let lines = include_str!("../../fixtures/addresses.txt").lines().filter(|line| !line.starts_with('#'));
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
    fn names_lead_plugins_to_public_addresses_only() {
        let public = |text: &str| is_plainly_public(text.parse().unwrap());
        assert!(public("93.184.216.34") && public("2606:2800:220:1:248:1893:25c8:1946"));
        for refused in [
            "127.0.0.1",
            "10.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd12::1",
            "ff02::1",
            "::ffff:93.184.216.34",
            "64:ff9b::5db8:d822",
            "2002:5db8:d822::1",
            "100::1",
        ] {
            assert!(!public(refused), "{refused}");
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("it failed")]
    struct Failed(#[source] OutOfReach);

    #[test]
    fn a_name_is_out_of_reach_only_if_all_that_it_leads_to_is() {
        assert_eq!(reachable(vec![1, 2, 3], |one| *one != 2), Ok(vec![1, 3]));
        assert_eq!(reachable(vec![2, 2], |one| *one != 2), Err(OutOfReach));
        assert_eq!(reachable(Vec::<u8>::new(), |_| false), Ok(Vec::new()));
        assert!(OutOfReach::is_behind(&Failed(OutOfReach)) && OutOfReach::is_behind(&OutOfReach));
        assert!(!OutOfReach::is_behind(&std::io::Error::other("x")));
    }

    #[test]
    fn a_public_server_sends_nobody_into_a_private_network() {
        let after = |reach: Reach, server: &str| reach.after(Some(server.parse().unwrap()));
        assert_eq!(after(Reach::Private, "93.184.216.34:443"), Reach::Public);
        assert_eq!(after(Reach::Private, "10.0.0.1:443"), Reach::Private);
        assert_eq!(after(Reach::Public, "10.0.0.1:443"), Reach::Public, "a public server in between is one too many");
        assert_eq!(Reach::Private.after(None), Reach::Public);
    }
}
