//! What an HTTPProxy and the HTTPProxies it includes ask for.

use std::collections::BTreeSet;

use contour_dag::{
    Action, ClusterName, DirectResponse, Domain, HeaderMatch, OriginKind, PathMatch, RouteMatch,
    WeightedCluster,
};

use super::Found;
use super::backend::resolve;
use super::host::{Routes, one_label, origin, reference};
use crate::object::{Kind, ObjectName};
use crate::parse::collapse_slashes;
use crate::parse::http_proxy::{
    Include, IncludeConditions, PathCondition, Proxy, Route, ServiceRef,
};
use crate::parse::ingress::BackendPort;
use crate::reader::Reader;
use crate::status::{Problem, Reason};

/// How deep includes may nest.
const MAX_DEPTH: usize = 64;

/// How many HTTPProxies one root may visit, each include counted again, and how many routes they may put in. It bounds
/// what a tree costs in which each includes the next several times.
const MAX_VISITS: usize = 20_000;
const MAX_ROUTES: usize = 20_000;

/// Puts the routes of a root, and of what it includes, into `routes`. Included routes go first, so that of equal matches
/// an object's own beat those it includes, and later ones earlier ones.
pub(super) fn routes(
    root: &ObjectName,
    proxy: &Proxy,
    domain: &Domain,
    reader: &Reader<'_>,
    found: &mut Found,
    routes: &mut Routes,
) {
    let mut walk = Walk {
        reader,
        found,
        routes,
        one_label: one_label(domain),
        chain: Vec::new(),
        visits: 0,
        puts: 0,
    };
    walk.visit(root, proxy, "");
}

/// The descent from a root: what was accumulated on the way, and what is found.
struct Walk<'a, 'b> {
    reader: &'b Reader<'a>,
    found: &'b mut Found,
    routes: &'b mut Routes,
    /// What every route of a wildcard host has to match besides.
    one_label: Option<HeaderMatch>,
    /// The objects from the root to the one being visited.
    chain: Vec<ObjectName>,
    visits: usize,
    /// Routes put in, those included that a later one replaced.
    puts: usize,
}

impl Walk<'_, '_> {
    /// Puts in the routes of one HTTPProxy, whose paths are relative to `prefix`.
    fn visit(&mut self, name: &ObjectName, proxy: &Proxy, prefix: &str) {
        self.found.visited(reference(Kind::HttpProxy, name));
        self.visits += 1;
        if let Some(at) = self.chain.iter().position(|visited| visited == name) {
            self.cycle(name, at);
            return;
        }
        self.chain.push(name.clone());
        self.includes(name, proxy, prefix);
        for (at, route) in proxy.routes.iter().enumerate() {
            self.route(name, route, at, prefix);
        }
        self.chain.pop();
    }

    /// Tells an object that its includes lead back to it, given where in the chain it stands.
    fn cycle(&mut self, name: &ObjectName, at: usize) {
        let circle: Vec<String> =
            self.chain[at..].iter().chain([name]).map(ObjectName::to_string).collect();
        let message = format!("the includes lead in a circle: {}", circle.join(" -> "));
        self.problem(name, Problem::new(Reason::IncludeCreatesCycle, message));
    }

    fn includes(&mut self, name: &ObjectName, proxy: &Proxy, prefix: &str) {
        let mut taken = BTreeSet::new();
        for (at, include) in proxy.includes.iter().enumerate() {
            let narrowed = match &include.conditions {
                Err(problem) => {
                    self.problem(name, problem.clone());
                    continue;
                }
                Ok(IncludeConditions::None) => None,
                Ok(IncludeConditions::Prefix(own)) => {
                    // `/` narrows nothing, so that several may have it.
                    if **own != *"/" && !taken.insert(own.clone()) {
                        self.duplicate(name, at, own);
                        continue;
                    }
                    Some(collapse_slashes(&format!("{prefix}{own}")))
                }
            };
            self.include(name, include, at, narrowed.as_deref(), prefix);
        }
    }

    fn duplicate(&mut self, name: &ObjectName, at: usize, prefix: &str) {
        let message = format!(
            "spec.includes[{at}].conditions: an earlier include has the same conditions \
             (prefix {prefix}), so nothing is left for this one"
        );
        self.problem(name, Problem::new(Reason::IncludeDuplicateMatchConditions, message));
    }

    /// Follows one include. `narrowed` is the prefix its own conditions lead to, if it has conditions.
    fn include(
        &mut self,
        name: &ObjectName,
        include: &Include,
        at: usize,
        narrowed: Option<&str>,
        prefix: &str,
    ) {
        let target = &include.target;
        let refused = match self.reader.proxy(target) {
            Some(proxy) if proxy.root.is_none() => match self.limit() {
                None => {
                    self.visit(target, proxy, narrowed.unwrap_or(prefix));
                    return;
                }
                Some(limit) => Problem::new(
                    Reason::IncludeLimitExceeded,
                    format!("spec.includes[{at}]: HTTPProxy {target} is not followed: {limit}"),
                ),
            },
            Some(_) => Problem::new(
                Reason::RootIncludesRoot,
                format!(
                    "spec.includes[{at}]: HTTPProxy {target} has a virtual host of its own; \
                     only HTTPProxies without spec.virtualhost can be included"
                ),
            ),
            None => Problem::new(
                Reason::IncludeNotFound,
                format!(
                    "spec.includes[{at}]: HTTPProxy {target} does not exist, or cannot be read"
                ),
            ),
        };
        self.problem(name, refused);
        if let Some(prefix) = narrowed {
            // Requests meant for what is not there must not fall through to a shorter prefix.
            let action = Action::Respond(DirectResponse { status: 502 });
            self.put(name, PathMatch::Prefix(prefix.into()), action);
        }
    }

