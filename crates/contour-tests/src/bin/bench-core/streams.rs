//! The server of one Envoy of the separate dialect that has a stream for each load assignment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use contour::serve::hub::Hub;
use contour::serve::xds;
use contour_dag::{Assignment, Endpoint, LoadAssignment, Locality, ServicePort};
use contour_envoy::Translator;
use contour_xds::cache::{Cache, Published};
use contour_xds::resource::Dialect;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::{interval, sleep};

use crate::client::Told;
use crate::memory::{peak, resident};
use crate::{Error, clock};
use contour_tests::budget::Times;

/// How many updates are timed.
const ROUNDS: usize = 101;

/// How often it is looked whether every stream is idle.
const LOOK: Duration = Duration::from_millis(5);

/// How long the answers of the opening, which are slow because all come at once, may hold back what follows: pacing gives a
/// client the time that it took, half a second at most.
const PACED: Duration = Duration::from_millis(500);

/// What streams cost.
#[derive(Debug, Serialize, Deserialize)]
pub struct Figures {
    /// The server without a client, in bytes.
    pub before: u64,
    /// The server with all streams idle, in bytes.
    pub idle: u64,
    /// The most it occupied until then, in bytes.
    pub peak: u64,
    /// From the first connection until every stream was answered and its answer acknowledged, in seconds.
    pub opening: f64,
    /// From a changed load assignment to its bytes in the client's hands.
    pub update: Times,
    /// How many streams an update woke, at most.
    pub woken: usize,
}

/// What is served, and where it comes from.
struct Source {
    translator: Translator,
    cache: Cache,
    hub: Arc<Hub>,
}

impl Source {
    /// Serves the load assignments of `count` services.
    fn new(count: usize) -> Source {
        let hub = Arc::new(Hub::default());
        let (mut translator, _) = Translator::new(Arc::default(), Dialect::Aggregated);
        let mut cache = Cache::default();
        cache.enable_separate(&translator.speak(Dialect::Separate));
        let mut this = Source { translator, cache, hub };
        let everything = this.put((0..count).map(|number| edit(number, 0)).collect());
        this.hub.publish(everything);
        this
    }

    fn put(
        &mut self,
        load_assignments: Vec<(Assignment, Option<Arc<LoadAssignment>>)>,
    ) -> Published {
        let graph = contour_dag::Delta { load_assignments, ..contour_dag::Delta::default() };
        self.cache.publish(&self.translator.apply(&graph), self.hub.now())
    }

    /// Waits until every stream has accepted everything.
    async fn settle(&self) {
        let mut look = interval(LOOK);
        while !self.hub.settled() {
            look.tick().await;
        }
    }
}

/// A service that has one endpoint, at an address that ends so.
fn edit(number: usize, last: u8) -> (Assignment, Option<Arc<LoadAssignment>>) {
    let [.., high, low] = number.to_be_bytes();
    let address = IpAddr::from([10, high, low, last]);
    let endpoint = Endpoint { address, port: 8080, health_port: None };
    let locality = Locality { weight: 1, endpoints: vec![endpoint] };
    let port = ServicePort {
        namespace: format!("team-{:05}", number / 100).into(),
        service: format!("shop-{number}").into(),
        number: 80,
        name: Some("http".into()),
    };
    let assignment = Assignment::Service { port, health_port: None };
    (assignment, Some(Arc::new(LoadAssignment { localities: vec![locality] })))
}

/// The name by which Envoy asks for the load assignment of a service.
pub fn name(number: usize) -> String {
    format!("team-{:05}/shop-{number}/http", number / 100)
}

/// Serves `count` streams to a client in another process.
pub fn measure(count: usize) -> Result<Figures, Error> {
    Runtime::new()?.block_on(async {
        let mut source = Source::new(count);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (control, _events) = mpsc::channel(1);
        tokio::spawn(xds::serve(listener, Arc::clone(&source.hub), control));

        let before = resident()?;
        let begin = clock::now();
        let mut client = Client::start(address, count)?;
        client.settled().await?;
        source.settle().await;
        let opening = clock::now().saturating_sub(begin).as_secs_f64();
        let (idle, peak) = (resident()?, peak()?);
        sleep(PACED).await;

        let (mut times, mut woken) = (Vec::with_capacity(ROUNDS), 0);
        for number in (0..ROUNDS).map(|round| round * count / ROUNDS) {
            let change = vec![edit(number, 1)];
            let begin = clock::now();
            let published = source.put(change);
            woken = woken.max(source.hub.publish(published));
            let at = client.updated(number).await?;
            times.push(at.saturating_sub(begin).as_secs_f64());
            source.settle().await;
        }
        let update = Times::of(times).ok_or("no round")?;
        Ok(Figures { before, idle, peak, opening, update, woken })
    })
}

/// The client's process, which ends with the connection, and at the latest with this value.
struct Client {
    _process: Child,
    told: Lines<BufReader<ChildStdout>>,
}

impl Client {
    fn start(server: SocketAddr, count: usize) -> Result<Client, Error> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["client", &server.to_string(), "--size", &count.to_string()]);
        let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let told = process.stdout.take().ok_or("a client without output")?;
        Ok(Client { _process: process, told: BufReader::new(told).lines() })
    }

    async fn next(&mut self) -> Result<Told, Error> {
        let line = self.told.next_line().await?.ok_or("the client is gone")?;
        Ok(serde_json::from_str(&line)?)
    }

    async fn settled(&mut self) -> Result<(), Error> {
        match self.next().await? {
            Told::Settled => Ok(()),
            other @ Told::Updated { .. } => {
                Err(format!("expected that all is settled, but {other:?}").into())
            }
        }
    }

    /// When the response for this load assignment, and for no other, came.
    async fn updated(&mut self, expected: usize) -> Result<Duration, Error> {
        match self.next().await? {
            Told::Updated { number, at } if number == expected => Ok(at),
            other => Err(format!("expected an update of {expected}, but {other:?}").into()),
        }
    }
}
