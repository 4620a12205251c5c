//! `contour run`: Contour without Kubernetes, on a directory of manifests, with an Envoy of its own.

use std::convert::Infallible;
use std::fmt::Display;
use std::fs::{self, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use contour_builder::Verdict;
use contour_envoy::bootstrap::{Bootstrap, Host, SocketPath, json};
use contour_envoy::config::{Addresses, Bind, Binds, SameAddress};
use contour_k8s::source::directory::{Directory, Error as SourceError, Report};
use contour_xds::time::Moment;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::interval;

use super::output::{counted, patiently, print, print_changes, report, tell};
use super::signal;
use crate::envoy::admin::Admin;
use crate::envoy::bound;
use crate::envoy::child::{Child, Event, LogLevel, Options};
use crate::envoy::find::{Envoy, FindError, Places, find};
use crate::serve::pipeline::{Pass, Pipeline};
use crate::serve::start::{self, Config, Running};
use crate::table::table;

/// How long Envoy may finish what is under way before it ends.
const DRAIN: Duration = Duration::from_secs(10);

/// How often a starting Envoy is asked whether it serves.
const POLL: Duration = Duration::from_millis(50);

/// Serves a directory of manifests through an Envoy of its own, without a cluster.
///
/// Reads `*.yaml`, `*.yml` and `*.json` below DIR, applies changes as they are made, and prints what is true of each
/// object. Ctrl-C drains Envoy and ends.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory.
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// Read the directory once, print what is true of each object, and end: 0 if all is valid, 1 otherwise. Needs no
    /// Envoy.
    #[arg(long)]
    check: bool,

    /// Port for HTTP.
    #[arg(long, default_value = "8080", value_name = "PORT")]
    http_port: NonZeroU16,

    /// Port for HTTPS. Nothing listens on it as long as no host has a certificate.
    #[arg(long, default_value = "8443", value_name = "PORT")]
    https_port: NonZeroU16,

    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    address: IpAddr,

    /// Port for Envoy's statistics, and whether it is ready.
    #[arg(long, default_value = "8002", value_name = "PORT")]
    stats_port: NonZeroU16,

    /// The Envoy to run, 1.36 or newer. Default: `ENVOY_BIN`, else `.tools/envoy` here or above, else the one in PATH.
    #[arg(long, value_name = "PATH")]
    envoy_bin: Option<PathBuf>,
}

/// What is logged; what changes is printed instead.
pub(super) const LOG_LEVEL: &str = "warn";

impl Args {
    fn config(&self) -> Result<Config, SameAddress> {
        let bind = |port| Bind { address: self.address, port };
        let (http, stats) = (bind(self.http_port), bind(self.stats_port));
        let binds = Binds { http, stats, health: stats, admin: None, ..Binds::default() };
        let addresses = Addresses::new(binds)?;
        let envoy = contour_envoy::Config { addresses, ..contour_envoy::Config::default() };
        Ok(Config { builder: Arc::default(), envoy: Arc::new(envoy) })
    }
}

