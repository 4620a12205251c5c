//! Envoy as a DaemonSet and as a Deployment, from the first certificate to the last connection.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contour::envoy::admin::Admin;
use contour_tests::api_server::objects::says;
use contour_tests::api_server::trials::Shared;
use contour_tests::api_server::{ApiServer, NAMESPACE};
use contour_tests::echo::Echo;
use contour_tests::proxy::{Answer, get, until};
use contour_tests::volume::Volume;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, interval};

use super::container::{ACCOUNT, Container, Pod};
use super::manifests::{
    BOOTSTRAP, CERTGEN, CERTGEN_ROLE, CONFIGURATION, CONTOUR, SHUTDOWN, SHUTDOWN_MANAGER,
    UPSTREAM_BOOTSTRAP, envoy, shop,
};
use super::network::{self, NODE};

/// How often a request begins that no pod may lose.
const EVERY: Duration = Duration::from_millis(20);

/// How long a request lasts that is under way when its Envoy is told to stop.
const LONG: Duration = Duration::from_secs(3);

pub(super) async fn a_daemon_set_is_rolled_and_no_request_is_lost(_: &Shared) {
    rolled(Kind::DaemonSet, 20).await;
}

pub(super) async fn a_deployment_is_rolled_and_no_request_is_lost(_: &Shared) {
    rolled(Kind::Deployment, 40).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A pod is gone before its successor comes to the same node.
    DaemonSet,
    /// The successor is there first.
    Deployment,
}

/// Who wrote an Envoy's bootstrap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Image {
    Upstream,
    Ours,
}

/// Every Envoy is replaced. The first was started by upstream's image, as where only the control plane is ours yet. Pods have
/// numbers from `first` on.
async fn rolled(kind: Kind, first: u8) {
    network::open();
    let cluster = Cluster::start(first).await;
    cluster.make_certificates().await;
    let certificates = Mounted::follow(&cluster.client, "envoycert");
    let contours = cluster.contours().await;
    let echo = Echo::start_on(NODE, "shop").expect("a backend");
    cluster.server.apply(&shop(echo.addr.port())).await.expect("it is good");
    until("its status is written", async || says(&cluster.client, "shop", "valid").await).await;

    let ready = Ready::default();
    let start = |number, image| EnvoyPod::start(&cluster, number, image, &certificates);
    let one = start(1, Image::Upstream).await;
    let two = start(2, Image::Ours).await;
    for pod in [&one, &two] {
        pod.serves().await;
        ready.add(pod.address());
    }
    let requests = ready.keep_asking();
    let (one, two) = match kind {
        Kind::DaemonSet => {
            one.stop(&ready).await;
            let one = start(1, Image::Ours).await;
            one.serves().await;
            ready.add(one.address());
            two.stop(&ready).await;
            (one, start(2, Image::Ours).await)
        }
        Kind::Deployment => {
            let three = start(3, Image::Ours).await;
            three.serves().await;
            ready.add(three.address());
            one.stop(&ready).await;
            let four = start(4, Image::Ours).await;
            four.serves().await;
            ready.add(four.address());
            two.stop(&ready).await;
            (three, four)
        }
    };
    two.serves().await;
    let answered = requests.end().await;
    assert!(answered > 500, "{answered} requests were answered");
    tokio::join!(one.stop(&ready), two.stop(&ready));
    for contour in contours {
        assert_eq!(contour.container.stop().await.code, Some(0));
    }
}

/// An API server, and who asks it.
struct Cluster {
    server: ApiServer,
    client: Client,
    /// The number of the first pod: 0.
    first: u8,
}

/// How many pods a cluster may have.
const PODS: u8 = 20;

/// The pods of the Deployment `contour`; the Service of this name leads to the first.
const CONTOURS: [u8; 2] = [1, 2];

impl Cluster {
    async fn start(first: u8) -> Cluster {
        let server = ApiServer::start_on(NODE).await;
        server.install_crds().await;
        server.contour_account().await;
        server.apply(CERTGEN_ROLE).await.expect("it is good");
        let client = server.admin().client().await;
        Cluster { server, client, first }
    }

    /// A pod without a service account.
    fn plain_pod(&self, number: u8) -> Pod {
        assert!(number < PODS, "others have that number");
        let contour = self.first + CONTOURS[0];
        let hosts = format!("127.0.0.1 localhost\n198.18.0.{contour} contour\n");
        Pod::new(self.first + number, &hosts).with("CONTOUR_NAMESPACE", NAMESPACE)
    }

    /// A pod that knows where the API server is.
    fn pod(&self, number: u8) -> Pod {
        self.plain_pod(number)
            .with("KUBERNETES_SERVICE_HOST", self.server.address.ip())
            .with("KUBERNETES_SERVICE_PORT", self.server.address.port())
    }

