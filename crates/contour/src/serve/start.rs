//! From a directory to a running pipeline.

use std::io;
use std::path::Path;
use std::sync::Arc;

use contour_k8s::source::directory::{self, Directory, Report};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::control::{self, Event, Outputs, QUEUE};
use super::hub::Hub;
use super::outbox::Outbox;
use super::xds;

/// How many scans of the directory, or parts of the first one, may wait for the control loop.
const SCANS: usize = 4;

/// What shapes the graph and the resources.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// For the builder.
    pub builder: Arc<contour_builder::Config>,
    /// For the translator.
    pub envoy: Arc<contour_envoy::Config>,
}

/// Why the control plane does not run, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory cannot be a source.
    #[error(transparent)]
    Source(#[from] directory::Error),
    /// The operating system has no thread for the control loop.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
    /// The xDS port is closed.
    #[error("cannot accept xDS connections any more: {0}")]
    Transport(#[source] io::Error),
    /// A part of the control plane ended though nobody told it to.
    #[error("the {0} ended unexpectedly")]
    Ended(&'static str),
}

/// A running pipeline. Dropping it ends its tasks.
#[derive(Debug)]
pub struct Running {
    /// What is served.
    pub hub: Arc<Hub>,
    /// What is true of objects, as it changes.
    pub statuses: Arc<Outbox>,
    /// What the last scan of the directory found.
    pub report: watch::Receiver<Report>,
    serving: watch::Receiver<bool>,
    events: mpsc::Sender<Event>,
    tasks: JoinSet<Result<(), Error>>,
}

/// Starts the pipeline on a directory. It publishes once everything in it was read.
///
/// # Errors
/// [`Error::Source`], [`Error::Thread`].
pub fn start(directory: &Path, config: Config) -> Result<Running, Error> {
    let directory = Directory::open(directory)?;
    let (hub, statuses) = (Arc::new(Hub::default()), Arc::new(Outbox::default()));
    let (serving, is_serving) = watch::channel(false);
    let (events, inbox) = mpsc::channel(QUEUE);
    let outputs = Outputs { hub: Arc::clone(&hub), statuses: Arc::clone(&statuses), serving };
    let thread = control::spawn((config.builder, config.envoy), inbox, outputs);
    let control = thread.map_err(Error::Thread)?;
    let (reports, report) = watch::channel(Report::default());
    let (scans, scanned) = mpsc::channel(SCANS);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        directory::watch(directory, scans).await?;
        Err(Error::Ended("directory source"))
    });
    tasks.spawn(forward(scanned, reports, events.clone()));
    tasks.spawn(control_ended(control));
    Ok(Running { hub, statuses, report, serving: is_serving, events, tasks })
}

/// Hands what the directory holds to the control loop.
async fn forward(
    mut scanned: mpsc::Receiver<directory::Event>,
    reports: watch::Sender<Report>,
    events: mpsc::Sender<Event>,
) -> Result<(), Error> {
    while let Some(event) = scanned.recv().await {
        let event = match event {
            directory::Event::Read(changes) => Event::Changes(changes),
            directory::Event::Scanned(scan) => {
                reports.send_replace(scan.report);
                Event::Changes(scan.changes)
            }
            directory::Event::Synced => Event::Synced,
        };
        if events.send(event).await.is_err() {
            return Err(Error::Ended("control loop"));
        }
    }
    Err(Error::Ended("directory source"))
}

/// The control loop contains its panics; one that ends it ends the process.
async fn control_ended(thread: std::thread::JoinHandle<()>) -> Result<(), Error> {
    let (ended, end) = oneshot::channel();
    let watcher = std::thread::Builder::new().name("control-watch".to_owned()).spawn(move || {
        let _ = thread.join(); // how it ended stands in the log, by the panic hook
        let _ = ended.send(()); // nobody waits any more when the process ends
    });
    watcher.map_err(Error::Thread)?;
    let _ = end.await; // the sender is dropped with the thread at the latest
    Err(Error::Ended("control loop"))
}

impl Running {
    /// Waits until the first complete state is published.
    pub fn serving(&self) -> impl Future<Output = ()> + use<> {
        let mut serving = self.serving.clone();
        async move {
            // The sender is gone only if the control loop is; `failed` tells that.
            if serving.wait_for(|serving| *serving).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Serves xDS on `listener`.
    pub fn serve_xds(&mut self, listener: TcpListener) {
        let (hub, events) = (Arc::clone(&self.hub), self.events.clone());
        self.tasks.spawn(async move {
            let served = xds::serve(listener, hub, events).await;
            Err(served.map_or_else(Error::Transport, |()| Error::Ended("xDS server")))
        });
    }

    /// Waits until a part ends that should not.
    pub async fn failed(&mut self) -> Error {
        match self.tasks.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Ok(Ok(()))) | None => Error::Ended("control plane"),
            Some(Err(panic)) if panic.is_panic() => std::panic::resume_unwind(panic.into_panic()),
            Some(Err(_)) => Error::Ended("cancelled task"),
        }
    }
}
