//! What an expression costs once compiled.
//!
//! RE2 writes a counted repetition out, so a short text can make a large program. Instructions are counted as RE2's
//! compiler allocates them, without what it saves by merging alternatives and neighbouring repetitions, and where the
//! encodings differ as for the one that needs more: the sum is an upper bound.

/// How often the thing in front of it is to match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repetition {
    /// At least.
    pub(super) min: u32,
    /// At most; `None` is any number.
    pub(super) max: Option<u32>,
}

/// A part of an expression that a repetition can apply to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// How many copies of something inside it its counted repetitions ask for, multiplied along the deepest nesting.
    pub(super) copies: u32,
    /// How many instructions it compiles to, at most.
    pub(super) instructions: u64,
}

impl Piece {
    /// A piece of `instructions`, with nothing repeated in it.
    pub(super) const fn of(instructions: u64) -> Piece {
        Piece { copies: 1, instructions }
    }

    /// This piece under a repetition operator.
    pub(super) fn repeated(self, Repetition { min, max }: Repetition) -> Piece {
        let (written, loops) = match max {
            // x* may become (x+)?
            None => (min.max(1), 2),
            Some(max) => (max, max - min),
        };
        Piece {
            copies: self.copies * max.unwrap_or(min).max(1),
            instructions: self.instructions * u64::from(written) + u64::from(loops) + 1,
        }
    }
}

/// What the parts of an expression compile to, at most: measured with RE2, rounded up. A class of UTF-8 takes an
/// instruction for each byte of each range's sequences, and one for each choice between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    /// Each byte of a character that stands for itself.
    literal_byte: u64,
    /// A range, or a single character, of a class that lies within ASCII.
    pub(super) ascii_range: u64,
    /// A range of a class that does not, or everything that a small class lacks.
    pub(super) wide_range: u64,
    /// The `^` of a class.
    pub(super) negation: u64,
}

impl Costs {
    /// As long as the case of letters matters.
    pub(super) const EXACT_CASE: Costs =
        Costs { literal_byte: 1, ascii_range: 2, wide_range: 40, negation: 12 };

    /// Where it may not matter: `(?i)k` matches the Kelvin sign too.
    pub(super) const EITHER_CASE: Costs =
        Costs { literal_byte: 8, ascii_range: 10, wide_range: 160, negation: 48 };

    /// `.`
    pub(super) const DOT: u64 = 12;

    /// `\pL` or a smaller group, or everything else.
    pub(super) const UNICODE_GROUP: u64 = 1600;

    /// How many ranges a class with a name has that lies within ASCII.
    pub(super) const NAMED_RANGES: u64 = 4;

    /// A character of `length` bytes that stands for itself.
    pub(super) const fn literal(self, length: usize) -> Piece {
        Piece::of(self.literal_byte * length as u64)
    }
}

/// An open group, or the expression itself.
#[derive(Debug)]
pub(super) struct Level {
    /// Where its parenthesis stands.
    pub(super) opened_at: usize,
    /// The most copies in any of its pieces but the last.
    copies: u32,
    /// The instructions of everything but the last piece.
    instructions: u64,
    /// What a repetition operator would apply to here.
    last: Option<Piece>,
}

impl Level {
    /// The whole expression: a loop in front of it, a match behind it.
    pub(super) fn expression() -> Level {
        Level { opened_at: 0, copies: 1, instructions: 8, last: None }
    }

    /// `(` that stands at `opened_at`: two instructions note where it begins and ends.
    pub(super) fn capture(opened_at: usize) -> Level {
        Level { opened_at, copies: 1, instructions: 3, last: None }
    }

    /// `(?:` that stands at `opened_at`: one instruction, needed if nothing is in it.
    pub(super) fn group(opened_at: usize) -> Level {
        Level { opened_at, copies: 1, instructions: 1, last: None }
    }

    pub(super) fn push(&mut self, piece: Piece) {
        self.settle();
        self.last = Some(piece);
    }

    /// Takes out what a repetition operator applies to. `None` at the start of the expression, a group or an alternative.
    pub(super) fn take_last(&mut self) -> Option<Piece> {
        self.last.take()
    }

    /// `|`: one instruction for the choice, one for an alternative that is empty.
    pub(super) fn alternate(&mut self) {
        self.settle();
        self.instructions += 2;
    }

    /// The group as a piece of the one around it.
    pub(super) fn close(mut self) -> Piece {
        self.settle();
        Piece { copies: self.copies, instructions: self.instructions }
    }

    fn settle(&mut self) {
        if let Some(piece) = self.last.take() {
            self.copies = self.copies.max(piece.copies);
            self.instructions += piece.instructions;
        }
    }
}
