//! `envoy.config.route.v3`: which requests go where.

use std::sync::Arc;

use contour_dag::{
    Action, DirectResponse, Domain, Forward, HeaderMatch, HeaderMatcher, Host, Origin, OriginKind,
    PathMatch, Route, RouteMatch, WeightedCluster,
};
use contour_xds::resource::{Name, Reference, TypeUrl};
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption, Metadata};
use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::weighted_cluster::ClusterWeight;
use envoy_types::pb::envoy::config::route::v3::{
    DirectResponseAction, HeaderMatcher as EnvoyHeaderMatcher, Route as EnvoyRoute, RouteAction,
    RouteConfiguration, RouteMatch as EnvoyRouteMatch, VirtualHost,
    WeightedCluster as EnvoyWeightedCluster, route,
};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher};
use envoy_types::pb::google::protobuf::UInt32Value;
use prost::Message;

use crate::name;
use crate::protobuf::{Field, Maps, STRUCT_MAPS, encode_with_maps, string, structure};
use crate::splice::Splice;

/// Where a virtual host keeps maps: in the metadata of its routes.
const VIRTUAL_HOST_MAPS: Maps = Maps(&[(3, Field::Message(&ROUTE_MAPS))]);
const ROUTE_MAPS: Maps = Maps(&[(4, Field::Message(&METADATA_MAPS))]);
const METADATA_MAPS: Maps = Maps(&[(1, Field::Map(&STRUCT_MAPS))]);

/// The route configuration of the plain-HTTP listener, without virtual hosts.
pub(crate) fn route_configuration() -> Splice {
    const VIRTUAL_HOSTS: u32 = 2;
    let head =
        RouteConfiguration { name: name::INGRESS_HTTP_ROUTES.to_owned(), ..Default::default() };
    let request_start = HeaderValueOption {
        header: Some(HeaderValue {
            key: "x-request-start".to_owned(),
            value: "t=%START_TIME(%s.%3f)%".to_owned(),
            ..Default::default()
        }),
        append_action: HeaderAppendAction::AppendIfExistsOrAdd.into(),
        ..Default::default()
    };
    let tail = RouteConfiguration {
        request_headers_to_add: vec![request_start],
        ignore_port_in_host_matching: true,
        ..Default::default()
    };
    Splice::new(VIRTUAL_HOSTS, head.encode_to_vec(), tail.encode_to_vec())
}

/// The encoded virtual host `name` for `domain`.
pub(crate) fn virtual_host(name: &str, domain: &Domain, host: &Host) -> Vec<u8> {
    let virtual_host = VirtualHost {
        name: name.to_owned(),
        domains: vec![domain.as_str().to_owned()],
        routes: host.plain.iter().map(route).collect(),
        ..Default::default()
    };
    encode_with_maps(&virtual_host, &VIRTUAL_HOST_MAPS)
}

/// The clusters that the routes of `host` name, sorted, each once.
pub(crate) fn references(host: &Host) -> Arc<[Reference]> {
    let mut names: Vec<Name> = host
        .plain
        .iter()
        .flat_map(|route| clusters(&route.action))
        .map(|each| name::cluster(&each.cluster))
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| Reference { type_url: TypeUrl::Cluster, name }).collect()
}

fn clusters(action: &Action) -> &[WeightedCluster] {
    match action {
        Action::Forward(forward) => forward.clusters(),
        Action::Respond(_) => &[],
    }
}

fn route(route: &Route) -> EnvoyRoute {
    EnvoyRoute {
        r#match: Some(route_match(&route.matches)),
        metadata: Some(metadata(&route.origin)),
        action: Some(action(&route.action)),
        ..Default::default()
    }
}

fn route_match(matches: &RouteMatch) -> EnvoyRouteMatch {
    EnvoyRouteMatch {
        path_specifier: Some(path(&matches.path)),
        headers: matches.headers.iter().map(header).collect(),
        ..Default::default()
    }
}

fn path(path: &PathMatch) -> PathSpecifier {
    match path {
        PathMatch::Exact(text) => PathSpecifier::Path(text.to_string()),
        // Envoy matches whole paths anyway; the anchor makes the compiled expression smaller.
        PathMatch::Regex(text) => PathSpecifier::SafeRegex(regex(format!("^{text}"))),
        PathMatch::Segments(text) => PathSpecifier::PathSeparatedPrefix(text.to_string()),
        PathMatch::Prefix(text) => PathSpecifier::Prefix(text.to_string()),
    }
}

