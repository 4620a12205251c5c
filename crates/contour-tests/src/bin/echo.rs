//! The echo backend as a program, for demonstrations and for tests of whole processes.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use contour_tests::echo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A backend that answers every request with what reached it.
#[derive(Parser)]
struct Args {
    /// Address and port to listen on
    #[arg(long)]
    listen: SocketAddr,
    /// The name it answers with
    #[arg(long)]
    name: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo {} cannot serve at {}: {error}", args.name, args.listen);
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> std::io::Result<()> {
    allow_many_connections();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(args.listen).await?;
    tokio::select! {
        never = echo::serve(listener, args.name.as_str().into()) => match never {},
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

/// Each connection is an open file, and the usual soft limit of 1,024 is far below what the kernel allows.
fn allow_many_connections() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        eprintln!("the limit of open files stays as it is: {error}");
    }
}
