//! Brings statuses to say what is true, as long as this replica leads.
//!
//! What is true comes from the core, what statuses say from the watches. The difference is worked off with bounded
//! concurrency: one write for each object, with the version that was seen; rendered again if somebody else was faster; and
//! none if the object says it already. Gaining the lease means "compare everything", and nothing more.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use contour_api::meta::Time;
use contour_builder::{Addresses, Conditions, Kind, ObjectRef};
use jiff::Timestamp;
use kube::Client;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::observed::{Observed, Seen};
use super::write::{WriteError, due, get, put};
use crate::client;
use crate::source::cluster::Pause;
use crate::told::{Loudness, Recovered, Told, say};

/// How many writes may be under way.
const CONCURRENCY: usize = 32;

/// How many objects are looked at in one go: others want to be heard, too.
const LOOKS: usize = 256;

/// How long to wait where we are not allowed to write: somebody has to change the rules first.
const FORBIDDEN_PAUSE: Duration = Duration::from_mins(1);

/// What is true of objects, as it changes: `None` for one that is gone or no longer ours.
pub type News = BTreeMap<ObjectRef, Option<Arc<Conditions>>>;

/// Where the writer learns what to write.
#[derive(Debug)]
pub struct Inputs {
    /// What is true.
    pub news: mpsc::Receiver<News>,
    /// What statuses say.
    pub observed: Arc<Observed>,
    /// Envoy's addresses; `None` as long as they are unknown.
    pub addresses: watch::Receiver<Option<Addresses>>,
    /// Whether this replica writes.
    pub leading: watch::Receiver<bool>,
}

/// What became of the status of one object that was looked at: for metrics.
#[derive(Debug)]
pub struct Written {
    /// Of which kind it is.
    pub kind: Kind,
    /// How long it took.
    pub took: Duration,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was written.
    Written,
    /// It says already what is true.
    Same,
    /// Somebody else was faster; it is rendered again.
    Conflict,
    /// The object is gone.
    Gone,
    /// It could not be written, and is tried again.
    Failed,
}

impl Outcome {
    fn of(result: &Result<(), WriteError>) -> Outcome {
        match result {
            Ok(()) => Outcome::Written,
            Err(WriteError::Conflict) => Outcome::Conflict,
            Err(WriteError::Gone) => Outcome::Gone,
            Err(WriteError::Api(_)) => Outcome::Failed,
        }
    }
}

/// Writes statuses until nothing can change any more. `tell` hears of each object that was looked at.
pub async fn run(client: Client, inputs: Inputs, tell: impl Fn(&Written)) {
    let Inputs { mut news, observed, mut addresses, mut leading } = inputs;
    let mut writer = Writer::new(client, Arc::clone(&observed));
    loop {
        let leads = *leading.borrow();
        if leads {
            writer.begin(addresses.borrow().as_ref(), &tell);
        }
        let (retry, more) = (writer.next_retry(), leads && writer.may_begin());
        tokio::select! {
            some = news.recv() => match some {
                Some(some) => writer.learn(some),
                None => return,
            },
            seen = observed.changed() => writer.dirty.extend(seen),
            () = changed(&mut addresses) => writer.look_at_all(),
            () = changed(&mut leading) => writer.look_at_all(),
            Some(done) = writer.writes.join_next() => match done {
                Ok(done) => writer.end(done, &tell),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => {} // nobody cancels one
            },
            () = until(retry) => writer.retry(),
            // There was more to look at than at once.
            () = std::future::ready(()), if more => {}
        }
    }
}

/// Waits for another value; for ever if nobody is left to give one.
async fn changed<T>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// A write that ended.
struct Done {
    object: ObjectRef,
    begin: Instant,
    result: Result<(), WriteError>,
}

/// An object whose status could not be written.
#[derive(Default)]
struct Retry {
    pause: Pause,
    at: Option<Instant>,
}

struct Writer {
    client: Client,
    observed: Arc<Observed>,
    /// What is true.
    desired: BTreeMap<ObjectRef, Arc<Conditions>>,
    /// Objects that may not say so.
    dirty: BTreeSet<ObjectRef>,
    in_flight: HashSet<ObjectRef>,
    retries: HashMap<ObjectRef, Retry>,
    writes: JoinSet<Done>,
    /// Kinds whose status we may not write, as was said.
    forbidden: BTreeSet<Kind>,
    /// What was said of an API server that takes no status.
    told: Told<()>,
}

impl Writer {
    fn new(client: Client, observed: Arc<Observed>) -> Writer {
        Writer {
            client,
            observed,
            desired: BTreeMap::new(),
            dirty: BTreeSet::new(),
            in_flight: HashSet::new(),
            retries: HashMap::new(),
            writes: JoinSet::new(),
            forbidden: BTreeSet::new(),
            told: Told::default(),
        }
    }

    fn learn(&mut self, news: News) {
        for (object, conditions) in news {
            match conditions {
                Some(conditions) => {
                    self.desired.insert(object.clone(), conditions);
                    self.dirty.insert(object);
                }
                None => self.forget(&object),
            }
        }
    }

    fn forget(&mut self, object: &ObjectRef) {
        self.desired.remove(object);
        self.dirty.remove(object);
        self.retries.remove(object);
    }

    fn look_at_all(&mut self) {
        self.dirty.extend(self.desired.keys().cloned());
    }

