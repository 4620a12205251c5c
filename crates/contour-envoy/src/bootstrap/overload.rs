//! When an Envoy begins to refuse work, rather than to be killed for it.

use std::num::{NonZeroI64, NonZeroU64};

use serde_json::{Value, json};

/// When Envoy begins to refuse work. By default never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overload {
    /// How large its heap may become, in bytes: at 95 % Envoy gives memory back, at 98 % it refuses requests, also those for
    /// `/ready`.
    ///
    /// Source: `--overload-max-heap`. Becomes: `FixedHeapConfig.max_heap_size_bytes`.
    pub max_heap: Option<NonZeroU64>,
    /// How many connections clients may have open, all in all. Positive.
    ///
    /// Source: `--overload-downstream-max-conn`. Becomes:
    /// `DownstreamConnectionsConfig.max_active_downstream_connections`.
    pub max_connections: Option<NonZeroI64>,
}

const HEAP: &str = "envoy.resource_monitors.fixed_heap";

/// `envoy.config.overload.v3.OverloadManager`; `None` if nothing is watched.
pub(super) fn manager(overload: &Overload) -> Option<Value> {
    let mut monitors = Vec::new();
    let mut manager = json!({ "refresh_interval": "0.250s" });
    if let Some(bytes) = overload.max_heap {
        monitors.push(json!({
            "name": HEAP,
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                "max_heap_size_bytes": bytes.to_string(), // 64-bit numbers are text
            },
        }));
        manager["actions"] = json!([
            action("envoy.overload_actions.shrink_heap", 0.95),
            action("envoy.overload_actions.stop_accepting_requests", 0.98),
        ]);
    }
    if let Some(connections) = overload.max_connections {
        monitors.push(json!({
            "name": "envoy.resource_monitors.global_downstream_max_connections",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                "max_active_downstream_connections": connections.to_string(),
            },
        }));
    }
    if monitors.is_empty() {
        return None;
    }
    manager["resource_monitors"] = Value::Array(monitors);
    Some(manager)
}

fn action(name: &str, share_of_heap: f64) -> Value {
    json!({ "name": name, "triggers": [{ "name": HEAP, "threshold": { "value": share_of_heap } }] })
}
