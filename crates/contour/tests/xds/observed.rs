//! What `/debug/xds` says of a client that is connected.

use std::sync::Arc;

use contour::serve::accept::Transport;
use contour::serve::debug::{Sources, routes};
use contour_tests::grpc::{Call, Client};
use contour_xds::resource::TypeUrl;
use contour_xds::wire::{DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node, Status};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::pages::{Server as Pages, get, serve};
use super::server::Server;

const CLUSTERS: &str = "envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters";

async fn debug_pages(server: &Server) -> Pages {
    let (control, _) = mpsc::channel(1); // nobody asks the control loop here
    let sources = Sources { control, hub: Arc::clone(&server.hub), config: Arc::new(Vec::new) };
    serve(routes(sources), Transport::Plain).await
}

async fn envoys(pages: &Pages) -> Value {
    let answer = get(pages, "/debug/xds").await;
    let mut shown: Value = serde_json::from_str(answer.text()).expect("JSON");
    shown["envoys"].take()
}

fn subscribe(name: &str) -> DeltaDiscoveryRequest {
    let node = Node { id: "envoy-1".to_owned(), ..Node::default() };
    DeltaDiscoveryRequest {
        node: Some(node),
        resource_names_subscribe: vec![name.to_owned()],
        ..DeltaDiscoveryRequest::default()
    }
}

/// Answers a response, with these words if it is refused. Returns once the answer was heard.
async fn answer(call: &mut Call, response: &DeltaDiscoveryResponse, refused: Option<&str>) {
    call.send(&DeltaDiscoveryRequest {
        response_nonce: response.nonce.clone(),
        error_detail: refused.map(|words| Status { code: 13, message: words.to_owned() }),
        ..DeltaDiscoveryRequest::default()
    });
    // Another question: it is answered after what came before it was heard.
    call.send(&subscribe(&format!("after-{}", response.nonce)));
    let other: DeltaDiscoveryResponse = call.next().await;
    call.send(&DeltaDiscoveryRequest {
        response_nonce: other.nonce,
        ..DeltaDiscoveryRequest::default()
    });
}

#[tokio::test]
async fn a_client_is_shown_with_what_it_was_sent_and_accepted_and_the_words_of_its_refusal() {
    let mut server = Server::start().await;
    let pages = debug_pages(&server).await;
    assert_eq!(envoys(&pages).await, json!([]));
    let client = Client::connect(server.address).await;
    let mut call = client.call(CLUSTERS).await.expect("a call");
    call.send(&subscribe("a"));
    let first: DeltaDiscoveryResponse = call.next().await;
    answer(&mut call, &first, None).await;
    server.publish(TypeUrl::Cluster, 2);
    let second: DeltaDiscoveryResponse = call.next().await;
    answer(&mut call, &second, Some("no such filter")).await;

    let shown = envoys(&pages).await;
    let [envoy] = shown.as_array().expect("a list").as_slice() else { panic!("one: {shown}") };
    assert_eq!((&envoy["node"], &envoy["streams"]), (&json!("envoy-1"), &json!(1)));
    assert_eq!(envoy["dialect"], "Separate");
    let [clusters] = envoy["types"].as_array().expect("a list").as_slice() else {
        panic!("one type: {envoy}")
    };
    assert_eq!(clusters["type"], TypeUrl::Cluster.as_str());
    assert_eq!(clusters["sent"]["version"], second.system_version_info);
    assert_ne!(first.system_version_info, second.system_version_info);
    assert_eq!(clusters["accepted"]["version"], first.system_version_info);
    let refused = &clusters["refused"];
    assert_eq!(
        (&refused["count"], &refused["last"]["message"]),
        (&json!(1), &json!("no such filter"))
    );
    assert_eq!(refused["last"]["guilty"], json!(["a"]));
    assert_eq!(refused["last"]["version"], second.system_version_info);

    drop(client);
    server.streams(0).await;
    assert_eq!(envoys(&pages).await, json!([]));
    pages.stop.cancel();
}
