use axum::response::IntoResponse as _;
use http_body_util::BodyExt as _;
use tokio::time::advance;

use super::*;

/// Asks a route, and answers with status and body.
async fn get(health: &Arc<Health>, path: &str, query: &str) -> (u16, String) {
    let state = State(Arc::clone(health));
    let query = RawQuery(Some(query.to_owned()).filter(|query| !query.is_empty()));
    let response = match path {
        "/readyz" => ready(state, query).await.into_response(),
        _ => live(state).await.into_response(),
    };
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

/// A control loop that answers when it is told to. Returns when the answer was heard.
async fn answer(events: &mut mpsc::Receiver<Event>, health: &Health) {
    let mut answered = health.answered.subscribe();
    match events.recv().await {
        Some(Event::Asked(Question::Alive(reply))) => reply.send(()).expect("somebody waits"),
        other => panic!("expected a question, not {other:?}"),
    }
    answered.changed().await.expect("it is there");
}

#[tokio::test(start_paused = true)]
async fn it_is_alive_as_long_as_the_control_loop_answers() {
    let (_serving, is_serving) = watch::channel(true);
    let health = Health::new(Readiness::of_directory(is_serving));
    let (control, mut events) = mpsc::channel(1);
    tokio::spawn(Arc::clone(&health).watch(control));
    for _ in 0..100 {
        answer(&mut events, &health).await;
        assert_eq!(get(&health, "/healthz", "").await, (200, "OK\n".to_owned()));
    }
    advance(PATIENCE + BEAT * 2).await;
    let dead = "the control loop has not answered for 32 s\n".to_owned();
    assert_eq!(get(&health, "/healthz", "").await, (503, dead));
    answer(&mut events, &health).await;
    answer(&mut events, &health).await;
    assert_eq!(get(&health, "/health", "").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_first_build_may_take_longer() {
    let (serving, is_serving) = watch::channel(false);
    let health = Health::new(Readiness::of_directory(is_serving));
    advance(FIRST_PATIENCE).await;
    assert_eq!(get(&health, "/healthz", "").await.0, 200);
    serving.send_replace(true);
    assert_eq!(get(&health, "/healthz", "").await.0, 503);
}

#[tokio::test]
async fn a_directory_is_ready_once_it_is_served() {
    let (serving, is_serving) = watch::channel(false);
    let health = Health::new(Readiness::of_directory(is_serving));
    let not_yet = "[-]serving failed: the first complete state is not built yet\nnot ready\n";
    assert_eq!(get(&health, "/readyz", "").await, (503, not_yet.to_owned()));
    serving.send_replace(true);
    assert_eq!(get(&health, "/readyz", "").await, (200, "OK\n".to_owned()));
    let verbose = "[+]serving ok\nready\n";
    assert_eq!(get(&health, "/readyz", "verbose").await, (200, verbose.to_owned()));
}

#[tokio::test]
async fn a_cluster_is_ready_once_everything_has_happened_and_an_outage_does_not_count() {
    let (serving, is_serving) = watch::channel(false);
    let readiness = Readiness::of_cluster(is_serving, ["HTTPProxy", "Secret"]);
    let health = Health::new(Arc::clone(&readiness));
    assert_eq!(get(&health, "/readyz", "verbose").await.0, 503);
    readiness.api_answered();
    readiness.synced("Secret");
    let expect = "\
[-]synced/HTTPProxy failed: its first list is not complete
[-]serving failed: the first complete state is not built yet
not ready
";
    assert_eq!(get(&health, "/readyz", "").await, (503, expect.to_owned()));
    readiness.synced("HTTPProxy");
    serving.send_replace(true);
    readiness.api_silent("connection refused");
    let expect = "\
[+]kubernetes-api ok
[+]synced/HTTPProxy ok
[+]synced/Secret ok
[+]serving ok
[ ]kubernetes-api-now failed, which does not count: connection refused
ready
";
    assert_eq!(get(&health, "/readyz", "verbose=1").await, (200, expect.to_owned()));
    assert_eq!(get(&health, "/healthz", "").await.0, 200);
}
