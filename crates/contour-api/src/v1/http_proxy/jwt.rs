//! Verification of JSON Web Tokens. Becomes Envoy's `jwt_authn` filter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service::UpstreamValidation;
use crate::schema::DURATION;

/// Who issues tokens, and how they are verified. Exactly one of `remoteJWKS` and `localJWKS` must be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "(has(self.remoteJWKS) && !has(self.localJWKS)) || (!has(self.remoteJWKS) && has(self.localJWKS))",
    "message": "exactly one of remoteJWKS and localJWKS must be given"
}]))]
pub struct JwtProvider {
    /// The audiences of which a token must name one. Empty: not checked. Becomes `JwtProvider.audiences`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// Whether routes that say nothing need a token of this provider. At most one provider of a virtual host. Default:
    /// false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Whether the service gets to see the token. Default: false. Becomes `JwtProvider.forward`.
    #[serde(rename = "forwardJWT", default, skip_serializing_if = "std::ops::Not::not")]
    pub forward_jwt: bool,
    /// The issuer that a token must name. Absent: not checked. Becomes `JwtProvider.issuer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The keys, in a secret. Becomes `JwtProvider.local_jwks`.
    #[serde(rename = "localJWKS", skip_serializing_if = "Option::is_none")]
    pub local_jwks: Option<LocalJwks>,
    /// What routes call the provider. Unique in a virtual host.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The keys, fetched by Envoy. Becomes `JwtProvider.remote_jwks`.
    #[serde(rename = "remoteJWKS", skip_serializing_if = "Option::is_none")]
    pub remote_jwks: Option<RemoteJwks>,
}

/// Keys that Envoy fetches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteJwks {
    /// How long the keys are kept before they are fetched again: a Go duration. Default: Envoy's, 10 minutes. Becomes
    /// `RemoteJwks.cache_duration`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = DURATION))]
    pub cache_duration: Option<String>,
    /// Which addresses of the server are used. Default: as Contour's configuration says for clusters. Becomes
    /// `Cluster.dns_lookup_family`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_lookup_family: Option<JwksDnsLookupFamily>,
    /// How long one fetch may take: a Go duration. Default: `1s`. Becomes `HttpUri.timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = DURATION))]
    pub timeout: Option<String>,
    /// Where the keys are, `http` or `https`. Becomes `HttpUri.uri` and a cluster for the server.
    #[schemars(length(min = 1))]
    pub uri: String,
    /// How the certificate of the server is checked. Only with `https`. Absent: it is not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<UpstreamValidation>,
}

/// Which addresses of a server are used.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum JwksDnsLookupFamily {
    /// IPv6 addresses, and IPv4 addresses if there are none.
    Auto,
    /// IPv4 addresses.
    V4,
    /// IPv6 addresses.
    V6,
}

impl JwksDnsLookupFamily {
    /// As it is written in an object.
    pub const fn as_str(self) -> &'static str {
        match self {
            JwksDnsLookupFamily::Auto => "auto",
            JwksDnsLookupFamily::V4 => "v4",
            JwksDnsLookupFamily::V6 => "v6",
        }
    }
}

/// Keys in a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalJwks {
    /// The key of the secret's data that holds the JSON Web Key Set.
    #[schemars(length(min = 1))]
    pub key: String,
    /// The name of the secret, in the namespace of this object.
    #[schemars(length(min = 1))]
    pub secret_name: String,
}

/// Which token the requests of a route need. Absent, or with neither field: one of the default provider, if there is
/// one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JwtVerificationPolicy {
    /// Whether no token is needed. Not together with `require`. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// The name of the provider whose token is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<String>,
}
