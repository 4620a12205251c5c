//! `cargo xtask test`: every check of this repository, and one line at the end that counts them.

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::ops::AddAssign;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::built::{self, Built};
use crate::{cargo, envoy, kubernetes};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run one ring only: 1 format, lints, docs and unit tests; 2 cases; 3 real peers
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=3))]
    ring: Option<u8>,
    /// Write the outputs of the cases anew instead of comparing them; read the difference afterwards
    #[arg(long)]
    update: bool,
}

/// Runs what `args` ask for, all of it even if something fails, and prints the summary.
///
/// # Errors
/// If Cargo cannot be started; a failed check is not an error but a count.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let started = Instant::now();
    let mut sum = Tally::default();
    let runs = |ring| args.ring.is_none_or(|only| only == ring);
    if runs(1) {
        sum += checks()?;
    }
    eprintln!("==> build of the tests");
    match built::all() {
        Ok(all) => {
            eprintln!("==> build of the tests: ok in {:.1} s", started.elapsed().as_secs_f64());
            for ring in (1..=3).filter(|ring| runs(*ring)) {
                sum += match ring {
                    1 => units(&all)?,
                    2 => cases(&all, args)?,
                    _ => real_peers(&all)?,
                };
            }
        }
        Err(error) => {
            eprintln!("==> build of the tests: FAILED, {error:#}");
            sum += Tally::FAILED;
        }
    }
    eprintln!("==> all in {:.1} s", started.elapsed().as_secs_f64());
    println!("{sum}");
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn real_peers(all: &[Built]) -> Result<Tally> {
    let mut sum = real_envoy(all)?;
    sum += real_api_server(all)?;
    sum += real_both(all)?;
    Ok(sum)
}

fn checks() -> Result<Tally> {
    // For whoever works here: private items, too, and links to them.
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"]);
    docs.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private-intra-doc-links");
    let mut sum = Tally::default();
    sum += check("format", cargo(&["fmt", "--all", "--check"]))?;
    sum += check(
        "clippy",
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    )?;
    sum += check("docs", docs)?;
    Ok(sum)
}

/// The tests that are of no other ring, so that none is forgotten.
fn units(all: &[Built]) -> Result<Tally> {
    let mut sum = Tally::default();
    let of_others = |built: &&Built| {
        let mut others = CASES.iter().chain(ENVOY).chain(API_SERVER).chain(BOTH);
        others.any(|(_, target)| built.target == *target)
    };
    for built in all.iter().filter(|built| !of_others(built)) {
        sum += tests(&format!("{} of {}", built.target, built.package), built.command())?;
    }
    sum += tests("examples in the code", cargo(&["test", "--workspace", "--doc"]))?;
    Ok(sum)
}

/// What ring 2 is made of: what it shows, and the name of its test target.
const CASES: &[(&str, &str)] = &[
    ("cases", "cases"),
    ("incremental equals from scratch", "agreement"),
    ("work is proportional to the change", "scale"),
    ("the rules of the architecture", "architecture"),
    ("examples of the documentation", "docs"),
];

/// What of ring 3 needs an Envoy.
const ENVOY: &[(&str, &str)] =
    &[("what Envoy does with what is served", "envoy"), ("contour run", "run")];

/// What of ring 3 needs an API server.
const API_SERVER: &[(&str, &str)] =
    &[("what an API server does", "apiserver"), ("contour serve with an API server", "cluster")];

/// What of it needs both.
const BOTH: &[(&str, &str)] = &[("the pods of today's manifests", "pods")];

/// The test that is called so.
fn target(all: &[Built], name: &str) -> Result<Command> {
    let built = all.iter().find(|built| built.target == name);
    Ok(built.with_context(|| format!("there is no test target {name}"))?.command())
}

fn cases(all: &[Built], args: &Args) -> Result<Tally> {
    let mut sum = Tally::default();
    for (name, test) in CASES {
        let mut command = target(all, test)?;
        if args.update {
            command.env("UPDATE", "1");
        }
        sum += tests(name, command)?;
    }
    Ok(sum)
}

/// The tests with a real Envoy.
fn real_envoy(all: &[Built]) -> Result<Tally> {
    with_parts("real Envoy", envoy::named_or_fetched(), |binary| {
        let mut sum = Tally::default();
        for (name, test) in ENVOY {
            let mut command = target(all, test)?;
            command.env("ENVOY_BIN", binary);
            sum += tests(name, command)?;
        }
        Ok(sum)
    })
}

/// The tests with a real API server.
fn real_api_server(all: &[Built]) -> Result<Tally> {
    with_parts("real API server", kubernetes::found_or_built(), |parts| {
        let mut sum = Tally::default();
        for (name, test) in API_SERVER {
            let mut command = target(all, test)?;
            command.env("TEST_ASSET_KUBE_APISERVER", &parts.api_server);
            command.env("TEST_ASSET_ETCD", &parts.etcd);
            sum += tests(name, command)?;
        }
        Ok(sum)
    })
}

