//! Whether Envoy takes a regular expression.
//!
//! Envoy refuses a whole response for one bad expression, so this has to be known before it is sent. Envoy compiles with
//! RE2 and its default options, but not every version reads the expression alike: up to 1.38 it is UTF-8, from 1.39 on it
//! is Latin-1, where each byte is a character. Taken is what both take. No other grammar than RE2's own will do
//! (<https://github.com/google/re2/wiki/Syntax>): those of Go, Perl and Rust's `regex` refuse what RE2 takes and take what
//! RE2 refuses.
//!
//! One pass, with a stack on the heap: time and memory are linear in the length of the expression, and groups nest as
//! deep as that length allows.

mod class;
mod group;
mod names;
mod refusal;
mod tally;

#[cfg(test)]
mod tests;

pub use refusal::{Fault, Refusal};

use names::is_unicode_group;
use tally::{Costs, Level, Piece, Repetition};

/// The longest expression that we pass on, in bytes. Our own limit: RE2 has none but that on the compiled program, and a
/// literal of this length is far below it.
pub const LONGEST: usize = 65_536;

/// The most instructions that an expression may compile to. We estimate them, and never below what RE2 allocates.
/// RE2's own limit is 699,050 (two thirds of 8 MiB, at 8 bytes each), Envoy's is 1,048,576 for the finished program (the
/// runtime key `re2.max_program_size.error_level` that we set): what passes here passes both.
pub const MOST_INSTRUCTIONS: u64 = 400_000;

/// The most copies of anything that counted repetitions may ask for: `{1001}` is too many, and so are `(a{100}){11}`.
pub const MOST_COPIES: u32 = 1000;

/// Checks an expression as Envoy would get it: callers that put `^` in front do so before they ask.
///
/// # Errors
/// A [`Refusal`] for an expression that some Envoy from 1.36 to 1.40 refuses: one that is empty, that RE2 cannot parse, or
/// that is too large. Its place counts from the start of what was given, `^` included. This errs on the safe side in two places only: "too large" has a margin ([`LONGEST`],
/// [`MOST_INSTRUCTIONS`]), and the name of a group is ASCII, since of other letters the versions take different ones.
pub fn check(expression: &str) -> Result<(), Refusal> {
    if expression.is_empty() {
        return Err(Refusal::of_whole(Fault::Empty));
    }
    if expression.len() > LONGEST {
        return Err(Refusal::of_whole(Fault::TooLong { bytes: expression.len() }));
    }
    Parser::new(expression).run()
}

