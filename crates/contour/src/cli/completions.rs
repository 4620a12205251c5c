//! `contour completions`: what a shell has to know to complete a command line.

use std::io;
use std::process::ExitCode;

use clap_complete::Shell;

use super::output::print;

/// Prints what a shell has to know to complete a command line: `source <(contour completions bash)`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, io::Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "contour", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
