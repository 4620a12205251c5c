//! What becomes of a request.

use std::num::NonZeroU16;
use std::sync::Arc;

use crate::cluster::ClusterName;
use crate::header::{CookieRewrite, HeaderEdits};
use crate::policy::ForwardPolicy;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is sent to one of several clusters.
    Forward(Forward),
    /// It is sent elsewhere by whoever sent it.
    Redirect(Redirect),
    /// It is answered on the spot.
    Respond(DirectResponse),
}

impl Action {
    /// Forwards to `clusters`, or answers 503 if there are none, so that traffic for a broken backend does not fall
    /// through to a shorter prefix.
    pub fn forward_or_unavailable(clusters: Vec<WeightedCluster>) -> Action {
        match Forward::new(clusters) {
            Some(forward) => Action::Forward(forward),
            None => Action::unavailable(),
        }
    }

    /// Answers 503.
    pub fn unavailable() -> Action {
        Action::Respond(DirectResponse { status: 503, body: None })
    }
}

/// An answer that Envoy gives by itself.
///
/// Becomes: `envoy.config.route.v3.DirectResponseAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectResponse {
    /// The status code, 200 to 599.
    pub status: u16,
    /// The body, 4096 bytes at most; Envoy refuses more.
    pub body: Option<Arc<str>>,
}

/// An answer that names another place for the request. What is not set stays as it was asked for.
///
/// Becomes: `envoy.config.route.v3.RedirectAction`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirect {
    /// The scheme.
    pub scheme: Option<Scheme>,
    /// The host name.
    pub host: Option<Arc<str>>,
    /// The port.
    pub port: Option<NonZeroU16>,
    /// The path.
    pub path: Option<RedirectPath>,
    /// The status code.
    pub status: RedirectStatus,
}

/// How a redirect goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

/// What a redirect makes of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectPath {
    /// This path.
    Full(Arc<str>),
    /// This instead of what the route's path condition matched.
    Prefix(Arc<str>),
}

/// The status code of a redirect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RedirectStatus {
    /// 301
    MovedPermanently,
    /// 302
    #[default]
    Found,
    /// 303
    SeeOther,
    /// 307
    TemporaryRedirect,
    /// 308
    PermanentRedirect,
}

/// Where a route sends its requests: at least one cluster, weights whose sum is positive and fits 32 bits.
///
/// Becomes: `RouteAction.cluster` for one that has no policy of its own, else `RouteAction.weighted_clusters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    clusters: Vec<WeightedCluster>, // private: `new` makes the weights usable
    /// How; `None`: nothing is set.
    pub policy: Option<Box<ForwardPolicy>>,
}

/// One of the clusters of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WeightedCluster {
    /// Which.
    pub cluster: ClusterName,
    /// Its share of the requests; 0 is none.
    pub weight: u32,
    /// What is done with the requests that it gets; `None`: nothing.
    pub policy: Option<Box<ClusterPolicy>>,
}

/// What is done with requests that go to one of the clusters of a route, and with their responses.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterPolicy {
    /// Headers of requests.
    pub request_headers: HeaderEdits,
    /// Headers of responses.
    pub response_headers: HeaderEdits,
    /// The host that requests are for.
    pub host: Option<Arc<str>>,
    /// Attributes of cookies. Sorted by name, each once.
    pub cookies: Vec<CookieRewrite>,
}

impl ClusterPolicy {
    /// `None` if nothing is done.
    pub fn if_any(self) -> Option<Box<ClusterPolicy>> {
        (self != ClusterPolicy::default()).then(|| Box::new(self))
    }
}

impl WeightedCluster {
    /// One whose requests and responses stay as they are.
    pub fn new(cluster: ClusterName, weight: u32) -> WeightedCluster {
        WeightedCluster { cluster, weight, policy: None }
    }
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
        Some(Forward { clusters, policy: None })
    }

    /// The clusters, in the order in which they were given.
    pub fn clusters(&self) -> &[WeightedCluster] {
        &self.clusters
    }

    /// The clusters that get requests, copies among them.
    pub fn reached(&self) -> impl Iterator<Item = &ClusterName> {
        let mirror = self.policy.as_ref().and_then(|policy| policy.mirror.as_ref());
        let mirror = mirror.map(|mirror| &mirror.cluster);
        self.clusters.iter().map(|each| &each.cluster).chain(mirror)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ServicePort;

    #[track_caller]
    fn check_weights(given: &[u32], expect: Option<&[u32]>) {
        let port =
            ServicePort { namespace: "n".into(), service: "s".into(), number: 80, name: None };
        let name = ClusterName::of(port);
        let clusters = given.iter().map(|&weight| WeightedCluster::new(name.clone(), weight));
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
