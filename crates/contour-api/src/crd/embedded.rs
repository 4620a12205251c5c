//! What the schemas of embedded Kubernetes types leave out: defaults, patterns, and how lists and objects are merged.
//!
//! Upstream's definitions have it from the markers in Kubernetes' sources. It is not in the `OpenAPI` document that
//! `k8s-openapi` is made from.

use serde_json::{Value, json};

use super::at;
use crate::schema::{CONDITION_TYPE, QUANTITY};

/// Below `spec.envoy.extraVolumes[]`: references to an object by its name alone.
const REFERENCES: [&str; 11] = [
    "cephfs.secretRef",
    "cinder.secretRef",
    "configMap",
    "csi.nodePublishSecretRef",
    "flexVolume.secretRef",
    "iscsi.secretRef",
    "projected.sources[].configMap",
    "projected.sources[].secret",
    "rbd.secretRef",
    "scaleIO.secretRef",
    "storageos.secretRef",
];

/// Below `spec.envoy.extraVolumes[]`: objects that have one owner as a whole.
const ATOMIC: [&str; 7] = [
    "downwardAPI.items[].fieldRef",
    "downwardAPI.items[].resourceFieldRef",
    "ephemeral.volumeClaimTemplate.spec.dataSource",
    "ephemeral.volumeClaimTemplate.spec.selector",
    "projected.sources[].clusterTrustBundle.labelSelector",
    "projected.sources[].downwardAPI.items[].fieldRef",
    "projected.sources[].downwardAPI.items[].resourceFieldRef",
];

/// Below `spec.envoy.extraVolumes[]`: amounts.
const QUANTITIES: [&str; 5] = [
    "downwardAPI.items[].resourceFieldRef.divisor",
    "emptyDir.sizeLimit",
    "ephemeral.volumeClaimTemplate.spec.resources.limits{}",
    "ephemeral.volumeClaimTemplate.spec.resources.requests{}",
    "projected.sources[].downwardAPI.items[].resourceFieldRef.divisor",
];

/// Below `spec.envoy.extraVolumes[]`: texts with a default.
const DEFAULTS: [(&str, &str); 7] = [
    ("azureDisk.fsType", "ext4"),
    ("iscsi.iscsiInterface", "default"),
    ("rbd.keyring", "/etc/ceph/keyring"),
    ("rbd.pool", "rbd"),
    ("rbd.user", "admin"),
    ("scaleIO.fsType", "xfs"),
    ("scaleIO.storageMode", "ThinProvisioned"),
];

/// Completes the schema of `HTTPProxy`.
pub(super) fn complete_http_proxy(schema: &mut Value) {
    let ingress = at(schema, "status.loadBalancer.ingress");
    make_atomic_lists(ingress);
    let error = at(&mut ingress["items"], "ports[].error");
    error["maxLength"] = json!(316);
    error["pattern"] = json!(CONDITION_TYPE);
}

/// Completes the schema of `ContourDeployment`.
pub(super) fn complete_contour_deployment(schema: &mut Value) {
    complete_volume(at(schema, "spec.envoy.extraVolumes[]"));
    for part in ["spec.contour.resources", "spec.envoy.resources"] {
        complete_resource_requirements(at(schema, part));
    }
}

fn complete_resource_requirements(resources: &mut Value) {
    let claims = at(resources, "claims");
    claims["x-kubernetes-list-type"] = json!("map");
    claims["x-kubernetes-list-map-keys"] = json!(["name"]);
    for amounts in ["limits{}", "requests{}"] {
        at(resources, amounts)["pattern"] = json!(QUANTITY);
    }
}

fn complete_volume(volume: &mut Value) {
    make_atomic_lists(volume);
    for path in REFERENCES {
        let reference = at(volume, path);
        reference["x-kubernetes-map-type"] = json!("atomic");
        at(reference, "name")["default"] = json!("");
        make_optional(reference, "name");
    }
    for path in ATOMIC {
        at(volume, path)["x-kubernetes-map-type"] = json!("atomic");
    }
    for path in QUANTITIES {
        at(volume, path)["pattern"] = json!(QUANTITY);
    }
    for (path, default) in DEFAULTS {
        at(volume, path)["default"] = json!(default);
    }
    at(volume, "azureDisk.readOnly")["default"] = json!(false);
    // An embedded `metadata` has no fields of its own in upstream's definitions.
    let metadata = at(volume, "ephemeral.volumeClaimTemplate.metadata");
    if let Some(keywords) = metadata.as_object_mut() {
        keywords.remove("properties");
    }
}

/// Gives every list at or below `schema` one owner as a whole.
fn make_atomic_lists(schema: &mut Value) {
    let Some(keywords) = schema.as_object_mut() else { return };
    if keywords.get("type").is_some_and(|name| name == "array") {
        keywords.insert("x-kubernetes-list-type".into(), json!("atomic"));
    }
    if let Some(items) = keywords.get_mut("items") {
        make_atomic_lists(items);
    }
    if let Some(Value::Object(properties)) = keywords.get_mut("properties") {
        properties.values_mut().for_each(make_atomic_lists);
    }
}

fn make_optional(schema: &mut Value, field: &str) {
    let Some(keywords) = schema.as_object_mut() else { return };
    if let Some(Value::Array(required)) = keywords.get_mut("required") {
        required.retain(|name| name != field);
        if required.is_empty() {
            keywords.remove("required");
        }
    }
}
