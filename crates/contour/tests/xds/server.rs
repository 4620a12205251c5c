//! A server of xDS that serves what it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use contour::serve::accept::Transport;
use contour::serve::hub::Hub;
use contour::serve::metrics::Metrics;
use contour::serve::xds::{self, Surroundings};
use contour_xds::cache::Cache;
use contour_xds::resource::{Audience, Delta, Dialect, Edit, Resource, TypeUrl, Version};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Duration, interval};
use tokio_util::sync::CancellationToken;

pub struct Server {
    pub address: SocketAddr,
    pub hub: Arc<Hub>,
    pub metrics: Arc<Metrics>,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
    cache: Cache,
}

impl Server {
    /// Serves in plain text: one resource of each type, called `a`, in form 1.
    pub async fn start() -> Server {
        Server::start_by(Transport::Plain, Arc::default()).await
    }

    pub async fn start_by(transport: Transport, metrics: Arc<Metrics>) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (hub, stop) = (Arc::new(Hub::default()), CancellationToken::new());
        let (control, _) = mpsc::channel(1);
        let surroundings =
            Surroundings { transport, metrics: Arc::clone(&metrics), stop: stop.clone() };
        let serving = xds::serve_in(surroundings, listener, Arc::clone(&hub), control);
        let mut cache = Cache::default();
        let publication = cache.enable_separate(&Delta::default());
        hub.publish_in(Dialect::Separate, publication);
        let task = tokio::spawn(serving);
        let mut server = Server { address, hub, metrics, stop, task, cache };
        for type_url in TypeUrl::ALL {
            server.publish(type_url, 1);
        }
        server
    }

    /// Publishes another form of the resource `a` of a type.
    pub fn publish(&mut self, type_url: TypeUrl, form: u8) {
        let resource = Some(Resource::new(body(form), []));
        let edit = Edit { audience: Audience::All, type_url, name: "a".into(), resource };
        let published = self.cache.publish(&Delta { edits: vec![edit] }, self.hub.now());
        self.hub.publish_change(published, self.hub.now());
    }

    /// Waits until this many streams are open.
    pub async fn streams(&self, count: usize) {
        let mut looks = interval(Duration::from_millis(5));
        let open = || Dialect::ALL.into_iter().map(|each| self.hub.streams(each)).sum::<usize>();
        while open() != count {
            looks.tick().await;
        }
    }
}

/// What resources hold in a form.
pub fn body(form: u8) -> Bytes {
    Bytes::from(vec![0x0a, 0x01, form])
}

/// The version of a form.
pub fn version(form: u8) -> String {
    Version::of(&body(form)).to_string()
}
