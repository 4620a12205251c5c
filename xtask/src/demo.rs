//! `cargo xtask demo`: a directory of manifests, served by a real Envoy, on one machine.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};

use crate::{bound, cargo, envoy, http};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Make the requests, compare the answers, stop everything; exit 0 if all were right and 1 otherwise
    #[arg(long)]
    check: bool,
}

/// The manifests, which name the addresses of the two backends.
const MANIFESTS: &str = "examples/demo";
const BACKENDS: [(&str, &str); 2] = [("one", "127.0.0.1:9101"), ("two", "127.0.0.1:9102")];

/// Where `contour run` serves plain HTTP unless told otherwise.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// How long Envoy may take until it answers the first request.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// How long a child may take to stop before it is killed: longer than `contour run` drains its Envoy.
const STOP_WITHIN: Duration = Duration::from_mins(1);

/// How many requests a weighted route gets. With 3 : 1 the chance to miss a backend is below 10⁻⁷.
const WEIGHTED_REQUESTS: usize = 64;

/// A request to try, and the backends that may answer it.
struct Try {
    shows: &'static str,
    host: &'static str,
    path: &'static str,
    backends: &'static [&'static str],
}

const TRIES: [Try; 7] = [
    Try { shows: "a route", host: "shop.localhost", path: "/", backends: &["one"] },
    Try {
        shows: "two services, 3 : 1",
        host: "shop.localhost",
        path: "/cart",
        backends: &["one", "two"],
    },
    Try {
        shows: "an included proxy",
        host: "shop.localhost",
        path: "/checkout/pay",
        backends: &["two"],
    },
    Try {
        shows: "an exact path of an Ingress",
        host: "docs.localhost",
        path: "/changelog",
        backends: &["two"],
    },
    Try {
        shows: "below it: not exact",
        host: "docs.localhost",
        path: "/changelog/1.0",
        backends: &["one"],
    },
    Try {
        shows: "a prefix of an Ingress",
        host: "docs.localhost",
        path: "/guide/start",
        backends: &["two"],
    },
    Try { shows: "any other host", host: "elsewhere.localhost", path: "/", backends: &["two"] },
];

/// Builds, serves, and stops everything again.
///
/// # Errors
/// If something does not build, start, answer as expected, or stop in time.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let envoy = envoy::named_or_fetched()?;
    let binaries = cargo::build_release(&["contour", "echo"])?;
    // One thread: what is bound to this process is bound to the thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(demo(args, &binaries, &envoy))?;
    Ok(ExitCode::SUCCESS)
}

async fn demo(args: &Args, binaries: &Path, envoy: &Path) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut children = Children::default();
    let outcome = match children.start_all(binaries, envoy) {
        Ok(()) => tokio::select! {
            outcome = serve(args) => outcome,
            error = children.ended() => Err(error),
            _ = interrupt.recv() => interrupted(args),
            _ = terminate.recv() => interrupted(args),
        },
        Err(error) => Err(error),
    };
    eprintln!("==> stopping");
    let stopped = children.stop().await;
    outcome.and(stopped)
}

/// An interrupt is how a demonstration ends, but not how a check does.
fn interrupted(args: &Args) -> Result<()> {
    ensure!(!args.check, "interrupted");
    Ok(())
}

/// Waits until Envoy serves; then checks, or explains and stays.
async fn serve(args: &Args) -> Result<()> {
    ready().await?;
    if args.check {
        return check().await;
    }
    eprintln!("==> serving; try:");
    for Try { shows, host, path, .. } in TRIES {
        let curl = format!("curl -H 'Host: {host}' http://{ADDRESS}{path}");
        eprintln!("    {curl:72} # {shows}");
    }
    eprintln!("==> edit {MANIFESTS}/*.yaml and try again; Ctrl-C stops everything");
    std::future::pending().await
}

async fn ready() -> Result<()> {
    let started = Instant::now();
    let first = &TRIES[0];
    loop {
        match http::get(ADDRESS, first.host, first.path).await {
            Ok(answer) if answer.status == 200 => return Ok(()),
            last if started.elapsed() > READY_WITHIN => {
                bail!(
                    "not serving after {} s; the last answer was {last:?}",
                    READY_WITHIN.as_secs()
                )
            }
            _ => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn check() -> Result<()> {
    for each in &TRIES {
        let requests = if each.backends.len() > 1 { WEIGHTED_REQUESTS } else { 1 };
        let mut seen = BTreeSet::new();
        for _ in 0..requests {
            let answer = http::get(ADDRESS, each.host, each.path).await?;
            ensure!(answer.status == 200, "{}{}: {answer:?}", each.host, each.path);
            seen.insert(answer.backend.unwrap_or_default());
        }
        ensure!(
            seen.iter().eq(each.backends),
            "{} ({}{}): answered by {seen:?}, expected {:?}",
            each.shows,
            each.host,
            each.path,
            each.backends
        );
        eprintln!(
            "==> {}: {}{} answered by {}",
            each.shows,
            each.host,
            each.path,
            each.backends.join(" and ")
        );
    }
    Ok(())
}

/// What the demo has started, in the order of the start.
#[derive(Default)]
struct Children(Vec<(&'static str, Child)>);

impl Children {
    fn start_all(&mut self, binaries: &Path, envoy: &Path) -> Result<()> {
        for (name, address) in BACKENDS {
            let mut echo = bound::command(binaries.join("echo"))?;
            echo.args(["--name", name, "--listen", address]);
            self.start(name, echo)?;
        }
        let mut contour = bound::command(binaries.join("contour"))?;
        contour.args(["run", MANIFESTS]).env("ENVOY_BIN", envoy);
        self.start("contour", contour)
    }

    /// In a process group of its own, so that Ctrl-C reaches us only and we stop them in order.
    fn start(&mut self, name: &'static str, command: std::process::Command) -> Result<()> {
        let child = Command::from(command)
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        self.0.push((name, child));
        Ok(())
    }

    /// Waits until one of them ends, which none should.
    async fn ended(&mut self) -> anyhow::Error {
        loop {
            for (name, child) in &mut self.0 {
                match child.try_wait() {
                    Ok(None) => {}
                    Ok(Some(status)) => return anyhow::anyhow!("{name} ended by itself: {status}"),
                    Err(error) => return anyhow::Error::new(error).context(*name),
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops them, the last started first: traffic ends before its backends do.
    async fn stop(mut self) -> Result<()> {
        let mut outcome = Ok(());
        while let Some((name, child)) = self.0.pop() {
            outcome = outcome.and(stop(name, child).await);
        }
        outcome
    }
}

async fn stop(name: &str, mut child: Child) -> Result<()> {
    // An identifier that is still there belongs to a process that was not waited for: it is not reused.
    if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
        kill_process(pid, Signal::TERM).with_context(|| format!("cannot stop {name}"))?;
    }
    let Ok(status) = timeout(STOP_WITHIN, child.wait()).await else {
        child.kill().await?;
        bail!("{name} did not stop within {STOP_WITHIN:?} and was killed")
    };
    stopped(name, status?)
}

fn stopped(name: &str, status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "{name} did not stop cleanly: {status}");
    Ok(())
}
