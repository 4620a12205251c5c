//! `contour cli`: an xDS client for people, which shows what is asked and answered.

mod connect;
mod show;
mod variant;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use contour_xds::resource::TypeUrl;
use contour_xds::wire::{Node, Status};
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Code;

use self::connect::{Files, connect};
use self::show::{Form, Secrets, text};
use self::variant::{Delta, Variant, World};
use super::output::print;
use super::signal;

/// Asks an xDS server as an Envoy would, and prints what is asked and what is answered.
///
/// It follows what changes until it is stopped. By default it accepts everything.
#[derive(Debug, clap::Args)]
#[command(next_display_order = None)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Args {
    /// What to ask for: clusters, load assignments, listeners, route configurations or secrets.
    #[arg(value_enum, value_name = "cds|eds|lds|rds|sds")]
    service: Service,

    /// The names of resources; none: all.
    resources: Vec<String>,

    /// The server's address and port.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8001")]
    contour: String,

    /// What the server's certificate must be signed by. With the other two files, xDS is encrypted.
    #[arg(long, value_name = "FILE", env = "CLI_CAFILE")]
    cafile: Option<OsString>,

    /// The certificate that is shown to the server.
    #[arg(long, value_name = "FILE", env = "CLI_CERT_FILE")]
    cert_file: Option<OsString>,

    /// The key of that certificate.
    #[arg(long, value_name = "FILE", env = "CLI_KEY_FILE")]
    key_file: Option<OsString>,

    /// Speak the incremental variant of xDS.
    #[arg(long)]
    delta: bool,

    /// Use the aggregated service, not that of the type.
    #[arg(long)]
    ads: bool,

    /// Refuse every response.
    #[arg(long)]
    nack: bool,

    /// End after the first response.
    #[arg(long)]
    once: bool,

    /// Who asks.
    #[arg(long, value_name = "NAME", default_value = NODE_ID, env = "CLI_NODE_ID")]
    node_id: String,

    /// How messages are printed.
    #[arg(long, short, value_enum, value_name = "FORM", default_value_t)]
    output: Form,

    /// Print private keys and other secrets, too.
    #[arg(long)]
    show_secrets: bool,
}

/// Who asks, if nobody says.
const NODE_ID: &str = "ContourCLI";

/// How long a server may take to end a stream that the client has ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// A discovery service.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Service {
    Cds,
    Eds,
    Lds,
    Rds,
    Sds,
}

impl Service {
    const fn type_url(self) -> TypeUrl {
        match self {
            Service::Cds => TypeUrl::Cluster,
            Service::Eds => TypeUrl::LoadAssignment,
            Service::Lds => TypeUrl::Listener,
            Service::Rds => TypeUrl::RouteConfiguration,
            Service::Sds => TypeUrl::Secret,
        }
    }

    /// The gRPC service, and what its methods are called behind `Stream` or `Delta`.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Service::Cds => ("envoy.service.cluster.v3.ClusterDiscoveryService", "Clusters"),
            Service::Eds => ("envoy.service.endpoint.v3.EndpointDiscoveryService", "Endpoints"),
            Service::Lds => ("envoy.service.listener.v3.ListenerDiscoveryService", "Listeners"),
            Service::Rds => ("envoy.service.route.v3.RouteDiscoveryService", "Routes"),
            Service::Sds => ("envoy.service.secret.v3.SecretDiscoveryService", "Secrets"),
        }
    }
}

/// Why nothing is shown any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "TLS needs --cafile, --cert-file and --key-file; without any of them xDS is plain text"
    )]
    HalfTls,
    #[error(transparent)]
    Connect(#[from] connect::Error),
    #[error("the server ended the stream: {}", words(.0))]
    Stream(#[from] tonic::Status),
    #[error("the server ended the stream")]
    Ended,
    #[error("cannot write to standard output: {0}")]
    Print(#[source] std::io::Error),
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
}

fn words(status: &tonic::Status) -> String {
    let code = status.code();
    match (code, status.message()) {
        (Code::Unimplemented, "") => "it has no such service (Unimplemented)".to_owned(),
        (_, "") => code.to_string(),
        (_, message) => format!("{message} ({code:?})"),
    }
}

/// What is asked, and how it is answered.
struct Query {
    type_url: TypeUrl,
    names: Vec<String>,
    node: Node,
    /// What every response is refused with.
    refusal: Option<Status>,
}

pub(super) async fn run(args: Args) -> Result<ExitCode, Error> {
    let mut stop = signal::Stop::new().map_err(Error::Signals)?;
    tokio::select! {
        ended = ask(args) => ended,
        () = stop.asked() => Ok(ExitCode::SUCCESS),
    }
}

/// The path of a file; none, where an empty variable of the environment names none.
fn given(path: Option<OsString>) -> Option<PathBuf> {
    path.filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// An empty variable of the environment counts as none.
fn or_default(node_id: String) -> String {
    if node_id.is_empty() { NODE_ID.to_owned() } else { node_id }
}

async fn ask(args: Args) -> Result<ExitCode, Error> {
    if args.delta { converse::<Delta>(args).await } else { converse::<World>(args).await }
}

async fn converse<V: Variant>(args: Args) -> Result<ExitCode, Error> {
    const AGGREGATED: &str = "envoy.service.discovery.v3.AggregatedDiscoveryService";
    let files = match (given(args.cafile), given(args.cert_file), given(args.key_file)) {
        (None, None, None) => None,
        (Some(authority), Some(certificate), Some(key)) => {
            Some(Files { authority, certificate, key })
        }
        _ => return Err(Error::HalfTls),
    };
    let (service, resources) =
        if args.ads { (AGGREGATED, "AggregatedResources") } else { args.service.names() };
    let method = format!("/{service}/{}{resources}", V::METHOD);
    let query = Query {
        type_url: args.service.type_url(),
        names: args.resources,
        node: Node { id: or_default(args.node_id), ..Node::default() },
        refusal: args.nack.then(|| Status {
            code: Code::Internal as i32,
            message: "refused because of --nack".to_owned(),
        }),
    };
    let secrets = if args.show_secrets { Secrets::Shown } else { Secrets::Hidden };
    let show = |value| print(&text(value, args.output, secrets)).map_err(Error::Print);

    let (requests, sent) = mpsc::channel(1);
    let sent = stream::unfold(sent, async |mut sent| Some((sent.recv().await?, sent)));
    let first = V::first(&query);
    show(V::request(&first))?;
    // The receiver lives in the call.
    let _ = requests.send(first).await;
    let mut responses = connect::<V>(&args.contour, files, &method, sent).await?;
    while let Some(response) = responses.message().await? {
        show(V::response(&response))?;
        let answer = V::answer(&query, &response);
        show(V::request(&answer))?;
        let _ = requests.send(answer).await;
        if args.once {
            drop(requests);
            // The server has heard it all when it ends the stream in its turn.
            let _ =
                timeout(FAREWELL, async { while let Ok(Some(_)) = responses.message().await {} })
                    .await;
            return Ok(ExitCode::SUCCESS);
        }
    }
    Err(Error::Ended)
}
