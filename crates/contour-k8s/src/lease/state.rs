//! What to do about a Lease, given what it says and since when. Pure: time is a value.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

use super::durations::Durations;

/// What a Lease that nobody holds says of its duration, in seconds: the API takes no zero.
const RELEASED_SECONDS: i32 = 1;

/// What a Lease says, and since when by our own clock.
///
/// The times in a Lease are another machine's and are never compared with ours. All that counts is that they change:
/// a leader is silent for as long as *we* have seen no change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observed {
    pub(super) spec: LeaseSpec,
    since: Instant,
}

impl Observed {
    /// What is known after the Lease was read or written at `now`.
    pub(super) fn new(before: Option<Observed>, spec: LeaseSpec, now: Instant) -> Observed {
        match before {
            Some(before) if before.spec == spec => before,
            _ => Observed { spec, since: now },
        }
    }

    /// Who holds the Lease; nobody if it was released.
    pub(super) fn holder(&self) -> Option<&str> {
        self.spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
    }

    /// When the holder will have been silent for as long as it asked to be left alone.
    fn expires(&self, durations: &Durations) -> Instant {
        let seconds = self.spec.lease_duration_seconds.and_then(|each| u64::try_from(each).ok());
        self.since + seconds.map_or(durations.lease(), Duration::from_secs)
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is no Lease: create it, held by us.
    Create,
    /// Nobody holds it, or its holder has been silent for too long: write it, held by us.
    TakeOver,
    /// We hold it: write it with a new time.
    Renew,
    /// Somebody else holds it.
    Wait,
}

/// What a candidate does about a Lease. `observed` is `None` if there is none.
pub(super) fn decide(
    observed: Option<&Observed>,
    now: Instant,
    identity: &str,
    durations: &Durations,
) -> Step {
    let Some(observed) = observed else {
        return Step::Create;
    };
    match observed.holder() {
        None => Step::TakeOver,
        Some(holder) if holder == identity => Step::Renew,
        Some(_) if observed.expires(durations) <= now => Step::TakeOver,
        Some(_) => Step::Wait,
    }
}

/// The Lease as we hold it from `clock` on, after it was `before`. Fields that are not ours stay.
pub(super) fn held(
    before: Option<&LeaseSpec>,
    clock: Timestamp,
    identity: &str,
    durations: &Durations,
) -> LeaseSpec {
    let ours = before.is_some_and(|spec| spec.holder_identity.as_deref() == Some(identity));
    let transitions = before.map(|spec| spec.lease_transitions.unwrap_or_default());
    let mut spec = before.cloned().unwrap_or_default();
    if !ours {
        spec.acquire_time = Some(MicroTime(clock));
        spec.lease_transitions = Some(transitions.map_or(0, |count| count.saturating_add(1)));
    }
    spec.holder_identity = Some(identity.to_owned());
    spec.lease_duration_seconds = Some(durations.lease_seconds());
    spec.renew_time = Some(MicroTime(clock));
    spec
}

/// The Lease as nobody holds it, after we did.
pub(super) fn released(before: &LeaseSpec, clock: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(RELEASED_SECONDS),
        renew_time: Some(MicroTime(clock)),
        ..before.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: &str = "pod-a_1";
    const OTHER: &str = "pod-b_2";

    fn spec(holder: &str, renewed: i64) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(3),
            acquire_time: Some(MicroTime(Timestamp::UNIX_EPOCH)),
            renew_time: Some(MicroTime(Timestamp::new(renewed, 0).expect("a time"))),
            ..LeaseSpec::default()
        }
    }

    /// Reads the Lease at these seconds with these contents, then decides at `now`.
    #[track_caller]
    fn check(reads: &[(u64, LeaseSpec)], now: u64, expect: Step) {
        let begin = Instant::now();
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        let observed = reads.iter().fold(None, |before, (when, spec)| {
            Some(Observed::new(before, spec.clone(), at(*when)))
        });
        assert_eq!(decide(observed.as_ref(), at(now), US, &Durations::default()), expect);
    }

    #[test]
    fn a_missing_lease_is_created() {
        check(&[], 0, Step::Create);
    }

    #[test]
    fn our_own_lease_is_renewed_however_old_it_is() {
        check(&[(0, spec(US, 0))], 0, Step::Renew);
        check(&[(0, spec(US, 0))], 1000, Step::Renew);
    }

    #[test]
    fn a_lease_of_another_is_left_alone_for_its_duration() {
        check(&[(0, spec(OTHER, 0))], 0, Step::Wait);
        check(&[(0, spec(OTHER, 0))], 14, Step::Wait);
        check(&[(0, spec(OTHER, 0))], 15, Step::TakeOver);
    }

    #[test]
    fn a_renewal_begins_the_duration_anew() {
        check(&[(0, spec(OTHER, 0)), (10, spec(OTHER, 1))], 24, Step::Wait);
        check(&[(0, spec(OTHER, 0)), (10, spec(OTHER, 1))], 25, Step::TakeOver);
    }

    #[test]
    fn reading_the_same_again_does_not() {
        check(&[(0, spec(OTHER, 0)), (10, spec(OTHER, 0))], 15, Step::TakeOver);
    }

    #[test]
    fn the_times_of_another_machine_do_not_count() {
        let (past, future) = (spec(OTHER, -1_000_000_000), spec(OTHER, 30_000_000_000));
        check(&[(0, past)], 14, Step::Wait);
        check(&[(0, future)], 15, Step::TakeOver);
    }

    #[test]
    fn the_duration_is_the_one_that_the_holder_wrote() {
        let long = LeaseSpec { lease_duration_seconds: Some(60), ..spec(OTHER, 0) };
        check(&[(0, long.clone())], 59, Step::Wait);
        check(&[(0, long)], 60, Step::TakeOver);
        let unsaid = LeaseSpec { lease_duration_seconds: None, ..spec(OTHER, 0) };
        check(&[(0, unsaid.clone())], 14, Step::Wait);
        check(&[(0, unsaid)], 15, Step::TakeOver);
    }

    #[test]
    fn a_released_lease_is_taken_at_once() {
        check(&[(0, released(&spec(OTHER, 0), Timestamp::UNIX_EPOCH))], 0, Step::TakeOver);
        check(&[(0, LeaseSpec::default())], 0, Step::TakeOver);
    }

    #[test]
    fn a_new_lease_has_no_transition() {
        let clock = Timestamp::UNIX_EPOCH;
        let first = held(None, clock, US, &Durations::default());
        assert_eq!(first, LeaseSpec { lease_transitions: Some(0), ..spec(US, 0) });
    }

    #[test]
    fn a_takeover_is_a_transition_and_a_renewal_is_not() {
        let clock = Timestamp::new(7, 0).expect("a time");
        let taken = held(Some(&spec(OTHER, 0)), clock, US, &Durations::default());
        assert_eq!(
            (taken.lease_transitions, taken.acquire_time),
            (Some(4), Some(MicroTime(clock)))
        );
        let renewed = held(Some(&spec(US, 0)), clock, US, &Durations::default());
        assert_eq!(renewed, spec(US, 7));
    }

    #[test]
    fn fields_of_others_stay() {
        let before =
            LeaseSpec { strategy: Some("OldestEmulationVersion".to_owned()), ..spec(OTHER, 0) };
        let taken = held(Some(&before), Timestamp::UNIX_EPOCH, US, &Durations::default());
        assert_eq!(taken.strategy, before.strategy);
    }

    #[test]
    fn a_released_lease_names_nobody_and_lasts_a_second() {
        let after = released(&spec(US, 0), Timestamp::UNIX_EPOCH);
        assert_eq!(after.holder_identity.as_deref(), Some(""));
        assert_eq!(after.lease_duration_seconds, Some(1));
        assert_eq!(after.lease_transitions, Some(3));
    }
}
