//! The command line: one file for each subcommand, each with what was typed and one `run`.

mod bootstrap;
mod certgen;
mod check;
mod completions;
mod envoy;
mod run;
mod serve;
mod version;
mod xds;

mod expand;
mod flags;
mod output;
mod signal;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::Settings;
use crate::envoy::bound;
use crate::log::{self, Colours};

/// What is logged by commands that work beside others.
const INFO: &str = "info";

/// How long a process that ends waits for what cannot be interrupted: a file that is read, a terminal that takes no text.
const LAST_WORK: Duration = Duration::from_millis(500);

/// The control plane of a fleet of Envoy proxies.
#[derive(Debug, Parser)]
#[command(name = "contour", version, max_term_width = 100)]
struct Cli {
    /// Format of Contour's own log, which goes to standard error.
    #[arg(long, value_enum, default_value_t, global = true)]
    log_format: log::Format,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Serve(serve::Args),
    Bootstrap(bootstrap::Args),
    Certgen(certgen::Args),
    /// What a pod does with its Envoy.
    #[command(subcommand)]
    Envoy(envoy::Command),
    Cli(xds::Args),
    Check(check::Args),
    Version(version::Args),
    Completions(completions::Args),
    /// Becomes a program that ends with its parent.
    #[command(name = bound::SUBCOMMAND, hide = true)]
    ExecBound(ExecBound),
}

#[derive(Debug, clap::Args)]
struct ExecBound {
    parent: u32,
    program: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Does what the command line says. Mistakes in it, and errors, are exit code 1.
pub fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => return report(Err(error)),
    };
    let nothing_typed = arguments.len() < 2;
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error, nothing_typed),
    };
    match cli.command {
        Command::Run(args) => with_runtime(cli.log_format, run::LOG_LEVEL, run::run(args)),
        Command::Serve(args) => match args.prepare() {
            Ok(serve) => with_runtime(cli.log_format, &serve.log_level(), serve.run()),
            Err(error) => report(Err(error)),
        },
        Command::Bootstrap(args) => report(bootstrap::run(&args)),
        Command::Certgen(args) => with_runtime(cli.log_format, INFO, certgen::run(args)),
        Command::Check(args) => with_runtime(cli.log_format, "warn", check::run(args)),
        Command::Version(args) => report(version::run(&args)),
        Command::Completions(args) => report(completions::run(&args)),
        Command::Cli(args) => with_runtime(cli.log_format, "warn", xds::run(args)),
        Command::Envoy(command) => with_runtime(cli.log_format, INFO, command.run()),
        Command::ExecBound(args) => {
            report(Err(bound::exec(args.parent, &args.program, &args.arguments)))
        }
    }
}

/// Prints what was asked for instead of a command, or what is wrong with what was typed.
fn unparsed(error: &clap::Error, nothing_typed: bool) -> ExitCode {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    match error.kind() {
        // Clap knows where to: to standard output what was asked for.
        DisplayHelp | DisplayVersion => {
            if error.print().is_ok() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        DisplayHelpOnMissingArgumentOrSubcommand => {
            let printed = error.print().is_ok(); // to standard error
            // Behind another word the help is an answer to a mistake: a hook that lacks a word must not seem to work.
            if printed && nothing_typed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        _ => report(Err(one_line(&error.render().to_string()))),
    }
}

/// A mistake in one line: without the usage, which `--help` tells.
fn one_line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let (text, _) = text.split_once("\nUsage:").unwrap_or((text, ""));
    let (text, _) = text.split_once("\nFor more information").unwrap_or((text, ""));
    let words: Vec<&str> = text.split_whitespace().collect();
    format!("{}; try --help", words.join(" "))
}

/// What was typed, with what stands in files (`@FILE`). The arguments that we start a program with are left as they are.
fn arguments() -> Result<Vec<OsString>, expand::Error> {
    let typed: Vec<OsString> = std::env::args_os().collect();
    if typed.get(1).is_some_and(|command| command == bound::SUBCOMMAND) {
        return Ok(typed);
    }
    expand::expand(typed)
}

/// The parser of the command line: for tests and documentation that go through all flags.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// What flags of `contour serve` say of settings.
///
/// # Errors
/// What is wrong with them.
pub fn settings<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Settings, clap::Error> {
    flags::parse(flags)
}

/// Runs a command that waits for things.
fn with_runtime<E: Display>(
    format: log::Format,
    level: &str,
    command: impl Future<Output = Result<ExitCode, E>>,
) -> ExitCode {
    let colours = if io::stderr().is_terminal() { Colours::Shown } else { Colours::None };
    log::start(format, colours, level);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let code = report(runtime.block_on(command));
            runtime.shutdown_timeout(LAST_WORK);
            code
        }
        Err(error) => report(Err::<ExitCode, _>(error)),
    }
}

fn report<E: Display>(outcome: Result<ExitCode, E>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        output::tell(format_args!("error: {error}"));
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
