//! The memory of a process.

use std::path::Path;

use contour::serve::start::{self, Config};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What a process that serves occupies.
#[derive(Debug, Serialize, Deserialize)]
pub struct Figures {
    /// Before it did anything, in bytes.
    pub empty: u64,
    /// Once it serves, in bytes.
    pub serving: u64,
    /// The most it ever occupied, in bytes.
    pub peak: u64,
}

/// Starts what `contour serve` starts, and waits until it serves and every status was taken.
pub fn measure(directory: &Path) -> Result<Figures, Error> {
    let empty = resident()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let running = start::start(directory, Config::default())?;
        running.serving().await;
        drop(running.statuses.take().await);
        Ok(Figures { empty, serving: resident()?, peak: peak()? })
    })
}

/// What this process occupies of the machine's memory, in bytes.
pub fn resident() -> Result<u64, Error> {
    of_status("VmRSS")
}

/// The most it ever occupied, in bytes.
pub fn peak() -> Result<u64, Error> {
    of_status("VmHWM")
}

fn of_status(key: &str) -> Result<u64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kilobytes =
        line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no such figure")?;
    Ok(kilobytes.trim().parse::<u64>()? * 1024)
}
