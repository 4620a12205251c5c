//! Leader election under the account that the manifests in use today give to Contour.

use std::time::Duration;

use contour_k8s::client::{self, Access};
use contour_k8s::lease::{Durations, Election, Settings};
use contour_tests::api_server::{Account, ApiServer, NAMESPACE};
use contour_tests::proxy::{PATIENCE, until};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::Event;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::Shared;

/// A candidate in a task of its own.
struct Candidate {
    leading: watch::Receiver<bool>,
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Candidate {
    async fn start(account: &Account, lease: &str, identity: &str, durations: Durations) -> Self {
        let access = Access::Kubeconfig(account.kubeconfig.clone());
        let client = client::connect(&client::Settings::new(access), |_| ()).await;
        let settings = Settings {
            name: lease.to_owned(),
            namespace: NAMESPACE.to_owned(),
            identity: identity.to_owned(),
            durations,
        };
        let (election, leading) = Election::new(client.expect("a client"), settings);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(election.run(async move {
            // A test that ends drops the sender.
            let _ = stopped.await;
        }));
        Candidate { leading, task, stop }
    }

    fn leads(&self) -> bool {
        *self.leading.borrow()
    }

    #[track_caller]
    fn becomes(&mut self, leading: bool) -> impl Future<Output = ()> + use<'_> {
        let waited = timeout(PATIENCE, self.leading.wait_for(move |is| *is == leading));
        async move {
            let held = waited.await.unwrap_or_else(|_| panic!("leading is never {leading}"));
            held.expect("the candidate goes on");
        }
    }

    /// Ends it as an orderly shutdown does.
    async fn stop(self) {
        self.stop.send(()).expect("it runs");
        self.task.await.expect("it ends");
    }
}

/// A lease of 4 s, renewed within 3 s, tried every 0.3 s: a busy machine holds a renewal up for a second.
fn short() -> Durations {
    let [lease, renew_deadline, retry] = [4000, 3000, 300].map(Duration::from_millis);
    Durations::new(lease, renew_deadline, retry).expect("they fit")
}

fn leases(client: Client) -> Api<Lease> {
    Api::namespaced(client, NAMESPACE)
}

async fn spec(leases: &Api<Lease>, name: &str) -> LeaseSpec {
    leases.get(name).await.expect("it is there").spec.expect("a spec")
}

pub(crate) async fn one_of_two_leads_and_a_release_hands_over_within_three_seconds(
    shared: &Shared,
) {
    let server = shared.server().await;
    let account = server.contour_account().await;
    let leases = leases(server.admin().client().await);
    let mut first = Candidate::start(&account, "two", "first", Durations::default()).await;
    first.becomes(true).await;
    let mut second = Candidate::start(&account, "two", "second", Durations::default()).await;
    let held = spec(&leases, "two").await;
    assert_eq!(held.holder_identity.as_deref(), Some("first"));
    assert_eq!(held.lease_duration_seconds, Some(15));
    // The second has looked at least once when the first has renewed.
    until("the lease is renewed", async || spec(&leases, "two").await != held).await;
    assert!(first.leads() && !second.leads());

    let released = Instant::now();
    first.stop().await;
    second.becomes(true).await;
    let waited = released.elapsed();
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    let after = spec(&leases, "two").await;
    assert_eq!(after.holder_identity.as_deref(), Some("second"));
    // The hand-over is one change of hands, though nobody held it in between.
    assert_eq!(after.lease_transitions, Some(1));

    second.stop().await;
    let after = spec(&leases, "two").await;
    assert_eq!(after.holder_identity.as_deref(), Some(""));
    assert_eq!(after.lease_duration_seconds, Some(1));
}

pub(crate) async fn a_dead_leader_is_succeeded_when_its_lease_is_over(shared: &Shared) {
    let account = shared.server().await.contour_account().await;
    let mut first = Candidate::start(&account, "dead", "first", short()).await;
    first.becomes(true).await;
    let mut second = Candidate::start(&account, "dead", "second", short()).await;
    let died = Instant::now();
    first.task.abort();
    second.becomes(true).await;
    // The last renewal may have been a little earlier.
    let waited = died.elapsed();
    assert!(waited + 2 * short().retry() > short().lease(), "{waited:?}");
}

pub(crate) async fn a_leader_whose_lease_is_taken_stops_leading_and_goes_on(shared: &Shared) {
    let server = shared.server().await;
    let account = server.contour_account().await;
    let leases = leases(server.admin().client().await);
    let mut candidate = Candidate::start(&account, "taken", "us", short()).await;
    candidate.becomes(true).await;
    until("the lease is taken", async || {
        let mut lease = leases.get("taken").await.expect("it is there");
        let spec = lease.spec.as_mut().expect("a spec");
        spec.holder_identity = Some("thief".to_owned());
        // Refused if the candidate renews just now.
        leases.replace("taken", &PostParams::default(), &lease).await.is_ok()
    })
    .await;
    candidate.becomes(false).await;
    let taken = spec(&leases, "taken").await;
    assert_eq!(taken.holder_identity.as_deref(), Some("thief"));
    // The thief never renews.
    candidate.becomes(true).await;
    let back = spec(&leases, "taken").await;
    assert_eq!(back.holder_identity.as_deref(), Some("us"));
    assert_eq!(back.lease_transitions, Some(1));
    candidate.stop().await;
}

pub(crate) async fn an_outage_longer_than_the_renew_deadline_ends_leadership_until_it_is_over(
    _: &Shared,
) {
    let mut server = ApiServer::start().await;
    let account = server.contour_account().await;
    let mut candidate = Candidate::start(&account, "outage", "us", short()).await;
    candidate.becomes(true).await;
    let begin = Instant::now();
    server.kill_api_server();
    candidate.becomes(false).await;
    let waited = begin.elapsed();
    assert!(waited + 2 * short().retry() > short().renew_deadline(), "{waited:?}");
    server.restart_api_server().await;
    candidate.becomes(true).await;
    candidate.stop().await;
}

pub(crate) async fn leadership_is_told_in_events(shared: &Shared) {
    let server = shared.server().await;
    let account = server.contour_account().await;
    let mut candidate = Candidate::start(&account, "told", "pod_uuid", short()).await;
    candidate.becomes(true).await;
    let events = Api::<Event>::namespaced(server.admin().client().await, NAMESPACE);
    let told = async || {
        let about = ListParams::default().fields("involvedObject.name=told");
        let found = events.list(&about).await.expect("a list").items;
        for event in &found {
            assert_eq!(event.reason.as_deref(), Some("LeaderElection"));
            assert_eq!(event.involved_object.kind.as_deref(), Some("Lease"));
            let source = event.source.as_ref().expect("a source");
            assert_eq!(source.component.as_deref(), Some("pod_uuid"));
        }
        found.into_iter().filter_map(|event| event.message).collect::<Vec<_>>()
    };
    until("it is told", async || told().await == ["pod_uuid became leader"]).await;
    candidate.stop().await;
    let mut messages = told().await;
    messages.sort();
    assert_eq!(messages, ["pod_uuid became leader", "pod_uuid stopped leading"]);
}
