//! Where the control loop and the streams meet: what is served, who follows it, and what Envoys said to it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contour_xds::awaited::{Awaited, Part};
use contour_xds::cache::{Publication, Published};
use contour_xds::exchange::{Interest, InterestChange, View};
use contour_xds::progress::Progress;
use contour_xds::refusals::{Mark, Refusals};
use contour_xds::resource::Dialect;
use contour_xds::snapshot::Snapshot;
use contour_xds::stream::Standing;
use contour_xds::subscribers::Subscribers;
use contour_xds::time::Moment;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::peers::Peers;

/// A stream, as long as this process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u64);

/// What is served, and to whom.
#[derive(Debug)]
pub struct Hub {
    origin: Instant,
    aggregated: Served,
    separate: Served,
    /// Locked after the state of a dialect, never before.
    awaited: Mutex<Awaited<StreamId>>,
    peers: Peers,
    ending: AtomicBool,
}

/// One dialect.
#[derive(Debug)]
struct Served {
    state: Mutex<State>,
    /// Whether there is a snapshot yet.
    spoken: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    snapshot: Arc<Snapshot>,
    refusals: Refusals,
    subscribers: Subscribers<StreamId>,
    progress: Progress<StreamId>,
    streams: HashMap<StreamId, Arc<Notify>>,
    opened: u64,
}

/// What a stream sees when it is called.
#[derive(Debug)]
pub struct Sight {
    snapshot: Arc<Snapshot>,
    refusals: Refusals,
    now: Moment,
}

impl Sight {
    /// What is published.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// As the protocol takes it.
    pub fn view(&self) -> View<'_> {
        View { snapshot: &self.snapshot, refusals: &self.refusals, now: self.now }
    }
}

/// What came of what a stream told.
#[derive(Debug, PartialEq, Eq)]
pub struct Noted {
    /// Whether something newer was published meanwhile: then nobody wakes the stream for what it followed only now, and it has
    /// to look again.
    pub newer: bool,
    /// How long changes took that everyone has accepted now.
    pub accepted: Vec<Duration>,
}

/// What a stream has to tell after it was called.
#[derive(Debug, Default)]
pub struct Told {
    /// What it learned.
    pub marks: Vec<Mark>,
    /// What it began or ceased to follow.
    pub interests: Vec<InterestChange>,
    /// What its client has not accepted; `None`: about what it told last.
    pub standing: Option<Standing>,
}

impl Default for Hub {
    fn default() -> Hub {
        let served = || Served { state: Mutex::default(), spoken: watch::Sender::new(false) };
        Hub {
            origin: Instant::now(),
            aggregated: served(),
            separate: served(),
            awaited: Mutex::default(),
            peers: Peers::default(),
            ending: AtomicBool::new(false),
        }
    }
}

impl Hub {
    /// Now, as the protocol counts time.
    pub fn now(&self) -> Moment {
        Moment(self.origin.elapsed())
    }

    /// Waits until then; for ever without a time.
    pub async fn sleep_until(&self, moment: Option<Moment>) {
        match moment {
            Some(moment) => sleep_until(self.origin + moment.0).await,
            None => std::future::pending().await,
        }
    }

    /// Takes over what is served now, and wakes the streams that it concerns. Answers how many these are.
    pub fn publish(&self, published: Published) -> usize {
        self.publish_in(Dialect::Aggregated, published.aggregated)
            + self.publish_in(Dialect::Separate, published.separate)
    }

    /// The same of what a change led to that came at this time. How long it takes until everyone whom it concerns has
    /// accepted it is told with [`Hub::note`] and [`Hub::close`].
    pub fn publish_change(&self, published: Published, since: Moment) {
        let mut aggregated = self.state(Dialect::Aggregated);
        let mut separate = self.state(Dialect::Separate);
        let parts = [
            published
                .aggregated
                .map(|each| self.take_over(Dialect::Aggregated, &mut aggregated, each)),
            published.separate.map(|each| self.take_over(Dialect::Separate, &mut separate, each)),
        ];
        // Nobody can have accepted it yet: to say so takes one of the locks.
        self.awaited().published(since, parts.into_iter().flatten().collect());
    }

    /// Takes over what is served now in one dialect, and wakes the streams that it concerns. Answers how many these are.
    pub fn publish_in(&self, dialect: Dialect, publication: Option<Publication>) -> usize {
        let Some(publication) = publication else { return 0 };
        let mut state = self.state(dialect);
        self.take_over(dialect, &mut state, publication).concerned.len()
    }

