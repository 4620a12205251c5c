//! `envoy.service.runtime.v3.Runtime`: settings that Envoy takes as keys and values.

use std::collections::BTreeMap;

use contour_xds::resource::Resource;
use envoy_types::pb::envoy::service::runtime::v3::Runtime;
use envoy_types::pb::google::protobuf::Value;

use crate::config::Config;
use crate::name;
use crate::protobuf::{Field, Maps, STRUCT_MAPS, encode_with_maps, number, string, structure};

/// Size of a compiled regular expression that Envoy refuses; its own limit, 100, refuses ordinary ones.
pub(crate) const RE2_ERROR_LEVEL: (&str, u32) = ("re2.max_program_size.error_level", 1_048_576);

/// Size of a compiled regular expression that Envoy warns of.
pub(crate) const RE2_WARN_LEVEL: (&str, u32) = ("re2.max_program_size.warn_level", 1_000);

const RUNTIME_MAPS: Maps = Maps(&[(2, Field::Message(&STRUCT_MAPS))]);

/// The runtime layer, with a connection limit for each of `listeners`.
pub(crate) fn runtime(config: &Config, listeners: &[&str]) -> Resource {
    let runtime = Runtime {
        name: name::RUNTIME_LAYER.to_owned(),
        layer: Some(structure(layer(config, listeners))),
    };
    Resource::new(encode_with_maps(&runtime, &RUNTIME_MAPS).into(), [])
}

fn layer(config: &Config, listeners: &[&str]) -> BTreeMap<String, Value> {
    let mut layer: BTreeMap<String, Value> = [RE2_ERROR_LEVEL, RE2_WARN_LEVEL]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), number(value)))
        .collect();
    layer.extend(config.runtime.iter().map(|(key, value)| (key.clone(), string(value))));
    if let Some(max) = config.http.max_requests_per_io_cycle {
        layer.insert("http.max_requests_per_io_cycle".to_owned(), number(max.get()));
    }
    if let Some(max) = config.listener.max_connections {
        layer.extend(listeners.iter().map(|name| {
            let key = format!("envoy.resource_limits.listener.{name}.connection_limit");
            (key, number(max.get()))
        }));
    }
    layer
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use contour_xds::resource::TypeUrl;
    use serde_json::json;

    use super::*;
    use crate::json::decode;

    #[track_caller]
    fn check(config: &Config, listeners: &[&str], expect: &serde_json::Value) {
        let shown = decode(TypeUrl::Runtime, &runtime(config, listeners).body).unwrap();
        assert_eq!(shown, json!({ "name": "dynamic", "layer": expect }));
    }

    fn config() -> Config {
        let mut config = Config::default();
        config.http.max_requests_per_io_cycle = NonZeroU32::new(10);
        config.listener.max_connections = NonZeroU32::new(50_000);
        config
    }

    #[test]
    fn the_size_of_expressions_is_always_limited() {
        check(
            &Config::default(),
            &["ingress_http"],
            &json!({
                "re2.max_program_size.error_level": 1_048_576,
                "re2.max_program_size.warn_level": 1_000,
            }),
        );
    }

    #[test]
    fn each_listener_has_a_connection_limit() {
        check(
            &config(),
            &["a", "b"],
            &json!({
                "envoy.resource_limits.listener.a.connection_limit": 50_000,
                "envoy.resource_limits.listener.b.connection_limit": 50_000,
                "http.max_requests_per_io_cycle": 10,
                "re2.max_program_size.error_level": 1_048_576,
                "re2.max_program_size.warn_level": 1_000,
            }),
        );
    }

    #[test]
    fn added_keys_are_strings_and_replace_the_defaults_but_not_settings() {
        let mut config = config();
        for key in [RE2_WARN_LEVEL.0, "http.max_requests_per_io_cycle", "other"] {
            config.runtime.insert(key.to_owned(), "7".to_owned());
        }
        check(
            &config,
            &[],
            &json!({
                "http.max_requests_per_io_cycle": 10,
                "other": "7",
                "re2.max_program_size.error_level": 1_048_576,
                "re2.max_program_size.warn_level": "7",
            }),
        );
    }

    #[test]
    fn a_limit_that_is_not_set_may_be_added() {
        let mut config = Config::default();
        config.runtime.insert("http.max_requests_per_io_cycle".to_owned(), "7".to_owned());
        check(
            &config,
            &[],
            &json!({
                "http.max_requests_per_io_cycle": "7",
                "re2.max_program_size.error_level": 1_048_576,
                "re2.max_program_size.warn_level": 1_000,
            }),
        );
    }
}
