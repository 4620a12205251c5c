//! Emptying an Envoy before it is stopped.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::admin::{Admin, AdminError};

/// The gauges that [`connections`] reads.
const CONNECTIONS: &str = "/stats?filter=downstream_cx_active%24";

/// The stat prefixes of listeners that serve operators, not traffic: what is connected there need not go.
const OPERATORS: [&str; 4] = ["stats", "health", "stats-health", "envoy-admin"];

/// How a drain ended.
#[derive(Debug)]
pub enum Drained {
    /// No connection is open.
    Idle,
    /// The deadline came first.
    Busy {
        /// How many connections were open when Envoy was asked last; none if it never answered.
        connections: Option<u64>,
    },
    /// The admin interface does not answer as it should: nothing is known.
    Unknown(AdminError),
}

/// Tells Envoy to send its clients away and waits until they are gone, `deadline` at most.
///
/// The health check fails at once, so that load balancers look elsewhere and each answer asks its client to
/// close the connection (HTTP/1 `connection: close`, HTTP/2 GOAWAY). Listeners accept for Envoy's drain time
/// (`--drain-time-s`) and then close. A connection without requests stays open until the deadline: there is no
/// answer to ask on.
pub async fn drain(admin: &Admin, deadline: Duration, poll: Duration) -> Drained {
    let mut last = None;
    match timeout_at(Instant::now() + deadline, empty(admin, poll, &mut last)).await {
        Ok(Ok(())) => Drained::Idle,
        Ok(Err(error)) => Drained::Unknown(error),
        Err(_) => Drained::Busy { connections: last },
    }
}

async fn empty(admin: &Admin, poll: Duration, last: &mut Option<u64>) -> Result<(), AdminError> {
    admin.post("/healthcheck/fail").await?;
    admin.post("/drain_listeners?graceful").await?;
    loop {
        let open = open_connections(admin).await?;
        *last = Some(open);
        if open == 0 {
            return Ok(());
        }
        sleep(poll).await;
    }
}

/// How many connections carry traffic.
///
/// # Errors
/// [`AdminError`], also for an answer without any gauge.
pub async fn open_connections(admin: &Admin) -> Result<u64, AdminError> {
    let unknown = || AdminError::Unknown { path: CONNECTIONS.to_owned() };
    connections(&admin.get(CONNECTIONS).await?).ok_or_else(unknown)
}

/// How many connections carry traffic: those of all listeners without those of the operators' listeners.
///
/// Only the gauges of listeners know TCP-proxied connections, and only those of HTTP connection managers have
/// a name that does not depend on addresses. Neither alone can answer. `None` if there is no gauge at all: every Envoy has
/// that of its admin interface.
fn connections(stats: &str) -> Option<u64> {
    let (mut open, mut operators, mut known) = (0, 0, false);
    for line in stats.lines() {
        let Some((name, count)) = line.split_once(": ") else { continue };
        let Some(scope) = name.strip_suffix(".downstream_cx_active") else { continue };
        let Ok(count) = count.trim().parse::<u64>() else { continue };
        known = true;
        if let Some(listener) = scope.strip_prefix("listener.") {
            open += if is_total(listener) { count } else { 0 };
        } else if scope.strip_prefix("http.").is_some_and(|prefix| OPERATORS.contains(&prefix)) {
            operators += count;
        }
    }
    known.then(|| open.saturating_sub(operators))
}

/// Whether the gauge is of a whole listener, not of its part on one worker, and not of the admin interface.
fn is_total(listener: &str) -> bool {
    let is_part = listener.rsplit_once('.').is_some_and(|(_, last)| last.starts_with("worker_"));
    !is_part && listener != "admin" && !listener.starts_with("admin.")
}

#[cfg(test)]
mod tests {

    use super::super::admin::fake;
    use super::*;

    const POLL: Duration = Duration::from_millis(1);

    #[track_caller]
    fn check(stats: &[&str], expect: u64) {
        assert_eq!(connections(&stats.join("\n")), Some(expect));
    }

    #[test]
    fn connections_of_all_listeners_are_added() {
        check(
            &[
                "listener.127.0.0.1_8080.downstream_cx_active: 2",
                "listener.0.0.0.0_8443.downstream_cx_active: 3",
            ],
            5,
        );
    }

    #[test]
    fn a_connection_is_not_counted_again_for_its_worker_and_its_manager() {
        check(
            &[
                "http.ingress_http.downstream_cx_active: 1",
                "listener.127.0.0.1_8080.downstream_cx_active: 1",
                "listener.127.0.0.1_8080.worker_0.downstream_cx_active: 1",
            ],
            1,
        );
    }

    #[test]
    fn the_admin_interface_does_not_count() {
        check(
            &[
                "http.admin.downstream_cx_active: 1",
                "listener.admin.downstream_cx_active: 1",
                "listener.admin.main_thread.downstream_cx_active: 1",
            ],
            0,
        );
    }

    #[test]
    fn the_operators_listeners_do_not_count() {
        check(
            &[
                "http.stats.downstream_cx_active: 2",
                "listener.127.0.0.1_8002.downstream_cx_active: 2",
                "listener.127.0.0.1_8080.downstream_cx_active: 1",
            ],
            1,
        );
    }

    #[test]
    fn connections_that_are_no_http_count() {
        check(&["listener.0.0.0.0_8443.downstream_cx_active: 4"], 4);
    }

    #[test]
    fn an_ipv6_listener_counts() {
        check(&["listener.[__1]_8080.downstream_cx_active: 1"], 1);
    }

    #[test]
    fn text_without_a_gauge_says_nothing() {
        let text = "\nNo stats\nlistener.127.0.0.1_8080.downstream_cx_total: 9\nx.downstream_cx_active: many\n";
        assert_eq!(connections(text), None);
    }

    /// Drains an Envoy that has `open` connections when it is asked first and one less each time.
    async fn drained(open: u64, deadline: Duration) -> (Drained, Vec<String>) {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("admin.sock");
        let heard = fake::with_connections(&socket, open);
        let drained = drain(&Admin::new(&socket), deadline, POLL).await;
        let heard = heard.lock().expect("no panic").clone();
        (drained, heard)
    }

    #[tokio::test]
    async fn a_drain_begins_with_health_and_listeners_and_ends_with_the_last_connection() {
        let (drained, heard) = drained(2, Duration::from_mins(1)).await;
        assert!(matches!(drained, Drained::Idle), "{drained:?}");
        assert_eq!(
            heard,
            [
                "POST /healthcheck/fail",
                "POST /drain_listeners?graceful",
                "GET /stats?filter=downstream_cx_active%24",
                "GET /stats?filter=downstream_cx_active%24",
                "GET /stats?filter=downstream_cx_active%24",
            ]
        );
    }

    #[tokio::test]
    async fn a_connection_that_stays_keeps_a_drain_until_its_deadline() {
        let (drained, _) = drained(u64::MAX, Duration::from_millis(200)).await;
        assert!(matches!(drained, Drained::Busy { connections: Some(_) }), "{drained:?}");
    }

    #[tokio::test]
    async fn an_envoy_that_refuses_leaves_everything_unknown() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("admin.sock");
        fake::serve(&socket, |_| (404, String::new()));
        let drained = drain(&Admin::new(&socket), Duration::from_mins(1), POLL).await;
        assert!(matches!(drained, Drained::Unknown(AdminError::Refused { .. })), "{drained:?}");
    }
}
