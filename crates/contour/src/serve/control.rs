//! The control loop: the only owner of the core.
//!
//! There is no hold-off timer. The loop takes everything that waits, applies it in one pass, publishes, and looks again:
//! under a storm passes grow, in quiet times each change goes out at once. Envoy is protected from storms by the one
//! response in flight for each type.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use contour_builder::Change;
use contour_xds::resource::Dialect;
use contour_xds::time::Moment;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};

use super::hub::Hub;
use super::metrics::Metrics;
use super::outbox::Outbox;
use super::pipeline::{Pass, Pipeline};
use super::question::Question;
use super::start::Config;

/// What the loop reacts to.
#[derive(Debug)]
pub enum Event {
    /// Objects changed.
    Changes(Vec<Change>),
    /// Every source has told everything that was there at the start. Nothing is published before.
    Synced,
    /// A client appeared that speaks the separate dialect.
    SpeakSeparate,
    /// The configuration is now this.
    Config(Config),
    /// Somebody wants to know something. Answered after the changes that came before it, and those that came with it.
    Asked(Question),
}

/// How many events may wait. A source that is faster than the loop waits in turn.
pub const QUEUE: usize = 64;

/// What the loop tells.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// What Envoys are served.
    pub hub: Arc<Hub>,
    /// What is true of objects.
    pub statuses: Arc<Outbox>,
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// Becomes true with the first complete publication.
    pub serving: watch::Sender<bool>,
}

/// Starts the loop on a thread of its own: a first build is seconds of arithmetic. It ends when all senders of `events`
/// are gone.
///
/// # Errors
/// If the operating system has no thread.
pub fn spawn(
    configs: (Arc<contour_builder::Config>, Arc<contour_envoy::Config>),
    events: mpsc::Receiver<Event>,
    outputs: Outputs,
) -> std::io::Result<JoinHandle<()>> {
    // A runtime of its own: it outlives the one that everything else runs on by a moment, and its timers must not break
    // with that one.
    let runtime = Builder::new_current_thread().enable_time().build()?;
    std::thread::Builder::new().name("control".to_owned()).spawn(move || {
        let (builder, envoy) = configs;
        let (pipeline, published) = Pipeline::new(builder, envoy, outputs.hub.now());
        outputs.hub.publish(published);
        let mut control = Control { pipeline, outputs, synced: false, config: None };
        runtime.block_on(control.run(events));
    })
}

struct Control {
    pipeline: Pipeline,
    outputs: Outputs,
    /// Whether everything is there. Until then nothing is built.
    synced: bool,
    /// A configuration that came before that.
    config: Option<Config>,
}

impl Control {
    async fn run(&mut self, mut events: mpsc::Receiver<Event>) {
        let mut waiting = Vec::with_capacity(QUEUE);
        loop {
            tokio::select! {
                count = events.recv_many(&mut waiting, QUEUE) => {
                    if count == 0 {
                        return;
                    }
                    self.take(waiting.drain(..));
                }
                () = self.outputs.hub.sleep_until(self.pipeline.next_deadline()) => {
                    let publication = self.pipeline.retire(self.outputs.hub.now());
                    self.outputs.hub.publish_in(Dialect::Separate, publication);
                }
            }
        }
    }

    fn take(&mut self, events: impl Iterator<Item = Event>) {
        let arrived = self.outputs.hub.now();
        let (mut changes, mut questions) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Event::Changes(more) if self.synced => changes.extend(more),
                Event::Changes(more) => self.pipeline.take_in(more),
                Event::Synced => {
                    self.synced = true;
                    self.pass(Vec::new(), arrived);
                    if let Some(config) = self.config.take() {
                        self.configure(config, arrived);
                    }
                    self.outputs.serving.send_replace(true);
                }
                Event::Config(config) if self.synced => {
                    if !changes.is_empty() {
                        self.pass(std::mem::take(&mut changes), arrived);
                    }
                    self.configure(config, arrived);
                }
                Event::Config(config) => self.config = Some(config),
                Event::SpeakSeparate => {
                    let publication = self.pipeline.speak_separate();
                    self.outputs.hub.publish_in(Dialect::Separate, publication);
                }
                Event::Asked(question) => questions.push(question),
            }
        }
        if !changes.is_empty() {
            self.pass(changes, arrived);
        }
        for question in questions {
            question.answer(&self.pipeline);
        }
    }

    fn pass(&mut self, changes: Vec<Change>, arrived: Moment) {
        let begin = Instant::now();
        let count = changes.len();
        let pass = self.pipeline.apply(changes, self.outputs.hub.now());
        log(&pass, count, begin);
        self.tell(pass, arrived);
    }

    fn configure(&mut self, config: Config, arrived: Moment) {
        let begin = Instant::now();
        let pass = self.pipeline.configure(config.builder, config.envoy, self.outputs.hub.now());
        log(&pass, 0, begin);
        self.tell(pass, arrived);
    }

    fn tell(&self, pass: Pass, arrived: Moment) {
        self.outputs.metrics.pass(&pass);
        self.outputs.metrics.objects(&self.pipeline.builder().objects());
        self.outputs.hub.publish_change(pass.published, arrived);
        self.outputs.statuses.put(pass.status);
        self.outputs.statuses.put(pass.confirmed);
    }
}

fn log(pass: &Pass, changes: usize, begin: Instant) {
    for fault in &pass.faults {
        tracing::error!(at = %fault.at, error = %fault.message, "a bug was contained; the last good form stands");
    }
    tracing::debug!(
        changes,
        hosts_built = pass.stats.hosts_built,
        units_built = pass.stats.units_built,
        resources = pass.resources,
        statuses = pass.status.len(),
        duration_us = begin.elapsed().as_micros(),
        "applied changes"
    );
}

#[cfg(test)]
mod tests {
    use contour_builder::{Change, Kind, ObjectName, ObjectRef, Problem, Reason, Revision};

    use super::*;

    #[tokio::test]
    async fn nothing_is_served_before_everything_is_there() {
        let (hub, statuses) = (Arc::new(Hub::default()), Arc::new(Outbox::default()));
        let (serving, mut is_serving) = watch::channel(false);
        let outputs = Outputs {
            hub: Arc::clone(&hub),
            statuses: Arc::clone(&statuses),
            metrics: Arc::default(),
            serving,
        };
        let (events, inbox) = mpsc::channel(QUEUE);
        spawn(Default::default(), inbox, outputs).expect("a thread");
        let name = ObjectName::new("default", "proxy");
        let proxy = ObjectRef { kind: Kind::HttpProxy, name };
        let problem = Problem::new(Reason::Unreadable, "a typo");
        let change = Change::Unreadable(proxy.clone(), Revision::default(), problem);
        events.send(Event::Changes(vec![change])).await.expect("it listens");
        // Is done when what came before it is.
        events.send(Event::SpeakSeparate).await.expect("it listens");
        hub.spoken(Dialect::Separate).await;
        assert!(!*is_serving.borrow());
        events.send(Event::Synced).await.expect("it listens");
        is_serving.wait_for(|serving| *serving).await.expect("it goes on");
        assert!(statuses.take().await.contains_key(&proxy));
    }
}
