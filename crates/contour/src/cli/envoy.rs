//! `contour envoy`: what a pod does with its Envoy.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::signal;
use crate::envoy::pre_stop::{PreStop, routes};
use crate::envoy::shutdown::{Shutdown, say_ready, unsay_ready};
use crate::serve::accept::Transport;
use crate::serve::http;
use contour_builder::duration::{self, Units};

/// What a pod does with its Envoy.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Shutdown(ShutdownArgs),
    ShutdownManager(ManagerArgs),
}

/// Takes an Envoy out of service, waits until its connections are gone, and says that it may be stopped.
///
/// For the `preStop` hook of the container beside Envoy.
#[derive(Debug, clap::Args)]
#[command(next_display_order = None)]
pub(super) struct ShutdownArgs {
    #[command(flatten)]
    drain: DrainArgs,

    /// The file that is written when Envoy may be stopped.
    #[arg(long, value_name = "FILE", default_value = "/admin/ok")]
    ready_file: PathBuf,
}

/// How an Envoy is drained.
#[derive(Debug, clap::Args)]
struct DrainArgs {
    /// The unix socket of Envoy's admin interface.
    #[arg(long, value_name = "PATH", default_value = "/admin/admin.sock")]
    admin_address: PathBuf,

    /// Has no effect: the admin interface is a socket.
    #[arg(long, value_name = "PORT", default_value = "0", hide = true)]
    admin_port: u16,

    /// How long to wait before Envoy is told to fail its health check.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    drain_delay: Duration,

    /// How long to wait after that before connections are counted.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    check_delay: Duration,

    /// How long to wait before they are counted again.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    check_interval: Duration,

    /// With so many open connections, or less, Envoy may be stopped.
    #[arg(long, value_name = "NUMBER", default_value = "0")]
    min_open_connections: u64,

    /// How long all of it may take; 0: as long as it takes. Less than the pod's grace period, Envoy ends in order.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    drain_timeout: Duration,
}

/// Answers at `/shutdown` when the pod's Envoy may be stopped.
///
/// For the container beside Envoy, whose own `preStop` hook asks.
#[derive(Debug, clap::Args)]
#[command(next_display_order = None)]
pub(super) struct ManagerArgs {
    /// The file that says that Envoy may be stopped. One that is left from before is removed.
    #[arg(long, value_name = "FILE", default_value = "/admin/ok")]
    ready_file: PathBuf,

    /// The port to answer on.
    #[arg(long, value_name = "PORT", default_value = "8090")]
    serve_port: u16,

    /// Take Envoy out of service as well, when asked for `/shutdown`: for a native sidecar, whose own hook would run too
    /// late. The other flags say how, as for `envoy shutdown`.
    #[arg(long)]
    drain: bool,

    #[command(flatten)]
    how: DrainArgs,
}

/// Why it does not work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot write {} (--ready-file): {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot remove {} (--ready-file), which is from an earlier shutdown: {source}", path.display())]
    Remove { path: PathBuf, source: std::io::Error },
    #[error("cannot listen on port {port} (--serve-port): {source}")]
    Listen { port: u16, source: std::io::Error },
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text, Units::Days)
}

impl DrainArgs {
    fn shutdown(self) -> Shutdown {
        Shutdown {
            admin_socket: self.admin_address,
            drain_delay: self.drain_delay,
            check_delay: self.check_delay,
            check_interval: self.check_interval,
            enough: self.min_open_connections,
            within: Some(self.drain_timeout).filter(|timeout| !timeout.is_zero()),
        }
    }
}

impl Command {
    pub(super) async fn run(self) -> Result<ExitCode, Error> {
        match self {
            Command::Shutdown(args) => args.run().await,
            Command::ShutdownManager(args) => args.run().await,
        }
    }
}

impl ShutdownArgs {
    async fn run(self) -> Result<ExitCode, Error> {
        let mut stop = signal::Stop::new().map_err(Error::Signals)?;
        let shutdown = self.drain.shutdown();
        tokio::select! {
            _ = shutdown.run() => {}
            () = stop.asked() => return Ok(ExitCode::FAILURE),
        }
        let written = say_ready(&self.ready_file);
        written.map_err(|source| Error::Write { path: self.ready_file, source })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl ManagerArgs {
    async fn run(self) -> Result<ExitCode, Error> {
        let mut signals = signal::Stop::new().map_err(Error::Signals)?;
        unsay_ready(&self.ready_file)
            .map_err(|source| Error::Remove { path: self.ready_file.clone(), source })?;
        let port = self.serve_port;
        let listener = listen(port).await.map_err(|source| Error::Listen { port, source })?;
        let shutdown = self.drain.then(|| self.how.shutdown());
        let routes = routes(PreStop::new(self.ready_file, shutdown));
        let stop = CancellationToken::new();
        let serving =
            http::serve("shutdown-manager", listener, Transport::Plain, routes, stop.clone());
        let stopped = async {
            signals.asked().await;
            stop.cancel();
        };
        tokio::join!(serving, stopped);
        Ok(ExitCode::SUCCESS)
    }
}

/// On every address, of both families where there are two.
async fn listen(port: u16) -> std::io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await,
    }
}
