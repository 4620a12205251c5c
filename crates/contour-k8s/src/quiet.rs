//! When to read files that are being changed.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Editors and version control write in bursts: who reads waits until this long nothing happened,
const QUIET: Duration = Duration::from_millis(30);

/// but not longer than this.
const PATIENCE: Duration = Duration::from_millis(300);

/// Returns after something happened and a while nothing more.
pub async fn after(changed: &Notify) {
    changed.notified().await;
    let latest = Instant::now() + PATIENCE;
    while Instant::now() < latest {
        let quiet = latest.min(Instant::now() + QUIET);
        if timeout_at(quiet, changed.notified()).await.is_err() {
            return;
        }
    }
}
