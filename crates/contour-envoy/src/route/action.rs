//! `envoy.config.route.v3`: what becomes of a request.

use contour_dag::{
    Action, ClusterPolicy, DirectResponse, Forward, Redirect, RedirectPath, RedirectStatus, Scheme,
    WeightedCluster,
};
use contour_xds::resource::Name;
use envoy_types::pb::envoy::config::core::v3::{DataSource, data_source};
use envoy_types::pb::envoy::config::route::v3::redirect_action::{
    PathRewriteSpecifier, RedirectResponseCode, SchemeRewriteSpecifier,
};
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::weighted_cluster::ClusterWeight;
use envoy_types::pb::envoy::config::route::v3::weighted_cluster::cluster_weight::HostRewriteSpecifier;
use envoy_types::pb::envoy::config::route::v3::{
    DirectResponseAction, RedirectAction, RouteAction, WeightedCluster as EnvoyWeightedCluster,
    route,
};
use envoy_types::pb::google::protobuf::UInt32Value;

use super::policy::route_action;
use crate::{filter, header, name};

pub(super) fn action(action: &Action) -> route::Action {
    match action {
        Action::Forward(forward) => route::Action::Route(RouteAction {
            cluster_specifier: Some(cluster_specifier(forward)),
            ..forward.policy.as_deref().map(route_action).unwrap_or_default()
        }),
        Action::Redirect(redirect) => route::Action::Redirect(redirect_action(redirect)),
        Action::Respond(response) => route::Action::DirectResponse(direct_response(response)),
    }
}

fn direct_response(response: &DirectResponse) -> DirectResponseAction {
    let body = response.body.as_ref().filter(|text| !text.is_empty()).map(|text| DataSource {
        specifier: Some(data_source::Specifier::InlineString(text.to_string())),
        ..Default::default()
    });
    DirectResponseAction { status: response.status.into(), body, ..Default::default() }
}

fn redirect_action(redirect: &Redirect) -> RedirectAction {
    let scheme = redirect.scheme.map(|scheme| match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    });
    let path = redirect.path.as_ref().map(|path| match path {
        RedirectPath::Full(path) => PathRewriteSpecifier::PathRedirect(path.to_string()),
        RedirectPath::Prefix(prefix) => PathRewriteSpecifier::PrefixRewrite(prefix.to_string()),
    });
    let status = match redirect.status {
        RedirectStatus::MovedPermanently => RedirectResponseCode::MovedPermanently,
        RedirectStatus::Found => RedirectResponseCode::Found,
        RedirectStatus::SeeOther => RedirectResponseCode::SeeOther,
        RedirectStatus::TemporaryRedirect => RedirectResponseCode::TemporaryRedirect,
        RedirectStatus::PermanentRedirect => RedirectResponseCode::PermanentRedirect,
    };
    RedirectAction {
        host_redirect: redirect.host.as_deref().unwrap_or_default().to_owned(),
        port_redirect: redirect.port.map_or(0, |port| port.get().into()),
        scheme_rewrite_specifier: scheme
            .map(|scheme| SchemeRewriteSpecifier::SchemeRedirect(scheme.to_owned())),
        path_rewrite_specifier: path,
        response_code: status.into(),
        ..Default::default()
    }
}

/// One cluster by its name alone, if nothing is done for it that is not done for all requests of the route.
fn cluster_specifier(forward: &Forward) -> ClusterSpecifier {
    if let [WeightedCluster { cluster, policy: None, .. }] = forward.clusters() {
        return ClusterSpecifier::Cluster(name::cluster(cluster).to_string());
    }
    let mut clusters: Vec<_> = forward.clusters().iter().map(weighted).collect();
    clusters.sort_unstable(); // what is equal here is equal in Envoy, so that the order is one
    let clusters =
        clusters.into_iter().map(|(name, weight, policy)| cluster_weight(&name, weight, policy));
    ClusterSpecifier::WeightedClusters(EnvoyWeightedCluster {
        clusters: clusters.collect(),
        ..Default::default()
    })
}

fn weighted(cluster: &WeightedCluster) -> (Name, u32, Option<&ClusterPolicy>) {
    (name::cluster(&cluster.cluster), cluster.weight, cluster.policy.as_deref())
}

