//! Calls of Cargo.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

/// The Cargo that started us, so that a chosen toolchain stays chosen.
pub(crate) fn command() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs Cargo with our own input and output. Its failure is ours; it has explained itself.
///
/// # Errors
/// If Cargo cannot be started.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let status = command().args(arguments).status().context("cannot start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
