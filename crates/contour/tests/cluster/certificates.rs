//! The certificates of xDS in Secrets: made, and renewed.

use std::process::Command;
use std::time::Duration;

use contour_tests::api_server::objects::moved;
use contour_tests::api_server::trials::Shared;
use contour_tests::api_server::{Account, ApiServer};
use contour_tests::program::{Ended, Program};
use contour_tests::proxy::{throughout, until};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use super::program::contour;
use super::running::{Running, command_of};

/// A service account `certificates` that may do this with Secrets of its namespace, and nothing else.
pub(crate) async fn account(server: &ApiServer, namespace: &str, verbs: &str) -> Account {
    let objects = format!(
        "---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: certificates, namespace: default}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: certificates, namespace: default}}
rules: [{{apiGroups: [\"\"], resources: [secrets], verbs: [{verbs}]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: certificates, namespace: default}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: certificates}}
subjects: [{{kind: ServiceAccount, name: certificates, namespace: default}}]
"
    );
    server.apply(&moved(&objects, namespace)).await.expect("they are good");
    server.account(namespace, "certificates").await
}

fn certgen<const N: usize>(account: &Account, namespace: &str, flags: [&str; N]) -> Ended {
    let mut command = contour(["certgen", "--kube", "--secrets-format=compact"]);
    command.arg(format!("--namespace={namespace}"));
    command.arg("--kubeconfig").arg(&account.kubeconfig).args(flags);
    Program::start(command).end()
}

#[track_caller]
fn check(ended: &Ended, expect: [&str; 3]) {
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!(ended.out.lines().collect::<Vec<_>>(), expect);
}

pub(crate) fn secrets(client: &Client, namespace: &str) -> Api<Secret> {
    Api::namespaced(client.clone(), namespace)
}

/// The type of a Secret, and what is in it.
async fn content(client: &Client, namespace: &str, name: &str) -> (String, Vec<(String, Vec<u8>)>) {
    let secret = secrets(client, namespace).get(name).await.expect("it is there");
    let data = secret.data.unwrap_or_default().into_iter().map(|(key, bytes)| (key, bytes.0));
    (secret.type_.unwrap_or_default(), data.collect())
}

/// With what upstream's manifests allow its job.
pub(super) async fn certgen_makes_and_replaces_secrets(shared: &Shared) {
    let server = shared.server().await;
    let account = account(server, "made", "create, update").await;
    let admin = server.admin().client().await;
    let first = "Writing \"compact\" format Secrets to namespace \"made\"";
    let ended = certgen(&account, "made", ["--overwrite"]);
    check(&ended, [first, "secret/contourcert created", "secret/envoycert created"]);
    let (type_, before) = content(&admin, "made", "envoycert").await;
    let keys: Vec<&str> = before.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        (type_.as_str(), keys.as_slice()),
        ("kubernetes.io/tls", &["ca.crt", "tls.crt", "tls.key"][..])
    );

    let ended = certgen(&account, "made", []);
    check(&ended, [first, "secret/contourcert already exists", "secret/envoycert already exists"]);
    assert_eq!(content(&admin, "made", "envoycert").await.1, before);

    let ended = certgen(&account, "made", ["--overwrite"]);
    check(&ended, [first, "secret/contourcert updated", "secret/envoycert updated"]);
    assert_ne!(content(&admin, "made", "envoycert").await.1, before);
}

pub(super) async fn certgen_makes_no_half_of_a_set(shared: &Shared) {
    let server = shared.server().await;
    let account = account(server, "half", "create, update").await;
    let admin = server.admin().client().await;
    certgen(&account, "half", []);
    secrets(&admin, "half").delete("contourcert", &DeleteParams::default()).await.expect("it is");
    let ended = certgen(&account, "half", []);
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.err,
        "contour: error: secret/envoycert is there already and others of the set are not, and nothing was written: certificates of two authorities do not go together; --overwrite replaces all of them\n"
    );
    assert!(secrets(&admin, "half").get_opt("contourcert").await.expect("an answer").is_none());
}

/// A Secret that is immutable takes nothing.
pub(super) async fn certgen_says_what_to_do_about_a_half_of_a_set(shared: &Shared) {
    let server = shared.server().await;
    let account = account(server, "unfinished", "create, update").await;
    let admin = secrets(&server.admin().client().await, "unfinished");
    certgen(&account, "unfinished", []);
    let patch = Patch::Merge(json!({ "immutable": true }));
    admin.patch("envoycert", &PatchParams::default(), &patch).await.expect("it is taken");
    let ended = certgen(&account, "unfinished", ["--overwrite"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.ends_with("secret/contourcert updated\n"), "{}", ended.out);
    let (begin, end) = (
        "contour: error: secret/envoycert is not written: ",
        "; secret/contourcert is written, and certificates of two authorities do not go together: run this again with --overwrite\n",
    );
    assert!(ended.err.starts_with(begin) && ended.err.ends_with(end), "{}", ended.err);
}

pub(super) async fn certgen_remakes_a_secret_of_another_type_if_it_may(shared: &Shared) {
    const OPAQUE: &str = "---
apiVersion: v1
kind: Secret
metadata: {name: contourcert, namespace: default}
type: Opaque
";
    let server = shared.server().await;
    let may_not = account(server, "typed", "create, update").await;
    let admin = server.admin().client().await;
    server.apply(&moved(OPAQUE, "typed")).await.expect("it is good");
    let ended = certgen(&may_not, "typed", ["--overwrite"]);
    assert_eq!(ended.code, Some(1));
    let words = "secret/contourcert has another type than kubernetes.io/tls, which cannot be changed, and it cannot be deleted (not allowed to delete secrets: ";
    assert!(ended.err.contains(words), "{}", ended.err);
    assert_eq!(content(&admin, "typed", "contourcert").await.0, "Opaque");

    let may = account(server, "typed", "create, update, delete").await;
    until("it may", async || {
        let ended = certgen(&may, "typed", ["--overwrite"]);
        ended.out.contains("secret/contourcert deleted and created, since it had another type\n")
    })
    .await;
    assert_eq!(content(&admin, "typed", "contourcert").await.0, "kubernetes.io/tls");
}

fn managing(account: &Account, namespace: &str) -> Command {
    let mut command = command_of(account, namespace);
    command.args(["--watch-namespaces=none", "--disable-leader-election", "--manage-certificates"]);
    command.env("CONTOUR_NAMESPACE", namespace);
    command
}

pub(super) async fn whoever_leads_makes_certificates_that_are_missing(shared: &Shared) {
    let server = shared.server().await;
    let account = account(server, "managed", "get, create, update").await;
    let admin = server.admin().client().await;
    let contour = Running::start(managing(&account, "managed"));
    for name in ["contourcert", "envoycert"] {
        until("it is made", async || {
            let found = secrets(&admin, "managed").get_opt(name).await.expect("an answer");
            found.is_some_and(|secret| secret.data.is_some_and(|data| data.len() == 3))
        })
        .await;
    }
    contour.program.says("the certificate of xDS was missing and is made", 2);
}

pub(super) async fn what_is_not_allowed_is_told_once_by_name(shared: &Shared) {
    const FORBIDDEN: &str = "not allowed to renew certificates";
    // It is tried again after one second, two, and four.
    const TRIES: Duration = Duration::from_secs(8);
    let server = shared.server().await;
    let account = account(server, "forbidden", "create").await;
    let contour = Running::start(managing(&account, "forbidden"));
    let said = contour.program.says(FORBIDDEN, 1);
    assert!(said.contains("needs=\"get secrets in namespace forbidden\""), "{said}");
    throughout(TRIES, "it is told once", async || {
        contour.program.says(FORBIDDEN, 1).matches(FORBIDDEN).count() == 1
    })
    .await;
}
