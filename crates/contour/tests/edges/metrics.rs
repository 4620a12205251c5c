//! Every metric has the name, type and labels that are promised.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use contour::serve::accept::Transport;
use contour::serve::metrics::grpc::Call;
use contour::serve::metrics::{Metrics, Reachable, Reload, Role, StatusUpdate, endpoint};
use contour::serve::pipeline::Pass;
use contour_builder::{
    Conditions, Kind, ObjectName, ObjectRef, Operation, Problem, Reason, status,
};
use contour_dag::Domain;
use contour_k8s::client::Asked;
use contour_xds::resource::TypeUrl;

use super::client::{ask, get, serve};

/// A metric as it is promised or found: type and labels.
type Shape = (String, BTreeSet<String>);

fn promised() -> BTreeMap<String, Shape> {
    let lines = include_str!("data/metrics.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            let (name, kind) = (words.next().expect("a name"), words.next().expect("a type"));
            (name, (kind, words.collect()))
        })
        .collect()
}

/// Reads the text format, as far as it is told here.
fn found(text: &str) -> BTreeMap<String, Shape> {
    let mut found: BTreeMap<String, Shape> = BTreeMap::new();
    for line in text.lines() {
        if let Some(line) = line.strip_prefix("# TYPE ") {
            let (name, kind) = line.split_once(' ').expect("a type");
            found.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let (series, _) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let family =
                ["_sum", "_count", "_bucket"].iter().find_map(|end| name.strip_suffix(end));
            let family = family.filter(|family| found.contains_key(*family)).unwrap_or(name);
            let labels = labels.split(',').filter_map(|label| label.split_once('='));
            let known = found.get_mut(family).expect("a type before its samples");
            known.1.extend(labels.map(|(label, _)| label.to_owned()));
        }
    }
    found
}

fn object(kind: Kind, name: &str) -> ObjectRef {
    ObjectRef { kind, name: ObjectName::new("shop", name) }
}

/// Objects in every condition.
fn conditions() -> status::Delta {
    let with = |host: &str, reasons: &[Reason]| {
        let errors = reasons.iter().map(|&each| Problem::new(each, "text")).collect();
        let hosts = Domain::new(host).into_iter().collect();
        Some(Arc::new(Conditions { hosts, errors, ..Conditions::default() }))
    };
    vec![
        (object(Kind::HttpProxy, "valid"), with("a.example", &[])),
        (object(Kind::HttpProxy, "valid-too"), with("b.example", &[])),
        (object(Kind::HttpProxy, "invalid"), with("c.example", &[Reason::NothingDefined])),
        (object(Kind::HttpProxy, "orphaned"), with("", &[Reason::Orphaned])),
        (object(Kind::Ingress, "invalid"), with("d.example", &[Reason::ServiceUnresolved])),
    ]
}

/// Metrics of a process to which everything has happened.
fn exercised() -> Metrics {
    let metrics = Metrics::default();
    let pass = Pass {
        status: conditions(),
        operations: [((Kind::HttpProxy, Operation::Add), 4)].into(),
        building: Duration::from_millis(20),
        translating: Duration::from_millis(10),
        ..Pass::default()
    };
    metrics.pass(&pass);
    metrics.objects(&[(Kind::HttpProxy, 4), (Kind::EndpointSlice, 9)]);
    for update in [StatusUpdate::Written, StatusUpdate::Unchanged, StatusUpdate::Failed] {
        metrics.status_update("HTTPProxy", update, Duration::from_millis(5));
    }
    metrics.status_conflict("HTTPProxy");
    metrics.lease("leader-elect", Role::Leader);
    metrics.reload(Reload::Applied);
    metrics.rejection(TypeUrl::Listener);
    metrics.accepted(&[Duration::from_millis(20)]);
    metrics.kubernetes_api(Reachable::Yes);
    let (code, method) = (Some(http::StatusCode::OK), &http::Method::GET);
    metrics.kubernetes_request(&Asked { code, method, path: "/", host: "10.96.0.1:443" });
    metrics.certificate("xds", 2_000_000_000);
    let call = Call { kind: "unary", service: "service", method: "Method" };
    let messages = metrics.grpc.begin(call);
    messages.received();
    messages.sent();
    metrics.grpc.end(call, "OK");
    metrics
}

