//! Why Envoy would refuse an expression, in words for its author.

use std::fmt;

use super::{LONGEST, MOST_COPIES, MOST_INSTRUCTIONS};

/// How many characters of the expression a refusal shows.
const SHOWN: usize = 40;

/// Why Envoy would refuse an expression. Prints as what is wrong, where, and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where the fault lies: bytes from the start of the expression.
    pub at: usize,
    /// The part of the expression that is at fault; empty if it is the whole.
    pub fragment: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What RE2 or Envoy refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing to match.
    Empty,
    /// More than [`LONGEST`] bytes.
    TooLong {
        /// How many there are.
        bytes: usize,
    },
    /// More than [`MOST_INSTRUCTIONS`].
    TooComplex {
        /// How many there may be.
        instructions: u64,
    },
    /// `(` without `)`.
    UnclosedGroup,
    /// `)` without `(`.
    UnopenedGroup,
    /// A group's name that does not end, is empty, or has a character that is not allowed in it.
    GroupName,
    /// Something behind `(?` that only other kinds of regular expression have.
    ForeignGroup {
        /// What they call it.
        name: &'static str,
    },
    /// Something behind `(?` that is neither a group nor flags.
    UnknownGroup,
    /// `[` without `]`.
    UnclosedClass,
    /// `[z-a]`.
    RangeReversed,
    /// A class that RE2 takes in UTF-8 but not in Latin-1: `[\xe0-é]`.
    ClassOfBytes,
    /// `[[:foo:]]`.
    UnknownPosixClass,
    /// `\p{Foo}`.
    UnknownUnicodeGroup,
    /// `\p{` without `}`.
    UnclosedUnicodeGroup,
    /// A backslash at the end.
    TrailingBackslash,
    /// A backslash and something that RE2 does not know behind it.
    Escape {
        /// What would mend it.
        advice: &'static str,
    },
    /// A repetition operator with nothing in front of it.
    NothingToRepeat,
    /// A repetition operator behind another one.
    RepeatedTwice,
    /// `{2,1}`.
    CountsReversed,
    /// More than [`MOST_COPIES`] at once.
    TooManyCopies,
    /// More than [`MOST_COPIES`] together with the repetitions inside what is repeated.
    TooManyNestedCopies,
}

impl Fault {
    /// The fault of an escape whose letter is `kind`.
    pub(super) const fn escape(kind: u8) -> Fault {
        let advice = match kind {
            b'1'..=b'9' | b'k' | b'g' => "back-references are not supported",
            b'0' => "an octal number goes up to `\\377`",
            b'x' => {
                "write two hexadecimal digits, or `\\x{…}` up to `\\x{ff}`; above, write the character itself"
            }
            b'u' | b'U' => "write the character itself",
            b'p' | b'P' => "a Unicode group has a name, as in `\\p{Lu}`",
            b'b' => "in brackets a backspace is `\\x08`",
            b'd' | b'D' | b's' | b'S' | b'w' | b'W' => "a class cannot end a range",
            b'B' | b'A' | b'z' | b'C' | b'Q' => "it has no meaning in brackets",
            b'Z' => "the end of the text is `\\z`",
            b'E' => "it ends `\\Q`, which is not open here",
            b'h' => "horizontal space is `[ \\t]`",
            b'R' => "the end of a line is `\\r?\\n`",
            b'e' => "the escape character is `\\x1b`",
            b'c' => "a control character is written by its code, as in `\\x0a`",
            0x80.. => "such a character stands for itself without a backslash",
            _ => "a letter stands for itself without a backslash",
        };
        Fault::Escape { advice }
    }
}

impl Refusal {
    /// Of the expression as a whole.
    pub(super) const fn of_whole(fault: Fault) -> Refusal {
        Refusal { at: 0, fragment: String::new(), fault }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = format!("`{}` at byte {}", Excerpt(&self.fragment), self.at);
        match self.fault {
            Fault::Empty => write!(out, "the expression is empty: `.*` matches everything"),
            Fault::TooLong { bytes } => {
                write!(out, "the expression has {bytes} bytes, {LONGEST} are allowed")
            }
            Fault::TooComplex { instructions } => write!(
                out,
                "the expression may need {instructions} instructions, {MOST_INSTRUCTIONS} are allowed: repeat less"
            ),
            Fault::UnclosedGroup => {
                write!(out, "{place} is not closed: add `)`, or write `\\(` for the character")
            }
            Fault::UnopenedGroup => {
                write!(out, "{place} closes no group: drop it, or write `\\)` for the character")
            }
            Fault::GroupName => write!(
                out,
                "the group name in {place} is not valid: it takes letters of ASCII, digits and `_`, and ends in `>`"
            ),
            Fault::ForeignGroup { name } => write!(out, "{name} {place} is not supported by RE2"),
            Fault::UnknownGroup => write!(
                out,
                "{place} is not supported by RE2: behind `(?` it knows `:`, `P<name>` and the flags `i`, `m`, `s`, `U`"
            ),
            Fault::UnclosedClass => {
                write!(out, "{place} is not closed: add `]`, or write `\\[` for the character")
            }
            Fault::RangeReversed => {
                write!(out, "the range {place} ends before it begins: exchange its ends")
            }
            Fault::ClassOfBytes => write!(
                out,
                "{place} is not valid in every version of Envoy: list characters outside ASCII, as in `(?:à|é)`"
            ),
            Fault::UnknownPosixClass => write!(out, "{place} is not a class: one is `[:alpha:]`"),
            Fault::UnknownUnicodeGroup => write!(
                out,
                "{place} is not a Unicode category or script that RE2 knows: one is `\\p{{Lu}}`, another `\\p{{Greek}}`"
            ),
            Fault::UnclosedUnicodeGroup => write!(out, "{place} is not closed: add `}}`"),
            Fault::TrailingBackslash => {
                write!(out, "{place} is followed by nothing: write `\\\\` for the character")
            }
            Fault::Escape { advice } => {
                write!(out, "the escape {place} is not supported by RE2: {advice}")
            }
            Fault::NothingToRepeat => {
                write!(
                    out,
                    "{place} has nothing to repeat: write `\\` in front of it for the character"
                )
            }
            Fault::RepeatedTwice => write!(
                out,
                "{place} repeats a repetition, which RE2 does not support: drop one, or put the first into `(?:…)`"
            ),
            Fault::CountsReversed => {
                write!(out, "the repetition {place} allows fewer than it requires")
            }
            Fault::TooManyCopies => write!(out, "the repetition {place} exceeds {MOST_COPIES}"),
            Fault::TooManyNestedCopies => write!(
                out,
                "the repetition {place}, multiplied with those inside what it repeats, exceeds {MOST_COPIES}"
            ),
        }
    }
}

impl std::error::Error for Refusal {}

/// A text as it can stand in one line of a message: control characters escaped, cut if it is long.
struct Excerpt<'a>(&'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, character) in self.0.chars().enumerate() {
            if index == SHOWN {
                return out.write_str("…");
            }
            if character.is_control() {
                write!(out, "{}", character.escape_default())?;
            } else {
                write!(out, "{character}")?;
            }
        }
        Ok(())
    }
}
