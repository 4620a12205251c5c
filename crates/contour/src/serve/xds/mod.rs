//! xDS over gRPC: the only code that knows tonic. Protocol logic is in `contour-xds`.

mod drive;
mod frame;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use contour_xds::delta::Delta;
use contour_xds::resource::{Dialect, TypeUrl};
use contour_xds::sotw::Sotw;
use contour_xds::stream::Stream;
use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower_service::Service;

use super::control::Event;
use super::hub::Hub;

/// After how long without traffic a client is asked whether it is there. With [`KEEPALIVE_TIMEOUT`] it is less than an Envoy
/// needs to notice a dead connection itself (35 s with our bootstrap): its old streams must have ended before it comes
/// again, so that what was unanswered on them is known to be doubtful.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// How long it may take to answer.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many streams a client may reset before it counts as an attack. An Envoy of the separate dialect has one for each
/// resource, and lets go of thousands at once.
const RESETS: usize = 1 << 20;

/// Serves xDS to everyone who connects. Dropping the future closes the port; connections end with the runtime.
///
/// # Errors
/// The transport's, if it cannot accept connections any more.
pub async fn serve(
    listener: TcpListener,
    hub: Arc<Hub>,
    control: mpsc::Sender<Event>,
) -> io::Result<()> {
    // Responses are complete when they are written: waiting for more only adds latency.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(u32::MAX)
        .http2_max_pending_accept_reset_streams(Some(RESETS))
        .http2_max_local_error_reset_streams(Some(RESETS))
        .serve_with_incoming(Xds { hub, control }, incoming)
        .await
        .map_err(io::Error::other)
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
}

/// The service behind every path.
#[derive(Clone, Debug)]
struct Xds {
    hub: Arc<Hub>,
    control: mpsc::Sender<Event>,
}

impl Service<Request<Body>> for Xds {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (hub, control) = (Arc::clone(&self.hub), self.control.clone());
        let method = Method::parse(request.uri().path());
        let body = request.into_body();
        let dialect = |type_url: Option<_>| match type_url {
            None => Dialect::Aggregated,
            Some(_) => Dialect::Separate,
        };
        ready(Ok(match method {
            None => Status::unimplemented("no such method").into_http(),
            Some(Method::Fetch(type_url)) => drive::fetch(type_url, body, hub, control),
            Some(Method::Stream(type_url)) => {
                let stream = type_url.map_or_else(Stream::<Sotw>::aggregated, Stream::typed);
                drive::stream(stream, dialect(type_url), body, hub, control)
            }
            Some(Method::Delta(type_url)) => {
                let stream = type_url.map_or_else(Stream::<Delta>::aggregated, Stream::typed);
                drive::stream(stream, dialect(type_url), body, hub, control)
            }
        }))
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
