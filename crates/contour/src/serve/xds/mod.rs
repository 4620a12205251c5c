//! xDS over gRPC: the only code that knows tonic. Protocol logic is in `contour-xds`.

mod drive;
mod frame;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use contour_xds::delta::Delta;
use contour_xds::resource::{Dialect, TypeUrl};
use contour_xds::sotw::Sotw;
use contour_xds::stream::Stream;
use http::{Request, Response};
use hyper::body;
use hyper::server::conn::http2;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;

use super::accept::{self, Incoming, Transport};
use super::control::Event;
use super::hub::Hub;
use super::metrics::Metrics;
use super::metrics::grpc::Call;

/// After how long without traffic a client is asked whether it is there. With [`KEEPALIVE_TIMEOUT`] it is less than an Envoy
/// needs to notice a dead connection itself (35 s with our bootstrap): its old streams must have ended before it comes
/// again, so that what was unanswered on them is known to be doubtful.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// How long it may take to answer.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many streams a client may reset before it counts as an attack. An Envoy of the separate dialect has one for each
/// resource, and lets go of thousands at once.
const RESETS: usize = 1 << 20;

/// What a server of xDS needs besides what it serves.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// How bytes travel.
    pub transport: Transport,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// When to stop.
    pub stop: CancellationToken,
}

impl Default for Surroundings {
    /// In plain text, counted for nobody, for ever.
    fn default() -> Surroundings {
        Surroundings {
            transport: Transport::Plain,
            metrics: Arc::default(),
            stop: CancellationToken::new(),
        }
    }
}

/// Serves xDS in plain text to everyone who connects, for ever. Dropping the future closes the port and the connections.
///
/// # Errors
/// None; it is as long as the process.
pub async fn serve(
    listener: TcpListener,
    hub: Arc<Hub>,
    control: mpsc::Sender<Event>,
) -> io::Result<()> {
    serve_in(Surroundings::default(), listener, hub, control).await;
    Ok(())
}

/// Serves xDS until told to stop. Then clients are told to go elsewhere (GOAWAY), each stream ends once its client has
/// answered what it was sent, and what is left after five seconds is closed.
pub async fn serve_in(
    surroundings: Surroundings,
    listener: TcpListener,
    hub: Arc<Hub>,
    control: mpsc::Sender<Event>,
) {
    let Surroundings { transport, metrics, stop } = surroundings;
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .max_concurrent_streams(u32::MAX)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS);
    let service = Xds { hub: Arc::clone(&hub), control, metrics };
    let incoming = Incoming::new(listener, transport);
    let serving = accept::serve(incoming, stop.clone(), |connection, _| {
        http.serve_connection(TokioIo::new(connection), service.clone())
    });
    let ending = async {
        stop.cancelled().await;
        hub.end();
    };
    tokio::join!(serving, ending);
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// `Stream*` and `StreamAggregatedResources`: the state of the world.
    Stream(Option<TypeUrl>),
    /// `Delta*` and `DeltaAggregatedResources`: changes.
    Delta(Option<TypeUrl>),
    /// `Fetch*`: once.
    Fetch(TypeUrl),
}

/// The services with the last part of their methods' names, and their type; none is the aggregated one.
const SERVICES: [(&str, &str, Option<TypeUrl>); 7] = [
    ("envoy.service.discovery.v3.AggregatedDiscoveryService", "AggregatedResources", None),
    ("envoy.service.cluster.v3.ClusterDiscoveryService", "Clusters", Some(TypeUrl::Cluster)),
    (
        "envoy.service.endpoint.v3.EndpointDiscoveryService",
        "Endpoints",
        Some(TypeUrl::LoadAssignment),
    ),
    ("envoy.service.listener.v3.ListenerDiscoveryService", "Listeners", Some(TypeUrl::Listener)),
    ("envoy.service.route.v3.RouteDiscoveryService", "Routes", Some(TypeUrl::RouteConfiguration)),
    ("envoy.service.secret.v3.SecretDiscoveryService", "Secrets", Some(TypeUrl::Secret)),
    ("envoy.service.runtime.v3.RuntimeDiscoveryService", "Runtime", Some(TypeUrl::Runtime)),
];

