//! Texts of all kinds: good, mistyped, hostile.

use proptest::prelude::*;
use proptest::sample::select;

/// Longer than most limits.
const LONG: usize = 5000;

fn of(good: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        12 => select(good).prop_map(str::to_owned),
        2 => any_text(),
    ]
}

/// What may stand anywhere, and be meant as it is written or not.
pub fn any_text() -> impl Strategy<Value = String> {
    let hostile = select(vec![
        "",
        " ",
        "a b",
        "a\r\nX-Evil: 1",
        "\0",
        "\u{7f}",
        "é",
        "%",
        "100%",
        "%%",
        "%REQ(",
        "%ENVIRONMENT(HOME)%",
        "%HOSTNAME%",
        "a; Domain=evil.example",
        "\"]] os.exit() --",
        "/",
        "#",
        "?",
        "(",
        "[a",
        "*",
        "(a{100}){100}",
        "-1",
        "0",
        "99999999999999999999",
        "::1",
        "localhost",
    ]);
    prop_oneof![
        6 => hostile.prop_map(str::to_owned),
        1 => Just("a".repeat(LONG)),
        2 => any::<String>(),
        2 => "[ -~]{0,12}",
    ]
}

/// Names of headers.
pub fn header() -> impl Strategy<Value = String> {
    of(&["x-a", "X-B", "Host", "host", ":method", ":authority", "content-length", "x_c", "Cookie"])
}

/// Values of headers.
pub fn value() -> impl Strategy<Value = String> {
    of(&[
        "a",
        "%HOSTNAME%",
        "%REQ(x-a)%",
        "%REQ(x-a?:path):10%",
        "%CONTOUR_NAMESPACE%/%CONTOUR_SERVICE_NAME%",
        "50% off",
    ])
}

/// Paths.
pub fn path() -> impl Strategy<Value = String> {
    of(&["/", "/a", "/a/", "/b", "/a/b", "//a//b", "no-slash", "/a?b"])
}

/// Regular expressions.
pub fn regex() -> impl Strategy<Value = String> {
    of(&["/a.*", "/[0-9]+", "a|b", "(?i)x", "/(", "/a{2,1}", "/\\d+"])
}

/// Durations.
pub fn duration() -> impl Strategy<Value = String> {
    of(&["1s", "1.5s", "500ms", "0s", "infinity", "1h", "-1s", "s", "1000000h"])
}

/// Host names.
pub fn host() -> impl Strategy<Value = String> {
    of(&[
        "a.example",
        "b.example",
        "*.a.example",
        "192.0.2.1",
        "127.1",
        "A.example.",
        "a.example:80",
    ])
}

/// Networks.
pub fn cidr() -> impl Strategy<Value = String> {
    of(&["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::1", "10.0.0.0/33", "0.0.0.0/0"])
}
