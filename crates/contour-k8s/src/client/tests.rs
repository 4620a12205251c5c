use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;

/// A kubeconfig for a server without TLS.
fn kubeconfig_for(server: SocketAddr) -> tempfile::NamedTempFile {
    file(&format!(
        "apiVersion: v1
kind: Config
current-context: b
contexts:
- {{name: a, context: {{cluster: none, user: none}}}}
- {{name: b, context: {{cluster: b, user: b, namespace: shop}}}}
clusters: [{{name: b, cluster: {{server: \"http://{server}\"}}}}]
users: [{{name: b, user: {{token: secret}}}}]
"
    ))
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("a file to write");
    file
}

fn settings(kubeconfig: &Path) -> Settings {
    Settings::new(Access::new(false, kubeconfig))
}

/// Answers one request with this status and nothing else, and tells its head.
async fn answering(status: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a byte"));
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("written");
        String::from_utf8(head).expect("text")
    });
    (address, task)
}

async fn head_of_a_request(settings: impl FnOnce(SocketAddr) -> Settings) -> String {
    let (address, head) = answering("200 OK").await;
    let client = connect(&settings(address), |_| ()).await.expect("a client");
    let request = http::Request::get("/version").body(Vec::new()).expect("a request");
    client.request_text(request).await.expect("an answer");
    head.await.expect("a head")
}

#[track_caller]
fn check_refused(text: &str, reason: &str) {
    let file = file(text);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let error =
        runtime.block_on(connect(&settings(file.path()), |_| ())).err().expect("it is refused");
    let expect = format!("cannot use the kubeconfig {}: ", file.path().display());
    let text = error.to_string();
    assert!(text.starts_with(&expect) && text.contains(reason), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn a_named_file_is_used_unless_we_are_told_to_be_in_a_cluster() {
    let path = Path::new("/home/a/.kube/config");
    assert_eq!(Access::new(false, path), Access::Kubeconfig(path.to_owned()));
    assert_eq!(Access::new(true, path), Access::InCluster);
    assert_eq!(Access::new(false, Path::new("")), Access::InCluster);
}

#[tokio::test]
async fn the_current_context_is_used_and_we_say_who_we_are() {
    let mut file = None;
    let head = head_of_a_request(|address| {
        let kubeconfig = file.insert(kubeconfig_for(address));
        settings(kubeconfig.path())
    })
    .await;
    assert!(head.starts_with("GET /version HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer secret\r\n"), "{head}");
    let agent = concat!("user-agent: contour/", env!("CARGO_PKG_VERSION"), "\r\n");
    assert!(head.contains(agent), "{head}");
}

/// A client of a server, and what it tells of its requests.
async fn told_client(server: SocketAddr) -> (Client, mpsc::UnboundedReceiver<String>) {
    let (sender, told) = mpsc::unbounded_channel();
    let kubeconfig = kubeconfig_for(server);
    let settings = settings(kubeconfig.path());
    let client = connect(&settings, move |asked| {
        let Asked { code, method, host, .. } = asked;
        let code = code.map_or("none".to_owned(), |code| code.as_u16().to_string());
        // Nobody listens at the end of a test.
        let _ = sender.send(format!("{method} {host} {code}"));
    });
    (client.await.expect("a client"), told)
}

fn get_version() -> http::Request<Vec<u8>> {
    http::Request::get("/version").body(Vec::new()).expect("a request")
}

#[tokio::test]
async fn each_request_is_told_with_its_answer() {
    let (address, _head) = answering("404 Not Found").await;
    let (client, mut told) = told_client(address).await;
    client.request_text(get_version()).await.expect_err("there is none");
    assert_eq!(told.recv().await, Some(format!("GET {address} 404")));
}

#[tokio::test]
async fn a_request_that_nobody_takes_is_told_without_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    drop(listener);
    let (client, mut told) = told_client(address).await;
    client.request_text(get_version()).await.expect_err("nobody is there");
    assert_eq!(told.recv().await, Some(format!("GET {address} none")));
}

#[tokio::test]
async fn a_request_that_is_given_up_is_told_without_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let (client, mut told) = told_client(address).await;
    let asking = tokio::spawn(async move { client.request_text(get_version()).await });
    let (_stream, _) = listener.accept().await.expect("a connection");
    asking.abort();
    assert_eq!(told.recv().await, Some(format!("GET {address} none")));
}

#[tokio::test]
async fn who_competes_for_a_lease_says_so() {
    let (address, head) = answering("200 OK").await;
    let (client, mut told) = told_client(address).await;
    for_election(&client).request_text(get_version()).await.expect("an answer");
    let head = head.await.expect("a head");
    let agent = concat!("user-agent: contour/", env!("CARGO_PKG_VERSION"), "/leader-election\r\n");
    assert!(head.contains(agent), "{head}");
    assert_eq!(told.recv().await, Some(format!("GET {address} 200")));
}

#[tokio::test]
async fn the_namespace_is_that_of_the_context() {
    let file = kubeconfig_for(([127, 0, 0, 1], 1).into());
    let client = connect(&settings(file.path()), |_| ()).await.expect("a client");
    assert_eq!(client.default_namespace(), "shop");
}

#[tokio::test]
async fn a_missing_file_is_named_with_the_reason() {
    let path = Path::new("/nowhere/config");
    let error = connect(&settings(path), |_| ()).await.err().expect("it is missing");
    let text = error.to_string();
    assert!(text.starts_with("cannot use the kubeconfig /nowhere/config: No such file"), "{text}");
    assert_eq!(text.matches("/nowhere/config").count(), 1, "{text}");
}

#[test]
fn a_file_that_is_no_kubeconfig_is_named_with_the_reason() {
    check_refused("a: [", "");
    check_refused("{}", "it has no current-context");
    check_refused("current-context: a", "it has no context \"a\"");
    check_refused(
        "{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}]}",
        "it has no cluster \"c\"",
    );
}

#[test]
fn a_certificate_that_is_missing_is_named() {
    check_refused(
        "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1', certificate-authority: /nowhere/ca.crt}}]}",
        "/nowhere/ca.crt",
    );
}

#[test]
fn a_token_file_that_is_missing_is_named() {
    check_refused(
        "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: a, user: {tokenFile: /nowhere/token}}]}",
        "/nowhere/token",
    );
}

#[test]
fn a_proxy_of_another_scheme_is_refused() {
    check_refused(
        "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1', proxy-url: 'socks5://127.0.0.1:2'}}]}",
        "socks5://127.0.0.1:2",
    );
}
