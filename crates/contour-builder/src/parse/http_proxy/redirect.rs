//! What a route answers by itself: `requestRedirectPolicy` and `directResponsePolicy`; and `pathRewritePolicy`.

use std::num::NonZeroU16;
use std::sync::Arc;

use contour_api::v1::http_proxy as v1;
use contour_dag::{DirectResponse, Redirect, RedirectPath, RedirectStatus, Scheme};

use super::conditions::text;
use crate::parse::domain;
use crate::status::{Problem, Reason};

/// The longest body that Envoy answers with, in bytes.
const LONGEST_BODY: usize = 4096;

/// Reads a redirect.
///
/// # Errors
/// What is wrong, and where.
pub fn redirect(policy: &v1::RequestRedirectPolicy, field: &str) -> Result<Redirect, String> {
    let host = text(policy.hostname.as_ref());
    let is_host =
        |host: &&str| domain::parse(host).is_some_and(|domain| domain.wildcard_suffix().is_none());
    if let Some(host) = host.filter(|host| !is_host(host)) {
        return Err(format!("{field}.hostname: {host:?} is no host name"));
    }
    let port = match policy.port {
        None => None,
        Some(port) => Some(
            NonZeroU16::new(port)
                .ok_or_else(|| format!("{field}.port: 0 is not between 1 and 65535"))?,
        ),
    };
    let path = match (text(policy.path.as_ref()), text(policy.prefix.as_ref())) {
        (None, None) => None,
        (Some(path), None) => Some(RedirectPath::Full(target(path, field, "path")?)),
        (None, Some(prefix)) => Some(RedirectPath::Prefix(target(prefix, field, "prefix")?)),
        (Some(_), Some(_)) => {
            return Err(format!("{field}: path and prefix exclude each other"));
        }
    };
    Ok(Redirect {
        scheme: policy.scheme.map(|scheme| match scheme {
            v1::RedirectScheme::Http => Scheme::Http,
            v1::RedirectScheme::Https => Scheme::Https,
        }),
        host: host.map(Into::into),
        port,
        path,
        status: redirect_status(policy.status_code),
    })
}

/// As the graph has it.
pub fn redirect_status(code: v1::RedirectStatusCode) -> RedirectStatus {
    match code {
        v1::RedirectStatusCode::MovedPermanently => RedirectStatus::MovedPermanently,
        v1::RedirectStatusCode::Found => RedirectStatus::Found,
        v1::RedirectStatusCode::SeeOther => RedirectStatus::SeeOther,
        v1::RedirectStatusCode::TemporaryRedirect => RedirectStatus::TemporaryRedirect,
        v1::RedirectStatusCode::PermanentRedirect => RedirectStatus::PermanentRedirect,
    }
}

fn target(path: &str, field: &str, name: &str) -> Result<Arc<str>, String> {
    match unusable(path) {
        None => Ok(path.into()),
        Some(why) => Err(format!("{field}.{name}: {path:?}: {why}")),
    }
}

/// Why a path cannot be sent.
fn unusable(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        Some("a path has to begin with /")
    } else if path.chars().any(|each| each.is_control() || each == ' ') {
        Some("a path cannot contain blanks and control characters")
    } else {
        None
    }
}

/// Reads a direct response.
///
/// # Errors
/// What is wrong, and where.
pub fn direct_response(
    policy: &v1::DirectResponsePolicy,
    field: &str,
) -> Result<DirectResponse, String> {
    let status = policy.status_code;
    if !(200..600).contains(&status) {
        return Err(format!("{field}.statusCode: {status} is not between 200 and 599"));
    }
    let body = text(policy.body.as_ref());
    if let Some(body) = body.filter(|body| body.len() > LONGEST_BODY) {
        return Err(format!(
            "{field}.body: it has {} bytes, and Envoy answers with {LONGEST_BODY} at most",
            body.len()
        ));
    }
    Ok(DirectResponse { status, body: body.map(Into::into) })
}

/// What replaces the prefix that a route matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixRewrites {
    /// For routes whose whole prefix is this.
    of: Vec<(Arc<str>, Arc<str>)>,
    /// For all others.
    others: Option<Arc<str>>,
}

impl PrefixRewrites {
    /// Whether nothing is replaced.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty() && self.others.is_none()
    }

    /// What replaces this prefix, includes and all.
    pub fn for_prefix(&self, prefix: &str) -> Option<&Arc<str>> {
        let own = self.of.iter().find(|(each, _)| **each == *prefix);
        own.map(|(_, replacement)| replacement).or(self.others.as_ref())
    }
}

