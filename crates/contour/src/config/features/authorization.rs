//! The service that decides about requests of hosts that name none.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use contour_envoy::config::Timeout;

use super::super::asked::{Asked, ObjectName};
use super::super::key::Key;
use super::super::keys;
use super::super::settings::Settings;

/// The service that decides about requests of hosts that name none. Becomes: the filter `ext_authz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The `ExtensionService`. Source: `globalExtAuth.extensionService`.
    pub service: ObjectName,
    /// How it is asked. Source: `globalExtAuth.serviceType`.
    pub kind: AuthorizationKind,
    /// Whether requests are not authorized unless a host or route says so. Source: `globalExtAuth.authPolicy.disabled`.
    pub disabled: bool,
    /// How long it may take; `None`: as the `ExtensionService` says. Source: `globalExtAuth.responseTimeout`.
    pub timeout: Option<Timeout>,
    /// Whether requests are let through if it does not answer. Source: `globalExtAuth.failOpen`.
    pub fail_open: bool,
    /// How much of the body it sees; `None`: nothing. Source: `globalExtAuth.withRequestBody`.
    pub body: Option<Body>,
}

/// How an authorization service is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationKind {
    /// By gRPC.
    Grpc {
        /// What it is told in addition. Source: `globalExtAuth.authPolicy.context`.
        context: BTreeMap<String, String>,
    },
    /// By HTTP. Source: `globalExtAuth.httpSettings`.
    Http {
        /// What is put in front of a request's path; perhaps empty.
        path_prefix: String,
        /// The headers of a request that it sees.
        request_headers: Vec<HeaderName>,
        /// The headers of its answer that are added to the request.
        upstream_headers: Vec<HeaderName>,
    },
}

/// Names of headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName {
    /// What they are like.
    pub matches: NameMatch,
    /// Whether upper and lower case are the same.
    pub ignore_case: bool,
}

/// What a name is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameMatch {
    /// It is this.
    Exact(String),
    /// It begins with this.
    Prefix(String),
    /// It ends with this.
    Suffix(String),
    /// It has this in it.
    Contains(String),
}

/// How much of the body an authorization service sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    /// Bytes.
    pub max_bytes: NonZeroU32,
    /// Whether a longer body is cut; otherwise such a request is answered with 413.
    pub allow_partial: bool,
    /// Whether it is sent as bytes; otherwise as text.
    pub as_bytes: bool,
}

pub(super) fn authorization(asked: &mut Asked<'_>) -> Option<Authorization> {
    if !asked.is_present(&keys::AUTH) {
        return None;
    }
    let kind = kind(asked);
    let timeout = asked.text(&keys::AUTH_TIMEOUT).is_some();
    let timeout = timeout.then(|| asked.timeout(&keys::AUTH_TIMEOUT));
    let Some(service) = asked.extension_service(&keys::AUTH_SERVICE) else {
        if !asked.is_present(&keys::AUTH_SERVICE) {
            asked.refuse(&keys::AUTH, "needs the ExtensionService that is asked");
        }
        return None;
    };
    Some(Authorization {
        service,
        kind,
        disabled: asked.boolean(&keys::AUTH_DISABLED),
        timeout,
        fail_open: asked.boolean(&keys::AUTH_FAIL_OPEN),
        body: body(asked),
    })
}

fn kind(asked: &mut Asked<'_>) -> AuthorizationKind {
    let context: BTreeMap<String, String> = asked
        .map(&keys::AUTH_CONTEXT)
        .map(|(name, item)| (name.to_owned(), item.text.clone()))
        .collect();
    if asked.text(&keys::AUTH_KIND) != Some("http") {
        if asked.is_present(&keys::AUTH_HTTP) {
            asked.refuse(
                &keys::AUTH_HTTP,
                "is only for a service that is asked by HTTP; set serviceType to http",
            );
        }
        return AuthorizationKind::Grpc { context };
    }
    if !context.is_empty() {
        asked.refuse(&keys::AUTH_CONTEXT, "is only for a service that is asked by gRPC");
    }
    AuthorizationKind::Http {
        path_prefix: asked.text(&keys::AUTH_PATH_PREFIX).unwrap_or_default().to_owned(),
        request_headers: header_names(asked, &keys::AUTH_REQUEST_HEADERS),
        upstream_headers: header_names(asked, &keys::AUTH_UPSTREAM_HEADERS),
    }
}

fn header_names(asked: &mut Asked<'_>, key: &Key) -> Vec<HeaderName> {
    let mut names = Vec::new();
    for (at, block) in asked.blocks(key).iter().enumerate() {
        match header_name(block) {
            Some(name) => names.push(name),
            None => asked.refuse(
                key,
                format!("item {at} needs exactly one of exact, prefix, suffix and contains"),
            ),
        }
    }
    names
}

fn header_name(block: &Settings) -> Option<HeaderName> {
    let inner = Asked::new(block);
    let text = |key: &Key| inner.text(key).map(str::to_owned);
    let forms = [
        text(&keys::HEADER_EXACT).map(NameMatch::Exact),
        text(&keys::HEADER_PREFIX).map(NameMatch::Prefix),
        text(&keys::HEADER_SUFFIX).map(NameMatch::Suffix),
        text(&keys::HEADER_CONTAINS).map(NameMatch::Contains),
    ];
    let mut forms = forms.into_iter().flatten();
    let (Some(matches), None) = (forms.next(), forms.next()) else { return None };
    Some(HeaderName { matches, ignore_case: inner.boolean(&keys::HEADER_IGNORE_CASE) })
}

fn body(asked: &Asked<'_>) -> Option<Body> {
    const USUAL: NonZeroU32 = NonZeroU32::new(1024).expect("not zero");
    asked.is_present(&keys::AUTH_BODY).then(|| Body {
        max_bytes: asked.positive(&keys::AUTH_BODY_MAX).unwrap_or(USUAL),
        allow_partial: asked.boolean(&keys::AUTH_BODY_PARTIAL),
        as_bytes: asked.boolean(&keys::AUTH_BODY_BYTES),
    })
}
