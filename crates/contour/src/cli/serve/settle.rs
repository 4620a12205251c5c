//! What the Kubernetes edge is told, from what was configured.

use contour_api::v1alpha1::ContourConfigurationSpec;
use contour_builder::{Addresses, ObjectName};
use contour_k8s::client::{self, Access, Client, Throttle};
use contour_k8s::contour_configuration as named;
use contour_k8s::lease::{self, Durations, InvalidDurations, identity};
use contour_k8s::source;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::reload::News;
use crate::certificates::{InvalidName, Namespace, renewal};
use crate::config::Environment;
use crate::config::edges::{self, Edges, StatusAddresses};
use crate::serve::cluster::Settings;

/// A `ContourConfiguration` stands in the namespace that Contour runs in.
pub(super) fn name_in(environment: &Environment, name: &str) -> ObjectName {
    ObjectName::new(environment.namespace(), name)
}

pub(super) fn client(configured: &edges::Client) -> client::Settings {
    let access = match &configured.cluster {
        edges::Cluster::Surrounding => Access::InCluster,
        edges::Cluster::Kubeconfig(path) => Access::Kubeconfig(path.clone()),
    };
    #[expect(clippy::cast_possible_truncation, reason = "a rate of requests needs no more digits")]
    let qps = configured.qps.unwrap_or(0.0) as f32;
    let burst = i32::try_from(configured.burst.unwrap_or(0)).unwrap_or(i32::MAX);
    client::Settings { throttle: Throttle::new(qps, burst), ..client::Settings::new(access) }
}

/// How the certificates of xDS are renewed, if they are to be.
///
/// # Errors
/// If our namespace is none.
pub(super) fn certificates(
    edges: &Edges,
    environment: &Environment,
) -> Result<Option<renewal::Settings>, InvalidName> {
    let namespace = || Namespace::new(environment.namespace());
    let settings = edges.manage_certificates.then(|| namespace().map(renewal::Settings::new));
    settings.transpose()
}

/// # Errors
/// If the times of the lease do not go together.
pub(super) fn cluster(
    edges: &Edges,
    certificates: Option<renewal::Settings>,
) -> Result<Settings, InvalidDurations> {
    let (addresses, envoy_service) = match &edges.status_addresses {
        StatusAddresses::Given(given) => (Some(Addresses::parse(&given.join(","))), None),
        StatusAddresses::Service(name) => {
            (None, Some(ObjectName::new(&name.namespace, &name.name)))
        }
    };
    let election = edges.election.as_ref().map(election).transpose()?;
    let namespaces = edges.watch_namespaces.iter().cloned().collect();
    let source = source::cluster::Settings { namespaces, envoy_service };
    Ok(Settings { source, addresses, election, certificates })
}

fn election(configured: &edges::Election) -> Result<lease::Settings, InvalidDurations> {
    let edges::Election { lease, duration, renew_deadline, retry_period } = configured;
    Ok(lease::Settings {
        name: lease.name.clone(),
        namespace: lease.namespace.clone(),
        identity: identity(),
        durations: Durations::new(*duration, *renew_deadline, *retry_period)?,
    })
}

/// Tells `news` what a `ContourConfiguration` comes to whenever it says something else. One that is deleted stays in
/// effect. `known`: what is in effect.
pub(super) async fn follow(
    client: &Client,
    name: &ObjectName,
    mut known: ContourConfigurationSpec,
    resolve: impl Fn(&ContourConfigurationSpec) -> News,
    news: mpsc::Sender<News>,
) {
    let mut read = std::pin::pin!(named::follow(client, name));
    while let Some(now) = read.next().await {
        let Some(now) = now else {
            tracing::warn!(%name, "the ContourConfiguration is gone; what it said stays in effect");
            continue;
        };
        if now.spec == known {
            continue;
        }
        if news.send(resolve(&now.spec)).await.is_err() {
            return;
        }
        known = now.spec;
    }
}
