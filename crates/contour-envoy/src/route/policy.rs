//! `envoy.config.route.v3.RouteAction`: how requests are forwarded.

use contour_dag::{
    CrossScheme, ForwardPolicy, HashBy, HashPolicy, HostRewrite, InternalRedirect, Mirror,
    RedirectStatus, Retry,
};
use envoy_types::pb::envoy::config::core::v3::TypedExtensionConfig;
use envoy_types::pb::envoy::config::route::v3::route_action::hash_policy::{
    ConnectionProperties, Cookie, Header, PolicySpecifier, QueryParameter,
};
use envoy_types::pb::envoy::config::route::v3::route_action::{
    HashPolicy as EnvoyHashPolicy, HostRewriteSpecifier, RequestMirrorPolicy, UpgradeConfig,
};
use envoy_types::pb::envoy::config::route::v3::{InternalRedirectPolicy, RetryPolicy, RouteAction};
use envoy_types::pb::envoy::extensions::internal_redirect::previous_routes::v3::PreviousRoutesConfig;
use envoy_types::pb::envoy::extensions::internal_redirect::safe_cross_scheme::v3::SafeCrossSchemeConfig;
use envoy_types::pb::google::protobuf::{Duration, UInt32Value};
use prost::{Message, Name};

use crate::fraction::percent;
use crate::name;
use crate::protobuf::{any, timeout, uint32};

/// Everything but where the requests go.
pub(super) fn route_action(policy: &ForwardPolicy) -> RouteAction {
    RouteAction {
        timeout: timeout(policy.timeout),
        idle_timeout: timeout(policy.idle_timeout),
        retry_policy: policy.retry.as_ref().map(retry_policy),
        hash_policy: policy.hash.iter().map(hash_policy).collect(),
        prefix_rewrite: policy.prefix_rewrite.as_deref().unwrap_or_default().to_owned(),
        host_rewrite_specifier: policy.host_rewrite.as_ref().map(host_rewrite),
        request_mirror_policies: policy.mirror.iter().map(mirror_policy).collect(),
        internal_redirect_policy: policy.internal_redirect.as_ref().map(internal_redirect_policy),
        upgrade_configs: if policy.websockets { vec![websocket()] } else { Vec::new() },
        ..Default::default()
    }
}

fn retry_policy(retry: &Retry) -> RetryPolicy {
    RetryPolicy {
        retry_on: retry.on.join(","),
        num_retries: Some(UInt32Value { value: retry.count }), // left out, it would be one
        per_try_timeout: timeout(retry.per_try_timeout),
        retriable_status_codes: retry.status_codes.iter().map(|&code| code.into()).collect(),
        ..Default::default()
    }
}

fn hash_policy(policy: &HashPolicy) -> EnvoyHashPolicy {
    let specifier = match &policy.by {
        HashBy::Header(name) => {
            PolicySpecifier::Header(Header { header_name: name.to_string(), ..Default::default() })
        }
        HashBy::QueryParameter(name) => {
            PolicySpecifier::QueryParameter(QueryParameter { name: name.to_string() })
        }
        HashBy::SourceIp => {
            PolicySpecifier::ConnectionProperties(ConnectionProperties { source_ip: true })
        }
        HashBy::AffinityCookie => PolicySpecifier::Cookie(Cookie {
            name: "X-Contour-Session-Affinity".to_owned(),
            ttl: Some(Duration::default()), // left out, Envoy would make no cookie
            path: "/".to_owned(),
            ..Default::default()
        }),
    };
    EnvoyHashPolicy { terminal: policy.terminal, policy_specifier: Some(specifier) }
}

fn host_rewrite(rewrite: &HostRewrite) -> HostRewriteSpecifier {
    match rewrite {
        HostRewrite::Literal(host) => HostRewriteSpecifier::HostRewriteLiteral(host.to_string()),
        HostRewrite::Header(name) => HostRewriteSpecifier::HostRewriteHeader(name.to_string()),
    }
}

fn mirror_policy(mirror: &Mirror) -> RequestMirrorPolicy {
    RequestMirrorPolicy {
        cluster: name::cluster(&mirror.cluster).to_string(),
        runtime_fraction: Some(percent(mirror.percent)),
        ..Default::default()
    }
}

