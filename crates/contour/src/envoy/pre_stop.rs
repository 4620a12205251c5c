//! What tells a pod that its Envoy may be stopped: the other half of [`shutdown`](super::shutdown).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::any;
use tokio::sync::OnceCell;
use tokio::time::sleep;

use super::shutdown::{Shutdown, say_ready};

/// How often the file is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// What is known of the shutdown of the pod's Envoy.
#[derive(Debug)]
pub struct PreStop {
    ready_file: PathBuf,
    /// Who takes Envoy out of service: we do, or another program that writes the file.
    shutdown: Option<Shutdown>,
    done: OnceCell<()>,
}

impl PreStop {
    /// Answers when the file is there. With `shutdown`, sees to it, too, once asked.
    pub fn new(ready_file: PathBuf, shutdown: Option<Shutdown>) -> Arc<PreStop> {
        Arc::new(PreStop { ready_file, shutdown, done: OnceCell::new() })
    }

    /// Waits until Envoy may be stopped.
    async fn ready(&self) {
        if let Some(shutdown) = &self.shutdown {
            self.done.get_or_init(|| self.take_out(shutdown)).await;
            return;
        }
        while !self.is_said() {
            sleep(LOOK).await;
        }
        tracing::info!(file = %self.ready_file.display(), "Envoy may be stopped");
    }

    async fn take_out(&self, shutdown: &Shutdown) {
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
