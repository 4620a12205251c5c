//! `contour serve`: the control plane, for Envoys that are started by someone else.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use contour_envoy::access_log::{AccessLog, LogPath};
use contour_envoy::config::{Addresses, Bind, Binds, SameAddress};
use tokio::net::TcpListener;

use super::output::{patiently, print_changes};
use super::signal;
use crate::serve::start::{self, Config};

/// Serves xDS to Envoys that are started by someone else. In plain text, as yet: keep the port to machines you trust.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where objects come from: `directory=PATH`, a directory of manifests.
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    source: PathBuf,

    /// Where to serve xDS.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    xds_address: IpAddr,

    /// On which port to serve xDS.
    #[arg(long, default_value_t = 8001, value_name = "PORT")]
    xds_port: u16,

    /// Where Envoy listens for HTTP.
    #[arg(long, default_value = "0.0.0.0", value_name = "ADDRESS")]
    envoy_service_http_address: IpAddr,

    /// On which port Envoy listens for HTTP.
    #[arg(long, default_value = "8080", value_name = "PORT")]
    envoy_service_http_port: NonZeroU16,

    /// Where Envoy writes its access log of HTTP requests.
    #[arg(long, default_value = "/dev/stdout", value_name = "PATH", value_parser = log_path)]
    envoy_http_access_log: LogPath,

    /// Where Envoy serves its statistics and whether it is ready.
    #[arg(long, default_value = "0.0.0.0", value_name = "ADDRESS")]
    stats_address: IpAddr,

    /// On which port Envoy serves its statistics and whether it is ready.
    #[arg(long, default_value = "8002", value_name = "PORT")]
    stats_port: NonZeroU16,

    /// Which ingress classes are ours; default: `contour`, and objects without a class.
    #[arg(long, value_delimiter = ',', value_name = "CLASSES")]
    ingress_class_name: Vec<String>,

    /// Log each change.
    #[arg(short, long)]
    debug: bool,
}

fn source(text: &str) -> Result<PathBuf, String> {
    match text.split_once('=') {
        Some(("directory", path)) if !path.is_empty() => Ok(path.into()),
        _ => Err("give directory=PATH".to_owned()),
    }
}

fn log_path(text: &str) -> Result<LogPath, String> {
    LogPath::new(text).ok_or_else(|| "give a path".to_owned())
}

impl Args {
    pub(super) fn log_level(&self) -> &'static str {
        if self.debug { "info,contour=debug" } else { "info" }
    }

    fn config(&self) -> Result<Config, SameAddress> {
        let bind = |address, port| Bind { address, port };
        let stats = bind(self.stats_address, self.stats_port);
        let http = bind(self.envoy_service_http_address, self.envoy_service_http_port);
        let addresses = Addresses::new(Binds { http, stats, health: stats, ..Binds::default() })?;
        let access_log =
            AccessLog { path: self.envoy_http_access_log.clone(), ..AccessLog::default() };
        let envoy =
            contour_envoy::Config { addresses, access_log, ..contour_envoy::Config::default() };
        // A template that leaves the value empty names no class.
        let named = self.ingress_class_name.iter().filter(|class| !class.is_empty());
        let ingress_classes = named.cloned().collect();
        let builder = contour_builder::Config { ingress_classes };
        Ok(Config { builder: Arc::new(builder), envoy: Arc::new(envoy) })
    }
}

/// Why serving ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}; give them different ports")]
    Addresses(#[from] SameAddress),
    #[error("cannot listen on {address} (--xds-address, --xds-port): {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Serve(#[from] start::Error),
}

pub(super) async fn run(args: Args) -> Result<ExitCode, Error> {
    let config = args.config()?;
    let mut stop = signal::Stop::new().map_err(Error::Signals)?;
    // Before anything is read, which may take long: who connects meanwhile is answered when there is an answer.
    let (listener, address) = listen(SocketAddr::new(args.xds_address, args.xds_port)).await?;
    let mut running = start::start(&args.source, config)?;
    let serving = patiently(running.serving(), |seconds| {
        tracing::info!(directory = %args.source.display(), seconds, "still reading");
    });
    tokio::select! {
        () = serving => {}
        error = running.failed() => return Err(error.into()),
        () = stop.asked() => return Ok(ExitCode::SUCCESS),
    }
    running.serve_xds(listener);
    tracing::info!(%address, "serving xDS in plain text");
    let (statuses, report) = (Arc::clone(&running.statuses), running.report.clone());
    tokio::select! {
        () = stop.asked() => Ok(ExitCode::SUCCESS),
        error = running.failed() => Err(error.into()),
        never = print_changes(&statuses, report) => match never {},
    }
}

/// Takes the port. The second value is the address with the port that the system chose if none was asked for.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| Error::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
    Ok((listener, address))
}
