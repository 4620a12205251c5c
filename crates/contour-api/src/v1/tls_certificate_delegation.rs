//! `TLSCertificateDelegation`: who may use the secrets of a namespace.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::DetailedCondition;

/// Which secrets of this namespace may be used from which other namespaces.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "projectcontour.io",
    version = "v1",
    kind = "TLSCertificateDelegation",
    plural = "tlscertificatedelegations",
    singular = "tlscertificatedelegation",
    shortname = "tlscerts",
    namespaced,
    status = "TLSCertificateDelegationStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "Lets objects of other namespaces use secrets of this one: certificates, CA bundles, revocation lists."
)]
pub struct TLSCertificateDelegationSpec {
    /// The grants. They add up, also over several objects of the namespace.
    pub delegations: Vec<CertificateDelegation>,
}

/// Who may use one secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateDelegation {
    /// The name of the secret, in the namespace of this object.
    pub secret_name: String,
    /// The namespaces whose objects may refer to the secret. `*` alone stands for all of them; next to other entries
    /// it stands for nothing. An empty list grants nothing.
    pub target_namespaces: Vec<String>,
}

/// What is known about a `TLSCertificateDelegation`. Contour does not write it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TLSCertificateDelegationStatus {
    /// Statements about the object, one of each type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"]
    ))]
    pub conditions: Vec<DetailedCondition>,
}
