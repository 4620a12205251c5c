//! What people who debug ask the control loop, which alone knows. Questions wait in line with the changes, so that an
//! answer is of one moment, and nothing of the core is shared or locked.

use std::sync::Arc;

use contour_builder::{Counts, Holdings, Inspection, Unit};
use contour_dag::{Host, HostName};
use contour_envoy::config::Bind;
use tokio::sync::{mpsc, oneshot};

use super::control::Event;
use super::pipeline::Pipeline;

/// A question to the control loop, and where the answer goes. Whoever has lost interest drops the receiver.
#[derive(Debug)]
pub enum Question {
    /// Is it there? That it answers is the answer.
    Alive(oneshot::Sender<()>),
    /// What is served?
    Graph(oneshot::Sender<Graph>),
    /// What did a unit ask, and what did it come to? None if it is not demanded.
    Inspect(Unit, oneshot::Sender<Option<Inspection>>),
    /// How much is there?
    Amounts(oneshot::Sender<Amounts>),
}

/// How much there is.
#[derive(Clone, Debug)]
pub struct Amounts {
    /// Of everything that can be counted.
    pub counts: Counts,
    /// What is kept of it.
    pub holdings: Holdings,
    /// The bytes that the translator keeps, beside what is served.
    pub encoded_bytes: usize,
}

/// What is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Where Envoys listen for HTTP.
    pub http: Bind,
    /// The hosts, by name.
    pub hosts: Vec<(HostName, Arc<Host>)>,
}

impl Question {
    /// Answers it.
    pub(super) fn answer(self, pipeline: &Pipeline) {
        let builder = pipeline.builder();
        // An error means that nobody waits for the answer any more.
        match self {
            Question::Alive(reply) => drop(reply.send(())),
            Question::Graph(reply) => {
                let hosts = builder.hosts().map(|(name, host)| (name.clone(), Arc::clone(host)));
                let http = pipeline.addresses().get().http;
                drop(reply.send(Graph { http, hosts: hosts.collect() }));
            }
            Question::Inspect(unit, reply) => drop(reply.send(builder.inspect(&unit))),
            Question::Amounts(reply) => {
                let (counts, holdings) = (builder.counts(), builder.holdings());
                let encoded_bytes = pipeline.encoded_bytes();
                drop(reply.send(Amounts { counts, holdings, encoded_bytes }));
            }
        }
    }
}

/// Asks the control loop. `None` if it has ended.
pub async fn ask<T>(
    control: &mpsc::Sender<Event>,
    question: impl FnOnce(oneshot::Sender<T>) -> Question,
) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    control.send(Event::Asked(question(reply))).await.ok()?;
    answer.await.ok()
}