    fn may_begin(&self) -> bool {
        !self.dirty.is_empty() && self.in_flight.len() < CONCURRENCY
    }

    /// Looks at objects, and begins to write where they do not say what is true.
    fn begin(&mut self, addresses: Option<&Addresses>, tell: &impl Fn(&Written)) {
        for _ in 0..LOOKS {
            if !self.may_begin() {
                return;
            }
            let Some(object) = self.dirty.pop_first() else { return };
            // What is being written is looked at again when that has ended.
            let waits = self.retries.get(&object).is_some_and(|retry| retry.at.is_some());
            if waits || self.in_flight.contains(&object) {
                continue;
            }
            let begin = Instant::now();
            match self.due(&object, addresses) {
                Due::Unknown => {}
                Due::Nothing => {
                    let kind = object.kind;
                    tell(&Written { kind, took: begin.elapsed(), outcome: Outcome::Same });
                }
                Due::Write(seen, status) => self.write(object, begin, seen, status),
            }
        }
    }

    fn due(&self, object: &ObjectRef, addresses: Option<&Addresses>) -> Due {
        let (Some(conditions), Some(seen)) = (self.desired.get(object), self.observed.get(object))
        else {
            return Due::Unknown;
        };
        // Its author has changed it, and what is true of that is yet to be learned.
        if seen.generation > conditions.generation {
            return Due::Unknown;
        }
        match due(object, conditions, addresses, &seen, &Time(Timestamp::now())) {
            Some(status) => Due::Write(seen, status),
            None => Due::Nothing,
        }
    }

    fn write(&mut self, object: ObjectRef, begin: Instant, seen: Seen, status: Value) {
        self.in_flight.insert(object.clone());
        let (client, observed) = (self.client.clone(), Arc::clone(&self.observed));
        self.writes.spawn(async move {
            let result = write(&client, &object, &seen, status, &observed).await;
            Done { object, begin, result }
        });
    }

    fn end(&mut self, done: Done, tell: &impl Fn(&Written)) {
        let Done { object, begin, result } = done;
        self.in_flight.remove(&object);
        let outcome = Outcome::of(&result);
        tell(&Written { kind: object.kind, took: begin.elapsed(), outcome });
        match result {
            Ok(()) => {
                self.report_success();
                self.retries.remove(&object);
                self.dirty.insert(object); // it may have changed meanwhile
            }
            Err(WriteError::Gone) => self.forget(&object),
            Err(WriteError::Conflict) => {
                self.dirty.insert(object);
            }
            Err(WriteError::Api(error)) => self.put_off(object, &error),
        }
    }

    fn put_off(&mut self, object: ObjectRef, error: &kube::Error) {
        let forbidden = matches!(error, kube::Error::Api(status) if status.code == 403);
        let retry = self.retries.entry(object.clone()).or_default();
        let first = retry.pause.is_first();
        let wait = retry.pause.next();
        retry.at = Some(Instant::now() + if forbidden { FORBIDDEN_PAUSE } else { wait });
        let ObjectRef { kind, name } = &object;
        let (namespace, name, words) = (&name.namespace, &name.name, client::words(error));
        let loudness = if forbidden {
            // One line for the kind; its objects fare alike.
            loud_if(self.forbidden.insert(*kind))
        } else if is_of_object(error) {
            loud_if(first)
        } else {
            self.told.failed(&(), &words, Instant::now())
        };
        let what = if forbidden {
            "not allowed to write the status"
        } else {
            "status not written; it is tried again"
        };
        say!(loudness, warn, %kind, %namespace, %name, error = words, "{what}");
    }

    fn report_success(&mut self) {
        if let Some(Recovered { after, loudness }) = self.told.went_well(&(), Instant::now()) {
            say!(loudness, info, seconds = after.as_secs(), "statuses are written again");
        }
    }

    fn next_retry(&self) -> Option<Instant> {
        self.retries.values().filter_map(|retry| retry.at).min()
    }

    fn retry(&mut self) {
        let now = Instant::now();
        for (object, retry) in &mut self.retries {
            if retry.at.is_some_and(|at| at <= now) {
                retry.at = None;
                self.dirty.insert(object.clone());
            }
        }
    }
}

/// Whether the server has something against one object. Otherwise others will fare alike, and are not told one by one.
fn is_of_object(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    matches!(status.code, 400..500) && !matches!(status.code, 401 | 429)
}

fn loud_if(news: bool) -> Loudness {
    if news { Loudness::News } else { Loudness::Detail }
}

/// What is to be done about an object.
enum Due {
    /// Not known yet.
    Unknown,
    /// Nothing: it says what is true.
    Nothing,
    /// To write this over what was seen.
    Write(Seen, Value),
}

/// Writes a status, and notes what the object says afterwards: also if somebody else was faster.
async fn write(
    client: &Client,
    object: &ObjectRef,
    seen: &Seen,
    status: Value,
    observed: &Observed,
) -> Result<(), WriteError> {
    match put(client, object, seen, status).await {
        Ok(written) => {
            observed.learn(object.clone(), written);
            Ok(())
        }
        Err(WriteError::Conflict) => {
            observed.learn(object.clone(), get(client, object).await?);
            Err(WriteError::Conflict)
        }
        Err(error) => Err(error),
    }
}