/// Why running ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}; choose others with --http-port and --stats-port")]
    Addresses(#[from] SameAddress),
    #[error("cannot listen on {address}: {source}; choose another with {flag}")]
    Port { address: SocketAddr, flag: &'static str, source: io::Error },
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Serve(#[from] start::Error),
    #[error("{what}: {source}")]
    Environment { what: &'static str, source: io::Error },
    #[error("the temporary directory {} is too long a path for a unix socket; set TMPDIR to a shorter one", .0.display())]
    LongPath(PathBuf),
}

/// Says what could not be done.
fn cannot(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Environment { what, source }
}

pub(super) async fn run(args: Args) -> Result<ExitCode, Error> {
    let config = args.config()?;
    if args.check {
        return check(args.directory, config).await;
    }
    let mut stop = signal::Stop::new().map_err(cannot("cannot wait for signals"))?;
    let (mut running, scratch, envoy) = tokio::select! {
        prepared = prepare(&args, config) => prepared?,
        () = stop.asked() => return Ok(ExitCode::SUCCESS),
    };
    let serves = serves(&args, &envoy);
    let admin = Admin::new(scratch.admin());
    let options = scratch.options(envoy.binary).map_err(cannot("cannot find this program"))?;
    let mut child = Child::spawn(options).map_err(cannot("cannot start Envoy"))?;
    let (statuses, reports) = (Arc::clone(&running.statuses), running.report.clone());
    let failed = tokio::select! {
        biased;
        () = stop.asked() => None,
        error = running.failed() => Some(error),
        never = follow(&mut child, &admin, &serves) => match never {},
        never = print_changes(&statuses, reports) => match never {},
    };
    tell("letting Envoy finish what is under way; Ctrl-C ends it at once");
    tokio::select! {
        stopped = child.stop(DRAIN) => tracing::debug!(?stopped, "Envoy ended"),
        () = stop.asked() => {}
    }
    failed.map_or(Ok(ExitCode::SUCCESS), |error| Err(error.into()))
}

/// Everything that Envoy needs: an executable, free ports, an xDS server that knows the directory, a bootstrap.
async fn prepare(args: &Args, config: Config) -> Result<(Running, Scratch, Envoy), Error> {
    let places = places(args)?;
    let envoy = patiently(find(&places), still("asking Envoy for its version")).await?;
    check_port(args.address, args.http_port, "--http-port")?;
    check_port(args.address, args.stats_port, "--stats-port")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.map_err(cannot("cannot listen for Envoy on loopback"))?;
    let scratch = Scratch::new(&listener)?;
    let mut running = start::start(&args.directory, config)?;
    let reading = format!("reading {}", args.directory.display());
    tokio::select! {
        () = patiently(running.serving(), still(reading)) => {}
        error = running.failed() => return Err(error.into()),
    }
    running.serve_xds(listener);
    Ok((running, scratch, envoy))
}

/// For what takes longer than a person waits without a word.
fn still(what: impl Display) -> impl Fn(u64) {
    move |seconds| tell(format_args!("still {what} after {seconds} s"))
}

fn serves(args: &Args, envoy: &Envoy) -> String {
    format!(
        "Envoy {} serves {} on http://{}, its statistics on port {}",
        envoy.version,
        args.directory.display(),
        SocketAddr::new(args.address, args.http_port.get()),
        args.stats_port
    )
}

/// Says what becomes of Envoy, and `serves` each time it is up.
async fn follow(child: &mut Child, admin: &Admin, serves: &str) -> Infallible {
    let mut starting = false;
    loop {
        tokio::select! {
            biased;
            Some(event) = child.event() => {
                starting = matches!(event, Event::Started { .. });
                tell_event(&event);
            }
            () = patiently(up(admin), still("starting Envoy")), if starting => {
                starting = false;
                tell(serves);
            }
            // Nobody keeps Envoy running any more; that is told when it is stopped.
            else => std::future::pending().await,
        }
    }
}

/// Waits until Envoy has everything it needs and accepts connections.
async fn up(admin: &Admin) {
    let mut ticks = interval(POLL);
    // An error is an Envoy that does not listen yet, or that waits for its resources: status 503.
    while admin.get("/ready").await.is_err() {
        ticks.tick().await;
    }
}

fn tell_event(event: &Event) {
    match event {
        Event::Started { pid } => tracing::debug!(pid, "Envoy started"),
        Event::Exited { status, restart_in } => {
            tell(format_args!("Envoy ended ({status}); starting it again in {restart_in:?}"));
        }
        Event::Failed { error, restart_in } => {
            tell(format_args!("cannot start Envoy ({error}); trying again in {restart_in:?}"));
        }
    }
}

fn places(args: &Args) -> Result<Places, Error> {
    Ok(Places {
        argument: args.envoy_bin.clone(),
        variable: std::env::var_os("ENVOY_BIN"),
        directory: std::env::current_dir().map_err(cannot("cannot tell the working directory"))?,
        path: std::env::var_os("PATH"),
    })
}

/// Envoy would report a port in use only in its log.
fn check_port(address: IpAddr, port: NonZeroU16, flag: &'static str) -> Result<(), Error> {
    let address = SocketAddr::new(address, port.get());
    match std::net::TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::AddrNotAvailable => {
            Err(Error::Port { address, flag: "--address", source })
        }
        Err(source) => Err(Error::Port { address, flag, source }),
    }
}

/// Everything that is written: a directory that is readable for nobody else and goes with this value.
struct Scratch {
    directory: TempDir,
}

impl Scratch {
    fn new(xds: &TcpListener) -> Result<Scratch, Error> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("contour-").permissions(Permissions::from_mode(0o700));
        let directory = builder.tempdir();
        let directory = directory.map_err(cannot("cannot make a temporary directory"))?;
        let scratch = Scratch { directory };
        let address = xds.local_addr().map_err(cannot("cannot tell the xDS port"))?;
        let bootstrap = Bootstrap {
            xds_host: Host::Ip(address.ip()),
            xds_port: NonZeroU16::new(address.port()).expect("a bound port is not 0"),
            admin_socket: scratch
                .admin()
                .to_str()
                .and_then(SocketPath::new)
                .ok_or_else(|| Error::LongPath(scratch.directory.path().to_owned()))?,
            node_id: Some("contour-run".to_owned()),
            node_cluster: Some("contour-run".to_owned()),
            ..Bootstrap::default()
        };
        let written = fs::write(scratch.bootstrap(), json(&bootstrap));
        written.map_err(cannot("cannot write Envoy's configuration"))?;
        Ok(scratch)
    }

    fn admin(&self) -> PathBuf {
        self.directory.path().join("admin.sock")
    }

    fn bootstrap(&self) -> PathBuf {
        self.directory.path().join("envoy.json")
    }

    fn options(&self, binary: PathBuf) -> io::Result<Options> {
        let launcher = bound::launcher(&std::env::current_exe()?);
        let options = Options::new(binary, self.bootstrap(), self.admin());
        // What Envoy refuses of ours is in our own log; its warnings are of no use to who runs a directory.
        Ok(Options { launcher, log_level: LogLevel::Error, ..options })
    }
}

/// Translates once, prints, and says whether all is valid.
async fn check(directory: PathBuf, config: Config) -> Result<ExitCode, Error> {
    let reading = format!("reading {}", directory.display());
    let translation = tokio::task::spawn_blocking(move || translate(&directory, config));
    let translated = patiently(translation, still(reading)).await;
    let (found, pass) =
        translated.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    for fault in &pass.faults {
        tell(format_args!("a bug was contained at {}: {}", fault.at, fault.message));
    }
    let verdicts = pass.status.iter().filter_map(|(_, now)| now.as_ref());
    let valid = verdicts.clone().filter(|now| now.verdict() == Verdict::Valid).count();
    let invalid = verdicts.count() - valid;
    let text = [
        report(&found, &Report::default()),
        table(pass.status.iter().map(|(object, now)| (object, now.as_ref()))),
        summary(valid, invalid, found.findings.len()),
    ];
    print(&text.concat()).map_err(cannot("cannot write to standard output"))?;
    let good = invalid == 0 && found.findings.is_empty() && pass.faults.is_empty();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summary(valid: usize, invalid: usize, findings: usize) -> String {
    match findings {
        0 => format!("{valid} valid, {invalid} not valid\n"),
        some => format!("{valid} valid, {invalid} not valid, {}\n", counted(some, "finding")),
    }
}

fn translate(directory: &Path, config: Config) -> Result<(Report, Pass), SourceError> {
    let scan = Directory::open(directory)?.scan();
    let (mut pipeline, _) = Pipeline::new(config.builder, config.envoy, Moment::default());
    Ok((scan.report, pipeline.apply(scan.changes, Moment::default())))
}
