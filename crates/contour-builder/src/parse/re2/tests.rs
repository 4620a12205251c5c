//! Facts from Envoy 1.40 and 1.36, and some 2,000 expressions with the verdict of both.

use super::{Fault, LONGEST, MOST_INSTRUCTIONS, check};

#[track_caller]
fn accepts(expression: &str) {
    assert_eq!(check(expression), Ok(()), "{expression}");
}

#[track_caller]
fn refuses(expression: &str, fault: Fault) {
    assert_eq!(check(expression).map_err(|refusal| refusal.fault), Err(fault), "{expression}");
}

#[track_caller]
fn says(expression: &str, words: &str) {
    assert_eq!(check(expression).map_err(|refusal| refusal.to_string()), Err(words.to_owned()));
}

#[track_caller]
fn foreign(expression: &str, name: &'static str) {
    refuses(expression, Fault::ForeignGroup { name });
}

#[track_caller]
fn bad_escape(expression: &str) {
    let refusal = check(expression).expect_err(expression);
    assert!(matches!(refusal.fault, Fault::Escape { .. }), "{expression}: {refusal}");
}

#[track_caller]
fn too_complex(expression: &str) {
    let refusal = check(expression).expect_err(expression);
    let Fault::TooComplex { instructions } = refusal.fault else { panic!("{refusal}") };
    assert!(instructions > MOST_INSTRUCTIONS, "{refusal}");
}

#[test]
fn empty_matches_nothing_and_is_refused() {
    refuses("", Fault::Empty);
}

#[test]
fn parentheses_pair() {
    refuses("(", Fault::UnclosedGroup);
    refuses("(a(b)", Fault::UnclosedGroup);
    refuses(")", Fault::UnopenedGroup);
    refuses("(a))", Fault::UnopenedGroup);
    accepts("()");
    accepts("(?:)");
    accepts("a||b");
}

#[test]
fn groups_nest_as_deep_as_the_text_is_long() {
    accepts(&format!("{}a{}", "(".repeat(1001), ")".repeat(1001)));
    accepts(&format!("{}a{}", "(".repeat(32_000), ")".repeat(32_000)));
    refuses(&"(".repeat(LONGEST), Fault::UnclosedGroup);
}

#[test]
fn brackets_pair() {
    refuses("[a", Fault::UnclosedClass);
    refuses("[]", Fault::UnclosedClass);
    refuses("[^]", Fault::UnclosedClass);
    refuses("[a-", Fault::UnclosedClass);
    accepts("]");
    accepts("[]a]");
    accepts("[^]a]");
}

#[test]
fn braces_that_are_no_repetition_stand_for_themselves() {
    accepts("{");
    accepts("}");
    accepts("a{,3}");
    accepts("a{02}");
    accepts("a{1,02}");
    accepts("a{1");
    accepts("a{ 1}");
}

#[test]
fn a_count_of_ten_digits_stands_for_itself() {
    accepts("a{1000000000}");
    refuses("a{999999999}", Fault::TooManyCopies);
}

#[test]
fn a_repetition_needs_something_to_repeat() {
    refuses("*", Fault::NothingToRepeat);
    refuses("+a", Fault::NothingToRepeat);
    refuses("a|*", Fault::NothingToRepeat);
    refuses("(*)", Fault::NothingToRepeat);
    refuses("(?i)*", Fault::NothingToRepeat);
    refuses("{2}", Fault::NothingToRepeat);
    accepts("^*");
    accepts("()*");
}

#[test]
fn a_repetition_is_not_repeated() {
    refuses("a**", Fault::RepeatedTwice);
    refuses("a++", Fault::RepeatedTwice);
    refuses("a{2}{3}", Fault::RepeatedTwice);
    refuses("a*??", Fault::RepeatedTwice);
    accepts("a*?");
    accepts("a{2}?");
    accepts("(a*)*");
    accepts("(a+)+$");
}

#[test]
fn flags_and_empty_quotes_part_two_repetitions() {
    accepts("a*(?i)*");
    accepts(r"a*\Q\E*");
}

