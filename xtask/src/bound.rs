//! Processes that do not outlive the one that started them, however that one ends.
//!
//! A parent stops its children itself; but one that is killed cannot. On Linux the kernel does it then. The
//! request must come from the child, between `fork` and `exec`, where only unsafe code can run: so the child
//! is first this program, which makes the request and then becomes the command.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

/// A command that starts `program` bound to this process.
///
/// It must be started by a thread that lives as long as the process: Linux counts the thread as the parent.
///
/// # Errors
/// If the path of our own executable is unknown.
pub(crate) fn command(program: impl Into<OsString>) -> Result<Command> {
    let own = std::env::current_exe().context("cannot tell my own executable")?;
    let mut command = Command::new(own);
    command.args(["bound", "--parent", &std::process::id().to_string(), "--"]).arg(program.into());
    Ok(command)
}

/// Becomes `command`.
///
/// # Errors
/// If the parent is gone already, or the command cannot be started.
pub(crate) fn exec(parent: i32, command: &[OsString]) -> Result<ExitCode> {
    bind(parent)?;
    let (program, arguments) = command.split_first().context("no command given")?;
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}

#[cfg(target_os = "linux")]
fn bind(parent: i32) -> Result<()> {
    use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
    // SIGTERM, since the commands are our own programs, which stop what they have started.
    set_parent_process_death_signal(Some(Signal::TERM)).context("prctl")?;
    // The parent may have gone before the request was made; then no signal comes.
    if getppid().map(Pid::as_raw_pid) != Some(parent) {
        bail!("process {parent} is gone");
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux form")]
fn bind(_parent: i32) -> Result<()> {
    Ok(())
}
