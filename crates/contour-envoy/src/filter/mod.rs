//! HTTP filters of the ingress listeners, one file for each that has something to say: for the listener, or for hosts,
//! routes and clusters of routes, of which the narrowest has the last word.

mod compressor;
mod cookie_rewrite;
mod cors;
mod local_ratelimit;
mod rbac;

use std::collections::HashMap;

use contour_dag::{ClusterPolicy, Domain, HostPolicy, RoutePolicy};
use envoy_types::pb::envoy::extensions::filters::http::cors::v3::Cors;
use envoy_types::pb::envoy::extensions::filters::http::grpc_stats::v3::FilterConfig as GrpcStats;
use envoy_types::pb::envoy::extensions::filters::http::grpc_web::v3::GrpcWeb;
use envoy_types::pb::envoy::extensions::filters::http::local_ratelimit::v3::LocalRateLimit;
use envoy_types::pb::envoy::extensions::filters::http::rbac::v3::Rbac;
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use envoy_types::pb::google::protobuf::Any;
use prost::{Message, Name};

use crate::config::Http;
use crate::protobuf::any;

const CORS: &str = "envoy.filters.http.cors";
const LOCAL_RATELIMIT: &str = "envoy.filters.http.local_ratelimit";
const LUA: &str = "envoy.filters.http.lua";
const RBAC: &str = "envoy.filters.http.rbac";

/// The filters of the plain-HTTP listener, in the order in which requests pass them. Some do nothing until a route
/// says what: adding one later would drain every connection.
pub(crate) fn ingress(config: &Http) -> Vec<HttpFilter> {
    let compressor = config.compression.map(compressor::compressor);
    let rest = [
        filter("envoy.filters.http.grpc_web", &GrpcWeb::default()),
        filter("envoy.filters.http.grpc_stats", &grpc_stats()),
        filter(CORS, &Cors::default()),
        filter(LOCAL_RATELIMIT, &unlimited()),
        filter(LUA, &cookie_rewrite::lua()),
        filter(RBAC, &Rbac::default()),
        filter("router", &Router::default()), // upstream's name; of the other listeners, Envoy's
    ];
    compressor
        .into_iter()
        .map(|each| filter("envoy.filters.http.compressor", &each))
        .chain(rest)
        .collect()
}

/// What filters do with the requests of a host: `VirtualHost.typed_per_filter_config`.
pub(crate) fn of_host(domain: &Domain, policy: &HostPolicy) -> HashMap<String, Any> {
    let limit = policy.local_rate_limit.as_ref();
    named([
        (CORS, policy.cors.as_ref().map(cors::cors)),
        (LOCAL_RATELIMIT, limit.map(|limit| local_ratelimit::local_ratelimit(domain, limit))),
        (RBAC, policy.ip_filter.as_ref().map(rbac::rbac)),
    ])
}

/// What filters do with the requests of a route: `Route.typed_per_filter_config`.
pub(crate) fn of_route(domain: &Domain, policy: &RoutePolicy) -> HashMap<String, Any> {
    let limit = policy.local_rate_limit.as_ref();
    named([
        (LOCAL_RATELIMIT, limit.map(|limit| local_ratelimit::local_ratelimit(domain, limit))),
        (RBAC, policy.ip_filter.as_ref().map(rbac::rbac)),
    ])
}

/// What filters do with requests that go to one of the clusters of a route: `ClusterWeight.typed_per_filter_config`.
pub(crate) fn of_cluster(policy: &ClusterPolicy) -> HashMap<String, Any> {
    named([(LUA, cookie_rewrite::rules(&policy.cookies))])
}

fn named<const N: usize>(configs: [(&str, Option<Any>); N]) -> HashMap<String, Any> {
    let configs = configs.into_iter();
    configs.filter_map(|(name, config)| Some((name.to_owned(), config?))).collect()
}

/// The only filter of the listeners for statistics, health and admin.
pub(crate) fn router() -> HttpFilter {
    filter("envoy.filters.http.router", &Router::default())
}

fn filter<M: Message + Name>(name: &str, config: &M) -> HttpFilter {
    HttpFilter {
        name: name.to_owned(),
        config_type: Some(ConfigType::TypedConfig(any(config))),
        ..Default::default()
    }
}

fn grpc_stats() -> GrpcStats {
    GrpcStats { emit_filter_state: true, enable_upstream_stats: true, ..Default::default() }
}

/// Without a bucket: limits nothing.
fn unlimited() -> LocalRateLimit {
    LocalRateLimit { stat_prefix: "http".to_owned(), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Compression;
    use crate::json::show;

    #[track_caller]
    fn check_order(compression: Option<Compression>, expect: &[&str]) {
        let filters = ingress(&Http { compression, ..Http::default() });
        let names: Vec<_> = filters.iter().map(|each| &*each.name).collect();
        assert_eq!(names, expect);
    }

    const WITHOUT_COMPRESSOR: [&str; 7] = [
        "envoy.filters.http.grpc_web",
        "envoy.filters.http.grpc_stats",
        "envoy.filters.http.cors",
        "envoy.filters.http.local_ratelimit",
        "envoy.filters.http.lua",
        "envoy.filters.http.rbac",
        "router",
    ];

    #[test]
    fn filters_are_in_upstreams_order() {
        let expect = [&["envoy.filters.http.compressor"][..], &WITHOUT_COMPRESSOR].concat();
        check_order(Some(Compression::Gzip), &expect);
    }

    #[test]
    fn the_compressor_can_be_left_out() {
        check_order(None, &WITHOUT_COMPRESSOR);
    }

    #[test]
    fn filters_without_settings_do_nothing() {
        let http = "type.googleapis.com/envoy.extensions.filters.http";
        for (name, config) in [
            (
                "envoy.filters.http.grpc_web",
                json!({ "@type": format!("{http}.grpc_web.v3.GrpcWeb") }),
            ),
            (
                "envoy.filters.http.grpc_stats",
                json!({
                    "@type": format!("{http}.grpc_stats.v3.FilterConfig"),
                    "emit_filter_state": true,
                    "enable_upstream_stats": true,
                }),
            ),
            ("envoy.filters.http.cors", json!({ "@type": format!("{http}.cors.v3.Cors") })),
            (
                "envoy.filters.http.local_ratelimit",
                json!({
                    "@type": format!("{http}.local_ratelimit.v3.LocalRateLimit"),
                    "stat_prefix": "http",
                }),
            ),
            ("envoy.filters.http.rbac", json!({ "@type": format!("{http}.rbac.v3.RBAC") })),
            ("router", json!({ "@type": format!("{http}.router.v3.Router") })),
        ] {
            let filters = ingress(&Http::default());
            let filter = filters.iter().find(|each| each.name == name).unwrap();
            assert_eq!(show(filter), json!({ "name": name, "typed_config": config }));
        }
    }
}
