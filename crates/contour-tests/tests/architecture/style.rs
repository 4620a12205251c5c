//! Sizes, and what no source contains.

use super::source::Source;
use super::{check, none};

const LINES_OF_A_FILE: usize = 700;
const LINES_OF_A_FUNCTION: usize = 70;

fn long_file(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines <= LINES_OF_A_FILE {
        return Vec::new();
    }
    vec![source.at(lines, &format!("more than {LINES_OF_A_FILE} lines"))]
}

fn long_functions(source: &Source) -> Vec<String> {
    let functions = source.functions().into_iter();
    let long = functions.filter(|function| function.lines > LINES_OF_A_FUNCTION);
    long.map(|each| source.at(each.line, &format!("{} has {} lines", each.name, each.lines)))
        .collect()
}

/// What is unfinished, ignored, or only waits.
fn unfinished(source: &Source) -> Vec<String> {
    const NAMES: [&str; 4] = ["dbg!", "std::thread::sleep", "todo!", "unimplemented!"];
    let mentions = source.mentions().into_iter();
    let mentions = mentions.filter(|each| {
        NAMES.contains(&each.name.trim_start_matches("std::"))
            || NAMES.contains(&each.name.as_str())
    });
    let attributes = source.attributes().into_iter().filter(|each| {
        let name = each.name.as_str();
        name == "ignore"
            || name.starts_with("ignore=")
            || name.starts_with("should_panic")
            || (lint_level(name) && name.contains("dead_code"))
    });
    let marks = source.text.lines().enumerate().filter_map(|(at, line)| {
        // In two halves, since this is a source as well.
        let mark = [concat!("TO", "DO"), concat!("FIX", "ME")]
            .into_iter()
            .find(|mark| line.contains(mark))?;
        Some((at + 1, mark.to_owned()))
    });
    let mut found: Vec<(usize, String)> =
        mentions.chain(attributes).map(|each| (each.line, each.name)).chain(marks).collect();
    found.sort();
    found.iter().map(|(line, name)| source.at(*line, name)).collect()
}

fn lint_level(attribute: &str) -> bool {
    attribute.contains("allow(") || attribute.contains("expect(")
}

/// Modules whose name says nothing.
fn nameless_modules(source: &Source) -> Vec<String> {
    const NO_NAMES: [&str; 7] = ["common", "helper", "helpers", "manager", "misc", "util", "utils"];
    let named = NO_NAMES.iter().flat_map(|name| {
        let lines = source.lines_with(&["mod", name]).into_iter();
        lines.map(move |line| (line, format!("{name} is no name")))
    });
    let mut found: Vec<(usize, String)> = named.collect();
    found.sort();
    found.iter().map(|(line, text)| source.at(*line, text)).collect()
}

#[test]
fn files_are_short() {
    none(Source::all().iter().flat_map(long_file).collect());
}

#[test]
fn functions_are_short() {
    none(Source::all().iter().flat_map(long_functions).collect());
}

#[test]
fn nothing_is_left_unfinished() {
    none(Source::all().iter().flat_map(unfinished).collect());
}

#[test]
fn modules_have_names() {
    none(Source::all().iter().flat_map(nameless_modules).collect());
}

#[test]
fn a_long_file_is_found() {
    check(long_file, &"\n".repeat(700), &[]);
    check(long_file, &"\n".repeat(701), &[701]);
}

#[test]
fn a_long_function_is_found() {
    let function =
        |lines: usize| format!("fn short() {{}}\nfn f(a: fn(u8)) {{{}}}", "\n".repeat(lines - 1));
    check(long_functions, &function(70), &[]);
    check(long_functions, &function(71), &[2]);
    check(long_functions, &format!("impl A {{\n{}\n}}", function(71)), &[3]);
    check(long_functions, "trait A {\n    fn f();\n}", &[]);
}

#[test]
fn what_is_unfinished_is_found() {
    check(unfinished, "fn f() {\n    todo!()\n}\nfn g() { dbg!(unimplemented!()) }", &[2, 4, 4]);
    check(unfinished, "use std::thread;\nfn f() { thread::sleep(d) }", &[2]);
    check(unfinished, "#[test]\n#[ignore = \"later\"]\nfn f() {}\n#[ignore]\nfn g() {}", &[2, 4]);
    check(unfinished, "#[should_panic(expected = \"a\")]\nfn f() {}", &[1]);
    check(unfinished, "#![allow(unused, dead_code)]", &[1]);
    check(unfinished, concat!("fn f() {} // FIX", "ME\n// TO", "DO: g"), &[1, 2]);
    check(
        unfinished,
        "// todo!()\nconst A: &str = \"#[ignore]\";\n#[rustfmt::skip]\nfn f() {}",
        &[],
    );
}

#[test]
fn a_module_without_a_name_is_found() {
    check(nameless_modules, "mod a;\nmod util;\nmod helpers {}", &[2, 3]);
}
