//! One route: which requests it takes and what becomes of them.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use crate::cluster::ClusterName;
use crate::name::Origin;

/// One route of a host.
///
/// Becomes: `envoy.config.route.v3.Route`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which requests it takes; its identity within the host.
    pub matches: RouteMatch,
    /// What becomes of them.
    pub action: Action,
    /// The object that defined it.
    pub origin: Origin,
}

/// Which requests a route takes. Two routes of a host that match alike are one.
///
/// The order is that of precedence: of two routes that match a request the lesser answers. It is total, so that the
/// order of routes depends on nothing but the routes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RouteMatch {
    /// On the path, without the query.
    pub path: PathMatch,
    /// On headers; all have to match. Sorted.
    pub headers: Vec<HeaderMatch>,
}

impl RouteMatch {
    /// Every request whose path matches.
    pub fn path(path: PathMatch) -> RouteMatch {
        RouteMatch { path, headers: Vec::new() }
    }

    /// The same with one more header condition.
    #[must_use]
    pub fn with_header(mut self, header: HeaderMatch) -> RouteMatch {
        self.headers.push(header);
        self.headers.sort();
        self
    }
}

impl Ord for RouteMatch {
    fn cmp(&self, other: &RouteMatch) -> Ordering {
        // The more conditions, the narrower the route, and the earlier it has to come.
        (&self.path, Reverse(self.headers.len()), &self.headers).cmp(&(
            &other.path,
            Reverse(other.headers.len()),
            &other.headers,
        ))
    }
}

impl PartialOrd for RouteMatch {
    fn partial_cmp(&self, other: &RouteMatch) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A condition on a request's path.
///
/// The order is that of precedence: exact paths, then expressions, then prefixes; the longer expression or prefix
/// first; among equals in length, and among exact paths, in descending order of bytes, as upstream sorts them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathMatch {
    /// This path and no other. Becomes: `RouteMatch.path`.
    Exact(Arc<str>),
    /// A path that this RE2 expression matches in full. Becomes: `RouteMatch.safe_regex`, with `^` in front.
    Regex(Arc<str>),
    /// A path that begins with these whole segments: `/a` takes `/a` and `/a/b`, not `/ab`. Never ends in `/`, never
    /// empty. Becomes: `RouteMatch.path_separated_prefix`.
    Segments(Arc<str>),
    /// A path that begins with this text: `/a` takes `/ab`. Becomes: `RouteMatch.prefix`.
    Prefix(Arc<str>),
}

impl PathMatch {
    /// The text to match, whatever the kind.
    pub fn text(&self) -> &str {
        match self {
            PathMatch::Exact(text)
            | PathMatch::Regex(text)
            | PathMatch::Segments(text)
            | PathMatch::Prefix(text) => text,
        }
    }

    /// Kind, length and text, as far as each decides, in the order in which they do.
    fn precedence(&self) -> (u8, Reverse<usize>, Reverse<&str>, u8) {
        let text = self.text();
        let (kind, length, last) = match self {
            PathMatch::Exact(_) => (0, 0, 0),
            PathMatch::Regex(_) => (1, text.len(), 0),
            PathMatch::Segments(_) => (2, text.len(), 0),
            PathMatch::Prefix(_) => (2, text.len(), 1),
        };
        (kind, Reverse(length), Reverse(text), last)
    }
}

impl Ord for PathMatch {
    fn cmp(&self, other: &PathMatch) -> Ordering {
        self.precedence().cmp(&other.precedence())
    }
}

impl PartialOrd for PathMatch {
    fn partial_cmp(&self, other: &PathMatch) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A condition on one header.
///
/// Becomes: `envoy.config.route.v3.HeaderMatcher`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderMatch {
    /// The header's name; `:authority` is the host that was asked for.
    pub name: Arc<str>,
    /// What its value has to be.
    pub matcher: HeaderMatcher,
}

/// What a header's value has to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeaderMatcher {
    /// A value that this RE2 expression matches in full.
    Regex(Arc<str>),
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is sent to one of several clusters.
    Forward(Forward),
    /// It is answered on the spot.
    Respond(DirectResponse),
}

impl Action {
    /// Forwards to `clusters`, or answers 503 if there are none, so that traffic for a broken backend does not fall
    /// through to a shorter prefix.
    pub fn forward_or_unavailable(clusters: Vec<WeightedCluster>) -> Action {
        match Forward::new(clusters) {
            Some(forward) => Action::Forward(forward),
            None => Action::Respond(DirectResponse { status: 503 }),
        }
    }
}

