//! Everything served for one domain.

use std::collections::BTreeMap;

use contour_dag::{
    Action, Domain, HeaderMatch, HeaderMatcher, Host, HostName, HostPolicy, Origin, OriginKind,
    PathMatch, Route, RouteMatch, RoutePolicy,
};

use super::{Found, http_proxy, ingress};
use crate::object::{Kind, ObjectName, ObjectRef};
use crate::parse::http_proxy::{Proxy, Refusal};
use crate::reader::Reader;
use crate::status::{Problem, Reason};

/// Routes by what they match, and so in order of precedence. Of equal matches the last one put in counts.
pub(super) type Routes = BTreeMap<RouteMatch, Served>;

/// A route, but for what it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// What becomes of requests.
    pub(super) action: Action,
    /// What holds for them, whatever becomes of them.
    pub(super) policy: Option<Box<RoutePolicy>>,
    /// The object that says so.
    pub(super) origin: Origin,
}

impl Served {
    pub(super) fn new(action: Action, origin: Origin) -> Served {
        Served { action, policy: None, origin }
    }

    fn matching(self, matches: RouteMatch) -> Route {
        let Served { action, policy, origin } = self;
        Route { matches, action, policy, origin }
    }
}

/// Merges what the HTTPProxies and Ingresses that claim a domain ask for. `None` if that is no route at all.
pub(super) fn host(name: &HostName, reader: &Reader<'_>, found: &mut Found) -> Option<Host> {
    let mut proxied = Routes::new();
    let mut policy: Option<Box<HostPolicy>> = None;
    if let Some((root, proxy)) = root(&name.domain, reader, found) {
        let claim = proxy.root.as_ref();
        for problem in claim.iter().flat_map(|claim| &claim.problems) {
            found.problem(reference(Kind::HttpProxy, &root), problem.clone());
        }
        policy = claim.and_then(|claim| claim.policy.clone());
        match claim.and_then(|claim| claim.refused.as_ref()) {
            None => http_proxy::routes(&root, proxy, &name.domain, reader, found, &mut proxied),
            Some(Refusal::Nothing(problem)) => {
                found.problem(reference(Kind::HttpProxy, &root), problem.clone());
            }
            Some(Refusal::Closed(problem)) => {
                found.problem(reference(Kind::HttpProxy, &root), problem.clone());
                return Some(closed(&name.domain, &root, reader, found));
            }
        }
    }
    let mut routes = Routes::new();
    ingress::routes(&name.domain, reader, found, &mut routes);
    for (matches, served) in proxied {
        let Origin { namespace, name, .. } = &served.origin;
        let winner = format!("HTTPProxy {namespace}/{name}");
        if let Some(Served { origin: loser, .. }) = routes.insert(matches.clone(), served) {
            let ingress = ObjectName { namespace: loser.namespace, name: loser.name };
            found.problem(reference(Kind::Ingress, &ingress), conflict(&matches, &winner));
        }
    }
    let plain: Vec<Route> =
        routes.into_iter().map(|(matches, served)| served.matching(matches)).collect();
    (!plain.is_empty()).then_some(Host { plain, policy })
}

/// A host that answers every request 503: its root asks for what may protect it and is not served by this version. Whoever
/// else claims the host is not served either, nor does a wildcard take its requests.
fn closed(domain: &Domain, root: &ObjectName, reader: &Reader<'_>, found: &mut Found) -> Host {
    for ingress in reader.ingress_rules(domain) {
        let message =
            format!("{domain} is closed by HTTPProxy {root}, which is not served; see its status");
        let problem = Problem::new(Reason::RouteConflict, message);
        found.problem(reference(Kind::Ingress, ingress), problem);
    }
    let everything = RouteMatch::path(PathMatch::Prefix("/".into()));
    let matches = match one_label(domain) {
        Some(header) => everything.with_header(header),
        None => everything,
    };
    let served = Served::new(Action::unavailable(), origin(OriginKind::HttpProxy, root));
    Host { plain: vec![served.matching(matches)], policy: None }
}

/// The root that a domain belongs to: the oldest of those that claim it. The others are told.
fn root<'a>(
    domain: &Domain,
    reader: &Reader<'a>,
    found: &mut Found,
) -> Option<(ObjectName, &'a Proxy)> {
    let mut roots = reader.roots(domain);
    let winner = roots.next()?;
    for loser in roots {
        let message = format!(
            "spec.virtualhost.fqdn: {domain} is claimed by HTTPProxy {winner}, which is older \
             (or, created in the same second, first by name)"
        );
        found.problem(
            reference(Kind::HttpProxy, loser),
            Problem::new(Reason::DuplicateVhost, message),
        );
    }
    Some((winner.clone(), reader.proxy(winner)?))
}

/// The problem of an object whose route matches what `winner`'s does.
pub(super) fn conflict(matches: &RouteMatch, winner: &str) -> Problem {
    let path = matches.path.text();
    Problem::new(
        Reason::RouteConflict,
        format!("path {path}: {winner} matches alike and is served instead"),
    )
}

/// The header condition that keeps a wildcard to one label, where Envoy's own wildcards take several.
pub(super) fn one_label(domain: &Domain) -> Option<HeaderMatch> {
    let suffix = domain.wildcard_suffix()?.replace('.', "\\.");
    let regex = format!("^[a-z0-9]([-a-z0-9]*[a-z0-9])?{suffix}(:[0-9]+)?");
    Some(HeaderMatch { name: ":authority".into(), matcher: HeaderMatcher::Regex(regex.into()) })
}

pub(super) fn reference(kind: Kind, name: &ObjectName) -> ObjectRef {
    ObjectRef { kind, name: name.clone() }
}

pub(super) fn origin(kind: OriginKind, name: &ObjectName) -> Origin {
    Origin { kind, namespace: name.namespace.clone(), name: name.name.clone() }
}