/// Reads `pathRewritePolicy.replacePrefix`.
///
/// # Errors
/// [`Reason::DuplicateReplacement`], [`Reason::AmbiguousReplacement`], [`Reason::ReplacementNotValid`].
pub fn prefix_rewrites(
    policy: Option<&v1::PathRewritePolicy>,
    field: &str,
) -> Result<PrefixRewrites, Problem> {
    let mut rewrites = PrefixRewrites::default();
    for (at, entry) in policy.iter().flat_map(|policy| &policy.replace_prefix).enumerate() {
        let field = format!("{field}.replacePrefix[{at}]");
        let replacement = entry.replacement.as_str();
        let fragment = replacement.contains('#').then_some("a path cannot contain #");
        if let Some(why) = unusable(replacement).or(fragment) {
            let message = format!("{field}.replacement: {replacement:?}: {why}");
            return Err(Problem::new(Reason::ReplacementNotValid, message));
        }
        match text(entry.prefix.as_ref()) {
            Some(prefix) => {
                if rewrites.of.iter().any(|(each, _)| **each == *prefix) {
                    let message = format!("{field}.prefix: an earlier entry has {prefix}, too");
                    return Err(Problem::new(Reason::DuplicateReplacement, message));
                }
                rewrites.of.push((prefix.into(), replacement.into()));
            }
            None => {
                if rewrites.others.replace(replacement.into()).is_some() {
                    let message = format!("{field}: an earlier entry has no prefix, either");
                    return Err(Problem::new(Reason::AmbiguousReplacement, message));
                }
            }
        }
    }
    Ok(rewrites)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_yaml_ng::from_str(text).expect("a policy")
    }

    #[test]
    fn a_redirect_changes_what_is_given() {
        let policy =
            "{scheme: https, hostname: b.example, port: 8443, prefix: /new, statusCode: 308}";
        let expect = Redirect {
            scheme: Some(Scheme::Https),
            host: Some("b.example".into()),
            port: NonZeroU16::new(8443),
            path: Some(RedirectPath::Prefix("/new".into())),
            status: RedirectStatus::PermanentRedirect,
        };
        assert_eq!(redirect(&yaml(policy), "it"), Ok(expect));
        assert_eq!(redirect(&yaml("{}"), "it"), Ok(Redirect::default()));
    }

    #[test]
    fn a_redirect_to_nowhere_is_refused() {
        for policy in [
            "{path: /a, prefix: /b}",
            "{path: a}",
            "{path: \"/a\\r\\nX: y\"}",
            "{hostname: 'a b'}",
            "{hostname: '*.a.example'}",
            "{port: 0}",
        ] {
            assert!(redirect(&yaml(policy), "it").is_err(), "{policy}");
        }
    }

    #[test]
    fn a_body_has_its_limit() {
        let response =
            |length| v1::DirectResponsePolicy { status_code: 200, body: Some("a".repeat(length)) };
        assert!(direct_response(&response(LONGEST_BODY), "it").is_ok());
        assert!(direct_response(&response(LONGEST_BODY + 1), "it").is_err());
        assert!(direct_response(&yaml("{statusCode: 199}"), "it").is_err());
    }

    fn rewrites(policy: &str) -> Result<PrefixRewrites, Reason> {
        prefix_rewrites(Some(&yaml(policy)), "it").map_err(|problem| problem.reason)
    }

    #[test]
    fn the_own_prefix_comes_before_that_of_all_others() {
        let found =
            rewrites("{replacePrefix: [{replacement: /others}, {prefix: /v1, replacement: /one}]}");
        let found = found.expect("they are good");
        let of = |prefix| found.for_prefix(prefix).map(|each| &**each);
        assert_eq!(of("/v1"), Some("/one"));
        assert_eq!(of("/v1/"), Some("/others"));
    }

    #[test]
    fn each_prefix_is_replaced_once_and_by_a_path() {
        let check = |list: &str, reason| {
            assert_eq!(rewrites(&format!("{{replacePrefix: [{list}]}}")), Err(reason));
        };
        check(
            "{prefix: /a, replacement: /b}, {prefix: /a, replacement: /c}",
            Reason::DuplicateReplacement,
        );
        check("{replacement: /b}, {replacement: /c}", Reason::AmbiguousReplacement);
        check("{replacement: b}", Reason::ReplacementNotValid);
        check("{replacement: '/a b'}", Reason::ReplacementNotValid);
    }
}