fn cluster_weight(name: &str, weight: u32, policy: Option<&ClusterPolicy>) -> ClusterWeight {
    let plain = ClusterWeight {
        name: name.to_owned(),
        weight: Some(UInt32Value { value: weight }), // 0 has to be written too
        ..Default::default()
    };
    let Some(policy) = policy else { return plain };
    let host = policy.host.as_ref();
    ClusterWeight {
        request_headers_to_add: header::set(&policy.request_headers.set),
        request_headers_to_remove: header::remove(&policy.request_headers.remove),
        response_headers_to_add: header::set(&policy.response_headers.set),
        response_headers_to_remove: header::remove(&policy.response_headers.remove),
        typed_per_filter_config: filter::of_cluster(policy),
        host_rewrite_specifier: host
            .map(|host| HostRewriteSpecifier::HostRewriteLiteral(host.to_string())),
        ..plain
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use contour_dag::{
        ClusterName, CookieRewrite, HeaderEdits, HeaderPart, HeaderValue, ServicePort,
    };
    use envoy_types::pb::envoy::config::route::v3::Route;
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(given: &Action, expect: &Value) {
        assert_eq!(show(&Route { action: Some(action(given)), ..Default::default() }), *expect);
    }

    #[track_caller]
    fn check_redirect(redirect: Redirect, expect: &Value) {
        check(&Action::Redirect(redirect), &json!({ "redirect": expect }));
    }

    #[test]
    fn a_redirect_says_what_changes() {
        check_redirect(
            Redirect {
                scheme: Some(Scheme::Https),
                host: Some("b.com".into()),
                port: NonZeroU16::new(8443),
                path: Some(RedirectPath::Full("/new".into())),
                status: RedirectStatus::PermanentRedirect,
            },
            &json!({
                "scheme_redirect": "https",
                "host_redirect": "b.com",
                "port_redirect": 8443,
                "path_redirect": "/new",
                "response_code": "PERMANENT_REDIRECT",
            }),
        );
        let path = Some(RedirectPath::Prefix("/p".into()));
        let expect = json!({ "prefix_rewrite": "/p", "response_code": "FOUND" });
        check_redirect(Redirect { path, ..Default::default() }, &expect);
        let scheme = Some(Scheme::Http);
        let expect = json!({ "scheme_redirect": "http", "response_code": "FOUND" });
        check_redirect(Redirect { scheme, ..Default::default() }, &expect);
    }

    #[test]
    fn every_status_of_a_redirect_has_its_code() {
        for (status, expect) in [
            (RedirectStatus::MovedPermanently, json!({})), // the default of the field
            (RedirectStatus::Found, json!({ "response_code": "FOUND" })),
            (RedirectStatus::SeeOther, json!({ "response_code": "SEE_OTHER" })),
            (RedirectStatus::TemporaryRedirect, json!({ "response_code": "TEMPORARY_REDIRECT" })),
        ] {
            check_redirect(Redirect { status, ..Default::default() }, &expect);
        }
    }

    #[test]
    fn a_direct_response_may_have_a_body() {
        check(&Action::unavailable(), &json!({ "direct_response": { "status": 503 } }));
        let gone = DirectResponse { status: 410, body: Some("100% gone".into()) };
        let body = json!({ "inline_string": "100% gone" });
        check(
            &Action::Respond(gone),
            &json!({ "direct_response": { "status": 410, "body": body } }),
        );
    }

    fn cluster(service: &str, weight: u32) -> WeightedCluster {
        let port = ServicePort {
            namespace: "default".into(),
            service: service.into(),
            number: 80,
            name: Some("http".into()),
        };
        WeightedCluster::new(ClusterName::of(port), weight)
    }

    fn with(policy: ClusterPolicy, cluster: WeightedCluster) -> WeightedCluster {
        WeightedCluster { policy: Some(policy.into()), ..cluster }
    }

    #[track_caller]
    fn check_forward(clusters: Vec<WeightedCluster>, expect: &Value) {
        let forward = Action::forward_or_unavailable(clusters);
        check(&forward, &json!({ "route": expect }));
    }

    #[test]
    fn one_cluster_without_a_policy_is_named() {
        check_forward(vec![cluster("a", 7)], &json!({ "cluster": "default/a/80/da39a3ee5e" }));
    }

    #[test]
    fn several_clusters_are_sorted_and_none_is_dropped() {
        let expect = json!({ "weighted_clusters": { "clusters": [
            { "name": "default/a/80/da39a3ee5e", "weight": 2 },
            { "name": "default/a/80/da39a3ee5e", "weight": 30 },
            { "name": "default/b/80/da39a3ee5e", "weight": 0 },
        ] } });
        check_forward(vec![cluster("b", 0), cluster("a", 30), cluster("a", 2)], &expect);
    }

    #[test]
    fn one_cluster_with_a_policy_is_weighted() {
        let edits = |value: &str| HeaderEdits {
            set: vec![("x-a".into(), HeaderValue(vec![HeaderPart::Text(value.into())]))],
            remove: vec!["x-b".into()],
        };
        let policy = ClusterPolicy {
            request_headers: edits("to"),
            response_headers: edits("fro"),
            host: Some("inner.com".into()),
            cookies: vec![CookieRewrite {
                name: "session".into(),
                path: Some("/".into()),
                domain: None,
                secure: None,
                same_site: None,
            }],
        };
        let set = |value: &str| {
            let header = json!({ "key": "x-a", "value": value });
            json!([{ "header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD" }])
        };
        let rules = json!({ "session": { "Path": "/" } });
        let expect = json!({ "weighted_clusters": { "clusters": [{
            "name": "default/a/80/da39a3ee5e",
            "weight": 1,
            "request_headers_to_add": set("to"),
            "request_headers_to_remove": ["x-b"],
            "response_headers_to_add": set("fro"),
            "response_headers_to_remove": ["x-b"],
            "host_rewrite_literal": "inner.com",
            "typed_per_filter_config": { "envoy.filters.http.lua": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute",
                "name": "cookie_rewrite.lua",
                "filter_context": { "cookie_rewrite_rules": rules },
            } },
        }] } });
        check_forward(vec![with(policy, cluster("a", 1))], &expect);
    }

    #[test]
    fn clusters_alike_in_name_and_weight_are_sorted_by_their_policies() {
        let host = |host: &str| {
            let policy = ClusterPolicy { host: Some(host.into()), ..Default::default() };
            with(policy, cluster("a", 1))
        };
        let plain = json!({ "name": "default/a/80/da39a3ee5e", "weight": 1 });
        let shown = |host: &str| {
            let mut shown = plain.clone();
            shown["host_rewrite_literal"] = host.into();
            shown
        };
        let clusters = json!([plain, shown("x.com"), shown("y.com")]);
        let expect = json!({ "weighted_clusters": { "clusters": clusters } });
        check_forward(vec![host("y.com"), cluster("a", 1), host("x.com")], &expect);
        check_forward(vec![host("x.com"), host("y.com"), cluster("a", 1)], &expect);
    }
}
