//! Cuts a file into documents before any of them is parsed, so that a document that is no YAML costs only itself.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A part of a file that holds one document (or several, separated by `...`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'t> {
    /// The number of lines before it.
    pub(super) lines_before: usize,
    /// The text, with its `---`.
    pub(super) text: &'t str,
}

/// Splits at lines that start with the marker `---`. No content of a document can look like that: within quoted and
/// block scalars it ends the document as well (YAML 1.2, rule 206, `c-forbidden`).
pub(super) fn chunks(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut lines_before = 0;
    let mut content = false;
    let mut offset = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let marker = is_marker(line);
        if marker && content {
            chunks.push(Chunk { lines_before, text: &text[start..offset] });
            (start, lines_before) = (offset, number);
        }
        // Comments and directives (`%YAML 1.2`) before a marker belong to the document that it opens.
        content = marker || (content || !is_preamble(line));
        offset += line.len();
    }
    if start < text.len() {
        chunks.push(Chunk { lines_before, text: &text[start..] });
    }
    chunks
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn is_preamble(line: &str) -> bool {
    let line = line.trim_start_matches('\u{feff}');
    line.starts_with('%') || line.trim_start().is_empty() || line.trim_start().starts_with('#')
}

/// JSON writes characters beyond the basic plane as two escapes (`\ud83d\ude00`), YAML as one (`\U0001f600`). In a
/// document that is JSON, the former become the latter; all else is YAML already.
pub(super) fn joined_surrogates(text: &str) -> Cow<'_, str> {
    let json = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('{');
    if !json || !(text.contains("\\ud") || text.contains("\\uD")) {
        return Cow::Borrowed(text);
    }
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        joined.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if let Some(character) = surrogate_pair(rest) {
            let escape = write!(joined, "\\U{:08x}", u32::from(character));
            escape.expect("writing to a String succeeds");
            12
        } else {
            // The escaped character goes along, so that the second backslash of `\\` starts no escape.
            let taken = rest.char_indices().nth(2).map_or(rest.len(), |(index, _)| index);
            joined.push_str(&rest[..taken]);
            taken
        };
        rest = &rest[taken..];
    }
    joined.push_str(rest);
    Cow::Owned(joined)
}

fn surrogate_pair(text: &str) -> Option<char> {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
        u16::from_str_radix(digits, 16).ok()
    };
    let pair = [unit(0)?, unit(6)?];
    let mut decoded = char::decode_utf16(pair);
    decoded.next()?.ok().filter(|_| decoded.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(usize, &str)]) {
        let found: Vec<_> =
            chunks(text).iter().map(|chunk| (chunk.lines_before, chunk.text)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn a_file_without_markers_is_one_document() {
        check("a: 1\nb: 2\n", &[(0, "a: 1\nb: 2\n")]);
    }

    #[test]
    fn nothing_is_no_document() {
        check("", &[]);
    }

    #[test]
    fn a_marker_opens_a_document() {
        check("a\n---\nb\n--- c\n", &[(0, "a\n"), (1, "---\nb\n"), (3, "--- c\n")]);
    }

    #[test]
    fn comments_and_directives_belong_to_the_next_marker() {
        check("# c\n%YAML 1.2\n\n---\na\n", &[(0, "# c\n%YAML 1.2\n\n---\na\n")]);
    }

    #[test]
    fn three_dashes_within_a_line_or_a_word_are_content() {
        check("a: ---\n---x\n ---\n", &[(0, "a: ---\n---x\n ---\n")]);
    }

    #[test]
    fn windows_line_ends_are_line_ends() {
        check("a\r\n---\r\nb\r\n", &[(0, "a\r\n"), (1, "---\r\nb\r\n")]);
    }

    #[test]
    fn surrogates_of_json_become_one_escape() {
        assert_eq!(joined_surrogates(r#"{"a": "\ud83d\ude00!"}"#), r#"{"a": "\U0001f600!"}"#);
    }

    #[test]
    fn an_escaped_backslash_starts_no_surrogate() {
        let text = r#"{"a": "\\ud83d\\ude00"}"#;
        assert_eq!(joined_surrogates(text), text);
    }

    #[test]
    fn half_a_surrogate_stays_for_the_parser_to_refuse() {
        for text in [r#"{"a": "\ud83d"}"#, r#"{"a": "\ud83dx"#, r#"{"\ud83d\"#, r#"{"\uDé"#] {
            assert_eq!(joined_surrogates(text), text);
        }
    }

    #[test]
    fn yaml_is_left_alone() {
        let text = r#"a: "\ud83d\ude00""#;
        assert_eq!(joined_surrogates(text), text);
    }
}