/// An answer without a body that Envoy gives by itself.
///
/// Becomes: `envoy.config.route.v3.DirectResponseAction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectResponse {
    /// The status code, 200 to 599.
    pub status: u16,
}

/// Where a route sends its requests: at least one cluster, weights whose sum is positive and fits 32 bits.
///
/// Becomes: `RouteAction.cluster` for one, `RouteAction.weighted_clusters` for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    clusters: Vec<WeightedCluster>, // private: `new` makes the weights usable
}

/// One of the clusters of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WeightedCluster {
    /// Which.
    pub cluster: ClusterName,
    /// Its share of the requests; 0 is none.
    pub weight: u32,
}

impl Forward {
    /// `None` without clusters. If every weight is zero, all become one. If the sum exceeds what Envoy takes
    /// (2³² − 1), all are scaled down alike, and none that was positive becomes zero.
    pub fn new(mut clusters: Vec<WeightedCluster>) -> Option<Forward> {
        if clusters.is_empty() {
            return None;
        }
        let sum: u64 = clusters.iter().map(|each| u64::from(each.weight)).sum();
        if sum == 0 {
            for each in &mut clusters {
                each.weight = 1;
            }
        }
        if sum > u64::from(u32::MAX) {
            let room = u64::from(u32::MAX) - clusters.len() as u64; // each may round up by one
            for each in &mut clusters {
                let scaled = (u128::from(each.weight) * u128::from(room)).div_ceil(u128::from(sum));
                each.weight = u32::try_from(scaled).unwrap_or(u32::MAX);
            }
        }
        Some(Forward { clusters })
    }

    /// The clusters, in the order in which they were given.
    pub fn clusters(&self) -> &[WeightedCluster] {
        &self.clusters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ServicePort;

    fn prefix(text: &str) -> PathMatch {
        PathMatch::Prefix(text.into())
    }

    #[track_caller]
    fn check_order(sorted: &[PathMatch]) {
        let mut shuffled: Vec<_> = sorted.iter().rev().cloned().collect();
        shuffled.sort();
        assert_eq!(shuffled, sorted);
    }

    #[test]
    fn exact_before_regex_before_prefix() {
        check_order(&[
            PathMatch::Exact("/".into()),
            PathMatch::Regex("/.*".into()),
            prefix("/much/longer"),
        ]);
    }

    #[test]
    fn longer_prefixes_first_then_descending() {
        check_order(&[prefix("/longer"), prefix("/b"), prefix("/a"), prefix("/")]);
    }

    #[test]
    fn exact_paths_descend_whatever_their_length() {
        check_order(&[PathMatch::Exact("/b".into()), PathMatch::Exact("/a/long".into())]);
    }

    #[test]
    fn segments_before_the_same_text_as_prefix() {
        check_order(&[PathMatch::Segments("/a".into()), prefix("/a")]);
        check_order(&[prefix("/ab"), PathMatch::Segments("/a".into())]);
    }

    #[test]
    fn more_header_conditions_first() {
        let plain = RouteMatch::path(prefix("/"));
        let with = plain.clone().with_header(HeaderMatch {
            name: ":authority".into(),
            matcher: HeaderMatcher::Regex("a".into()),
        });
        assert!(with < plain);
    }

    #[track_caller]
    fn check_weights(given: &[u32], expect: Option<&[u32]>) {
        let clusters = given.iter().map(|&weight| WeightedCluster {
            cluster: ClusterName::Service(ServicePort {
                namespace: "n".into(),
                service: "s".into(),
                number: 80,
                name: None,
            }),
            weight,
        });
        let forward = Forward::new(clusters.collect());
        let weights =
            forward.map(|forward| forward.clusters().iter().map(|each| each.weight).collect());
        assert_eq!(weights, expect.map(<[u32]>::to_vec));
    }

    #[test]
    fn nothing_to_forward_to_is_no_forward() {
        check_weights(&[], None);
    }

    #[test]
    fn all_zero_weights_become_one() {
        check_weights(&[0, 0], Some(&[1, 1]));
    }

    #[test]
    fn zero_beside_positive_stays_zero() {
        check_weights(&[0, 7], Some(&[0, 7]));
    }

    #[test]
    fn a_sum_over_32_bits_is_scaled() {
        check_weights(&[u32::MAX, u32::MAX, 1, 0], Some(&[2_147_483_646, 2_147_483_646, 1, 0]));
    }
}
