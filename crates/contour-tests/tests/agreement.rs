//! I-5 and I-6 on random objects: applying changes one by one comes to the same as applying what is left of them at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use contour_builder::{
    Change, Config, HeaderDefaults, Object, ObjectRef, Problem, Reason, Revision,
};
use contour_tests::random::{decode, object, times};
use contour_tests::world::World;
use contour_xds::resource::Dialect;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

/// What happens to the cluster.
#[derive(Clone, Debug)]
enum Step {
    Apply(Value),
    Delete(Value),
    Break(Value),
    Configure(Config),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => object().prop_map(Step::Apply),
        4 => object().prop_map(Step::Delete),
        2 => object().prop_map(Step::Break),
        1 => config().prop_map(Step::Configure),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    let defaults = (any::<bool>(), any::<bool>(), any::<bool>());
    (one_of("other"), one_of("other"), defaults).prop_map(
        |(ingress_classes, root_namespaces, (external_names, headers, for_ingress))| {
            let mut request_headers = HeaderDefaults::default();
            if headers {
                let set = request_headers.set_on_requests("x-default", "%CONTOUR_SERVICE_NAME%");
                set.expect("a good header");
            }
            Config {
                ingress_classes,
                root_namespaces,
                external_names,
                request_headers,
                headers_for_ingress: for_ingress,
                ..Config::default()
            }
        },
    )
}

/// A list with this entry, or an empty one.
fn one_of(entry: &'static str) -> impl Strategy<Value = Vec<String>> {
    select(vec![vec![], vec![entry.to_owned()]])
}

/// What is left when every step was taken.
#[derive(Default)]
struct Final {
    /// The last good form of each object, if it had one, and whether it is unreadable now.
    objects: BTreeMap<ObjectRef, (Option<Object>, Option<Problem>)>,
    config: Config,
}

impl Final {
    fn take(&mut self, step: &Step) -> Change {
        match step {
            Step::Apply(value) => {
                let object = decode(value);
                self.objects.insert(object.reference(), (Some(object.clone()), None));
                Change::Apply(object)
            }
            Step::Delete(value) => {
                let reference = decode(value).reference();
                self.objects.remove(&reference);
                Change::Delete(reference)
            }
            Step::Break(value) => {
                let reference = decode(value).reference();
                let problem = Problem::new(Reason::Unreadable, "a typo");
                self.objects.entry(reference.clone()).or_default().1 = Some(problem.clone());
                Change::Unreadable(reference, Revision::default(), problem)
            }
            Step::Configure(config) => {
                self.config.clone_from(config);
                Change::Config(Arc::new(config.clone()))
            }
        }
    }

    /// What there is in the end, in an order of its own.
    fn changes(self) -> Vec<Change> {
        let objects = self.objects.into_iter().rev().flat_map(|(reference, (object, problem))| {
            let unreadable =
                problem.map(|problem| Change::Unreadable(reference, Revision::default(), problem));
            object.map(Change::Apply).into_iter().chain(unreadable)
        });
        objects.chain([Change::Config(Arc::new(self.config))]).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: times(192), ..ProptestConfig::default() })]

    #[test]
    fn incremental_equals_from_scratch(batches in vec(vec(step(), 1..6), 1..8)) {
        let mut incremental = World::default();
        let mut left = Final::default();
        for batch in &batches {
            let changes = batch.iter().map(|step| left.take(step)).collect();
            let work = incremental.apply(changes);
            prop_assert_eq!(work.faults, vec![]);
        }
        let mut scratch = World::default();
        scratch.apply(left.changes());
        prop_assert_eq!(incremental.graph(), scratch.graph());
        prop_assert_eq!(incremental.conditions(), scratch.conditions());
        for dialect in Dialect::ALL {
            prop_assert_eq!(incremental.resources(dialect), scratch.resources(dialect));
        }
    }
}
