//! From an API server to a running pipeline, and from its conditions back to statuses.

use std::collections::BTreeMap;
use std::sync::Arc;

use contour_builder::{Addresses, Conditions, Kind, ObjectName, ObjectRef, Problem};
use contour_k8s::client::{self, Asked, Client};
use contour_k8s::lease::{self, Election};
use contour_k8s::source::cluster::{self, Health, Outputs};
use contour_k8s::status::{self, Inputs, Observed, Outcome, Written};
use tokio::sync::{mpsc, watch};

use super::control::Event;
use super::health::Readiness;
use super::metrics::{Metrics, Reachable, Role, StatusUpdate};
use super::outbox::Outbox;
use super::start::Running;
use crate::certificates::renewal;

/// How many batches of objects may wait for the control loop, beside those in its own queue.
const BATCHES: usize = 1;

/// Under which name requests to the API server are logged, and from which `--kubernetes-debug` on.
pub const REQUESTS: &str = "kubernetes";
pub const LOGS_REQUESTS: u32 = 6;

/// What is read, and who writes.
#[derive(Debug)]
pub struct Settings {
    /// What to watch.
    pub source: cluster::Settings,
    /// Envoy's addresses, if they are given.
    pub addresses: Option<Addresses>,
    /// How the one that writes statuses is elected; `None`: it is this process.
    pub election: Option<lease::Settings>,
    /// How whoever leads renews the certificates of xDS; `None`: somebody else does.
    pub certificates: Option<renewal::Settings>,
}

/// A client of an API server whose requests are counted.
///
/// # Errors
/// As [`client::connect`].
pub async fn connect(
    settings: &client::Settings,
    metrics: &Arc<Metrics>,
) -> Result<Client, client::Error> {
    let metrics = Arc::clone(metrics);
    let tell = move |asked: &Asked<'_>| {
        metrics.kubernetes_request(asked);
        let Asked { code, method, path, host } = asked;
        let code = code.map_or(0, |code| code.as_u16());
        tracing::debug!(target: REQUESTS, %method, path, host, code, "asked the API server");
    };
    client::connect(settings, tell).await
}

/// Has a pipeline read an API server, and statuses written there. Answers what readiness is made of.
pub fn read(running: &mut Running, client: &Client, settings: Settings) -> Arc<Readiness> {
    let Settings { source, addresses: given, election, certificates } = settings;
    if let Some(service) = &source.envoy_service
        && !source.covers(&service.namespace)
    {
        tracing::warn!(%service, "Envoy's Service is in a namespace that is not watched: statuses get no addresses");
    }
    let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
    let readiness = Readiness::of_cluster(running.is_serving(), kinds);
    let observed = Arc::new(Observed::default());
    let (addresses, known) = watch::channel(given);
    let (health, seen) = watch::channel(Health::default());
    let (events, told) = mpsc::channel(BATCHES);
    let outputs = Outputs { events, observed: Arc::clone(&observed), addresses, health };
    let (source_client, control) = (client.clone(), running.control.clone());
    running.run("cluster source", cluster::watch(source_client, source, outputs));
    running.run("cluster source", forward(told, control));
    let metrics = Arc::clone(&running.metrics);
    running.run("health of the cluster", tell_health(seen, Arc::clone(&readiness), metrics));
    let leading = elect(running, client, election);
    if let Some(settings) = certificates {
        let renewing = super::renewal::run(client.clone(), settings, leading.clone());
        running.run("renewal of certificates", renewing);
    }
    let (news, inbox) = mpsc::channel(1);
    running.run("statuses", hand_over(Arc::clone(&running.statuses), news));
    let inputs = Inputs { news: inbox, observed, addresses: known, leading };
    let metrics = Arc::clone(&running.metrics);
    let tell = move |written: &Written| count(&metrics, written);
    running.run("status writer", status::run(client.clone(), inputs, tell));
    readiness
}

/// Competes for leadership, if there is any to compete for.
fn elect(
    running: &mut Running,
    client: &Client,
    settings: Option<lease::Settings>,
) -> watch::Receiver<bool> {
    let metrics = Arc::clone(&running.metrics);
    let Some(settings) = settings else {
        metrics.role(Role::Leader);
        return lease::always();
    };
    let name = settings.name.clone();
    let (election, leading) = Election::new(client.clone(), settings);
    let serving = running.serving();
    running.serve("leader election", |stop| async move {
        // Who knows half of the objects would write half of the truth, and keep others from writing.
        tokio::select! {
            () = serving => election.run(stop.cancelled_owned()).await,
            () = stop.cancelled() => {}
        }
    });
    running.run("role", tell_role(leading.clone(), name, metrics));
    leading
}

