//! `envoy.config.route.v3`: which requests go where.

mod action;
mod matches;
mod policy;

use std::sync::Arc;

use contour_dag::{Action, ClusterName, Domain, Forward, Host, Origin, OriginKind, Route};
use contour_xds::resource::{Name, Reference, TypeUrl};
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption, Metadata};
use envoy_types::pb::envoy::config::route::v3::{
    Route as EnvoyRoute, RouteConfiguration, VirtualHost,
};
use prost::Message;

use crate::protobuf::{Field, Maps, NO_MAPS, STRUCT_MAPS, encode_with_maps, string, structure};
use crate::splice::Splice;
use crate::{filter, header, name};

/// Where a virtual host keeps maps: the metadata of its routes, and the configuration of filters for itself, for routes
/// and for clusters of routes.
static VIRTUAL_HOST_MAPS: Maps =
    Maps(&[(3, Field::Message(&ROUTE_MAPS)), (15, Field::Map(&NO_MAPS))]);
static ROUTE_MAPS: Maps = Maps(&[
    (2, Field::Message(&ROUTE_ACTION_MAPS)),
    (4, Field::Message(&METADATA_MAPS)),
    (13, Field::Map(&NO_MAPS)),
]);
static ROUTE_ACTION_MAPS: Maps = Maps(&[(3, Field::Message(&WEIGHTED_CLUSTER_MAPS))]);
static WEIGHTED_CLUSTER_MAPS: Maps = Maps(&[(1, Field::Message(&CLUSTER_WEIGHT_MAPS))]);
static CLUSTER_WEIGHT_MAPS: Maps = Maps(&[(10, Field::Map(&NO_MAPS))]);
static METADATA_MAPS: Maps = Maps(&[(1, Field::Map(&STRUCT_MAPS))]);

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
    let policy = host.policy.as_deref();
    let virtual_host = VirtualHost {
        name: name.to_owned(),
        domains: vec![domain.as_str().to_owned()],
        routes: host.plain.iter().map(|each| route(domain, each)).collect(),
        typed_per_filter_config: policy
            .map(|policy| filter::of_host(domain, policy))
            .unwrap_or_default(),
        ..Default::default()
    };
    encode_with_maps(&virtual_host, &VIRTUAL_HOST_MAPS)
}

/// The clusters that the routes of `host` name, sorted, each once.
pub(crate) fn references(host: &Host) -> Arc<[Reference]> {
    let mut names: Vec<Name> =
        host.plain.iter().flat_map(|route| reached(&route.action)).map(name::cluster).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| Reference { type_url: TypeUrl::Cluster, name }).collect()
}

fn reached(action: &Action) -> impl Iterator<Item = &ClusterName> {
    let forward = match action {
        Action::Forward(forward) => Some(forward),
        Action::Redirect(_) | Action::Respond(_) => None,
    };
    forward.into_iter().flat_map(Forward::reached)
}

