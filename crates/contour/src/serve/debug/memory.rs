//! `/debug/memory`: how much there is of everything, and how much memory that takes.
//!
//! What is encoded is counted byte by byte. What is not is estimated: of an object and of a part of the graph, by the length of
//! what `Debug` prints, which is of the order of what it occupies.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Write as _};

use contour_builder::Kind;
use contour_xds::resource::{Dialect, TypeUrl};
use contour_xds::snapshot::Table;
use serde_json::{Map, Value, json};

use crate::allocator;
use crate::serve::hub::Hub;
use crate::serve::question::Amounts;

/// What an idle stream occupies, as the benchmark measures it.
const STREAM_BYTES: usize = 6500;

pub(super) fn shown(amounts: &Amounts, hub: &Hub) -> Value {
    let Amounts { counts, holdings, encoded_bytes } = amounts;
    let objects: Map<String, Value> =
        counts.objects.iter().map(|(kind, count)| (kind.to_string(), json!(count))).collect();
    let mut weights: BTreeMap<Kind, usize> = BTreeMap::new();
    for (kind, object) in &holdings.objects {
        *weights.entry(*kind).or_default() += estimate(&**object);
    }
    let weights: Map<String, Value> =
        weights.into_iter().map(|(kind, bytes)| (kind.to_string(), json!(bytes))).collect();
    let graph: usize = holdings.graph.iter().map(|each| estimate(&**each)).sum();
    let cache: Map<String, Value> =
        Dialect::ALL.into_iter().map(|each| (format!("{each:?}"), tables(hub, each))).collect();
    json!({
        "store": {
            "objects": objects,
            "unreadable": counts.unreadable,
            "estimatedBytes": weights,
        },
        "graph": {
            "units": counts.units,
            "reads": counts.reads,
            "hosts": counts.hosts,
            "clusters": counts.clusters,
            "conditions": counts.conditions,
            "estimatedBytes": graph,
        },
        // What the route configuration is joined from.
        "translator": { "bytes": encoded_bytes },
        // Both dialects share the bodies of what is the same in both.
        "cache": cache,
        "streams": streams(hub),
        "allocator": allocated(),
        "process": process(),
    })
}

/// How much memory something occupies, roughly.
fn estimate(what: &dyn Debug) -> usize {
    struct Length(usize);
    impl fmt::Write for Length {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut length = Length(0);
    let _ = write!(length, "{what:?}"); // adding cannot fail
    length.0
}

fn streams(hub: &Hub) -> Value {
    let counts = Dialect::ALL.into_iter().map(|each| (format!("{each:?}"), hub.streams(each)));
    let counts: BTreeMap<String, usize> = counts.collect();
    let bytes = counts.values().sum::<usize>() * STREAM_BYTES;
    let mut shown: Map<String, Value> =
        counts.into_iter().map(|(dialect, count)| (dialect, json!(count))).collect();
    shown.insert("estimatedBytes".to_owned(), json!(bytes));
    Value::Object(shown)
}

/// What the allocator says of this process, in bytes.
fn allocated() -> Value {
    let figures = allocator::figures().into_iter();
    Value::Object(figures.map(|(name, bytes)| (name.to_owned(), json!(bytes))).collect())
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
