//! `cargo xtask bench cluster`: a thousand proxies created at once in a real API server, beside what that may take.
//!
//! Everything is on one machine: etcd, the API server, `contour serve`, and this client of both.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Parser;
use contour_api::conditions::ConditionStatus;
use contour_api::discovery::EndpointSlice;
use contour_api::v1::HTTPProxy;
use contour_tests::api_server::objects::{proxy, service};
use contour_tests::api_server::{Account, ApiServer};
use contour_tests::budget::{Figure, Line, Times};
use contour_tests::grpc::{Call, Client};
use contour_tests::program::Program;
use contour_tests::proxy::PATIENCE;
use contour_xds::resource::TypeUrl;
use contour_xds::wire::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

/// What can go wrong is the machine's fault or ours; either way the text is for whoever runs the benchmark.
type Error = Box<dyn std::error::Error>;

/// From the answer to the last creation until every status is right.
const STATUSES_WITHIN: Figure = Figure::Seconds(5.0);

/// From the answer to an edit of an EndpointSlice until a connected Envoy has it.
const ENDPOINT_WITHIN: Figure = Figure::Milliseconds(100.0);

const DELTA_ENDPOINTS: &str = "envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints";

/// Measure what happens when many proxies are created at once.
#[derive(Parser)]
struct Args {
    /// How many proxies; the budgets are for 1,000.
    #[arg(long, default_value = "1000")]
    size: usize,

