//! What a world has come to, as text to read and compare.

use std::collections::BTreeMap;

use contour_builder::{Conditions, Kind, ObjectRef, Problem};
use contour_xds::resource::{Dialect, Resource, TypeUrl};
use serde_json::{Map, Value, json};

use crate::world::{Resources, Work, World};

/// The outcome of one step: the work it was, the resources, decoded from the very bytes that Envoy would get, and the
/// conditions.
///
/// Listeners and runtime layers that are as in `usual` are only named: they are alike in nearly every case.
pub fn step(title: &str, work: &Work, world: &World, usual: &Resources) -> Value {
    let mut resources = Map::new();
    for type_url in TypeUrl::ALL {
        let shown = of_type(world.resources(Dialect::Aggregated), type_url)
            .map(|(name, resource)| resource_or_name(type_url, name, resource, usual))
            .collect::<Vec<_>>();
        if !shown.is_empty() {
            resources.insert(short_name(type_url).to_owned(), shown.into());
        }
    }
    let conditions: Map<String, Value> = world
        .conditions()
        .iter()
        .map(|(reference, conditions)| (reference.to_string(), condition(reference, conditions)))
        .collect();
    let mut shown = json!({
        "work": {
            "hosts_built": work.stats.hosts_built,
            "units_built": work.stats.units_built,
            "resources_pushed": work.pushed,
            "statuses_changed": work.statuses,
        },
        "resources": resources,
        "conditions": conditions,
    });
    if !title.is_empty() {
        shown["step"] = title.into();
    }
    shown
}

fn of_type(resources: &Resources, wanted: TypeUrl) -> impl Iterator<Item = (&str, &Resource)> {
    resources
        .iter()
        .filter(move |((type_url, _), _)| *type_url == wanted)
        .map(|((_, name), resource)| (&**name, resource))
}

fn resource_or_name(
    type_url: TypeUrl,
    name: &str,
    resource: &Resource,
    usual: &Resources,
) -> Value {
    let constant = matches!(type_url, TypeUrl::Listener | TypeUrl::Runtime);
    if constant && usual.get(&(type_url, name.into())) == Some(resource) {
        return name.into();
    }
    decoded(type_url, resource)
}

/// A resource as JSON.
pub fn decoded(type_url: TypeUrl, resource: &Resource) -> Value {
    contour_envoy::json::decode(type_url, &resource.body).expect("our own resource decodes")
}

fn short_name(type_url: TypeUrl) -> &'static str {
    match type_url {
        TypeUrl::Runtime => "runtime",
        TypeUrl::Cluster => "clusters",
        TypeUrl::LoadAssignment => "load_assignments",
        TypeUrl::Secret => "secrets",
        TypeUrl::Listener => "listeners",
        TypeUrl::RouteConfiguration => "route_configurations",
    }
}

fn condition(reference: &ObjectRef, conditions: &Conditions) -> Value {
    let mut shown = Map::new();
    shown.insert("status".to_owned(), conditions.verdict().as_str().into());
    if reference.kind == Kind::HttpProxy {
        shown.insert("reason".to_owned(), conditions.reason().into());
        shown.insert("message".to_owned(), conditions.message().into());
        shown.insert("description".to_owned(), conditions.description().into());
    }
    if conditions.revision.generation != 0 {
        shown.insert("generation".to_owned(), conditions.revision.generation.into());
    }
    if !conditions.hosts.is_empty() {
        let hosts: Vec<Value> =
            conditions.hosts.iter().map(|domain| domain.as_str().into()).collect();
        shown.insert("hosts".to_owned(), hosts.into());
    }
    for (key, problems) in [("errors", &conditions.errors), ("warnings", &conditions.warnings)] {
        if !problems.is_empty() {
            shown.insert(key.to_owned(), problems.iter().map(problem).collect());
        }
    }
    shown.into()
}

fn problem(problem: &Problem) -> Value {
    let (kind, reason) = problem.reason.words();
    json!({"type": kind.as_str(), "reason": reason, "message": problem.message})
}

/// The resources of one dialect with every config source taken out: what has to be alike in both.
pub fn without_config_sources(resources: &Resources) -> BTreeMap<(TypeUrl, String), Value> {
    let shown = resources.iter().map(|((type_url, name), resource)| {
        let mut value = decoded(*type_url, resource);
        remove_config_sources(&mut value);
        ((*type_url, name.to_string()), value)
    });
    shown.collect()
}

fn remove_config_sources(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                !matches!(name.as_str(), "config_source" | "eds_config" | "sds_config")
            });
            fields.values_mut().for_each(remove_config_sources);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_config_sources),
        _ => {}
    }
}

/// YAML, the same for the same value.
pub fn yaml(value: &Value) -> String {
    serde_yaml_ng::to_string(value).expect("JSON is YAML")
}