    fn limit(&self) -> Option<String> {
        if self.chain.len() >= MAX_DEPTH {
            Some(format!("includes nest more than {MAX_DEPTH} deep"))
        } else if self.visits >= MAX_VISITS {
            Some(format!("more than {MAX_VISITS} includes below one root"))
        } else if self.puts >= MAX_ROUTES {
            Some(format!("more than {MAX_ROUTES} routes below one root"))
        } else {
            None
        }
    }

    /// Puts in one route. A route whose conditions are unusable takes nothing; one whose services are answers 503.
    fn route(&mut self, name: &ObjectName, route: &Route, at: usize, prefix: &str) {
        let path = match &route.conditions {
            Ok(PathCondition::Exact(path)) => {
                PathMatch::Exact(collapse_slashes(&format!("{prefix}{path}")).into())
            }
            Ok(PathCondition::Prefix(path)) => match collapse_slashes(&format!("{prefix}{path}")) {
                path if path.is_empty() => PathMatch::Prefix("/".into()),
                path => PathMatch::Prefix(path.into()),
            },
            Err(problem) => {
                self.problem(name, problem.clone());
                return;
            }
        };
        let action = match &route.services {
            Ok(services) => self.action(name, services, at),
            Err(problem) => {
                self.problem(name, problem.clone());
                Action::forward_or_unavailable(Vec::new())
            }
        };
        self.put(name, path, action);
    }

    /// A service that does not resolve is a problem and drops out; if none is left the route answers 503.
    fn action(&mut self, name: &ObjectName, services: &[ServiceRef], route: usize) -> Action {
        let mut clusters = Vec::with_capacity(services.len());
        for (at, service) in services.iter().enumerate() {
            let port = BackendPort::Number(service.port);
            let reference =
                ObjectName { namespace: name.namespace.clone(), name: service.name.clone() };
            match resolve(&reference, &port, self.reader) {
                Ok(port) => clusters.push((ClusterName::Service(port), service.weight)),
                Err(why) => {
                    let message = format!("spec.routes[{route}].services[{at}]: {why}");
                    self.problem(name, Problem::new(Reason::ServiceUnresolved, message));
                }
            }
        }
        Action::forward_or_unavailable(scaled(clusters))
    }

    fn put(&mut self, name: &ObjectName, path: PathMatch, action: Action) {
        if self.puts >= MAX_ROUTES {
            let message =
                format!("more than {MAX_ROUTES} routes below one root; the rest is left out");
            self.problem(name, Problem::new(Reason::IncludeLimitExceeded, message));
            return;
        }
        self.puts += 1;
        let matches = RouteMatch::path(path);
        let matches = match &self.one_label {
            Some(header) => matches.with_header(header.clone()),
            None => matches,
        };
        self.routes.insert(matches, (action, origin(OriginKind::HttpProxy, name)));
    }

    fn problem(&mut self, name: &ObjectName, problem: Problem) {
        self.found.problem(reference(Kind::HttpProxy, name), problem);
    }
}

/// Brings weights into 32 bits, all by the same power of two; what was positive stays so.
fn scaled(clusters: Vec<(ClusterName, u64)>) -> Vec<WeightedCluster> {
    let largest = clusters.iter().map(|(_, weight)| *weight).max().unwrap_or(0);
    let shift = (u64::BITS - largest.leading_zeros()).saturating_sub(u32::BITS);
    let scale = |weight: u64| {
        let scaled = (weight >> shift).max(u64::from(weight > 0));
        u32::try_from(scaled).unwrap_or(u32::MAX)
    };
    clusters
        .into_iter()
        .map(|(cluster, weight)| WeightedCluster { cluster, weight: scale(weight) })
        .collect()
}

#[cfg(test)]
mod tests {
    use contour_dag::ServicePort;

    use super::*;

    #[track_caller]
    fn check(weights: &[u64], expect: &[u32]) {
        let name = ClusterName::Service(ServicePort {
            namespace: "default".into(),
            service: "backend".into(),
            number: 80,
            name: None,
        });
        let clusters = weights.iter().map(|weight| (name.clone(), *weight)).collect();
        let weights: Vec<u32> = scaled(clusters).iter().map(|each| each.weight).collect();
        assert_eq!(weights, expect);
    }

    #[test]
    fn weights_of_32_bits_stay() {
        check(&[0, 1, u64::from(u32::MAX)], &[0, 1, u32::MAX]);
        check(&[], &[]);
    }

    #[test]
    fn larger_weights_keep_their_proportion() {
        check(&[1 << 40, 1 << 39, 1, 0], &[1 << 31, 1 << 30, 1, 0]);
    }
}
