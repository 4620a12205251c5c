//! What tells a pod that its Envoy may be stopped: the other half of [`shutdown`](super::shutdown).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::any;
use tokio::sync::{Mutex, watch};
use tokio::time::sleep;

use super::shutdown::{Shutdown, say_ready, unsay_ready};

/// How often the file is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// What is known of the shutdown of the pod's Envoy.
#[derive(Debug)]
pub struct PreStop {
    ready_file: PathBuf,
    /// Who takes Envoy out of service: we do, or another program that writes the file.
    shutdown: Option<Shutdown>,
    /// Becomes true when what was begun last is over.
    begun: Mutex<Option<watch::Receiver<bool>>>,
}

impl PreStop {
    /// Answers when the file is there. With `shutdown`, sees to it, too, once asked.
    pub fn new(ready_file: PathBuf, shutdown: Option<Shutdown>) -> Arc<PreStop> {
        Arc::new(PreStop { ready_file, shutdown, begun: Mutex::default() })
    }

    /// Waits until Envoy may be stopped.
    async fn ready(self: Arc<PreStop>) {
        if self.shutdown.is_some() {
            let mut over = self.begin().await;
            // Whoever did it is gone only with this process.
            let _ = over.wait_for(|over| *over).await;
            return;
        }
        while !self.is_said() {
            sleep(LOOK).await;
        }
        tracing::info!(file = %self.ready_file.display(), "Envoy may be stopped");
    }

    /// Has Envoy taken out of service, by a task of its own: who hangs up ends nothing, and who asks meanwhile waits for the
    /// same. Who asks later, as after a restart of Envoy alone, begins anew.
    async fn begin(self: &Arc<PreStop>) -> watch::Receiver<bool> {
        let mut begun = self.begun.lock().await;
        if let Some(over) = begun.as_ref().filter(|over| !*over.borrow()) {
            return over.clone();
        }
        let (tell, over) = watch::channel(false);
        let this = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(shutdown) = &this.shutdown {
                this.take_out(shutdown).await;
            }
            tell.send_replace(true);
        });
        *begun = Some(over.clone());
        over
    }

    async fn take_out(&self, shutdown: &Shutdown) {
        if let Err(error) = unsay_ready(&self.ready_file) {
            tracing::warn!(file = %self.ready_file.display(), %error, "cannot remove the file");
        }
        shutdown.run().await;
        // Nobody depends on it: whoever asks is answered.
        if let Err(error) = say_ready(&self.ready_file) {
            tracing::warn!(file = %self.ready_file.display(), %error, "cannot write the file");
        }
    }

    fn is_said(&self) -> bool {
        self.ready_file.try_exists().unwrap_or_else(|error| {
            tracing::warn!(file = %self.ready_file.display(), %error, "cannot look for the file");
            false
        })
    }
}

/// The routes: `/healthz`; and `/shutdown`, which answers when Envoy may be stopped.
pub fn routes(pre_stop: Arc<PreStop>) -> Router {
    Router::new()
        .route("/healthz", any(async || "OK"))
        .route("/shutdown", any(shutdown))
        .with_state(pre_stop)
}

/// Whoever asks is not waited for: who hangs up ends only its own request.
async fn shutdown(State(pre_stop): State<Arc<PreStop>>) -> &'static str {
    tracing::info!("asked whether Envoy may be stopped");
    pre_stop.ready().await;
    "OK"
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::admin::fake;
    use super::*;

    const WITHIN: Duration = Duration::from_mins(1);

    fn pre_stop(directory: &Path) -> Arc<PreStop> {
        let shutdown = Shutdown {
            admin_socket: directory.join("admin.sock"),
            drain_delay: Duration::ZERO,
            check_delay: Duration::ZERO,
            check_interval: Duration::from_millis(1),
            enough: 0,
            within: Some(WITHIN),
        };
        PreStop::new(directory.join("ok"), Some(shutdown))
    }

    fn fails(heard: &fake::Heard) -> usize {
        let heard = heard.lock().expect("no panic");
        heard.iter().filter(|request| *request == "POST /healthcheck/fail").count()
    }

    fn drained(pre_stop: &PreStop) -> fake::Heard {
        let admin = &pre_stop.shutdown.as_ref().expect("it has one").admin_socket;
        fake::serve(admin, |_| {
            (200, "listener.127.0.0.1_8080.downstream_cx_active: 0\n".to_owned())
        })
    }

    #[tokio::test]
    async fn each_time_it_is_asked_envoy_is_drained() {
        let directory = tempfile::tempdir().expect("a directory");
        let pre_stop = pre_stop(directory.path());
        let heard = drained(&pre_stop);
        for times in 1..=2 {
            Arc::clone(&pre_stop).ready().await;
            assert_eq!(fails(&heard), times);
        }
    }

    #[tokio::test]
    async fn who_hangs_up_ends_nothing_and_who_asks_meanwhile_waits_for_the_same() {
        let directory = tempfile::tempdir().expect("a directory");
        let pre_stop = pre_stop(directory.path());
        let first = tokio::spawn(Arc::clone(&pre_stop).ready());
        while pre_stop.begun.lock().await.is_none() {
            tokio::task::yield_now().await;
        }
        first.abort();
        // Its admin interface comes only now.
        let heard = drained(&pre_stop);
        tokio::join!(Arc::clone(&pre_stop).ready(), Arc::clone(&pre_stop).ready());
        assert_eq!(fails(&heard), 1);
        assert!(directory.path().join("ok").exists());
    }
}
