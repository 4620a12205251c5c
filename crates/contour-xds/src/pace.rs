//! When the next unasked-for response of a type may go: back-pressure without a queue (design, section 7.2).

use std::time::Duration;

use crate::lane::Setting;
use crate::resource::TypeUrl;
use crate::time::Moment;

/// The longest that pacing holds a response back.
pub const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Between cluster responses of an aggregated stream while earlier ones are unanswered: Envoy withholds the answers
/// while anything warms, so they say nothing about how busy it is.
pub const UNANSWERED_GAP: Duration = Duration::from_millis(100);

/// How many responses of one resource each may be unanswered at the same time.
pub(crate) const ALONE_IN_FLIGHT: usize = 64;

/// How long to wait before a resource is tried again that an Envoy refused for a reason of its machine's, and at most.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// How long to wait after so many such refusals in a row.
pub(crate) fn retry_after(refusals: u32) -> Duration {
    let doubled = 1_u32.checked_shl(refusals.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_RETRY.saturating_mul(doubled).min(LONGEST_RETRY)
}

/// How many responses of a type may be unanswered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// One: what changes meanwhile goes into the next.
    One,
    /// Several: clusters on an aggregated stream, whose answers may be withheld for minutes (section 7.3).
    Many,
}

/// Whether a response may go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It may.
    Now,
    /// Not before.
    At(Moment),
    /// When the answer to an earlier one has come.
    OnAnswer,
}

/// The pace of one type on one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    flow: Flow,
    not_before: Moment,
    last_sent: Moment,
}

impl Pace {
    pub(crate) fn new(type_url: TypeUrl, setting: Setting) -> Pace {
        let flow = match (setting, type_url) {
            (Setting::Aggregated, TypeUrl::Cluster) => Flow::Many,
            _ => Flow::One,
        };
        Pace { flow, not_before: Moment::default(), last_sent: Moment::default() }
    }

    /// A response went out.
    pub(crate) fn sent(&mut self, now: Moment) {
        self.last_sent = now;
    }

    /// A response of `sent_at` was answered: if that took t, wait another t, so that Envoy's main thread never spends
    /// more than half its time on us.
    pub(crate) fn answered(&mut self, sent_at: Moment, now: Moment) {
        self.not_before = now + now.since(sent_at).min(LONGEST_PAUSE);
    }

    /// When the next may go, with so many unanswered.
    pub(crate) fn turn(&self, unanswered: usize, now: Moment) -> Turn {
        let earliest = match (unanswered, self.flow) {
            (0, _) => self.not_before,
            (_, Flow::Many) => self.not_before.max(self.last_sent + UNANSWERED_GAP),
            (_, Flow::One) => return Turn::OnAnswer,
        };
        if now >= earliest { Turn::Now } else { Turn::At(earliest) }
    }
}
