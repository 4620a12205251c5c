//! `contour serve`: the control plane, for Envoys that are started by someone else.

mod ports;
mod reload;
mod settle;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use contour_api::v1alpha1::ContourConfigurationSpec;
use contour_builder::ObjectName;
use contour_k8s::client;
use contour_k8s::contour_configuration as named;
use contour_k8s::needs::Scope;
use contour_k8s::source::directory::Directory;
use tokio::sync::{mpsc, watch};

use self::ports::{Ports, Reserved, xds_transport};
pub(super) use self::ports::{metrics_files, xds_files};
use self::reload::{News, Reloading, rows, shown};
use super::flags::Given;
use super::output::{patiently, print_changes};
use super::signal;
use crate::certificates::{InvalidName, renewal};
use crate::config::edges::{Edges, Endpoint};
use crate::config::{self, Base, Environment, Problems, Resolved, Settings, file, resolve};
use crate::serve::accept::Transport;
use crate::serve::cluster;
use crate::serve::debug::Row;
use crate::serve::health::Readiness;
use crate::serve::metrics::Metrics;
use crate::serve::start::{self, Config, Running};
use crate::serve::tls;

/// Serves xDS to Envoys that are started by someone else.
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

impl std::fmt::Display for Source {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Cluster => out.write_str("cluster"),
            Source::Directory(path) => write!(out, "directory={}", path.display()),
        }
    }
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
    #[error(
        "a ContourConfiguration is an object of a cluster; with --source directory=PATH give a file"
    )]
    NoCluster,
    #[error(
        "--manage-certificates renews Secrets of a cluster; with --source directory=PATH there are none"
    )]
    NoSecrets,
    #[error(transparent)]
    Namespace(#[from] InvalidName),
    #[error("there is no ContourConfiguration {0} (--contour-config-name)")]
    NoSuchConfiguration(ObjectName),
    #[error("the ContourConfiguration {name} (--contour-config-name) cannot be read: {reason}")]
    Unreadable { name: ObjectName, reason: serde_json::Error },
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error(transparent)]
    Durations(#[from] contour_k8s::lease::InvalidDurations),
    #[error("cannot listen on {address} ({flags}): {source}")]
    Listen { address: Endpoint, flags: &'static str, source: std::io::Error },
    #[error(transparent)]
    Tls(#[from] tls::Error),
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Serve(#[from] start::Error),
}

/// What is served, and how: settled as far as it can be without asking anyone, and nothing begun.
#[derive(Debug)]
pub(super) struct Serve {
    source: Source,
    basis: Basis,
    given: Settings,
    environment: Environment,
    resolved: Resolved,
    certificates: Option<renewal::Settings>,
}

/// What objects are read from, once it is open.
enum Input {
    Cluster(client::Client),
    Directory(Directory),
}

impl Input {
    fn client(&self) -> Option<&client::Client> {
        match self {
            Input::Cluster(client) => Some(client),
            Input::Directory(_) => None,
        }
    }
}

/// What the process goes by, beside flags and environment.
#[derive(Debug)]
enum Basis {
    Nothing,
    File(PathBuf, Settings),
    /// A `ContourConfiguration`, and what it says; at first that is yet to be read.
    Named(ObjectName, Box<ContourConfigurationSpec>),
}

impl Args {
    /// Reads the configuration. Whatever is wrong with it shows here, before anything is served.
    pub(super) fn prepare(self) -> Result<Serve, Error> {
        let environment = Environment::of_process();
        let given = self.given.0;
        let basis = match (self.config_path, self.contour_config_name) {
            (_, Some(name)) => Basis::Named(settle::name_in(&environment, &name), Box::default()),
            (Some(path), None) => Basis::File(path.clone(), file::read(&path)?),
            (None, None) => Basis::Nothing,
        };
        if let (Basis::Named(..), Source::Directory(_)) = (&basis, &self.source) {
            return Err(Error::NoCluster);
        }
        let base = match &basis {
            Basis::File(_, settings) => Base::File(settings),
            Basis::Nothing | Basis::Named(..) => Base::Nothing,
        };
        let resolved = resolve(&given, base, &environment)?;
        let certificates = settle::certificates(&resolved.edges, &environment)?;
        if let (Some(_), Source::Directory(_)) = (&certificates, &self.source) {
            return Err(Error::NoSecrets);
        }
        Ok(Serve { source: self.source, basis, given, environment, resolved, certificates })
    }
}

impl Serve {
    /// What is logged, as a filter.
    pub(super) fn log_level(&self) -> String {
        let edges = &self.resolved.edges;
        let mut filter = "info".to_owned();
        if edges.debug_log {
            filter += ",contour=debug";
        }
        if edges.client.debug >= cluster::LOGS_REQUESTS {
            filter = format!("{filter},{}=debug", cluster::REQUESTS);
        }
        filter
    }

    /// Whether objects come from an API server.
    pub(super) fn asks_cluster(&self) -> bool {
        matches!(self.source, Source::Cluster)
    }

    /// Whether it is still to be read what the configuration is.
    pub(super) fn waits_for_configuration(&self) -> bool {
        matches!(self.basis, Basis::Named(..))
    }

    /// What the process goes by, in words.
    pub(super) fn said_by(&self) -> String {
        match &self.basis {
            Basis::Nothing => "flags and environment make sense".to_owned(),
            Basis::File(path, _) => format!("{} makes sense", path.display()),
            Basis::Named(name, _) => format!("the ContourConfiguration {name} makes sense"),
        }
    }

    /// What of the configuration has no effect, in words.
    pub(super) fn notes(&self) -> &[String] {
        &self.resolved.notes
    }

    /// What the edges are told.
    pub(super) fn edges(&self) -> &Edges {
        &self.resolved.edges
    }

    /// The namespace that Contour runs in.
    pub(super) fn namespace(&self) -> &str {
        self.environment.namespace()
    }

    /// How the API server is reached.
    pub(super) fn client_settings(&self) -> client::Settings {
        settle::client(&self.edges().client)
    }

    /// What decides about what is asked of the API server.
    pub(super) fn scope(&self) -> Scope {
        let edges = self.edges();
        let lease = edges.election.as_ref().map(|election| &election.lease);
        Scope {
            namespaces: edges.watch_namespaces.iter().cloned().collect(),
            lease: lease.map(|lease| ObjectName::new(&lease.namespace, &lease.name)),
            configuration: match &self.basis {
                Basis::Named(name, _) => Some(name.clone()),
                Basis::File(..) | Basis::Nothing => None,
            },
            certificates: edges.manage_certificates.then(|| self.namespace().to_owned()),
        }
    }

    pub(super) async fn run(mut self) -> Result<ExitCode, Error> {
        let mut stop = signal::Stop::new().map_err(Error::Signals)?;
        let metrics = Arc::new(Metrics::default());
        let input = self.open(&metrics).await?;
        let client = input.client().cloned();
        if let (Basis::Named(..), Some(client)) = (&self.basis, &client) {
            let edges = self.resolved.edges.clone();
            tokio::select! {
                settled = self.settle(client) => settled?,
                error = ports::serve_meanwhile(&edges) => return Err(error),
                () = stop.asked() => return Ok(ExitCode::SUCCESS),
            }
        }
        for note in &self.resolved.notes {
            tracing::warn!("{note}");
        }
        let ports = Ports::take(&self.resolved.edges).await?;
        let resolved = &self.resolved;
        let config =
            Config { builder: Arc::clone(&resolved.builder), envoy: Arc::clone(&resolved.envoy) };
        let mut running = Running::new(config, metrics)?;
        let transport = xds_transport(&mut running, &resolved.edges.xds)?;
        let readiness = match input {
            Input::Cluster(client) => {
                let certificates = self.certificates.clone();
                let settings = settle::cluster(&resolved.edges, certificates)?;
                cluster::read(&mut running, &client, settings)
            }
            Input::Directory(directory) => {
                running.read_directory(directory);
                Readiness::of_directory(running.is_serving())
            }
        };
        let (sender, receiver) = watch::channel(rows(resolved));
        let xds = ports.serve(&mut running, &resolved.edges, readiness, shown(receiver))?;
        self.reload(&mut running, client, sender);
        let ended = self.serve(&mut running, &mut stop, xds, transport).await;
        running.stop().await;
        ended
    }

    /// Opens what objects are read from.
    async fn open(&self, metrics: &Arc<Metrics>) -> Result<Input, Error> {
        match &self.source {
            Source::Cluster => {
                Ok(Input::Cluster(cluster::connect(&self.client_settings(), metrics).await?))
            }
            Source::Directory(path) => {
                Ok(Input::Directory(Directory::open(path).map_err(start::Error::from)?))
            }
        }
    }

    /// Serves xDS as soon as there is something to serve, until asked to stop.
    async fn serve(
        &self,
        running: &mut Running,
        stop: &mut signal::Stop,
        xds: Reserved,
        transport: Transport,
    ) -> Result<ExitCode, Error> {
        let serving = patiently(running.serving(), |seconds| {
            tracing::info!(source = %self.source, seconds, "still reading");
        });
        tokio::select! {
            () = serving => {}
            error = running.failed() => return Err(error.into()),
            () = stop.asked() => return Ok(ExitCode::SUCCESS),
        }
        let how = match &transport {
            Transport::Plain => "serving xDS in plain text",
            Transport::Tls(_) => "serving xDS",
        };
        let listener = xds.open()?;
        let address =
            listener.local_addr().map_or_else(|error| error.to_string(), |it| it.to_string());
        running.serve_xds_by(listener, transport);
        tracing::info!(address, "{how}");
        let (statuses, report) = (Arc::clone(&running.statuses), running.report.clone());
        let print = async {
            match self.source {
                Source::Directory(_) => print_changes(&statuses, report).await,
                Source::Cluster => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.asked() => Ok(ExitCode::SUCCESS),
            error = running.failed() => Err(error.into()),
            never = print => match never {},
        }
    }

    /// Reads the `ContourConfiguration`, if one is named: waits for an API server that does not answer.
    pub(super) async fn settle(&mut self, client: &client::Client) -> Result<(), Error> {
        let Basis::Named(name, known) = &mut self.basis else { return Ok(()) };
        let read = named::wait(client, name).await;
        let read = read.map_err(|reason| Error::Unreadable { name: name.clone(), reason })?;
        let read = read.ok_or_else(|| Error::NoSuchConfiguration(name.clone()))?;
        let base = Base::Spec { name: &name.to_string(), spec: &read.spec };
        self.resolved = resolve(&self.given, base, &self.environment)?;
        **known = read.spec;
        Ok(())
    }

    /// Has edits of the configuration take effect.
    fn reload(
        &self,
        running: &mut Running,
        client: Option<client::Client>,
        shown: watch::Sender<Vec<Row>>,
    ) {
        let (news, inbox) = mpsc::channel::<News>(1);
        let reloading = Reloading {
            edges: self.resolved.edges.clone(),
            control: running.control.clone(),
            metrics: Arc::clone(&running.metrics),
            shown,
        };
        running.run("configuration", reloading.follow(inbox));
        let (given, environment) = (self.given.clone(), self.environment.clone());
        match (&self.basis, client) {
            (Basis::File(path, known), _) => {
                let again = move |file: &Settings| resolve(&given, Base::File(file), &environment);
                let (path, known) = (path.clone(), known.clone());
                running.run("configuration file", async move {
                    if let Err(error) = config::watch(&path, known, again, news).await {
                        tracing::warn!(%error, "edits of the configuration go unnoticed");
                        std::future::pending::<()>().await;
                    }
                });
            }
            (Basis::Named(name, known), Some(client)) => {
                let (name, known) = (name.clone(), ContourConfigurationSpec::clone(known));
                running.run("ContourConfiguration", async move {
                    let again = |spec: &_| {
                        let base = Base::Spec { name: &name.to_string(), spec };
                        resolve(&given, base, &environment)
                    };
                    // Its state is large, and most processes have none.
                    Box::pin(settle::follow(&client, &name, known, again, news)).await;
                });
            }
            (Basis::Nothing, _) | (Basis::Named(..), None) => {}
        }
    }
}
