//! What is counted and measured, under upstream's names, for Prometheus.
//!
//! [`Metrics`] is a value that is passed to whoever has something to tell; there is no global registry. A counter with
//! labels appears when it is counted first.

pub mod endpoint;
pub mod grpc;

mod family;
mod summary;
mod tally;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contour_builder::Kind;
use contour_k8s::client::Asked;
use contour_xds::resource::TypeUrl;
use http::StatusCode;
use prometheus::core::{AtomicU64, Collector, GenericGauge};
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts,
    Registry, TextEncoder,
};
use rustix::process::{Resource, getrlimit};

use self::grpc::Grpc;
use self::summary::Summary;
pub use self::tally::Role;
use self::tally::Tallied;
use super::pipeline::Pass;

/// The quantiles of what concerns the graph and statuses.
const MANY: &[f64] = &[0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];

/// The quantiles of what concerns resources.
const FEW: &[f64] = &[0.5, 0.9, 0.99];

/// The bounds of the buckets of what Envoys take to accept, in seconds.
const ACCEPTED: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// What this program was built from. Becomes: the labels of `contour_build_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// Branch; `unknown` if it was not said when this was built.
    pub branch: &'static str,
    /// Commit; likewise.
    pub revision: &'static str,
    /// Release.
    pub version: &'static str,
}

impl Build {
    /// This program: what `CONTOUR_BUILD_BRANCH`, `CONTOUR_BUILD_REVISION` and `CONTOUR_BUILD_VERSION` were when it was
    /// built.
    pub const THIS: Build = Build {
        branch: or(option_env!("CONTOUR_BUILD_BRANCH"), "unknown"),
        revision: or(option_env!("CONTOUR_BUILD_REVISION"), "unknown"),
        version: or(option_env!("CONTOUR_BUILD_VERSION"), env!("CARGO_PKG_VERSION")),
    };
}

const fn or(text: Option<&'static str>, otherwise: &'static str) -> &'static str {
    match text {
        Some(text) => text,
        None => otherwise,
    }
}

/// What became of writing one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusUpdate {
    /// It was written.
    Written,
    /// There was nothing to write.
    Unchanged,
    /// It was given up, for now at least.
    Failed,
}

/// What became of a configuration that was edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// It is in effect.
    Applied,
    /// It is not valid; the one before stays in effect.
    Refused,
}

/// Whether something answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachable {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// Everything that is counted and measured.
pub struct Metrics {
    registry: Registry,
    /// `grpc_server_*`: what the xDS server did.
    pub grpc: Grpc,
    tallied: Tallied,
    objects: IntGaugeVec,
    operations: IntCounterVec,
    rebuilds: IntCounter,
    rebuilt_at: Gauge,
    rebuild: Summary,
    caches: Summary,
    statuses: Statuses,
    reloads: IntCounterVec,
    rejections: IntCounterVec,
    accepted: Histogram,
    api_up: IntGaugeVec,
    api_requests: IntCounterVec,
    leader: IntGaugeVec,
    expiry: GaugeVec,
}

/// `contour_status_update_*`.
#[derive(Clone, Debug)]
struct Statuses {
    attempted: IntCounterVec,
    succeeded: IntCounterVec,
    unchanged: IntCounterVec,
    failed: IntCounterVec,
    conflicts: IntCounterVec,
    duration: Summary,
}

