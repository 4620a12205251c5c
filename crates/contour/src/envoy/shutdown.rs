//! Taking an Envoy out of service in a cluster: before it is stopped, by the hook of a pod.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::admin::{Admin, AdminError};
use super::drain::open_connections;

/// How long to wait before Envoy is told again, each time after it did not take it; each a little more or less.
const AGAIN_AFTER: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];

/// How an Envoy is taken out of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// The socket of Envoy's admin interface. Source: `--admin-address`.
    pub admin_socket: PathBuf,
    /// How long to wait before anything is done. Source: `--drain-delay`.
    pub drain_delay: Duration,
    /// How long to wait before connections are counted for the first time. Source: `--check-delay`.
    pub check_delay: Duration,
    /// How long to wait before they are counted again. Source: `--check-interval`.
    pub check_interval: Duration,
    /// With so many open connections, or less, twice in a row, Envoy may be stopped. Source: `--min-open-connections`.
    pub enough: u64,
    /// How long all of it may take; `None`: as long as it takes. Source: `--drain-timeout`.
    pub within: Option<Duration>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// No more connections are open than may be.
    Drained,
    /// The time was over first.
    Late,
}

impl Shutdown {
    /// Makes Envoy fail its health check, which sends clients away: readiness is lost, each answer over HTTP/1 asks to close
    /// the connection, HTTP/2 is told to go away. Then waits until they are gone: until that was seen twice in a row, since
    /// clients come as long as nobody has noticed, and an Envoy that is idle at the moment when it is told would be stopped
    /// before that.
    ///
    /// An admin interface that does not answer, or not so that it can be understood, is asked again and again: then time
    /// alone ends it.
    pub async fn run(&self) -> Ended {
        match self.within {
            None => self.drain().await,
            Some(within) if timeout(within, self.drain()).await.is_ok() => return Ended::Drained,
            Some(within) => {
                let seconds = within.as_secs_f64();
                tracing::warn!(seconds, "connections are still open, and the time is over");
                return Ended::Late;
            }
        }
        Ended::Drained
    }

    async fn drain(&self) {
        let admin = Admin::new(&self.admin_socket);
        sleep(self.drain_delay).await;
        fail_health_checks(&admin).await;
        sleep(self.check_delay).await;
        let begun = Instant::now();
        // Whether there were few enough the time before.
        let mut few = false;
        loop {
            match open_connections(&admin).await {
                Ok(open) if open <= self.enough && few => {
                    let seconds = begun.elapsed().as_secs_f64();
                    tracing::info!(
                        open_connections = open,
                        min_connections = self.enough,
                        seconds,
                        "Envoy is drained"
                    );
                    return;
                }
                Ok(open) => {
                    few = open <= self.enough;
                    tracing::info!(
                        open_connections = open,
                        min_connections = self.enough,
                        "counted open connections"
                    );
                }
                Err(error) => {
                    tracing::warn!(%error, "connections cannot be counted; it is tried again");
                }
            }
            sleep(self.check_interval).await;
        }
    }
}

/// Tells Envoy to fail its health check, several times if need be. What cannot be told is told to the log: connections are
/// waited for all the same.
async fn fail_health_checks(admin: &Admin) {
    let mut pauses = AGAIN_AFTER.into_iter();
    loop {
        let Err(error) = tell(admin).await else {
            tracing::info!("Envoy fails its health check from now on");
            return;
        };
        let Some(pause) = pauses.next() else {
            let attempts = AGAIN_AFTER.len() + 1;
            tracing::error!(%error, attempts, "Envoy does not take it that it shall fail its health check");
            return;
        };
        tracing::warn!(%error, "Envoy is told again to fail its health check");
        sleep(pause.mul_f64(fastrand::f64().mul_add(0.2, 0.9))).await;
    }
}

async fn tell(admin: &Admin) -> Result<(), AdminError> {
    admin.post("/healthcheck/fail").await.map(drop)
}

/// Says that Envoy may be stopped, to whoever waits for the file.
///
/// # Errors
/// The system's.
pub fn say_ready(file: &Path) -> std::io::Result<()> {
    std::fs::write(file, "")
}

