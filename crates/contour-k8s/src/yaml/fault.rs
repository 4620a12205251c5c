//! Where something is wrong in a text, and what.

use std::fmt::{self, Write as _};

/// A place in a text file, as editors count: the first character of a file is line 1, column 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.line, self.column)
    }
}

/// One thing wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where it stands.
    pub at: Position,
    /// The field, as in `spec.routes[2].services[0].port`; empty if it is about the document as a whole.
    pub field: String,
    /// What is wrong, and what would mend it.
    pub message: String,
}

impl Fault {
    /// This fault.
    pub fn new(at: Position, field: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault { at, field: field.into(), message: message.into() }
    }
}

/// Everything wrong with one object.
///
/// Aliases let a small file repeat a mistake many thousand times, so only the first 100 are kept.
#[derive(Debug, Default)]
pub struct Faults {
    kept: Vec<Fault>,
    dropped: usize,
}

impl Faults {
    const LIMIT: usize = 100;

    /// Adds a fault.
    pub fn push(&mut self, at: Position, field: impl Into<String>, message: impl Into<String>) {
        if self.kept.len() < Faults::LIMIT {
            self.kept.push(Fault::new(at, field, message));
        } else {
            self.dropped += 1;
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// In the order of the text.
    pub fn into_sorted(self) -> Vec<Fault> {
        let mut faults = self.kept;
        faults.sort();
        if let (Some(last), 1..) = (faults.last(), self.dropped) {
            faults.push(Fault::new(last.at, "", format!("{} more findings here", self.dropped)));
        }
        faults
    }
}

/// The path of a field while a tree is walked.
#[derive(Clone, Debug, Default)]
pub struct FieldPath(String);

/// How long a path was before something was added.
#[must_use]
pub struct Mark(usize);

impl FieldPath {
    /// A path that starts at `items[index]` of the list found at `self`.
    #[must_use]
    pub fn item(&self, index: usize) -> FieldPath {
        let mut path = FieldPath(self.0.clone());
        let _ = path.enter("items");
        let _ = path.enter_index(index);
        path
    }

    /// As in `spec.routes[2]`; empty at the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of the field `name` below this one; `name` may itself be a path.
    pub fn to(&self, name: &str) -> String {
        if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) }
    }

    /// Goes on to a field below.
    pub fn enter(&mut self, key: &str) -> Mark {
        let mark = Mark(self.0.len());
        let plain = !key.is_empty()
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if plain {
            if !self.0.is_empty() {
                self.0.push('.');
            }
            self.0.push_str(key);
        } else {
            write!(self.0, "[{key:?}]").expect("writing to a String succeeds");
        }
        mark
    }

    /// Goes on to an item of the list.
    pub fn enter_index(&mut self, index: usize) -> Mark {
        let mark = Mark(self.0.len());
        write!(self.0, "[{index}]").expect("writing to a String succeeds");
        mark
    }

    /// Goes back to where it was.
    pub fn leave(&mut self, mark: &Mark) {
        self.0.truncate(mark.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_no_name_is_quoted_in_a_path() {
        let mut path = FieldPath::default();
        let _ = path.enter("metadata");
        let mark = path.enter("annotations");
        let _ = path.enter("a.b/c");
        assert_eq!(path.as_str(), "metadata.annotations[\"a.b/c\"]");
        path.leave(&mark);
        assert_eq!(path.as_str(), "metadata");
    }

    #[test]
    fn faults_beyond_the_limit_are_counted() {
        let mut faults = Faults::default();
        for line in 0..Faults::LIMIT + 7 {
            faults.push(Position { line, column: 1 }, "a", "b");
        }
        let faults = faults.into_sorted();
        assert_eq!(faults.len(), Faults::LIMIT + 1);
        assert_eq!(faults.last().expect("there are some").message, "7 more findings here");
    }
}
