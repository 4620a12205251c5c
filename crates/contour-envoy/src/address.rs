//! `envoy.config.core.v3.Address`.

use std::net::{IpAddr, Ipv6Addr};

use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{Address, SocketAddress, address};

/// A TCP address. `::` takes IPv4 connections as well.
pub(crate) fn address(ip: IpAddr, port: u16) -> Address {
    let socket = SocketAddress {
        address: ip.to_string(),
        port_specifier: Some(PortSpecifier::PortValue(port.into())),
        ipv4_compat: ip == IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ..Default::default() // protocol: TCP
    };
    Address { address: Some(address::Address::SocketAddress(socket)) }
}

/// A TCP address that is looked up; `host` is a name.
pub(crate) fn named_address(host: &str, port: u16) -> Address {
    let socket = SocketAddress {
        address: host.to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(port.into())),
        ..Default::default()
    };
    Address { address: Some(address::Address::SocketAddress(socket)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ip: &str, ipv4_compat: bool) {
        let Some(address::Address::SocketAddress(socket)) =
            address(ip.parse().unwrap(), 8080).address
        else {
            panic!("no socket address")
        };
        assert_eq!(
            (&*socket.address, socket.port_specifier, socket.ipv4_compat),
            (ip, Some(PortSpecifier::PortValue(8080)), ipv4_compat)
        );
    }

    #[test]
    fn only_the_unspecified_ipv6_address_takes_ipv4() {
        check("::", true);
        check("::1", false);
        check("0.0.0.0", false);
        check("fd00::10", false);
    }
}
