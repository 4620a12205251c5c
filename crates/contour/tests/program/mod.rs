//! The program as a user runs it.

use std::process::{Command, Stdio};

/// `contour` with these arguments, without what the environment of whoever runs the tests would add.
pub fn contour<const N: usize>(arguments: [&str; N]) -> Command {
    // Whoever runs the tests may ignore hangups, as `nohup` does; what is tested has to begin as a shell starts it.
    let mut command = Command::new("/usr/bin/env");
    command.arg("--default-signal=HUP").arg(env!("CARGO_BIN_EXE_contour"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["ENVOY_BIN", "CONTOUR_NAMESPACE", "RUST_BACKTRACE", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}