    /// The files of a service account.
    async fn account(&self, name: &str) -> TempDir {
        let files = tempfile::tempdir().expect("a directory");
        fs::copy(self.server.ca(), files.path().join("ca.crt")).expect("a file");
        fs::write(files.path().join("namespace"), NAMESPACE).expect("a file");
        let token = self.server.token(NAMESPACE, name, None).await;
        fs::write(files.path().join("token"), token).expect("a file");
        files
    }

    /// Runs the Job.
    async fn make_certificates(&self) {
        let (pod, account) = (self.pod(0), self.account("contour-certgen").await);
        let ended = pod.start(CERTGEN, &[(account.path(), ACCOUNT)]).ended().await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    }

    /// Starts both replicas, and waits until they are ready and alive.
    async fn contours(&self) -> Vec<Contour> {
        let mut contours = Vec::new();
        for last in CONTOURS {
            let (pod, account) = (
                self.pod(last).with("POD_NAME", format!("contour-{last}")),
                self.account("contour").await,
            );
            let certificates = Mounted::follow(&self.client, "contourcert");
            certificates.filled().await;
            let config = tempfile::tempdir().expect("a directory");
            fs::write(config.path().join("contour.yaml"), CONFIGURATION).expect("a file");
            let mounts = [
                (account.path(), ACCOUNT),
                (certificates.path(), "/certs"),
                (config.path(), "/config"),
            ];
            let container = pod.start(CONTOUR, &mounts);
            container.program.says("serving xDS", 1);
            let address = pod.network.address;
            until("it is ready", async || TcpStream::connect((address, 8001)).await.is_ok()).await;
            let alive = get(SocketAddr::new(address, 8000), "contour", "/healthz").await;
            assert_eq!(alive.expect("an answer").status, 200);
            contours.push(Contour {
                container,
                _files: (account, config),
                _certificates: certificates,
                _pod: pod,
            });
        }
        contours
    }
}

/// A pod of the Deployment `contour`.
struct Contour {
    container: Container,
    _files: (TempDir, TempDir),
    _certificates: Mounted,
    _pod: Pod,
}

/// A Secret as files.
struct Mounted {
    volume: Arc<Volume>,
    _following: JoinSet<()>,
}

impl Mounted {
    fn follow(client: &Client, name: &'static str) -> Mounted {
        let volume = Arc::new(Volume::new());
        let (followed, secrets) =
            (Arc::clone(&volume), Api::<Secret>::namespaced(client.clone(), NAMESPACE));
        let mut following = JoinSet::new();
        following.spawn(async move { followed.follow(&secrets, name, Duration::ZERO).await });
        Mounted { volume, _following: following }
    }

    async fn filled(&self) {
        until("the Secret is there", async || self.volume.is_filled()).await;
    }

    fn path(&self) -> &Path {
        self.volume.path()
    }
}

/// A pod of Envoy.
struct EnvoyPod {
    pod: Pod,
    shutdown_manager: Container,
    envoy: Container,
    /// The volumes `envoy-admin` and `envoy-config`.
    admin: TempDir,
    _config: TempDir,
}

impl EnvoyPod {
    /// Runs the init container, then starts both others.
    async fn start(
        cluster: &Cluster,
        number: u8,
        image: Image,
        certificates: &Mounted,
    ) -> EnvoyPod {
        certificates.filled().await;
        let name = format!("envoy-{number}");
        let pod = cluster.plain_pod(10 + number).with("ENVOY_POD_NAME", &name);
        let directory = || tempfile::tempdir().expect("a directory");
        let (admin, config) = (directory(), directory());
        match image {
            Image::Ours => bootstrap(&pod, config.path(), certificates).await,
            Image::Upstream => bootstrap_of_upstream(config.path()),
        }

        let shutdown_manager = pod.start(SHUTDOWN_MANAGER, &[(admin.path(), "/admin")]);
        let command = envoy(&name);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let mounts =
            [(config.path(), "/config"), (certificates.path(), "/certs"), (admin.path(), "/admin")];
        let envoy = pod.start(&command, &mounts);
        EnvoyPod { pod, shutdown_manager, envoy, admin, _config: config }
    }

    fn address(&self) -> IpAddr {
        self.pod.network.address
    }

    /// Whether it is ready, by its probe.
    async fn is_ready(&self) -> bool {
        let answer = get(SocketAddr::new(self.address(), 8002), "envoy", "/ready").await;
        answer.is_ok_and(|answer| answer.status == 200)
    }

