//! Becoming a program that does not outlive the process that started it.
//!
//! A supervisor stops its child itself, but one that is killed cannot. On Linux the kernel does it then
//! (`PR_SET_PDEATHSIG`). The request must come from the child, between `fork` and `exec`, where only unsafe
//! code can run. So the child first is our own executable: it makes the request and becomes the program. The
//! request survives `exec`, unless the program has file capabilities or belongs to another user (`prctl(2)`).

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// The hidden subcommand that calls [`exec`]: `contour exec-bound PARENT PROGRAM [ARGUMENT …]`.
pub const SUBCOMMAND: &str = "exec-bound";

/// The words to put before a command so that it is killed when this process ends: for
/// [`Options::launcher`](super::child::Options::launcher).
///
/// `own` is our executable, which has to understand [`SUBCOMMAND`]. The command must be started by a thread
/// that lives as long as the process, since Linux takes that thread for the parent; workers of a Tokio runtime
/// do, if nothing calls `block_in_place`.
pub fn launcher(own: &Path) -> Vec<OsString> {
    vec![own.into(), SUBCOMMAND.into(), std::process::id().to_string().into()]
}

/// Becomes `program`, killed when the process `parent`, which must be ours, ends. Returns only if that fails.
///
/// # Errors
/// If the parent is gone already or the program cannot be started.
pub fn exec(parent: u32, program: &Path, arguments: &[OsString]) -> io::Error {
    match bind(parent) {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    }
}

#[cfg(target_os = "linux")]
fn bind(parent: u32) -> io::Result<()> {
    use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have gone before the request was made; then no signal comes.
    if getppid().map(Pid::as_raw_pid) == Some(parent.cast_signed()) {
        Ok(())
    } else {
        Err(io::Error::other(format!("the process {parent} that wanted this one is gone")))
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the signature of the Linux form")]
fn bind(_parent: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launcher_names_the_subcommand_and_this_process() {
        let own = Path::new("/usr/bin/contour");
        let pid = std::process::id().to_string();
        assert_eq!(launcher(own), ["/usr/bin/contour", "exec-bound", &pid]);
    }
}
