//! `envoy.filters.network.http_connection_manager`: how HTTP is spoken with clients.

use contour_xds::resource::Dialect;
use envoy_types::pb::envoy::config::core::v3::{
    Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions,
};
use envoy_types::pb::envoy::config::listener::v3::{Filter, filter};
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    CodecType, RouteSpecifier, ServerHeaderTransformation,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, Rds,
};

use crate::access_log::access_log;
use crate::config::{Config, Http, HttpVersions, ServerHeader, Timeout, Timeouts};
use crate::config_source::config_source;
use crate::filter as http_filter;
use crate::name;
use crate::protobuf::{any, bool_value, duration, timeout, uint32};

/// The connection manager of the plain-HTTP listener. Nothing in it comes from an author's object: a changed byte
/// drains every connection.
pub(crate) fn ingress(config: &Config, dialect: Dialect) -> Filter {
    let Config { http, timeouts, .. } = config;
    let rds = Rds {
        route_config_name: name::INGRESS_HTTP_ROUTES.to_owned(),
        config_source: Some(config_source(dialect)),
    };
    filter(&HttpConnectionManager {
        codec_type: codec_type(http.versions).into(),
        stat_prefix: name::INGRESS_HTTP.to_owned(),
        route_specifier: Some(RouteSpecifier::Rds(rds)),
        http_filters: http_filter::ingress(http),
        common_http_protocol_options: Some(common_options(http, timeouts)),
        http_protocol_options: Some(Http1ProtocolOptions {
            accept_http_10: true,
            allow_chunked_length: http.allow_chunked_length,
            ..Default::default()
        }),
        http2_protocol_options: http2_options(http),
        use_remote_address: Some(bool_value(true)),
        xff_num_trusted_hops: http.trusted_hops,
        strip_trailing_host_dot: http.strip_trailing_host_dot,
        normalize_path: Some(bool_value(true)),
        merge_slashes: http.merge_slashes,
        preserve_external_request_id: true,
        server_header_transformation: server_header(http.server_header).into(),
        request_timeout: timeout(timeouts.request),
        stream_idle_timeout: timeout(timeouts.stream_idle),
        drain_timeout: timeout(timeouts.connection_shutdown_grace),
        delayed_close_timeout: timeout(timeouts.delayed_close),
        access_log: access_log(&config.access_log),
        ..Default::default()
    })
}

/// A connection manager with these routes inline, and nothing else.
pub(crate) fn fixed(stat_prefix: &str, routes: RouteConfiguration) -> Filter {
    filter(&HttpConnectionManager {
        stat_prefix: stat_prefix.to_owned(),
        route_specifier: Some(RouteSpecifier::RouteConfig(routes)),
        http_filters: vec![http_filter::router()],
        normalize_path: Some(bool_value(true)),
        ..Default::default()
    })
}

fn filter(manager: &HttpConnectionManager) -> Filter {
    Filter {
        name: "envoy.filters.network.http_connection_manager".to_owned(),
        config_type: Some(filter::ConfigType::TypedConfig(any(manager))),
    }
}

fn codec_type(versions: HttpVersions) -> CodecType {
    match versions {
        HttpVersions::Both => CodecType::Auto,
        HttpVersions::Http1 => CodecType::Http1,
        HttpVersions::Http2 => CodecType::Http2,
    }
}

fn common_options(http: &Http, timeouts: &Timeouts) -> HttpProtocolOptions {
    let max_connection_duration = match timeouts.max_connection_duration {
        Timeout::Default | Timeout::Disabled => None, // zero would not disable it
        Timeout::After(interval) => Some(duration(interval)),
    };
    HttpProtocolOptions {
        idle_timeout: timeout(timeouts.connection_idle),
        max_connection_duration,
        max_requests_per_connection: http.max_requests_per_connection.map(uint32),
        ..Default::default()
    }
}

fn http2_options(http: &Http) -> Option<Http2ProtocolOptions> {
    let streams = http.max_concurrent_streams?;
    Some(Http2ProtocolOptions {
        max_concurrent_streams: Some(uint32(streams.get())),
        ..Default::default()
    })
}