    fn take_over(
        &self,
        dialect: Dialect,
        state: &mut State,
        publication: Publication,
    ) -> Part<StreamId> {
        state.refusals.published(&publication);
        let Publication { snapshot, changed } = publication;
        let concerned = state.subscribers.concerned(&changed);
        let epoch = snapshot.epoch;
        state.progress.published(epoch, concerned.iter().copied());
        state.snapshot = snapshot;
        for id in &concerned {
            if let Some(stream) = state.streams.get(id) {
                stream.notify_one();
            }
        }
        self.served(dialect).spoken.send_replace(true);
        Part { dialect, epoch, changed, concerned }
    }

    /// Whether a dialect is served.
    pub fn is_spoken(&self, dialect: Dialect) -> bool {
        *self.served(dialect).spoken.borrow()
    }

    /// Waits until a dialect is served.
    pub async fn spoken(&self, dialect: Dialect) {
        let mut spoken = self.served(dialect).spoken.subscribe();
        // The sender lives as long as the hub.
        let _ = spoken.wait_for(|spoken| *spoken).await;
    }

    /// Begins a stream. The second value wakes it.
    pub fn open(&self, dialect: Dialect) -> (StreamId, Arc<Notify>) {
        let mut state = self.state(dialect);
        state.opened += 1;
        let id = StreamId(state.opened);
        let wake = Arc::new(Notify::new());
        state.streams.insert(id, Arc::clone(&wake));
        (id, wake)
    }

    /// What is served now.
    pub fn look(&self, dialect: Dialect) -> Sight {
        let state = self.state(dialect);
        let (snapshot, refusals) = (Arc::clone(&state.snapshot), state.refusals.clone());
        Sight { snapshot, refusals, now: self.now() }
    }

    /// Takes note of what a stream told after it was shown `sight`.
    pub fn note(&self, dialect: Dialect, id: StreamId, told: Told, sight: &Sight) -> Noted {
        let mut state = self.state(dialect);
        told.marks.into_iter().for_each(|mark| state.refusals.note(mark));
        told.interests.iter().for_each(|change| state.subscribers.note(id, change));
        let mut accepted = Vec::new();
        if let Some(standing) = told.standing {
            accepted = self.awaited().reported(dialect, &id, &standing);
            state.progress.reported(id, standing);
        }
        let newer = state.snapshot.epoch != sight.snapshot.epoch;
        Noted { newer, accepted: self.ago(&accepted) }
    }

    /// Ends a stream, which followed these and leaves behind what it does not know about its client. Answers how long changes
    /// took that everyone who is left has accepted.
    pub fn close(
        &self,
        dialect: Dialect,
        id: StreamId,
        interests: impl Iterator<Item = Interest>,
        marks: Vec<Mark>,
    ) -> Vec<Duration> {
        let mut state = self.state(dialect);
        for mark in marks {
            state.refusals.note(mark);
        }
        state.subscribers.forget(id, interests);
        state.progress.closed(&id);
        state.streams.remove(&id);
        let accepted = self.awaited().closed(dialect, &id);
        self.ago(&accepted)
    }

    fn ago(&self, moments: &[Moment]) -> Vec<Duration> {
        let now = self.now();
        moments.iter().map(|moment| now.0.saturating_sub(moment.0)).collect()
    }

    /// Who is connected.
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// How many streams of a dialect are open.
    pub fn streams(&self, dialect: Dialect) -> usize {
        self.state(dialect).streams.len()
    }

    /// How many streams of a dialect have something to accept yet.
    pub fn unsettled(&self, dialect: Dialect) -> usize {
        self.state(dialect).progress.unsettled()
    }

    /// From now on each stream ends as soon as its client has answered everything.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
        for dialect in Dialect::ALL {
            self.state(dialect).streams.values().for_each(|stream| stream.notify_one());
        }
    }

    /// Whether streams are to end.
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Whether every connected Envoy has accepted everything that was published. True without Envoys.
    pub fn settled(&self) -> bool {
        Dialect::ALL.into_iter().all(|dialect| self.unsettled(dialect) == 0)
    }

    fn served(&self, dialect: Dialect) -> &Served {
        match dialect {
            Dialect::Aggregated => &self.aggregated,
            Dialect::Separate => &self.separate,
        }
    }

    fn awaited(&self) -> MutexGuard<'_, Awaited<StreamId>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream that panics leaves nothing half made: what is done under the lock cannot.
    fn state(&self, dialect: Dialect) -> MutexGuard<'_, State> {
        self.served(dialect).state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
