//! `contour run` with a real Envoy, as a user runs it.
//!
//! Without an Envoy these tests fail where `CI` is set, and are shown as ignored elsewhere.

mod program;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use contour_tests::program::Program;
use contour_tests::proxy::PATIENCE;
use libtest_mimic::{Arguments, Trial};
use program::contour;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, interval, timeout};

/// A test, given the Envoy to use.
type Test = fn(Arc<Path>) -> std::pin::Pin<Box<dyn Future<Output = ()>>>;

/// Lists tests by the names of their functions.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        [$((stringify!($name), (|envoy| Box::pin($name(envoy))) as Test)),*]
    };
}

fn main() {
    let mut arguments = Arguments::from_args();
    // Each test has an Envoy with workers of its own; side by side they only slow each other down.
    arguments.test_threads.get_or_insert(2);
    let envoy = envoy();
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(envoy.is_some() || !ci, "no Envoy: `cargo xtask tools` fetches one");
    let tests = tests![
        an_edit_changes_what_is_served_and_printed,
        an_envoy_that_was_killed_is_started_again,
        sigint_ends_everything_and_leaves_nothing,
        sigterm_ends_everything_and_leaves_nothing,
        a_closed_terminal_ends_everything_and_leaves_nothing,
        requests_under_way_are_finished,
        a_second_interrupt_waits_for_no_request,
        an_envoy_does_not_outlive_a_contour_that_was_killed,
        a_directory_that_vanishes_keeps_serving_and_may_come_back,
        it_serves_on_when_nobody_reads_what_it_prints,
        an_envoy_started_by_someone_else_is_served,
    ];
    let trials = tests.into_iter().map(|(name, test)| {
        let binary = envoy.clone();
        let trial = Trial::test(name, move || {
            let runtime = tokio::runtime::Runtime::new()?;
            runtime.block_on(test(binary.ok_or("no Envoy")?));
            Ok(())
        });
        trial.with_ignored_flag(envoy.is_none())
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

/// The Envoy to test with: the one that `ENVOY_BIN` names, else the nearest `.tools/envoy` above this crate.
fn envoy() -> Option<Arc<Path>> {
    let named = std::env::var_os("ENVOY_BIN").filter(|value| !value.is_empty()).map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let fetched = || above.map(|each| each.join(".tools/envoy")).find(|each| each.is_file());
    named.or_else(fetched).map(Arc::from)
}

/// Waits until something holds that another process brings about.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    let mut ticks = interval(Duration::from_millis(10));
    while !holds().await {
        assert!(begin.elapsed() < PATIENCE, "still not so after {PATIENCE:?}: {what}");
        ticks.tick().await;
    }
}

/// A backend that answers each request with its name; those for `/slow` when it is told to, and never before.
struct Backend {
    address: SocketAddr,
    released: watch::Sender<bool>,
    asked: watch::Receiver<usize>,
}

impl Backend {
    async fn start(name: &'static str) -> Backend {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (released, release) = watch::channel(false);
        let (asking, asked) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(answer(stream, name, release.clone(), asking.clone()));
            }
        });
        Backend { address, released, asked }
    }
}

/// Answers one request. An error is a peer that went away; it sees that itself.
async fn answer(
    mut stream: TcpStream,
    name: &str,
    mut release: watch::Receiver<bool>,
    asking: watch::Sender<usize>,
) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    if request.starts_with(b"GET /slow ") {
        asking.send_modify(|count| *count += 1);
        release.wait_for(|released| *released).await.map_err(io::Error::other)?;
    }
    let head =
        format!("HTTP/1.1 200 OK\r\nx-backend: {name}\r\ncontent-length: 0\r\nconnection: close");
    stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await
}

/// `contour run` of one host that a backend serves.
struct World {
    program: Program,
    backend: Backend,
    manifests: TempDir,
    /// The program's `TMPDIR`.
    scratch: TempDir,
    http: SocketAddr,
}

impl World {
    /// Starts it, and waits until it says that it serves.
    async fn start(envoy: &Path) -> World {
        World::start_with(envoy, Program::start).await
    }

    async fn start_with(envoy: &Path, start: impl FnOnce(Command) -> Program) -> World {
        let backend = Backend::start("one").await;
        let (manifests, scratch) = (directory(), directory());
        write_service(manifests.path(), backend.address);
        write_proxy(manifests.path(), "shop.example.com");
        let (http, stats) = free_ports();
        let mut command = contour(["run", manifests.path().to_str().expect("text")]);
        command
            .args(["--http-port", &http.port().to_string()])
            .args(["--stats-port", &stats.port().to_string()])
            .arg("--envoy-bin")
            .arg(envoy)
            .env("TMPDIR", scratch.path());
        let world = World { program: start(command), backend, manifests, scratch, http };
        world.program.says("contour: Envoy 1.", 1);
        world.becomes("shop.example.com", "/", Some("one")).await;
        world
    }

