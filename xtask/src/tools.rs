//! `cargo xtask tools`: the programs of others that tests and the demo run, in `.tools/`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::{envoy, kubernetes};

/// Fetches and builds whatever is missing, and prints the path of each program.
///
/// # Errors
/// The first program that cannot be had. The others are there or can be fetched by a second call.
pub(crate) fn run() -> Result<ExitCode> {
    println!("{}", envoy::fetch()?.display());
    let parts = kubernetes::found_or_built()?;
    println!("{}\n{}", parts.etcd.display(), parts.api_server.display());
    Ok(ExitCode::SUCCESS)
}

/// The directory `.tools`, absolute; made if it is missing.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn directory() -> Result<PathBuf> {
    let tools = std::path::absolute(".tools")?;
    fs::create_dir_all(&tools).with_context(|| format!("cannot create {}", tools.display()))?;
    Ok(tools)
}

/// Waits until no other call holds the lock of this name, and holds it until the file is dropped.
///
/// # Errors
/// If the lock's file cannot be made or locked.
pub(crate) fn lock(tools: &Path, name: &str) -> Result<File> {
    let path = tools.join(name);
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Removes a directory with what is in it, if there is one.
///
/// # Errors
/// If it is there and stays.
pub(crate) fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}

/// What `binary --version` prints: its standard output, then its standard error.
///
/// # Errors
/// If it does not run.
pub(crate) fn version(binary: &Path) -> Result<String> {
    let output = Command::new(binary)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}", binary.display()))?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}
