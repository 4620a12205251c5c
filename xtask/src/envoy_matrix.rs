//! `cargo xtask envoy-matrix`: what is served, to each Envoy that is supported.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::built::{self, Built};
use crate::{envoy, tools};

/// The oldest minor version that is supported.
const OLDEST: [u32; 2] = [1, 36];

/// Where the table stands, between these lines.
const DOCUMENT: &str = "docs/compatibility.md";
const BEGIN: &str = "<!-- written by cargo xtask envoy-matrix -->\n";
const END: &str = "<!-- end -->\n";

/// What became of one Envoy.
struct Row {
    version: String,
    passed: usize,
    /// The tests that did not pass.
    failed: Vec<String>,
}

/// Runs the tests that need an Envoy with the newest patch of each minor version, and writes the table.
pub(crate) fn run() -> Result<ExitCode> {
    let all = built::all()?;
    let tests =
        all.iter().find(|built| built.target == "envoy").context("no tests need an Envoy")?;
    let mut rows = Vec::new();
    for version in envoy::newest()?.iter().filter(|version| is_supported(version)) {
        let binary = envoy::fetch_version(version)?;
        rows.push(row(&binary, tests)?);
    }
    let document = fs::read_to_string(DOCUMENT).with_context(|| DOCUMENT.to_owned())?;
    fs::write(DOCUMENT, replaced(&document, &table(&rows))?)?;
    let good = rows.iter().all(|row| row.failed.is_empty());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_supported(version: &str) -> bool {
    envoy::numbers(version).as_slice() >= OLDEST.as_slice()
}

fn row(binary: &Path, tests: &Built) -> Result<Row> {
    let text = tools::version(binary)?;
    let version = envoy::number(&text).context("an Envoy without a version")?.to_owned();
    eprintln!("==> Envoy {version}");
    let begin = Instant::now();
    let mut command = tests.command();
    command.env("ENVOY_BIN", binary).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start the tests")?;
    let output = child.stdout.take().context("the tests have no output")?;
    let mut row = Row { version, passed: 0, failed: Vec::new() };
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        row.take(&line);
    }
    let ended = child.wait()?;
    if !ended.success() && row.failed.is_empty() {
        row.failed.push(format!("the tests ended with {ended}"));
    }
    let Row { version, passed, failed } = &row;
    let seconds = begin.elapsed().as_secs();
    eprintln!("==> Envoy {version}: {passed} passed, {} failed in {seconds} s", failed.len());
    Ok(row)
}

impl Row {
    /// Reads `test traffic::requests_are_routed ... ok`.
    fn take(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test ") else { return };
        match rest.split_once(" ... ") {
            Some((_, "ok")) => self.passed += 1,
            Some((name, "FAILED")) => self.failed.push(name.trim().to_owned()),
            _ => {}
        }
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = "\n| Envoy | tests passed | not passed |\n|---|---|---|\n".to_owned();
    for Row { version, passed, failed } in rows.iter().rev() {
        let failed = if failed.is_empty() { "none".to_owned() } else { failed.join(", ") };
        let _ = writeln!(text, "| {version} | {passed} | {failed} |"); // writing to a String cannot fail
    }
    text + "\n"
}

/// The document with another table.
fn replaced(document: &str, table: &str) -> Result<String> {
    let lacks = || format!("{DOCUMENT} has no place for the table");
    let (before, rest) = document.split_once(BEGIN).with_context(lacks)?;
    let (_, after) = rest.split_once(END).with_context(lacks)?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_supported("1.36.4") && is_supported("1.100.0") && is_supported("2.0"));
        assert!(!is_supported("1.35.9") && !is_supported("1.9") && !is_supported("new"));
    }

    #[test]
    fn each_test_is_counted_and_those_that_fail_are_named() {
        let mut row = Row { version: "1.40.0".to_owned(), passed: 0, failed: Vec::new() };
        for line in [
            "running 2 tests",
            "test a::b       ... ok",
            "test c ... FAILED",
            "test result: FAILED.",
        ] {
            row.take(line);
        }
        let expect =
            "\n| Envoy | tests passed | not passed |\n|---|---|---|\n| 1.40.0 | 1 | c |\n\n";
        assert_eq!(table(&[row]), expect);
    }

    #[test]
    fn only_the_table_is_replaced() {
        let document = format!("above\n{BEGIN}old\n{END}below\n");
        let expect = format!("above\n{BEGIN}new\n{END}below\n");
        assert_eq!(replaced(&document, "new\n").expect("a place"), expect);
        assert!(replaced("nothing", "new\n").is_err());
    }
}
