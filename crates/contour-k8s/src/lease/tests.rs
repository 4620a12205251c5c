use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;

/// What the API server of a test does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    /// It has no Lease, and takes whatever is written.
    Answers,
    /// It takes requests and never answers.
    Hangs,
    /// It refuses everything at once.
    Forbids,
}

/// A client of an API server that does what `server` says at the time of each request.
fn client(server: watch::Receiver<Server>) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = *server.borrow();
        async move {
            match server {
                Server::Hangs => std::future::pending().await,
                Server::Forbids => Ok::<_, Infallible>(refusal(StatusCode::FORBIDDEN, "Forbidden")),
                Server::Answers if request.method() == Method::GET => {
                    Ok(refusal(StatusCode::NOT_FOUND, "NotFound"))
                }
                Server::Answers => Ok(Response::new(request.into_body())),
            }
        }
    });
    Client::new(service, "default")
}

fn refusal(code: StatusCode, reason: &str) -> Response<Body> {
    let text = format!(
        r#"{{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": "{reason}", "code": {}}}"#,
        code.as_u16()
    );
    let mut response = Response::new(Body::from(text.into_bytes()));
    *response.status_mut() = code;
    response
}

/// A candidate that leads, and the means to change its API server.
async fn leader() -> (watch::Receiver<bool>, Arc<watch::Sender<Server>>) {
    let (leading, server, _) = leader_until(std::future::pending()).await;
    (leading, server)
}

/// A candidate that leads until it is told to stop, and its task.
async fn leader_until(
    stop: impl Future<Output = ()> + Send + 'static,
) -> (watch::Receiver<bool>, Arc<watch::Sender<Server>>, JoinHandle<()>) {
    let (server, receiver) = watch::channel(Server::Answers);
    let settings = Settings {
        name: "leader-elect".to_owned(),
        namespace: "projectcontour".to_owned(),
        identity: "us".to_owned(),
        durations: Durations::default(),
    };
    let (election, mut leading) = Election::new(client(receiver), settings);
    let task = tokio::spawn(election.run(stop));
    becomes(&mut leading, true).await;
    (leading, Arc::new(server), task)
}

async fn becomes(leading: &mut watch::Receiver<bool>, expect: bool) {
    leading.wait_for(|is| *is == expect).await.expect("the candidate goes on");
}

/// Lets the server do this to a leader, and tells after how long it stops leading; then mends the server, and the
/// candidate leads again.
async fn stops_leading_after(does: Server) -> Duration {
    let (mut leading, server) = leader().await;
    let begin = Instant::now();
    server.send_replace(does);
    becomes(&mut leading, false).await;
    let waited = begin.elapsed();
    server.send_replace(Server::Answers);
    becomes(&mut leading, true).await;
    waited
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_api_server_hangs_stops_at_the_renew_deadline() {
    assert_eq!(stops_leading_after(Server::Hangs).await.as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_permission_is_withdrawn_stops_at_the_renew_deadline() {
    assert_eq!(stops_leading_after(Server::Forbids).await.as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_leader_stays_leader_while_it_renews() {
    let (mut leading, _server) = leader().await;
    let hour = Duration::from_hours(1);
    assert!(timeout(hour, leading.wait_for(|leads| !leads)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_told_to_stop_does_not_wait_for_an_api_server_that_hangs() {
    let (stop, stopped) = oneshot::channel::<()>();
    let (leading, server, task) = leader_until(async { drop(stopped.await) }).await;
    server.send_replace(Server::Hangs);
    let begin = Instant::now();
    stop.send(()).expect("it runs");
    task.await.expect("it ends");
    assert_eq!(begin.elapsed().as_secs(), 4);
    assert!(!*leading.borrow());
}

#[test]
fn an_identity_is_a_host_and_a_uuid() {
    let (first, second) = (identity(), identity());
    assert_ne!(first, second);
    let (host, id) = first.rsplit_once('_').expect("two parts");
    assert!(!host.is_empty());
    // Tools cut this many characters off, the underscore included, to find the pod.
    assert_eq!(id.len() + 1, 37);
}

#[tokio::test(start_paused = true)]
async fn leadership_without_an_election_never_changes() {
    let mut leading = always();
    assert!(*leading.borrow());
    let waited = timeout(Duration::from_secs(1), leading.changed()).await;
    assert!(waited.is_err(), "{waited:?}");
}
