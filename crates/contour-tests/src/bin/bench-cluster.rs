//! `cargo xtask bench cluster`: a thousand proxies created at once in a real API server, beside what that may take.
//!
//! Everything is on one machine: etcd, the API server, `contour serve`, and this client of both.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use bytes::Bytes;
use clap::Parser;
use contour_api::conditions::ConditionStatus;
use contour_api::discovery::EndpointSlice;
use contour_api::v1::HTTPProxy;
use contour_tests::api_server::objects::{proxy, service};
use contour_tests::api_server::{Account, ApiServer, Request};
use contour_tests::budget::{Figure, Line, Times};
use contour_tests::grpc::Client;
use contour_tests::program::Program;
use contour_tests::proxy::{PATIENCE, until};
use contour_xds::resource::TypeUrl;
use contour_xds::wire::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What can go wrong is the machine's fault or ours; either way the text is for whoever runs the benchmark.
type Error = Box<dyn std::error::Error>;

/// From the answer to the last creation until every status is right.
const STATUSES_WITHIN: Figure = Figure::Seconds(5.0);

/// From when an edit of an EndpointSlice is known, by the API server's answer and to whoever watches it, until a connected
/// Envoy has it. An API server that is as busy as this one tells watchers late at times, and us no earlier.
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
    let (right, mut are_right) = watch::channel((0, Instant::now()));
    let mut watchers = JoinSet::new(); // they end with it
    watchers.spawn(count_right(proxies.clone(), right));
    let asked = server.requests_of_contour().len();
    let slices = Api::namespaced(admin, "default");
    let created_and_right = async {
        let begin = Instant::now();
        create(&proxies, args.size).await?;
        let created = Instant::now();
        let right = are_right.wait_for(|(count, _)| *count == args.size);
        let right = timeout(PATIENCE, right).await??.1;
        Ok::<_, Error>((created - begin, right.saturating_duration_since(created)))
    };
    let mut edits = Edits::default();
    let (creating, statuses) = tokio::select! {
        took = created_and_right => took?,
        failed = envoy.follow(&slices, &mut edits) => return failed.map(|never| match never {}),
    };
    drop(program);
    let writes = || {
        let requests = server.requests_of_contour();
        let of_status = |each: &&Request| each.resource == "httpproxies/status";
        requests[asked..].iter().filter(of_status).count()
    };
    until("the audit log has every write", async || writes() >= args.size).await;
    let lines = report(Measured {
        creating: creating.as_secs_f64(),
        statuses: statuses.as_secs_f64(),
        writes: (writes(), args.size),
        edits,
    })?;
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
    edits: Edits,
}

fn report(measured: Measured) -> Result<Vec<Line>, Error> {
    let ms = |seconds: f64| Figure::Milliseconds(seconds * 1e3);
    let Measured { creating, statuses, writes: (writes, may), edits } = measured;
    let times = |each| Times::of(each).ok_or("no endpoint was edited meanwhile");
    let count = edits.asking.len();
    let (asking, watching) = (times(edits.asking)?, times(edits.watching)?);
    let (reaching, beyond) = (times(edits.reaching)?, times(edits.beyond)?);
    Ok(vec![
        Line::free("creating them", Figure::Seconds(creating)),
        Line::bound("until all statuses are right", Figure::Seconds(statuses), STATUSES_WITHIN),
        Line::bound("  writes of statuses", Figure::Count(writes), Figure::Count(may)),
        Line::free("edits of an endpoint meanwhile", Figure::Count(count)),
        Line::free("  until the API server's answer: median", ms(asking.median)),
        Line::free("    longest", ms(asking.max)),
        Line::free("  from there to a watcher of it: median", ms(watching.median)),
        Line::free("    longest", ms(watching.max)),
        Line::bound("  from there to an Envoy: median", ms(reaching.median), ENDPOINT_WITHIN),
        Line::free("    longest", ms(reaching.max)),
        Line::bound("    longest after the watcher has it", ms(beyond.max), ENDPOINT_WITHIN),
    ])
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
    /// What it got last, and when.
    got: watch::Receiver<(Bytes, Instant)>,
}