fn internal_redirect_policy(redirect: &InternalRedirect) -> InternalRedirectPolicy {
    let (allowed, safe_only) = match redirect.cross_scheme {
        CrossScheme::Never => (false, false),
        CrossScheme::SafeOnly => (true, true),
        CrossScheme::Always => (true, false),
    };
    let safe_only = safe_only.then(|| predicate("safe_cross_scheme", &SafeCrossSchemeConfig {}));
    let unseen = redirect.deny_repeated_route;
    let unseen = unseen.then(|| predicate("previous_routes", &PreviousRoutesConfig {}));
    InternalRedirectPolicy {
        max_internal_redirects: redirect.max.map(uint32),
        redirect_response_codes: redirect.statuses.iter().copied().map(code).collect(),
        predicates: safe_only.into_iter().chain(unseen).collect(),
        allow_cross_scheme_redirect: allowed,
        ..Default::default()
    }
}

fn predicate<M: Message + Name>(name: &str, config: &M) -> TypedExtensionConfig {
    TypedExtensionConfig {
        name: format!("envoy.internal_redirect_predicates.{name}"),
        typed_config: Some(any(config)),
    }
}

fn code(status: RedirectStatus) -> u32 {
    match status {
        RedirectStatus::MovedPermanently => 301,
        RedirectStatus::Found => 302,
        RedirectStatus::SeeOther => 303,
        RedirectStatus::TemporaryRedirect => 307,
        RedirectStatus::PermanentRedirect => 308,
    }
}

