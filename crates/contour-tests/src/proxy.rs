//! A real Envoy, and requests through it.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contour::envoy::admin::Admin;
use contour_envoy::access_log::{AccessLog, Level};
use contour_envoy::bootstrap::{Bootstrap, Host, SocketPath, json};
use contour_envoy::config::{Addresses, Bind, Binds};
use contour_xds::resource::Dialect;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, interval, timeout};

/// How long anything may take that is expected to happen. Machines are shared; nothing measures it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Where one Envoy listens.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// For requests.
    pub http: SocketAddr,
    /// For statistics and health.
    pub stats: SocketAddr,
}

impl Ports {
    /// Two free ports of loopback, given to nobody else in this process.
    pub fn free() -> Ports {
        Ports { http: free_address(), stats: free_address() }
    }

    /// A configuration with these ports, without an admin listener and without an access log.
    pub fn config(&self) -> Arc<contour_envoy::Config> {
        let bind = |address: SocketAddr| Bind {
            address: address.ip(),
            port: NonZeroU16::new(address.port()).expect("a bound port is not 0"),
        };
        let (http, stats) = (bind(self.http), bind(self.stats));
        let binds = Binds { http, stats, health: stats, admin: None, ..Binds::default() };
        Arc::new(contour_envoy::Config {
            addresses: Addresses::new(binds).expect("they differ"),
            access_log: AccessLog { level: Level::Disabled, ..AccessLog::default() },
            ..contour_envoy::Config::default()
        })
    }
}

/// Ports that were given away: who got one has not listened on it yet, perhaps.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

fn free_address() -> SocketAddr {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        if GIVEN.lock().expect("no test panics here").insert(address.port()) {
            return address;
        }
    }
}

/// A running Envoy, killed when dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it takes requests.
    pub http: SocketAddr,
    admin: Admin,
    socket: PathBuf,
    _scratch: TempDir,
    _process: Child,
}

impl Proxy {
    /// Starts an Envoy that gets everything from the xDS server at `xds`.
    pub fn start(binary: &Path, xds: SocketAddr, dialect: Dialect, ports: Ports) -> Proxy {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let socket = scratch.path().join("admin.sock");
        let bootstrap = Bootstrap {
            dialect,
            xds_host: Host::Ip(xds.ip()),
            xds_port: NonZeroU16::new(xds.port()).expect("a bound port is not 0"),
            admin_socket: SocketPath::new(socket.to_str().expect("text")).expect("a short path"),
            node_id: Some("test".to_owned()),
            node_cluster: Some("test".to_owned()),
            ..Bootstrap::default()
        };
        let file = scratch.path().join("envoy.json");
        std::fs::write(&file, json(&bootstrap)).expect("a file to write");
        let process = Command::new(binary)
            .arg("--config-path")
            .arg(&file)
            .args(["--disable-hot-restart", "--concurrency", "2", "--drain-time-s", "1"])
            .args(["--log-level", "error", "--skip-deprecated-logs"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("Envoy starts");
        let admin = Admin::new(&socket);
        Proxy { http: ports.http, admin, socket, _scratch: scratch, _process: process }
    }

    /// Asks Envoy's admin interface.
    ///
    /// # Errors
    /// What kept it from answering.
    pub async fn ask(&self, path: &str) -> Result<String, String> {
        self.admin.get(path).await.map_err(|error| error.to_string())
    }

    /// The socket of Envoy's admin interface.
    pub fn admin_socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// One of Envoy's counters or gauges; `None` if there is none of that name, or no Envoy yet.
    pub async fn stat(&self, name: &str) -> Option<u64> {
        let stats = self.ask("/stats").await.ok()?;
        stats.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok())
    }

    /// The sum of all counters whose name ends like this.
    pub async fn sum(&self, suffix: &str) -> u64 {
        let stats = self.ask("/stats").await.expect("statistics");
        let values = stats.lines().filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.ends_with(suffix).then(|| value.parse::<u64>().ok())?
        });
        values.sum()
    }

    /// How many updates Envoy has refused, of all types.
    pub async fn rejected(&self) -> u64 {
        self.sum("update_rejected").await
    }

    /// A request through Envoy.
    ///
    /// # Errors
    /// If nobody listens, or the answer is none.
    pub async fn get(&self, host: &str, path: &str) -> io::Result<Answer> {
        get(self.http, host, path).await
    }

    /// Sends this request until the answer is as expected.
    #[track_caller]
    pub fn becomes(
        &self,
        host: &str,
        path: &str,
        expect: Answer,
    ) -> impl Future<Output = ()> + use<'_> {
        let what = format!("{host}{path} is answered {expect:?}");
        let (host, path) = (host.to_owned(), path.to_owned());
        async move {
            until(&what, async || self.get(&host, &path).await.is_ok_and(|found| found == expect))
                .await;
        }
    }
}

/// Who answered, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The backend that answered; none if Envoy did.
    pub backend: Option<String>,
}

impl Answer {
    /// An answer of a backend.
    pub fn of(backend: &str) -> Answer {
        Answer { status: 200, backend: Some(backend.to_owned()) }
    }

