//! What an opening parenthesis begins: a group, a named group, or flags.

use super::refusal::Fault;
use super::tally::{Costs, Level};
use super::{Parser, Refusal};

/// What other kinds of regular expression open with these. RE2 refuses them with all else that it does not know; they
/// are here to be called by their names.
const FOREIGN: [(&str, &str); 15] = [
    ("(?=", "look-ahead"),
    ("(?!", "negative look-ahead"),
    ("(?<=", "look-behind"),
    ("(?<!", "negative look-behind"),
    ("(?>", "atomic group"),
    ("(?#", "comment"),
    ("(?|", "branch reset"),
    ("(?(", "conditional"),
    ("(?R", "recursion"),
    ("(?&", "subroutine call"),
    ("(?P>", "subroutine call"),
    ("(?P=", "back-reference"),
    ("(?'", "group name in quotes"),
    ("(?~", "absence operator"),
    ("(?C", "callout"),
];

impl Parser<'_> {
    /// Reads `(` and what belongs to it.
    pub(super) fn open_group(&mut self) -> Result<(), Refusal> {
        let rest = &self.text[self.at..];
        if !rest.starts_with("(?") {
            self.open(1, Level::capture(self.at));
            return Ok(());
        }
        if rest.starts_with("(?P<") {
            return self.open_named(4);
        }
        if rest.starts_with("(?<") && !rest.starts_with("(?<=") && !rest.starts_with("(?<!") {
            return self.open_named(3);
        }
        self.flags()
    }

    /// Enters a group whose opening takes `length` bytes.
    fn open(&mut self, length: usize, level: Level) {
        self.outer.push(std::mem::replace(&mut self.level, level));
        self.at += length;
    }

    /// A group whose name begins `length` bytes ahead and ends at the next `>`. The first character of a name may be a digit,
    /// and two groups may have the same name.
    fn open_named(&mut self, length: usize) -> Result<(), Refusal> {
        let start = self.at;
        let rest = &self.bytes[start + length..];
        let Some(end) = rest.iter().position(|byte| *byte == b'>') else {
            return Err(self.refuse(start, self.bytes.len(), Fault::GroupName));
        };
        if end == 0 || !rest[..end].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        {
            return Err(self.refuse(start, start + length + end + 1, Fault::GroupName));
        }
        self.open(length + end + 1, Level::capture(start));
        Ok(())
    }

    /// `(?i)`, `(?s-i:` and the like. Which flags hold changes what an expression matches, not whether RE2 takes it; but
    /// under `i` it compiles to more.
    fn flags(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        let mut length = 2;
        let mut negated = false;
        // A `-` needs a flag behind it; without `-` none is needed.
        let mut complete = true;
        loop {
            let byte = self.peek(length);
            length += 1;
            if byte == Some(b'i') {
                self.costs = Costs::EITHER_CASE;
            }
            match byte {
                Some(b'i' | b'm' | b's' | b'U') => complete = true,
                Some(b'-') if !negated => {
                    negated = true;
                    complete = false;
                }
                Some(b')') if complete => {
                    self.at += length;
                    return Ok(());
                }
                Some(b':') if complete => {
                    self.open(length, Level::group(start));
                    return Ok(());
                }
                _ => return Err(self.refuse_group(length)),
            }
        }
    }

    /// A refusal of what begins here and went wrong within `length` bytes.
    fn refuse_group(&self, length: usize) -> Refusal {
        let start = self.at;
        match FOREIGN.iter().find(|(opening, _)| self.text[start..].starts_with(opening)) {
            Some((opening, name)) => {
                self.refuse(start, start + opening.len(), Fault::ForeignGroup { name })
            }
            None => self.refuse(start, (start + length).min(self.bytes.len()), Fault::UnknownGroup),
        }
    }
}
