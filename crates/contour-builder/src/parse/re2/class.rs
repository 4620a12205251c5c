//! Character classes in brackets.

use super::names::is_posix_class;
use super::refusal::Fault;
use super::tally::{Costs, Piece};
use super::{Parser, Refusal};

/// What is one character to Envoy.
#[derive(Clone, Copy)]
enum Encoding {
    /// A code point: up to Envoy 1.38.
    Utf8,
    /// A byte: from Envoy 1.39 on. `[a-é]` is `[a-\xc3\xa9]`.
    Latin1,
}

impl Parser<'_> {
    /// Reads a class from `[` to `]`, once for each encoding: outside of brackets they differ in nothing that RE2 could
    /// refuse, but ranges have other ends.
    pub(super) fn class(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        let cost = self.items(Encoding::Utf8)?;
        let end = self.at;
        self.at = start;
        if self.items(Encoding::Latin1).is_err() {
            return Err(self.refuse(start, end, Fault::ClassOfBytes));
        }
        self.level.push(Piece::of(cost));
        Ok(())
    }

    /// Reads a class, and counts what it compiles to.
    fn items(&mut self, encoding: Encoding) -> Result<u64, Refusal> {
        let start = self.at;
        self.at += 1;
        let mut cost = 0;
        if self.peek(0) == Some(b'^') {
            self.at += 1;
            cost += self.costs.negation;
        }
        // A `]` that comes first stands for itself.
        let mut first = true;
        loop {
            match self.peek(0) {
                None => return Err(self.refuse(start, self.bytes.len(), Fault::UnclosedClass)),
                Some(b']') if !first => break,
                Some(byte) => cost += self.item(byte, encoding)?,
            }
            first = false;
        }
        self.at += 1;
        Ok(cost)
    }

    /// One item of a class, and what it adds to the program.
    fn item(&mut self, byte: u8, encoding: Encoding) -> Result<u64, Refusal> {
        match (byte, self.peek(1)) {
            (b'[', Some(b':')) if self.last_class_name_end >= Some(self.at + 2) => {
                self.posix_class()
            }
            // RE2 looks for a group only if something follows the letter; otherwise it is a bad escape.
            (b'\\', Some(b'p' | b'P')) if self.peek(2).is_some() => {
                self.unicode_group()?;
                Ok(Costs::UNICODE_GROUP)
            }
            (b'\\', Some(letter)) if let Some(cost) = self.perl_class(letter) => {
                self.at += 2;
                Ok(cost)
            }
            _ => self.range(encoding),
        }
    }

    /// `[:alpha:]`, `[:^alpha:]`. What lies between the colons is a name whatever it is.
    fn posix_class(&mut self) -> Result<u64, Refusal> {
        let start = self.at;
        let rest = &self.text[start + 2..];
        let end = rest.find(":]").unwrap_or(rest.len());
        let name = &rest[..end];
        self.at = (start + end + 4).min(self.bytes.len());
        match name.strip_prefix('^') {
            None if is_posix_class(name) => Ok(Costs::NAMED_RANGES * self.costs.ascii_range),
            Some(name) if is_posix_class(name) => Ok(self.costs.wide_range),
            _ => Err(self.refuse(start, self.at, Fault::UnknownPosixClass)),
        }
    }

    /// One character, or two with `-` between them.
    fn range(&mut self, encoding: Encoding) -> Result<u64, Refusal> {
        let start = self.at;
        let low = self.character(encoding)?;
        let mut high = low;
        // In `[a-]` the `-` stands for itself.
        if self.peek(0) == Some(b'-') && self.peek(1).is_some_and(|byte| byte != b']') {
            self.at += 1;
            high = self.character(encoding)?;
            if high < low {
                return Err(self.refuse(start, self.at, Fault::RangeReversed));
            }
        }
        Ok(if high.is_ascii() { self.costs.ascii_range } else { self.costs.wide_range })
    }

    /// One character, as it is or written with a backslash. There is one.
    fn character(&mut self, encoding: Encoding) -> Result<char, Refusal> {
        let byte = self.bytes[self.at];
        if byte == b'\\' {
            return self.escaped_byte().map(char::from);
        }
        let (character, length) = match encoding {
            Encoding::Utf8 => {
                let character = self.text[self.at..].chars().next().unwrap_or_default();
                (character, character.len_utf8())
            }
            Encoding::Latin1 => (char::from(byte), 1),
        };
        self.at += length;
        Ok(character)
    }
}
