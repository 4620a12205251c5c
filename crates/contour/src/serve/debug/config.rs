//! `/debug/config`.

use std::sync::Arc;

use serde_json::{Value, json};

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is called in the configuration file.
    pub key: String,
    /// What it is. Never a secret: those are named, not held, by the configuration.
    pub value: String,
    /// Where that came from: a flag, a file, an object, or the default.
    pub origin: String,
}

/// The settings in effect.
pub type Rows = Arc<dyn Fn() -> Vec<Row> + Send + Sync>;

pub(super) fn shown(rows: Vec<Row>) -> Value {
    rows.into_iter()
        .map(|Row { key, value, origin }| json!({ "key": key, "value": value, "origin": origin }))
        .collect()
}