#[test]
fn counts_ascend() {
    refuses("a{2,1}", Fault::CountsReversed);
    accepts("a{2,2}");
}

#[test]
fn counts_go_up_to_a_thousand() {
    refuses("a{1001}", Fault::TooManyCopies);
    refuses("a{1001,}", Fault::TooManyCopies);
    refuses("a{0,1001}", Fault::TooManyCopies);
    accepts("a{1000}");
    accepts("a{1000,}");
}

#[test]
fn nested_counts_multiply_up_to_a_thousand() {
    refuses("(a{100}){100}", Fault::TooManyNestedCopies);
    refuses("(a{501}){2}", Fault::TooManyNestedCopies);
    refuses("(?:a{32}){32}", Fault::TooManyNestedCopies);
    refuses("((a{10}){10}){11}", Fault::TooManyNestedCopies);
    refuses("(b|a{501}c){2}", Fault::TooManyNestedCopies);
    accepts("(a{500}){2}");
    accepts("((a{10}){10}){10}");
    accepts("(a{1000}){0,1}");
}

#[test]
fn counts_side_by_side_do_not_multiply() {
    accepts("(a{500}b{500}){2}");
    accepts("(a{1000})b{1000}");
}

#[test]
fn a_count_of_zero_does_not_multiply() {
    accepts("(a{0}){1000}");
    accepts("((a{1000}){0}){1}");
}

#[test]
fn what_other_languages_have_is_called_by_name() {
    foreign("(?=a)", "look-ahead");
    foreign("(?!a)", "negative look-ahead");
    foreign("(?<=a)", "look-behind");
    foreign("(?<!a)", "negative look-behind");
    foreign("(?>a)", "atomic group");
    foreign("(?#a)", "comment");
    foreign("(?|a|b)", "branch reset");
    foreign("(?(1)a|b)", "conditional");
    foreign("(?R)", "recursion");
    foreign("(?&x)", "subroutine call");
    foreign("(?P>n)", "subroutine call");
    foreign("(?P=n)", "back-reference");
    foreign("(?~a)", "absence operator");
}

#[test]
fn four_flags_are_known() {
    accepts("(?U)");
    accepts("(?m)");
    accepts("(?s-i:a)");
    accepts("(?imsU-imsU)");
    accepts("(?)");
    refuses("(?x)", Fault::UnknownGroup);
    refuses("(?u)", Fault::UnknownGroup);
    refuses("(?-u)", Fault::UnknownGroup);
    refuses("(?z)", Fault::UnknownGroup);
    refuses("(?", Fault::UnknownGroup);
    refuses("(?i", Fault::UnknownGroup);
    refuses("(?-)", Fault::UnknownGroup);
    refuses("(?i-:a)", Fault::UnknownGroup);
    refuses("(?-i-s)", Fault::UnknownGroup);
}

#[test]
fn group_names_are_words_of_ascii() {
    accepts("(?P<n>a)");
    accepts("(?<n>a)");
    accepts("(?P<1a>x)");
    accepts("(?P<n>a)(?P<n>b)");
    refuses("(?P<n", Fault::GroupName);
    refuses("(?P<n-n>x)", Fault::GroupName);
    refuses("(?P<>x)", Fault::GroupName);
    refuses("(?<é>x)", Fault::GroupName);
    refuses("(?P<ª>x)", Fault::GroupName);
}

