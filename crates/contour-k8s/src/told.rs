//! How loudly to say that something fails which is tried again and again: an outage shall be read in a few lines.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// For how long a cause must not have been heard of before it is news again. Longer than any attempt and the pause after it,
/// so that an outage is one story.
const FORGOTTEN: Duration = Duration::from_mins(2);

/// How many causes are told of within that time. Where each attempt has words of its own, nobody reads them all.
const MANY: usize = 16;

/// How loudly something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loudness {
    /// To everyone: it is news.
    News,
    /// To who wants every detail: it was said before.
    Detail,
}

/// What was said of several things that fail again and again, `K` being one of them. What fails for one cause is news once,
/// whichever of them says it first.
#[derive(Debug)]
pub(crate) struct Told<K> {
    failing: BTreeMap<K, Failing>,
    /// What is known, and when it was heard last.
    causes: BTreeMap<String, Instant>,
}

/// Something that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failing {
    since: Instant,
    loudness: Loudness,
}

/// Something that had failed goes well again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// How long it had not.
    pub(crate) after: Duration,
    /// As loud as was said that it failed.
    pub(crate) loudness: Loudness,
}

impl<K> Default for Told<K> {
    fn default() -> Told<K> {
        Told { failing: BTreeMap::new(), causes: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Told<K> {
    /// It failed, for this cause. Answers how loudly to say so.
    pub(crate) fn failed(&mut self, what: &K, cause: &str, now: Instant) -> Loudness {
        self.causes.retain(|_, heard| now.duration_since(*heard) < FORGOTTEN);
        let full = self.causes.len() >= MANY;
        let loudness = match self.causes.get_mut(cause) {
            Some(heard) => {
                *heard = now;
                Loudness::Detail
            }
            None if !full => {
                self.causes.insert(cause.to_owned(), now);
                Loudness::News
            }
            None => Loudness::Detail,
        };
        let failing = Failing { since: now, loudness };
        let failing = self.failing.entry(what.clone()).or_insert(failing);
        if loudness == Loudness::News {
            failing.loudness = loudness;
        }
        loudness
    }

    /// It went well. Answers what to say if that is new.
    pub(crate) fn went_well(&mut self, what: &K, now: Instant) -> Option<Recovered> {
        let Failing { since, loudness } = self.failing.remove(what)?;
        Some(Recovered { after: now.duration_since(since), loudness })
    }
}

/// Says something as loudly as it deserves: `say!(loudness, warn, fields, "message")`.
macro_rules! say {
    ($loudness:expr, $level:ident, $($words:tt)+) => {
        match $loudness {
            $crate::told::Loudness::News => tracing::$level!($($words)+),
            $crate::told::Loudness::Detail => tracing::debug!($($words)+),
        }
    };
}
pub(crate) use say;

#[cfg(test)]
mod tests {
    use Loudness::{Detail, News};

    use super::*;

    fn at(seconds: u64, begin: Instant) -> Instant {
        begin + Duration::from_secs(seconds)
    }

    /// Tells of failures at these seconds, and expects this loudness.
    #[track_caller]
    fn check(failures: &[(&str, &str, u64, Loudness)]) {
        let (mut told, begin) = (Told::default(), Instant::now());
        for (number, (what, cause, second, expect)) in failures.iter().enumerate() {
            let found = told.failed(what, cause, at(*second, begin));
            assert_eq!(found, *expect, "failure {number}");
        }
    }

    #[test]
    fn a_failure_is_news_once_however_often_it_is_tried() {
        check(&[("a", "dead", 0, News), ("a", "dead", 10, Detail), ("a", "dead", 20, Detail)]);
    }

    #[test]
    fn a_cause_that_one_has_told_of_is_no_news_of_another() {
        check(&[("a", "dead", 0, News), ("b", "dead", 1, Detail)]);
    }

    #[test]
    fn another_cause_is_news() {
        check(&[("a", "dead", 0, News), ("a", "refused", 10, News), ("a", "dead", 20, Detail)]);
    }

    #[test]
    fn a_long_outage_is_one_story() {
        check(&[("a", "dead", 0, News), ("a", "dead", 100, Detail), ("a", "dead", 200, Detail)]);
    }

    #[test]
    fn a_cause_that_was_not_heard_of_for_a_while_is_news_again() {
        check(&[("a", "dead", 0, News), ("a", "dead", 120, News)]);
    }

    #[test]
    fn where_each_attempt_has_its_own_words_only_some_are_told() {
        let (mut told, begin) = (Told::default(), Instant::now());
        let loud = (0..100).filter(|each| told.failed(&"a", &each.to_string(), begin) == News);
        assert_eq!(loud.count(), MANY);
    }

    #[test]
    fn the_end_is_told_once_with_how_long_it_lasted_and_as_loudly_as_the_beginning() {
        let (mut told, begin) = (Told::default(), Instant::now());
        told.failed(&"a", "dead", begin);
        told.failed(&"a", "dead", at(10, begin));
        told.failed(&"b", "dead", at(10, begin));
        let after =
            |seconds, loudness| Some(Recovered { after: Duration::from_secs(seconds), loudness });
        assert_eq!(told.went_well(&"a", at(30, begin)), after(30, News));
        assert_eq!(told.went_well(&"b", at(30, begin)), after(20, Detail));
        assert_eq!(told.went_well(&"a", at(40, begin)), None);
    }

    #[test]
    fn what_comes_and_goes_is_told_once() {
        let (mut told, begin) = (Told::default(), Instant::now());
        let mut loud = 0;
        for second in 0..60 {
            loud += usize::from(told.failed(&"a", "cut off", at(second, begin)) == News);
            let end = told.went_well(&"a", at(second, begin)).expect("it had failed");
            loud += usize::from(end.loudness == News);
        }
        assert_eq!(loud, 2, "one beginning and its end");
    }
}
