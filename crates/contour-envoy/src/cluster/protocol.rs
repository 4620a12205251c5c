//! `Cluster.typed_extension_protocol_options`: what is spoken to a service.

use std::collections::HashMap;
use std::num::NonZeroU32;

use contour_dag::{ClusterSettings, Protocol};
use envoy_types::pb::envoy::config::core::v3::{
    Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions as CommonOptions,
};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions, explicit_http_config,
};
use envoy_types::pb::google::protobuf::Any;

use crate::protobuf::{any, timeout, uint32};

/// Empty unless something is set: Envoy talks HTTP/1.1 by itself.
pub(super) fn protocol_options(
    settings: &ClusterSettings,
    max_requests_per_connection: Option<NonZeroU32>,
) -> HashMap<String, Any> {
    const NAME: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    use explicit_http_config::ProtocolConfig;
    let common = CommonOptions {
        idle_timeout: timeout(settings.idle_timeout),
        max_requests_per_connection: max_requests_per_connection.map(uint32),
        ..Default::default()
    };
    let common = (common != CommonOptions::default()).then_some(common);
    let protocol = match settings.protocol {
        Protocol::H2 | Protocol::H2c => {
            ProtocolConfig::Http2ProtocolOptions(Http2ProtocolOptions::default())
        }
        Protocol::Http1 | Protocol::Tls if common.is_none() => return HashMap::new(),
        Protocol::Http1 | Protocol::Tls => {
            ProtocolConfig::HttpProtocolOptions(Http1ProtocolOptions::default())
        }
    };
    let options = HttpProtocolOptions {
        common_http_protocol_options: common,
        // Envoy refuses options that do not say which protocol they are for.
        upstream_protocol_options: Some(UpstreamProtocolOptions::ExplicitHttpConfig(
            ExplicitHttpConfig { protocol_config: Some(protocol) },
        )),
        ..Default::default()
    };
    [(NAME.to_owned(), any(&options))].into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contour_dag::{Interval, Timeout};
    use envoy_types::pb::envoy::config::cluster::v3::Cluster;
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(
        change: impl FnOnce(&mut ClusterSettings),
        max_requests: Option<u32>,
        expect: Option<&Value>,
    ) {
        let mut settings = ClusterSettings::default();
        change(&mut settings);
        let cluster = Cluster {
            typed_extension_protocol_options: protocol_options(
                &settings,
                max_requests.and_then(NonZeroU32::new),
            ),
            ..Default::default()
        };
        let expect = expect.map_or(json!({}), |options| {
            let name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
            let mut options = options.clone();
            options["@type"] = format!("type.googleapis.com/{name}").into();
            json!({ "typed_extension_protocol_options": { name: options } })
        });
        assert_eq!(show(&cluster), expect);
    }

    #[test]
    fn http1_needs_no_options() {
        check(|_| {}, None, None);
        check(|settings| settings.protocol = Protocol::Tls, None, None);
    }

    #[test]
    fn http2_is_spoken_if_it_is_said() {
        let expect = json!({ "explicit_http_config": { "http2_protocol_options": {} } });
        check(|settings| settings.protocol = Protocol::H2, None, Some(&expect));
        check(|settings| settings.protocol = Protocol::H2c, None, Some(&expect));
    }

    #[test]
    fn other_options_say_the_protocol_too() {
        let expect = json!({
            "common_http_protocol_options": { "max_requests_per_connection": 7 },
            "explicit_http_config": { "http_protocol_options": {} },
        });
        check(|_| {}, Some(7), Some(&expect));
        check(|settings| settings.protocol = Protocol::Tls, Some(7), Some(&expect));
    }

    #[test]
    fn no_idle_timeout_is_zero() {
        let options = |idle_timeout: &str| {
            json!({
                "common_http_protocol_options": { "idle_timeout": idle_timeout },
                "explicit_http_config": { "http2_protocol_options": {} },
            })
        };
        for (idle_timeout, expect) in [
            (Timeout::Disabled, options("0s")),
            (Timeout::After(Interval::new(Duration::from_secs(90)).unwrap()), options("90s")),
        ] {
            let change = |settings: &mut ClusterSettings| {
                settings.protocol = Protocol::H2c;
                settings.idle_timeout = idle_timeout;
            };
            check(change, None, Some(&expect));
        }
    }
}