/// Edits of an endpoint; times in seconds.
#[derive(Default)]
struct Edits {
    /// Until the API server's answer.
    asking: Vec<f64>,
    /// From there until a plain watcher of the object has it.
    watching: Vec<f64>,
    /// From there until a client of `contour serve` has it.
    reaching: Vec<f64>,
    /// From when both the answer and the watcher's news were there.
    beyond: Vec<f64>,
}

/// Says which resource version of the slice a watcher saw last, and since when.
async fn watch_slice(slices: Api<EndpointSlice>, seen: watch::Sender<(Option<String>, Instant)>) {
    let watched = watcher(slices, watcher::Config::default()).applied_objects();
    let each = watched.try_for_each(|slice| {
        if slice.metadata.name.as_deref() == Some("web-1") {
            seen.send_replace((slice.metadata.resource_version, Instant::now()));
        }
        std::future::ready(Ok(()))
    });
    if let Err(error) = each.await {
        eprintln!("the endpoints cannot be watched: {error}");
    }
}

impl Envoy {
    /// Takes what comes, and acknowledges it at once, whatever the rest of this program is waiting for.
    async fn connect(server: SocketAddr) -> Result<Envoy, Error> {
        let connection = Client::connect(server).await;
        let mut call = connection.call(DELTA_ENDPOINTS).await?;
        call.send(&DeltaDiscoveryRequest {
            type_url: TypeUrl::LoadAssignment.as_str().to_owned(),
            resource_names_subscribe: vec!["default/web/http".to_owned()],
            ..DeltaDiscoveryRequest::default()
        });
        let (put, got) = watch::channel((Bytes::new(), Instant::now()));
        tokio::spawn(async move {
            let _connection = connection;
            while let Ok(answer) = call.try_next::<DeltaDiscoveryResponse>().await {
                call.send(&DeltaDiscoveryRequest {
                    type_url: answer.type_url,
                    response_nonce: answer.nonce,
                    ..DeltaDiscoveryRequest::default()
                });
                for body in answer.resources.into_iter().filter_map(|each| each.resource) {
                    put.send_replace((body.value, Instant::now()));
                }
            }
        });
        Ok(Envoy { got })
    }

    /// Edits the service's slice again and again.
    async fn follow(
        &mut self,
        slices: &Api<EndpointSlice>,
        edits: &mut Edits,
    ) -> Result<Infallible, Error> {
        let (see, mut seen) = watch::channel((None, Instant::now()));
        let mut watchers = JoinSet::new(); // they end with it
        watchers.spawn(watch_slice(slices.clone(), see));
        loop {
            let address = format!("198.18.1.{}", edits.asking.len() % 250 + 1);
            let endpoint = json!({ "addresses": [&address], "conditions": { "ready": true } });
            let patch = Patch::Merge(json!({ "endpoints": [endpoint] }));
            let begin = Instant::now();
            let slice = slices.patch("web-1", &PatchParams::default(), &patch).await?;
            let answered = Instant::now();
            let has_it = |(body, _): &(Bytes, _)| {
                body.windows(address.len()).any(|each| each == address.as_bytes())
            };
            let arrived = timeout(PATIENCE, self.got.wait_for(has_it)).await??.1;
            let is_it = |(version, _): &(_, _)| *version == slice.metadata.resource_version;
            let watched = timeout(PATIENCE, seen.wait_for(is_it)).await??.1;
            let after = |moment| arrived.saturating_duration_since(moment).as_secs_f64();
            edits.asking.push((answered - begin).as_secs_f64());
            edits.watching.push(watched.saturating_duration_since(answered).as_secs_f64());
            edits.reaching.push(after(answered));
            edits.beyond.push(after(answered.max(watched)));
        }
    }
}
