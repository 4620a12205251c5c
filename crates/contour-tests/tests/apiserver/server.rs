//! What the harness promises about restarts.

use contour_tests::api_server::ApiServer;
use futures_util::TryStreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{WatchEvent, WatchParams};

use super::Shared;

const A: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: one}}";
const B: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {b: two}}";

pub(crate) async fn objects_survive_a_restart(_: &Shared) {
    let mut server = ApiServer::start().await;
    server.apply(A).await.expect("it is accepted");
    server.kill_api_server();
    assert!(server.apply(B).await.is_err());
    server.restart_api_server().await;
    let maps = Api::<ConfigMap>::default_namespaced(server.admin().client().await);
    assert!(maps.get_opt("a").await.expect("an answer").is_some());
    assert!(maps.get_opt("b").await.expect("an answer").is_none());
}

pub(crate) async fn a_watch_from_before_a_compaction_and_restart_is_expired(_: &Shared) {
    let mut server = ApiServer::start().await;
    server.apply(A).await.expect("it is accepted");
    let maps = Api::<ConfigMap>::default_namespaced(server.admin().client().await);
    let before = maps.get("a").await.expect("it is there").metadata.resource_version;
    server.apply(B).await.expect("it is accepted");
    server.compact_etcd().await;
    server.kill_api_server();
    server.restart_api_server().await;
    let version = before.expect("a version");
    let watch = maps.watch(&WatchParams::default(), &version).await;
    let expired = match watch {
        Err(kube::Error::Api(status)) => status.code,
        Err(error) => panic!("{error}"),
        Ok(events) => match std::pin::pin!(events).try_next().await {
            Ok(Some(WatchEvent::Error(status))) => status.code,
            other => panic!("{other:?}"),
        },
    };
    assert_eq!(expired, 410);
}
