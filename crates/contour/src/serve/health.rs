//! `/health`, `/healthz`: is this process alive? `/readyz`: may Envoys be sent here?
//!
//! Neither asks the Kubernetes API: an outage of it takes a replica that serves away from nobody, and a restart would not
//! end the outage.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::any;
use http::StatusCode;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::control::Event;
use super::question::{Question, ask};

/// How long after an answer the control loop is asked again whether it is there.
const BEAT: Duration = Duration::from_secs(1);

/// For how long it may owe the answer: longer than any pass of a loop that works.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same until the first complete state is served: a first build of a large cluster on a small share of a core.
const FIRST_PATIENCE: Duration = Duration::from_mins(5);

/// What the health endpoints go by.
#[derive(Debug)]
pub struct Health {
    /// When the control loop answered last.
    answered: watch::Sender<Instant>,
    readiness: Arc<Readiness>,
}

impl Health {
    /// Health of a process that starts now.
    pub fn new(readiness: Arc<Readiness>) -> Arc<Health> {
        Arc::new(Health { answered: watch::Sender::new(Instant::now()), readiness })
    }

    /// Asks the control loop again and again whether it is there. Ends with it.
    pub async fn watch(self: Arc<Health>, control: mpsc::Sender<Event>) {
        while ask(&control, Question::Alive).await.is_some() {
            self.answered.send_replace(Instant::now());
            sleep(BEAT).await;
        }
    }

    /// # Errors
    /// Why this process should be started again.
    fn alive(&self) -> Result<(), String> {
        let silent = self.answered.borrow().elapsed();
        let patience = if self.readiness.is_serving() { PATIENCE } else { FIRST_PATIENCE };
        if silent <= patience {
            return Ok(());
        }
        Err(format!("the control loop has not answered for {} s", silent.as_secs()))
    }
}

/// The routes of health: `/health`, `/healthz`, `/readyz`, for any method.
pub fn routes(health: Arc<Health>) -> Router {
    Router::new()
        .route("/health", any(live))
        .route("/healthz", any(live))
        .route("/readyz", any(ready))
        .with_state(health)
}

/// The same of a process that does not know yet what it shall do.
pub fn routes_without_configuration() -> Router {
    const WHY: &str =
        "[-]configuration failed: the ContourConfiguration has not been read\nnot ready\n";
    let live = || any(async || "OK\n");
    Router::new()
        .route("/health", live())
        .route("/healthz", live())
        .route("/readyz", any(async || (StatusCode::SERVICE_UNAVAILABLE, WHY)))
}

async fn live(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    match health.alive() {
        Ok(()) => (StatusCode::OK, "OK\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why + "\n"),
    }
}

async fn ready(
    State(health): State<Arc<Health>>,
    RawQuery(query): RawQuery,
) -> (StatusCode, String) {
    let verbose = query
        .unwrap_or_default()
        .split('&')
        .any(|each| each.split_once('=').map_or(each, |(name, _)| name) == "verbose");
    let checks = health.readiness.checks();
    let ready = checks.iter().all(|check| !check.holds_back());
    let mut text = String::new();
    for check in checks.iter().filter(|check| verbose || check.holds_back()) {
        let _ = writeln!(text, "{check}"); // writing to a String cannot fail
    }
    match (ready, verbose) {
        (true, true) => (StatusCode::OK, text + "ready\n"),
        (true, false) => (StatusCode::OK, "OK\n".to_owned()),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, text + "not ready\n"),
    }
}

/// What has to have happened before Envoys may be sent here. None of it is ever undone.
#[derive(Debug)]
pub struct Readiness {
    serving: watch::Receiver<bool>,
    /// None if objects do not come from an API server.
    cluster: Option<Mutex<Cluster>>,
}

/// What is known of the API server.
#[derive(Debug, Default)]
struct Cluster {
    reached: bool,
    /// Why it does not answer now, if it does not.
    silent: Option<String>,
    /// Whether the first list of each kind is complete.
    synced: BTreeMap<&'static str, bool>,
}

impl Readiness {
    /// Of a process whose objects come from a directory.
    pub fn of_directory(serving: watch::Receiver<bool>) -> Arc<Readiness> {
        Arc::new(Readiness { serving, cluster: None })
    }

    /// Of a process whose objects come from an API server, and are of these kinds.
    pub fn of_cluster(
        serving: watch::Receiver<bool>,
        kinds: impl IntoIterator<Item = &'static str>,
    ) -> Arc<Readiness> {
        let synced = kinds.into_iter().map(|kind| (kind, false)).collect();
        let cluster = Cluster { synced, ..Cluster::default() };
        Arc::new(Readiness { serving, cluster: Some(Mutex::new(cluster)) })
    }

    /// The API server answered.
    pub fn api_answered(&self) {
        if let Some(mut cluster) = self.cluster() {
            cluster.reached = true;
            cluster.silent = None;
        }
    }

    /// The API server did not answer, for this reason.
    pub fn api_silent(&self, why: impl Into<String>) {
        if let Some(mut cluster) = self.cluster() {
            cluster.silent = Some(why.into());
        }
    }

    /// The first list of a kind is complete, or it is known that there is none.
    pub fn synced(&self, kind: &'static str) {
        if let Some(mut cluster) = self.cluster() {
            cluster.synced.insert(kind, true);
        }
    }

    fn is_serving(&self) -> bool {
        *self.serving.borrow()
    }

    fn cluster(&self) -> Option<MutexGuard<'_, Cluster>> {
        Some(self.cluster.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn checks(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut check = |name: String, good: bool, why: &str| {
            let outcome = if good { Outcome::Good } else { Outcome::Bad(why.to_owned()) };
            checks.push(Check { name, outcome });
        };
        let cluster = self.cluster();
        if let Some(cluster) = &cluster {
            check("kubernetes-api".to_owned(), cluster.reached, "it has not answered yet");
            for (kind, &synced) in &cluster.synced {
                check(format!("synced/{kind}"), synced, "its first list is not complete");
            }
        }
        let why = "the first complete state is not built yet";
        check("serving".to_owned(), self.is_serving(), why);
        if let Some(cluster) = &cluster {
            let outcome = match &cluster.silent {
                Some(why) => Outcome::Degraded(why.clone()),
                None if cluster.reached => Outcome::Good,
                None => Outcome::Degraded("it has not answered yet".to_owned()),
            };
            checks.push(Check { name: "kubernetes-api-now".to_owned(), outcome });
        }
        checks
    }
}

/// One of the things that readiness is made of.
#[derive(Debug)]
struct Check {
    name: String,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Good,
    /// Keeps this process from being ready, and why.
    Bad(String),
    /// Worth knowing, and why.
    Degraded(String),
}

impl Check {
    fn holds_back(&self) -> bool {
        matches!(self.outcome, Outcome::Bad(_))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Check { name, outcome } = self;
        match outcome {
            Outcome::Good => write!(out, "[+]{name} ok"),
            Outcome::Bad(why) => write!(out, "[-]{name} failed: {why}"),
            Outcome::Degraded(why) => write!(out, "[ ]{name} failed, which does not count: {why}"),
        }
    }
}

#[cfg(test)]
mod tests;
