//! Reads the configuration file again when it changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use contour_k8s::quiet;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, mpsc};

use super::Resolved;
use super::file;
use super::problem::Problems;
use super::settings::Settings;

/// Why changes of the configuration file would go unnoticed.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch {} for changes: {source}", path.display())]
pub struct Unwatchable {
    /// The directory of the file.
    pub path: PathBuf,
    /// Why.
    pub source: notify::Error,
}

/// Tells `news` what the configuration comes to whenever the file at `path` says something else than before, at first
/// than `known`. What is wrong is told as well, once; what was good before then stands. Ends when nobody listens any
/// more.
///
/// A file may be edited in place, replaced, or, as in a `ConfigMap`, be a link whose target is swapped.
///
/// # Errors
/// Why it cannot be watched.
pub async fn watch(
    path: &Path,
    known: Settings,
    resolve: impl Fn(&Settings) -> Result<Resolved, Problems>,
    news: mpsc::Sender<Result<Resolved, Problems>>,
) -> Result<(), Unwatchable> {
    let changed = Arc::new(Notify::new());
    let mut watched = Watched::new(path, Arc::clone(&changed))?;
    let mut last = Ok(known);
    loop {
        watched.cover()?;
        let now = read(path).await;
        if now != last {
            let told = now.as_ref().map_err(Problems::clone).and_then(&resolve);
            last = now;
            if news.send(told).await.is_err() {
                return Ok(());
            }
        }
        tokio::select! {
            () = news.closed() => return Ok(()),
            () = quiet::after(&changed) => {}
        }
    }
}

async fn read(path: &Path) -> Result<Settings, Problems> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || file::read(&path)).await;
    read.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// The directories in which a change of the file would show.
struct Watched {
    path: PathBuf,
    watcher: RecommendedWatcher,
    directories: BTreeSet<PathBuf>,
}

impl Watched {
    fn new(path: &Path, changed: Arc<Notify>) -> Result<Watched, Unwatchable> {
        let handler = move |event: notify::Result<notify::Event>| {
            // An error says that events may be missing.
            if event.map_or(true, |event| matters(event.kind)) {
                changed.notify_one();
            }
        };
        let unwatchable = |source| Unwatchable { path: path.to_owned(), source };
        let watcher = notify::recommended_watcher(handler).map_err(unwatchable)?;
        let path = absolute(path).map_err(notify::Error::io).map_err(unwatchable)?;
        Ok(Watched { path, watcher, directories: BTreeSet::new() })
    }

    /// Watches the directory of the file, and that of the file which it leads to.
    fn cover(&mut self) -> Result<(), Unwatchable> {
        let real = self.path.canonicalize().ok(); // none: what is missing shows when it is read
        let parents = [Some(&self.path), real.as_ref()].into_iter().flatten();
        let now: BTreeSet<PathBuf> =
            parents.filter_map(|path| path.parent()).map(Path::to_owned).collect();
        for gone in self.directories.difference(&now) {
            // It fails if the directory is gone, and its watch with it.
            let _ = self.watcher.unwatch(gone);
        }
        for directory in &now {
            // Anew each time: a watch on what was removed and created again is gone.
            if let Err(source) = self.watcher.watch(directory, RecursiveMode::NonRecursive)
                && self.path.parent() == Some(directory)
            {
                return Err(Unwatchable { path: directory.clone(), source });
            }
        }
        self.directories = now;
        Ok(())
    }
}

/// Whether an event can change what is read. Reading does not.
fn matters(kind: EventKind) -> bool {
    let written = AccessKind::Close(AccessMode::Write);
    !matches!(kind, EventKind::Access(kind) if kind != written)
}
