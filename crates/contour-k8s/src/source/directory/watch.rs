//! Scans a directory whenever it changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contour_builder::Change;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, mpsc, watch};

use super::listing::Names;
use super::report::{Finding, Report};
use super::{Directory, Error, Scan};
use crate::quiet;

/// How many bytes of manifests are read before what was read is told, as long as not everything is.
const PART: u64 = 1 << 20;

/// What a watched directory says.
#[derive(Debug)]
pub enum Event {
    /// A part of what is there at the start.
    Read(Vec<Change>),
    /// Something changed, or is now otherwise good or bad than before. The first of these completes what is there at the
    /// start.
    Scanned(Scan),
    /// Everything that was there at the start is told. Comes once.
    Synced,
}

type Places = BTreeMap<PathBuf, Names>;

/// Tells `events` what `directory` holds, and from then on what becomes of it. Ends when nobody listens any more.
///
/// # Errors
/// Why it cannot be watched. Once it is, nothing ends it: a directory that vanishes is awaited.
pub async fn watch(directory: Directory, events: mpsc::Sender<Event>) -> Result<(), Error> {
    let changed = Arc::new(Notify::new());
    let mut session = Session::new(directory, Arc::clone(&changed))?;
    let mut synced = false;
    loop {
        let parts = events.clone();
        // What comes later takes effect when it is told, and so must be complete.
        let part = if synced { u64::MAX } else { PART };
        let round = tokio::task::spawn_blocking(move || {
            // Nobody listens any more: the end of the round shows it, too.
            let mut tell = |changes| drop(parts.blocking_send(Event::Read(changes)));
            let news = session.round(part, &mut tell);
            (session, news)
        });
        let news;
        (session, news) =
            round.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        let after = (!synced).then_some(Event::Synced);
        for event in news.into_iter().map(Event::Scanned).chain(after) {
            if events.send(event).await.is_err() {
                return Ok(());
            }
        }
        synced = true;
        tokio::select! {
            () = events.closed() => return Ok(()),
            () = quiet::after(&changed) => {}
        }
    }
}

/// The directory and the watches on it.
struct Session {
    directory: Directory,
    watcher: RecommendedWatcher,
    /// What is watched. The watcher's thread looks at it to tell what matters.
    places: watch::Sender<Places>,
    /// Of the last scan that was told.
    report: Option<Report>,
}

impl Session {
    fn new(directory: Directory, changed: Arc<Notify>) -> Result<Session, Error> {
        let (places, seen) = watch::channel(Places::new());
        let handler = move |event: notify::Result<notify::Event>| {
            // An error says that events may be missing.
            if event.map_or(true, |event| matters(&event, &seen.borrow())) {
                changed.notify_one();
            }
        };
        let unwatchable = |source| Error::Unwatchable { path: directory.given.clone(), source };
        let watcher = notify::recommended_watcher(handler).map_err(unwatchable)?;
        let mut session = Session { directory, watcher, places, report: None };
        match session.cover().into_iter().next() {
            None => Ok(session),
            Some((path, source)) => Err(Error::Unwatchable { path, source }),
        }
    }

    /// Scans until every directory that was scanned was watched before. Returns the scans that say something new; all
    /// but the last part of a first one goes to `tell`.
    fn round(&mut self, part: u64, tell: &mut dyn FnMut(Vec<Change>)) -> Vec<Scan> {
        let mut news = Vec::new();
        loop {
            let unwatched = self.cover();
            let mut scan = self.directory.scan_in_parts(part, tell);
            scan.report
                .findings
                .extend(unwatched.iter().map(|(path, error)| self.unwatched(path, error)));
            scan.report.findings.sort();
            if !scan.changes.is_empty() || self.report.as_ref() != Some(&scan.report) {
                self.report = Some(scan.report.clone());
                news.push(scan);
            }
            if *self.places.borrow() == self.directory.places {
                return news;
            }
        }
    }

    /// Watches the places of the last scan, and only those. Returns those that cannot be watched.
    ///
    /// Watches are set anew each time: one on a directory that was removed and created again is gone. Each directory is
    /// watched on its own, because following links, and knowing that a directory was watched before it was read, is then
    /// in our hands.
    fn cover(&mut self) -> Vec<(PathBuf, notify::Error)> {
        let places = self.directory.places.clone();
        for gone in self.places.borrow().keys().filter(|path| !places.contains_key(*path)) {
            // It fails if the directory is gone, and its watch with it.
            let _ = self.watcher.unwatch(gone);
        }
        let failed = places.keys().filter_map(|path| {
            let error = self.watcher.watch(path, RecursiveMode::NonRecursive).err()?;
            // What is gone shows in the next scan.
            let gone = matches!(error.kind, notify::ErrorKind::PathNotFound);
            (!gone).then(|| (path.clone(), error))
        });
        let failed = failed.collect();
        self.places.send_replace(places);
        failed
    }

    fn unwatched(&self, path: &Path, error: &notify::Error) -> Finding {
        let shown = path.strip_prefix(&self.directory.root).unwrap_or(path);
        let shown = if shown.as_os_str().is_empty() { Path::new(".") } else { shown };
        Finding::of_file(shown, format!("cannot be watched, so changes go unnoticed: {error}"))
    }
}

/// Whether an event can change what is read. Reading does not.
fn matters(event: &notify::Event, places: &Places) -> bool {
    let written = AccessKind::Close(AccessMode::Write);
    if matches!(event.kind, EventKind::Access(kind) if kind != written) {
        return false;
    }
    event.paths.is_empty() || event.paths.iter().any(|path| is_in(path, places))
}

fn is_in(path: &Path, places: &Places) -> bool {
    let names = path.parent().and_then(|parent| places.get(parent));
    match (names, path.file_name()) {
        (Some(Names::All), _) => true,
        (Some(Names::Only(names)), Some(name)) if names.contains(name) => true,
        _ => matches!(places.get(path), Some(Names::All)),
    }
}
