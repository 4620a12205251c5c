//! A real kube-apiserver and etcd, and accounts to use them with.
//!
//! There are no controllers: nobody makes EndpointSlices, and a deleted namespace stays. A real API server takes no
//! loopback addresses in EndpointSlices; use those of 198.18.0.0/15.

mod audit;
mod etcd;
pub mod objects;
mod pki;
mod process;
pub mod trials;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::discovery::Scope;
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::await_condition;
use kube::{Api, Client, Config, ResourceExt as _};
use serde::Deserialize as _;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::proxy::{PATIENCE, until};
pub use audit::Request;
use etcd::Etcd;
use pki::Pki;
use process::Process;

/// The namespace of the installation: of its service account, its Lease and its Events.
pub const NAMESPACE: &str = "projectcontour";

/// Everything that the manifests in use today grant to Contour.
const RBAC: &str = include_str!("rbac.yaml");

/// How long a token is valid, in seconds. Longer than any test.
const TOKEN_VALID: i64 = 3600 * 24;

/// The programs.
#[derive(Clone, Debug)]
pub struct Parts {
    /// kube-apiserver.
    pub api_server: PathBuf,
    /// etcd.
    pub etcd: PathBuf,
}

impl Parts {
    /// Both programs, each from the first of: `TEST_ASSET_KUBE_APISERVER` or `TEST_ASSET_ETCD`, the directory
    /// `KUBEBUILDER_ASSETS`, `.tools` of this checkout, `PATH`. `None` if one is nowhere.
    pub fn find() -> Option<Parts> {
        Some(Parts {
            api_server: find("kube-apiserver", "TEST_ASSET_KUBE_APISERVER")?,
            etcd: find("etcd", "TEST_ASSET_ETCD")?,
        })
    }
}

