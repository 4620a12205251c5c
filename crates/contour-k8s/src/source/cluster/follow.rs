//! One watch: a kind, in one namespace or in all of them.
//!
//! `kube`'s own watcher does not say when a streaming list begins anew after it was cut off, so that what was deleted
//! meanwhile could not be told from what is there. Hence the loop of lists and watches is written out here.

use std::pin::pin;
use std::time::Duration;

use contour_builder::{Change, ObjectName, ObjectRef, Problem, Reason, Revision};
use futures_util::{Stream, StreamExt as _};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::{ApiResource, DeserializeGuard};
use kube::{Api, Client, Resource, ResourceExt as _};
use tokio::time::{Instant, sleep, timeout};
use xxhash_rust::xxh3::xxh3_64;

use super::discovery::{Served, served};
use super::health::{Permission, Reporter, Standing, WatchKey};
use super::kinds::Watched;
use super::known::{Known, News};
use super::pause::{LONGEST, Pause};
use super::sink::Sink;
use crate::client;
use crate::source::relist::Version;
use crate::told::{Recovered, say};

/// How many objects a page of a list has.
const PAGE: u32 = 500;

/// How many events are handed over at once, at most.
const BATCH: usize = 512;

/// After how long the server ends a watch, in seconds.
const WATCH_SECONDS: u32 = 290;

/// How long a watch may be silent before another is asked for, which the server has to answer: the server sends a bookmark
/// each minute.
const SILENCE: Duration = Duration::from_secs(150);

/// How long a healthy API server must have lacked a kind before its objects are given up.
const LACKING: Duration = Duration::from_mins(1);

/// A watch that ends well within this time is not asked for again at once.
const BRIEF: Duration = Duration::from_secs(1);

/// The annotation of the bookmark that ends a streaming list.
const LIST_ENDS: &str = "k8s.io/initial-events-end";

/// How a complete list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listing {
    /// As the beginning of a watch.
    Streamed,
    /// In pages: for servers without streaming lists (Kubernetes before 1.32, mostly).
    Paged,
}

/// Why a list or a watch ended.
#[derive(Debug)]
enum Interrupted {
    /// It has to be listed again: what we know is too old.
    Expired,
    /// The API server said no.
    Refused(Box<kube::core::Status>),
    /// It did not answer, or not so that it could be understood.
    Failed(String),
    /// Nobody listens any more.
    Closed,
}

impl Interrupted {
    fn of(error: kube::Error) -> Interrupted {
        match error {
            kube::Error::Api(status) => Interrupted::of_status(status),
            other => Interrupted::Failed(client::words(&other)),
        }
    }

    fn of_status(status: Box<kube::core::Status>) -> Interrupted {
        if status.code == 410 { Interrupted::Expired } else { Interrupted::Refused(status) }
    }
}

/// One watch, and what is known by it.
pub(super) struct Follower<K> {
    client: Client,
    api: Api<DeserializeGuard<K>>,
    key: WatchKey,
    known: Known,
    listing: Listing,
    sink: Sink,
    reporter: Reporter,
    /// Since when a healthy server lacks the kind, as far as it was asked without interruption.
    lacking: Option<Instant>,
    /// When the last list was complete.
    listed: Option<Instant>,
    /// Whether the server has answered the present request.
    answered: bool,
}

impl<K: Watched> Follower<K> {
    pub(super) fn new(
        client: Client,
        namespace: Option<String>,
        sink: Sink,
        reporter: Reporter,
    ) -> Follower<K> {
        let api = match &namespace {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        };
        Follower {
            client,
            api,
            key: (K::KIND, namespace),
            known: Known::default(),
            listing: Listing::Streamed,
            sink,
            reporter,
            lacking: None,
            listed: None,
            answered: false,
        }
    }

    /// Tells what is there, and from then on what becomes of it. Ends when nobody listens any more.
    pub(super) async fn run(mut self) {
        let mut pause = Pause::default();
        // The version to watch from; none: list first.
        let mut version = None;
        loop {
            let (begin, lists) = (Instant::now(), version.is_none());
            self.answered = false;
            let ended = match &mut version {
                None => self.list().await.map(|listed| version = Some(listed)),
                Some(seen) => self.watch(seen).await,
            };
            // What went on for a while says that the server is well.
            if self.answered && begin.elapsed() > LONGEST {
                pause.reset();
            }
            let lacking = std::mem::take(&mut self.lacking);
            let wait = match ended {
                // What is listed is watched at once: what changes meanwhile would be known late.
                Ok(()) if lists || begin.elapsed() > BRIEF => Duration::ZERO,
                Ok(()) => pause.next(),
                Err(Interrupted::Closed) => return,
                Err(Interrupted::Expired) => {
                    version = None;
                    // Not again and again.
                    let fresh = self.listed.is_some_and(|listed| listed.elapsed() < LONGEST);
                    if lists || fresh { pause.next() } else { Duration::ZERO }
                }
                Err(Interrupted::Refused(status)) => {
                    version = version.filter(|_| !matches!(status.code, 403 | 404));
                    self.lacking = lacking.filter(|_| status.code == 404);
                    self.refused(*status).await.max(pause.next())
                }
                Err(Interrupted::Failed(error)) => {
                    self.reporter.failed();
                    let loudness = self.reporter.interrupted(&self.key, &error);
                    say!(loudness, warn, resource = resource::<K>(), error, "watch interrupted");
                    pause.next()
                }
            };
            sleep(wait).await;
        }
    }

