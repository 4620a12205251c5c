//! `/debug/memory`: how much there is of everything.

use contour_builder::Counts;
use contour_xds::resource::{Dialect, TypeUrl};
use contour_xds::snapshot::Table;
use serde_json::{Map, Value, json};

use crate::serve::hub::Hub;

pub(super) fn shown(counts: &Counts, hub: &Hub) -> Value {
    let objects: Map<String, Value> =
        counts.objects.iter().map(|(kind, count)| (kind.to_string(), json!(count))).collect();
    let cache: Map<String, Value> =
        Dialect::ALL.into_iter().map(|each| (format!("{each:?}"), tables(hub, each))).collect();
    let streams: Map<String, Value> = Dialect::ALL
        .into_iter()
        .map(|each| (format!("{each:?}"), json!(hub.streams(each))))
        .collect();
    json!({
        "store": { "objects": objects, "unreadable": counts.unreadable },
        "graph": {
            "units": counts.units,
            "reads": counts.reads,
            "hosts": counts.hosts,
            "clusters": counts.clusters,
            "conditions": counts.conditions,
        },
        // Both dialects share the bodies of what is the same in both.
        "cache": cache,
        "streams": streams,
        "process": process(),
    })
}

fn tables(hub: &Hub, dialect: Dialect) -> Value {
    let sight = hub.look(dialect);
    let tables = TypeUrl::ALL.into_iter().map(|each| {
        let table = sight.snapshot().table(each);
        let name = each.as_str().rsplit('.').next().unwrap_or_default();
        (name.to_owned(), json!({ "resources": table.len(), "bytes": bytes(table) }))
    });
    Value::Object(tables.collect())
}

/// What a table's bodies occupy when they are encoded, which is how they are kept.
fn bytes(table: &Table) -> usize {
    table.iter().map(|(_, resource)| resource.body.len()).sum()
}

/// What the operating system says of this process, in bytes (`proc_pid_status(5)`). Empty where it says nothing.
fn process() -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let figures = [("resident", "VmRSS:"), ("peakResident", "VmHWM:")].into_iter();
    let figures = figures.filter_map(|(name, key)| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some((name.to_owned(), json!(kilobytes * 1024)))
    });
    Value::Object(figures.collect())
}
