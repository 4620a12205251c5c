//! `contour check`, with a real API server.

use std::collections::BTreeSet;

use contour_k8s::needs::{Scope, needs};
use contour_tests::api_server::objects::{proxy, says, service};
use contour_tests::api_server::trials::Shared;
use contour_tests::api_server::{Account, ApiServer, NAMESPACE};
use contour_tests::grpc::Client;
use contour_tests::program::{Ended, Program};
use contour_tests::proxy::until;
use contour_xds::wire::{DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node};

use super::certificates;
use super::lacking::WITHOUT_SERVICES;
use super::program::contour;
use super::running::{Running, command_of};

const CLUSTERS: &str = "envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters";

const CONTOUR: &str = "system:serviceaccount:projectcontour:contour";

fn run(account: &Account, flags: &[&str]) -> Ended {
    let mut command = contour(["check", "--kubeconfig"]);
    command.arg(&account.kubeconfig).args(flags);
    Program::start(command).end()
}

/// Nobody listens there.
const NO_CONTOUR: &str = "--debug-http-port=1";

/// The lines of a table that are not good.
fn others(ended: &Ended) -> Vec<&str> {
    assert_eq!(ended.err, "");
    ended.out.lines().filter(|line| !line.starts_with("ok ")).collect()
}

/// What it says of a cluster in which nothing is as it should be, and of the same once it is.
pub(super) async fn check_finds_what_serve_lacks(_: &Shared) {
    let server = ApiServer::start().await;
    let account = server.contour_account().await;
    server.apply(WITHOUT_SERVICES).await.expect("it is good");
    let ended = run(&account, &["--insecure", NO_CONTOUR]);
    let found = others(&ended).join("\n");
    assert_eq!(ended.code, Some(1), "{found}");
    for expect in [
        "httpproxies.projectcontour.io/v1 is not served\n",
        "-> apply Contour's CustomResourceDefinitions (deploy/crds)\n",
        "list, watch services: denied; without it, nothing is served\n",
        "-> grant it in the ClusterRole of Contour's ServiceAccount\n",
        "update httpproxies/status.projectcontour.io: denied",
    ] {
        assert!(found.contains(expect), "{expect:?} is not in\n{found}");
    }

    server.install_crds().await;
    server.contour_account().await;
    let ended = run(&account, &["--insecure", NO_CONTOUR]);
    let found = others(&ended);
    assert_eq!(ended.code, Some(0), "{}", ended.out);
    assert!(found.iter().all(|line| line.contains("Envoy") || line.contains("->")), "{found:?}");

    // Somebody who may do everything looks at what Contour may.
    server.apply(WITHOUT_SERVICES).await.expect("it is good");
    assert_eq!(run(&server.admin(), &["--insecure", NO_CONTOUR]).code, Some(0));
    let ended = run(&server.admin(), &["--insecure", NO_CONTOUR, "--as", CONTOUR]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("list, watch services: denied"), "{}", ended.out);

    let contour = Running::start(command_of(&server.admin(), "checked"));
    contour.xds();
    let port = format!("--debug-http-port={}", contour.debug_address().port());
    let ended = run(&server.admin(), &["--insecure", &port]);
    assert!(ended.out.contains("none is connected to this Contour"), "{}", ended.out);
    assert_eq!(ended.code, Some(0));
    let connection = Client::connect(contour.xds()).await;
    let mut envoy = connection.call(CLUSTERS).await.expect("a call");
    let node = Node { id: "envoy-1".to_owned(), ..Node::default() };
    envoy.send(&DeltaDiscoveryRequest { node: Some(node), ..DeltaDiscoveryRequest::default() });
    let _: DeltaDiscoveryResponse = envoy.next().await;
    let ended = run(&server.admin(), &["--insecure", &port]);
    assert!(ended.out.contains("envoy-1 is connected, version"), "{}", ended.out);

    let ended = run(&server.admin(), &["--insecure", NO_CONTOUR, "--contour-config-name=none"]);
    assert!(
        ended.out.contains("there is no ContourConfiguration projectcontour/none"),
        "{}",
        ended.out
    );
    assert_eq!(ended.code, Some(1));
}