/// Hands what the source tells to the control loop.
async fn forward(mut told: mpsc::Receiver<cluster::Event>, control: mpsc::Sender<Event>) {
    while let Some(event) = told.recv().await {
        let event = match event {
            cluster::Event::Changes(changes) => Event::Changes(changes),
            cluster::Event::Synced => Event::Synced,
        };
        if control.send(event).await.is_err() {
            return;
        }
    }
}

/// Hands what is true to the writer, the newest of each object.
async fn hand_over(statuses: Arc<Outbox>, news: mpsc::Sender<status::News>) {
    let mut told = Told::new();
    while let Ok(place) = news.reserve().await {
        let some = statuses.take().await;
        for (object, conditions) in &some {
            tell_problems(&mut told, object, conditions.as_deref());
        }
        place.send(some);
    }
}

/// Problems of Ingresses that the log has. An Ingress itself has no place for them.
type Told = BTreeMap<ObjectName, Vec<Problem>>;

fn tell_problems(told: &mut Told, object: &ObjectRef, conditions: Option<&Conditions>) {
    for problem in untold(told, object, conditions) {
        let ObjectName { namespace, name } = &object.name;
        let (_, reason) = problem.reason.words();
        let message = &*problem.message;
        tracing::warn!(%namespace, %name, reason, message, "something is wrong with an Ingress");
    }
}

/// The problems of an Ingress, if they are not those that were told last: conditions also come to be confirmed, as by the
/// echo of a status that was written.
fn untold(told: &mut Told, object: &ObjectRef, conditions: Option<&Conditions>) -> Vec<Problem> {
    if object.kind != Kind::Ingress {
        return Vec::new();
    }
    let problems = conditions.map_or_else(Vec::new, |conditions| conditions.errors.clone());
    if problems.is_empty() {
        told.remove(&object.name);
        return problems;
    }
    let before = told.insert(object.name.clone(), problems.clone());
    if before.is_some_and(|before| before == problems) { Vec::new() } else { problems }
}

async fn tell_health(
    mut seen: watch::Receiver<Health>,
    readiness: Arc<Readiness>,
    metrics: Arc<Metrics>,
) {
    loop {
        {
            let health = seen.borrow_and_update();
            if health.up {
                readiness.api_answered();
                metrics.kubernetes_api(Reachable::Yes);
            } else {
                readiness.api_silent("it does not answer; what is known of it is served");
                metrics.kubernetes_api(Reachable::No);
            }
            for kind in Kind::ALL.into_iter().filter(|kind| health.has(*kind)) {
                readiness.synced(kind.as_str());
            }
        }
        if seen.changed().await.is_err() {
            return;
        }
    }
}

async fn tell_role(mut leading: watch::Receiver<bool>, lease: String, metrics: Arc<Metrics>) {
    loop {
        let leads = *leading.borrow_and_update();
        metrics.lease(&lease, if leads { Role::Leader } else { Role::Follower });
        if leading.changed().await.is_err() {
            return std::future::pending().await; // the election has ended as it was told to
        }
    }
}

fn count(metrics: &Metrics, written: &Written) {
    let Written { kind, took, outcome } = written;
    let update = match outcome {
        Outcome::Written => StatusUpdate::Written,
        Outcome::Same | Outcome::Gone => StatusUpdate::Unchanged,
        Outcome::Failed => StatusUpdate::Failed,
        Outcome::Conflict => {
            metrics.status_conflict(kind.as_str());
            return;
        }
    };
    metrics.status_update(kind.as_str(), update, *took);
}

#[cfg(test)]
mod tests {
    use contour_builder::Reason;

    use super::*;

    #[test]
    fn a_problem_of_an_ingress_is_told_when_it_changes_and_not_when_it_is_confirmed() {
        let mut told = Told::new();
        let object = ObjectRef { kind: Kind::Ingress, name: ObjectName::new("default", "web") };
        let with = |message: &str| Conditions {
            errors: vec![Problem::new(Reason::Unreadable, message)],
            ..Conditions::default()
        };
        let mut count =
            |conditions: Option<&Conditions>| untold(&mut told, &object, conditions).len();
        assert_eq!(count(Some(&with("a typo"))), 1);
        assert_eq!(count(Some(&with("a typo"))), 0, "confirmed");
        assert_eq!(count(Some(&with("another"))), 1);
        assert_eq!(count(Some(&Conditions::default())), 0, "mended");
        assert_eq!(count(Some(&with("another"))), 1, "again");
        assert_eq!(count(None), 0, "gone");
        assert_eq!(count(Some(&with("another"))), 1, "made again");
    }
}
