//! One file of the directory, and what is remembered of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use contour_builder::{Change, ObjectRef, Problem, Reason, Revision};

use super::super::relist::Version;
use super::listing::Stamp;
use super::report::{Finding, Position, Report};
use crate::manifest::{self, Contents, Form, Stated};

/// The most that a file may hold. Ten thousand objects of usual size take a fifth of it.
const SIZE_LIMIT: u64 = 64 << 20;

/// A file that changed in this many seconds before it was read may change again without a new time stamp: the coarsest
/// file systems count by twos.
const STAMP_SECONDS: i64 = 2;

/// What is known of a file.
#[derive(Debug)]
pub(super) struct File {
    /// As of the last reading; `None` if that says too little, and the file must be read again.
    stamp: Option<Stamp>,
    /// A digest of the bytes; `None` if they must be parsed again.
    content: Option<u64>,
    /// The objects it holds, in the order of the text.
    pub(super) holdings: Vec<Holding>,
    /// Objects that it held when it was last readable. They may still be meant.
    pub(super) held: BTreeSet<ObjectRef>,
    /// How many documents there are of each kind that is not read.
    pub(super) skipped: BTreeMap<String, usize>,
    pub(super) findings: Vec<Finding>,
}

/// One object in a file.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) reference: ObjectRef,
    pub(super) at: Position,
    pub(super) version: Version,
    pub(super) quality: Quality,
    /// What to tell of it. Taken once it is told or turns out not to matter, so that objects do not stay in memory.
    pub(super) change: Option<Change>,
}

/// Whether an object could be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quality {
    Good,
    Broken,
}

impl File {
    /// Reads the file at `path`, shown as `shown`, if it is not `before` any more. `None` if it is gone.
    pub(super) fn read(
        path: &Path,
        shown: &Path,
        stamp: Stamp,
        before: Option<File>,
    ) -> Option<File> {
        let before = match before {
            Some(file) if file.stamp == Some(stamp) => return Some(file),
            before => before,
        };
        let settled = seconds_now() - stamp.second() > STAMP_SECONDS;
        let stamp = settled.then_some(stamp);
        let bytes = match bytes(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                return Some(File::unreadable(shown, format!("cannot be read: {error}"), before));
            }
        };
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let content = Some(hasher.finish());
        Some(match before {
            Some(file) if file.content == content => File { stamp, ..file },
            before => File { stamp, content, ..File::parse(shown, bytes, before) },
        })
    }

    /// A file of which nothing can be told but `message`. What was `before` stays.
    pub(super) fn unreadable(shown: &Path, message: String, before: Option<File>) -> File {
        File {
            stamp: None,
            content: None,
            holdings: Vec::new(),
            held: before.map(File::into_references).unwrap_or_default(),
            skipped: BTreeMap::new(),
            findings: vec![Finding {
                file: shown.to_owned(),
                at: None,
                field: String::new(),
                message,
            }],
        }
    }

    /// Adds what it says besides its objects.
    pub(super) fn add_to(&self, report: &mut Report) {
        // What is not a file, or could not be read, has no content.
        report.files += usize::from(self.content.is_some());
        report.findings.extend(self.findings.iter().cloned());
        for (kind, count) in &self.skipped {
            *report.skipped.entry(kind.clone()).or_default() += count;
        }
    }

    /// Makes the next reading parse the file again.
    pub(super) fn forget_content(&mut self) {
        self.stamp = None;
        self.content = None;
    }

    fn parse(shown: &Path, bytes: Vec<u8>, before: Option<File>) -> File {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid =
                    String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()])
                        .into_owned();
                let mut file =
                    File::unreadable(shown, "is not UTF-8 from here on".to_owned(), before);
                file.findings[0].at = Some(end_of(&valid));
                return file;
            }
        };
        let Contents { objects, skipped, faults, incomplete } = manifest::read(&text);
        let findings = faults.into_iter().map(|fault| Finding::of_fault(shown, fault)).collect();
        let holdings: Vec<Holding> =
            objects.into_iter().map(|object| Holding::new(shown, object)).collect();
        let held = match before {
            Some(before) if incomplete => before.into_references(),
            _ => BTreeSet::new(),
        };
        File { stamp: None, content: None, holdings, held, skipped, findings }
    }

    fn into_references(self) -> BTreeSet<ObjectRef> {
        let mut references = self.held;
        references.extend(self.holdings.into_iter().map(|holding| holding.reference));
        references
    }
}

impl Holding {
    fn new(shown: &Path, stated: Stated) -> Holding {
        let Stated { reference, at, form } = stated;
        let (quality, digest, change) = match form {
            Form::Good { object, digest } => (Quality::Good, digest, Change::Apply(object)),
            Form::Broken { first, count } => {
                let mut message = Finding::of_fault(shown, first).to_string();
                if count > 1 {
                    write!(message, " (one of {count} findings)")
                        .expect("writing to a String succeeds");
                }
                let mut hasher = DefaultHasher::new();
                message.hash(&mut hasher);
                let problem = Problem::new(Reason::Unreadable, message);
                (
                    Quality::Broken,
                    hasher.finish(),
                    Change::Unreadable(reference.clone(), Revision::default(), problem),
                )
            }
        };
        Holding { reference, at, version: Version(digest), quality, change: Some(change) }
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    let mut bytes = Vec::new();
    // The size may be a lie, or grow.
    if file.metadata()?.len() <= SIZE_LIMIT {
        file.by_ref().take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= SIZE_LIMIT {
            return Ok(bytes);
        }
    }
    let message = format!("it is larger than {} MiB; split it", SIZE_LIMIT >> 20);
    Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
}

fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The position after `text`.
fn end_of(text: &str) -> Position {
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position { line: 1 + text.matches('\n').count(), column: 1 + last.chars().count() }
}
