//! The clock that all processes of a machine share.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Since the machine was started.
pub fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    // A monotonic clock is not negative, and its nanoseconds are below a second.
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}
