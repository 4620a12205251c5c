//! How long to wait before a child that died is started again.

use std::time::Duration;

/// When to start again: soon after the first death, later after each that follows it closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The pause after the first death; each further one doubles it.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// A child that ran so long has recovered: its death is a first one again.
    pub recovered_after: Duration,
}

impl Default for Restart {
    /// Half a second, doubled up to half a minute, forgotten after one minute.
    fn default() -> Restart {
        Restart {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            recovered_after: Duration::from_mins(1),
        }
    }
}

/// The deaths that followed each other closely.
#[derive(Debug)]
pub(super) struct Backoff {
    policy: Restart,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(policy: Restart) -> Backoff {
        Backoff { policy, next: policy.first }
    }

    /// The pause after a child that had run for `ran`; zero if it did not even start.
    pub(super) fn after(&mut self, ran: Duration) -> Duration {
        if ran >= self.policy.recovered_after {
            self.next = self.policy.first;
        }
        let pause = self.next.min(self.policy.longest);
        self.next = pause.saturating_mul(2);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Restart = Restart {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(5),
        recovered_after: Duration::from_mins(1),
    };

    /// The pauses, in seconds, after children that ran for so many seconds.
    #[track_caller]
    fn check(ran: &[u64], expect: &[u64]) {
        let mut backoff = Backoff::new(POLICY);
        let pauses = ran.iter().map(|ran| backoff.after(Duration::from_secs(*ran)).as_secs());
        assert_eq!(pauses.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        check(&[0, 0, 0, 0, 0], &[1, 2, 4, 5, 5]);
    }

    #[test]
    fn a_child_that_recovered_begins_anew() {
        check(&[0, 0, 60, 0], &[1, 2, 1, 2]);
    }

    #[test]
    fn a_child_that_nearly_recovered_does_not() {
        check(&[0, 0, 59], &[1, 2, 4]);
    }

    #[test]
    fn the_first_pause_is_not_longer_than_the_longest() {
        let policy = Restart { first: Duration::from_secs(9), ..POLICY };
        assert_eq!(Backoff::new(policy).after(Duration::ZERO), POLICY.longest);
    }
}
