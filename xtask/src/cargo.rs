//! Calls of Cargo.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};

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

/// Builds programs of `contour` and `contour-tests` in release mode and answers the directory they are in.
///
/// # Errors
/// If that fails.
pub(crate) fn build_release(programs: &[&str]) -> Result<PathBuf> {
    eprintln!("==> building (a first build takes some minutes)");
    let mut command = command();
    command.args(["build", "--release", "--package", "contour", "--package", "contour-tests"]);
    command.args(programs.iter().flat_map(|program| ["--bin", program]));
    let status = command.status().context("cannot start cargo")?;
    ensure!(status.success(), "the build failed");
    Ok(target_directory()?.join("release"))
}

/// Where Cargo puts what it builds.
///
/// # Errors
/// If we are somewhere else.
pub(crate) fn target_directory() -> Result<PathBuf> {
    // We are `<target>/debug/xtask`, wherever the target directory is configured to be.
    let own = std::env::current_exe()?;
    let target = own.parent().and_then(Path::parent);
    target.map(Path::to_owned).context("xtask runs outside a target directory")
}
