//! The bytes of each protocol variant pass.

use contour_xds::resource::TypeUrl;
use contour_xds::wire::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Node,
    Status,
};

use super::server::{Server, body, version};
use contour_tests::grpc::Client;
use contour_tests::proxy::PATIENCE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout};

const AGGREGATED: &str = "envoy.service.discovery.v3.AggregatedDiscoveryService";
const CLUSTERS: &str = "envoy.service.cluster.v3.ClusterDiscoveryService";
const DELTA_CLUSTERS: &str = "envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters";

fn node() -> Node {
    Node { id: "envoy-1".to_owned(), ..Node::default() }
}

fn ask(holds: &[(&str, String)]) -> DeltaDiscoveryRequest {
    let holds = holds.iter().map(|(name, version)| ((*name).to_owned(), version.clone()));
    DeltaDiscoveryRequest {
        node: Some(node()),
        resource_names_subscribe: vec!["*".to_owned()],
        initial_resource_versions: holds.collect(),
        ..DeltaDiscoveryRequest::default()
    }
}

fn accept(response: &DeltaDiscoveryResponse) -> DeltaDiscoveryRequest {
    DeltaDiscoveryRequest { response_nonce: response.nonce.clone(), ..Default::default() }
}

/// What a response sets: names and versions.
fn set(response: &DeltaDiscoveryResponse) -> Vec<(&str, &str)> {
    response.resources.iter().map(|each| (&*each.name, &*each.version)).collect()
}

#[tokio::test]
async fn a_typed_incremental_stream_is_sent_what_it_asks_for_and_then_what_changes() {
    let mut server = Server::start().await;
    let client = Client::connect(server.address).await;
    let mut call = client.call(DELTA_CLUSTERS).await.expect("a call");
    call.send(&ask(&[]));
    let response: DeltaDiscoveryResponse = call.next().await;
    assert_eq!(response.type_url, TypeUrl::Cluster.as_str());
    assert_eq!(set(&response), [("a", &*version(1))]);
    let content = response.resources[0].resource.as_ref().expect("content");
    assert_eq!((content.type_url.as_str(), &content.value), (TypeUrl::Cluster.as_str(), &body(1)));
    call.send(&accept(&response));
    server.publish(TypeUrl::Cluster, 2);
    let response: DeltaDiscoveryResponse = call.next().await;
    assert_eq!(set(&response), [("a", &*version(2))]);
}

#[tokio::test]
async fn an_aggregated_stream_of_the_state_of_the_world_speaks_of_several_types() {
    let mut server = Server::start().await;
    let client = Client::connect(server.address).await;
    let mut call =
        client.call(&format!("{AGGREGATED}/StreamAggregatedResources")).await.expect("a call");
    for type_url in [TypeUrl::Cluster, TypeUrl::Listener] {
        call.send(&DiscoveryRequest {
            node: Some(node()),
            type_url: type_url.as_str().to_owned(),
            ..DiscoveryRequest::default()
        });
        let response: DiscoveryResponse = call.next().await;
        assert_eq!(response.type_url, type_url.as_str());
        assert_eq!(response.resources.len(), 1);
        assert_eq!(response.resources[0].value, body(1));
        call.send(&DiscoveryRequest {
            type_url: type_url.as_str().to_owned(),
            version_info: response.version_info,
            response_nonce: response.nonce,
            ..DiscoveryRequest::default()
        });
    }
    server.publish(TypeUrl::Listener, 2);
    let response: DiscoveryResponse = call.next().await;
    assert_eq!(response.type_url, TypeUrl::Listener.as_str());
    assert_eq!(response.resources[0].value, body(2));
}

