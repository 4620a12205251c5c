//! Who may ask, from where, and how often.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::header::{HeaderEdits, HeaderValue};

/// What holds for every request of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPolicy {
    /// Which pages of other origins may ask.
    pub cors: Option<Cors>,
    /// How many requests are let through.
    pub local_rate_limit: Option<LocalRateLimit>,
    /// From where requests are let through.
    pub ip_filter: Option<IpFilter>,
}

/// What holds for every request that a route takes, whatever becomes of it. What a host has of the same kind does not hold
/// then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutePolicy {
    /// Headers of requests.
    pub request_headers: HeaderEdits,
    /// Headers of responses.
    pub response_headers: HeaderEdits,
    /// How many requests are let through.
    pub local_rate_limit: Option<LocalRateLimit>,
    /// From where requests are let through.
    pub ip_filter: Option<IpFilter>,
}

/// Which pages of other origins may read a host's answers, as far as browsers ask.
///
/// Becomes: `envoy.extensions.filters.http.cors.v3.CorsPolicy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Pages of these; not empty.
    pub origins: Vec<AllowedOrigin>,
    /// With these methods; not empty.
    pub methods: Vec<Arc<str>>,
    /// With these request headers.
    pub headers: Vec<Arc<str>>,
    /// Reading these response headers.
    pub exposed: Vec<Arc<str>>,
    /// Whether with cookies.
    pub credentials: bool,
    /// Whether from public pages to private addresses.
    pub private_network: bool,
    /// For how many seconds a browser need not ask again; `None`: as long as it likes.
    pub max_age: Option<u32>,
}

/// Origins that may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// This one, in whatever case of letters; `*` is all.
    Exact(Arc<str>),
    /// Those that this RE2 expression matches in full.
    Regex(Arc<str>),
}

/// How many requests one Envoy lets through.
///
/// Becomes: `envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRateLimit {
    /// So many in each unit of time.
    pub requests: NonZeroU32,
    /// So many more at once.
    pub burst: u32,
    /// The unit of time.
    pub unit: RateUnit,
    /// The status of the others; `None`: 429.
    pub status: Option<u16>,
    /// Headers of the answer to the others. Sorted by name, each once.
    pub headers: Vec<(Arc<str>, HeaderValue)>,
}

/// The unit of time of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateUnit {
    /// One second.
    Second,
    /// Sixty of them.
    Minute,
    /// 3600 of them.
    Hour,
}

/// From where requests are let through. All others are answered 403.
///
/// Becomes: `envoy.extensions.filters.http.rbac.v3.RBAC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpFilter {
    /// What happens to requests from these networks.
    pub verdict: IpVerdict,
    /// The networks; not empty.
    pub networks: Vec<(IpSource, Network)>,
}

/// What happens to requests from the networks of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVerdict {
    /// Only they are let through.
    Allow,
    /// Only they are not.
    Deny,
}

/// What address of a request counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IpSource {
    /// That of the connection, or what PROXY protocol says it is.
    Peer,
    /// The client's, as trusted proxies tell it in `X-Forwarded-For`.
    Remote,
}

/// A range of IP addresses that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr, // private: bits behind the prefix are zero
    prefix: u8,      // likewise: no longer than the address
}

impl Network {
    /// The network of this address with so many leading bits. `None` if the address has fewer.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Network> {
        let address = match address {
            IpAddr::V4(address) => {
                let behind = 32_u32.checked_sub(prefix.into())?;
                let mask = u32::MAX.checked_shl(behind).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let behind = 128_u32.checked_sub(prefix.into())?;
                let mask = u128::MAX.checked_shl(behind).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        };
        Some(Network { address, prefix })
    }

    /// The network of one address.
    pub fn of(address: IpAddr) -> Network {
        Network { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// With how many bits all its addresses begin alike.
    pub fn prefix(self) -> u8 {
        self.prefix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, prefix: u8, expect: Option<&str>) {
        let network = Network::new(address.parse().unwrap(), prefix);
        assert_eq!(network.map(|each| each.address().to_string()).as_deref(), expect);
    }

    #[test]
    fn a_network_begins_with_its_first_address() {
        check("10.1.2.3", 8, Some("10.0.0.0"));
        check("10.1.2.3", 32, Some("10.1.2.3"));
        check("10.1.2.3", 0, Some("0.0.0.0"));
        check("2001:db8::1", 32, Some("2001:db8::"));
        check("2001:db8::1", 0, Some("::"));
    }

    #[test]
    fn a_prefix_is_no_longer_than_its_address() {
        check("10.1.2.3", 33, None);
        check("::1", 129, None);
    }
}
