//! Listeners that are there whatever the graph: for statistics, health and admin.

use contour_xds::resource::{Dialect, Reference, Resource, TypeUrl};
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
use crate::config::{Bind, Binds, StatsTls};
use crate::listener::socket_option;
use crate::{http_connection_manager, name, tls};

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

/// What a listener of this kind is made of.
struct Fixed<'a> {
    name: &'static str,
    bind: Bind,
    stat_prefix: &'static str,
    paths: &'a [&'a str],
    limit: ConnectionLimit,
}

/// All listeners of this kind that there can be, by name, with those that there are. Secrets are fetched as `dialect`
/// says.
pub(crate) fn fixed(binds: &Binds, dialect: Dialect) -> [(&'static str, Option<Resource>); 5] {
    use ConnectionLimit::{Applied, Ignored};
    let shared = is_shared(binds);
    let apart = |bind| (!shared).then_some(bind);
    let joint = shared.then_some(binds.stats);
    [
        (name::STATS, apart(binds.stats), name::STATS, STATS_PATHS, Ignored),
        (name::HEALTH, apart(binds.health), name::STATS, HEALTH_PATHS, Ignored),
        (name::STATS_HEALTH, joint, name::STATS, STATS_HEALTH_PATHS, Ignored),
        (name::ENFORCED_HEALTH, binds.enforced_health, name::STATS, HEALTH_PATHS, Applied),
        (name::ENVOY_ADMIN, binds.admin(), name::ENVOY_ADMIN, ADMIN_PATHS, Ignored),
    ]
    .map(|(name, bind, stat_prefix, paths, limit)| {
        let tls = binds.stats_tls.as_ref().filter(|_| name == name::STATS);
        let listener = bind.map(|bind| Fixed { name, bind, stat_prefix, paths, limit });
        (name, listener.map(|listener| listener.resource(tls, dialect)))
    })
}

/// Whether statistics and health are one listener.
fn is_shared(binds: &Binds) -> bool {
    binds.stats_tls.is_none() && binds.stats == binds.health
}

impl Fixed<'_> {
    fn resource(&self, tls: Option<&StatsTls>, dialect: Dialect) -> Resource {
        let secret = |name: &str| Reference { type_url: TypeUrl::Secret, name: name.into() };
        let certificate = tls.map(|_| secret(name::STATS_CERTIFICATE));
        let authority = tls.and_then(|tls| tls.authority.as_ref());
        let authority = authority.map(|_| secret(name::STATS_AUTHORITY));
        let transport_socket = tls.map(|settings| tls::stats(settings, dialect));
        let manager =
            http_connection_manager::fixed(self.stat_prefix, route_configuration(self.paths));
        let chain = FilterChain { filters: vec![manager], transport_socket, ..Default::default() };
        let listener = Listener {
            name: self.name.to_owned(),
            address: Some(address(self.bind.address, self.bind.port.get())),
            filter_chains: vec![chain],
            socket_options: socket_option::tcp_keepalive(),
            ignore_global_conn_limit: matches!(self.limit, ConnectionLimit::Ignored),
            ..Default::default()
        };
        Resource::new(listener.encode_to_vec().into(), certificate.into_iter().chain(authority))
    }
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
    use serde_json::{Value, json};

    use super::*;
    use crate::config::FilePath;
    use crate::json::{decode, show};

    fn shown(binds: &Binds) -> Vec<Value> {
        let there =
            fixed(binds, Dialect::Aggregated).into_iter().filter_map(|(_, resource)| resource);
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

    #[track_caller]
    fn check_tls(authority: Option<&str>, expect: &Value) {
        let path = |path: &str| FilePath::new(path).unwrap();
        let tls =
            StatsTls { certificate: path("/c"), key: path("/k"), authority: authority.map(path) };
        let health = Bind::any_v4(8003).unwrap();
        let binds = Binds { stats_tls: Some(tls), health, ..Binds::default() };
        let [(_, resource), ..] = fixed(&binds, Dialect::Aggregated);
        let resource = resource.unwrap();
        let shown = decode(TypeUrl::Listener, &resource.body).unwrap();
        assert_eq!(shown["filter_chains"][0]["transport_socket"]["typed_config"], *expect);
        let secrets = if authority.is_some() { 2 } else { 1 };
        assert_eq!(resource.references().count(), secrets);
    }

    #[test]
    fn statistics_have_tls_1_3_if_they_have_any() {
        let source = json!({
            "ads": {}, "initial_fetch_timeout": "2s", "resource_api_version": "V3",
        });
        let secret = |name: &str| json!({ "name": name, "sds_config": source });
        let mut context = json!({
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_params": {
                    "tls_minimum_protocol_version": "TLSv1_3",
                    "tls_maximum_protocol_version": "TLSv1_3",
                },
                "tls_certificate_sds_secret_configs": [secret("metrics-tls-certificate")],
            },
        });
        check_tls(None, &context);
        context["require_client_certificate"] = json!(true);
        context["common_tls_context"]["validation_context_sds_secret_config"] =
            secret("metrics-ca-certificate");
        check_tls(Some("/a"), &context);
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
