//! A control plane in this process, on a runtime of its own so that it can be killed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use contour::serve::hub::Hub;
use contour::serve::start::{self, Config};
use contour::serve::xds;
use contour_xds::cache::Cache;
use contour_xds::resource::{Delta, Dialect};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// `contour serve` on a directory.
#[derive(Debug)]
pub struct Server {
    /// Where it serves xDS.
    pub xds: SocketAddr,
    /// What it serves.
    pub hub: Arc<Hub>,
    runtime: Option<Runtime>,
}

impl Server {
    /// Serves `directory` on a free port.
    pub async fn start(directory: &Path, envoy: Arc<contour_envoy::Config>) -> Server {
        Server::start_at(directory, envoy, (Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Serves `directory` there.
    pub async fn start_at(
        directory: &Path,
        envoy: Arc<contour_envoy::Config>,
        xds: SocketAddr,
    ) -> Server {
        let runtime = Runtime::new().expect("a runtime");
        let directory = directory.to_owned();
        let started = runtime.spawn(async move {
            let config = Config { builder: Arc::default(), envoy };
            let mut running = start::start(&directory, config).expect("a readable directory");
            running.serving().await;
            let listener = TcpListener::bind(xds).await.expect("a free port");
            let xds = listener.local_addr().expect("its address");
            running.serve_xds(listener);
            let hub = Arc::clone(&running.hub);
            tokio::spawn(async move { panic!("{}", running.failed().await) });
            (xds, hub)
        });
        let (xds, hub) = started.await.expect("it starts");
        Server { xds, hub, runtime: Some(runtime) }
    }
}

impl Drop for Server {
    /// Ends it as a crash would: connections break, nothing is said.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An xDS server that serves what it is told, without a builder or translator before it.
#[derive(Debug)]
pub struct Direct {
    /// Where it serves xDS.
    pub xds: SocketAddr,
    /// What it serves.
    pub hub: Arc<Hub>,
    cache: Cache,
}

impl Direct {
    /// Serves these resources, in the aggregated dialect, on the current runtime.
    pub async fn start(delta: &Delta) -> Direct {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let xds = listener.local_addr().expect("its address");
        let hub = Arc::new(Hub::default());
        let (control, _) = mpsc::channel(1);
        tokio::spawn(xds::serve(listener, Arc::clone(&hub), control));
        let mut direct = Direct { xds, hub, cache: Cache::default() };
        direct.publish(delta);
        direct
    }

    /// Changes what is served.
    pub fn publish(&mut self, delta: &Delta) {
        let published = self.cache.publish(delta, self.hub.now());
        self.hub.publish_in(Dialect::Aggregated, published.aggregated);
    }
}
