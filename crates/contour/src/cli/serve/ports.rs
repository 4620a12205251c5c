//! Contour's own ports.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, lookup_host};
use tokio_util::sync::CancellationToken;

use super::Error;
use crate::config::edges::{self, Edges, Endpoint};
use crate::serve::accept::Transport;
use crate::serve::debug::{self, Rows};
use crate::serve::health::{self, Health, Readiness};
use crate::serve::http::{self, Layout, Place};
use crate::serve::metrics::endpoint;
use crate::serve::start::{self, Running};
use crate::serve::tls::{Clients, Files, Protocol, Tls};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Ports that are ours, each taken before anything is read.
#[derive(Debug)]
pub(super) struct Ports {
    metrics: TcpListener,
    /// None: the same as metrics.
    health: Option<TcpListener>,
    debug: TcpListener,
    /// Taken, and closed until there is something to serve.
    pub(super) xds: Reserved,
}

/// A port that nobody else can have and that nobody can connect to yet.
#[derive(Debug)]
pub(super) struct Reserved {
    socket: TcpSocket,
    endpoint: Endpoint,
}

impl Ports {
    /// Takes all of them.
    ///
    /// # Errors
    /// The first that cannot be had.
    pub(super) async fn take(edges: &Edges) -> Result<Ports, Error> {
        let Edges { xds, health, metrics, debug, .. } = edges;
        let listen =
            async |endpoint: &Endpoint, flags| Reserved::take(endpoint, flags).await?.open();
        let layout = Layout::of(place(&metrics.endpoint), place(health));
        Ok(Ports {
            xds: Reserved::take(&xds.endpoint, "--xds-address, --xds-port").await?,
            metrics: listen(&metrics.endpoint, "--http-address, --http-port").await?,
            health: match layout {
                Layout::Together => None,
                Layout::Apart => Some(listen(health, "--health-address, --health-port").await?),
            },
            debug: listen(debug, "--debug-http-address, --debug-http-port").await?,
        })
    }

    /// Serves metrics, health and debug pages. Answers the port of xDS, which is still closed.
    ///
    /// # Errors
    /// If files of TLS cannot be used.
    pub(super) fn serve(
        self,
        running: &mut Running,
        edges: &Edges,
        readiness: Arc<Readiness>,
        config: Rows,
    ) -> Result<Reserved, Error> {
        let health = Health::new(readiness);
        running.run("health", Arc::clone(&health).watch(running.control.clone()));
        let mut routes = endpoint::routes(Arc::clone(&running.metrics));
        match self.health {
            None => routes = routes.merge(health::routes(health)),
            Some(listener) => running.serve("health server", |stop| {
                http::serve("healthsvc", listener, Transport::Plain, health::routes(health), stop)
            }),
        }
        let transport = match &edges.metrics.tls {
            None => Transport::Plain,
            Some(files) => tls(running, "metrics", metrics_files(files), Protocol::Http1)?,
        };
        let listener = self.metrics;
        running.serve("metrics server", |stop| {
            http::serve("metricsvc", listener, transport, routes, stop)
        });
        let (control, hub) = (running.control.clone(), Arc::clone(&running.hub));
        let routes = debug::routes(debug::Sources { control, hub, config });
        let listener = self.debug;
        running.serve("debug server", |stop| {
            http::serve("debugsvc", listener, Transport::Plain, routes, stop)
        });
        Ok(self.xds)
    }
}

/// Says that this process is alive, and not ready, where health is served by default, until what it shall do is known. Ends
/// only if it cannot.
pub(super) async fn serve_meanwhile(edges: &Edges) -> Error {
    let endpoint = &edges.health;
    let listener = match Reserved::take(endpoint, "--health-address, --health-port").await {
        Ok(reserved) => reserved.open(),
        Err(error) => Err(error),
    };
    match listener {
        Err(error) => error,
        Ok(listener) => {
            let routes = health::routes_without_configuration();
            let stop = CancellationToken::new();
            http::serve("healthsvc", listener, Transport::Plain, routes, stop).await;
            start::Error::Ended("health server").into()
        }
    }
}

impl Reserved {
    async fn take(endpoint: &Endpoint, flags: &'static str) -> Result<Reserved, Error> {
        let failed = |source| Error::Listen { address: endpoint.clone(), flags, source };
        let socket = bind(endpoint).await.map_err(failed)?;
        Ok(Reserved { socket, endpoint: endpoint.clone() })
    }

    /// Opens it.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn open(self) -> Result<TcpListener, Error> {
        let Reserved { socket, endpoint } = self;
        let failed = |source| Error::Listen { address: endpoint, flags: "the port", source };
        socket.listen(BACKLOG).map_err(failed)
    }
}

/// Binds the first of the addresses that a name stands for.
async fn bind(Endpoint { host, port }: &Endpoint) -> std::io::Result<TcpSocket> {
    let mut last = None;
    for address in lookup_host((host.as_str(), *port)).await? {
        match bind_to(address) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::Error::other("the name stands for no address")))
}

fn bind_to(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port whose last connections are still remembered is free all the same.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// How xDS travels.
///
/// # Errors
/// If files of TLS cannot be used.
pub(super) fn xds_transport(running: &mut Running, xds: &edges::Xds) -> Result<Transport, Error> {
    let Some(files) = xds_files(xds) else { return Ok(Transport::Plain) };
    tls(running, "xds", files, Protocol::Http2)
}

/// The files of xDS; `None`: it is served in plain text.
pub(in crate::cli) fn xds_files(xds: &edges::Xds) -> Option<Files> {
    let edges::ServerTls { ca_file, cert_file, key_file } = xds.tls.clone()?;
    Some(Files { certificate: cert_file, key: key_file, clients: Clients::SignedBy(ca_file) })
}

/// The files of metrics.
pub(in crate::cli) fn metrics_files(files: &edges::MetricsTls) -> Files {
    Files {
        certificate: files.cert_file.clone(),
        key: files.key_file.clone(),
        clients: files.ca_file.clone().map_or(Clients::Anyone, Clients::SignedBy),
    }
}

fn tls(
    running: &mut Running,
    name: &'static str,
    files: Files,
    protocol: Protocol,
) -> Result<Transport, Error> {
    let tls = Tls::new(name, files, protocol, Arc::clone(&running.metrics))?;
    running.run("certificates", Arc::clone(&tls).watch());
    Ok(Transport::Tls(tls))
}

fn place(Endpoint { host, port }: &Endpoint) -> Place<'_> {
    Place { address: host, port: *port }
}