fn find(name: &str, variable: &str) -> Option<PathBuf> {
    let value = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    let named = value(variable).map(PathBuf::from);
    let assets = value("KUBEBUILDER_ASSETS").map(|directory| Path::new(&directory).join(name));
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools").join(name);
    let path = value("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|directory| directory.join(name));
    // What is named explicitly is not silently replaced by something else.
    named.or(assets).or_else(|| [built].into_iter().chain(installed).find(|path| path.is_file()))
}

/// A running API server with its etcd. Dropping it kills both and removes their data.
///
/// Both also end with this process. Access is limited by RBAC, as in a real cluster.
#[derive(Debug)]
pub struct ApiServer {
    /// Where it serves, with TLS.
    pub address: SocketAddr,
    parts: Parts,
    pki: Pki,
    process: Option<Process>,
    etcd: Etcd,
    scratch: TempDir,
}

/// A kubeconfig file, and whom it speaks for.
#[derive(Clone, Debug)]
pub struct Account {
    /// The file. It is gone when the API server is dropped.
    pub kubeconfig: PathBuf,
}

impl Account {
    /// A client for the current runtime. It tries nothing twice by itself.
    pub async fn client(&self) -> Client {
        let file = Kubeconfig::read_from(&self.kubeconfig).expect("a kubeconfig");
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(file, &options).await.expect("a config");
        config.default_retry = false;
        Client::try_from(config).expect("a client")
    }
}

impl ApiServer {
    /// Starts both programs on free ports of loopback and waits until the API server is ready, which takes a few
    /// seconds.
    ///
    /// # Panics
    /// If they are missing or end.
    pub async fn start() -> ApiServer {
        ApiServer::start_on(Ipv4Addr::LOCALHOST.into()).await
    }

    /// The same with the API server on another address.
    ///
    /// # Panics
    /// As [`ApiServer::start`].
    pub async fn start_on(address: IpAddr) -> ApiServer {
        let parts =
            Parts::find().expect("kube-apiserver and etcd: `cargo xtask tools` builds them");
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let pki = Pki::write(scratch.path(), address);
        let etcd = Etcd::start(&parts.etcd, scratch.path()).await;
        audit::write_policy(scratch.path());
        let address = free_address(address);
        let mut server = ApiServer { address, parts, pki, process: None, etcd, scratch };
        server.write_kubeconfig("admin", &server.certificate_of_admin());
        server.restart_api_server().await;
        server
    }

    /// The administrator, who may do everything.
    pub fn admin(&self) -> Account {
        Account { kubeconfig: self.scratch.path().join("admin.kubeconfig") }
    }

    /// Kills the API server, as a crash would. Connections break; etcd and its data stay.
    pub fn kill_api_server(&mut self) {
        self.process = None;
    }

    /// Starts the API server, again if need be, on the same port and with the same data, and waits until it is
    /// ready.
    ///
    /// # Panics
    /// If it ends.
    pub async fn restart_api_server(&mut self) {
        self.kill_api_server();
        let log = self.scratch.path().join("kube-apiserver.log");
        self.process = Some(Process::start(&self.parts.api_server, self.arguments(), log));
        let client = self.admin().client().await;
        until("the API server is ready", async || {
            let process = self.process.as_mut().expect("it was started");
            if let Some(status) = process.ended() {
                panic!("the API server ended ({status}); {}", process.words());
            }
            is_ready(&client).await
        })
        .await;
    }

    /// Makes etcd forget every revision but the present one.
    ///
    /// A running API server keeps recent events in memory and goes on to serve them; one that is started after this
    /// answers a watch from an older version with 410.
    pub async fn compact_etcd(&self) {
        self.etcd.compact().await;
    }

    /// Installs what is in `deploy/crds`, and waits until the API server serves it.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn install_crds(&self) {
        let client = self.admin().client().await;
        let crds = Api::<CustomResourceDefinition>::all(client.clone());
        for text in crd_manifests() {
            for name in apply(&client, &text).await.expect("the definition is accepted") {
                let established = await_condition(crds.clone(), &name, is_crd_established());
                let waited = timeout(PATIENCE, established).await;
                waited.expect("in time").unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }

    /// Applies manifests of any kinds as the administrator, server-side. A namespaced object without a namespace goes
    /// to `default`.
    ///
    /// # Errors
    /// The first object that is refused.
    pub async fn apply(&self, manifests: &str) -> Result<(), kube::Error> {
        apply(&self.admin().client().await, manifests).await.map(|_| ())
    }

    /// The service account `projectcontour/contour`, with what the manifests in use today grant to it.
    ///
    /// # Panics
    /// If the API server refuses something.
    pub async fn contour_account(&self) -> Account {
        self.apply(RBAC).await.expect("the rules are accepted");
        let token = self.token_of_contour(None).await;
        self.write_kubeconfig("contour", &format!("token: {token}"))
    }

    /// A service account, which was applied before.
    ///
    /// # Panics
    /// If the API server refuses it a token.
    pub async fn account(&self, namespace: &str, name: &str) -> Account {
        let token = self.token(namespace, name, None).await;
        self.write_kubeconfig(&format!("{name}-of-{namespace}"), &format!("token: {token}"))
    }

    /// A new token of the service account, which [`ApiServer::contour_account`] has made; good until this Secret of the same
    /// namespace is deleted, if one is named.
    ///
    /// # Panics
    /// If the API server refuses it.
    pub async fn token_of_contour(&self, bound_to: Option<&str>) -> String {
        self.token(NAMESPACE, "contour", bound_to).await
    }

    /// A new token of a service account, which was applied before; good until this Secret of the same namespace is deleted,
    /// if one is named.
    ///
    /// # Panics
    /// If the API server refuses it.
    pub async fn token(&self, namespace: &str, name: &str, bound_to: Option<&str>) -> String {
        let client = self.admin().client().await;
        let accounts = Api::<ServiceAccount>::namespaced(client, namespace);
        let bound = bound_to.map(|name| BoundObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Secret".to_owned()),
            name: Some(name.to_owned()),
            uid: None,
        });
        let spec = TokenRequestSpec {
            expiration_seconds: Some(TOKEN_VALID),
            bound_object_ref: bound,
            ..TokenRequestSpec::default()
        };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await;
        let status = answer.expect("a token").status.expect("a status");
        status.token.expect("a token")
    }

    /// The certificate by which the API server is known.
    pub fn ca(&self) -> &Path {
        &self.pki.ca
    }

    /// What [`ApiServer::contour_account`] has asked for and was answered, in order.
    pub fn requests_of_contour(&self) -> Vec<Request> {
        audit::read(self.scratch.path())
    }

    fn certificate_of_admin(&self) -> String {
        let (certificate, key) = (self.pki.admin.display(), self.pki.admin_key.display());
        format!("client-certificate: {certificate}, client-key: {key}")
    }

    fn write_kubeconfig(&self, user: &str, credentials: &str) -> Account {
        let mut text = String::new();
        let (address, ca) = (self.address, self.pki.ca.display());
        write!(
            text,
            "apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: {user}}}}}]
clusters: [{{name: test, cluster: {{server: \"https://{address}\", certificate-authority: {ca}}}}}]
users: [{{name: {user}, user: {{{credentials}}}}}]
"
        )
        .expect("writing to a String");
        let kubeconfig = self.scratch.path().join(format!("{user}.kubeconfig"));
        // In one step: another test may be reading the one before.
        let file = tempfile::NamedTempFile::new_in(self.scratch.path()).expect("a file");
        std::fs::write(file.path(), text).expect("a file to write");
        file.persist(&kubeconfig).expect("a file to rename");
        Account { kubeconfig }
    }

    fn arguments(&self) -> Vec<String> {
        let pki = &self.pki;
        let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
        vec![
            format!("--etcd-servers=http://{}", self.etcd.address),
            format!("--bind-address={}", self.address.ip()),
            format!("--secure-port={}", self.address.port()),
            // There is no other, and the address would have to be none of loopback.
            "--endpoint-reconciler-type=none".to_owned(),
            "--service-cluster-ip-range=198.19.0.0/16".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            "--watch-cache=true".to_owned(),
            file("audit-policy-file", &audit::policy(self.scratch.path())),
            file("audit-log-path", &audit::log(self.scratch.path())),
            file("client-ca-file", &pki.ca),
            file("tls-cert-file", &pki.server),
            file("tls-private-key-file", &pki.server_key),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            file("service-account-key-file", &pki.accounts_public),
            file("service-account-signing-key-file", &pki.accounts_key),
        ]
    }
}

/// Whether it serves, and has made the namespaces that every cluster has.
async fn is_ready(client: &Client) -> bool {
    let request = http::Request::get("/readyz").body(Vec::new()).expect("a request");
    let ready = client.request_text(request).await.is_ok_and(|answer| answer == "ok");
    ready && Api::<Namespace>::all(client.clone()).get("default").await.is_ok()
}

/// The names of what was applied.
async fn apply(client: &Client, manifests: &str) -> Result<Vec<String>, kube::Error> {
    let mut names = Vec::new();
    for document in serde_yaml_ng::Deserializer::from_str(manifests) {
        let object = DynamicObject::deserialize(document).expect("a manifest");
        names.push(object.name_any());
        apply_one(client, &object).await?;
    }
    Ok(names)
}

async fn apply_one(client: &Client, object: &DynamicObject) -> Result<(), kube::Error> {
    let types = object.types.as_ref().expect("apiVersion and kind");
    let kind = GroupVersionKind::try_from(types).expect("a group and version");
    let (resource, capabilities) = kube::discovery::pinned_kind(client, &kind).await?;
    let api: Api<DynamicObject> = match (&capabilities.scope, object.namespace()) {
        (Scope::Cluster, _) => Api::all_with(client.clone(), &resource),
        (Scope::Namespaced, Some(namespace)) => {
            Api::namespaced_with(client.clone(), &namespace, &resource)
        }
        (Scope::Namespaced, None) => Api::default_namespaced_with(client.clone(), &resource),
    };
    let parameters = PatchParams::apply("test").force();
    api.patch(&object.name_any(), &parameters, &Patch::Apply(object)).await.map(|_| ())
}

fn crd_manifests() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/crds");
    let entries = std::fs::read_dir(directory).expect("our definitions");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let yaml = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    yaml.map(|path| std::fs::read_to_string(path).expect("a file to read")).collect()
}

/// A port of an address that is free now, and that nobody is given by chance, as those for outgoing connections are: an
/// API server that is started again must find its port free.
fn free_address(address: IpAddr) -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let processes = u16::try_from(std::process::id() % 500).expect("less than 500");
    loop {
        // Twenty for each process, of the ports from 20000 to 29999.
        let port = 20_000 + processes * 20 + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000;
        let address = SocketAddr::new(address, port);
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