    /// Tells everything there is. Returns the version to watch from; after a streaming list the watch goes on as a new one.
    async fn list(&mut self) -> Result<String, Interrupted> {
        self.known.begin();
        let listed = match self.listing {
            Listing::Streamed => self.stream_list().await,
            Listing::Paged => self.page_list().await,
        };
        let version = match listed {
            // Servers that do not know streaming lists, or have them switched off, say that the request is invalid.
            Err(Interrupted::Refused(status))
                if self.listing == Listing::Streamed && matches!(status.code, 400 | 422) =>
            {
                self.listing = Listing::Paged;
                self.known.begin();
                self.page_list().await?
            }
            listed => listed?,
        };
        let gone = self.known.finish();
        self.delete(gone).await?;
        self.listed = Some(Instant::now());
        self.sink.listed(&self.key);
        self.reporter.stands(&self.key, Standing::Synced);
        self.goes_on();
        Ok(version)
    }

    async fn stream_list(&mut self) -> Result<String, Interrupted> {
        let mut params = watch_params::<K>();
        params.send_initial_events = true;
        // No version: at least as new as when it is asked for, so that another server's older memory is not believed.
        let stream = self.api.watch(&params, "").await.map_err(Interrupted::of)?;
        self.hears();
        let mut seen = String::new();
        match self.take_all(stream, &mut seen, Until::ListEnds).await? {
            Ended::List => Ok(seen),
            Ended::Stream => {
                Err(Interrupted::Failed("the list ended before it was complete".to_owned()))
            }
        }
    }