fn header(header: &HeaderMatch) -> EnvoyHeaderMatcher {
    let pattern = match &header.matcher {
        HeaderMatcher::Regex(text) => MatchPattern::SafeRegex(regex(text.to_string())),
    };
    let matcher = StringMatcher { match_pattern: Some(pattern), ..Default::default() };
    EnvoyHeaderMatcher {
        name: header.name.to_string(),
        header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(matcher)),
        ..Default::default()
    }
}

fn regex(regex: String) -> RegexMatcher {
    RegexMatcher { regex, ..Default::default() } // the engine is set in the bootstrap
}

fn action(action: &Action) -> route::Action {
    match action {
        Action::Forward(forward) => route::Action::Route(RouteAction {
            cluster_specifier: Some(cluster_specifier(forward)),
            ..Default::default()
        }),
        Action::Respond(DirectResponse { status }) => {
            let response = DirectResponseAction { status: (*status).into(), ..Default::default() };
            route::Action::DirectResponse(response)
        }
    }
}

fn cluster_specifier(forward: &Forward) -> ClusterSpecifier {
    if let [only] = forward.clusters() {
        return ClusterSpecifier::Cluster(name::cluster(&only.cluster).to_string());
    }
    let mut clusters: Vec<_> = forward.clusters().iter().map(weighted).collect();
    clusters.sort_unstable();
    let clusters = clusters.into_iter().map(|(name, weight)| cluster_weight(&name, weight));
    ClusterSpecifier::WeightedClusters(EnvoyWeightedCluster {
        clusters: clusters.collect(),
        ..Default::default()
    })
}

fn weighted(cluster: &WeightedCluster) -> (Name, u32) {
    (name::cluster(&cluster.cluster), cluster.weight)
}

fn cluster_weight(name: &str, weight: u32) -> ClusterWeight {
    ClusterWeight {
        name: name.to_owned(),
        weight: Some(UInt32Value { value: weight }), // 0 has to be written too
        ..Default::default()
    }
}

