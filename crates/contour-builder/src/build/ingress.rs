//! What Ingresses ask for.

use std::collections::BTreeMap;

use contour_dag::{
    Action, ClusterName, ClusterPolicy, ClusterSettings, Domain, HeaderMatch, OriginKind,
    RouteMatch, WeightedCluster,
};

use super::Found;
use super::backend::{Resolved, resolve};
use super::default_headers;
use super::host::{Routes, Served, conflict, one_label, origin, reference};
use crate::object::{Kind, ObjectName};
use crate::parse::header::Context;
use crate::parse::ingress::{Backend, Ingress, Path};
use crate::reader::Reader;
use crate::status::{Problem, Reason};

/// Puts the routes of every Ingress with rules for `domain` into `routes`. Of equal matches the oldest Ingress wins, and
/// the others are told.
pub(super) fn routes(domain: &Domain, reader: &Reader<'_>, found: &mut Found, routes: &mut Routes) {
    let one_label = one_label(domain);
    for name in reader.ingress_rules(domain) {
        let Some(ingress) = reader.ingress(name) else { continue };
        for (matches, path) in paths(ingress, domain, one_label.as_ref(), name, found) {
            if let Some(Served { origin: winner, .. }) = routes.get(&matches) {
                let winner = format!("Ingress {}/{}", winner.namespace, winner.name);
                found.problem(reference(Kind::Ingress, name), conflict(&matches, &winner));
                continue;
            }
            let action = action(path, name, reader, found);
            routes.insert(matches, Served::new(action, origin(OriginKind::Ingress, name)));
        }
    }
}

/// The paths of one Ingress for one domain. Of equal matches the last one counts, so that a rule for `/` replaces the
/// default backend, which comes first.
fn paths<'a>(
    ingress: &'a Ingress,
    domain: &Domain,
    one_label: Option<&HeaderMatch>,
    name: &ObjectName,
    found: &mut Found,
) -> BTreeMap<RouteMatch, &'a Path> {
    let mut paths = BTreeMap::new();
    let rules = ingress.rules.iter().filter(|rule| rule.domain == *domain);
    for path in rules.flat_map(|rule| &rule.paths) {
        match &path.matches {
            Err(problem) => found.problem(reference(Kind::Ingress, name), problem.clone()),
            Ok(matched) => {
                let matches = RouteMatch::path(matched.clone());
                let matches = match one_label {
                    Some(header) => matches.with_header(header.clone()),
                    None => matches,
                };
                let replaced = paths.insert(matches.clone(), path);
                if replaced.is_some_and(|replaced| !replaced.is_default_backend()) {
                    let later = format!("{}, later in this object,", path.field);
                    found.problem(reference(Kind::Ingress, name), conflict(&matches, &later));
                }
            }
        }
    }
    paths
}

/// Forwards to the backend, or answers 503 if it does not resolve, so that its traffic does not fall through to a shorter
/// path.
fn action(path: &Path, name: &ObjectName, reader: &Reader<'_>, found: &mut Found) -> Action {
    let cluster = match &path.backend {
        Ok(backend) => cluster(path, backend, name, reader),
        Err(problem) => Err(problem.clone()),
    };
    match cluster {
        Ok(cluster) => Action::forward_or_unavailable(vec![cluster]),
        Err(problem) => {
            found.problem(reference(Kind::Ingress, name), problem);
            Action::forward_or_unavailable(Vec::new())
        }
    }
}

fn cluster(
    path: &Path,
    backend: &Backend,
    name: &ObjectName,
    reader: &Reader<'_>,
) -> Result<WeightedCluster, Problem> {
    let service = ObjectName { namespace: name.namespace.clone(), name: backend.service.clone() };
    match resolve(&service, &backend.port, reader) {
        Ok(resolved) => {
            let policy = policy(path, &resolved, reader)?;
            let settings =
                ClusterSettings { protocol: resolved.protocol, ..ClusterSettings::default() };
            let cluster = ClusterName::with(resolved.port, settings);
            Ok(WeightedCluster { cluster, weight: 1, policy })
        }
        Err(why) => {
            let message = format!("{}: {why}; requests for it are answered 503", path.field);
            Err(Problem::new(Reason::ServiceUnresolved, message))
        }
    }
}

/// What the configuration does with the headers of a backend's requests and responses.
fn policy(
    path: &Path,
    backend: &Resolved,
    reader: &Reader<'_>,
) -> Result<Option<Box<ClusterPolicy>>, Problem> {
    let config = reader.config();
    if !config.headers_for_ingress {
        return Ok(None);
    }
    let port = &backend.port;
    let context =
        Context { namespace: Some(&port.namespace), service: Some((&port.service, port.number)) };
    let policy = default_headers::merged(ClusterPolicy::default(), config, &context, &path.field)?;
    Ok(policy.if_any())
}
