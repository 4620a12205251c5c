//! Everything served for one domain.

use std::collections::BTreeMap;

use contour_dag::{
    Action, Domain, HeaderMatch, HeaderMatcher, Host, HostName, Origin, OriginKind, PathMatch,
    Route, RouteMatch,
};

use super::{Found, http_proxy, ingress};
use crate::object::{Kind, ObjectName, ObjectRef};
use crate::parse::http_proxy::{Proxy, Refusal};
use crate::reader::Reader;
use crate::status::{Problem, Reason};

/// Routes by what they match, and so in order of precedence. Of equal matches the last one put in counts.
pub(super) type Routes = BTreeMap<RouteMatch, (Action, Origin)>;

/// Merges what the HTTPProxies and Ingresses that claim a domain ask for. `None` if that is no route at all.
pub(super) fn host(name: &HostName, reader: &Reader<'_>, found: &mut Found) -> Option<Host> {
    let mut proxied = Routes::new();
    if let Some((root, proxy)) = root(&name.domain, reader, found) {
        match proxy.root.as_ref().and_then(|root| root.refused.as_ref()) {
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
    for (matches, route) in proxied {
        let (_, winner) = &route;
        let winner = format!("HTTPProxy {}/{}", winner.namespace, winner.name);
        if let Some((_, loser)) = routes.insert(matches.clone(), route) {
            let ingress = ObjectName { namespace: loser.namespace, name: loser.name };
            found.problem(reference(Kind::Ingress, &ingress), conflict(&matches, &winner));
        }
    }
    let plain: Vec<Route> = routes
        .into_iter()
        .map(|(matches, (action, origin))| Route { matches, action, origin })
        .collect();
    (!plain.is_empty()).then_some(Host { plain })
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
    let action = Action::forward_or_unavailable(Vec::new());
    Host { plain: vec![Route { matches, action, origin: origin(OriginKind::HttpProxy, root) }] }
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
