//! `cargo xtask bench cluster`: a thousand proxies created at once in a real API server, beside what that may take.
//!
//! Everything is on one machine: etcd, the API server, `contour serve`, and this client of both.

mod edits;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Parser;
use contour_api::conditions::ConditionStatus;
use contour_api::v1::HTTPProxy;
use contour_tests::api_server::objects::{proxy, service};
use contour_tests::api_server::{Account, ApiServer};
use contour_tests::budget::{Figure, Line, Times};
use contour_tests::program::Program;
use contour_tests::proxy::{PATIENCE, until};
use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use kube::Api;
use kube::api::PostParams;
use kube::runtime::{WatchStreamExt as _, watcher};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::edits::{Editing, Edits};

/// What can go wrong is the machine's fault or ours; either way the text is for whoever runs the benchmark.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// From the answer to the last creation until every status is right.
const STATUSES_WITHIN: Figure = Figure::Seconds(5.0);

/// From when an edit of an EndpointSlice is known, by the API server's answer and to whoever watches it, until a connected
/// Envoy has it. An API server that is as busy as this one tells watchers late at times, and us no earlier.
const ENDPOINT_WITHIN: Figure = Figure::Milliseconds(100.0);

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
    let xds = xds_of(&program)?;
    let proxies = Api::<HTTPProxy>::namespaced(server.admin().client().await, "default");
    let (right, mut are_right) = watch::channel((0, Instant::now()));
    let mut watchers = JoinSet::new(); // they end with it
    watchers.spawn(count_right(proxies.clone(), right));
    let writes = || {
        let requests = server.requests_of_contour();
        requests.iter().filter(|each| each.resource == "httpproxies/status").count()
    };

    // Endpoints are served once a host wants them.
    create(&proxies, 0..1).await?;
    until("the audit log has the first write", async || writes() == 1).await;
    let editing = Editing::begin(server.admin(), xds)?;

    eprintln!("==> creating {} proxies", args.size);
    let begin = Instant::now();
    create(&proxies, 1..=args.size).await?;
    let created = Instant::now();
    let right = are_right.wait_for(|(count, _)| *count == args.size + 1);
    let right = timeout(PATIENCE, right).await??.1;
    let edits = editing.end()?;
    drop(program);
    until("the audit log has every write", async || writes() > args.size).await;
    let lines = report(Measured {
        creating: (created - begin).as_secs_f64(),
        statuses: right.saturating_duration_since(created).as_secs_f64(),
        writes: (writes() - 1, args.size),
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

async fn create(
    proxies: &Api<HTTPProxy>,
    numbers: impl Iterator<Item = usize>,
) -> Result<(), Error> {
    let parse = |number| serde_yaml_ng::from_str(&proxy(&format!("shop-{number}"), "web"));
    let made: Vec<HTTPProxy> = numbers.map(parse).collect::<Result<_, _>>()?;
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