    async fn page_list(&mut self) -> Result<String, Interrupted> {
        let mut params = ListParams {
            field_selector: K::FIELDS.map(str::to_owned),
            ..ListParams::default().limit(PAGE)
        };
        loop {
            let page = self.api.list(&params).await.map_err(Interrupted::of)?;
            self.hears();
            let changes = page.items.into_iter().filter_map(|item| self.applied(item)).collect();
            self.send(changes).await?;
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(page.metadata.resource_version.unwrap_or_default()),
            }
        }
    }

    /// Tells what changes from a version on, which it brings up to date. Ends well when the server ends the watch.
    async fn watch(&mut self, seen: &mut String) -> Result<(), Interrupted> {
        let params = watch_params::<K>();
        let stream = self.api.watch(&params, seen).await.map_err(Interrupted::of)?;
        self.hears();
        self.goes_on();
        self.take_all(stream, seen, Until::End).await.map(drop)
    }

    /// The server answers, and not with a refusal.
    fn hears(&mut self) {
        self.answered = true;
        self.reporter.answered();
    }

    fn goes_on(&self) {
        if let Some(Recovered { after, loudness }) = self.reporter.goes_on(&self.key) {
            let seconds = after.as_secs();
            say!(loudness, info, resource = resource::<K>(), seconds, "watch goes on");
        }
    }

    /// Takes what a stream brings, everything that waits at once.
    async fn take_all(
        &mut self,
        stream: impl Stream<Item = kube::Result<WatchEvent<DeserializeGuard<K>>>>,
        seen: &mut String,
        until: Until,
    ) -> Result<Ended, Interrupted> {
        let mut batches = pin!(stream.ready_chunks(BATCH));
        loop {
            // A watch that is silent for too long has ended for us.
            let Ok(Some(batch)) = timeout(SILENCE, batches.next()).await else {
                return Ok(Ended::Stream);
            };
            let mut changes = Vec::with_capacity(batch.len());
            let mut ended = Ok(None);
            for event in batch {
                ended = self.take(event, seen, until, &mut changes);
                if !matches!(ended, Ok(None)) {
                    break;
                }
            }
            self.send(changes).await?;
            if let Some(ended) = ended? {
                return Ok(ended);
            }
        }
    }

    fn take(
        &mut self,
        event: kube::Result<WatchEvent<DeserializeGuard<K>>>,
        seen: &mut String,
        until: Until,
        changes: &mut Vec<Change>,
    ) -> Result<Option<Ended>, Interrupted> {
        match event.map_err(Interrupted::of)? {
            WatchEvent::Added(item) | WatchEvent::Modified(item) => {
                note(seen, item.meta().resource_version.as_deref());
                changes.extend(self.applied(item));
            }
            WatchEvent::Deleted(item) => {
                note(seen, item.meta().resource_version.as_deref());
                let object = reference(&item);
                self.known.forget(&object);
                self.sink.forget(&object);
                changes.push(Change::Delete(object));
            }
            WatchEvent::Bookmark(bookmark) => {
                note(seen, Some(&bookmark.metadata.resource_version));
                let ends = bookmark.metadata.annotations.contains_key(LIST_ENDS);
                if ends && until == Until::ListEnds {
                    return Ok(Some(Ended::List));
                }
            }
            WatchEvent::Error(status) => return Err(Interrupted::of_status(status)),
        }
        Ok(None)
    }

    /// The change that an object means, unless it is known as it is.
    fn applied(&mut self, item: DeserializeGuard<K>) -> Option<Change> {
        let object = reference(&item);
        let text = item.meta().resource_version.as_deref().unwrap_or_default();
        if self.known.see(object.clone(), Version(xxh3_64(text.as_bytes()))) == News::Same {
            return None;
        }
        Some(match item.0 {
            Ok(item) => {
                self.sink.notice(&object, &item);
                Change::Apply(item.object())
            }
            Err(invalid) => {
                self.sink.notice_unread::<K>(&object, &invalid.metadata);
                let ObjectRef { kind, name } = &object;
                let (namespace, name) = (&name.namespace, &name.name);
                let error = K::unreadable(&invalid.error);
                tracing::warn!(%kind, %namespace, %name, %error, "an object cannot be read; what it was before is served");
                let message = format!("the object cannot be read: {error}");
                let problem = Problem::new(Reason::Unreadable, message);
                Change::Unreadable(object, Revision::of(&invalid.metadata), problem)
            }
        })
    }

    async fn delete(&mut self, gone: Vec<ObjectRef>) -> Result<(), Interrupted> {
        for object in &gone {
            self.sink.forget(object);
        }
        self.send(gone.into_iter().map(Change::Delete).collect()).await
    }

    async fn send(&mut self, changes: Vec<Change>) -> Result<(), Interrupted> {
        if changes.is_empty() {
            return Ok(());
        }
        self.sink.changes(changes).await.map_err(|_| Interrupted::Closed)
    }

    /// Notes why the server refused, and answers how long it wants us to wait.
    async fn refused(&mut self, status: kube::core::Status) -> Duration {
        self.reporter.answered();
        match status.code {
            403 => self.forbidden(&status),
            404 => self.lacks().await,
            code => {
                let (resource, error) = (resource::<K>(), &status.message);
                let loudness = self.reporter.interrupted(&self.key, &format!("{code}: {error}"));
                say!(loudness, warn, resource, code, error, "watch refused");
            }
        }
        let wanted = status.details.map_or(0, |details| details.retry_after_seconds);
        Duration::from_secs(wanted.into())
    }

    /// We may not read the kind. What we know of it stays.
    fn forbidden(&self, status: &kube::core::Status) {
        let (_, namespace) = &self.key;
        let permission = Permission { resource: resource::<K>(), namespace: namespace.clone() };
        if self.reporter.stands(&self.key, Standing::Forbidden(permission.clone())) {
            tracing::warn!(needs = %permission, error = %status.message, "not allowed to read");
        }
    }

    /// The server says that it has no such kind. A server that is starting, or one of several that lags behind, may say so
    /// too: only if it is well and has lacked the kind for a while is what we know of it given up.
    async fn lacks(&mut self) {
        let resource = resource::<K>();
        if !matches!(served(&self.client, &ApiResource::erase::<K>(&())).await, Ok(Served::No)) {
            self.lacking = None;
            return;
        }
        let since = *self.lacking.get_or_insert_with(Instant::now);
        if self.known.is_empty() || since.elapsed() >= LACKING {
            let gone = self.known.clear();
            // A closed channel shows with the next list.
            let _ = self.delete(gone).await;
            if self.reporter.stands(&self.key, Standing::Absent) {
                tracing::warn!(resource, "not served by the API server; it is looked for again");
            }
        }
    }
}

fn watch_params<K: Watched>() -> WatchParams {
    let field_selector = K::FIELDS.map(str::to_owned);
    WatchParams { field_selector, ..WatchParams::default().timeout(WATCH_SECONDS) }
}

/// The plural name of a kind, as RBAC rules have it.
fn resource<K: Watched>() -> String {
    match &*K::group(&()) {
        "" => K::plural(&()).into_owned(),
        group => format!("{}.{group}", K::plural(&())),
    }
}

/// Until when events are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    ListEnds,
    End,
}

/// What ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    List,
    Stream,
}

fn note(seen: &mut String, version: Option<&str>) {
    if let Some(version) = version.filter(|version| !version.is_empty()) {
        seen.clear();
        seen.push_str(version);
    }
}

fn reference<K: Watched>(item: &DeserializeGuard<K>) -> ObjectRef {
    let namespace = item.meta().namespace.as_deref().unwrap_or("default");
    ObjectRef { kind: K::KIND, name: ObjectName::new(namespace, &item.name_any()) }
}
