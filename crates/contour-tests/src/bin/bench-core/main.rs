//! `cargo xtask bench core`: what ten thousand hosts and ten thousand streams cost, beside what they may cost.
//!
//! Each measurement is a process of its own (this executable again), so that the memory of one is not that of another.

mod client;
mod clock;
mod edits;
mod memory;
mod report;
mod streams;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::{Parser, Subcommand};
use contour_tests::fleet;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What can go wrong is the machine's fault or ours; either way the text is for whoever runs the benchmark.
type Error = Box<dyn std::error::Error>;

/// Measure what ten thousand hosts and ten thousand streams cost.
#[derive(Parser)]
struct Args {
    /// How many hosts, and how many streams; the budgets are for 10,000.
    #[arg(long, default_value = "10000", global = true)]
    size: usize,

    /// Print what was measured without judging it.
    #[arg(long)]
    no_verdict: bool,

    #[command(subcommand)]
    part: Option<Part>,
}

/// One measurement, printed as JSON.
#[derive(Subcommand)]
#[command(hide = true)]
enum Part {
    /// The first build and edits after it.
    Edits { directory: PathBuf },
    /// The memory of a process that serves.
    Memory { directory: PathBuf },
    /// The server of many streams.
    Streams,
    /// The client of many streams.
    Client { server: SocketAddr },
}

fn main() -> Result<ExitCode, Error> {
    let Args { size, no_verdict, part } = Args::parse();
    match part {
        None => return all(size, no_verdict),
        Some(Part::Edits { directory }) => print(&edits::measure(&directory, size)?)?,
        Some(Part::Memory { directory }) => print(&memory::measure(&directory)?)?,
        Some(Part::Streams) => print(&streams::measure(size)?)?,
        Some(Part::Client { server }) => client::run(server, size)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print(figures: &impl Serialize) -> Result<(), Error> {
    println!("{}", serde_json::to_string(figures)?);
    Ok(())
}

fn all(size: usize, no_verdict: bool) -> Result<ExitCode, Error> {
    let scratch = tempfile::tempdir()?;
    let manifests = fleet::write(scratch.path(), size)?;
    eprintln!("==> {size} proxies: first build, and edits");
    let edits: edits::Figures = part(size, &["edits".as_ref(), scratch.path()])?;
    eprintln!("==> {size} proxies: memory");
    let memory: memory::Figures = part(size, &["memory".as_ref(), scratch.path()])?;
    eprintln!("==> {size} streams");
    let streams: streams::Figures = part(size, &["streams".as_ref()])?;
    let report = report::Report::new(size, manifests, &edits, &memory, &streams);
    let report = if no_verdict { report.without_budgets() } else { report };
    print!("{report}");
    Ok(if report.is_within_budget() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a part in a process of its own and reads what it prints.
fn part<T: DeserializeOwned>(size: usize, arguments: &[&Path]) -> Result<T, Error> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).args(["--size", &size.to_string()]);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("a measurement ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