/// Which object defined a route, for access logs.
fn metadata(origin: &Origin) -> Metadata {
    let kind = match origin.kind {
        OriginKind::HttpProxy => "HTTPProxy",
        OriginKind::Ingress => "Ingress",
    };
    let fields = [("kind", kind), ("namespace", &origin.namespace), ("name", &origin.name)]
        .map(|(field, value)| (format!("io.projectcontour.{field}"), string(value)));
    Metadata {
        filter_metadata: [("envoy.access_loggers.file".to_owned(), structure(fields))].into(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use contour_dag::{ClusterName, ServicePort};
    use serde_json::{Value, json};

    use super::*;
    use crate::json::{decode, decode_message};

    fn weighted_cluster(service: &str, weight: u32) -> WeightedCluster {
        let port = ServicePort {
            namespace: "default".into(),
            service: service.into(),
            number: 80,
            name: Some("http".into()),
        };
        WeightedCluster { cluster: ClusterName::Service(port), weight }
    }

    fn route_to(matches: RouteMatch, clusters: &[(&str, u32)]) -> Route {
        let clusters = clusters.iter().map(|&(name, weight)| weighted_cluster(name, weight));
        Route {
            matches,
            action: Action::forward_or_unavailable(clusters.collect()),
            origin: Origin {
                kind: OriginKind::HttpProxy,
                namespace: "default".into(),
                name: "simple".into(),
            },
        }
    }

    fn prefix() -> RouteMatch {
        RouteMatch::path(PathMatch::Prefix("/".into()))
    }

    fn shown(host: &Host) -> Value {
        let domain = Domain::new("www.example.com").unwrap();
        let body = virtual_host(&name::virtual_host(&domain), &domain, host);
        decode_message("envoy.config.route.v3.VirtualHost", &body).unwrap()
    }

    #[test]
    fn a_virtual_host_has_its_domain_and_routes() {
        let host = Host { plain: vec![route_to(prefix(), &[("backend", 1)])] };
        assert_eq!(
            shown(&host),
            json!({
                "name": "www.example.com",
                "domains": ["www.example.com"],
                "routes": [{
                    "match": { "prefix": "/" },
                    "route": { "cluster": "default/backend/80/da39a3ee5e" },
                    "metadata": { "filter_metadata": { "envoy.access_loggers.file": {
                        "io.projectcontour.kind": "HTTPProxy",
                        "io.projectcontour.namespace": "default",
                        "io.projectcontour.name": "simple",
                    } } },
                }],
            })
        );
    }

    #[test]
    fn the_route_configuration_exists_without_virtual_hosts() {
        let body = route_configuration().join().body;
        let header = json!({ "key": "x-request-start", "value": "t=%START_TIME(%s.%3f)%" });
        let expect = json!({
            "name": "ingress_http",
            "request_headers_to_add": [{ "header": header }],
            "ignore_port_in_host_matching": true,
        });
        assert_eq!(decode(TypeUrl::RouteConfiguration, &body), Ok(expect));
    }

    #[track_caller]
    fn check_match(matches: RouteMatch, expect: &Value) {
        let host = Host { plain: vec![route_to(matches, &[])] };
        assert_eq!(shown(&host)["routes"][0]["match"], *expect);
    }

    #[test]
    fn paths_match_exactly_by_expression_segments_or_prefix() {
        let check = |path: PathMatch, expect: Value| check_match(RouteMatch::path(path), &expect);
        check(PathMatch::Exact("/a".into()), json!({ "path": "/a" }));
        check(PathMatch::Regex("/a.*".into()), json!({ "safe_regex": { "regex": "^/a.*" } }));
        check(PathMatch::Regex("^/a".into()), json!({ "safe_regex": { "regex": "^^/a" } }));
        check(PathMatch::Segments("/a".into()), json!({ "path_separated_prefix": "/a" }));
        check(PathMatch::Prefix("/a".into()), json!({ "prefix": "/a" }));
    }

    #[test]
    fn header_expressions_have_no_anchor() {
        let regex = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\.foo\.com(:[0-9]+)?";
        let authority =
            HeaderMatch { name: ":authority".into(), matcher: HeaderMatcher::Regex(regex.into()) };
        let expect = json!({
            "prefix": "/",
            "headers": [{
                "name": ":authority",
                "string_match": { "safe_regex": { "regex": regex } },
            }],
        });
        check_match(prefix().with_header(authority), &expect);
    }

    #[track_caller]
    fn check_action(clusters: &[(&str, u32)], field: &str, expect: &Value) {
        let host = Host { plain: vec![route_to(prefix(), clusters)] };
        assert_eq!(shown(&host)["routes"][0][field], *expect);
    }

    #[test]
    fn without_clusters_the_answer_is_503() {
        check_action(&[], "direct_response", &json!({ "status": 503 }));
    }

    #[test]
    fn several_clusters_are_sorted_and_none_is_dropped() {
        let expect = json!({ "weighted_clusters": { "clusters": [
            { "name": "default/a/80/da39a3ee5e", "weight": 2 },
            { "name": "default/a/80/da39a3ee5e", "weight": 30 },
            { "name": "default/b/80/da39a3ee5e", "weight": 0 },
        ] } });
        check_action(&[("b", 0), ("a", 30), ("a", 2)], "route", &expect);
    }

    #[test]
    fn references_are_the_clusters_each_once() {
        let plain = vec![
            route_to(prefix(), &[("b", 1), ("a", 1)]),
            route_to(prefix(), &[("a", 2)]),
            route_to(prefix(), &[]),
        ];
        let references = references(&Host { plain });
        let names: Vec<_> = references.iter().map(|each| &*each.name).collect();
        assert_eq!(names, ["default/a/80/da39a3ee5e", "default/b/80/da39a3ee5e"]);
    }

    #[test]
    fn equal_hosts_are_equal_bytes() {
        let plain = vec![route_to(prefix(), &[("a", 1)]); 8]; // 8 maps of 3: 1 in 10^6 by chance
        let domain = Domain::any();
        let encode = || virtual_host("*", &domain, &Host { plain: plain.clone() });
        assert_eq!(encode(), encode());
    }

    #[test]
    fn the_object_that_defined_a_route_is_named() {
        let mut route = route_to(prefix(), &[]);
        route.origin.kind = OriginKind::Ingress;
        let shown = shown(&Host { plain: vec![route] });
        let metadata = &shown["routes"][0]["metadata"]["filter_metadata"];
        assert_eq!(metadata["envoy.access_loggers.file"]["io.projectcontour.kind"], "Ingress");
    }
}
