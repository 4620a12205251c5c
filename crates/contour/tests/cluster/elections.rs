//! What the flags of leader election change.

use std::time::Duration;

use contour_tests::api_server::objects::{moved, proxy, says, says_in, service};
use contour_tests::api_server::trials::Shared;
use contour_tests::api_server::{ApiServer, NAMESPACE};
use contour_tests::proxy::{throughout, until};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::{Api, Client};
use rustix::process::Signal;
use tokio::time::Instant;

use super::running::{Running, command_of};

async fn lease(client: &Client, namespace: &str, name: &str) -> Option<LeaseSpec> {
    Api::<Lease>::namespaced(client.clone(), namespace).get(name).await.ok()?.spec
}

pub(super) async fn the_lease_is_as_the_flags_say(shared: &Shared) {
    let server = shared.server().await;
    let admin = server.admin().client().await;
    let mut command = command_of(&server.admin(), "of-ours");
    command.args(["--watch-namespaces=none", "--leader-election-resource-namespace=default"]);
    command.args(["--leader-election-lease-duration=40s", "--leader-election-renew-deadline=30s"]);
    command.arg("--leader-election-retry-period=50ms");
    let contour = Running::start(command);
    until("there is a lease", async || lease(&admin, "default", "of-ours").await.is_some()).await;
    assert!(lease(&admin, NAMESPACE, "of-ours").await.is_none());
    let spec = lease(&admin, "default", "of-ours").await.expect("was there");
    assert_eq!(spec.lease_duration_seconds, Some(40));
    // Every two seconds, which is what it is by default, there would be thirty within our patience.
    let mut seen = Vec::new();
    until("it is renewed sixty times", async || {
        let renewed = lease(&admin, "default", "of-ours").await.and_then(|spec| spec.renew_time);
        seen.extend(renewed.map(|time| time.0));
        seen.dedup();
        seen.len() > 60
    })
    .await;
    drop(contour);
}

pub(super) async fn without_an_election_no_lease_is_made_and_statuses_are_written(shared: &Shared) {
    let server = shared.server().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    let web = service("web", 1) + &proxy("unelected", "web");
    server.apply(&moved(&web, "unelected")).await.expect("they are good");
    let mut command = command_of(&account, "unelected");
    command.args(["--watch-namespaces=unelected", "--disable-leader-election"]);
    let _contour = Running::start(command);
    until("it is valid", async || says_in(&admin, "unelected", "unelected", "valid").await).await;
    assert!(lease(&admin, NAMESPACE, "unelected").await.is_none());
}

/// By default a leader gives up after ten seconds.
pub(super) async fn a_longer_deadline_keeps_the_leader_through_an_outage(_: &Shared) {
    const AWAY: Duration = Duration::from_secs(15);
    const LEADS: &str = "leader_election_master_status{name=\"patient\"}";
    let mut server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&(service("web", 1) + &proxy("first", "web"))).await.expect("they are good");
    let mut command = command_of(&account, "patient");
    command.args(["--leader-election-lease-duration=120s"]);
    command.args(["--leader-election-renew-deadline=100s"]);
    let contour = Running::start(command);
    until("it is valid", async || says(&admin, "first", "valid").await).await;
    assert_eq!(contour.metric(LEADS).await, Some(1));
    server.kill_api_server();
    throughout(AWAY, "it leads", async || contour.metric(LEADS).await == Some(1)).await;
}

/// A lease, and the time between two attempts to get it.
const LEASE: Duration = Duration::from_secs(15 + 3);

/// An orderly end.
const HAND_OVER: Duration = Duration::from_secs(3);

pub(super) async fn another_takes_over_after_a_kill_and_after_an_orderly_end(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&(service("web", 1) + &proxy("first", "web"))).await.expect("they are good");
    let start = || Running::start(command_of(&account, "successors"));
    let one = start();
    until("the first writes", async || says(&admin, "first", "valid").await).await;
    let two = start();
    two.xds();
    server.apply(&proxy("second", "web")).await.expect("it is good");
    until("the first writes", async || says(&admin, "second", "valid").await).await;
    one.program.signal(Signal::KILL);
    server.apply(&proxy("third", "web")).await.expect("it is good");
    let begin = Instant::now();
    until("the second writes", async || says(&admin, "third", "valid").await).await;
    println!("written {:.1} s after the leader was killed", begin.elapsed().as_secs_f64());
    assert!(begin.elapsed() <= LEASE, "{:?}", begin.elapsed());

    let three = start();
    three.xds();
    two.program.signal(Signal::TERM);
    server.apply(&proxy("fourth", "web")).await.expect("it is good");
    let begin = Instant::now();
    until("the third writes", async || says(&admin, "fourth", "valid").await).await;
    println!("written {:.1} s after the leader was stopped", begin.elapsed().as_secs_f64());
    assert!(begin.elapsed() <= HAND_OVER, "{:?}", begin.elapsed());
    drop(three);
}