#[tokio::test]
async fn every_fetch_method_answers() {
    let server = Server::start().await;
    let client = Client::connect(server.address).await;
    for (method, type_url) in [
        ("cluster.v3.ClusterDiscoveryService/FetchClusters", TypeUrl::Cluster),
        ("endpoint.v3.EndpointDiscoveryService/FetchEndpoints", TypeUrl::LoadAssignment),
        ("listener.v3.ListenerDiscoveryService/FetchListeners", TypeUrl::Listener),
        ("route.v3.RouteDiscoveryService/FetchRoutes", TypeUrl::RouteConfiguration),
        ("secret.v3.SecretDiscoveryService/FetchSecrets", TypeUrl::Secret),
        ("runtime.v3.RuntimeDiscoveryService/FetchRuntime", TypeUrl::Runtime),
    ] {
        let mut call = client.call(&format!("envoy.service.{method}")).await.expect("a call");
        call.send(&DiscoveryRequest::default());
        let response: DiscoveryResponse = call.next().await;
        assert_eq!(response.type_url, type_url.as_str());
        assert_eq!(response.resources[0].value, body(1));
        assert_eq!(call.end().await.expect("a status"), 0, "{method}");
    }
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let server = Server::start().await;
    let client = Client::connect(server.address).await;
    let mut call = client.call(&format!("{CLUSTERS}/Clusters")).await.expect("a call");
    assert_eq!(call.end().await.expect("a status"), 12);
}

#[tokio::test]
async fn a_response_whose_answer_was_lost_is_sent_again_to_who_reports_the_form_before() {
    let mut server = Server::start().await;
    let client = Client::connect(server.address).await;
    let mut call = client.call(DELTA_CLUSTERS).await.expect("a call");
    call.send(&ask(&[]));
    let response: DeltaDiscoveryResponse = call.next().await;
    call.send(&accept(&response));
    server.publish(TypeUrl::Cluster, 2);
    let _: DeltaDiscoveryResponse = call.next().await;
    drop(client);
    server.streams(0).await;

    // It reports what is published. But it may be using form 2, since nobody knows what became of that.
    server.publish(TypeUrl::Cluster, 1);
    let client = Client::connect(server.address).await;
    let mut call = client.call(DELTA_CLUSTERS).await.expect("a call");
    call.send(&ask(&[("a", version(1))]));
    let response: DeltaDiscoveryResponse = call.next().await;
    assert_eq!(set(&response), [("a", &*version(1))]);
}

#[tokio::test]
async fn who_is_connected_is_known_and_what_it_refused() {
    let server = Server::start().await;
    let client = Client::connect(server.address).await;
    let mut call = client.call(DELTA_CLUSTERS).await.expect("a call");
    call.send(&ask(&[]));
    let response: DeltaDiscoveryResponse = call.next().await;
    let mut refuse = accept(&response);
    refuse.error_detail = Some(Status { code: 13, message: "no such filter".to_owned() });
    call.send(&refuse);
    // What was refused alone is not sent again; this asks for something else, and its answer comes after the refusal.
    let other = DeltaDiscoveryRequest {
        resource_names_subscribe: vec!["b".to_owned()],
        ..DeltaDiscoveryRequest::default()
    };
    call.send(&other);
    let _: DeltaDiscoveryResponse = call.next().await;

    let shown = server.hub.peers().shown();
    let [peer] = &shown[..] else { panic!("one client: {shown:?}") };
    assert_eq!((peer.node.as_str(), peer.streams), ("envoy-1", 1));
    let [(TypeUrl::Cluster, standing)] = &peer.types[..] else { panic!("one type: {peer:?}") };
    assert_eq!((standing.sent, standing.accepted, standing.refused), (2, 0, 1));
    let refusal = standing.refusal.as_ref().expect("a refusal");
    assert_eq!(refusal.message, "no such filter");
    assert_eq!(&*refusal.guilty[0], "a");

    let told = server.metrics.render();
    let labels = format!(
        "{{grpc_method=\"DeltaClusters\",grpc_service=\"{CLUSTERS}\",grpc_type=\"bidi_stream\"}}"
    );
    for expect in [
        format!("grpc_server_started_total{labels} 1"),
        format!("grpc_server_msg_received_total{labels} 3"),
        format!("grpc_server_msg_sent_total{labels} 2"),
        format!("contour_xds_rejections_total{{type=\"{}\"}} 1", TypeUrl::Cluster),
    ] {
        assert!(told.contains(&expect), "{expect} is not in\n{told}");
    }
    assert!(!told.contains("grpc_server_handled_total"), "no call has ended");
    drop(client);
    server.streams(0).await;
    assert_eq!(server.hub.peers().shown(), []);
    assert!(server.metrics.render().contains("grpc_code=\"Canceled\""));
}

