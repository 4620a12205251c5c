//! Conditions on their way to whoever writes or prints them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use contour_builder::{Conditions, ObjectRef, status};
use tokio::sync::Notify;

/// What became of objects: their conditions, or none for an object that is gone.
pub type News = BTreeMap<ObjectRef, Option<Arc<Conditions>>>;

/// Conditions that changed and were not taken yet. Of each object only the newest is kept, so that a slow reader neither
/// delays the control loop nor costs memory without bound.
#[derive(Debug, Default)]
pub struct Outbox {
    news: Mutex<News>,
    arrived: Notify,
}

impl Outbox {
    /// Puts in what changed.
    pub fn put(&self, delta: status::Delta) {
        if delta.is_empty() {
            return;
        }
        self.news.lock().unwrap_or_else(PoisonError::into_inner).extend(delta);
        self.arrived.notify_one();
    }

    /// Takes out everything there is, and waits for something if there is nothing.
    pub async fn take(&self) -> News {
        loop {
            let news =
                std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner));
            if !news.is_empty() {
                return news;
            }
            self.arrived.notified().await;
        }
    }
}
