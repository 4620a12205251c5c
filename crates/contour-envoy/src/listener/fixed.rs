//! Listeners that are there whatever the graph: for statistics, health and admin.

use contour_xds::resource::Resource;
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, Listener};
use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::{
    HeaderMatcher, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost, route,
};
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use prost::Message;

use crate::address::address;
use crate::config::{Bind, Binds};
use crate::listener::socket_option;
use crate::{http_connection_manager, name};

const HEALTH_PATHS: &[&str] = &["/ready"];
const STATS_PATHS: &[&str] = &["/stats", "/stats/prometheus"];
const STATS_HEALTH_PATHS: &[&str] = &["/ready", "/stats", "/stats/prometheus"];

/// What may be read of Envoy's admin interface.
const ADMIN_PATHS: &[&str] = &[
    "/certs",
    "/clusters",
    "/listeners",
    "/config_dump",
    "/memory",
    "/ready",
    "/runtime",
    "/server_info",
    "/stats",
    "/stats/prometheus",
    "/stats/recentlookups",
];

/// Whether Envoy's limit of connections applies to a listener.
#[derive(Clone, Copy)]
enum ConnectionLimit {
    Ignored,
    Applied,
}

/// All listeners of this kind that there can be, by name, with those that there are.
pub(crate) fn fixed(binds: &Binds) -> [(&'static str, Option<Resource>); 5] {
    use ConnectionLimit::{Applied, Ignored};
    let shared = binds.stats == binds.health;
    let apart = |bind| (!shared).then_some(bind);
    [
        (name::STATS, apart(binds.stats), name::STATS, STATS_PATHS, Ignored),
        (name::HEALTH, apart(binds.health), name::STATS, HEALTH_PATHS, Ignored),
        (
            name::STATS_HEALTH,
            shared.then_some(binds.stats),
            name::STATS,
            STATS_HEALTH_PATHS,
            Ignored,
        ),
        (name::ENFORCED_HEALTH, binds.enforced_health, name::STATS, HEALTH_PATHS, Applied),
        (name::ENVOY_ADMIN, binds.admin(), name::ENVOY_ADMIN, ADMIN_PATHS, Ignored),
    ]
    .map(|(name, bind, stat_prefix, paths, limit)| {
        (name, bind.map(|bind| listener(name, bind, stat_prefix, paths, limit)))
    })
}

fn listener(
    name: &str,
    bind: Bind,
    stat_prefix: &str,
    paths: &[&str],
    limit: ConnectionLimit,
) -> Resource {
    let manager = http_connection_manager::fixed(stat_prefix, route_configuration(paths));
    let listener = Listener {
        name: name.to_owned(),
        address: Some(address(bind.address, bind.port.get())),
        filter_chains: vec![FilterChain { filters: vec![manager], ..Default::default() }],
        socket_options: socket_option::tcp_keepalive(),
        ignore_global_conn_limit: matches!(limit, ConnectionLimit::Ignored),
        ..Default::default()
    };
    Resource::new(listener.encode_to_vec().into(), [])
}

fn route_configuration(paths: &[&str]) -> RouteConfiguration {
    let host = VirtualHost {
        name: "backend".to_owned(),
        domains: vec!["*".to_owned()],
        routes: paths.iter().map(|path| admin_route(path)).collect(),
        ..Default::default()
    };
    RouteConfiguration { virtual_hosts: vec![host], ..Default::default() }
}

/// Forwards reading of `path` to Envoy's own admin interface, which serves it.
fn admin_route(path: &str) -> Route {
    let get = StringMatcher {
        match_pattern: Some(MatchPattern::Exact("GET".to_owned())),
        ignore_case: true,
    };
    let method = HeaderMatcher {
        name: ":method".to_owned(),
        header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(get)),
        ..Default::default()
    };
    let matches = RouteMatch {
        path_specifier: Some(PathSpecifier::Path(path.to_owned())),
        headers: vec![method],
        ..Default::default()
    };
    let action = RouteAction {
        cluster_specifier: Some(ClusterSpecifier::Cluster(name::ENVOY_ADMIN.to_owned())),
        ..Default::default()
    };
    Route {
        r#match: Some(matches),
        action: Some(route::Action::Route(action)),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use contour_xds::resource::TypeUrl;
    use serde_json::{Value, json};

    use super::*;
    use crate::json::{decode, show};

    fn shown(binds: &Binds) -> Vec<Value> {
        let there = fixed(binds).into_iter().filter_map(|(_, resource)| resource);
        there.map(|resource| decode(TypeUrl::Listener, &resource.body).unwrap()).collect()
    }

    fn address(address: &str, port: u16) -> Value {
        json!({ "socket_address": { "address": address, "port_value": port } })
    }

    fn expect(name: &str, address: &Value, stat_prefix: &str, paths: &[&str]) -> Value {
        let method = json!({
            "name": ":method", "string_match": { "exact": "GET", "ignore_case": true },
        });
        let routes: Vec<_> = paths
            .iter()
            .map(|path| {
                json!({
                    "match": { "path": path, "headers": [method] },
                    "route": { "cluster": "envoy-admin" },
                })
            })
            .collect();
        let options: Vec<_> = socket_option::tcp_keepalive().iter().map(show).collect();
        json!({
            "name": name,
            "address": address,
            "socket_options": options,
            "ignore_global_conn_limit": true,
            "filter_chains": [{ "filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    "stat_prefix": stat_prefix,
                    "normalize_path": true,
                    "route_config": { "virtual_hosts": [
                        { "name": "backend", "domains": ["*"], "routes": routes },
                    ] },
                    "http_filters": [{
                        "name": "envoy.filters.http.router",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                        },
                    }],
                },
            }] }],
        })
    }

    #[test]
    fn statistics_and_health_share_a_listener_if_they_share_the_address() {
        let binds = Binds { admin: None, ..Binds::default() };
        let paths = ["/ready", "/stats", "/stats/prometheus"];
        let expect = expect("stats-health", &address("0.0.0.0", 8002), "stats", &paths);
        assert_eq!(shown(&binds), [expect]);
    }

    #[test]
    fn statistics_and_health_are_apart_otherwise() {
        let health = Bind::any_v4(8003).unwrap();
        let binds = Binds { admin: None, health, ..Binds::default() };
        let stats = ["/stats", "/stats/prometheus"];
        let expect = [
            expect("stats", &address("0.0.0.0", 8002), "stats", &stats),
            expect("health", &address("0.0.0.0", 8003), "stats", &["/ready"]),
        ];
        assert_eq!(shown(&binds), expect);
    }

    #[test]
    fn enforced_health_does_not_ignore_the_connection_limit() {
        let enforced_health = Bind::any_v4(8003);
        let binds = Binds { admin: None, enforced_health, ..Binds::default() };
        let address = address("0.0.0.0", 8003);
        let mut expect = expect("health-om-enforced", &address, "stats", &["/ready"]);
        expect.as_object_mut().unwrap().remove("ignore_global_conn_limit");
        assert_eq!(shown(&binds)[1], expect);
    }

    #[test]
    fn admin_is_for_the_machine_itself() {
        let paths = [
            "/certs",
            "/clusters",
            "/listeners",
            "/config_dump",
            "/memory",
            "/ready",
            "/runtime",
            "/server_info",
            "/stats",
            "/stats/prometheus",
            "/stats/recentlookups",
        ];
        let expect = expect("envoy-admin", &address("127.0.0.1", 9001), "envoy-admin", &paths);
        assert_eq!(shown(&Binds::default())[1], expect);
    }
}
