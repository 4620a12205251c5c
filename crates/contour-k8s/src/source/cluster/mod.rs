//! A Kubernetes API server as a source of objects: one watch for each kind, in each namespace that is asked for.
//!
//! Nothing ends it: outages, refusals and kinds that do not exist are waited out, each watch on its own, and what was known
//! stays meanwhile.

mod discovery;
mod follow;
mod health;
mod kinds;
mod known;
mod pause;
mod sink;

use std::collections::BTreeMap;
use std::sync::Arc;

use contour_api::core::{Secret, Service};
use contour_api::discovery::EndpointSlice;
use contour_api::networking::Ingress;
use contour_api::v1::HTTPProxy;
use contour_builder::{Addresses, Change, Kind, ObjectName};
use kube::Client;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub(crate) use self::discovery::{Served, served};
use self::follow::Follower;
use self::health::Reporter;
pub use self::health::{Health, Permission, Standing, WatchKey};
use self::kinds::Watched;
pub(crate) use self::kinds::{Described, described};
pub(crate) use self::pause::Pause;
use self::sink::{EnvoyService, Sink};
use crate::status::Observed;

/// What the source says.
#[derive(Debug)]
pub enum Event {
    /// Objects changed, or are told for the first time.
    Changes(Vec<Change>),
    /// Everything that was there at the start is told. Comes once.
    Synced,
}

/// What to watch.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The namespaces to watch; none means all.
    ///
    /// Source: `--watch-namespaces`.
    pub namespaces: Vec<String>,
    /// The Service whose load balancer's addresses are Envoy's; `None` if they are given.
    ///
    /// Source: `--envoy-service-namespace`, `--envoy-service-name`.
    pub envoy_service: Option<ObjectName>,
}

impl Settings {
    /// Whether objects of a namespace are watched.
    pub fn covers(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|each| each == namespace)
    }
}

/// Where the source tells what it sees.
#[derive(Debug)]
pub struct Outputs {
    /// What objects are and become.
    pub events: mpsc::Sender<Event>,
    /// What statuses say.
    pub observed: Arc<Observed>,
    /// Envoy's addresses; `None` as long as they are unknown.
    pub addresses: watch::Sender<Option<Addresses>>,
    /// How it stands with the API server.
    pub health: watch::Sender<Health>,
}

/// Watches. Ends when nobody listens any more.
pub async fn watch(client: Client, settings: Settings, outputs: Outputs) {
    let Outputs { events, observed, addresses, health } = outputs;
    let envoy_service = settings.envoy_service.map(|name| EnvoyService { name, addresses });
    let sink = Sink { events: events.clone(), observed, envoy_service };
    let namespaces: Vec<Option<String>> = match settings.namespaces.as_slice() {
        [] => vec![None],
        some => some.iter().cloned().map(Some).collect(),
    };
    let keys =
        Kind::ALL.iter().flat_map(|kind| namespaces.iter().map(|each| (*kind, each.clone())));
    let watches: BTreeMap<WatchKey, Standing> =
        keys.map(|key| (key, Standing::default())).collect();
    health.send_modify(|health| health.watches.clone_from(&watches));
    let synced = health.subscribe();
    let mut watching =
        Watching { client, sink, reporter: Reporter::new(health), tasks: JoinSet::new() };
    for (kind, namespace) in watches.into_keys() {
        watching.spawn(kind, namespace);
    }
    watching.tasks.spawn(tell_synced(synced, events));
    watching.ended().await;
}

/// Watches that run.
struct Watching {
    client: Client,
    sink: Sink,
    reporter: Reporter,
    tasks: JoinSet<()>,
}

impl Watching {
    fn spawn(&mut self, kind: Kind, namespace: Option<String>) {
        match kind {
            Kind::HttpProxy => self.follow::<HTTPProxy>(namespace),
            Kind::Ingress => self.follow::<Ingress>(namespace),
            Kind::Service => self.follow::<Service>(namespace),
            Kind::EndpointSlice => self.follow::<EndpointSlice>(namespace),
            Kind::Secret => self.follow::<Secret>(namespace),
        }
    }

    fn follow<K: Watched>(&mut self, namespace: Option<String>) {
        let (client, sink, reporter) =
            (self.client.clone(), self.sink.clone(), self.reporter.clone());
        self.tasks.spawn(Follower::<K>::new(client, namespace, sink, reporter).run());
    }

    /// Waits until nobody listens any more.
    async fn ended(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }
}

/// Says once that everything is told. What a watch tells, it tells before it says that it is synced.
async fn tell_synced(mut health: watch::Receiver<Health>, events: mpsc::Sender<Event>) {
    if health.wait_for(Health::is_synced).await.is_ok() {
        // Nobody listens any more: the watches end, too.
        let _ = events.send(Event::Synced).await;
    }
}