    /// An answer of Envoy itself.
    pub fn envoy(status: u16) -> Answer {
        Answer { status, backend: None }
    }
}

/// A request on a connection of its own.
///
/// # Errors
/// If nobody listens, or the answer is none.
pub async fn get(address: SocketAddr, host: &str, path: &str) -> io::Result<Answer> {
    Request::get(host, path).send(address).await.map(|response| response.answer())
}

/// The same without asking for the connection to be closed: it is, once the server does not want it any more.
///
/// # Errors
/// As [`get`].
pub async fn get_and_stay(address: SocketAddr, host: &str, path: &str) -> io::Result<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let closed = |_: &str| false;
    exchange(TcpStream::connect(address), &request, closed).await.map(|response| response.answer())
}

/// A request of HTTP/1.1 without a body.
#[derive(Clone, Debug)]
pub struct Request {
    /// The head but for its last line.
    head: String,
    /// The address that it comes from; none if that does not matter.
    source: Option<IpAddr>,
}

impl Request {
    /// One for this host and path.
    pub fn get(host: &str, path: &str) -> Request {
        Request::new("GET", host, path)
    }

    /// The same with another method.
    pub fn new(method: &str, host: &str, path: &str) -> Request {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        Request { head, source: None }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// Sent from this address of the machine.
    #[must_use]
    pub fn from(mut self, source: impl Into<IpAddr>) -> Request {
        self.source = Some(source.into());
        self
    }

    /// Sends it on a connection of its own, and waits for the whole response.
    ///
    /// # Errors
    /// If nobody listens, or the answer is none.
    pub async fn send(&self, address: SocketAddr) -> io::Result<Response> {
        // Envoy waits a second for its client to close the connection first.
        let complete = |text: &str| Response::parse(text).is_some_and(|each| each.is_complete());
        exchange(self.connect(address), &format!("{}\r\n", self.head), complete).await
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let Some(source) = self.source else { return TcpStream::connect(address).await };
        let socket = if source.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind((source, 0).into())?;
        socket.connect(address).await
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names, in lower case, and values, as they came.
    pub headers: Vec<(String, String)>,
    /// The body, as it came.
    pub body: String,
}

impl Response {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every header of this name, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.headers.iter().filter(move |(each, _)| each == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The backend that answered; none if Envoy did.
    pub fn backend(&self) -> Option<&str> {
        self.header("x-backend")
    }

    /// The path and query that the backend was asked for; nothing if none was.
    pub fn heard_path(&self) -> String {
        self.heard()["path"].as_str().unwrap_or_default().to_owned()
    }

    /// The header that the backend got.
    pub fn heard_header(&self, name: &str) -> Option<String> {
        self.heard()["headers"][name].as_str().map(str::to_owned)
    }

    /// What a backend says that it was asked; null if the body is not what a backend says.
    pub fn heard(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Who answered, and how.
    pub fn answer(&self) -> Answer {
        Answer { status: self.status, backend: self.backend().map(str::to_owned) }
    }

    /// Whether there is as much body as it says; one that does not say ends with its connection.
    fn is_complete(&self) -> bool {
        let length = self.header("content-length").and_then(|length| length.parse().ok());
        length.is_some_and(|length: usize| self.body.len() >= length)
    }

    fn parse(text: &str) -> Option<Response> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers = lines.filter_map(header).collect();
        Some(Response { status, headers, body: body.to_owned() })
    }
}

/// Connects, sends a request, and reads until that is enough, or the connection is closed.
async fn exchange(
    connect: impl Future<Output = io::Result<TcpStream>>,
    request: &str,
    enough: impl Fn(&str) -> bool,
) -> io::Result<Response> {
    let exchange = async {
        let mut stream = connect.await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        while stream.read_buf(&mut answer).await? > 0 {
            if enough(&String::from_utf8_lossy(&answer)) {
                break;
            }
        }
        io::Result::Ok(answer)
    };
    let answer = timeout(PATIENCE, exchange).await.map_err(io::Error::other)?;
    Response::parse(&String::from_utf8_lossy(&answer?))
        .ok_or_else(|| io::Error::other("the connection ended without an answer"))
}

/// Waits until something holds that another process brings about.
///
/// # Panics
/// If it does not, within [`PATIENCE`].
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    let mut ticks = interval(Duration::from_millis(10));
    while !holds().await {
        assert!(begin.elapsed() < PATIENCE, "still not so after {PATIENCE:?}: {what}");
        ticks.tick().await;
    }
}

/// Checks again and again that something holds, for so long.
///
/// # Panics
/// If it does not.
pub async fn throughout(span: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    let mut ticks = interval(Duration::from_millis(500));
    while begin.elapsed() < span {
        assert!(holds().await, "no more so after {:?}: {what}", begin.elapsed());
        ticks.tick().await;
    }
}

/// The Envoy to test with: the one that `ENVOY_BIN` names, else `.tools/envoy` of this checkout.
pub fn binary() -> Option<PathBuf> {
    let named = std::env::var_os("ENVOY_BIN").filter(|value| !value.is_empty()).map(PathBuf::from);
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/envoy");
    named.or_else(|| fetched.is_file().then_some(fetched))
}