    /// The program `contour`.
    contour: PathBuf,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Error> {
    let args = Args::parse();
    eprintln!("==> starting etcd and kube-apiserver");
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    server.apply(&service("web", 1)).await?;
    let program = start(&args.contour, &account);
    let mut envoy = Envoy::connect(xds_of(&program)?).await?;

    eprintln!("==> creating {} proxies", args.size);
    let admin = server.admin().client().await;
    let proxies = Api::<HTTPProxy>::namespaced(admin.clone(), "default");
    let (right, are_right) = watch::channel((0, Instant::now()));
    tokio::spawn(count_right(proxies.clone(), right));
    let asked = server.requests_of_contour().len();
    let begin = Instant::now();
    create(&proxies, args.size).await?;
    let created = Instant::now();
    let slices = Api::namespaced(admin, "default");
    let all_right = async {
        let mut are_right = are_right;
        are_right.wait_for(|(count, _)| *count == args.size).await.map(|right| right.1)
    };
    let (mut asking, mut reaching) = (Vec::new(), Vec::new());
    let right = tokio::select! {
        right = timeout(PATIENCE, all_right) => right??,
        failed = envoy.follow(&slices, &mut asking, &mut reaching) => return failed.map(|never| match never {}),
    };
    let requests = server.requests_of_contour();
    let writes = requests[asked..].iter().filter(|each| each.resource == "httpproxies/status");
    let lines = report(&Measured {
        creating: (created - begin).as_secs_f64(),
        statuses: right.saturating_duration_since(created).as_secs_f64(),
        writes: (writes.count(), args.size),
        asking: Times::of(asking),
        reaching: Times::of(reaching),
    });
    println!("{} proxies created at once, in a cluster on one machine", args.size);
    for line in &lines {
        println!("{line}");
    }
    let kept = lines.iter().all(Line::is_within_budget);
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `contour serve` with this account, in plain text.
fn start(contour: &Path, account: &Account) -> Program {
    let mut command = Command::new(contour);
    command.args(["serve", "--insecure", "--xds-address=127.0.0.1", "--xds-port=0"]);
    command.args(["--http-port=0", "--health-port=0", "--debug-http-port=0"]);
    command.arg("--ingress-status-address=192.0.2.1").arg("--kubeconfig").arg(&account.kubeconfig);
    Program::start(command)
}

struct Measured {
    creating: f64,
    statuses: f64,
    /// How many there were, and how many there may be.
    writes: (usize, usize),
    asking: Times,
    reaching: Times,
}

fn report(measured: &Measured) -> Vec<Line> {
    let ms = |seconds: f64| Figure::Milliseconds(seconds * 1e3);
    let Measured { creating, statuses, writes: (writes, may), asking, reaching } = measured;
    vec![
        Line::free("creating them", Figure::Seconds(*creating)),
        Line::bound("until all statuses are right", Figure::Seconds(*statuses), STATUSES_WITHIN),
        Line::bound("  writes of statuses", Figure::Count(*writes), Figure::Count(*may)),
        Line::free("an endpoint edited meanwhile, until the answer: median", ms(asking.median)),
        Line::free("  longest", ms(asking.max)),
        Line::bound(
            "from the answer to a connected Envoy: median",
            ms(reaching.median),
            ENDPOINT_WITHIN,
        ),
        Line::bound("  longest", ms(reaching.max), ENDPOINT_WITHIN),
    ]
}

/// Where a program serves, by its own words.
fn xds_of(program: &Program) -> Result<SocketAddr, Error> {
    const BEFORE: &str = "serving xDS in plain text address=";
    let said = program.says(BEFORE, 1);
    let address = said.split_once(BEFORE).and_then(|(_, rest)| rest.split_whitespace().next());
    Ok(address.ok_or("the program says no address")?.parse()?)
}

async fn create(proxies: &Api<HTTPProxy>, size: usize) -> Result<(), Error> {
    let parse = |number| serde_yaml_ng::from_str(&proxy(&format!("shop-{number}"), "web"));
    let made: Vec<HTTPProxy> = (0..size).map(parse).collect::<Result<_, _>>()?;
    let parameters = PostParams::default();
    try_join_all(made.iter().map(|each| proxies.create(&parameters, each))).await?;
    Ok(())
}

/// Says how many proxies are valid by the status of their newest generation, and since when it is so many.
async fn count_right(proxies: Api<HTTPProxy>, right: watch::Sender<(usize, Instant)>) {
    let mut names = BTreeSet::new();
    let watched = watcher(proxies, watcher::Config::default()).applied_objects();
    let each = watched.try_for_each(|proxy| {
        let condition = proxy.status.as_ref().and_then(|status| status.conditions.first());
        let is_right = condition.is_some_and(|condition| {
            condition.status == ConditionStatus::True
                && condition.observed_generation == proxy.metadata.generation
        });
        if is_right {
            names.insert(proxy.metadata.name.clone());
            right.send_replace((names.len(), Instant::now()));
        }
        std::future::ready(Ok(()))
    });
    if let Err(error) = each.await {
        eprintln!("the proxies cannot be watched: {error}");
    }
}

/// A client that wants the endpoints of one service.
struct Envoy {
    call: Call,
    _connection: Client,
}

impl Envoy {
    async fn connect(server: SocketAddr) -> Result<Envoy, Error> {
        let connection = Client::connect(server).await;
        let mut call = connection.call(DELTA_ENDPOINTS).await?;
        call.send(&DeltaDiscoveryRequest {
            type_url: TypeUrl::LoadAssignment.as_str().to_owned(),
            resource_names_subscribe: vec!["default/web/http".to_owned()],
            ..DeltaDiscoveryRequest::default()
        });
        Ok(Envoy { call, _connection: connection })
    }

    /// Edits the service's slice again and again, and measures in seconds how long the API server takes, and how long it
    /// takes from there.
    async fn follow(
        &mut self,
        slices: &Api<EndpointSlice>,
        asking: &mut Vec<f64>,
        reaching: &mut Vec<f64>,
    ) -> Result<Infallible, Error> {
        loop {
            let address = format!("198.18.1.{}", asking.len() % 250 + 1);
            let endpoint = json!({ "addresses": [&address], "conditions": { "ready": true } });
            let patch = Patch::Merge(json!({ "endpoints": [endpoint] }));
            let begin = Instant::now();
            slices.patch("web-1", &PatchParams::default(), &patch).await?;
            let answered = Instant::now();
            self.until(&address).await?;
            asking.push((answered - begin).as_secs_f64());
            reaching.push(answered.elapsed().as_secs_f64());
        }
    }

    /// Takes what comes, and acknowledges it, until it has this address.
    async fn until(&mut self, address: &str) -> Result<(), Error> {
        loop {
            let answer: DeltaDiscoveryResponse = self.call.try_next().await?;
            self.call.send(&DeltaDiscoveryRequest {
                type_url: answer.type_url,
                response_nonce: answer.nonce,
                ..DeltaDiscoveryRequest::default()
            });
            let mut bodies = answer.resources.iter().filter_map(|each| each.resource.as_ref());
            if bodies
                .any(|any| any.value.windows(address.len()).any(|each| each == address.as_bytes()))
            {
                return Ok(());
            }
        }
    }
}