impl Metrics {
    /// Metrics of this process, that of this build.
    pub fn new(build: Build) -> Metrics {
        let registry = Registry::new();
        let metrics = Metrics {
            grpc: Grpc::new(),
            tallied: Tallied::new(),
            objects: gauges("contour_dag_cache_object", "Objects that are kept.", &["kind"]),
            operations: counters(
                "contour_eventhandler_operation_total",
                "Objects that came, changed or went, before it was looked at what that means.",
                &["kind", "op"],
            ),
            rebuilds: IntCounter::new("contour_dagrebuild_total", "Passes over what changed.")
                .expect(VALID),
            rebuilt_at: Gauge::new(
                "contour_dagrebuild_timestamp",
                "When the last pass ended, in seconds since 1970.",
            )
            .expect(VALID),
            rebuild: Summary::new(
                "contour_dagrebuild_seconds",
                "How long it takes to bring the graph up to date.",
                MANY,
                &[],
            ),
            caches: Summary::new(
                "contour_cachehandler_onupdate_duration_seconds",
                "How long it takes to bring the xDS resources up to date.",
                FEW,
                &[],
            ),
            statuses: Statuses::new(),
            reloads: counters(
                "contour_config_reload_total",
                "Edits of the configuration, by whether they took effect.",
                &["result"],
            ),
            rejections: counters(
                "contour_xds_rejections_total",
                "Responses that an Envoy refused, by the type of their resources.",
                &["type"],
            ),
            accepted: accepted(),
            api_up: gauges(
                "contour_kubernetes_api_up",
                "Whether the Kubernetes API answered when it was asked last.",
                &[],
            ),
            api_requests: counters(
                "rest_client_requests_total",
                "Requests to the Kubernetes API.",
                &["code", "method", "host"],
            ),
            leader: gauges(
                "leader_election_master_status",
                "Whether this process holds the lease.",
                &["name"],
            ),
            expiry: GaugeVec::new(
                Opts::new(
                    "contour_certificate_expiry_timestamp_seconds",
                    "When a certificate of this process expires, in seconds since 1970.",
                ),
                &["name"],
            )
            .expect(VALID),
            registry,
        };
        metrics.register(build);
        metrics
    }

    fn register(&self, build: Build) {
        let info = gauges(
            "contour_build_info",
            "Always 1; the labels tell what this program was built from.",
            &["branch", "revision", "version"],
        );
        info.with_label_values(&[build.branch, build.revision, build.version]).set(1);
        let mut collectors: Vec<Box<dyn Collector>> = vec![
            Box::new(info),
            Box::new(self.tallied.clone()),
            Box::new(self.objects.clone()),
            Box::new(self.operations.clone()),
            Box::new(self.rebuilds.clone()),
            Box::new(self.rebuilt_at.clone()),
            Box::new(self.rebuild.clone()),
            Box::new(self.caches.clone()),
            Box::new(self.reloads.clone()),
            Box::new(self.rejections.clone()),
            Box::new(self.accepted.clone()),
            Box::new(self.api_up.clone()),
            Box::new(self.api_requests.clone()),
            Box::new(self.leader.clone()),
            Box::new(self.expiry.clone()),
            Box::new(ProcessCollector::for_self()),
            Box::new(virtual_memory_max()),
        ];
        collectors.extend(self.grpc.collectors());
        collectors.extend(self.statuses.collectors());
        for collector in collectors {
            self.registry.register(collector).expect("each name is given once");
        }
    }

    /// A pass of the control loop is over.
    pub fn pass(&self, pass: &Pass) {
        for ((kind, operation), count) in &pass.operations {
            let labels = [kind.as_str(), operation.as_str()];
            self.operations.with_label_values(&labels).inc_by(*count as u64);
        }
        self.rebuilds.inc();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.rebuilt_at.set(now.as_secs_f64());
        self.rebuild.observe(&[], pass.building);
        self.caches.observe(&[], pass.translating);
        self.tallied.apply(&pass.status);
    }

    /// So many objects of each kind are kept. Endpoint slices are not told, as upstream does not.
    pub fn objects(&self, objects: &[(Kind, usize)]) {
        for (kind, count) in objects.iter().filter(|(kind, _)| *kind != Kind::EndpointSlice) {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            self.objects.with_label_values(&[kind.as_str()]).set(count);
        }
    }

    /// It was tried to write the status of an object of this kind.
    pub fn status_update(&self, kind: &str, update: StatusUpdate, took: Duration) {
        let Statuses { attempted, succeeded, unchanged, failed, duration, .. } = &self.statuses;
        let count = |counter: &IntCounterVec| counter.with_label_values(&[kind]).inc();
        count(attempted);
        match update {
            StatusUpdate::Written => count(succeeded),
            StatusUpdate::Unchanged => {
                count(succeeded);
                count(unchanged);
            }
            StatusUpdate::Failed => count(failed),
        }
        let error = if update == StatusUpdate::Failed { "true" } else { "false" };
        duration.observe(&[error, kind], took);
    }

    /// Someone else had written the object meanwhile.
    pub fn status_conflict(&self, kind: &str) {
        self.statuses.conflicts.with_label_values(&[kind]).inc();
    }

    /// Whether this replica writes statuses. `contour_httpproxy*` exists only while it does.
    pub fn role(&self, role: Role) {
        self.tallied.set_role(role);
    }

