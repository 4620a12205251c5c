//! `contour serve`: the control plane, for Envoys that are started by someone else.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::flags::Given;
use super::output::{patiently, print_changes};
use super::signal;
use crate::config::edges::Endpoint;
use crate::config::{Base, Environment, Problems, Resolved, file, resolve};
use crate::serve::start::{self, Config};

/// Serves xDS to Envoys that are started by someone else. In plain text, as yet: keep the port to machines you trust.
///
/// A switch such as `--insecure` takes no value; `--no-insecure` says no where the configuration file says yes.
#[derive(Debug, clap::Args)]
#[command(next_display_order = None)]
pub(super) struct Args {
    /// The configuration file; flags go before it, but for `--http-*` and `--stats-*`.
    #[arg(short, long, value_name = "PATH", conflicts_with = "contour_config_name")]
    config_path: Option<PathBuf>,

    /// The `ContourConfiguration` that counts instead of a file and of most flags, in the namespace `CONTOUR_NAMESPACE`.
    #[arg(long, value_name = "NAME")]
    contour_config_name: Option<String>,

    /// Where objects come from: `cluster`, or `directory=PATH`, a directory of manifests.
    #[arg(long, value_name = "SOURCE", default_value = "cluster", value_parser = source)]
    source: Source,

    #[command(flatten)]
    given: Given,
}

/// Where objects come from.
#[derive(Clone, Debug)]
enum Source {
    Cluster,
    Directory(PathBuf),
}

fn source(text: &str) -> Result<Source, String> {
    match (text, text.split_once('=')) {
        ("cluster", _) => Ok(Source::Cluster),
        (_, Some(("directory", path))) if !path.is_empty() => Ok(Source::Directory(path.into())),
        _ => Err("give cluster or directory=PATH".to_owned()),
    }
}

/// Why serving ended, or did not begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}")]
    Configuration(#[from] Problems),
    #[error("objects of a cluster cannot be read yet; give --source directory=PATH")]
    NoCluster,
    #[error("cannot listen on {address} (--xds-address, --xds-port): {source}")]
    Listen { address: Endpoint, source: std::io::Error },
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Serve(#[from] start::Error),
}

/// What is served, and how: settled, and nothing begun.
#[derive(Debug)]
pub(super) struct Serve {
    directory: PathBuf,
    resolved: Resolved,
}

impl Args {
    /// Reads the configuration. Whatever is wrong with it shows here, before anything is served.
    pub(super) fn prepare(self) -> Result<Serve, Error> {
        let environment = Environment::of_process();
        let Source::Directory(directory) = self.source else { return Err(Error::NoCluster) };
        if self.contour_config_name.is_some() {
            return Err(Error::NoCluster); // that is where it would be
        }
        let given = self.given.0;
        let resolved = match &self.config_path {
            None => resolve(&given, Base::Nothing, &environment)?,
            Some(path) => resolve(&given, Base::File(&file::read(path)?), &environment)?,
        };
        Ok(Serve { directory, resolved })
    }
}

impl Serve {
    pub(super) fn log_level(&self) -> &'static str {
        if self.resolved.edges.debug_log { "info,contour=debug" } else { "info" }
    }

    pub(super) async fn run(self) -> Result<ExitCode, Error> {
        let Serve { directory, resolved } = self;
        for note in &resolved.notes {
            tracing::warn!("{note}");
        }
        let config = Config { builder: resolved.builder, envoy: resolved.envoy };
        let mut stop = signal::Stop::new().map_err(Error::Signals)?;
        // Before anything is read, which may take long: who connects meanwhile is answered when there is an answer.
        let (listener, address) = listen(&resolved.edges.xds.endpoint).await?;
        let mut running = start::start(&directory, config)?;
        let serving = patiently(running.serving(), |seconds| {
            tracing::info!(directory = %directory.display(), seconds, "still reading");
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
}

/// Takes the port. The second value is the address with the port that the system chose if none was asked for.
async fn listen(endpoint: &Endpoint) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { address: endpoint.clone(), source };
    let listener = TcpListener::bind((endpoint.host.as_str(), endpoint.port)).await;
    let listener = listener.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
