//! What becomes of an edited configuration while Contour runs.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::config::{Edges, Problems, Resolved, unreloadable};
use crate::serve::control::Event;
use crate::serve::debug::{Row, Rows};
use crate::serve::metrics::{Metrics, Reload};
use crate::serve::start::Config;

/// What a configuration that was edited comes to, or what is wrong with it.
pub(super) type News = Result<Resolved, Problems>;

/// Where a configuration takes effect.
#[derive(Debug)]
pub(super) struct Reloading {
    /// What cannot change without a restart, as it was at the start.
    pub(super) edges: Edges,
    pub(super) control: mpsc::Sender<Event>,
    pub(super) metrics: Arc<Metrics>,
    /// The configuration in effect, for people.
    pub(super) shown: watch::Sender<Vec<Row>>,
}

impl Reloading {
    /// Puts into effect what comes. What is wrong is told, and what was before stays.
    pub(super) async fn follow(self, mut news: mpsc::Receiver<News>) {
        while let Some(told) = news.recv().await {
            match told {
                Ok(resolved) => self.apply(resolved).await,
                Err(problems) => {
                    self.metrics.reload(Reload::Refused);
                    tracing::error!(
                        error = %problems,
                        "the configuration is not valid; the one before stays in effect"
                    );
                }
            }
        }
        std::future::pending::<()>().await;
    }

    async fn apply(&self, resolved: Resolved) {
        for note in &resolved.notes {
            tracing::warn!("{note}");
        }
        let later = unreloadable(&self.edges, &resolved.edges);
        if !later.is_empty() {
            let what = later.join(", ");
            tracing::warn!(what, "takes effect with the next start");
        }
        self.shown.send_replace(rows(&resolved));
        let config = Config { builder: resolved.builder, envoy: resolved.envoy };
        // If the control loop is gone, so is the process.
        let _ = self.control.send(Event::Config(config)).await;
        self.metrics.reload(Reload::Applied);
        tracing::info!("the configuration was read again");
    }
}

/// The configuration in effect, for people.
pub(super) fn rows(resolved: &Resolved) -> Vec<Row> {
    let explained = resolved.explain().into_iter();
    explained.map(|each| Row { key: each.key, value: each.value, origin: each.origin }).collect()
}

/// The newest of what is shown.
pub(super) fn shown(shown: watch::Receiver<Vec<Row>>) -> Rows {
    Arc::new(move || shown.borrow().clone())
}
