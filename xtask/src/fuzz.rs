//! `cargo xtask fuzz`: the properties that the tests try some hundred times, tried for longer, and each time with other objects.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::{cargo, envoy};

/// How long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many random states are served to an Envoy, in each dialect
    #[arg(long, default_value = "2000")]
    states: u32,
    /// How many random histories are compared with what is left of them
    #[arg(long, default_value = "20000")]
    histories: u32,
    /// How often each parser and each order is tried
    #[arg(long, default_value = "100000")]
    inputs: u32,
}

/// Runs all of it, whatever fails.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let envoy = envoy::named_or_fetched()?;
    let core = ["contour-dag", "contour-builder", "contour-envoy", "contour-xds", "contour-k8s"];
    let core = core.iter().flat_map(|each| ["-p", each]);
    let parsers: Vec<&str> = ["--lib"].into_iter().chain(core).collect();
    let agreement = ["-p", "contour-tests", "--test", "agreement"];
    let accepted = ["-p", "contour-tests", "--test", "envoy", "--", "random"];
    let mut passed = true;
    for (what, arguments, times) in [
        ("parsers, orders, encodings", &parsers[..], args.inputs),
        ("histories and what is left of them", &agreement, args.histories),
        ("states that Envoy has to take", &accepted, args.states),
    ] {
        eprintln!("==> {what}: {times} times");
        let mut command = cargo::command();
        command.args(["test", "--release"]).args(arguments).env("ENVOY_BIN", &envoy);
        command.env("FUZZ", times.to_string()).env("PROPTEST_CASES", times.to_string());
        passed &= command.status().context("cannot start cargo")?.success();
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
