//! A directory of manifests as a source of objects.
//!
//! [`Directory`] reads once and says what changed since it read before; [`watch()`] does so whenever the directory changes.

mod file;
mod listing;
mod report;
mod watch;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf, absolute};

use contour_builder::{Change, ObjectRef};

use self::file::{File, Holding, Quality};
use self::listing::{Listing, Names};
pub use self::report::{Finding, Position, Report};
pub use self::watch::{Event, watch};
use super::relist::{Relist, Version};

/// How often a scan is repeated because something changed meanwhile. Then it stands: what changes without end is read
/// again with the next event.
const ATTEMPTS: usize = 5;

/// Why a directory cannot be a source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing of that name.
    #[error("there is no directory {}", .0.display())]
    Missing(PathBuf),
    /// It is a file.
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// The operating system does not let us.
    #[error("cannot read the directory {}: {source}", path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
    /// It can be read, but not watched.
    #[error("cannot watch {} for changes: {source}", path.display())]
    Unwatchable {
        /// The directory, or one below it.
        path: PathBuf,
        /// Why.
        source: notify::Error,
    },
}

/// A directory of manifests, and what was last read from it.
#[derive(Debug)]
pub struct Directory {
    /// As given, for messages.
    given: PathBuf,
    root: PathBuf,
    files: BTreeMap<PathBuf, File>,
    relist: Relist,
    /// Where a change would show, as of the last scan.
    places: BTreeMap<PathBuf, Names>,
}

/// What a scan found.
#[derive(Debug)]
pub struct Scan {
    /// What became of the objects since the scan before, or all there are. They belong together: apply them at once.
    pub changes: Vec<Change>,
    /// What is there, good and bad.
    pub report: Report,
}