    /// Sends this request until this backend answers; none is an answer of Envoy.
    async fn becomes(&self, host: &str, path: &str, expect: Option<&str>) {
        let what = format!("{host}{path} is answered by {expect:?}");
        until(&what, async || {
            get(self.http, host, path).await.is_ok_and(|found| found.as_deref() == expect)
        })
        .await;
    }

    /// A request that is under way at the backend and not answered.
    async fn slow_request(&mut self) -> JoinHandle<io::Result<Option<String>>> {
        let request = tokio::spawn(get(self.http, "shop.example.com", "/slow"));
        let asked = self.backend.asked.wait_for(|count| *count == 1);
        timeout(PATIENCE, asked).await.expect("in time").expect("a backend");
        request
    }

    /// What the program has in its temporary directory.
    fn left(&self) -> Vec<PathBuf> {
        let entries = self.scratch.path().read_dir().expect("a directory");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    /// The one process that the program has started.
    fn envoy(&self) -> Pid {
        let children = children(self.program.pid());
        assert_eq!(children.len(), 1, "{children:?}");
        children[0]
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn write_service(directory: &Path, backend: SocketAddr) {
    let text = format!(
        "\
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: shop}}
spec: {{ports: [{{name: http, port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: web, namespace: shop, labels: {{kubernetes.io/service-name: web}}}}
addressType: IPv4
ports: [{{name: http, port: {}}}]
endpoints: [{{addresses: [{}]}}]
",
        backend.port(),
        backend.ip()
    );
    fs::write(directory.join("service.yaml"), text).expect("a file");
}

fn write_proxy(directory: &Path, host: &str) {
    let text = format!(
        "\
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {{name: shop, namespace: shop}}
spec:
  virtualhost: {{fqdn: {host}}}
  routes:
  - services: [{{name: web, port: 80}}]
"
    );
    fs::write(directory.join("shop.yaml"), text).expect("a file");
}

/// Two free ports of loopback.
fn free_ports() -> (SocketAddr, SocketAddr) {
    // Both are held until both are known, so that they differ.
    let [one, two] = [(); 2]
        .map(|()| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    (one.local_addr().expect("its address"), two.local_addr().expect("its address"))
}

/// The backend that answers a request; none if Envoy answers.
async fn get(
    address: SocketAddr,
    host: impl Into<String>,
    path: impl Into<String>,
) -> io::Result<Option<String>> {
    let (host, path) = (host.into(), path.into());
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, _) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| io::Error::other("the connection ended without an answer"))?;
    Ok(head.lines().find_map(|line| line.strip_prefix("x-backend: ")).map(str::to_owned))
}

/// The processes that a process has started and that run.
fn children(parent: Pid) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number| state(*number).is_some_and(|(_, of)| of == parent.as_raw_pid()))
        .filter_map(Pid::from_raw)
        .collect()
}

/// The state of a process and its parent, by `proc_pid_stat(5)`; none if it is gone, waited for or not.
fn state(pid: i32) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    (!matches!(state, 'Z' | 'X')).then_some((state, parent))
}

fn runs(process: Pid) -> bool {
    state(process.as_raw_pid()).is_some()
}

async fn an_edit_changes_what_is_served_and_printed(envoy: Arc<Path>) {
    let world = World::start(&envoy).await;
    let printed = world.program.prints("shop.example.com  HTTPProxy shop/shop  valid", 1);
    let expect = "\
2 files, 3 objects
HOST              OBJECT               STATUS  REASON
shop.example.com  HTTPProxy shop/shop  valid   Valid
";
    assert!(printed.starts_with(expect), "{printed}");
    write_proxy(world.manifests.path(), "new.example.com");
    world.becomes("new.example.com", "/", Some("one")).await;
    world.becomes("shop.example.com", "/", None).await;
    let expect = "\
HOST             OBJECT               STATUS  REASON
new.example.com  HTTPProxy shop/shop  valid   Valid
";
    world.program.prints(expect, 1);
}

async fn an_envoy_that_was_killed_is_started_again(envoy: Arc<Path>) {
    let world = World::start(&envoy).await;
    let first = world.envoy();
    kill_process(first, Signal::KILL).expect("a process");
    world.program.says(
        "contour: Envoy ended (signal: 9 (SIGKILL)); starting it again in 500ms\ncontour: Envoy 1.",
        1,
    );
    world.becomes("shop.example.com", "/", Some("one")).await;
    assert_ne!(world.envoy(), first);
}

/// Ends a program that serves by this signal; nothing of it is left.
async fn check_end(envoy: &Path, signal: Signal) {
    let world = World::start(envoy).await;
    let process = world.envoy();
    let left = world.left();
    assert_eq!(left.len(), 1, "{left:?}");
    let mode = left[0].metadata().expect("a directory").permissions().mode();
    assert_eq!(mode & 0o7777, 0o700, "nobody else may look at it");
    world.program.signal(signal);
    let (http, scratch) = (world.http, world.scratch);
    let ended = world.program.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(!runs(process));
    get(http, "shop.example.com", "/").await.expect_err("nobody listens");
    assert_eq!(scratch.path().read_dir().expect("a directory").count(), 0);
    assert!(ended.out.contains("HTTPProxy shop/shop  valid"), "{}", ended.out);
}

async fn sigint_ends_everything_and_leaves_nothing(envoy: Arc<Path>) {
    check_end(&envoy, Signal::INT).await;
}

async fn sigterm_ends_everything_and_leaves_nothing(envoy: Arc<Path>) {
    check_end(&envoy, Signal::TERM).await;
}

async fn a_closed_terminal_ends_everything_and_leaves_nothing(envoy: Arc<Path>) {
    check_end(&envoy, Signal::HUP).await;
}

async fn requests_under_way_are_finished(envoy: Arc<Path>) {
    let mut world = World::start(&envoy).await;
    let request = world.slow_request().await;
    world.program.signal(Signal::INT);
    world.program.says("letting Envoy finish what is under way", 1);
    world.backend.released.send_replace(true);
    let answer = request.await.expect("no panic").expect("an answer");
    assert_eq!(answer.as_deref(), Some("one"));
    assert_eq!(world.program.end().code, Some(0));
}

async fn a_second_interrupt_waits_for_no_request(envoy: Arc<Path>) {
    let mut world = World::start(&envoy).await;
    let process = world.envoy();
    let request = world.slow_request().await;
    world.program.signal(Signal::INT);
    world.program.says("Ctrl-C ends it at once", 1);
    assert!(runs(process), "it waits for the request");
    world.program.signal(Signal::INT);
    request.await.expect("no panic").expect_err("the request is cut off");
    let left = world.scratch;
    assert_eq!(world.program.end().code, Some(0));
    until("Envoy is gone", async || !runs(process)).await;
    assert_eq!(left.path().read_dir().expect("a directory").count(), 0);
}

async fn an_envoy_does_not_outlive_a_contour_that_was_killed(envoy: Arc<Path>) {
    let world = World::start(&envoy).await;
    let process = world.envoy();
    world.program.signal(Signal::KILL);
    until("Envoy is gone", async || !runs(process)).await;
    assert_eq!(world.program.end().code, None);
}

async fn a_directory_that_vanishes_keeps_serving_and_may_come_back(envoy: Arc<Path>) {
    let world = World::start(&envoy).await;
    let away = world.manifests.path().with_extension("away");
    fs::rename(world.manifests.path(), &away).expect("a directory");
    world.program.prints("what it held before stays\n", 1);
    world.becomes("shop.example.com", "/", Some("one")).await;
    write_proxy(&away, "new.example.com");
    fs::rename(&away, world.manifests.path()).expect("a directory");
    world.program.prints("1 finding no more\n", 1);
    world.becomes("new.example.com", "/", Some("one")).await;
}

async fn it_serves_on_when_nobody_reads_what_it_prints(envoy: Arc<Path>) {
    let world = World::start_with(&envoy, Program::start_unread).await;
    write_proxy(world.manifests.path(), "new.example.com");
    world.becomes("new.example.com", "/", Some("one")).await;
    world.program.signal(Signal::INT);
    let ended = world.program.end();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}

/// Another program, killed when dropped.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn an_envoy_started_by_someone_else_is_served(envoy: Arc<Path>) {
    let backend = Backend::start("one").await;
    let (manifests, scratch) = (directory(), directory());
    write_service(manifests.path(), backend.address);
    write_proxy(manifests.path(), "shop.example.com");
    let (http, stats) = free_ports();
    let source = format!("directory={}", manifests.path().display());
    let mut command = contour(["serve", "--source", &source, "--insecure", "--xds-port=0"]);
    command
        .args(["--http-port=0", "--health-port=0", "--debug-http-port=0"])
        .args(["--envoy-service-http-address", "127.0.0.1", "--stats-address", "127.0.0.1"])
        .args(["--envoy-service-http-port", &http.port().to_string()])
        .args(["--stats-port", &stats.port().to_string()])
        .args(["--envoy-http-access-log", "/dev/null"]);
    let program = Program::start(command);
    let said = program.says("serving xDS in plain text address=127.0.0.1:", 1);
    let (_, port) = said.trim_end().rsplit_once(':').expect("was waited for");
    let file = scratch.path().join("envoy.json");
    let admin = scratch.path().join("admin.sock");
    let mut bootstrap = contour(["bootstrap", file.to_str().expect("text"), "--xds-port", port]);
    bootstrap.arg("--admin-address").arg(admin);
    assert_eq!(Program::start(bootstrap).end().code, Some(0));
    let mut command = Command::new(&*envoy);
    command
        .arg("--config-path")
        .arg(file)
        .args(["--service-node", "test", "--service-cluster", "test", "--disable-hot-restart"])
        .args(["--concurrency", "2", "--log-level", "error"]);
    let _envoy = Killed(command.spawn().expect("Envoy starts"));
    until("the backend answers", async || {
        let answer = get(http, "shop.example.com", "/").await;
        answer.is_ok_and(|found| found.as_deref() == Some("one"))
    })
    .await;
    program.signal(Signal::TERM);
    assert_eq!(program.end().code, Some(0));
}
