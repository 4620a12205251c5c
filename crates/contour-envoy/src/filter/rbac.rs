//! `envoy.filters.http.rbac`: from where requests are let through.

use contour_dag::{IpFilter, IpSource, IpVerdict, Network};
use envoy_types::pb::envoy::config::core::v3::CidrRange;
use envoy_types::pb::envoy::config::rbac::v3::rbac::Action;
use envoy_types::pb::envoy::config::rbac::v3::{
    Permission, Policy, Principal, Rbac as Rules, permission, principal,
};
use envoy_types::pb::envoy::extensions::filters::http::rbac::v3::{Rbac, RbacPerRoute};
use envoy_types::pb::google::protobuf::{Any, UInt32Value};

use crate::protobuf::{Field, Maps, NO_MAPS, any_with_maps};

static RBAC_PER_ROUTE_MAPS: Maps = Maps(&[(2, Field::Message(&RBAC_MAPS))]);
static RBAC_MAPS: Maps = Maps(&[(1, Field::Message(&RULES_MAPS))]);
static RULES_MAPS: Maps = Maps(&[(2, Field::Map(&NO_MAPS))]);

/// For a host or a route.
pub(super) fn rbac(filter: &IpFilter) -> Any {
    let action = match filter.verdict {
        IpVerdict::Allow => Action::Allow,
        IpVerdict::Deny => Action::Deny,
    };
    let policy = Policy {
        permissions: vec![Permission { rule: Some(permission::Rule::Any(true)) }],
        principals: filter.networks.iter().map(principal).collect(),
        ..Default::default()
    };
    let rules = Rules {
        action: action.into(),
        policies: [("ip-rules".to_owned(), policy)].into(),
        ..Default::default()
    };
    let rbac = Rbac { rules: Some(rules), ..Default::default() };
    any_with_maps(&RbacPerRoute { rbac: Some(rbac) }, &RBAC_PER_ROUTE_MAPS)
}

fn principal(&(source, network): &(IpSource, Network)) -> Principal {
    let range = CidrRange {
        address_prefix: network.address().to_string(),
        prefix_len: Some(UInt32Value { value: network.prefix().into() }), // left out, it is everybody
    };
    let identifier = match source {
        IpSource::Peer => principal::Identifier::DirectRemoteIp(range),
        IpSource::Remote => principal::Identifier::RemoteIp(range),
    };
    Principal { identifier: Some(identifier) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    fn network(source: IpSource, address: &str, prefix: u8) -> (IpSource, Network) {
        (source, Network::new(address.parse().unwrap(), prefix).unwrap())
    }

    #[track_caller]
    fn check(verdict: IpVerdict, networks: Vec<(IpSource, Network)>, expect: &Value) {
        let shown = show(&rbac(&IpFilter { verdict, networks }));
        let package = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3";
        let expect =
            json!({ "@type": format!("{package}.RBACPerRoute"), "rbac": { "rules": expect } });
        assert_eq!(shown, expect);
    }

    #[test]
    fn networks_are_those_of_the_connection_or_of_the_client() {
        let principals = json!([
            { "direct_remote_ip": { "address_prefix": "10.0.0.0", "prefix_len": 8 } },
            { "remote_ip": { "address_prefix": "2001:db8::", "prefix_len": 32 } },
            { "remote_ip": { "address_prefix": "192.0.2.7", "prefix_len": 32 } },
        ]);
        let policy = json!({ "permissions": [{ "any": true }], "principals": principals });
        check(
            IpVerdict::Deny,
            vec![
                network(IpSource::Peer, "10.1.2.3", 8),
                network(IpSource::Remote, "2001:db8::1", 32),
                network(IpSource::Remote, "192.0.2.7", 32),
            ],
            &json!({ "action": "DENY", "policies": { "ip-rules": policy } }),
        );
    }

    #[test]
    fn the_network_of_everybody_has_a_length() {
        let everybody = json!({ "address_prefix": "0.0.0.0", "prefix_len": 0 });
        let principals = json!([{ "remote_ip": everybody }]);
        let policy = json!({ "permissions": [{ "any": true }], "principals": principals });
        check(
            IpVerdict::Allow, // the default of the field
            vec![network(IpSource::Remote, "0.0.0.0", 0)],
            &json!({ "policies": { "ip-rules": policy } }),
        );
    }
}
