//! PEM (RFC 7468), read strictly: what Envoy would pass over silently, or refuse, is refused with its place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::flaw::{Flaw, Key};

const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";
const DASHES: &[u8] = b"-----";

/// How long a line of base64 is.
const WIDTH: usize = 64;

/// One block: what stands between `-----BEGIN LABEL-----` and `-----END LABEL-----`.
pub(super) struct Block<'a> {
    /// Which it is, from 1.
    pub(super) number: usize,
    pub(super) label: &'a str,
    /// Whether its headers say that it is encrypted.
    pub(super) encrypted: bool,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// The blocks of a text, at least one. What stands around them is passed over.
///
/// # Errors
/// [`Flaw::Pending`] if there is no text, otherwise what is wrong with which block.
pub(super) fn blocks(key: Key, text: &[u8]) -> Result<Vec<Block<'_>>, Flaw> {
    if text.trim_ascii().is_empty() {
        return Err(Flaw::Pending(key));
    }
    let mut blocks = Vec::new();
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    while let Some(line) = lines.next() {
        let number = blocks.len() + 1;
        let refuse = |what: &str| key.refuse(number, what);
        if line.starts_with(BEGIN) {
            let label = label(line, BEGIN).ok_or_else(|| refuse(MARK))?;
            blocks.push(block(number, label, &mut lines).map_err(|what| refuse(&what))?);
        } else if contains(line, BEGIN) {
            return Err(refuse(MARK));
        } else if contains(line, END) {
            return Err(refuse("its last line comes without a first one: it was cut off"));
        }
    }
    if blocks.is_empty() { Err(key.refuse_all(nothing(text))) } else { Ok(blocks) }
}

const MARK: &str = "`-----BEGIN …-----` must be a line of its own: put line breaks around it";

/// Reads a block from its second line on.
fn block<'a>(
    number: usize,
    label: &'a str,
    lines: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<Block<'a>, String> {
    let mut encrypted = false;
    let mut base64 = Zeroizing::new(Vec::new());
    for line in lines {
        if line.starts_with(END) {
            let end = self::label(line, END).ok_or(
                "`-----END …-----` must be a line of its own: put a line break between it and what follows",
            )?;
            if end != label {
                return Err(format!("it begins as {label:?} and ends as {end:?}"));
            }
            let der = STANDARD.decode(&*base64).map(Zeroizing::new);
            let der = der.map_err(|_| "it is not base64: copy it again as a whole")?;
            if der.is_empty() {
                return Err("there is nothing in it".to_owned());
            }
            return Ok(Block { number, label, encrypted, der });
        }
        if contains(line, DASHES) {
            break;
        }
        // RFC 1421's headers, which no other line has a colon in common with.
        if line.contains(&b':') {
            encrypted |= line.starts_with(b"Proc-Type:") && contains(line, b"ENCRYPTED");
        } else {
            base64.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
        }
    }
    Err(format!("its last line, `-----END {label}-----`, is missing: it was cut off"))
}

/// The label of a first or last line, if it is one.
fn label<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a str> {
    let label = line.strip_prefix(mark)?.strip_prefix(b" ")?.strip_suffix(DASHES)?;
    let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let plain = label.iter().all(plain) && label == label.trim_ascii() && !label.is_empty();
    std::str::from_utf8(label).ok().filter(|_| plain)
}

/// What a text is in which no block was found.
fn nothing(text: &[u8]) -> &'static str {
    // What `-----BEGIN ` comes to in base64, and the beginning of a DER sequence longer than 127 bytes.
    if text.trim_ascii_start().starts_with(b"LS0tLS1CRUdJTi") {
        return "it is encoded in base64 twice: `data` takes it encoded once, `stringData` as it is";
    }
    if matches!(text, [0x30, 0x81..=0x84, ..]) {
        return "it is binary (DER): convert it to PEM, with `openssl … -inform der`";
    }
    "there is no PEM block in it, as in `-----BEGIN CERTIFICATE-----`"
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|each| each == part)
}

/// Adds a block in its canonical form (RFC 7468, section 3).
pub(super) fn encode(label: &str, der: &[u8], text: &mut String) {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    text.reserve_exact(encoded_len(label, base64.len()));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    let mut rest = base64.as_str();
    while let Some((line, after)) = rest.split_at_checked(WIDTH) {
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    if !rest.is_empty() {
        text.push_str(rest);
        text.push('\n');
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
}

/// Exactly, so that a text with a private key in it does not move, and leave a copy behind.
fn encoded_len(label: &str, base64: usize) -> usize {
    "-----BEGIN -----\n-----END -----\n".len() + 2 * label.len() + base64 + base64.div_ceil(WIDTH)
}
