//! `HTTPProxy`: how requests for a host name reach services.
//!
//! Rust names are the wire's in snake case. A field that the schema makes optional is an `Option`, a `Vec` or a map, or
//! a `bool` where absent means false; one for which the schema has a default is never absent.

mod authorization;
mod jwt;
mod match_condition;
mod policy;
mod rate_limit;
mod route;
mod service;
mod tcp_proxy;
mod virtual_host;

pub use authorization::{
    AuthorizationHeaderMatch, AuthorizationHttpSettings, AuthorizationPolicy, AuthorizationServer,
    AuthorizationServiceType, BufferSettings, ExtensionServiceReference,
};
pub use jwt::{JwksDnsLookupFamily, JwtProvider, JwtVerificationPolicy, LocalJwks, RemoteJwks};
pub use match_condition::{HeaderMatchCondition, MatchCondition, QueryParameterMatchCondition};
pub use policy::{
    CookieDomainRewrite, CookiePathRewrite, CookieRewritePolicy, HeaderHashOptions, HeaderValue,
    HeadersPolicy, IpFilterPolicy, IpFilterSource, LoadBalancerPolicy, QueryParameterHashOptions,
    RequestHashPolicy, SameSite, TimeoutPolicy,
};
pub use rate_limit::{
    GenericKeyDescriptor, GlobalRateLimitPolicy, LocalRateLimitPolicy, RateLimitDescriptor,
    RateLimitDescriptorEntry, RateLimitPolicy, RateLimitUnit, RemoteAddressDescriptor,
    RequestHeaderDescriptor, RequestHeaderValueMatchDescriptor,
};
pub use route::{
    CrossSchemeRedirect, DirectResponsePolicy, HttpHealthCheckPolicy, HttpStatusRange,
    InternalRedirectPolicy, PathRewritePolicy, RedirectScheme, RedirectStatusCode, ReplacePrefix,
    RequestRedirectPolicy, RetryOn, RetryPolicy, Route,
};
pub use service::{Service, SlowStartPolicy, UpstreamProtocol, UpstreamValidation};
pub use tcp_proxy::{TcpHealthCheckPolicy, TcpProxy, TcpProxyInclude};
pub use virtual_host::{
    ClientCertificateDetails, CorsPolicy, DownstreamValidation, Tls, VirtualHost,
};

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::DetailedCondition;
use crate::core::LoadBalancerStatus;

/// What shall be served.
///
/// With `virtualhost` the object is a root: it claims a host name. Without, it is served where a root includes it.
#[expect(clippy::duplicated_attributes, reason = "the columns have the same type")]
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "projectcontour.io",
    version = "v1",
    kind = "HTTPProxy",
    plural = "httpproxies",
    singular = "httpproxy",
    shortname = "proxy",
    shortname = "proxies",
    namespaced,
    status = "HTTPProxyStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "Says how requests for a host name reach services, and lets other objects say so for parts of it.",
    printcolumn(name = "FQDN", type_ = "string", json_path = ".spec.virtualhost.fqdn"),
    printcolumn(
        name = "TLS Secret",
        type_ = "string",
        json_path = ".spec.virtualhost.tls.secretName"
    ),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.currentStatus"),
    printcolumn(name = "Status Description", type_ = "string", json_path = ".status.description")
)]
pub struct HTTPProxySpec {
    /// Objects that serve parts of this one, each under further conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<Include>,
    /// The ingress class of the object: only a Contour of that class reads it. The annotations
    /// `projectcontour.io/ingress.class` and `kubernetes.io/ingress.class` go before it. Absent: read by a Contour that
    /// was not given a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress_class_name: Option<String>,
    /// What is done with which requests. The order does not matter: the most specific match wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Forwards whole connections instead of requests. Needs TLS: connections are told apart by the name that the client
    /// asks for. Becomes Envoy's `tcp_proxy` network filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcpproxy: Option<TcpProxy>,
    /// The host name to serve and what holds for all of it. Makes the object a root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtualhost: Option<VirtualHost>,
}

/// Another `HTTPProxy` that serves a part of this one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Include {
    /// What a request must meet to reach the routes of the included object, in addition to their own conditions.
    /// Prefixes are concatenated. Only `prefix`, `header` and `queryParameter` may be used here. Empty: all requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<MatchCondition>,
    /// The name of the included object.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The namespace of the included object. Absent or empty: that of this object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What Contour has made of an `HTTPProxy`.
///
/// The API server gives a new object the status that the schema has as its default; one that never saw an API server has
/// none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    description = "What Contour has made of the object.",
    extend("default" = {
        "currentStatus": "NotReconciled",
        "description": "Waiting for controller"
    })
)]
pub struct HTTPProxyStatus {
    /// Statements about the object, one of each type. `Valid` is the one that Contour writes: its `errors` and
    /// `warnings` say what is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"]
    ))]
    pub conditions: Vec<DetailedCondition>,
    /// `NotReconciled` (not yet looked at), `valid`, `invalid`, or `orphaned` (no root includes it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_status: Option<String>,
    /// Why `currentStatus` is what it is, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The addresses at which Envoy answers. Written for valid objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerStatus>,
}