/// Where in the expression we are, and what is open around it.
struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// The next byte to read.
    at: usize,
    /// Where the repetition operator stands that ends at `at`, if one does.
    repeated_at: Option<usize>,
    /// Where the last `:]` of the expression stands.
    last_class_name_end: Option<usize>,
    /// What things compile to: more, once letters may match in either case.
    costs: Costs,
    /// The groups that are open here, the outermost first.
    outer: Vec<Level>,
    /// The group that is open here, or the expression itself.
    level: Level,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parser<'a> {
        Parser {
            text,
            bytes: text.as_bytes(),
            at: 0,
            repeated_at: None,
            last_class_name_end: text.rfind(":]"),
            costs: Costs::EXACT_CASE,
            outer: Vec::new(),
            level: Level::expression(),
        }
    }

    fn run(mut self) -> Result<(), Refusal> {
        while let Some(byte) = self.peek(0) {
            self.repeated_at = self.token(byte)?;
        }
        if !self.outer.is_empty() {
            let opened = self.level.opened_at;
            return Err(self.refuse(opened, opened + 1, Fault::UnclosedGroup));
        }
        let instructions = self.level.close().instructions;
        if instructions > MOST_INSTRUCTIONS {
            return Err(Refusal::of_whole(Fault::TooComplex { instructions }));
        }
        Ok(())
    }

    /// Reads one token, which begins with `byte`. The answer is where it stands if it is a repetition operator.
    fn token(&mut self, byte: u8) -> Result<Option<usize>, Refusal> {
        match byte {
            b'*' | b'+' | b'?' => return self.repetition(1, repetition_of(byte)).map(Some),
            b'{' => {
                if let Some((length, repetition)) = counted(&self.bytes[self.at..]) {
                    return self.repetition(length, repetition).map(Some);
                }
                self.simple(1, Piece::of(1));
            }
            b'(' => self.open_group()?,
            b')' => self.close_group()?,
            b'|' => {
                self.level.alternate();
                self.at += 1;
            }
            b'^' | b'$' => self.simple(1, Piece::of(1)),
            b'.' => self.simple(1, Piece::of(Costs::DOT)),
            b'[' => self.class()?,
            b'\\' => self.escape()?,
            _ => {
                let literal = self.text[self.at..].chars().next().map_or(1, char::len_utf8);
                self.simple(literal, self.costs.literal(literal));
            }
        }
        Ok(None)
    }

    /// `piece`, written in `length` bytes.
    fn simple(&mut self, length: usize, piece: Piece) {
        self.level.push(piece);
        self.at += length;
    }

    /// An operator of `length` bytes, and the `?` that makes it lazy.
    fn repetition(&mut self, length: usize, repetition: Repetition) -> Result<usize, Refusal> {
        let start = self.at;
        let counts_end = start + length;
        self.at = counts_end;
        if self.peek(0) == Some(b'?') {
            self.at += 1;
        }
        if let Some(first) = self.repeated_at {
            return Err(self.refuse(first, self.at, Fault::RepeatedTwice));
        }
        let Repetition { min, max } = repetition;
        if max.is_some_and(|max| max < min) {
            return Err(self.refuse(start, counts_end, Fault::CountsReversed));
        }
        if max.unwrap_or(min) > MOST_COPIES {
            return Err(self.refuse(start, counts_end, Fault::TooManyCopies));
        }
        let Some(piece) = self.level.take_last() else {
            return Err(self.refuse(start, counts_end, Fault::NothingToRepeat));
        };
        let repeated = piece.repeated(repetition);
        if repeated.copies > MOST_COPIES {
            return Err(self.refuse(start, counts_end, Fault::TooManyNestedCopies));
        }
        self.level.push(repeated);
        Ok(start)
    }

    fn close_group(&mut self) -> Result<(), Refusal> {
        let Some(outer) = self.outer.pop() else {
            return Err(self.refuse(self.at, self.at + 1, Fault::UnopenedGroup));
        };
        let group = std::mem::replace(&mut self.level, outer).close();
        self.simple(1, group);
        Ok(())
    }

    /// What a backslash outside of brackets begins.
    fn escape(&mut self) -> Result<(), Refusal> {
        match self.peek(1) {
            Some(b'b' | b'B' | b'A' | b'z' | b'C') => self.simple(2, Piece::of(1)),
            Some(b'Q') => self.quoted(),
            Some(b'p' | b'P') => {
                self.unicode_group()?;
                self.level.push(Piece::of(Costs::UNICODE_GROUP));
            }
            Some(letter) if let Some(cost) = self.perl_class(letter) => {
                self.simple(2, Piece::of(cost));
            }
            _ => {
                let byte = self.escaped_byte()?;
                self.level.push(self.costs.literal(char::from(byte).len_utf8()));
            }
        }
        Ok(())
    }

    /// `\Q…\E`: characters that stand for themselves. Without `\E` it goes on to the end.
    fn quoted(&mut self) {
        let body = &self.text[self.at + 2..];
        let length = body.find(r"\E").unwrap_or(body.len());
        for character in body[..length].chars() {
            self.level.push(self.costs.literal(character.len_utf8()));
        }
        self.at = (self.at + 2 + length + 2).min(self.bytes.len());
    }

    /// `\pN`, `\p{Greek}`, `\P{^Greek}`.
    fn unicode_group(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        let rest = &self.text[start + 2..];
        let (name, length) = if let Some(braced) = rest.strip_prefix('{') {
            let Some(end) = braced.find('}') else {
                return Err(self.refuse(start, self.bytes.len(), Fault::UnclosedUnicodeGroup));
            };
            (&braced[..end], end + 2)
        } else {
            let length = rest.chars().next().map_or(0, char::len_utf8);
            (&rest[..length], length)
        };
        self.at = start + 2 + length;
        if is_unicode_group(name.strip_prefix('^').unwrap_or(name)) {
            Ok(())
        } else {
            Err(self.refuse(start, self.at, Fault::UnknownUnicodeGroup))
        }
    }

    /// What `\d`, `\s`, `\w` and their opposites compile to. `None` for another letter.
    const fn perl_class(&self, letter: u8) -> Option<u64> {
        match letter {
            b'd' | b's' | b'w' => Some(Costs::NAMED_RANGES * self.costs.ascii_range),
            b'D' | b'S' | b'W' => Some(self.costs.wide_range),
            _ => None,
        }
    }

    /// One byte written with a backslash, in brackets or outside: `\n`, `\057`, `\x2f`, `\x{2f}`, `\.`.
    fn escaped_byte(&mut self) -> Result<u8, Refusal> {
        let start = self.at;
        let Some(kind) = self.peek(1) else {
            return Err(self.refuse(start, start + 1, Fault::TrailingBackslash));
        };
        self.at += 2;
        let byte = match kind {
            b'a' => Some(0x07),
            b'f' => Some(0x0c),
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'v' => Some(0x0b),
            b'x' => self.hexadecimal(),
            b'0' => self.octal(),
            // One digit alone would be a back-reference.
            b'1'..=b'7' if self.peek(0).is_some_and(is_octal) => self.octal(),
            _ => (kind.is_ascii() && !kind.is_ascii_alphanumeric()).then_some(kind),
        };
        byte.ok_or_else(|| self.refuse(start, self.at, Fault::escape(kind)))
    }

    /// Two digits, or any number of them in braces: behind `\x`. The value has to fit into a byte.
    fn hexadecimal(&mut self) -> Option<u8> {
        let rest = &self.bytes[self.at..];
        let braced = rest.first() == Some(&b'{');
        let from = usize::from(braced);
        let most = if braced { rest.len() } else { 2 };
        let count =
            rest[from..].iter().take(most).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let digits = &self.text[self.at + from..][..count];
        let complete = if braced { rest.get(1 + count) == Some(&b'}') } else { count == 2 };
        // What stands in the place of a missing digit or brace belongs to what a refusal shows.
        let length = if braced { count + 2 } else { 2 };
        self.at = (self.at + length).min(self.bytes.len());
        // Leading zeros are free; no digits are no number.
        u8::from_str_radix(digits, 16).ok().filter(|_| complete)
    }

    /// Up to three digits, the first of which has been read, behind a backslash. The value has to fit into a byte.
    fn octal(&mut self) -> Option<u8> {
        let first = self.at - 1;
        let digits =
            self.bytes[first..].iter().take(3).take_while(|digit| is_octal(**digit)).count();
        self.at = first + digits;
        u8::from_str_radix(&self.text[first..self.at], 8).ok()
    }

    /// The byte `ahead` of the next one.
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// A refusal that shows the bytes from `start` to `end`, rounded outwards to whole characters.
    fn refuse(&self, start: usize, end: usize, fault: Fault) -> Refusal {
        let start = self.text.floor_char_boundary(start);
        let end = self.text.ceil_char_boundary(end);
        Refusal { at: start, fragment: self.text[start..end].to_owned(), fault }
    }
}