fn route(domain: &Domain, route: &Route) -> EnvoyRoute {
    let plain = EnvoyRoute {
        r#match: Some(matches::route_match(&route.matches)),
        metadata: Some(metadata(&route.origin)),
        action: Some(action::action(&route.action)),
        ..Default::default()
    };
    let Some(policy) = &route.policy else { return plain };
    EnvoyRoute {
        request_headers_to_add: header::set(&policy.request_headers.set),
        request_headers_to_remove: header::remove(&policy.request_headers.remove),
        response_headers_to_add: header::set(&policy.response_headers.set),
        response_headers_to_remove: header::remove(&policy.response_headers.remove),
        typed_per_filter_config: filter::of_route(domain, policy),
        ..plain
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
    use std::num::NonZeroU32;

    use contour_dag::{
        ClusterPolicy, CookieRewrite, Cors, ForwardPolicy, HeaderEdits, HeaderPart, HostPolicy,
        IpFilter, IpSource, IpVerdict, LocalRateLimit, Mirror, Network, PathMatch, RateUnit,
        Redirect, RouteMatch, RoutePolicy, SameSite, ServicePort, WeightedCluster,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::json::{decode, decode_message};

    fn cluster(service: &str) -> ClusterName {
        ClusterName::of(ServicePort {
            namespace: "default".into(),
            service: service.into(),
            number: 80,
            name: Some("http".into()),
        })
    }

    fn route_with(action: Action) -> Route {
        Route {
            matches: RouteMatch::path(PathMatch::Prefix("/".into())),
            action,
            policy: None,
            origin: Origin {
                kind: OriginKind::HttpProxy,
                namespace: "default".into(),
                name: "simple".into(),
            },
        }
    }

    fn route_to(services: &[&str]) -> Route {
        let clusters = services.iter().map(|each| WeightedCluster::new(cluster(each), 1));
        route_with(Action::forward_or_unavailable(clusters.collect()))
    }

    fn host(plain: Vec<Route>) -> Host {
        Host { plain, policy: None }
    }

    fn encode(host: &Host) -> Vec<u8> {
        let domain = Domain::new("www.example.com").unwrap();
        virtual_host(&name::virtual_host(&domain), &domain, host)
    }

    fn shown(host: &Host) -> Value {
        decode_message("envoy.config.route.v3.VirtualHost", &encode(host)).unwrap()
    }

    #[test]
    fn a_virtual_host_has_its_domain_and_routes() {
        assert_eq!(
            shown(&host(vec![route_to(&["backend"])])),
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

    #[test]
    fn without_clusters_the_answer_is_503() {
        let shown = shown(&host(vec![route_to(&[])]));
        assert_eq!(shown["routes"][0]["direct_response"], json!({ "status": 503 }));
    }

    #[test]
    fn the_object_that_defined_a_route_is_named() {
        let mut route = route_to(&[]);
        route.origin.kind = OriginKind::Ingress;
        let shown = shown(&host(vec![route]));
        let metadata = &shown["routes"][0]["metadata"]["filter_metadata"];
        assert_eq!(metadata["envoy.access_loggers.file"]["io.projectcontour.kind"], "Ingress");
    }

    fn rate_limit() -> LocalRateLimit {
        LocalRateLimit {
            requests: NonZeroU32::MIN,
            burst: 0,
            unit: RateUnit::Second,
            status: None,
            headers: Vec::new(),
        }
    }

    fn ip_filter() -> IpFilter {
        let network = Network::new([10, 0, 0, 0].into(), 8).unwrap();
        IpFilter { verdict: IpVerdict::Allow, networks: vec![(IpSource::Peer, network)] }
    }

    fn edits(value: &str) -> HeaderEdits {
        let value = contour_dag::HeaderValue(vec![HeaderPart::Text(value.into())]);
        HeaderEdits { set: vec![("x-a".into(), value)], remove: vec!["x-b".into()] }
    }

    fn route_policy() -> RoutePolicy {
        RoutePolicy {
            request_headers: edits("to"),
            response_headers: edits("fro"),
            local_rate_limit: Some(rate_limit()),
            ip_filter: Some(ip_filter()),
        }
    }

    fn host_policy() -> HostPolicy {
        HostPolicy {
            cors: Some(Cors {
                origins: Vec::new(),
                methods: vec!["GET".into()],
                headers: Vec::new(),
                exposed: Vec::new(),
                credentials: false,
                private_network: false,
                max_age: None,
            }),
            local_rate_limit: Some(rate_limit()),
            ip_filter: Some(ip_filter()),
        }
    }

    #[track_caller]
    fn check_filters(shown: &Value, expect: &[&str]) {
        let filters = shown["typed_per_filter_config"].as_object().unwrap();
        assert_eq!(filters.keys().collect::<Vec<_>>(), expect); // JSON has keys in order
    }

    #[test]
    fn a_policy_of_a_host_is_configuration_of_filters() {
        let host = Host { policy: Some(host_policy().into()), plain: vec![route_to(&[])] };
        let cors = "envoy.filters.http.cors";
        let rest = ["envoy.filters.http.local_ratelimit", "envoy.filters.http.rbac"];
        let shown = shown(&host);
        check_filters(&shown, &[cors, rest[0], rest[1]]);
        let limit = &shown["typed_per_filter_config"][rest[0]];
        assert_eq!(limit["stat_prefix"], "vhost.www.example.com");
        assert_eq!(shown["routes"][0].get("typed_per_filter_config"), None);
    }

    #[track_caller]
    fn check_policy(action: Action) {
        let route = Route { policy: Some(route_policy().into()), ..route_with(action) };
        let shown = &shown(&host(vec![route]))["routes"][0];
        let set = |value: &str| {
            let header = json!({ "key": "x-a", "value": value });
            json!([{ "header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD" }])
        };
        assert_eq!(shown["request_headers_to_add"], set("to"));
        assert_eq!(shown["request_headers_to_remove"], json!(["x-b"]));
        assert_eq!(shown["response_headers_to_add"], set("fro"));
        assert_eq!(shown["response_headers_to_remove"], json!(["x-b"]));
        let filters = ["envoy.filters.http.local_ratelimit", "envoy.filters.http.rbac"];
        check_filters(shown, &filters);
        let limit = &shown["typed_per_filter_config"][filters[0]];
        assert_eq!(limit["stat_prefix"], "vhost.www.example.com");
    }

    #[test]
    fn a_policy_of_a_route_holds_whatever_becomes_of_its_requests() {
        check_policy(route_to(&["a"]).action);
        check_policy(Action::Redirect(Redirect::default()));
        check_policy(Action::unavailable());
    }

    #[test]
    fn references_are_the_clusters_each_once() {
        let mirrored = || {
            let mut forward = Forward::new(vec![WeightedCluster::new(cluster("a"), 2)]).unwrap();
            let mirror = Some(Mirror { cluster: cluster("c"), percent: 100 });
            forward.policy = Some(ForwardPolicy { mirror, ..Default::default() }.into());
            route_with(Action::Forward(forward))
        };
        let plain = vec![
            route_to(&["b", "a"]),
            mirrored(),
            mirrored(),
            route_to(&[]),
            route_with(Action::Redirect(Redirect::default())),
        ];
        let references = references(&host(plain));
        let names: Vec<_> = references.iter().map(|each| &*each.name).collect();
        let expect = ["a", "b", "c"].map(|each| format!("default/{each}/80/da39a3ee5e"));
        assert_eq!(names, expect);
    }

    /// A route with every map that there is, each with several entries if it may have them.
    fn route_with_maps() -> Route {
        let cookie = |name: &str| CookieRewrite {
            name: name.into(),
            path: Some("/".into()),
            domain: Some("a.com".into()),
            secure: Some(true),
            same_site: Some(SameSite::Lax),
        };
        let cookies = ["a", "b", "c", "d"].map(cookie).into();
        let policy = ClusterPolicy { cookies, ..Default::default() };
        let cluster = WeightedCluster::new(cluster("a"), 1);
        let cluster = WeightedCluster { policy: Some(policy.into()), ..cluster };
        Route {
            policy: Some(route_policy().into()),
            ..route_with(Action::forward_or_unavailable(vec![cluster]))
        }
    }

    #[test]
    fn equal_hosts_are_equal_bytes() {
        // Encoded so often that nine random orders agree with a probability of 1 in 10^6, of the filters of a host, and
        // less, of anything else.
        let policy = Some(host_policy().into());
        let host = Host { plain: vec![route_with_maps(); 24], policy };
        let bytes = encode(&host);
        for _ in 0..8 {
            assert_eq!(encode(&host), bytes);
        }
    }
}
