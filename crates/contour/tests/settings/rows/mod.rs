//! What each setting changes.

mod envoy;
mod process;
mod services;

use super::observe::Row;

pub(crate) fn all() -> Vec<Row> {
    [process::rows(), envoy::rows(), services::rows()].into_iter().flatten().collect()
}
