//! What reading a directory found, for people.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::yaml::fault::Fault;
pub use crate::yaml::fault::Position;

/// What reading a directory found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Everything wrong, in the order of the files' paths and then of their text. Empty: all that is read is good.
    pub findings: Vec<Finding>,
    /// How many documents there are of each kind that is not read. A kind of another API group that is called like one of
    /// ours carries its group: `Service.serving.knative.dev`.
    pub skipped: BTreeMap<String, usize>,
    /// How many files were read.
    pub files: usize,
    /// How many good objects of kinds that are read they hold.
    pub objects: usize,
}

/// One thing wrong with a file. Prints as `shop/proxy.yaml:12:7: spec.routes[0].servces: unknown field; did you mean "services"?`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, relative to the directory that is read.
    pub file: PathBuf,
    /// The place in it; `None` if it could not be read at all.
    pub at: Option<Position>,
    /// The field, as in `spec.routes[2].services[0].port`; empty if it is about a document or the file as a whole.
    pub field: String,
    /// What is wrong, and what would mend it.
    pub message: String,
}

impl Finding {
    /// A finding about `file` as a whole.
    pub(super) fn of_file(file: &Path, message: impl Into<String>) -> Finding {
        Finding { file: file.to_owned(), at: None, field: String::new(), message: message.into() }
    }

    pub(super) fn of_fault(file: &Path, fault: Fault) -> Finding {
        let Fault { at, field, message } = fault;
        Finding { file: file.to_owned(), at: Some(at), field, message }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file.display())?;
        if let Some(at) = self.at {
            write!(out, ":{at}")?;
        }
        if !self.field.is_empty() {
            write!(out, ": {}", self.field)?;
        }
        write!(out, ": {}", self.message)
    }
}
