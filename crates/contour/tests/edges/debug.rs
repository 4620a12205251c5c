//! `/debug`, of a control plane that serves a directory.

use std::sync::Arc;

use contour::serve::accept::Transport;
use contour::serve::debug::{Row, Sources, routes};
use contour::serve::health::{self, Health, Readiness};
use contour::serve::start::{self, Config, Running};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Server, get, serve};

const MANIFESTS: &str = "\
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: shop, namespace: shop}
spec:
  virtualhost: {fqdn: shop.example.com}
  routes: [{services: [{name: web, port: 80}, {name: gone, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
";

struct World {
    _directory: TempDir,
    running: Running,
    server: Server,
}

async fn world() -> World {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("shop.yaml"), MANIFESTS).expect("a file");
    let running = start::start(directory.path(), Config::default()).expect("a directory");
    running.serving().await;
    let row = || Row {
        key: "xds-port".to_owned(),
        value: "8001".to_owned(),
        origin: "default".to_owned(),
    };
    let sources = Sources {
        control: running.control.clone(),
        hub: Arc::clone(&running.hub),
        config: Arc::new(move || vec![row()]),
    };
    let server = serve(routes(sources), Transport::Plain).await;
    World { _directory: directory, running, server }
}

async fn json_of(world: &World, path: &str) -> Value {
    let answer = get(&world.server, path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_str(answer.text()).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_is_shown() {
    let world = world().await;
    let answer = get(&world.server, "/debug/dag").await;
    let text = answer.text();
    assert!(text.starts_with("digraph DAG {\nrankdir=\"LR\"\n"), "{text}");
    assert!(text.contains("label=\"{http://shop.example.com}\""), "{text}");
    assert!(text.contains("label=\"{service|shop/web:80}\""), "{text}");
    assert_eq!(get(&world.server, "/debug/dag").await.text(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_shown_with_what_it_asked() {
    let world = world().await;
    let shown = json_of(&world, "/debug/hosts/shop.example.com").await;
    let reads = json!([
        "HTTPProxy shop/shop",
        "Service shop/gone",
        "Service shop/web",
        "roots of shop.example.com",
        "Ingress rules of shop.example.com",
        "what is called like Service shop/gne",
        "what is called like Service shop/goe",
        "what is called like Service shop/gon",
        "what is called like Service shop/gone",
        "what is called like Service shop/one",
    ]);
    assert_eq!(shown["reads"], reads);
    assert_eq!(shown["lastChange"], "add of HTTPProxy shop/shop");
    assert_eq!(shown["demands"], json!(["endpoints of shop/web:80"]));
    let problem = &shown["visited"][0]["problems"][0];
    assert_eq!(problem["reason"], "ServiceUnresolvedReference");
    assert_eq!(get(&world.server, "/debug/hosts/other.example.com").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_shown() {
    let world = world().await;
    let shown = json_of(&world, "/debug/xds").await;
    assert_eq!(shown["envoys"], json!([]));
    let clusters = &shown["dialects"][0]["published"][1];
    assert_eq!((&clusters["resources"], &clusters["version"].is_string()), (&json!(1), &true));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_shown_with_its_origin() {
    let world = world().await;
    let shown = json_of(&world, "/debug/config").await;
    assert_eq!(shown, json!([{ "key": "xds-port", "value": "8001", "origin": "default" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_is_counted() {
    let world = world().await;
    let shown = json_of(&world, "/debug/memory").await;
    assert_eq!(shown["store"]["objects"]["HTTPProxy"], 1);
    assert_eq!(shown["graph"]["hosts"], 1);
    let clusters = &shown["cache"]["Aggregated"]["Cluster"];
    assert!(clusters["bytes"].as_u64() > Some(10), "{shown}");
    for bytes in [
        &shown["store"]["estimatedBytes"]["HTTPProxy"],
        &shown["graph"]["estimatedBytes"],
        &shown["translator"]["bytes"],
        &shown["allocator"]["allocated"],
        &shown["allocator"]["resident"],
    ] {
        assert!(bytes.as_u64() > Some(100), "{shown}");
    }
    assert!(shown["process"]["resident"].as_u64() > Some(0), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_of_a_go_program_are_told_not_to_exist() {
    let world = world().await;
    let answer = get(&world.server, "/debug/pprof/goroutine").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("no Go program"), "{}", answer.text());
    assert_eq!(get(&world.server, "/debug/pprof/").await.status, 200);
    let command_line = get(&world.server, "/debug/pprof/cmdline").await;
    assert!(command_line.text().contains("edges"), "{}", command_line.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_control_plane_is_alive_and_counts_what_it_does() {
    let world = world().await;
    let health = Health::new(Readiness::of_directory(world.running.is_serving()));
    tokio::spawn(Arc::clone(&health).watch(world.running.control.clone()));
    let server = serve(health::routes(health), Transport::Plain).await;
    assert_eq!(get(&server, "/healthz").await.status, 200);
    assert_eq!(get(&server, "/readyz").await.status, 200);
    let told = world.running.metrics.render();
    for line in [
        "contour_dagrebuild_total 1",
        "contour_dag_cache_object{kind=\"HTTPProxy\"} 1",
        "contour_httpproxy{namespace=\"shop\"} 1",
        "contour_eventhandler_operation_total{kind=\"Service\",op=\"add\"} 1",
    ] {
        assert!(told.lines().any(|each| each == line), "{line} is not in\n{told}");
    }
}
