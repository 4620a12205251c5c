//! `ipAllowPolicy` and `ipDenyPolicy`.

use std::net::IpAddr;

use contour_api::v1::http_proxy as v1;
use contour_dag::{IpFilter, IpSource, IpVerdict, Network};

use crate::status::{Problem, Reason};

/// What the two lists of a host or a route come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpPolicy {
    /// Nothing.
    Open,
    /// This filter; entries that are none have problems.
    Filter(IpFilter, Vec<Problem>),
    /// Nobody can tell whom to let through, so nobody: for this reason, and others.
    Closed(Problem, Vec<Problem>),
}

/// Reads both lists, of which at most one may have entries.
///
/// An entry that is no network is left out of an allow list: fewer are let through. A deny list without it would let more
/// through than its author wants: then it does not work at all.
pub fn ip_policy(
    allow: &[v1::IpFilterPolicy],
    deny: &[v1::IpFilterPolicy],
    field: &str,
) -> IpPolicy {
    let (entries, verdict, list) = match (allow, deny) {
        ([], []) => return IpPolicy::Open,
        (entries, []) => (entries, IpVerdict::Allow, "ipAllowPolicy"),
        ([], entries) => (entries, IpVerdict::Deny, "ipDenyPolicy"),
        _ => {
            let message = format!(
                "{field}: ipAllowPolicy and ipDenyPolicy exclude each other, and all requests are refused until one of them is gone"
            );
            let problem = Problem::new(Reason::IncompatibleIpFilters, message);
            return IpPolicy::Closed(problem, Vec::new());
        }
    };
    let (mut networks, mut problems) = (Vec::with_capacity(entries.len()), Vec::new());
    for (at, entry) in entries.iter().enumerate() {
        if let Some(network) = network(&entry.cidr) {
            networks.push((source(entry.source), network));
        } else {
            let cidr = &entry.cidr;
            let message = format!(
                "{field}.{list}[{at}].cidr: {cidr:?} is neither an IP address nor a network such as 10.0.0.0/8"
            );
            problems.push(Problem::new(Reason::InvalidCidr, message));
        }
    }
    let usable = verdict == IpVerdict::Allow && !networks.is_empty();
    match problems.pop_if(|_| !usable) {
        Some(problem) => IpPolicy::Closed(problem, problems),
        None => IpPolicy::Filter(IpFilter { verdict, networks }, problems),
    }
}

fn source(source: v1::IpFilterSource) -> IpSource {
    match source {
        v1::IpFilterSource::Peer => IpSource::Peer,
        v1::IpFilterSource::Remote => IpSource::Remote,
    }
}

/// Reads an address, or a network as address and length of the prefix.
fn network(text: &str) -> Option<Network> {
    match text.split_once('/') {
        None => text.parse().ok().map(Network::of),
        Some((address, prefix)) => {
            let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
            let prefix = prefix.parse().ok().filter(|_| digits)?;
            Network::new(address.parse::<IpAddr>().ok()?, prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<v1::IpFilterPolicy> {
        serde_yaml_ng::from_str(text).expect("a list")
    }

    /// `+` or `-` and the networks, or `closed`; then how many problems there are.
    #[track_caller]
    fn check(allow: &str, deny: &str, expect: (&str, usize)) {
        let (found, problems) = match ip_policy(&list(allow), &list(deny), "it") {
            IpPolicy::Open => ("open".to_owned(), 0),
            IpPolicy::Closed(_, more) => ("closed".to_owned(), 1 + more.len()),
            IpPolicy::Filter(filter, problems) => {
                let sign = if filter.verdict == IpVerdict::Allow { '+' } else { '-' };
                let networks: Vec<String> = filter
                    .networks
                    .iter()
                    .map(|(source, each)| {
                        format!("{source:?} {}/{}", each.address(), each.prefix())
                    })
                    .collect();
                (format!("{sign} {}", networks.join(", ")), problems.len())
            }
        };
        assert_eq!((found.as_str(), problems), expect);
    }

    #[test]
    fn addresses_are_networks_of_one() {
        check("[{source: Peer, cidr: 10.1.2.3}]", "[]", ("+ Peer 10.1.2.3/32", 0));
        check("[]", "[{source: Remote, cidr: '::1'}]", ("- Remote ::1/128", 0));
        check("[{source: Peer, cidr: 10.1.2.3/8}]", "[]", ("+ Peer 10.0.0.0/8", 0));
        check("[]", "[]", ("open", 0));
    }

    #[test]
    fn one_bad_entry_of_an_allow_list_lets_nobody_in() {
        let list = "[{source: Peer, cidr: x}, {source: Peer, cidr: 10.0.0.0/8}]";
        check(list, "[]", ("+ Peer 10.0.0.0/8", 1));
        check("[{source: Peer, cidr: x}]", "[]", ("closed", 1));
    }

    #[test]
    fn one_bad_entry_of_a_deny_list_closes() {
        let list = "[{source: Peer, cidr: 10.0.0.0/33}, {source: Peer, cidr: 10.0.0.0/8}]";
        check("[]", list, ("closed", 1));
    }

    #[test]
    fn both_lists_close() {
        let list = "[{source: Peer, cidr: 10.0.0.0/8}]";
        check(list, list, ("closed", 1));
    }

    #[test]
    fn anything_else_is_no_network() {
        for text in
            ["", "10.0.0", "010.0.0.1", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "::1/129"]
        {
            assert_eq!(network(text), None, "{text}");
        }
    }
}
