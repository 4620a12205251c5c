//! How long a lease holds, and how often it is asked for.

use std::time::Duration;

/// How much longer than the retry period a pause may be.
const JITTER_FACTOR: f64 = 1.2;

/// The least time that a request may take.
const PATIENCE_AT_LEAST: Duration = Duration::from_secs(1);

/// The three times of an election. They fit each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durations {
    lease: Duration,
    renew_deadline: Duration,
    retry: Duration,
}

/// Why three times do not make an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDurations {
    /// A leader would not have given up when others take over.
    #[error(
        "leaseDuration must be greater than renewDeadline, but {lease:?} is not greater than {renew_deadline:?}"
    )]
    Lease {
        /// `--leader-election-lease-duration`.
        lease: Duration,
        /// `--leader-election-renew-deadline`.
        renew_deadline: Duration,
    },
    /// A leader would give up before its second attempt.
    #[error(
        "renewDeadline must be greater than retryPeriod*JitterFactor, but {renew_deadline:?} is not greater than {JITTER_FACTOR} times {retry:?}"
    )]
    RenewDeadline {
        /// `--leader-election-renew-deadline`.
        renew_deadline: Duration,
        /// `--leader-election-retry-period`.
        retry: Duration,
    },
    /// Requests would follow each other without a pause.
    #[error("retryPeriod must be greater than zero")]
    Retry,
}

impl Durations {
    /// `lease`: how long others leave a silent leader alone; it is written into the Lease in whole seconds, rounded up.
    /// `renew_deadline`: after how long without a renewal a leader stops leading. `retry`: the pause between attempts.
    ///
    /// Source: `--leader-election-lease-duration`, `--leader-election-renew-deadline`,
    /// `--leader-election-retry-period`.
    ///
    /// # Errors
    /// Unless the lease outlives the renew deadline, and that 1.2 times the retry period.
    pub fn new(
        lease: Duration,
        renew_deadline: Duration,
        retry: Duration,
    ) -> Result<Durations, InvalidDurations> {
        if lease <= renew_deadline {
            return Err(InvalidDurations::Lease { lease, renew_deadline });
        }
        if renew_deadline.as_secs_f64() <= retry.as_secs_f64() * JITTER_FACTOR {
            return Err(InvalidDurations::RenewDeadline { renew_deadline, retry });
        }
        if retry.is_zero() {
            return Err(InvalidDurations::Retry);
        }
        Ok(Durations { lease, renew_deadline, retry })
    }

    /// How long others leave a silent leader alone.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// After how long without a renewal a leader stops leading.
    pub fn renew_deadline(&self) -> Duration {
        self.renew_deadline
    }

    /// The least pause between attempts.
    pub fn retry(&self) -> Duration {
        self.retry
    }

    /// What is written as `leaseDurationSeconds`.
    pub(super) fn lease_seconds(&self) -> i32 {
        let seconds = self.lease.as_secs() + u64::from(self.lease.subsec_nanos() > 0);
        i32::try_from(seconds).unwrap_or(i32::MAX)
    }

    /// How long one request may take: half the renew deadline, so that a leader has two attempts, or 1 s.
    pub(super) fn patience(&self) -> Duration {
        (self.renew_deadline / 2).max(PATIENCE_AT_LEAST)
    }

    /// A pause between attempts. `random` is from 0 to 1: replicas that start together shall not ask together for ever.
    pub(super) fn pause(&self, random: f64) -> Duration {
        self.retry.mul_f64(1.0 + (JITTER_FACTOR - 1.0) * random)
    }
}

impl Default for Durations {
    /// 15 s, 10 s and 2 s.
    fn default() -> Durations {
        Durations {
            lease: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(milliseconds: [u64; 3], expect: Result<(), &str>) {
        let [lease, renew_deadline, retry] = milliseconds.map(Duration::from_millis);
        let found = Durations::new(lease, renew_deadline, retry);
        assert_eq!(
            found.map(|_| ()).map_err(|error| error.to_string()),
            expect.map_err(str::to_owned)
        );
    }

    #[test]
    fn the_defaults_are_valid() {
        check([15_000, 10_000, 2000], Ok(()));
        let default = Durations::default();
        assert_eq!(
            Durations::new(default.lease, default.renew_deadline, default.retry),
            Ok(default)
        );
    }

    #[test]
    fn a_lease_outlives_the_renew_deadline() {
        check(
            [10_000, 10_000, 2000],
            Err(
                "leaseDuration must be greater than renewDeadline, but 10s is not greater than 10s",
            ),
        );
    }

    #[test]
    fn a_renew_deadline_leaves_room_for_a_retry() {
        check(
            [15_000, 2400, 2000],
            Err(
                "renewDeadline must be greater than retryPeriod*JitterFactor, but 2.4s is not greater than 1.2 times 2s",
            ),
        );
        check([15_000, 2401, 2000], Ok(()));
    }

    #[test]
    fn there_is_a_pause_between_attempts() {
        check([15_000, 10_000, 0], Err("retryPeriod must be greater than zero"));
    }

    #[test]
    fn pauses_are_up_to_a_fifth_longer_than_the_retry_period() {
        let pauses = [0.0, 0.5, 1.0].map(|random| Durations::default().pause(random));
        assert_eq!(pauses, [2000, 2200, 2400].map(Duration::from_millis));
    }

    #[test]
    fn a_request_may_take_half_the_renew_deadline_but_a_second_at_least() {
        assert_eq!(Durations::default().patience(), Duration::from_secs(5));
        let [lease, renew_deadline, retry] = [1500, 1000, 100].map(Duration::from_millis);
        let short = Durations::new(lease, renew_deadline, retry).expect("valid");
        assert_eq!(short.patience(), Duration::from_secs(1));
        assert_eq!(short.lease_seconds(), 2);
    }
}
