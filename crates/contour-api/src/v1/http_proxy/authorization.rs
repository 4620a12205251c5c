//! Authorization of requests by a service. Becomes Envoy's `ext_authz` filter.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::DURATION_OR_INFINITY;

/// Who decides about requests, and what is told to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.httpSettings) || self.serviceType == 'http'",
    "message": "httpSettings may be given only if serviceType is http"
}]))]
pub struct AuthorizationServer {
    /// What holds for routes that say nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_policy: Option<AuthorizationPolicy>,
    /// The `ExtensionService` that decides. Absent, or without a name: that of Contour's configuration, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension_ref: Option<ExtensionServiceReference>,
    /// Whether requests are let through if the service does not answer. Default: false. Becomes
    /// `ExtAuthz.failure_mode_allow`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fail_open: bool,
    /// What only a service that is asked by HTTP needs to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_settings: Option<AuthorizationHttpSettings>,
    /// How long the service may take: a Go duration, or `infinity` or `infinite` for no limit. Default: the response
    /// timeout of the `ExtensionService`, and else Envoy's. Becomes `GrpcService.timeout` or `HttpUri.timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = DURATION_OR_INFINITY))]
    pub response_timeout: Option<String>,
    /// How the service is asked. Default: `grpc`.
    #[serde(default)]
    pub service_type: AuthorizationServiceType,
    /// How much of the body the service gets to see. Absent: nothing. Becomes `ExtAuthz.with_request_body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_request_body: Option<BufferSettings>,
}

/// How an authorization service is asked.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum AuthorizationServiceType {
    /// By HTTP: the service gets a request of its own and answers with a status.
    Http,
    /// By gRPC: `envoy.service.auth.v3.Authorization`.
    #[default]
    Grpc,
}

impl AuthorizationServiceType {
    /// As it is written in an object.
    pub const fn as_str(self) -> &'static str {
        match self {
            AuthorizationServiceType::Http => "http",
            AuthorizationServiceType::Grpc => "grpc",
        }
    }
}

/// A reference to an `ExtensionService`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionServiceReference {
    /// The version of the object. Only `projectcontour.io/v1alpha1`, which is also the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub api_version: Option<String>,
    /// The name of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// The namespace of the object. Absent: that of the object which refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub namespace: Option<String>,
}

/// Whether requests are authorized, and what else the service is told about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationPolicy {
    /// What the service is told in addition. The entries of a route go before those of its virtual host. Not for a
    /// service that is asked by HTTP. Becomes `CheckSettings.context_extensions`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// Whether requests are not authorized. Default: false; a route's policy goes before that of its virtual host also
    /// if it leaves this out. Becomes `ExtAuthzPerRoute.disabled`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// What an authorization service that is asked by HTTP needs to know. Becomes `ExtAuthz.http_service`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationHttpSettings {
    /// The headers of a request that the service gets to see, beside `Host`, `Method`, `Path`, `Content-Length` and
    /// `Authorization`, which it always does. Becomes `ExtAuthz.allowed_headers`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_authorization_headers: Vec<AuthorizationHeaderMatch>,
    /// The headers of the service's answer that are added to the request, in place of what they were. Becomes
    /// `AuthorizationResponse.allowed_upstream_headers`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_upstream_headers: Vec<AuthorizationHeaderMatch>,
    /// What is put in front of the path of a request when the service is asked. Default: nothing. Becomes
    /// `HttpService.path_prefix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
}

/// Names of headers: exactly one of `exact`, `prefix`, `suffix` and `contains`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "(has(self.exact) ? 1 : 0) + (has(self.prefix) ? 1 : 0) + (has(self.suffix) ? 1 : 0) + (has(self.contains) ? 1 : 0) == 1",
    "message": "exactly one of exact, prefix, suffix and contains must be given"
}]))]
pub struct AuthorizationHeaderMatch {
    /// The name has this text in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// The name is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// Whether upper and lower case are the same. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_case: bool,
    /// The name begins with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The name ends with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}

/// How much of the body an authorization service gets to see. Becomes `BufferSettings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BufferSettings {
    /// Whether a longer body is cut; if false, such a request is answered with 413. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_partial_message: bool,
    /// How many bytes of the body the service gets to see, at least 1. Default: 1024.
    #[serde(default = "BufferSettings::default_max_request_bytes")]
    #[schemars(with = "i32", range(min = 1))]
    pub max_request_bytes: u32,
    /// Whether the body is sent as bytes; if false, as text in UTF-8. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pack_as_bytes: bool,
}

impl BufferSettings {
    const fn default_max_request_bytes() -> u32 {
        1024
    }
}
