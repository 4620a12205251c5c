//! The host name that a root serves and what holds for all of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::authorization::AuthorizationServer;
use super::jwt::JwtProvider;
use super::policy::IpFilterPolicy;
use super::rate_limit::RateLimitPolicy;
use crate::schema::{DURATION_OR_ZERO, HOST_OR_WILDCARD, HTTP_TOKEN};

/// A host name and what holds for all of it. Becomes a virtual host and, with TLS, a filter chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualHost {
    /// The service that decides about requests. Only with TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<AuthorizationServer>,
    /// Which other sites may use this one from a browser. Becomes Envoy's `cors` filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors_policy: Option<CorsPolicy>,
    /// The host name, in lower case: `www.example.com`, or `*.example.com` for all names with one label in place of the
    /// asterisk. Becomes `VirtualHost.domains`.
    #[schemars(length(min = 1), regex(pattern = HOST_OR_WILDCARD))]
    pub fqdn: String,
    /// The clients that are served; others get 403. Not together with `ipDenyPolicy`. The lists of a route replace these.
    /// Empty: all. Becomes Envoy's `rbac` filter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_allow_policy: Vec<IpFilterPolicy>,
    /// The clients that are not served; they get 403. Not together with `ipAllowPolicy`. The lists of a route replace
    /// these. Empty: none. Becomes Envoy's `rbac` filter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_deny_policy: Vec<IpFilterPolicy>,
    /// Who issues the tokens that routes may ask for. Only with TLS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jwt_providers: Vec<JwtProvider>,
    /// How many requests are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_policy: Option<RateLimitPolicy>,
    /// How TLS connections are served. Absent: none are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// How TLS connections are served: with the certificate of `secretName`, or untouched with `passthrough`. Exactly one of
/// both must be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// How certificates of clients are checked. Absent: clients need none. Not with `passthrough`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_validation: Option<DownstreamValidation>,
    /// Whether clients that do not say which name they want are served too, with the fallback certificate of Contour's
    /// configuration. Default: false. Not with client validation, authorization or tokens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enable_fallback_certificate: bool,
    /// The newest version of TLS: `1.2` or `1.3`. Default, also for any other word: `1.3`. Contour's configuration may
    /// set a lower one. Becomes `TlsParameters.tls_maximum_protocol_version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_protocol_version: Option<String>,
    /// The oldest version of TLS: `1.2` or `1.3`. Default, also for any other word: `1.2`. Contour's configuration may
    /// set a higher one. Becomes `TlsParameters.tls_minimum_protocol_version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_protocol_version: Option<String>,
    /// Whether connections are forwarded without ending TLS. Only with `tcpproxy`. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passthrough: bool,
    /// The secret with the certificate and its key: `name` or `namespace/name`. Another namespace must have delegated
    /// the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
}

/// How certificates of clients are checked. Becomes `CertificateValidationContext` of the filter chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownstreamValidation {
    /// The secret with the trusted certificates in its key `ca.crt`: `name` or `namespace/name`. Another namespace must
    /// have delegated the secret. Required unless `skipClientCertValidation` is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub ca_secret: Option<String>,
    /// Whether only the client's own certificate is looked for in the revocation list, not those that signed it.
    /// Default: false. Only with `crlSecret`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crl_only_verify_leaf_cert: bool,
    /// The secret with a certificate revocation list in its key `crl.pem`: `name` or `namespace/name`. Another namespace
    /// must have delegated the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub crl_secret: Option<String>,
    /// What services are told of the client's certificate. Absent: nothing. Becomes
    /// `HttpConnectionManager.set_current_client_cert_details`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_client_certificate: Option<ClientCertificateDetails>,
    /// Whether clients may do without a certificate; one that they show is checked. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional_client_certificate: bool,
    /// Whether any certificate will do: the services check it themselves. Default: false. Becomes
    /// `CertificateValidationContext.trust_chain_verification`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_client_cert_validation: bool,
}

/// What of a client's certificate is put into the header `X-Forwarded-Client-Cert`, beside its hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the API")]
pub struct ClientCertificateDetails {
    /// Whether the certificate itself, in PEM. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cert: bool,
    /// Whether the certificate and those that signed it, in PEM. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chain: bool,
    /// Whether its DNS names. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dns: bool,
    /// Whether its subject. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subject: bool,
    /// Whether its URIs. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uri: bool,
}

/// Which other sites may use this one from a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CorsPolicy {
    /// Whether cookies and other credentials may be sent along. Default: false. Becomes `CorsPolicy.allow_credentials`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_credentials: bool,
    /// The headers that requests may have. Becomes `CorsPolicy.allow_headers`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), inner(regex(pattern = HTTP_TOKEN)))]
    pub allow_headers: Vec<String>,
    /// The methods that requests may have. Becomes `CorsPolicy.allow_methods`.
    #[schemars(length(min = 1), inner(regex(pattern = HTTP_TOKEN)))]
    pub allow_methods: Vec<String>,
    /// The other sites: `*` for all, an origin such as `https://example.com`, or a regular expression (RE2) for origins.
    /// Becomes `CorsPolicy.allow_origin_string_match`.
    #[schemars(length(min = 1))]
    pub allow_origin: Vec<String>,
    /// Whether sites of a public network may use this one on a private network. Default: false. Becomes
    /// `CorsPolicy.allow_private_network_access`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_private_network: bool,
    /// The headers of answers that scripts get to see. Becomes `CorsPolicy.expose_headers`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), inner(regex(pattern = HTTP_TOKEN)))]
    pub expose_headers: Vec<String>,
    /// How long browsers may keep this in mind: a Go duration, of which whole seconds count; `0` for not at all. Absent:
    /// as browsers like. Becomes `CorsPolicy.max_age`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = DURATION_OR_ZERO))]
    pub max_age: Option<String>,
}
