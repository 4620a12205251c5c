//! `envoy.config.core.v3.HealthCheck`: how endpoints are asked whether they are well.

use std::num::{NonZeroU16, NonZeroU32};

use contour_dag::{HealthCheck, Interval, Protocol};
use envoy_types::pb::envoy::config::core::v3::HealthCheck as EnvoyHealthCheck;
use envoy_types::pb::envoy::config::core::v3::health_check::{HealthChecker, HttpHealthCheck};
use envoy_types::pb::envoy::r#type::v3::{CodecClientType, Int64Range};
use envoy_types::pb::google::protobuf::UInt32Value;

use crate::protobuf::{duration, uint32};

const TIMEOUT: Interval = Interval::seconds(NonZeroU16::new(2).unwrap());
const INTERVAL: Interval = Interval::seconds(NonZeroU16::new(10).unwrap());
const UNHEALTHY_THRESHOLD: u32 = 3;
const HEALTHY_THRESHOLD: u32 = 2;
const HOST: &str = "contour-envoy-healthcheck";

/// Envoy has no default of its own for any of this, and refuses a check without it.
pub(super) fn health_check(check: &HealthCheck, protocol: Protocol) -> EnvoyHealthCheck {
    let codec = match protocol {
        Protocol::H2 | Protocol::H2c => CodecClientType::Http2,
        Protocol::Http1 | Protocol::Tls => CodecClientType::Http1,
    };
    let status = |&(start, end): &(u16, u16)| Int64Range { start: start.into(), end: end.into() };
    let http = HttpHealthCheck {
        path: check.path.to_string(),
        host: check.host.as_deref().unwrap_or(HOST).to_owned(),
        codec_client_type: codec.into(),
        expected_statuses: check.expected.iter().map(status).collect(),
        ..Default::default()
    };
    EnvoyHealthCheck {
        timeout: Some(duration(check.timeout.unwrap_or(TIMEOUT))),
        interval: Some(duration(check.interval.unwrap_or(INTERVAL))),
        unhealthy_threshold: Some(threshold(check.unhealthy_threshold, UNHEALTHY_THRESHOLD)),
        healthy_threshold: Some(threshold(check.healthy_threshold, HEALTHY_THRESHOLD)),
        health_checker: Some(HealthChecker::HttpHealthCheck(http)),
        ..Default::default()
    }
}

fn threshold(given: Option<NonZeroU32>, default: u32) -> UInt32Value {
    given.map_or(UInt32Value { value: default }, uint32)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(given: &HealthCheck, protocol: Protocol, expect: &Value) {
        assert_eq!(show(&health_check(given, protocol)), *expect);
    }

    #[test]
    fn what_is_not_set_is_upstreams_default() {
        check(
            &HealthCheck::new("/live"),
            Protocol::Http1,
            &json!({
                "timeout": "2s",
                "interval": "10s",
                "unhealthy_threshold": 3,
                "healthy_threshold": 2,
                "http_health_check": { "path": "/live", "host": "contour-envoy-healthcheck" },
            }),
        );
    }

    #[test]
    fn what_is_set_is_as_it_is_set() {
        let given = HealthCheck {
            host: Some("a.com".into()),
            timeout: Interval::new(Duration::from_secs(3)),
            interval: Interval::new(Duration::from_secs(15)),
            unhealthy_threshold: NonZeroU32::new(5),
            healthy_threshold: NonZeroU32::new(1),
            expected: vec![(200, 300), (404, 405)],
            ..HealthCheck::new("/live")
        };
        check(
            &given,
            Protocol::Tls,
            &json!({
                "timeout": "3s",
                "interval": "15s",
                "unhealthy_threshold": 5,
                "healthy_threshold": 1,
                "http_health_check": {
                    "path": "/live",
                    "host": "a.com",
                    "expected_statuses": [
                        { "start": "200", "end": "300" }, { "start": "404", "end": "405" },
                    ],
                },
            }),
        );
    }

    #[test]
    fn endpoints_that_speak_http2_are_asked_in_it() {
        for protocol in [Protocol::H2, Protocol::H2c] {
            let shown = show(&health_check(&HealthCheck::new("/live"), protocol));
            assert_eq!(shown["http_health_check"]["codec_client_type"], "HTTP2");
        }
    }
}