fn server_header(header: ServerHeader) -> ServerHeaderTransformation {
    match header {
        ServerHeader::Overwrite => ServerHeaderTransformation::Overwrite,
        ServerHeader::AppendIfAbsent => ServerHeaderTransformation::AppendIfAbsent,
        ServerHeader::PassThrough => ServerHeaderTransformation::PassThrough,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time;

    use serde_json::{Value, json};

    use super::*;
    use crate::access_log::Level;
    use crate::config::{Interval, MaxConcurrentStreams};
    use crate::json::show;

    fn shown(config: &Config) -> Value {
        show(&ingress(config, Dialect::Aggregated))["typed_config"].clone()
    }

    #[test]
    fn the_defaults_are_upstreams() {
        let mut manager = shown(&Config::default());
        manager
            .as_object_mut()
            .unwrap()
            .retain(|field, _| !["http_filters", "access_log"].contains(&&**field));
        assert_eq!(
            manager,
            json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "ingress_http",
                "rds": {
                    "route_config_name": "ingress_http",
                    "config_source": {
                        "ads": {}, "initial_fetch_timeout": "2s", "resource_api_version": "V3",
                    },
                },
                "common_http_protocol_options": { "idle_timeout": "60s" },
                "http_protocol_options": { "accept_http_10": true, "allow_chunked_length": true },
                "use_remote_address": true,
                "normalize_path": true,
                "merge_slashes": true,
                "preserve_external_request_id": true,
            })
        );
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Config), field: &str, expect: &Value) {
        let mut config = Config::default();
        change(&mut config);
        assert_eq!(shown(&config)[field], *expect, "{field}");
    }

    #[test]
    fn http_settings_become_fields() {
        check(|config| config.http.versions = HttpVersions::Http1, "codec_type", &json!("HTTP1"));
        check(|config| config.http.versions = HttpVersions::Http2, "codec_type", &json!("HTTP2"));
        check(|config| config.http.trusted_hops = 2, "xff_num_trusted_hops", &json!(2));
        check(
            |config| config.http.strip_trailing_host_dot = true,
            "strip_trailing_host_dot",
            &json!(true),
        );
        check(|config| config.http.merge_slashes = false, "merge_slashes", &json!(null));
        check(
            |config| config.http.allow_chunked_length = false,
            "http_protocol_options",
            &json!({ "accept_http_10": true }),
        );
        check(
            |config| config.http.max_concurrent_streams = MaxConcurrentStreams::new(100),
            "http2_protocol_options",
            &json!({ "max_concurrent_streams": 100 }),
        );
        check(
            |config| config.http.max_requests_per_connection = NonZeroU32::new(7),
            "common_http_protocol_options",
            &json!({ "idle_timeout": "60s", "max_requests_per_connection": 7 }),
        );
    }

    #[test]
    fn the_server_header_is_overwritten_unless_told_otherwise() {
        let field = "server_header_transformation";
        for (header, expect) in [
            (ServerHeader::Overwrite, json!(null)),
            (ServerHeader::AppendIfAbsent, json!("APPEND_IF_ABSENT")),
            (ServerHeader::PassThrough, json!("PASS_THROUGH")),
        ] {
            check(|config| config.http.server_header = header, field, &expect);
        }
    }

    #[test]
    fn a_disabled_access_log_is_left_out() {
        check(|config| config.access_log.level = Level::Disabled, "access_log", &json!(null));
    }

    #[track_caller]
    fn check_timeout(select: fn(&mut Timeouts) -> &mut Timeout, field: &str) {
        let minute = Interval::new(time::Duration::from_mins(1)).unwrap();
        for (timeout, expect) in [
            (Timeout::Default, json!(null)),
            (Timeout::Disabled, json!("0s")),
            (Timeout::After(minute), json!("60s")),
        ] {
            check(|config| *select(&mut config.timeouts) = timeout, field, &expect);
        }
    }

    #[test]
    fn disabled_timeouts_are_zero_and_default_ones_left_out() {
        check_timeout(|timeouts| &mut timeouts.request, "request_timeout");
        check_timeout(|timeouts| &mut timeouts.stream_idle, "stream_idle_timeout");
        check_timeout(|timeouts| &mut timeouts.connection_shutdown_grace, "drain_timeout");
        check_timeout(|timeouts| &mut timeouts.delayed_close, "delayed_close_timeout");
    }

    #[track_caller]
    fn check_common(change: impl FnOnce(&mut Timeouts), expect: &Value) {
        check(|config| change(&mut config.timeouts), "common_http_protocol_options", expect);
    }

    #[test]
    fn common_options_are_there_even_if_empty() {
        check_common(|timeouts| timeouts.connection_idle = Timeout::Default, &json!({}));
        let never = |timeouts: &mut Timeouts| timeouts.connection_idle = Timeout::Disabled;
        check_common(never, &json!({ "idle_timeout": "0s" }));
    }

    #[test]
    fn an_endless_connection_duration_is_left_out() {
        let idle_only = json!({ "idle_timeout": "60s" });
        let set = |value| move |timeouts: &mut Timeouts| timeouts.max_connection_duration = value;
        check_common(set(Timeout::Disabled), &idle_only);
        let hour = Interval::new(time::Duration::from_hours(1)).unwrap();
        let expect = json!({ "idle_timeout": "60s", "max_connection_duration": "3600s" });
        check_common(set(Timeout::After(hour)), &expect);
    }
}
