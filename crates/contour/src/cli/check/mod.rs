//! `contour check`: whether a cluster has what `contour serve` needs, for people.

mod certificates;
mod cluster;
mod envoys;
mod finding;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use contour_k8s::client;
use contour_k8s::secret::Secrets;
use tokio::time::timeout;

use self::finding::{Finding, State, is_bad, table};
use super::output::print;
use super::serve::{self, Serve};
use crate::config::edges::Cluster;

/// Finds out whether `contour serve` has what it needs: configuration, API server, permissions, certificates, Envoys.
///
/// It takes the same flags, and best the very same. Nothing is changed. Exit code 1: something has to be mended.
#[derive(Debug, clap::Args)]
#[command(next_display_order = None)]
#[group(id = "check")]
pub(super) struct Args {
    /// Whose permissions are looked at, such as system:serviceaccount:projectcontour:contour; you have to be allowed to
    /// impersonate it. Without: your own.
    #[arg(long = "as", value_name = "USER")]
    act_as: Option<String>,

    #[command(flatten)]
    serve: serve::Args,
}

/// Prints what is found.
///
/// # Errors
/// If it cannot be printed.
pub(super) async fn run(args: Args) -> Result<ExitCode, io::Error> {
    let findings = findings(args).await;
    print(&table(&findings))?;
    Ok(if is_bad(&findings) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn findings(args: Args) -> Vec<Finding> {
    let mut serve = match args.serve.prepare() {
        Ok(serve) => serve,
        Err(error) => return misconfigured(&error),
    };
    let mut findings = Vec::new();
    let client = match &serve.asks_cluster() {
        false => None,
        true => match connect(&serve, args.act_as).await {
            Ok(client) => Some(client),
            Err(error) => {
                findings.push(cluster::silent(&error.to_string()));
                None
            }
        },
    };
    if let Some(client) = &client {
        findings.extend(cluster::findings(client, &serve.scope()).await);
    }
    let (configuration, settled) = settle(&mut serve, client.as_ref()).await;
    findings.splice(0..0, configuration).for_each(drop);
    if settled {
        findings.extend(of_certificates(&serve, client.as_ref()).await);
        findings.extend(envoys::findings(&serve.edges().debug).await);
    }
    findings
}

/// How long a `ContourConfiguration` may take to be read; `contour serve` would wait.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);

/// What is wrong with the configuration, and whether it is known at all. What depends on it is not looked at otherwise.
async fn settle(serve: &mut Serve, client: Option<&client::Client>) -> (Vec<Finding>, bool) {
    const ADVICE: &str = "certificates and Envoys are not looked at before it is known";
    if !serve.waits_for_configuration() {
        return (vec![configured(serve)], true);
    }
    let read = match client {
        None => None,
        Some(client) => timeout(SETTLED_WITHIN, serve.settle(client)).await.ok(),
    };
    match read {
        Some(Ok(())) => (vec![configured(serve)], true),
        Some(Err(error)) => (misconfigured(&error), false),
        None => {
            let says = "the ContourConfiguration cannot be read now";
            (vec![Finding::other(State::Unknown, CONFIGURATION, says, ADVICE)], false)
        }
    }
}

async fn connect(serve: &Serve, act_as: Option<String>) -> Result<client::Client, client::Error> {
    let settings = client::Settings { act_as, ..serve.client_settings() };
    client::connect(&settings, |_| {}).await
}

const CONFIGURATION: &str = "configuration";

fn configured(serve: &Serve) -> Finding {
    let notes = serve.notes();
    if notes.is_empty() {
        return Finding::good(CONFIGURATION, serve.said_by());
    }
    let says = format!("{}: {}", serve.said_by(), notes.join("; "));
    Finding::other(State::Doubtful, CONFIGURATION, says, "leave out what has no effect")
}

fn misconfigured(error: &serve::Error) -> Vec<Finding> {
    const ADVICE: &str = "contour serve does not start before this is mended";
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| Finding::other(State::Bad, CONFIGURATION, line, ADVICE)).collect()
}

/// In a pod the certificates of xDS are files. Outside they are, if anywhere, in Secrets.
async fn of_certificates(serve: &Serve, client: Option<&client::Client>) -> Vec<Finding> {
    let edges = serve.edges();
    let mut findings = Vec::new();
    if let Some(files) = serve::xds_files(&edges.xds) {
        let outside = matches!(edges.client.cluster, Cluster::Kubeconfig(_));
        let elsewhere = outside && !files.certificate.exists();
        match client {
            Some(client) if elsewhere => {
                let secrets = Secrets::new(client, serve.namespace());
                findings.extend(certificates::of_secrets(&secrets).await);
            }
            None if elsewhere => findings.push(certificates::unknown()),
            _ => findings.extend(certificates::of_files("xds", &files)),
        }
    }
    if let Some(files) = &edges.metrics.tls {
        findings.extend(certificates::of_files("metrics", &serve::metrics_files(files)));
    }
    findings
}
