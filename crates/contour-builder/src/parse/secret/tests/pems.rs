//! How PEM is read and written.

use proptest::prelude::*;

use super::super::flaw::Key;
use super::super::pem::{blocks, encode};

#[track_caller]
fn broken(text: &str, expect: &str) {
    let found = blocks(Key::Certificate, text.as_bytes()).map(|_| ());
    assert_eq!(found.expect_err("it is broken").to_string(), expect);
}

const GOOD: &str = "-----BEGIN A-----\nAAAA\n-----END A-----\n";

#[test]
fn what_stands_around_blocks_is_passed_over() {
    let text = format!("subject=/CN=a\n\n{GOOD}\u{fc}\r\n{}and so on", GOOD.replace('\n', "\r\n"));
    let found = blocks(Key::Certificate, text.as_bytes()).expect("two blocks");
    let found: Vec<_> = found.iter().map(|block| (block.number, block.label)).collect();
    assert_eq!(found, [(1, "A"), (2, "A")]);
}

#[test]
fn lines_may_be_of_any_length_and_indented() {
    let text = "  -----BEGIN A-----\n  A\n  AA\n  A\n  -----END A-----";
    let found = blocks(Key::Certificate, text.as_bytes()).expect("a block");
    assert_eq!(found[0].der.as_slice(), [0, 0, 0]);
}

#[test]
fn what_is_not_there_yet_is_told_from_what_is_broken() {
    broken("", "`tls.crt` is empty: whoever issues it has not written it yet");
    broken(" \n", "`tls.crt` is empty: whoever issues it has not written it yet");
    broken("hello", "`tls.crt`: there is no PEM block in it, as in `-----BEGIN CERTIFICATE-----`");
}

#[test]
fn usual_mix_ups_are_called_by_their_name() {
    broken(
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==",
        "`tls.crt`: it is encoded in base64 twice: `data` takes it encoded once, `stringData` as it is",
    );
    let found = blocks(Key::Certificate, &[0x30, 0x82, 1, 0]).map(|_| ());
    let expect = "`tls.crt`: it is binary (DER): convert it to PEM, with `openssl … -inform der`";
    assert_eq!(found.expect_err("it is binary").to_string(), expect);
}

#[test]
fn a_block_that_is_cut_off_is_not_passed_over() {
    let cut = "`tls.crt`, block 2: its last line, `-----END A-----`, is missing: it was cut off";
    broken(&format!("{GOOD}-----BEGIN A-----\nAAAA\n"), cut);
    broken(&format!("{GOOD}-----BEGIN A-----\nAAAA\n{GOOD}"), cut);
    broken(&format!("{GOOD}-----BEGIN A-----\nAAAA\n----END A-----\n-----EN"), cut);
    broken(
        &format!("{GOOD}AAAA\n-----END A-----"),
        "`tls.crt`, block 2: its last line comes without a first one: it was cut off",
    );
}

#[test]
fn first_and_last_lines_stand_alone() {
    let alone = "`-----BEGIN …-----` must be a line of its own: put line breaks around it";
    broken(&GOOD.replace("-----\nA", "-----A"), &format!("`tls.crt`, block 1: {alone}"));
    broken(&format!("a {GOOD}"), &format!("`tls.crt`, block 1: {alone}"));
    broken(
        &format!("{}{GOOD}", GOOD.trim_end()),
        "`tls.crt`, block 1: `-----END …-----` must be a line of its own: put a line break between it and what follows",
    );
    broken(
        &GOOD.replace("END A", "END B"),
        "`tls.crt`, block 1: it begins as \"A\" and ends as \"B\"",
    );
}

#[test]
fn what_is_in_a_block_is_base64() {
    broken(
        &GOOD.replace("AAAA", "AAAA A"),
        "`tls.crt`, block 1: it is not base64: copy it again as a whole",
    );
    broken(&GOOD.replace("AAAA\n", ""), "`tls.crt`, block 1: there is nothing in it");
}

proptest! {
    #[test]
    fn what_is_written_is_read(label in "[A-Z]{1,9}( [A-Z0-9]{1,9})?", der in prop::collection::vec(any::<u8>(), 1..300)) {
        let mut text = String::new();
        encode(&label, &der, &mut text);
        prop_assert!(text.lines().all(|line| line.len() <= 64));
        prop_assert_eq!(text.capacity(), text.len());
        let found = blocks(Key::Certificate, text.as_bytes()).expect("a block");
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!((found[0].label, found[0].der.as_slice()), (&*label, &*der));
    }
}