/// The tests with a real Envoy and a real API server.
fn real_both(all: &[Built]) -> Result<Tally> {
    let parts =
        envoy::named_or_fetched().and_then(|envoy| Ok((envoy, kubernetes::found_or_built()?)));
    with_parts("real Envoy and API server", parts, |(envoy, parts)| {
        let mut sum = Tally::default();
        for (name, test) in BOTH {
            let mut command = target(all, test)?;
            command.env("ENVOY_BIN", envoy);
            command.env("TEST_ASSET_KUBE_APISERVER", &parts.api_server);
            command.env("TEST_ASSET_ETCD", &parts.etcd);
            sum += tests(name, command)?;
        }
        Ok(sum)
    })
}

/// Runs tests that need programs of others. Without those they fail where `CI` is set, and count as one skipped
/// elsewhere.
fn with_parts<T>(
    name: &str,
    parts: Result<T>,
    run: impl FnOnce(&T) -> Result<Tally>,
) -> Result<Tally> {
    match parts {
        Ok(parts) => run(&parts),
        Err(error) if std::env::var_os("CI").is_some_and(|value| value == "true") => {
            eprintln!("==> {name}: FAILED, there is none: {error:#}");
            Ok(Tally::FAILED)
        }
        Err(error) => {
            eprintln!("==> {name}: SKIPPED, NOTHING THAT NEEDS IT WAS TESTED: {error:#}");
            Ok(Tally::SKIPPED)
        }
    }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = cargo::command();
    command.args(arguments);
    command
}

/// A step that passes or fails as a whole.
fn check(name: &str, mut command: Command) -> Result<Tally> {
    step(name, || {
        let status = command.status().context("cannot start cargo")?;
        Ok(if status.success() { Tally::PASSED } else { Tally::FAILED })
    })
}

/// A step whose tests are counted while their output passes by.
fn tests(name: &str, mut command: Command) -> Result<Tally> {
    step(name, || {
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
        let output = child.stdout.take().context("the child has no output")?;
        let mut sum = Tally::default();
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            sum += Tally::of(&line).unwrap_or_default();
        }
        if !child.wait()?.success() && sum.failed == 0 {
            // It did not compile, the target is missing, or a test ended its process.
            sum += Tally::FAILED;
        }
        Ok(sum)
    })
}

fn step(name: &str, work: impl FnOnce() -> Result<Tally>) -> Result<Tally> {
    let started = Instant::now();
    eprintln!("==> {name}");
    let tally = work()?;
    let verdict = if tally.failed == 0 { "ok" } else { "FAILED" };
    eprintln!("==> {name}: {verdict}, {tally} in {:.1} s", started.elapsed().as_secs_f64());
    Ok(tally)
}

/// How many tests and checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    const PASSED: Tally = Tally { passed: 1, failed: 0, skipped: 0 };
    const FAILED: Tally = Tally { passed: 0, failed: 1, skipped: 0 };
    const SKIPPED: Tally = Tally { passed: 0, failed: 0, skipped: 1 };

    /// Reads the line with which a test executable ends:
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`.
    fn of(line: &str) -> Option<Tally> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |word: &str| {
            counts.split("; ").find_map(|part| part.strip_suffix(word)?.trim_end().parse().ok())
        };
        Some(Tally {
            passed: count("passed")?,
            failed: count("failed")?,
            skipped: count("ignored")?,
        })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped {
            0 => Ok(()),
            skipped => write!(f, ", {skipped} skipped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expect: Option<(u64, u64, u64)>) {
        let expect = expect.map(|(passed, failed, skipped)| Tally { passed, failed, skipped });
        assert_eq!(Tally::of(line), expect);
    }

    #[test]
    fn a_result_line_is_counted() {
        check(
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 7 filtered out; finished in 0.50s",
            Some((12, 0, 3)),
        );
    }

    #[test]
    fn a_failed_result_line_is_counted() {
        check(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            Some((1, 2, 0)),
        );
    }

    #[test]
    fn the_line_of_one_test_is_not_a_result() {
        check("test tests::a_result_line_is_counted ... ok", None);
    }

    #[test]
    fn a_result_inside_other_text_is_not_counted() {
        check("the program printed test result: ok. 1 passed; 0 failed; 0 ignored", None);
    }

    #[test]
    fn the_summary_names_skipped_ones_only_if_there_are_some() {
        assert_eq!(Tally { passed: 3, failed: 0, skipped: 0 }.to_string(), "3 passed, 0 failed");
        assert_eq!(
            Tally { passed: 3, failed: 1, skipped: 2 }.to_string(),
            "3 passed, 1 failed, 2 skipped"
        );
    }
}
