//! Several replicas.

use std::time::Duration;

use contour_k8s::lease::Durations;
use contour_tests::api_server::ApiServer;
use contour_tests::api_server::objects::{proxy, says, service};
use contour_tests::proxy::until;
use contour_tests::replica::{Candidate, Replica};
use tokio::time::Instant;

use super::Shared;
use super::statuses::{candidate, serves_host};

/// Within how many seconds an orderly end hands over, and how long a lease is.
const HAND_OVER: u64 = 3;
const LEASE: u64 = 15 + 5;

pub(super) async fn one_writes_and_both_serve_the_same(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&(service("web", 1) + &proxy("first", "web"))).await.expect("they are good");
    let one = Replica::start(&account, &candidate("replicas", "one"), "192.0.2.1").await;
    until("the first leads", async || says(&admin, "first", "valid").await).await;
    let two = Replica::start(&account, &candidate("replicas", "two"), "192.0.2.1").await;
    server.apply(&proxy("second", "web")).await.expect("it is good");
    until("the first writes", async || says(&admin, "second", "valid").await).await;
    until("both serve it", async || {
        serves_host(&one, "second.example.com") && serves_host(&two, "second.example.com")
    })
    .await;
    assert_eq!(one.serves(), two.serves());
    // A write is counted when it was answered, and that is after others can see it.
    until("the first has counted both", async || one.written("HTTPProxy") == 2).await;
    assert_eq!(two.written("HTTPProxy"), 0);

    // A crash: the other one waits until the lease is over.
    one.kill();
    server.apply(&proxy("third", "web")).await.expect("it is good");
    let begin = Instant::now();
    until("the second writes", async || says(&admin, "third", "valid").await).await;
    println!("written {:.1} s after the leader was killed", begin.elapsed().as_secs_f64());
    assert!(begin.elapsed().as_secs() <= LEASE, "{:?}", begin.elapsed());

    // An orderly end: the lease is released.
    let three = Replica::start(&account, &candidate("replicas", "three"), "192.0.2.1").await;
    two.stop().await;
    server.apply(&proxy("fourth", "web")).await.expect("it is good");
    let begin = Instant::now();
    until("the third writes", async || says(&admin, "fourth", "valid").await).await;
    println!("written {:.1} s after the leader was stopped", begin.elapsed().as_secs_f64());
    assert!(begin.elapsed().as_secs() <= HAND_OVER, "{:?}", begin.elapsed());
    drop(three);
}

/// Objects keep coming while one replica is killed and another starts in its place.
pub(super) async fn a_restart_under_load_loses_nothing(_: &Shared) {
    const COMING: usize = 100;
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&service("web", 1)).await.expect("it is good");
    let name = |number: usize| format!("shop-{number}");
    let come = async |numbers: std::ops::Range<usize>| {
        for number in numbers {
            server.apply(&proxy(&name(number), "web")).await.expect("it is good");
        }
    };
    let durations =
        Durations::new(Duration::from_secs(3), Duration::from_secs(2), Duration::from_millis(200));
    let durations = durations.expect("they go together");
    let candidate = |identity| Candidate { lease: "load", identity, durations };
    let before = Replica::start(&account, &candidate("one"), "192.0.2.1").await;
    come(0..COMING / 2).await;
    before.kill();
    let one = candidate("two");
    let (after, ()) =
        tokio::join!(Replica::start(&account, &one, "192.0.2.1"), come(COMING / 2..COMING));
    for number in 0..COMING {
        until("it is valid", async || says(&admin, &name(number), "valid").await).await;
        assert!(serves_host(&after, &format!("{}.example.com", name(number))));
    }
}

pub(super) async fn a_replica_that_starts_again_writes_nothing_and_serves_the_same(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&service("web", 1)).await.expect("it is good");
    for number in 0..20 {
        server.apply(&proxy(&format!("shop-{number}"), "web")).await.expect("it is good");
    }
    let all_valid = async || {
        for number in 0..20 {
            if !says(&admin, &format!("shop-{number}"), "valid").await {
                return false;
            }
        }
        true
    };
    let before = Replica::start(&account, &candidate("again", "one"), "192.0.2.1").await;
    until("all are valid", all_valid).await;
    let served = before.serves();
    before.stop().await;
    let after = Replica::start(&account, &candidate("again", "two"), "192.0.2.1").await;
    assert_eq!(after.serves(), served);
    let noop = "contour_status_update_noop_total{kind=\"HTTPProxy\"}";
    until("it has looked at all of them", async || after.metric(noop) >= 20).await;
    assert_eq!(after.written("HTTPProxy"), 0);
}