fn websocket() -> UpgradeConfig {
    UpgradeConfig { upgrade_type: "websocket".to_owned(), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time;

    use contour_dag::{ClusterName, Interval, ServicePort, Timeout};
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(change: impl FnOnce(&mut ForwardPolicy), expect: &Value) {
        let mut policy = ForwardPolicy::default();
        change(&mut policy);
        assert_eq!(show(&route_action(&policy)), *expect);
    }

    #[test]
    fn nothing_is_set_by_itself() {
        check(|_| {}, &json!({}));
    }

    #[test]
    fn timeouts_are_left_out_zero_or_long() {
        check(|policy| policy.timeout = Timeout::Disabled, &json!({ "timeout": "0s" }));
        check(|policy| policy.idle_timeout = Timeout::Disabled, &json!({ "idle_timeout": "0s" }));
        let minute = Timeout::After(Interval::new(time::Duration::from_mins(1)).unwrap());
        check(|policy| policy.timeout = minute, &json!({ "timeout": "60s" }));
        check(|policy| policy.idle_timeout = minute, &json!({ "idle_timeout": "60s" }));
    }

    #[test]
    fn the_number_of_retries_is_always_there() {
        let retry = Retry {
            on: vec!["5xx"],
            status_codes: Vec::new(),
            count: 0,
            per_try_timeout: Timeout::Default,
        };
        let expect = json!({ "retry_on": "5xx", "num_retries": 0 });
        check(|policy| policy.retry = Some(retry), &json!({ "retry_policy": expect }));
    }

    #[test]
    fn a_retry_says_after_what_and_how_long() {
        let retry = Retry {
            on: vec!["gateway-error", "retriable-status-codes"],
            status_codes: vec![404, 409],
            count: 3,
            per_try_timeout: Timeout::After(
                Interval::new(time::Duration::from_millis(1_500)).unwrap(),
            ),
        };
        let expect = json!({
            "retry_on": "gateway-error,retriable-status-codes",
            "num_retries": 3,
            "per_try_timeout": "1.500s",
            "retriable_status_codes": [404, 409],
        });
        check(|policy| policy.retry = Some(retry), &json!({ "retry_policy": expect }));
    }

    #[test]
    fn hashes_are_of_what_they_name_in_order() {
        let hash = [
            (HashBy::Header("X-User".into()), true),
            (HashBy::QueryParameter("user".into()), false),
            (HashBy::SourceIp, false),
        ];
        let hash = hash.map(|(by, terminal)| HashPolicy { by, terminal });
        let expect = json!([
            { "header": { "header_name": "X-User" }, "terminal": true },
            { "query_parameter": { "name": "user" } },
            { "connection_properties": { "source_ip": true } },
        ]);
        check(|policy| policy.hash = hash.into(), &json!({ "hash_policy": expect }));
    }

    #[test]
    fn the_affinity_cookie_ends_with_the_session() {
        let hash = vec![HashPolicy { by: HashBy::AffinityCookie, terminal: false }];
        let cookie = json!({ "name": "X-Contour-Session-Affinity", "ttl": "0s", "path": "/" });
        check(|policy| policy.hash = hash, &json!({ "hash_policy": [{ "cookie": cookie }] }));
    }

    #[test]
    fn prefix_and_host_are_rewritten() {
        check(
            |policy| policy.prefix_rewrite = Some("/new".into()),
            &json!({ "prefix_rewrite": "/new" }),
        );
        check(
            |policy| policy.host_rewrite = Some(HostRewrite::Literal("b.com".into())),
            &json!({ "host_rewrite_literal": "b.com" }),
        );
        check(
            |policy| policy.host_rewrite = Some(HostRewrite::Header("X-Host".into())),
            &json!({ "host_rewrite_header": "X-Host" }),
        );
    }

    #[test]
    fn a_mirror_gets_its_share() {
        let port = ServicePort {
            namespace: "default".into(),
            service: "copy".into(),
            number: 80,
            name: None,
        };
        let mirror = Mirror { cluster: ClusterName::of(port), percent: 25 };
        let expect = json!([{
            "cluster": "default/copy/80/da39a3ee5e",
            "runtime_fraction": { "default_value": { "numerator": 25 } }, // of HUNDRED, the default
        }]);
        check(|policy| policy.mirror = Some(mirror), &json!({ "request_mirror_policies": expect }));
    }

    #[track_caller]
    fn check_internal_redirect(redirect: InternalRedirect, expect: &Value) {
        let expect = json!({ "internal_redirect_policy": expect });
        check(|policy| policy.internal_redirect = Some(redirect), &expect);
    }

    fn internal_redirect(cross_scheme: CrossScheme) -> InternalRedirect {
        InternalRedirect {
            max: None,
            statuses: Vec::new(),
            cross_scheme,
            deny_repeated_route: false,
        }
    }

    #[test]
    fn internal_redirects_stay_in_their_scheme_unless_told_otherwise() {
        check_internal_redirect(internal_redirect(CrossScheme::Never), &json!({}));
        let always = json!({ "allow_cross_scheme_redirect": true });
        check_internal_redirect(internal_redirect(CrossScheme::Always), &always);
    }

    #[test]
    fn internal_redirects_have_their_predicates_in_order() {
        let redirect = InternalRedirect {
            max: NonZeroU32::new(4),
            statuses: vec![RedirectStatus::MovedPermanently, RedirectStatus::PermanentRedirect],
            deny_repeated_route: true,
            ..internal_redirect(CrossScheme::SafeOnly)
        };
        let predicate = |name: &str, message: &str| {
            let package = format!("type.googleapis.com/envoy.extensions.internal_redirect.{name}");
            json!({
                "name": format!("envoy.internal_redirect_predicates.{name}"),
                "typed_config": { "@type": format!("{package}.v3.{message}") },
            })
        };
        let expect = json!({
            "max_internal_redirects": 4,
            "redirect_response_codes": [301, 308],
            "predicates": [
                predicate("safe_cross_scheme", "SafeCrossSchemeConfig"),
                predicate("previous_routes", "PreviousRoutesConfig"),
            ],
            "allow_cross_scheme_redirect": true,
        });
        check_internal_redirect(redirect, &expect);
    }

    #[test]
    fn statuses_of_internal_redirects_are_codes() {
        let statuses = vec![
            RedirectStatus::Found,
            RedirectStatus::SeeOther,
            RedirectStatus::TemporaryRedirect,
        ];
        let redirect = InternalRedirect { statuses, ..internal_redirect(CrossScheme::Never) };
        check_internal_redirect(redirect, &json!({ "redirect_response_codes": [302, 303, 307] }));
    }

    #[test]
    fn websockets_are_an_upgrade() {
        let expect = json!({ "upgrade_configs": [{ "upgrade_type": "websocket" }] });
        check(|policy| policy.websockets = true, &expect);
    }
}
