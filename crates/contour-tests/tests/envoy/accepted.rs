//! I-17: every body in a snapshot is accepted by Envoy.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contour::serve::hub::Hub;
use contour::serve::pipeline::Pipeline;
use contour::serve::start::Config;
use contour::serve::xds;
use contour_builder::{Change, ObjectRef};
use contour_tests::case::{self, Step};
use contour_tests::proxy::{Ports, Proxy, until};
use contour_xds::resource::Dialect;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub(crate) async fn every_case_is_accepted_in_the_aggregated_dialect(binary: PathBuf) {
    every_case_is_accepted(binary, Dialect::Aggregated).await;
}

pub(crate) async fn every_case_is_accepted_in_the_separate_dialect(binary: PathBuf) {
    every_case_is_accepted(binary, Dialect::Separate).await;
}

/// An Envoy that is fed with whatever becomes of objects.
pub(crate) struct Fed {
    pub(crate) envoy: Proxy,
    hub: Arc<Hub>,
    pipeline: Pipeline,
    ports: Ports,
}

impl Fed {
    /// Starts it without any object.
    pub(crate) async fn start(binary: &Path, dialect: Dialect) -> Fed {
        let ports = Ports::free();
        let hub = Arc::new(Hub::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (control, _events) = mpsc::channel(16);
        tokio::spawn(xds::serve(listener, Arc::clone(&hub), control));
        let (mut pipeline, published) = Pipeline::new(Arc::default(), ports.config(), hub.now());
        hub.publish(published);
        let separate = pipeline.speak_separate();
        hub.publish_in(Dialect::Separate, separate);
        let envoy = Proxy::start(binary, address, dialect, ports);
        let started = async || envoy.stat("listener_manager.workers_started").await == Some(1);
        until("Envoy has what is served without objects", started).await;
        Fed { envoy, hub, pipeline, ports }
    }

    pub(crate) fn configure(&mut self, config: Config) {
        let envoy = with_ports(&config.envoy, self.ports);
        let pass = self.pipeline.configure(config.builder, envoy, self.hub.now());
        self.hub.publish(pass.published);
    }

    /// Publishes what becomes of the changes, and waits until Envoy has taken it, or refused something.
    pub(crate) async fn feed(&mut self, changes: Vec<Change>, name: &str) {
        let pass = self.pipeline.apply(changes, self.hub.now());
        self.hub.publish(pass.published);
        settle(&self.hub, &mut self.pipeline, &self.envoy, name).await;
    }
}

/// Serves one case after the other, and nothing in between, to one Envoy.
async fn every_case_is_accepted(binary: PathBuf, dialect: Dialect) {
    let mut fed = Fed::start(&binary, dialect).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut served = 0;
    for (name, path) in case::all(&root) {
        let steps = case::read(&path);
        let objects: BTreeSet<ObjectRef> = steps.iter().flat_map(references).collect();
        let nothing = objects.into_iter().map(Change::Delete).collect();
        let states = steps.into_iter().map(|step| (step.config, step.changes));
        for (config, changes) in states.chain([(Some(Config::default()), nothing)]) {
            if let Some(config) = config {
                fed.configure(config);
            }
            fed.feed(changes, &name).await;
            served += 1;
        }
    }
    assert!(served >= 120, "{served} states were served");
    // With each case the listener comes and goes, and with it the counters of its routes; those of listeners stay.
    let taken = fed.envoy.sum("listener_manager.lds.update_success").await;
    assert!(taken >= 100, "Envoy took in {taken} sets of listeners");
    assert_eq!(fed.envoy.rejected().await, 0);
}

/// The configuration of a case, but for where Envoy listens.
fn with_ports(config: &contour_envoy::Config, ports: Ports) -> Arc<contour_envoy::Config> {
    let addresses = ports.config().addresses.clone();
    Arc::new(contour_envoy::Config { addresses, ..config.clone() })
}

fn references(step: &Step) -> impl Iterator<Item = ObjectRef> {
    step.changes.iter().filter_map(|change| match change {
        Change::Apply(object) => Some(object.reference()),
        Change::Unreadable(reference, ..) | Change::Delete(reference) => Some(reference.clone()),
        Change::Config(_) => None,
    })
}

/// Waits until Envoy has accepted everything, publishing meanwhile what has to ripen.
async fn settle(hub: &Hub, pipeline: &mut Pipeline, envoy: &Proxy, name: &str) {
    until(&format!("{name} is accepted"), async || {
        let publication = pipeline.retire(hub.now());
        hub.publish_in(Dialect::Separate, publication);
        // A cluster that warms waits for an assignment, which Envoy may not have asked for yet.
        let taken = hub.settled()
            && envoy.stat("listener_manager.total_listeners_warming").await == Some(0)
            && envoy.stat("cluster_manager.warming_clusters").await == Some(0);
        taken || envoy.rejected().await > 0
    })
    .await;
}
