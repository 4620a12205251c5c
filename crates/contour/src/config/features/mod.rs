//! What features are told that are not built yet, checked in full, so that whoever builds one only reads it.

mod authorization;
mod rate_limit;
mod tls;
mod tracing;

pub use self::authorization::{Authorization, AuthorizationKind, Body, HeaderName, NameMatch};
pub use self::rate_limit::RateLimit;
pub use self::tls::{Tls, TlsVersion};
pub use self::tracing::{Percentage, TagValue, Tracing};

use contour_envoy::access_log::LogPath;
use contour_envoy::config::Bind;

use super::asked::{Asked, ObjectName};
use super::key::Key;
use super::keys;
use super::settings::Mode;

/// What features are told that are not built yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Where Envoy serves HTTPS.
    pub https: Https,
    /// How TLS is spoken to clients. Source: `tls`. Becomes: `TlsParameters` of filter chains.
    pub tls: Tls,
    /// Which fingerprints are made of clients. Source: `tls.fingerprint`. Becomes: fields of `TlsInspector`.
    pub fingerprints: Fingerprints,
    /// How TLS is spoken to services. Source: `cluster.upstream-tls`. Becomes: `TlsParameters` of clusters.
    pub upstream_tls: Tls,
    /// The Secret for clients that do not say which name they want. Source: `tls.fallback-certificate`.
    pub fallback_certificate: Option<ObjectName>,
    /// The Secret that Envoy shows to services. Source: `tls.envoy-client-certificate`.
    pub client_certificate: Option<ObjectName>,
    /// Whether `permitInsecure` of a route counts; default yes. Source: `disablePermitInsecure`, inverted.
    pub permit_insecure: bool,
    /// The service that decides about limits of requests.
    pub rate_limit: Option<RateLimit>,
    /// The service that decides about requests of hosts that name none.
    pub authorization: Option<Authorization>,
    /// Where traces of requests are sent.
    pub tracing: Option<Tracing>,
}

/// Where Envoy serves HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Https {
    /// Default `0.0.0.0:8443`. Source: `--envoy-service-https-address`, `--envoy-service-https-port`.
    pub bind: Bind,
    /// Source: `--envoy-https-access-log`. Becomes: `FileAccessLog.path`.
    pub access_log: LogPath,
}

/// Which fingerprints are made of how clients begin TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// Whether JA3.
    pub ja3: bool,
    /// Whether JA4.
    pub ja4: bool,
}

pub(super) fn features(asked: &mut Asked<'_>, mode: Mode) -> Features {
    let downstream =
        [&keys::TLS_MIN_VERSION, &keys::TLS_MAX_VERSION, &keys::TLS_CIPHERS, &keys::TLS_CURVES];
    let upstream = [
        &keys::UPSTREAM_MIN_VERSION,
        &keys::UPSTREAM_MAX_VERSION,
        &keys::UPSTREAM_CIPHERS,
        &keys::UPSTREAM_CURVES,
    ];
    let features = Features {
        https: https(asked),
        tls: tls::tls(asked, downstream),
        fingerprints: Fingerprints {
            ja3: asked.boolean(&keys::FINGERPRINT_JA3),
            ja4: asked.boolean(&keys::FINGERPRINT_JA4),
        },
        upstream_tls: tls::tls(asked, upstream),
        fallback_certificate: asked.object(&keys::FALLBACK_NAMESPACE, &keys::FALLBACK_NAME),
        client_certificate: asked
            .object(&keys::CLIENT_CERTIFICATE_NAMESPACE, &keys::CLIENT_CERTIFICATE_NAME),
        permit_insecure: !asked.boolean(&keys::PERMIT_INSECURE_DISABLED),
        rate_limit: rate_limit::rate_limit(asked, mode),
        authorization: authorization::authorization(asked),
        tracing: tracing::tracing(asked),
    };
    check_namespaces(asked, &features);
    features
}

fn https(asked: &mut Asked<'_>) -> Https {
    let bind = asked.bind(&keys::HTTPS_ADDRESS, &keys::HTTPS_PORT);
    let access_log = asked.text(&keys::HTTPS_ACCESS_LOG).and_then(LogPath::new);
    Https {
        bind: bind.or(Bind::any_v4(8443)).expect("8443 is not zero"),
        access_log: access_log.unwrap_or_default(),
    }
}

/// What is named has to be seen.
fn check_namespaces(asked: &mut Asked<'_>, features: &Features) {
    let watched = asked.strings(&keys::WATCH_NAMESPACES);
    if watched.is_empty() {
        return;
    }
    let unseen = |namespace: &str| {
        (!watched.iter().any(|watched| watched == namespace))
            .then(|| format!("namespace {namespace} is not watched; add it to --watch-namespaces"))
    };
    let certificates: [(&Key, &Option<ObjectName>); 2] = [
        (&keys::FALLBACK_NAMESPACE, &features.fallback_certificate),
        (&keys::CLIENT_CERTIFICATE_NAMESPACE, &features.client_certificate),
    ];
    for (key, object) in certificates {
        if let Some(message) = object.as_ref().and_then(|object| unseen(&object.namespace)) {
            asked.refuse(key, message);
        }
    }
    for (at, item) in asked.texts(&keys::ROOT_NAMESPACES).iter().enumerate() {
        if let Some(message) = unseen(&item.text) {
            asked.refuse_item(&keys::ROOT_NAMESPACES, at, item, message);
        }
    }
}