#[test]
fn escapes_of_letters_and_digits_are_few() {
    for letter in [
        "1",
        "8",
        "h",
        "Z",
        "K",
        "R",
        "G",
        "X",
        "e",
        "c",
        "E",
        "u0041",
        "U00000041",
        "k<n>",
        "g1",
        "é",
    ] {
        bad_escape(&format!(r"\{letter}"));
    }
    for letter in [
        "a", "f", "n", "r", "t", "v", "z", "A", "b", "B", "C", "d", "D", "s", "S", "w", "W",
        "b{start}",
    ] {
        accepts(&format!(r"\{letter}"));
    }
    refuses(r"\", Fault::TrailingBackslash);
    refuses(r"[\", Fault::TrailingBackslash);
}

#[test]
fn escaped_punctuation_stands_for_itself() {
    for byte in (0..=0x7f_u8).filter(|byte| !byte.is_ascii_alphanumeric()) {
        accepts(&format!(r"\{}", char::from(byte)));
    }
}

#[test]
fn numeric_escapes_fit_into_a_byte() {
    accepts(r"\07");
    accepts(r"\12");
    accepts(r"\377");
    bad_escape(r"\400");
    accepts(r"\xff");
    accepts(r"\x{ff}");
    accepts(r"\x{00000041}");
    bad_escape(r"\x{100}");
    bad_escape(r"\x{110000}");
    bad_escape(r"\x{}");
    bad_escape(r"\x{4");
    bad_escape(r"\x{é}");
    bad_escape(r"\x{");
    bad_escape(r"\x4");
    bad_escape(r"\x");
}

#[test]
fn quotes_take_everything() {
    accepts(r"\Qa**(\E");
    accepts(r"\Q(");
    accepts(r"\Qa\");
    bad_escape(r"\Qa\E\E");
}

#[test]
fn unicode_groups_are_known_by_name() {
    accepts(r"\pN");
    accepts(r"\PN");
    accepts(r"\p{^L}");
    accepts(r"[\p{Greek}\P{^Lu}]");
    accepts(r"\p{Any}");
    refuses(r"\p{Foo}", Fault::UnknownUnicodeGroup);
    refuses(r"\p{Script=Greek}", Fault::UnknownUnicodeGroup);
    refuses(r"\p{Alphabetic}", Fault::UnknownUnicodeGroup);
    refuses(r"\p{greek}", Fault::UnknownUnicodeGroup);
    refuses(r"\p{^^L}", Fault::UnknownUnicodeGroup);
    refuses(r"\p{}", Fault::UnknownUnicodeGroup);
    refuses(r"\p", Fault::UnknownUnicodeGroup);
    refuses(r"\pé", Fault::UnknownUnicodeGroup);
    refuses(r"\p{L", Fault::UnclosedUnicodeGroup);
}

#[test]
fn posix_classes_are_known_by_name() {
    accepts("[[:alpha:]]");
    accepts("[^[:^word:]x]");
    refuses("[[:foo:]]", Fault::UnknownPosixClass);
    refuses("[[:é:]]", Fault::UnknownPosixClass);
}

#[test]
fn a_posix_class_that_does_not_end_stands_for_itself() {
    accepts("[[:]");
    accepts("[[:alpha]");
    refuses("[[:a]b:]", Fault::UnknownPosixClass);
}

#[test]
fn ranges_ascend() {
    refuses("[z-a]", Fault::RangeReversed);
    refuses("[a--b]", Fault::RangeReversed);
    refuses("[é-à]", Fault::RangeReversed);
    accepts("[à-é]");
    accepts("[日-本]");
    accepts("[é-日]");
    accepts("é-à");
    accepts("[-a]");
    accepts("[a-]");
}

#[test]
fn ranges_ascend_by_bytes_too() {
    refuses(r"[\xe0-é]", Fault::ClassOfBytes);
    refuses("[a-é-z]", Fault::ClassOfBytes);
    refuses(r"[a-é-\d]", Fault::ClassOfBytes);
    accepts("[a-é-ü]");
    accepts(r"[\xc3-é]");
    accepts(r"[\xe0-\xe9]");
}

#[test]
fn a_class_cannot_end_a_range() {
    bad_escape(r"[a-\d]");
    accepts(r"[\d-a]");
}

#[test]
fn set_operations_are_literal() {
    accepts("[a-c&&b]");
    accepts("[[a-z]--[b]]");
}

#[test]
fn control_characters_stand_for_themselves() {
    accepts("\0");
    accepts("\n");
}

#[test]
fn large_expressions_pass() {
    accepts(&(0..10_000).map(|number| format!("a{number}")).collect::<Vec<_>>().join("|"));
    accepts(&".{1000}".repeat(30));
    accepts(r"(?i)^/[\w.-]{1,253}/(?:[^/]+/){0,100}[\p{L}\p{N}_-]{1,63}$");
    accepts(&"a".repeat(LONGEST));
}

#[test]
fn absurd_expressions_do_not() {
    refuses(&"a".repeat(LONGEST + 1), Fault::TooLong { bytes: LONGEST + 1 });
    too_complex(&"a{1000}".repeat(700));
    too_complex(r"\pL{1000}");
    // Latin-1 would do with 300,000 instructions.
    too_complex(&".{1000}".repeat(100));
}

#[test]
fn the_reckoning_does_not_overflow() {
    too_complex(&r"(\pL{1000})".repeat(LONGEST / 11));
}

#[test]
fn refusals_tell_what_and_where() {
    says("/a(?=b)", "look-ahead `(?=` at byte 2 is not supported by RE2");
    says("/a{1001}", "the repetition `{1001}` at byte 2 exceeds 1000");
    says("[z-a]", "the range `z-a` at byte 1 ends before it begins: exchange its ends");
    says("é(b", "`(` at byte 2 is not closed: add `)`, or write `\\(` for the character");
    says(
        "(?x)a",
        "`(?x` at byte 0 is not supported by RE2: behind `(?` it knows `:`, `P<name>` and the flags `i`, `m`, `s`, `U`",
    );
}

#[test]
fn refusals_show_whole_characters() {
    says(
        r"a\é",
        "the escape `\\é` at byte 1 is not supported by RE2: such a character stands for itself without a backslash",
    );
}

#[test]
fn refusals_fit_into_a_line() {
    says(
        &format!("[\n{}", "x".repeat(100)),
        &format!(
            "`[\\n{}…` at byte 0 is not closed: add `]`, or write `\\[` for the character",
            "x".repeat(38)
        ),
    );
}

/// RE2's own name for the error.
fn name_of(fault: Fault) -> &'static str {
    match fault {
        Fault::Empty => "empty",
        Fault::TooLong { .. } | Fault::TooComplex { .. } => "pattern too large - compile failed",
        Fault::UnclosedGroup => "missing )",
        Fault::UnopenedGroup => "unexpected )",
        Fault::GroupName => "invalid named capture group",
        Fault::ForeignGroup { .. } | Fault::UnknownGroup => "invalid perl operator",
        Fault::UnclosedClass => "missing ]",
        Fault::RangeReversed
        | Fault::ClassOfBytes
        | Fault::UnknownPosixClass
        | Fault::UnknownUnicodeGroup
        | Fault::UnclosedUnicodeGroup => "invalid character class range",
        Fault::TrailingBackslash => "trailing \\",
        Fault::Escape { .. } => "invalid escape sequence",
        Fault::NothingToRepeat => "no argument for repetition operator",
        Fault::RepeatedTwice => "bad repetition operator",
        Fault::CountsReversed | Fault::TooManyCopies | Fault::TooManyNestedCopies => {
            "invalid repetition size"
        }
    }
}

/// Undoes the `%XX` of `re2.tsv`.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(2);
        decoded.push(char::from(u8::from_str_radix(code, 16).expect("two hexadecimal digits")));
        decoded.push_str(rest);
    }
    decoded
}

/// Each line: `ok` if both versions of Envoy take the expression, else the name of RE2's error; a tab; the expression with
/// control characters and `%` as `%XX`.
#[test]
fn verdicts_are_those_of_envoy() {
    let vectors = include_str!("../../../tests/data/re2.tsv");
    let wrong: Vec<String> = vectors
        .lines()
        .filter_map(|line| {
            let (expect, expression) = line.split_once('\t').expect("a verdict and an expression");
            let verdict = check(&decoded(expression))
                .map_or_else(|refusal| name_of(refusal.fault), |()| "ok");
            (verdict != expect).then(|| format!("{expression}: {verdict} instead of {expect}"))
        })
        .collect();
    assert!(vectors.lines().count() > 2000);
    assert_eq!(wrong, Vec::<String>::new());
}