/// So that no permission is forgotten, by the API server's own log.
pub(super) async fn check_asks_about_everything_that_serve_does(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let admin = server.admin().client().await;
    server.apply(&(service("web", 1) + &proxy("web", "web"))).await.expect("they are good");
    let mut command = command_of(&account, "leader-elect");
    command.args(["--watch-namespaces", "default"]);
    let contour = Running::start(command);
    until("the proxy is valid", async || says(&admin, "web", "valid").await).await;
    drop(contour);

    let lease = contour_builder::ObjectName::new(NAMESPACE, "leader-elect");
    let scope = Scope { lease: Some(lease), ..Scope::default() };
    let known: BTreeSet<(String, String)> = needs(&scope)
        .into_iter()
        .flat_map(|need| {
            need.verbs.into_iter().map(move |verb| (verb.to_owned(), need.resource.clone()))
        })
        .collect();
    let asked = || {
        let requests = server.requests_of_contour().into_iter();
        let resources = requests.filter(|request| !request.resource.is_empty());
        resources.map(|request| (request.verb, request.resource)).collect::<BTreeSet<_>>()
    };
    // Watches stand in the log when they have ended.
    let watched = || asked().iter().filter(|(verb, _)| verb == "watch").count();
    until("all watches have ended", async || watched() == contour_builder::Kind::ALL.len()).await;
    let unknown: Vec<_> = asked().difference(&known).cloned().collect();
    assert_eq!(unknown, []);
}

/// Outside of the pod the certificates of xDS are no files.
pub(super) async fn check_looks_at_secrets_where_there_are_no_files(shared: &Shared) {
    let server = shared.server().await;
    let namespace = "looked-at";
    let account = certificates::account(server, namespace, "get, create, update").await;
    let look = || {
        let mut command = contour(["check", NO_CONTOUR]);
        command.arg("--kubeconfig").arg(&account.kubeconfig).env("CONTOUR_NAMESPACE", namespace);
        let ended = Program::start(command).end();
        let lines = ended.out.lines().filter(|line| line.contains("certificate "));
        let dateless = lines.map(|line| match line.split_once("valid until ") {
            Some((before, _)) => format!("{before}valid until DATE"),
            None => line.to_owned(),
        });
        dateless.collect::<Vec<String>>()
    };
    assert_eq!(
        look(),
        [
            "mend     certificate    secret/contourcert does not exist",
            "mend     certificate    secret/envoycert does not exist",
        ]
    );
    let certgen = |days: &str| {
        let mut command = contour(["certgen", "--kube", "--secrets-format=compact", "--overwrite"]);
        command.args(["--certificate-lifetime", days, "--namespace", namespace]);
        command.arg("--kubeconfig").arg(&account.kubeconfig);
        assert_eq!(Program::start(command).end().code, Some(0));
    };
    certgen("365");
    assert_eq!(
        look(),
        [
            "ok       certificate    secret/contourcert is valid until DATE",
            "ok       certificate    secret/envoycert is valid until DATE",
        ]
    );
    let admin = certificates::secrets(&server.admin().client().await, namespace);
    let before = admin.get("envoycert").await.expect("it is there");
    certgen("20");
    let mut after = admin.get("envoycert").await.expect("it is there");
    after.data = before.data;
    admin
        .replace("envoycert", &kube::api::PostParams::default(), &after)
        .await
        .expect("it is good");
    assert_eq!(
        look(),
        [
            "warning  certificate    secret/contourcert expires in 19 days",
            "ok       certificate    secret/envoycert is valid until DATE",
            "mend     certificate    Contour and Envoy do not trust each other: their Secrets come from two authorities",
        ]
    );
}
