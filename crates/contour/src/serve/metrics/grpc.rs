//! What the xDS server did, by the names of the usual gRPC metrics.

use prometheus::core::Collector;
use prometheus::{IntCounter, IntCounterVec, Opts};

/// A method of a gRPC service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// How many messages go which way: `bidi_stream` or `unary`.
    pub kind: &'static str,
    /// The service, with its package.
    pub service: &'static str,
    /// The method.
    pub method: &'a str,
}

/// `grpc_server_*`. A method's series appear with its first call.
#[derive(Clone, Debug)]
pub struct Grpc {
    started: IntCounterVec,
    received: IntCounterVec,
    sent: IntCounterVec,
    handled: IntCounterVec,
}

/// The messages of one call.
#[derive(Clone, Debug)]
pub struct Messages {
    received: IntCounter,
    sent: IntCounter,
}

const CALL: [&str; 3] = ["grpc_type", "grpc_service", "grpc_method"];
const CALL_AND_CODE: [&str; 4] = ["grpc_type", "grpc_service", "grpc_method", "grpc_code"];

impl Grpc {
    pub(super) fn new() -> Grpc {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels).expect("a valid name and labels")
        };
        Grpc {
            started: counter("grpc_server_started_total", "Calls that were begun.", &CALL),
            received: counter("grpc_server_msg_received_total", "Messages received.", &CALL),
            sent: counter("grpc_server_msg_sent_total", "Messages sent.", &CALL),
            handled: counter(
                "grpc_server_handled_total",
                "Calls that have ended, by how they did.",
                &CALL_AND_CODE,
            ),
        }
    }

    pub(super) fn collectors(&self) -> [Box<dyn Collector>; 4] {
        let Grpc { started, received, sent, handled } = self.clone();
        [Box::new(started), Box::new(received), Box::new(sent), Box::new(handled)]
    }

    /// A call begins.
    pub fn begin(&self, call: Call<'_>) -> Messages {
        let labels = [call.kind, call.service, call.method];
        self.started.with_label_values(&labels).inc();
        Messages {
            received: self.received.with_label_values(&labels),
            sent: self.sent.with_label_values(&labels),
        }
    }

    /// A call has ended, with the gRPC code of this name.
    pub fn end(&self, call: Call<'_>, code: &str) {
        self.handled.with_label_values(&[call.kind, call.service, call.method, code]).inc();
    }
}

impl Messages {
    /// A request came.
    pub fn received(&self) {
        self.received.inc();
    }

    /// A response went.
    pub fn sent(&self) {
        self.sent.inc();
    }
}
