//! The signals that ask a process to end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT, SIGTERM, and the SIGHUP of a terminal that is closed.
#[derive(Debug)]
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    /// None if a hangup means nothing to us.
    hangup: Option<Signal>,
}

impl Stop {
    /// From now on they are ours.
    pub(super) fn new() -> io::Result<Stop> {
        let hangup = if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Stop {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
        })
    }

    /// Waits for any of them.
    pub(super) async fn asked(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether who started us, as `nohup` does, wants us to outlive the terminal: a handler of our own would undo that.
///
/// Only Linux tells (`proc_pid_status(5)`).
fn hangup_is_ignored() -> bool {
    ignores_hangup(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn ignores_hangup(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, which is bit 0.
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        assert!(ignores_hangup("Name:\tcontour\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("Name:\tcontour\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}
