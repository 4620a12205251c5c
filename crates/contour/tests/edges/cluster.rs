//! What is counted of requests to the API server.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use contour::serve::accept::Transport;
use contour::serve::cluster::connect;
use contour::serve::metrics::Metrics;
use contour_k8s::client::{Access, Settings};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;

use super::client::serve;

fn kubeconfig(server: SocketAddr) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a temporary file");
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: a,
          contexts: [{{name: a, context: {{cluster: a, user: a}}}}],
          clusters: [{{name: a, cluster: {{server: 'http://{server}'}}}}],
          users: [{{name: a, user: {{}}}}]}}"
    );
    std::fs::write(file.path(), text).expect("a file to write");
    file
}

/// Asks a server for a path, and tells what is counted.
async fn ask(server: SocketAddr, path: &str) -> String {
    let (kubeconfig, metrics) = (kubeconfig(server), Arc::<Metrics>::default());
    let access = Access::Kubeconfig(kubeconfig.path().to_owned());
    let client = connect(&Settings::new(access), &metrics).await.expect("a client");
    let request = http::Request::get(path).body(Vec::new()).expect("a request");
    drop(client.request_text(request).await); // what is counted says how it went
    let told = metrics.render();
    let counted = told.lines().filter(|line| line.starts_with("rest_client_requests_total"));
    counted.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn each_request_is_counted_with_its_code_its_method_and_the_host() {
    let routes = Router::new().route("/version", get(async || "{}"));
    let server = serve(routes, Transport::Plain).await;
    let host = server.address;
    let line = |code, count| {
        format!(
            "rest_client_requests_total{{code=\"{code}\",host=\"{host}\",method=\"GET\"}} {count}"
        )
    };
    assert_eq!(ask(host, "/version").await, line("200", 1));
    assert_eq!(ask(host, "/elsewhere").await, line("404", 1));
}

#[tokio::test]
async fn a_request_without_an_answer_is_counted_as_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let host = listener.local_addr().expect("its address");
    drop(listener);
    let counted = ask(host, "/version").await;
    assert!(counted.contains("code=\"<error>\"") && counted.ends_with(" 1"), "{counted}");
}
