//! `contour check`: whether a cluster has what `contour serve` needs, for people.

mod certificates;
mod cluster;
mod envoys;
mod finding;

use std::io;
use std::process::ExitCode;

use contour_k8s::client;
use contour_k8s::secret::Secrets;

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
    // A ContourConfiguration that cannot be had would be waited for.
    let reachable = !is_bad(&findings);
    match &client {
        Some(client) if reachable => match serve.settle(client).await {
            Ok(()) => findings.insert(0, configured(&serve)),
            Err(error) => findings.splice(0..0, misconfigured(&error)).for_each(drop),
        },
        _ if serve.waits_for_configuration() => {}
        _ => findings.insert(0, configured(&serve)),
    }
    findings.extend(of_certificates(&serve, client.as_ref()).await);
    findings.extend(envoys::findings(&serve.edges().debug).await);
    findings
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
        match client {
            Some(client) if outside && !files.certificate.exists() => {
                let secrets = Secrets::new(client, serve.namespace());
                findings.extend(certificates::of_secrets(&secrets).await);
            }
            _ => findings.extend(certificates::of_files("xds", &files)),
        }
    }
    if let Some(files) = &edges.metrics.tls {
        findings.extend(certificates::of_files("metrics", &serve::metrics_files(files)));
    }
    findings
}
