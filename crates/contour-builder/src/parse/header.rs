//! Names and values of headers.

use std::sync::Arc;

use contour_dag::{HeaderPart, HeaderValue};

/// The longest name and the longest value that Envoy takes, in bytes.
const LONGEST: usize = 16_384;

/// How many headers Envoy edits at most.
pub const MOST: usize = 1000;

/// Headers that say where a message ends, or that hold for one connection: Envoy writes them itself, and with others in their
/// place a client waits for ever, or takes one message for two.
const FRAMING: [&str; 8] = [
    "Connection",
    "Content-Length",
    "Keep-Alive",
    "Proxy-Connection",
    "Te",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];

/// What Envoy may be asked to put into a value, in upstream's documentation. Everything else that looks like it stays as it is
/// written: some of Envoy's commands tell what is nobody's business, such as its environment.
const VARIABLES: [&str; 26] = [
    "DOWNSTREAM_REMOTE_ADDRESS",
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_LOCAL_ADDRESS",
    "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_LOCAL_PORT",
    "DOWNSTREAM_LOCAL_URI_SAN",
    "DOWNSTREAM_PEER_URI_SAN",
    "DOWNSTREAM_LOCAL_SUBJECT",
    "DOWNSTREAM_PEER_SUBJECT",
    "DOWNSTREAM_PEER_ISSUER",
    "DOWNSTREAM_TLS_SESSION_ID",
    "DOWNSTREAM_TLS_CIPHER",
    "DOWNSTREAM_TLS_VERSION",
    "DOWNSTREAM_PEER_FINGERPRINT_256",
    "DOWNSTREAM_PEER_FINGERPRINT_1",
    "DOWNSTREAM_PEER_SERIAL",
    "DOWNSTREAM_PEER_CERT",
    "DOWNSTREAM_PEER_CERT_V_START",
    "DOWNSTREAM_PEER_CERT_V_END",
    "HOSTNAME",
    "PROTOCOL",
    "UPSTREAM_REMOTE_ADDRESS",
    "RESPONSE_FLAGS",
    "RESPONSE_CODE_DETAILS",
    "TLS_JA3_FINGERPRINT",
    "TLS_JA4_FINGERPRINT",
];

/// What a value may name of the object that it stands in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// `CONTOUR_NAMESPACE`.
    pub namespace: Option<&'a str>,
    /// `CONTOUR_SERVICE_NAME` and `CONTOUR_SERVICE_PORT`.
    pub service: Option<(&'a str, u16)>,
}

impl Context<'_> {
    fn value(&self, variable: &str) -> Option<String> {
        match variable {
            "CONTOUR_NAMESPACE" => self.namespace.map(str::to_owned),
            "CONTOUR_SERVICE_NAME" => self.service.map(|(name, _)| name.to_owned()),
            "CONTOUR_SERVICE_PORT" => self.service.map(|(_, port)| port.to_string()),
            _ => None,
        }
    }
}

/// Whether it is a token, as names of headers and methods are (RFC 9110, 5.6.2).
pub fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// A name as upstream writes it: `x-foo` is `X-Foo`, `ETag` is `Etag`. One that is no token stays as it is.
pub fn canonical(name: &str) -> String {
    if !is_token(name) {
        return name.to_owned();
    }
    let mut upper = true;
    let letter = |each: char| {
        let letter = if upper { each.to_ascii_uppercase() } else { each.to_ascii_lowercase() };
        upper = each == '-';
        letter
    };
    name.chars().map(letter).collect()
}

/// Reads the name of a header that is to be set or removed.
///
/// # Errors
/// Why that cannot be, in words that complete "…: ".
pub fn editable(written: &str) -> Result<Arc<str>, String> {
    let name = canonical(written);
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(format!(
            "{written:?} is no name of a header; letters, digits and hyphens make one"
        ));
    }
    if name.len() > LONGEST {
        return Err(format!("a name has at most {LONGEST} bytes"));
    }
    if FRAMING.contains(&name.as_str()) {
        return Err(format!("{name} is for Envoy alone: it says where a message ends"));
    }
    Ok(name.into())
}

/// Reads the name of a header that is to be removed.
///
/// # Errors
/// As [`editable`]; and the host is not removed.
pub fn removable(name: &str) -> Result<Arc<str>, String> {
    if canonical(name) == "Host" {
        return Err("a request without the header Host is none".to_owned());
    }
    editable(name)
}

/// Whether it can stand for a host, and a port, in a request.
pub fn is_authority(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(allowed)
}

/// Reads a value: the variables in it that are documented stand for themselves, and everything else for what is written.
///
/// # Errors
/// As [`check_value`].
pub fn value(text: &str, context: &Context<'_>) -> Result<HeaderValue, String> {
    check_value(text)?;
    Ok(expand(text, context))
}

/// Whether it can be a value, wherever it stands.
///
/// # Errors
/// Why Envoy would refuse it, or every message with it, in words that complete "…: ".
pub fn check_value(text: &str) -> Result<(), String> {
    if text.chars().any(|each| each.is_control() && each != '\t') {
        return Err("control characters cannot stand in a header".to_owned());
    }
    if text.len() > LONGEST {
        return Err(format!(
            "a value has at most {LONGEST} bytes, and this one has {}",
            text.len()
        ));
    }
    Ok(())
}

/// What a value that has been [checked](check_value) says in this place.
pub fn expand(text: &str, context: &Context<'_>) -> HeaderValue {
    let mut parts = Vec::new();
    let (mut literal, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('%') {
        literal.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match command(rest, context) {
            None => literal.push('%'),
            Some((HeaderPart::Text(text), after)) => {
                literal.push_str(&text);
                rest = after;
            }
            Some((variable, after)) => {
                push_text(&mut parts, &mut literal);
                parts.push(variable);
                rest = after;
            }
        }
    }
    literal.push_str(rest);
    push_text(&mut parts, &mut literal);
    HeaderValue(parts)
}

fn push_text(parts: &mut Vec<HeaderPart>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(HeaderPart::Text(std::mem::take(literal).into()));
    }
}