    /// Waits until it is ready and has the host.
    async fn serves(&self) {
        until("Envoy is ready", async || self.is_ready().await).await;
        until("it serves", async || {
            ask(self.address(), "/").await.is_ok_and(|answer| answer == Answer::of("shop"))
        })
        .await;
    }

    /// Does what a kubelet does when the pod is deleted, with a request under way.
    async fn stop(self, ready: &Ready) {
        let address = self.address();
        let delay = format!("/?delay={}", LONG.as_millis());
        let admin = Admin::new(self.admin.path().join("admin.sock"));
        let active = async |count: u64| {
            let stats = admin.get("/stats?filter=http.ingress_http.downstream_rq_active").await;
            stats.is_ok_and(|text| text.trim().ends_with(&format!(": {count}")))
        };
        ready.remove(address);
        until("no other request is under way", async || active(0).await).await;
        let long = tokio::spawn(async move { ask(address, &delay).await });
        until("the request is under way", async || active(1).await).await;

        // Both hooks at once.
        let begin = Instant::now();
        let hook = self.pod.start(SHUTDOWN, &[(self.admin.path(), "/admin")]);
        let other = tokio::spawn(async move {
            get(SocketAddr::new(address, 8090), "kubelet", "/shutdown").await
        });
        until("it is not ready any more", async || !self.is_ready().await).await;
        let ended = hook.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert_eq!(other.await.expect("no panic").expect("an answer").status, 200);
        assert!(begin.elapsed() > LONG / 2, "nobody waited for the request");
        assert_eq!(long.await.expect("no panic").expect("an answer"), Answer::of("shop"));

        let (envoy, manager) = tokio::join!(self.envoy.stop(), self.shutdown_manager.stop());
        assert_eq!(envoy.code, Some(0), "{}", envoy.err);
        assert_eq!(manager.code, Some(0), "{}", manager.err);
    }
}

/// Runs the init container.
async fn bootstrap(pod: &Pod, config: &Path, certificates: &Mounted) {
    let mounts = [(config, "/config"), (certificates.path(), "/certs")];
    let ended = pod.start(BOOTSTRAP, &mounts).ended().await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let written = fs::metadata(config.join("envoy.json")).expect("it was written");
    assert_eq!(written.permissions().mode() & 0o077, 0, "others may read it");
}

/// Does what upstream's init container does.
fn bootstrap_of_upstream(config: &Path) {
    fs::create_dir_all(config.join("resources/sds")).expect("directories");
    for (path, text) in UPSTREAM_BOOTSTRAP {
        fs::write(config.join(path), text).expect("a file");
    }
}

async fn ask(envoy: IpAddr, path: &str) -> std::io::Result<Answer> {
    get(SocketAddr::new(envoy, 8080), "shop.example.com", path).await
}

/// The pods that a load balancer sends requests to.
#[derive(Clone, Default)]
struct Ready(Arc<Mutex<BTreeSet<IpAddr>>>);

impl Ready {
    fn add(&self, pod: IpAddr) {
        self.0.lock().expect("no test panics here").insert(pod);
    }

    fn remove(&self, pod: IpAddr) {
        self.0.lock().expect("no test panics here").remove(&pod);
    }

    /// Sends requests to each of them in turn.
    fn keep_asking(&self) -> Requests {
        let ready = self.clone();
        let (stop, mut stopped) = oneshot::channel();
        let asking = tokio::spawn(async move {
            let (mut ticks, mut under_way, mut answered) = (interval(EVERY), JoinSet::new(), 0);
            while stopped.try_recv().is_err() {
                ticks.tick().await;
                let pod = ready.next(answered);
                under_way.spawn(async move { ask(pod, "/").await });
                while let Some(answer) = under_way.try_join_next() {
                    answered += check(answer);
                }
            }
            while let Some(answer) = under_way.join_next().await {
                answered += check(answer);
            }
            answered
        });
        Requests { stop, asking }
    }

    fn next(&self, number: usize) -> IpAddr {
        let pods = self.0.lock().expect("no test panics here");
        *pods.iter().cycle().nth(number % pods.len().max(1)).expect("a pod is ready")
    }
}

/// Counts a request that was answered.
#[track_caller]
fn check(answer: Result<std::io::Result<Answer>, JoinError>) -> usize {
    assert_eq!(answer.expect("no panic").expect("an answer"), Answer::of("shop"));
    1
}

/// Requests that go on.
struct Requests {
    stop: oneshot::Sender<()>,
    asking: JoinHandle<usize>,
}

impl Requests {
    /// Ends them. How many there were: all were answered.
    async fn end(self) -> usize {
        self.stop.send(()).expect("they go on");
        self.asking.await.expect("every one was answered")
    }
}