#[tokio::test]
async fn how_long_a_change_takes_until_every_client_has_accepted_it_is_measured() {
    let mut server = Server::start().await;
    let measured = |server: &Server| {
        let told = server.metrics.render();
        let mut lines = told.lines();
        let count =
            lines.find_map(|line| line.strip_prefix("contour_change_accepted_seconds_count "));
        count.expect("it is there").to_owned()
    };
    let clients = [Client::connect(server.address).await, Client::connect(server.address).await];
    let mut calls = Vec::new();
    for client in &clients {
        let mut call = client.call(DELTA_CLUSTERS).await.expect("a call");
        call.send(&ask(&[]));
        let response: DeltaDiscoveryResponse = call.next().await;
        call.send(&accept(&response));
        calls.push(call);
    }
    assert_eq!(measured(&server), "0", "nobody was there when it was published");
    server.publish(TypeUrl::Cluster, 2);
    for (call, expect) in calls.iter_mut().zip(["0", "1"]) {
        let response: DeltaDiscoveryResponse = call.next().await;
        assert_eq!(measured(&server), "0");
        call.send(&accept(&response));
        // Asks for something else: when it is answered, the acceptance was heard.
        let other = vec!["b".to_owned()];
        call.send(&DeltaDiscoveryRequest { resource_names_subscribe: other, ..Default::default() });
        let _: DeltaDiscoveryResponse = call.next().await;
        assert_eq!(measured(&server), expect);
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_streams_whose_clients_have_answered() {
    let server = Server::start().await;
    let client = Client::connect(server.address).await;
    let mut call = client.call(DELTA_CLUSTERS).await.expect("a call");
    call.send(&ask(&[]));
    let response: DeltaDiscoveryResponse = call.next().await;
    server.stop.cancel();
    call.send(&accept(&response));
    assert_eq!(call.end().await.expect("a status"), 14, "unavailable: go elsewhere");
    server.task.await.expect("it stops");
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_server_that_stops_waits_for_nobody_for_ever() {
    let server = Server::start().await;
    let client = Client::connect(server.address).await;
    let mut call = client.call(DELTA_CLUSTERS).await.expect("a call");
    call.send(&ask(&[]));
    let _: DeltaDiscoveryResponse = call.next().await;
    server.stop.cancel();
    server.task.await.expect("it stops");
    assert!(call.end().await.is_err(), "the connection is closed");
}

/// A client whose machine has vanished answers nothing, and nobody closes its connection.
#[tokio::test]
async fn a_client_that_answers_nothing_is_given_up_after_thirty_seconds() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    let server = Server::start().await;
    let mut client = TcpStream::connect(server.address).await.expect("somebody listens");
    let begin = Instant::now();
    client.write_all(&[PREFACE, SETTINGS].concat()).await.expect("room");
    let (mut heard, mut bytes) = (Vec::new(), [0; 1024]);
    loop {
        match timeout(PATIENCE, client.read(&mut bytes)).await.expect("it is closed") {
            Ok(0) | Err(_) => break,
            Ok(count) => heard.extend_from_slice(&bytes[..count]),
        }
    }
    let took = begin.elapsed();
    assert!((Duration::from_secs(25)..Duration::from_secs(45)).contains(&took), "{took:?}");
    let pings = frames(&heard).filter(|kind| *kind == 6).count();
    assert_eq!(pings, 1, "it was asked whether it is there");
}

/// The types of the frames of HTTP/2 in these bytes.
fn frames(bytes: &[u8]) -> impl Iterator<Item = u8> {
    const HEAD: usize = 9;
    let mut at = 0;
    std::iter::from_fn(move || {
        let head = bytes.get(at..at + HEAD)?;
        at +=
            HEAD + (usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]));
        Some(head[3])
    })
}
