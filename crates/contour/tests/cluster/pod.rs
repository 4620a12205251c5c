//! `contour serve` in a pod: the API server by the environment, the account by files.

use std::fs;
use std::path::Path;
use std::process::Command;

use contour_tests::api_server::objects::{moved, proxy, says_in, service};
use contour_tests::api_server::trials::Shared;
use contour_tests::api_server::{ApiServer, NAMESPACE};
use contour_tests::proxy::until;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, Client};

use super::running::{Running, command};

/// Where a pod has the files of its account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Runs a command with a directory in that place, which nobody else sees there.
fn in_pod(server: &ApiServer, files: &Path, command: Command) -> Command {
    // The target must exist; a file system of our own above it makes it ours to create.
    let script = format!(
        "mount -t tmpfs tmpfs \"$(readlink -f /var/run)\" && mkdir -p {ACCOUNT} && mount --bind \"$0\" {ACCOUNT} && exec \"$@\""
    );
    let mut pod = Command::new("unshare");
    pod.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]).arg(files);
    pod.arg(command.get_program()).args(command.get_args()).arg("--incluster");
    for (name, _) in command.get_envs().filter(|(_, value)| value.is_none()) {
        pod.env_remove(name);
    }
    pod.env("KUBERNETES_SERVICE_HOST", server.address.ip().to_string());
    pod.env("KUBERNETES_SERVICE_PORT", server.address.port().to_string());
    pod
}

/// A token that ends with this Secret.
async fn token(server: &ApiServer, client: &Client, secret: &str) -> String {
    let metadata = ObjectMeta { name: Some(secret.to_owned()), ..ObjectMeta::default() };
    let object = Secret { metadata, ..Secret::default() };
    let secrets = Api::<Secret>::namespaced(client.clone(), NAMESPACE);
    secrets.create(&PostParams::default(), &object).await.expect("it is good");
    server.token_of_contour(Some(secret)).await
}

pub(super) async fn it_finds_the_api_server_from_inside_a_pod_and_takes_new_tokens(
    shared: &Shared,
) {
    let server = shared.server().await;
    server.contour_account().await;
    let admin = server.admin().client().await;
    let web = service("web", 1) + &proxy("in-pod", "web");
    server.apply(&moved(&web, "pod")).await.expect("they are good");
    let files = tempfile::tempdir().expect("a directory");
    fs::copy(server.ca(), files.path().join("ca.crt")).expect("a file");
    fs::write(files.path().join("namespace"), NAMESPACE).expect("a file");
    let first = token(server, &admin, "first-token").await;
    fs::write(files.path().join("token"), first).expect("a file");

    let mut command = command("pod");
    command.args(["--watch-namespaces=pod", "--ingress-status-address=192.0.2.1"]);
    let contour = Running::start(in_pod(server, files.path(), command));
    contour.xds();
    until("it is valid", async || says_in(&admin, "pod", "in-pod", "valid").await).await;

    let second = token(server, &admin, "second-token").await;
    fs::write(files.path().join("token"), second).expect("a file");
    let secrets = Api::<Secret>::namespaced(admin.clone(), NAMESPACE);
    secrets.delete("first-token", &DeleteParams::default()).await.expect("it is there");
    server.apply(&moved(&proxy("later", "web"), "pod")).await.expect("it is good");
    // A token is read again after a minute.
    until("it writes with the new token", async || says_in(&admin, "pod", "later", "valid").await)
        .await;
}