const fn is_octal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'7')
}

/// `*`, `+` or `?`.
const fn repetition_of(operator: u8) -> Repetition {
    match operator {
        b'*' => Repetition { min: 0, max: None },
        b'+' => Repetition { min: 1, max: None },
        _ => Repetition { min: 0, max: Some(1) },
    }
}

/// `{2}`, `{2,}` or `{2,3}` at the start of `text`, and its length. Anything else, such as `{,3}`, `{02}` or a number of
/// ten digits, is not a repetition to RE2 but stands for itself.
fn counted(text: &[u8]) -> Option<(usize, Repetition)> {
    let (min, length) = number(&text[1..])?;
    let mut end = 1 + length;
    let mut max = Some(min);
    if text.get(end) == Some(&b',') {
        end += 1;
        if text.get(end) == Some(&b'}') {
            max = None;
        } else {
            let (number, length) = number(&text[end..])?;
            max = Some(number);
            end += length;
        }
    }
    (text.get(end) == Some(&b'}')).then_some((end + 1, Repetition { min, max }))
}

/// The decimal number at the start of `text`, and how many digits it has: nine at most, without leading zeros.
fn number(text: &[u8]) -> Option<(u32, usize)> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 9 || (digits > 1 && text[0] == b'0') {
        return None;
    }
    let value = text[..digits].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some((value, digits))
}
