//! How long something may take.

use std::num::NonZeroU16;
use std::time::Duration;

/// A duration that Envoy takes as a limit: longer than nothing and at most 10⁹ s. Not much more than nine times that
/// Envoy refuses, with a message that names neither field nor resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(Duration); // private: `new` keeps it in range

impl Interval {
    const MAX: Duration = Duration::from_secs(1_000_000_000);

    /// `None` if `duration` is out of range.
    pub fn new(duration: Duration) -> Option<Interval> {
        (!duration.is_zero() && duration <= Interval::MAX).then_some(Interval(duration))
    }

    /// So many seconds: each is in range.
    pub const fn seconds(seconds: NonZeroU16) -> Interval {
        Interval(Duration::from_secs(seconds.get() as u64))
    }

    /// How long.
    pub fn get(self) -> Duration {
        self.0
    }
}

/// How long something may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timeout {
    /// As long as Envoy, or the listener, allows; the field is left out. Source: an empty text or zero.
    #[default]
    Default,
    /// As long as it takes; mostly written as zero. Source: `infinity` or `infinite`.
    Disabled,
    /// So long.
    After(Interval),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_neither_zero_nor_endless() {
        assert_eq!(Interval::new(Duration::ZERO), None);
        assert!(Interval::new(Duration::from_nanos(1)).is_some());
        assert!(Interval::new(Interval::MAX).is_some());
        assert_eq!(Interval::new(Interval::MAX + Duration::from_nanos(1)), None);
    }
}