#[test]
fn every_metric_has_its_name_type_and_labels() {
    let found = found(&exercised().render());
    for (name, shape) in promised() {
        assert_eq!(found.get(&name), Some(&shape), "{name}");
    }
    for name in found.keys() {
        assert!(promised().contains_key(name), "{name} is not in the table");
    }
}

#[track_caller]
fn check(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|each| each == *line), "{line} is not in\n{text}");
    }
}

#[test]
fn values_are_those_that_were_told() {
    check(
        &exercised().render(),
        &[
            "contour_dag_cache_object{kind=\"HTTPProxy\"} 4",
            "contour_dagrebuild_total 1",
            "contour_dagrebuild_seconds_count 1",
            "contour_dagrebuild_seconds_sum 0.02",
            "contour_eventhandler_operation_total{kind=\"HTTPProxy\",op=\"add\"} 4",
            "contour_httpproxy{namespace=\"shop\"} 4",
            "contour_httpproxy_root{namespace=\"shop\"} 3",
            "contour_httpproxy_valid{namespace=\"shop\",vhost=\"a.example\"} 1",
            "contour_httpproxy_invalid{namespace=\"shop\",vhost=\"c.example\"} 1",
            "contour_httpproxy_orphaned{namespace=\"shop\"} 1",
            "contour_ingress_problems{namespace=\"shop\",reason=\"ServiceUnresolvedReference\"} 1",
            "contour_status_update_total{kind=\"HTTPProxy\"} 3",
            "contour_status_update_success_total{kind=\"HTTPProxy\"} 2",
            "contour_status_update_noop_total{kind=\"HTTPProxy\"} 1",
            "contour_status_update_failed_total{kind=\"HTTPProxy\"} 1",
            "contour_status_update_conflict_total{kind=\"HTTPProxy\"} 1",
            "contour_status_update_duration_seconds_count{error=\"false\",kind=\"HTTPProxy\"} 2",
            "contour_status_update_duration_seconds_count{error=\"true\",kind=\"HTTPProxy\"} 1",
            "leader_election_master_status{name=\"leader-elect\"} 1",
        ],
    );
}

#[test]
fn a_summary_without_observations_is_there_and_has_no_values() {
    check(
        &Metrics::default().render(),
        &[
            "contour_dagrebuild_seconds{quantile=\"0\"} NaN",
            "contour_dagrebuild_seconds{quantile=\"1\"} NaN",
            "contour_dagrebuild_seconds_count 0",
            "contour_cachehandler_onupdate_duration_seconds{quantile=\"0.99\"} NaN",
        ],
    );
}

#[test]
fn who_does_not_lead_tells_nothing_of_httpproxies() {
    let metrics = exercised();
    metrics.lease("leader-elect", Role::Follower);
    let told = metrics.render();
    assert!(!told.contains("contour_httpproxy"), "{told}");
    check(&told, &["leader_election_master_status{name=\"leader-elect\"} 0"]);
    metrics.lease("leader-elect", Role::Leader);
    check(&metrics.render(), &["contour_httpproxy{namespace=\"shop\"} 4"]);
}

fn routes() -> Router {
    endpoint::routes(Arc::new(exercised()))
}

#[tokio::test]
async fn metrics_are_served_as_text() {
    let server = serve(routes(), Transport::Plain).await;
    let answer = get(&server, "/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    check(answer.text(), &["contour_dagrebuild_total 1"]);
    assert_eq!(get(&server, "/").await.status, 404);
}

#[tokio::test]
async fn metrics_are_compressed_for_who_accepts_it() {
    let server = serve(routes(), Transport::Plain).await;
    let stream = tokio::net::TcpStream::connect(server.address).await.expect("a server");
    let answer = ask(stream, "/metrics", "accept-encoding: gzip\r\n").await.expect("an answer");
    assert!(answer.head.contains("content-encoding: gzip"), "{}", answer.head);
    assert_eq!(answer.body[..2], [0x1f, 0x8b], "the first bytes of gzip");
}