impl Directory {
    /// The directory at `path`, of which nothing is read yet.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn open(path: &Path) -> Result<Directory, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let root = absolute(path).map_err(unreadable)?;
        let places = match Listing::of(&root) {
            Ok(listing) => listing.places,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Missing(path.to_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(Error::NotADirectory(path.to_owned()));
            }
            Err(error) => return Err(unreadable(error)),
        };
        Ok(Directory {
            given: path.to_owned(),
            root,
            files: BTreeMap::new(),
            relist: Relist::default(),
            places,
        })
    }

    /// Reads what changed since the last scan.
    ///
    /// What is broken keeps its last good form: an object becomes [`Change::Unreadable`]; a text that does not even say
    /// which objects it holds leaves those that it held before as they are. So does a directory that cannot be listed.
    pub fn scan(&mut self) -> Scan {
        self.scan_in_parts(u64::MAX, &mut |_| {})
    }

    /// The same for whoever acts only when all is told: a first scan hands over what it has whenever it read `part` bytes,
    /// so that not all objects are in memory at once. What it returns is the last part.
    pub fn scan_in_parts(&mut self, part: u64, tell: &mut dyn FnMut(Vec<Change>)) -> Scan {
        for _ in 0..ATTEMPTS {
            let listing = match Listing::of(&self.root) {
                Ok(listing) => listing,
                Err(error) => return self.tell(Some(self.lost(&error))),
            };
            if self.files.is_empty() {
                self.absorb_first(&listing, part, tell);
            }
            self.absorb_all(&listing);
            // What happened while files were read shows now; a set that never was is not worth telling.
            if Listing::of(&self.root).is_ok_and(|now| now == listing) {
                break;
            }
        }
        self.tell(None)
    }

    fn lost(&self, error: &io::Error) -> Finding {
        let message =
            format!("{} cannot be read: {error}; what it held before stays", self.given.display());
        Finding::of_file(Path::new("."), message)
    }

    /// Brings all that is known to the state of `listing`.
    fn absorb_all(&mut self, listing: &Listing) {
        self.absorb(listing);
        // Again: the file that is due may be gone by now, and then the next one that states its objects is.
        while self.forget_hidden() {
            self.absorb(listing);
        }
    }

    /// Reads the files of `listing`, of which nothing is known, and tells of them part by part.
    fn absorb_first(&mut self, listing: &Listing, part: u64, tell: &mut dyn FnMut(Vec<Change>)) {
        let (mut held, mut told) = (0, 0);
        for (path, stamp) in &listing.files {
            let file = File::read(&self.root.join(path), path, *stamp, None);
            self.files.extend(file.map(|file| (path.clone(), file)));
            held += stamp.size();
            // To tell costs what was read so far; parts that grow with it keep the whole linear.
            if held >= part.max(told / 4) {
                tell(self.tell(None).changes);
                told += held;
                held = 0;
            }
        }
    }

    /// Reads the files of `listing` that are not known as they are now, and forgets those that are gone.
    fn absorb(&mut self, listing: &Listing) {
        let mut before = std::mem::take(&mut self.files);
        for (path, stamp) in &listing.files {
            // None: gone since it was listed.
            if let Some(file) = File::read(&self.root.join(path), path, *stamp, before.remove(path))
            {
                self.files.insert(path.clone(), file);
            }
        }
        for (path, reason) in &listing.unreadable {
            let file =
                File::unreadable(path, format!("cannot be read: {reason}"), before.remove(path));
            self.files.insert(path.clone(), file);
            // If it is a directory, nobody knows what became of the files in it.
            self.files.extend(before.extract_if(.., |below, _| below.starts_with(path)));
        }
        self.places.clone_from(&listing.places);
    }

    /// Objects stay in memory only until they are told. If one is due now that was read before, because a file earlier in
    /// order does not state it any more, its file must be read once more. Returns whether there is such a file.
    fn forget_hidden(&mut self) -> bool {
        let mut stated = HashSet::new();
        let mut any = false;
        for file in self.files.values_mut() {
            let due = file.holdings.iter().filter(|holding| {
                stated.insert(holding.reference.clone())
                    && holding.change.is_none()
                    && self.relist.version(&holding.reference) != Some(holding.version)
            });
            // Counted rather than looked for, because each one is stated, due or not.
            if due.count() > 0 {
                file.forget_content();
                any = true;
            }
        }
        any
    }

    /// Puts the files together, in the order of their paths, and says what changed.
    fn tell(&mut self, lost: Option<Finding>) -> Scan {
        let mut report = Report { findings: lost.into_iter().collect(), ..Report::default() };
        let mut now: HashMap<ObjectRef, Version> = HashMap::new();
        let mut places: HashMap<ObjectRef, (&Path, Position)> = HashMap::new();
        let mut fresh: HashMap<ObjectRef, Change> = HashMap::new();
        for (path, file) in &mut self.files {
            file.add_to(&mut report);
            for holding in &mut file.holdings {
                let change = holding.change.take();
                let object = &holding.reference;
                if let Some(place) = places.get(object) {
                    report.findings.push(repeated(path, holding, *place));
                    continue;
                }
                places.insert(object.clone(), (path, holding.at));
                now.insert(object.clone(), holding.version);
                report.objects += usize::from(holding.quality == Quality::Good);
                fresh.extend(change.map(|change| (object.clone(), change)));
            }
        }
        report.findings.sort();
        for object in self.files.values().flat_map(|file| &file.held) {
            if let Some(version) = self.relist.version(object) {
                now.entry(object.clone()).or_insert(version);
            }
        }
        let changes = self
            .relist
            .replace(now, |object| fresh.remove(object).expect("what is due was read again"));
        Scan { changes, report }
    }
}

fn repeated(path: &Path, holding: &Holding, (first, at): (&Path, Position)) -> Finding {
    let object = &holding.reference;
    let message =
        format!("{object} stands at {}:{at} already; this one is left out", first.display());
    Finding { file: path.to_owned(), at: Some(holding.at), field: String::new(), message }
}

#[cfg(test)]
mod tests;
