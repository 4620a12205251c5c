//! How headers are edited on all routes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How headers are edited on all routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyConfig {
    /// Whether objects of the kind `Ingress` are meant as well. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply_to_ingress: Option<bool>,
    /// How the headers of requests are edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<DefaultHeadersPolicy>,
    /// How the headers of answers are edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_headers: Option<DefaultHeadersPolicy>,
}

/// How headers are edited, unless a service says otherwise about the same header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DefaultHeadersPolicy {
    /// The names of headers to take away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// The headers to set, name to value, in place of what they were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
}
