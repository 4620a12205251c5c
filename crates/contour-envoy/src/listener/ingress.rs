//! Listeners for the traffic that Contour routes.

use std::net::IpAddr;

use contour_xds::resource::{Dialect, Reference, Resource, TypeUrl};
use envoy_types::pb::envoy::config::core::v3::SocketOption;
use envoy_types::pb::envoy::config::listener::v3::listener::ConnectionBalanceConfig;
use envoy_types::pb::envoy::config::listener::v3::listener::connection_balance_config::{
    BalanceType, ExactBalance,
};
use envoy_types::pb::envoy::config::listener::v3::{
    FilterChain, Listener, ListenerFilter, listener_filter,
};
use envoy_types::pb::envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol;
use prost::Message;

use crate::address::address;
use crate::config::{self, Config, ConnectionBalance};
use crate::listener::socket_option;
use crate::protobuf::{any, uint32};
use crate::{http_connection_manager, name};

/// The listener for plain HTTP.
pub(crate) fn ingress_http(config: &Config, dialect: Dialect) -> Resource {
    let bind = config.addresses.get().http;
    let settings = &config.listener;
    let chain = FilterChain {
        filters: vec![http_connection_manager::ingress(config, dialect)],
        ..Default::default()
    };
    let listener = Listener {
        name: name::INGRESS_HTTP.to_owned(),
        address: Some(address(bind.address, bind.port.get())),
        listener_filters: listener_filters(settings),
        filter_chains: vec![chain],
        socket_options: socket_options(settings, bind.address),
        per_connection_buffer_limit_bytes: settings.per_connection_buffer_limit_bytes.map(uint32),
        connection_balance_config: connection_balance(settings.connection_balance),
        max_connections_to_accept_per_socket_event: settings
            .max_connections_to_accept_per_socket_event
            .map(uint32),
        ..Default::default()
    };
    let routes =
        Reference { type_url: TypeUrl::RouteConfiguration, name: name::INGRESS_HTTP_ROUTES.into() };
    Resource::new(listener.encode_to_vec().into(), [routes])
}

fn listener_filters(settings: &config::Listener) -> Vec<ListenerFilter> {
    if !settings.proxy_protocol {
        return Vec::new();
    }
    let config = listener_filter::ConfigType::TypedConfig(any(&ProxyProtocol::default()));
    vec![ListenerFilter {
        name: "envoy.filters.listener.proxy_protocol".to_owned(),
        config_type: Some(config),
        ..Default::default()
    }]
}

/// Of an option for the other version of IP Envoy says nothing and leaves the port closed.
fn socket_options(settings: &config::Listener, ip: IpAddr) -> Vec<SocketOption> {
    let marked = match ip {
        IpAddr::V4(_) => settings.tos.map(socket_option::tos),
        IpAddr::V6(_) => settings.traffic_class.map(socket_option::traffic_class),
    };
    socket_option::tcp_keepalive().into_iter().chain(marked).collect()
}

fn connection_balance(balance: ConnectionBalance) -> Option<ConnectionBalanceConfig> {
    match balance {
        ConnectionBalance::Kernel => None,
        ConnectionBalance::Exact => Some(ConnectionBalanceConfig {
            balance_type: Some(BalanceType::ExactBalance(ExactBalance {})),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU8, NonZeroU32};

    use serde_json::{Value, json};

    use super::*;
    use crate::config::{Addresses, Bind, Binds};
    use crate::json::{decode, show};

    fn shown(config: &Config) -> Value {
        let resource = ingress_http(config, Dialect::Aggregated);
        decode(TypeUrl::Listener, &resource.body).unwrap()
    }

    #[test]
    fn the_defaults_are_upstreams() {
        let config = Config::default();
        let manager = http_connection_manager::ingress(&config, Dialect::Aggregated);
        let options: Vec<_> = socket_option::tcp_keepalive().iter().map(show).collect();
        let address = json!({ "address": "0.0.0.0", "port_value": 8080 });
        assert_eq!(
            shown(&config),
            json!({
                "name": "ingress_http",
                "address": { "socket_address": address },
                "socket_options": options,
                "filter_chains": [{ "filters": [show(&manager)] }],
            })
        );
    }

    #[test]
    fn it_refers_to_its_route_configuration() {
        let resource = ingress_http(&Config::default(), Dialect::Separate);
        let reference =
            Reference { type_url: TypeUrl::RouteConfiguration, name: "ingress_http".into() };
        assert_eq!(resource.references().collect::<Vec<_>>(), [&reference]);
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut config::Listener), field: &str, expect: &Value) {
        let mut config = Config::default();
        change(&mut config.listener);
        assert_eq!(shown(&config)[field], *expect);
    }

    #[test]
    fn settings_become_fields() {
        let proxy_protocol = "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol";
        check(
            |listener| listener.proxy_protocol = true,
            "listener_filters",
            &json!([{
                "name": "envoy.filters.listener.proxy_protocol",
                "typed_config": { "@type": format!("type.googleapis.com/{proxy_protocol}") },
            }]),
        );
        check(
            |listener| listener.per_connection_buffer_limit_bytes = NonZeroU32::new(32_768),
            "per_connection_buffer_limit_bytes",
            &json!(32_768),
        );
        check(
            |listener| listener.connection_balance = ConnectionBalance::Exact,
            "connection_balance_config",
            &json!({ "exact_balance": {} }),
        );
        check(
            |listener| listener.max_connections_to_accept_per_socket_event = NonZeroU32::new(1),
            "max_connections_to_accept_per_socket_event",
            &json!(1),
        );
    }

    #[track_caller]
    fn check_marked(ip: &str, expect: &str) {
        let mut config = Config::default();
        config.listener.tos = NonZeroU8::new(8);
        config.listener.traffic_class = NonZeroU8::new(16);
        let port = Binds::default().http.port;
        let http = Bind { address: ip.parse().unwrap(), port };
        config.addresses = Addresses::new(Binds { http, ..Binds::default() }).unwrap();
        let options = &shown(&config)["socket_options"];
        let beyond: Vec<_> =
            options.as_array().unwrap()[4..].iter().map(|each| &each["description"]).collect();
        assert_eq!(beyond, [expect]);
    }

    #[test]
    fn packets_are_marked_as_the_address_allows() {
        check_marked("0.0.0.0", "Set IPv4 TOS field");
        check_marked("127.0.0.1", "Set IPv4 TOS field");
        check_marked("::", "Set IPv6 Traffic Class field");
    }
}