impl Method {
    fn parse(path: &str) -> Option<Method> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        let (_, what, type_url) = SERVICES.into_iter().find(|(name, ..)| *name == service)?;
        match (method.strip_suffix(what)?, type_url) {
            ("Stream", type_url) => Some(Method::Stream(type_url)),
            ("Delta", type_url) => Some(Method::Delta(type_url)),
            ("Fetch", Some(type_url)) => Some(Method::Fetch(type_url)),
            _ => None,
        }
    }

    fn type_url(self) -> Option<TypeUrl> {
        match self {
            Method::Stream(type_url) | Method::Delta(type_url) => type_url,
            Method::Fetch(type_url) => Some(type_url),
        }
    }

    fn dialect(self) -> Dialect {
        match self.type_url() {
            None => Dialect::Aggregated,
            Some(_) => Dialect::Separate,
        }
    }

    /// What it is called in metrics.
    fn told<T>(self, tell: impl FnOnce(Call<'_>) -> T) -> T {
        let (service, what, _) = SERVICES
            .into_iter()
            .find(|(.., each)| *each == self.type_url())
            .expect("every type has a service");
        let (kind, begin) = match self {
            Method::Stream(_) => ("bidi_stream", "Stream"),
            Method::Delta(_) => ("bidi_stream", "Delta"),
            Method::Fetch(_) => ("unary", "Fetch"),
        };
        tell(Call { kind, service, method: &format!("{begin}{what}") })
    }
}

/// The service behind every path.
#[derive(Clone, Debug)]
struct Xds {
    hub: Arc<Hub>,
    control: mpsc::Sender<Event>,
    metrics: Arc<Metrics>,
}

impl Service<Request<body::Incoming>> for Xds {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn call(&self, request: Request<body::Incoming>) -> Self::Future {
        let method = Method::parse(request.uri().path());
        let body = Body::new(request.into_body());
        ready(Ok(match method {
            None => Status::unimplemented("no such method").into_http(),
            Some(method) => self.answer(method, body),
        }))
    }
}

impl Xds {
    fn answer(&self, method: Method, body: Body) -> Response<Body> {
        let call = drive::Call::begin(method, self);
        match method {
            Method::Fetch(type_url) => drive::fetch(type_url, body, call),
            Method::Stream(type_url) => {
                let stream = type_url.map_or_else(Stream::<Sotw>::aggregated, Stream::typed);
                drive::stream(stream, body, call)
            }
            Method::Delta(type_url) => {
                let stream = type_url.map_or_else(Stream::<Delta>::aggregated, Stream::typed);
                drive::stream(stream, body, call)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<Method>) {
        assert_eq!(Method::parse(path), expect);
    }

    #[test]
    fn methods_are_those_of_envoys_services() {
        let aggregated = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
        check(&format!("{aggregated}/StreamAggregatedResources"), Some(Method::Stream(None)));
        check(&format!("{aggregated}/DeltaAggregatedResources"), Some(Method::Delta(None)));
        let endpoints = "/envoy.service.endpoint.v3.EndpointDiscoveryService";
        let assignment = TypeUrl::LoadAssignment;
        check(&format!("{endpoints}/StreamEndpoints"), Some(Method::Stream(Some(assignment))));
        check(&format!("{endpoints}/DeltaEndpoints"), Some(Method::Delta(Some(assignment))));
        check(&format!("{endpoints}/FetchEndpoints"), Some(Method::Fetch(assignment)));
    }

    #[test]
    fn other_methods_are_not_served() {
        let aggregated = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
        check(&format!("{aggregated}/FetchAggregatedResources"), None);
        check(&format!("{aggregated}/StreamClusters"), None);
        check("/envoy.service.cluster.v3.ClusterDiscoveryService/Clusters", None);
        check("/", None);
        check("", None);
    }

    #[test]
    fn every_type_has_a_service() {
        for type_url in TypeUrl::ALL {
            assert!(SERVICES.iter().any(|(.., each)| *each == Some(type_url)), "{type_url}");
        }
    }
}