/// Takes back what an earlier shutdown said: a file that is left from it would let the next one end at once.
///
/// # Errors
/// The system's, but for a file that is not there.
pub fn unsay_ready(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tempfile::TempDir;

    use super::super::admin::fake;
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    fn shutdown(directory: &TempDir) -> Shutdown {
        Shutdown {
            admin_socket: directory.path().join("admin.sock"),
            drain_delay: Duration::ZERO,
            check_delay: Duration::ZERO,
            check_interval: SOON,
            enough: 0,
            within: None,
        }
    }

    #[tokio::test]
    async fn health_fails_first_and_then_connections_are_waited_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let shutdown = shutdown(&directory);
        let heard = fake::with_connections(&shutdown.admin_socket, 2);
        assert_eq!(shutdown.run().await, Ended::Drained);
        let heard = heard.lock().expect("no panic").clone();
        assert_eq!(heard[0], "POST /healthcheck/fail");
        assert_eq!(heard.len(), 1 + 4, "{heard:?}");
    }

    #[tokio::test]
    async fn some_connections_may_be_enough() {
        let directory = tempfile::tempdir().expect("a directory");
        let shutdown = Shutdown { enough: 2, ..shutdown(&directory) };
        let heard = fake::with_connections(&shutdown.admin_socket, 3);
        assert_eq!(shutdown.run().await, Ended::Drained);
        assert_eq!(heard.lock().expect("no panic").len(), 1 + 3);
    }

    #[tokio::test]
    async fn time_ends_what_connections_do_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let within = Some(Duration::from_millis(200));
        let shutdown = Shutdown { within, ..shutdown(&directory) };
        fake::with_connections(&shutdown.admin_socket, u64::MAX);
        assert_eq!(shutdown.run().await, Ended::Late);
    }

    #[tokio::test(start_paused = true)]
    async fn an_envoy_that_is_not_there_is_told_four_times_and_then_waited_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let within = Some(Duration::from_mins(1));
        let shutdown = Shutdown { within, ..shutdown(&directory) };
        let begin = Instant::now();
        fail_health_checks(&Admin::new(&shutdown.admin_socket)).await;
        let waited = begin.elapsed().as_secs_f64();
        assert!((5.5..7.0).contains(&waited), "{waited}");
        assert_eq!(shutdown.run().await, Ended::Late);
    }

    #[tokio::test]
    async fn an_answer_that_makes_no_sense_does_not_end_the_waiting() {
        let directory = tempfile::tempdir().expect("a directory");
        let shutdown = shutdown(&directory);
        let asked = AtomicU64::new(0);
        fake::serve(&shutdown.admin_socket, move |request| {
            if !request.starts_with("GET /stats") {
                return (200, String::new());
            }
            match asked.fetch_add(1, Ordering::Relaxed) {
                0 => (503, "no".to_owned()),
                1 => (200, "\u{fffd}garbage".to_owned()),
                _ => (200, "listener.127.0.0.1_8080.downstream_cx_active: 0\n".to_owned()),
            }
        });
        assert_eq!(shutdown.run().await, Ended::Drained);
    }

    #[tokio::test(start_paused = true)]
    async fn an_admin_interface_that_never_answers_does_not_last_longer_than_the_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let within = Some(Duration::from_mins(5));
        let shutdown = Shutdown { within, ..shutdown(&directory) };
        let _silent = std::os::unix::net::UnixListener::bind(&shutdown.admin_socket).expect("free");
        let begin = Instant::now();
        assert_eq!(shutdown.run().await, Ended::Late);
        assert!(begin.elapsed() < Duration::from_secs(301), "{:?}", begin.elapsed());
    }

    #[tokio::test]
    async fn what_is_no_http_is_asked_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let within = Some(Duration::from_secs(1));
        let shutdown = Shutdown { within, ..shutdown(&directory) };
        let listener = tokio::net::UnixListener::bind(&shutdown.admin_socket).expect("free");
        let (asked, times) = (std::sync::Arc::new(AtomicU64::new(0)), Ordering::Relaxed);
        let counted = std::sync::Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, times);
                // Whether it is heard does not matter.
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"garbage\n\n").await;
            }
        });
        assert_eq!(shutdown.run().await, Ended::Late);
        assert!(asked.load(times) >= 2);
    }

    #[test]
    fn a_file_of_an_earlier_shutdown_is_taken_away() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("ok");
        unsay_ready(&file).expect("there is none");
        say_ready(&file).expect("it can be written");
        assert!(file.exists());
        unsay_ready(&file).expect("it can be removed");
        assert!(!file.exists());
    }
}