    /// Whether this replica holds the lease of this name, and so writes statuses. Never told without an election.
    pub fn lease(&self, name: &str, role: Role) {
        self.leader.with_label_values(&[name]).set(i64::from(role == Role::Leader));
        self.role(role);
    }

    /// The configuration was edited.
    pub fn reload(&self, reload: Reload) {
        let result = match reload {
            Reload::Applied => "success",
            Reload::Refused => "failure",
        };
        self.reloads.with_label_values(&[result]).inc();
    }

    /// An Envoy refused a response.
    pub fn rejection(&self, type_url: TypeUrl) {
        self.rejections.with_label_values(&[type_url.as_str()]).inc();
    }

    /// Changes were accepted by every Envoy that they concern, this long after they had come.
    pub fn accepted(&self, took: &[Duration]) {
        for took in took {
            self.accepted.observe(took.as_secs_f64());
        }
    }

    /// Whether the Kubernetes API answers. Never told without one.
    pub fn kubernetes_api(&self, reachable: Reachable) {
        let none: [&str; 0] = [];
        self.api_up.with_label_values(&none).set(i64::from(reachable == Reachable::Yes));
    }

    /// A request to the Kubernetes API is over.
    pub fn kubernetes_request(&self, asked: &Asked<'_>) {
        let Asked { code, method, host, path: _ } = asked;
        let code = code.as_ref().map_or(UNANSWERED, StatusCode::as_str);
        self.api_requests.with_label_values(&[code, method.as_str(), host]).inc();
    }

    /// A certificate of this process is in use, or will be: what it is called, and when it expires, in seconds since 1970.
    pub fn certificate(&self, name: &str, expiry: i64) {
        #[expect(clippy::cast_precision_loss, reason = "2^52 seconds are 143 million years")]
        self.expiry.with_label_values(&[name]).set(expiry as f64);
    }

    /// Everything, in Prometheus' text format, version 0.0.4.
    pub fn render(&self) -> String {
        let rendered = TextEncoder::new().encode_to_string(&self.registry.gather());
        rendered.unwrap_or_else(|error| format!("# cannot be shown: {error}\n"))
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new(Build::THIS)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Statuses {
    fn new() -> Statuses {
        let counters = |name, help| counters(name, help, &["kind"]);
        Statuses {
            attempted: counters("contour_status_update_total", "Statuses that were to be written."),
            succeeded: counters(
                "contour_status_update_success_total",
                "Statuses that were written, or needed not be.",
            ),
            unchanged: counters(
                "contour_status_update_noop_total",
                "Statuses that needed not be written.",
            ),
            failed: counters(
                "contour_status_update_failed_total",
                "Statuses that could not be written.",
            ),
            conflicts: counters(
                "contour_status_update_conflict_total",
                "Attempts that met a write by someone else.",
            ),
            duration: Summary::new(
                "contour_status_update_duration_seconds",
                "How long it takes to write a status.",
                MANY,
                &["error", "kind"],
            ),
        }
    }

    fn collectors(&self) -> [Box<dyn Collector>; 6] {
        let Statuses { attempted, succeeded, unchanged, failed, conflicts, duration } =
            self.clone();
        [
            Box::new(attempted),
            Box::new(succeeded),
            Box::new(unchanged),
            Box::new(failed),
            Box::new(conflicts),
            Box::new(duration),
        ]
    }
}

/// The code of a request to the Kubernetes API without an answer.
const UNANSWERED: &str = "<error>";

/// Names and labels are constants of this program.
const VALID: &str = "a valid name and valid labels";

fn accepted() -> Histogram {
    let help = "How long it takes from a change to its acceptance by every Envoy that it concerns.";
    let options = HistogramOpts::new("contour_change_accepted_seconds", help);
    Histogram::with_opts(options.buckets(ACCEPTED.to_vec())).expect(VALID)
}

fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), labels).expect(VALID)
}

/// What [`ProcessCollector`] leaves out of what Go programs say of themselves: the limit of the address space, and if
/// there is none the largest number that fits, as there.
fn virtual_memory_max() -> GenericGauge<AtomicU64> {
    const NAME: &str = "process_virtual_memory_max_bytes";
    const HELP: &str = "The most virtual memory that this process may have.";
    let limit = getrlimit(Resource::As).current.unwrap_or(u64::MAX);
    let gauge = GenericGauge::new(NAME, HELP).expect("a name and a text");
    gauge.set(limit);
    gauge
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    IntGaugeVec::new(Opts::new(name, help), labels).expect(VALID)
}
