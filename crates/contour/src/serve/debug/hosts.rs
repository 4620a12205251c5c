//! `/debug/hosts/NAME`: why a host was built again, or was not.

use contour_builder::{Inspection, Unit};
use contour_dag::{ClusterName, Domain, Frontend, HostName};
use contour_envoy::name;
use serde_json::{Value, json};

/// The unit of a host.
pub(super) fn unit(host: &str) -> Option<Unit> {
    let domain = Domain::new(host)?;
    Some(Unit::Host(HostName { frontend: Frontend::Configured, domain }))
}

pub(super) fn shown(host: &str, found: &Inspection) -> Value {
    let routes = found.host.iter().flat_map(|host| &host.plain);
    let routes: Vec<Value> = routes
        .map(|route| {
            json!({
                "matches": format!("{:?}", route.matches),
                "action": format!("{:?}", route.action),
                "origin": format!("{:?} {}/{}", route.origin.kind, route.origin.namespace, route.origin.name),
            })
        })
        .collect();
    let problems: Vec<Value> = found
        .problems
        .iter()
        .map(|(object, problems)| {
            let problems: Vec<Value> = problems
                .iter()
                .map(|each| json!({ "reason": each.reason.words().1, "message": each.message }))
                .collect();
            json!({ "object": object.to_string(), "problems": problems })
        })
        .collect();
    json!({
        "host": host,
        "lastChange": found.cause.to_string(),
        "routes": routes,
        "clusters": found.clusters.iter().map(cluster).collect::<Vec<_>>(),
        "demands": found.demands.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "reads": found.reads.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "visited": problems,
    })
}

fn cluster(cluster: &ClusterName) -> String {
    name::cluster(cluster).to_string()
}
