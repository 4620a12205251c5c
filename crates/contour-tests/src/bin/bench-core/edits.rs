//! From objects to a published snapshot.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use contour::serve::hub::Hub;
use contour::serve::pipeline::{Pass, Pipeline};
use contour_builder::Change;
use contour_k8s::source::directory::Directory;
use contour_tests::fleet::{self, Host};
use serde::{Deserialize, Serialize};

use crate::Error;
use contour_tests::budget::Times;

/// How many edits of one kind are timed.
const ROUNDS: usize = 101;

/// What the first build and edits after it took.
#[derive(Debug, Serialize, Deserialize)]
pub struct Figures {
    /// Reading and parsing the manifests, in seconds.
    pub parsing: f64,
    /// From the objects to the first snapshot, in seconds.
    pub first: f64,
    /// How large the route configuration of all hosts is, in bytes.
    pub routes: usize,
    /// One proxy edited.
    pub proxy: Edit,
    /// One endpoint slice edited.
    pub endpoint_slice: Edit,
    /// An edit that means nothing.
    pub no_op: Edit,
    /// A service that nobody needs.
    pub unrelated: Edit,
}

/// What edits of one kind took and did.
#[derive(Debug, Serialize, Deserialize)]
pub struct Edit {
    /// Each, from the object to the published snapshot.
    pub times: Times,
    /// How much was done, at most.
    pub work: Work,
}

/// How much was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Units built.
    pub units: usize,
    /// Hosts among them.
    pub hosts: usize,
    /// Resources that changed.
    pub resources: usize,
}

/// The control loop's part of a control plane.
struct Loop {
    pipeline: Pipeline,
    hub: Hub,
}

/// Reads the manifests of `hosts` hosts, builds them, and edits some.
pub fn measure(directory: &Path, hosts: usize) -> Result<Figures, Error> {
    let begin = Instant::now();
    let scan = Directory::open(directory)?.scan();
    let parsing = begin.elapsed().as_secs_f64();
    if let Some(finding) = scan.report.findings.first() {
        return Err(finding.to_string().into());
    }

    let hub = Hub::default();
    let (pipeline, published) = Pipeline::new(Arc::default(), Arc::default(), hub.now());
    hub.publish(published);
    let mut this = Loop { pipeline, hub };
    let begin = Instant::now();
    let work = this.apply(scan.changes)?;
    let first = begin.elapsed().as_secs_f64();
    if work.hosts != hosts {
        return Err(format!("built {} hosts of {hosts}", work.hosts).into());
    }

    let spread = |round: usize| Host(round * hosts / ROUNDS);
    Ok(Figures {
        parsing,
        first,
        routes: this.routes(),
        no_op: this.time(|round| vec![spread(round).is_annotated()])?,
        unrelated: this.time(|_| fleet::unrelated())?,
        endpoint_slice: this.time(|round| vec![spread(round).listens_at(1)])?,
        proxy: this.time(|round| vec![spread(round).routes("/edited")])?,
    })
}

impl Loop {
    fn apply(&mut self, changes: Vec<Change>) -> Result<Work, Error> {
        let Pass { stats, resources, published, faults, .. } =
            self.pipeline.apply(changes, self.hub.now());
        self.hub.publish(published);
        match faults.first() {
            Some(fault) => Err(format!("{}: {}", fault.at, fault.message).into()),
            None => Ok(Work { units: stats.units_built, hosts: stats.hosts_built, resources }),
        }
    }

    fn time(&mut self, changes: impl Fn(usize) -> Vec<Change>) -> Result<Edit, Error> {
        let (mut times, mut most) = (Vec::with_capacity(ROUNDS), Work::default());
        for round in 0..ROUNDS {
            let changes = changes(round);
            let begin = Instant::now();
            let work = self.apply(changes)?;
            times.push(begin.elapsed().as_secs_f64());
            most = Work {
                units: most.units.max(work.units),
                hosts: most.hosts.max(work.hosts),
                resources: most.resources.max(work.resources),
            };
        }
        Ok(Edit { times: Times::of(times).ok_or("no round")?, work: most })
    }

    fn routes(&self) -> usize {
        use contour_xds::resource::{Dialect, TypeUrl};
        let sight = self.hub.look(Dialect::Aggregated);
        let routes = sight.view().snapshot.table(TypeUrl::RouteConfiguration);
        routes.iter().map(|(_, resource)| resource.body.len()).sum()
    }
}
