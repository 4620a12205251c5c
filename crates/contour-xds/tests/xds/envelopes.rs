//! The bytes on the wire.

use bytes::Bytes;
use contour_xds::exchange::{Batch, Item, Novelty, Variant};
use contour_xds::resource::{Name, Resource, TypeUrl, Version};
use contour_xds::{delta, sotw, wire};
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::config::core::v3::node::UserAgentVersionType;
use envoy_types::pb::envoy::service::discovery::v3 as envoy;
use envoy_types::pb::envoy::r#type::v3::SemanticVersion;
use envoy_types::pb::google::protobuf::Any;
use envoy_types::pb::google::rpc::Status;
use prost::Message;

/// A node as a stock Envoy sends it with every request: most of it is a list of every extension it knows.
fn node() -> core::Node {
    let extension = |at| core::Extension {
        name: format!("envoy.filters.http.some_extension_{at}"),
        category: "envoy.filters.http".to_owned(),
        type_urls: vec!["envoy.extensions.filters.http.some_extension.v3.Config".to_owned()],
        ..core::Extension::default()
    };
    let version = SemanticVersion { major_number: 1, minor_number: 40, patch: 2 };
    core::Node {
        id: "envoy-7".to_owned(),
        cluster: "contour".to_owned(),
        user_agent_name: "envoy".to_owned(),
        extensions: (0..530).map(extension).collect(),
        user_agent_version_type: Some(UserAgentVersionType::UserAgentBuildVersion(
            core::BuildVersion { version: Some(version), metadata: None },
        )),
        ..core::Node::default()
    }
}

fn batch() -> Batch {
    let item = |name: &str, body: &'static [u8]| Item {
        name: Name::from(name),
        resource: Resource::new(Bytes::from_static(body), []),
        novelty: Novelty::Added,
    };
    Batch {
        type_url: TypeUrl::Cluster,
        nonce: 42,
        version: Version(7),
        set: vec![item("default/a/80", b"\x0a\x01a"), item("default/b/80", b"\x0a\x01b\x12\x00")],
        removed: vec![Name::from("default/c/80"), Name::from("default/d/80")],
    }
}

#[test]
fn of_a_node_only_id_and_version_are_kept() {
    let request = envoy::DeltaDiscoveryRequest {
        node: Some(node()),
        type_url: TypeUrl::LoadAssignment.as_str().to_owned(),
        resource_names_subscribe: vec!["default/a".to_owned()],
        ..envoy::DeltaDiscoveryRequest::default()
    };
    let frame = Bytes::from(request.encode_to_vec());
    assert!(frame.len() > 60_000, "{}", frame.len());
    let decoded = wire::DeltaDiscoveryRequest::decode(frame.clone()).expect("valid");
    assert!(frame.is_unique(), "nothing decoded keeps the frame alive");

    let node = decoded.node.as_ref().expect("sent");
    assert_eq!(
        (&*node.id, &*node.user_agent_name, &*node.version()),
        ("envoy-7", "envoy", "1.40.2")
    );
    let text = [&decoded.type_url, &node.id, &node.user_agent_name, &decoded.response_nonce];
    let names = &decoded.resource_names_subscribe;
    let kept: usize = text.into_iter().chain(names).map(String::capacity).sum();
    assert!(kept < 512, "{kept} bytes");
}

#[test]
fn a_state_of_the_world_request_is_read() {
    let request = envoy::DiscoveryRequest {
        version_info: "v".to_owned(),
        node: Some(node()),
        resource_names: vec!["a".to_owned(), "b".to_owned()],
        type_url: "t".to_owned(),
        response_nonce: "9".to_owned(),
        error_detail: Some(Status { code: 13, message: "why".to_owned(), details: Vec::new() }),
        ..envoy::DiscoveryRequest::default()
    };
    let decoded = wire::DiscoveryRequest::decode(&*request.encode_to_vec()).expect("valid");
    assert_eq!(decoded.version_info, "v");
    assert_eq!(decoded.resource_names, ["a", "b"]);
    assert_eq!(decoded.type_url, "t");
    assert_eq!(decoded.response_nonce, "9");
    assert_eq!(
        decoded.error_detail.map(|status| (status.code, status.message)),
        Some((13, "why".to_owned()))
    );
    assert_eq!(decoded.node.map(|node| node.id), Some("envoy-7".to_owned()));
}

#[test]
fn an_incremental_request_is_read() {
    let request = envoy::DeltaDiscoveryRequest {
        type_url: "t".to_owned(),
        resource_names_subscribe: vec!["a".to_owned()],
        resource_names_unsubscribe: vec!["b".to_owned()],
        initial_resource_versions: [("c".to_owned(), "v".to_owned())].into(),
        response_nonce: "9".to_owned(),
        error_detail: Some(Status { code: 13, message: "why".to_owned(), details: Vec::new() }),
        ..envoy::DeltaDiscoveryRequest::default()
    };
    let decoded = wire::DeltaDiscoveryRequest::decode(&*request.encode_to_vec()).expect("valid");
    assert_eq!(decoded.type_url, "t");
    assert_eq!(decoded.resource_names_subscribe, ["a"]);
    assert_eq!(decoded.resource_names_unsubscribe, ["b"]);
    assert_eq!(decoded.initial_resource_versions, [("c".to_owned(), "v".to_owned())].into());
    assert_eq!(decoded.response_nonce, "9");
    assert_eq!(decoded.error_detail.map(|status| status.message), Some("why".to_owned()));
}

#[test]
fn an_incremental_response_is_what_envoys_own_types_would_write() {
    let type_url = TypeUrl::Cluster.as_str().to_owned();
    let batch = batch();
    let resources = batch.set.iter().map(|item| envoy::Resource {
        name: item.name.to_string(),
        version: item.resource.version.to_string(),
        resource: Some(Any { type_url: type_url.clone(), value: item.resource.body.to_vec() }),
        ..envoy::Resource::default()
    });
    let expect = envoy::DeltaDiscoveryResponse {
        system_version_info: "0000000000000007".to_owned(),
        resources: resources.collect(),
        type_url: type_url.clone(),
        removed_resources: vec!["default/c/80".to_owned(), "default/d/80".to_owned()],
        nonce: "42".to_owned(),
        ..envoy::DeltaDiscoveryResponse::default()
    };
    assert_eq!(delta::Delta::tell(batch).encode_to_vec(), expect.encode_to_vec());
}

#[test]
fn a_state_of_the_world_response_is_what_envoys_own_types_would_write() {
    let type_url = TypeUrl::Cluster.as_str().to_owned();
    let batch = batch();
    let any = |item: &Item| Any { type_url: type_url.clone(), value: item.resource.body.to_vec() };
    let expect = envoy::DiscoveryResponse {
        version_info: "0000000000000007".to_owned(),
        resources: batch.set.iter().map(any).collect(),
        type_url: type_url.clone(),
        nonce: "42".to_owned(),
        ..envoy::DiscoveryResponse::default()
    };
    assert_eq!(sotw::Sotw::tell(batch).encode_to_vec(), expect.encode_to_vec());
}

#[test]
fn no_debug_output_contains_a_body() {
    let body = Bytes::from_static(b"-----BEGIN PRIVATE KEY-----");
    let resource = Resource::new(body.clone(), []);
    let any = wire::Any { type_url: "t".to_owned(), value: body };
    let status = wire::Status { code: 13, message: "-----BEGIN PRIVATE KEY-----".to_owned() };
    for text in [format!("{resource:?}"), format!("{any:?}"), format!("{status:?}")] {
        assert!(!text.contains("PRIVATE"), "{text}");
    }
}
