//! From a directory to a running pipeline.

use std::io;
use std::path::Path;
use std::sync::Arc;

use contour_k8s::source::directory::{self, Directory, Report};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accept::Transport;
use super::control::{self, Event, Outputs, QUEUE};
use super::hub::Hub;
use super::metrics::{Metrics, Role};
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
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// What the last scan of the directory found.
    pub report: watch::Receiver<Report>,
    /// The control loop's inbox, for questions.
    pub control: mpsc::Sender<Event>,
    reports: watch::Sender<Report>,
    serving: watch::Receiver<bool>,
    stop: CancellationToken,
    /// Those of the tasks that end when they are told to stop.
    servers: TaskTracker,
    tasks: JoinSet<Result<(), Error>>,
}

/// Starts the pipeline on a directory. It publishes once everything in it was read.
///
/// # Errors
/// [`Error::Source`], [`Error::Thread`].
pub fn start(directory: &Path, config: Config) -> Result<Running, Error> {
    let directory = Directory::open(directory)?;
    let mut running = Running::new(config, Arc::default())?;
    running.read_directory(directory);
    Ok(running)
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
    /// Starts the pipeline, which knows no object yet and has no source. What it does is counted in `metrics`.
    ///
    /// # Errors
    /// [`Error::Thread`].
    pub fn new(config: Config, metrics: Arc<Metrics>) -> Result<Running, Error> {
        let (hub, statuses) = (Arc::new(Hub::default()), Arc::new(Outbox::default()));
        let (serving, is_serving) = watch::channel(false);
        let (events, inbox) = mpsc::channel(QUEUE);
        let outputs = Outputs {
            hub: Arc::clone(&hub),
            statuses: Arc::clone(&statuses),
            metrics: Arc::clone(&metrics),
            serving,
        };
        let thread = control::spawn((config.builder, config.envoy), inbox, outputs);
        let mut tasks = JoinSet::new();
        tasks.spawn(control_ended(thread.map_err(Error::Thread)?));
        let (reports, report) = watch::channel(Report::default());
        Ok(Running {
            hub,
            statuses,
            metrics,
            report,
            control: events,
            reports,
            serving: is_serving,
            stop: CancellationToken::new(),
            servers: TaskTracker::new(),
            tasks,
        })
    }

    /// Reads a directory, and follows it.
    pub fn read_directory(&mut self, directory: Directory) {
        self.metrics.role(Role::Leader); // nobody else reads the directory and tells of it
        let (scans, scanned) = mpsc::channel(SCANS);
        self.tasks.spawn(async move {
            directory::watch(directory, scans).await?;
            Err(Error::Ended("directory source"))
        });
        self.tasks.spawn(forward(scanned, self.reports.clone(), self.control.clone()));
    }

    /// Runs something that never ends. If it does, so does everything.
    pub fn run(&mut self, what: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async move {
            task.await;
            Err(Error::Ended(what))
        });
    }

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

    /// Becomes true with the first complete state.
    pub fn is_serving(&self) -> watch::Receiver<bool> {
        self.serving.clone()
    }

    /// Serves xDS on `listener`, in plain text.
    pub fn serve_xds(&mut self, listener: TcpListener) {
        self.serve_xds_by(listener, Transport::Plain);
    }

    /// Serves xDS on `listener`.
    pub fn serve_xds_by(&mut self, listener: TcpListener, transport: Transport) {
        let (hub, control) = (Arc::clone(&self.hub), self.control.clone());
        let metrics = Arc::clone(&self.metrics);
        self.serve("xDS server", |stop| {
            xds::serve_in(xds::Surroundings { transport, metrics, stop }, listener, hub, control)
        });
    }

    /// Runs a server that ends when it is told to stop. If it ends before, so does everything.
    pub fn serve<F>(&mut self, what: &'static str, server: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        let serving = self.servers.track_future(server(stop.clone()));
        self.tasks.spawn(async move {
            serving.await;
            if stop.is_cancelled() { Ok(()) } else { Err(Error::Ended(what)) }
        });
    }

    /// Tells every server to stop, and waits until they have: five seconds at most.
    pub async fn stop(self) {
        self.stop.cancel();
        self.servers.close();
        self.servers.wait().await;
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
