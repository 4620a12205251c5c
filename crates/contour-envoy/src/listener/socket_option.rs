//! `envoy.config.core.v3.SocketOption`.

use std::num::NonZeroU8;

use envoy_types::pb::envoy::config::core::v3::SocketOption;
use envoy_types::pb::envoy::config::core::v3::socket_option::{SocketState, Value};

// Of Linux, which every Envoy image runs on.
const SOL_SOCKET: i64 = 1;
const SO_KEEPALIVE: i64 = 9;
const IPPROTO_IP: i64 = 0;
const IP_TOS: i64 = 1;
const IPPROTO_TCP: i64 = 6;
const TCP_KEEPIDLE: i64 = 4;
const TCP_KEEPINTVL: i64 = 5;
const TCP_KEEPCNT: i64 = 6;
const IPPROTO_IPV6: i64 = 41;
const IPV6_TCLASS: i64 = 67;

/// Finds out about clients that went without a word, within 45 s + 9 × 5 s.
pub(super) fn tcp_keepalive() -> Vec<SocketOption> {
    vec![
        option("Enable TCP keep-alive", SOL_SOCKET, SO_KEEPALIVE, 1),
        option("TCP keep-alive initial idle time", IPPROTO_TCP, TCP_KEEPIDLE, 45),
        option("TCP keep-alive time between probes", IPPROTO_TCP, TCP_KEEPINTVL, 5),
        option("TCP keep-alive probe count", IPPROTO_TCP, TCP_KEEPCNT, 9),
    ]
}

pub(super) fn tos(tos: NonZeroU8) -> SocketOption {
    option("Set IPv4 TOS field", IPPROTO_IP, IP_TOS, tos.get().into())
}

pub(super) fn traffic_class(class: NonZeroU8) -> SocketOption {
    option("Set IPv6 Traffic Class field", IPPROTO_IPV6, IPV6_TCLASS, class.get().into())
}

fn option(description: &str, level: i64, name: i64, value: i64) -> SocketOption {
    SocketOption {
        description: description.to_owned(),
        level,
        name,
        value: Some(Value::IntValue(value)),
        state: SocketState::StateListening.into(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(option: &SocketOption, description: &str, level: u8, name: u8, value: u8) {
        // 64-bit numbers are text in JSON; zero is left out.
        let mut expect = json!({
            "description": description,
            "level": level.to_string(),
            "name": name.to_string(),
            "int_value": value.to_string(),
            "state": "STATE_LISTENING",
        });
        if level == 0 {
            expect.as_object_mut().and_then(|fields| fields.remove("level"));
        }
        assert_eq!(show(option), expect as Value);
    }

    #[test]
    fn keep_alive_is_four_options() {
        let options = tcp_keepalive();
        assert_eq!(options.len(), 4);
        check(&options[0], "Enable TCP keep-alive", 1, 9, 1);
        check(&options[1], "TCP keep-alive initial idle time", 6, 4, 45);
        check(&options[2], "TCP keep-alive time between probes", 6, 5, 5);
        check(&options[3], "TCP keep-alive probe count", 6, 6, 9);
    }

    #[test]
    fn packets_are_marked_by_protocol() {
        let eight = NonZeroU8::new(8).unwrap();
        check(&tos(eight), "Set IPv4 TOS field", 0, 1, 8);
        check(&traffic_class(eight), "Set IPv6 Traffic Class field", 41, 67, 8);
    }
}
