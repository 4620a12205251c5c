//! All automation of this repository: `cargo xtask --help`.

mod bound;
mod built;
mod cargo;
mod demo;
mod dist;
mod envoy;
mod envoy_matrix;
mod fuzz;
mod go;
mod http;
mod kubernetes;
mod test;
mod tools;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};

/// All automation of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Fetch or build what tests and the demo need beside Rust, into `.tools/`: Envoy, etcd, kube-apiserver
    Tools,
    /// Check formatting, lints and documentation, and run every ring of tests
    Test(test::Args),
    /// Serve `examples/demo` through a real Envoy, with two small backends behind it
    Demo(demo::Args),
    /// Write the files that are generated from the sources: `deploy/crds/*.yaml`
    Codegen,
    /// Measure
    Bench {
        /// What to measure
        what: Bench,
    },
    /// Build the program as it is shipped, into `target/dist`, and say how large it is and how fast it starts
    Dist {
        /// Say what it is like without judging it
        #[arg(long)]
        no_verdict: bool,
    },
    /// Try random objects for longer than the tests do: nothing panics, increments equal a build from scratch, Envoy takes all
    Fuzz(fuzz::Args),
    /// Run the tests that need an Envoy with each minor version that is supported, and write `docs/compatibility.md`
    EnvoyMatrix,
    /// Try whether a program needs nothing around it, in a network namespace of its own
    #[command(hide = true)]
    DistProbe {
        /// The program
        program: PathBuf,
    },
    /// Run a command that is killed when the process that started it is gone
    #[command(hide = true)]
    Bound {
        /// The process whose end is also the command's
        #[arg(long)]
        parent: i32,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Bench {
    /// 10,000 proxies: first build, one edit, memory; and 10,000 streams of one Envoy
    Core,
    /// 1,000 proxies created at once in a real API server: their statuses, and an endpoint edited meanwhile
    Cluster,
}

fn main() -> ExitCode {
    run(Args::parse().task).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(task: Task) -> Result<ExitCode> {
    // A bound command runs in its parent's directory; everything else speaks of this repository.
    if !matches!(task, Task::Bound { .. }) {
        enter_root()?;
    }
    match task {
        Task::Tools => tools::run(),
        Task::Test(args) => test::run(&args),
        Task::Demo(args) => demo::run(&args),
        Task::Codegen => {
            cargo::run(&["run", "-p", "contour-api", "--example", "crds", "--", "deploy/crds"])
        }
        Task::Bench { what } => bench(what),
        Task::Dist { no_verdict } => dist::run(!no_verdict),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::EnvoyMatrix => envoy_matrix::run(),
        Task::DistProbe { program } => Ok(dist::probe(&program)),
        Task::Bound { parent, command } => bound::exec(parent, &command),
    }
}

fn bench(what: Bench) -> Result<ExitCode> {
    let mut command = match what {
        Bench::Core => Command::new(cargo::build_release(&["bench-core"])?.join("bench-core")),
        Bench::Cluster => {
            let parts = kubernetes::found_or_built()?;
            let built = cargo::build_release(&["contour", "bench-cluster", "bound"])?;
            let mut command = Command::new(built.join("bench-cluster"));
            command.arg(built.join("contour"));
            command.env("TEST_ASSET_KUBE_APISERVER", parts.api_server);
            command.env("TEST_ASSET_ETCD", parts.etcd);
            command
        }
    };
    let status = command.status().context("cannot start the benchmark")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes every relative path of this program relative to the repository, wherever it was started.
fn enter_root() -> Result<()> {
    // Cargo sets the variable at run time too; the constant alone would be stale in a moved checkout.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = manifest.parent().context("xtask has no parent directory")?;
    std::env::set_current_dir(root).with_context(|| format!("cannot enter {}", root.display()))
}
