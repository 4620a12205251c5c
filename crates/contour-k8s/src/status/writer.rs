//! Brings statuses to say what is true, as long as this replica leads.
//!
//! What is true comes from the core, what statuses say from the watches. The difference is worked off with bounded
//! concurrency: one write for each object, with the version that was seen; rendered again if somebody else was faster; and
//! none if the object says it already. Gaining the lease means "compare everything", and nothing more; losing it ends what
//! is under way.

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
use super::schedule::{Forbidden, Waiting};
use super::write::{WriteError, due, get, put};
use crate::client;
use crate::told::{Loudness, Recovered, Told, say};

/// How many writes may be under way.
const CONCURRENCY: usize = 32;

/// How many objects are looked at in one go: others want to be heard, too.
const LOOKS: usize = 256;

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
    /// `None` if it was only read.
    fn of(result: &Result<Did, WriteError>) -> Option<Outcome> {
        Some(match result {
            Ok(Did::Read) => return None,
            Ok(Did::Write(_)) => Outcome::Written,
            Err(WriteError::Conflict) => Outcome::Conflict,
            Err(WriteError::Gone) => Outcome::Gone,
            Err(WriteError::Api(_)) => Outcome::Failed,
        })
    }
}

/// Writes statuses until nothing can change any more. `tell` hears of each object that was looked at.
pub async fn run(client: Client, inputs: Inputs, tell: impl Fn(&Written)) {
    let Inputs { mut news, observed, mut addresses, mut leading } = inputs;
    let mut writer = Writer::new(client, Arc::clone(&observed));
    loop {
        writer.lead(*leading.borrow_and_update());
        writer.begin(addresses.borrow_and_update().as_ref(), &tell);
        let (wake, more) = (writer.next_wake(), writer.may_begin());
        tokio::select! {
            some = news.recv() => match some {
                Some(some) => writer.learn(some),
                None => return,
            },
            seen = observed.changed() => writer.look_at(seen),
            () = changed(&mut addresses) => writer.look_at_all(),
            () = changed(&mut leading) => {}
            Some(done) = writer.writes.join_next() => match done {
                Ok(done) => writer.end(done, &tell),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => {} // it was ended with our leadership
            },
            () = until(wake) => writer.wake(),
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

/// A request that ended.
struct Done {
    object: ObjectRef,
    begin: Instant,
    result: Result<Did, WriteError>,
}

/// What a request did.
enum Did {
    /// It read what was not known.
    Read,
    /// It wrote what follows from these conditions.
    Write(Arc<Conditions>),
}

struct Writer {
    client: Client,
    observed: Arc<Observed>,
    leads: bool,
    /// What is true.
    desired: BTreeMap<ObjectRef, Arc<Conditions>>,
    /// Objects that may not say so. Empty if we do not lead.
    dirty: BTreeSet<ObjectRef>,
    in_flight: HashSet<ObjectRef>,
    writes: JoinSet<Done>,
    /// What could not be written, or somebody else was faster again and again.
    retries: Waiting,
    /// What said something else soon after we had written it: somebody else writes it, too.
    rivals: Waiting,
    /// From what each status follows that we have written.
    wrote: HashMap<ObjectRef, Arc<Conditions>>,
    forbidden: Forbidden,
    /// Kinds whose status we may not write, as was said.
    told_forbidden: BTreeSet<Kind>,
    /// What was said of an API server that takes no status.
    told: Told<()>,
}

impl Writer {
    fn new(client: Client, observed: Arc<Observed>) -> Writer {
        Writer {
            client,
            observed,
            leads: false,
            desired: BTreeMap::new(),
            dirty: BTreeSet::new(),
            in_flight: HashSet::new(),
            writes: JoinSet::new(),
            retries: Waiting::default(),
            rivals: Waiting::default(),
            wrote: HashMap::new(),
            forbidden: Forbidden::default(),
            told_forbidden: BTreeSet::new(),
            told: Told::default(),
        }
    }

    /// We lead, or do so no longer: then what is under way is ended, since another replica may write by now.
    fn lead(&mut self, leads: bool) {
        if std::mem::replace(&mut self.leads, leads) == leads {
            return;
        }
        if leads {
            self.look_at_all();
        } else {
            self.dirty.clear();
            self.in_flight.clear();
            self.writes.abort_all();
        }
    }

    fn learn(&mut self, news: News) {
        for (object, conditions) in news {
            match conditions {
                Some(conditions) => {
                    self.desired.insert(object.clone(), conditions);
                    self.look_at([object]);
                }
                None => self.forget(&object),
            }
        }
    }

    fn forget(&mut self, object: &ObjectRef) {
        self.desired.remove(object);
        self.dirty.remove(object);
        self.wrote.remove(object);
        self.retries.forget(object);
        self.rivals.forget(object);
        self.forbidden.forget(object);
    }

    fn look_at(&mut self, objects: impl IntoIterator<Item = ObjectRef>) {
        if self.leads {
            let ours = objects.into_iter().filter(|object| self.desired.contains_key(object));
            self.dirty.extend(ours);
        }
    }

    /// Something changed that all statuses speak of.
    fn look_at_all(&mut self) {
        self.wrote.clear();
        if self.leads {
            self.dirty.extend(self.desired.keys().cloned());
        }
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
            if self.in_flight.contains(&object)
                || self.retries.waits(&object)
                || self.rivals.waits(&object)
                || self.forbidden.holds_back(&object)
            {
                continue;
            }
            let begin = Instant::now();
            match self.due(&object, addresses) {
                Due::Unknown => {}
                Due::Nothing => {
                    let kind = object.kind;
                    tell(&Written { kind, took: begin.elapsed(), outcome: Outcome::Same });
                }
                Due::Read => self.read(object, begin),
                Due::Write(_, _, conditions) if self.is_rivalled(&object, &conditions) => {
                    self.give_way(&object, begin);
                }
                Due::Write(seen, status, conditions) => {
                    self.write(object, begin, (seen, status, conditions));
                }
            }
        }
    }

    fn due(&self, object: &ObjectRef, addresses: Option<&Addresses>) -> Due {
        let (Some(conditions), Some(seen)) = (self.desired.get(object), self.observed.get(object))
        else {
            return Due::Unknown;
        };
        // It is another one by now, or its author has changed it, and what is true of that is yet to be learned.
        if seen.revision != conditions.revision {
            return Due::Unknown;
        }
        let Some(status) = &seen.status else { return Due::Read };
        match due(object, conditions, addresses, status, &Time(Timestamp::now())) {
            Some(status) => Due::Write(seen, status, Arc::clone(conditions)),
            None => Due::Nothing,
        }
    }

    fn read(&mut self, object: ObjectRef, begin: Instant) {
        self.in_flight.insert(object.clone());
        let (client, observed) = (self.client.clone(), Arc::clone(&self.observed));
        self.writes.spawn(async move {
            let result = get(&client, &object).await;
            let result = result.map(|seen| observed.learn(object.clone(), seen));
            Done { object, begin, result: result.map(|()| Did::Read) }
        });
    }

    fn write(
        &mut self,
        object: ObjectRef,
        begin: Instant,
        (seen, status, conditions): (Seen, Value, Arc<Conditions>),
    ) {
        self.in_flight.insert(object.clone());
        let (client, observed) = (self.client.clone(), Arc::clone(&self.observed));
        self.writes.spawn(async move {
            let result = write(&client, &object, &seen, status, &observed).await;
            Done { object, begin, result: result.map(|()| Did::Write(conditions)) }
        });
    }

    /// Whether the status does not say what we have written, though the same is true.
    fn is_rivalled(&self, object: &ObjectRef, conditions: &Arc<Conditions>) -> bool {
        self.wrote.get(object).is_some_and(|wrote| Arc::ptr_eq(wrote, conditions))
    }

    /// Waits before a status is written once more that somebody else has changed: two that both insist would keep the API
    /// server busy.
    fn give_way(&mut self, object: &ObjectRef, now: Instant) {
        let loudness = loud_if(self.rivals.put_off(object, now));
        let ObjectRef { kind, name } = object;
        let (namespace, name) = (&name.namespace, &name.name);
        say!(loudness, warn, %kind, %namespace, %name, "someone else changes the status that was written; it is written again");
    }

    fn end(&mut self, done: Done, tell: &impl Fn(&Written)) {
        let Done { object, begin, result } = done;
        self.in_flight.remove(&object);
        if let Some(outcome) = Outcome::of(&result) {
            tell(&Written { kind: object.kind, took: begin.elapsed(), outcome });
        }
        match result {
            Ok(did) => {
                self.report_success();
                self.retries.forget(&object);
                if let Did::Write(conditions) = did {
                    self.wrote.insert(object.clone(), conditions);
                }
                self.look_at([object]); // it may have changed meanwhile
            }
            Err(WriteError::Gone) => self.forget(&object),
            Err(WriteError::Conflict) => {
                // Once is chance.
                if self.retries.put_off(&object, Instant::now()) {
                    self.retries.take_out(&object);
                    self.look_at([object]);
                }
            }
            Err(WriteError::Api(error)) => self.put_off(object, &error),
        }
    }

    fn put_off(&mut self, object: ObjectRef, error: &kube::Error) {
        if !self.desired.contains_key(&object) {
            return;
        }
        let now = Instant::now();
        let forbidden = matches!(error, kube::Error::Api(status) if status.code == 403);
        let ObjectRef { kind, name } = &object;
        let (namespace, name, words) = (&name.namespace, &name.name, client::words(error));
        if forbidden {
            // One line for the kind; its objects fare alike.
            let loudness = loud_if(self.told_forbidden.insert(*kind));
            say!(loudness, warn, %kind, %namespace, %name, error = words, "not allowed to write the status");
            self.forbidden.close(object, now);
            return;
        }
        let first = self.retries.put_off(&object, now);
        let loudness =
            if is_of_object(error) { loud_if(first) } else { self.told.failed(&(), &words, now) };
        say!(loudness, warn, %kind, %namespace, %name, error = words, "status not written; it is tried again");
    }

    fn report_success(&mut self) {
        if let Some(Recovered { after, loudness }) = self.told.went_well(&(), Instant::now()) {
            say!(loudness, info, seconds = after.as_secs(), "statuses are written again");
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        [self.retries.next(), self.rivals.next(), self.forbidden.next()].into_iter().flatten().min()
    }

    fn wake(&mut self) {
        let now = Instant::now();
        let retries = self.retries.take(now);
        self.look_at(retries);
        let rivalled = self.rivals.take(now);
        for object in &rivalled {
            self.wrote.remove(object);
        }
        self.look_at(rivalled);
        let forbidden = self.forbidden.take(now);
        self.look_at(forbidden);
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
    /// To read what it says.
    Read,
    /// To write this over what was seen, since that is true.
    Write(Seen, Value, Arc<Conditions>),
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
