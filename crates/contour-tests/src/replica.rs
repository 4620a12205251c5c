//! A control plane in this process that reads an API server, on a runtime of its own so that it can be killed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use contour::serve::cluster::{self, Settings};
use contour::serve::hub::Hub;
use contour::serve::metrics::Metrics;
use contour::serve::start::{Config, Running};
use contour_builder::Addresses;
use contour_k8s::client::{self, Access};
use contour_k8s::lease::{self, Durations};
use contour_k8s::source;
use contour_xds::resource::{Dialect, Name, TypeUrl, Version};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::api_server::{Account, NAMESPACE};

/// A replica of `contour serve`.
#[derive(Debug)]
pub struct Replica {
    /// Where it serves xDS, from the moment on that it has something to serve.
    pub xds: SocketAddr,
    /// What it serves.
    pub hub: Arc<Hub>,
    metrics: Arc<Metrics>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

/// How a replica takes part in the election.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The Lease. Tests that share an API server each have their own.
    pub lease: &'a str,
    /// Who it is.
    pub identity: &'a str,
    /// The times.
    pub durations: Durations,
}

impl Replica {
    /// Starts a replica under this account, and waits until it serves. Envoy's addresses are `addresses`.
    pub async fn start(account: &Account, candidate: &Candidate<'_>, addresses: &str) -> Replica {
        let runtime = Runtime::new().expect("a runtime");
        let access = Access::Kubeconfig(account.kubeconfig.clone());
        let election = lease::Settings {
            name: candidate.lease.to_owned(),
            namespace: NAMESPACE.to_owned(),
            identity: candidate.identity.to_owned(),
            durations: candidate.durations,
        };
        let settings = Settings {
            source: source::cluster::Settings::default(),
            addresses: Some(Addresses::parse(addresses)),
            election: Some(election),
            certificates: None,
        };
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let task = runtime.spawn(async move {
            let metrics: Arc<Metrics> = Arc::default();
            let settings_of_client = client::Settings::new(access);
            let client = cluster::connect(&settings_of_client, &metrics).await;
            let mut running = Running::new(Config::default(), metrics).expect("a thread");
            cluster::read(&mut running, &client.expect("a client"), settings);
            running.serving().await;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
            let xds = listener.local_addr().expect("its address");
            running.serve_xds(listener);
            let (hub, metrics) = (Arc::clone(&running.hub), Arc::clone(&running.metrics));
            tell.send((xds, hub, metrics)).expect("somebody waits");
            tokio::select! {
                // The sender is dropped.
                _ = stopped => running.stop().await,
                error = running.failed() => panic!("{error}"),
            }
        });
        let (xds, hub, metrics) = told.await.expect("it starts");
        Replica { xds, hub, metrics, stop: Some(stop), task: Some(task), runtime: Some(runtime) }
    }

    /// Everything it serves, by its content.
    pub fn serves(&self) -> BTreeMap<(TypeUrl, Name), Version> {
        let sight = self.hub.look(Dialect::Aggregated);
        let snapshot = sight.view().snapshot;
        let of = |type_url| {
            snapshot
                .table(type_url)
                .iter()
                .map(move |(name, each)| ((type_url, name.clone()), each.version))
        };
        TypeUrl::ALL.into_iter().flat_map(of).collect()
    }

    /// The body of what it serves under a name.
    pub fn body(&self, type_url: TypeUrl, name: &str) -> Option<Vec<u8>> {
        let sight = self.hub.look(Dialect::Aggregated);
        sight.view().snapshot.table(type_url).get(name).map(|each| each.body.to_vec())
    }

    /// A metric that is a whole number, by its name and labels as they are printed; 0 if it is not there.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.metrics.render();
        let mut values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        values.next().map_or(0, |value| value.parse().expect("a whole number"))
    }

    /// How many statuses of a kind it wrote.
    pub fn written(&self, kind: &str) -> u64 {
        let count = |what| self.metric(&format!("contour_status_update_{what}{{kind=\"{kind}\"}}"));
        // One counter is read after the other.
        count("success_total").saturating_sub(count("noop_total"))
    }

    /// Ends it as an orderly shutdown does.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(task) = self.task.take() {
            task.await.expect("no panic");
        }
    }

    /// Ends it as a crash would: nothing is said.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