/// What the text behind a percent sign begins with, and what follows its other percent sign. `None` if that is nothing that a
/// value may name.
fn command<'a>(rest: &'a str, context: &Context<'_>) -> Option<(HeaderPart, &'a str)> {
    if let Some((command, after)) = request_header(rest) {
        return Some((HeaderPart::Variable(command.into()), after));
    }
    let (name, after) = rest.split_once('%')?;
    if let Some(value) = context.value(name) {
        return Some((HeaderPart::Text(value.into()), after));
    }
    VARIABLES.contains(&name).then(|| (HeaderPart::Variable(name.into()), after))
}

/// The longest prefix of a header that may be asked for, in digits.
const LENGTH_DIGITS: usize = 5;

/// `REQ(NAME)`, `REQ(NAME?OTHER)`, either with `:LENGTH` behind it.
fn request_header(rest: &str) -> Option<(&str, &str)> {
    let (command, after) = rest.split_once('%')?;
    let (names, length) = command.strip_prefix("REQ(")?.split_once(')')?;
    let (first, other) = match names.split_once('?') {
        Some((first, other)) => (first, Some(other)),
        None => (names, None),
    };
    let named = |name: &str| {
        let name = name.strip_prefix(':').unwrap_or(name);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !name.is_empty() && name.bytes().all(allowed)
    };
    let measured = |length: &str| {
        let digits = length.strip_prefix(':').unwrap_or_default();
        (1..=LENGTH_DIGITS).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let good = named(first) && other.is_none_or(named) && (length.is_empty() || measured(length));
    good.then_some((command, after))
}

/// The header whose value the text names: `Other` of `%REQ(Other)%`, wherever that stands in it.
pub fn named_header(text: &str) -> Option<Arc<str>> {
    text.match_indices("%REQ(").find_map(|(at, opening)| {
        let (name, after) = text[at + opening.len()..].split_once(')')?;
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let good = after.starts_with('%') && !name.is_empty() && name.bytes().all(letters);
        good.then(|| canonical(name).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_upper_case_letters_after_hyphens() {
        assert_eq!(canonical("x-foo"), "X-Foo");
        assert_eq!(canonical("ETag"), "Etag");
        assert_eq!(canonical("x y"), "x y");
    }

    #[test]
    fn what_may_be_edited_is_made_of_letters_digits_and_hyphens() {
        assert_eq!(editable("x-1").as_deref(), Ok("X-1"));
        for name in ["", "x y", "x_a", ":path", "x:", "é", "a\r\n"] {
            assert!(editable(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_says_where_a_message_ends_is_not_edited() {
        for name in ["content-length", "Transfer-Encoding", "TE"] {
            assert!(editable(name).is_err(), "{name:?}");
        }
    }

    /// Variables in braces, so that they can be told from text.
    fn shown(text: &str, context: &Context<'_>) -> Result<String, String> {
        let show = |part: &HeaderPart| match part {
            HeaderPart::Text(text) => text.to_string(),
            HeaderPart::Variable(name) => format!("{{{name}}}"),
        };
        value(text, context).map(|value| value.0.iter().map(show).collect())
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let context = Context { namespace: Some("team"), service: Some(("web", 80)) };
        assert_eq!(shown(text, &context).as_deref(), Ok(expect));
    }

    #[test]
    fn documented_variables_stand_for_themselves() {
        check("%HOSTNAME%", "{HOSTNAME}");
        check("a %PROTOCOL% b", "a {PROTOCOL} b");
        check("%REQ(x-id)%", "{REQ(x-id)}");
        check("%REQ(:authority?x_id):12%", "{REQ(:authority?x_id):12}");
        check("%%HOSTNAME%%", "%{HOSTNAME}%");
    }

    #[test]
    fn what_contour_knows_is_put_in() {
        check("%CONTOUR_SERVICE_NAME%.%CONTOUR_NAMESPACE%:%CONTOUR_SERVICE_PORT%", "web.team:80");
    }

    #[test]
    fn what_is_not_known_is_text() {
        let bare = Context::default();
        for text in ["%CONTOUR_NAMESPACE%", "%CONTOUR_SERVICE_NAME%"] {
            assert_eq!(shown(text, &bare).as_deref(), Ok(text));
        }
        for text in [
            "100%",
            "%",
            "%%",
            "%20",
            "%ENVIRONMENT(HOME)%",
            "%START_TIME%",
            "%hostname%",
            "%HOSTNAME",
            "%REQ()%",
            "%REQ(a?b?c)%",
            "%REQ(a b)%",
            "%REQ(a):%",
            "%REQ(a):x%",
            "%REQ(a):123456%",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn control_characters_and_long_values_are_refused() {
        for text in ["a\r\nb", "\0", "\u{7f}", &"a".repeat(LONGEST + 1)] {
            assert!(value(text, &Context::default()).is_err(), "{text:?}");
        }
        check("a\tb", "a\tb");
    }

    #[test]
    fn a_header_may_be_named_anywhere_in_a_text() {
        assert_eq!(named_header("a%REQ(x-host)%b").as_deref(), Some("X-Host"));
        assert_eq!(named_header("%REQ(a b)%%REQ(c)%").as_deref(), Some("C"));
        for text in ["REQ(a)", "%REQ(a)", "%REQ(:authority)%", "%REQ()%", "%REQ(a):1%"] {
            assert_eq!(named_header(text), None, "{text}");
        }
    }
}
