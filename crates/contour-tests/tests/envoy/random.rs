//! I-17 beyond the cases: what becomes of random objects is accepted by Envoy, whatever is written in them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use contour_builder::{Change, Object, ObjectRef};
use contour_tests::random::{decode, object, service, times};
use contour_xds::resource::Dialect;
use proptest::collection::vec;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::accepted::Fed;

pub(crate) async fn random_objects_are_accepted_in_the_aggregated_dialect(binary: PathBuf) {
    random_objects_are_accepted(binary, Dialect::Aggregated).await;
}

pub(crate) async fn random_objects_are_accepted_in_the_separate_dialect(binary: PathBuf) {
    random_objects_are_accepted(binary, Dialect::Separate).await;
}

/// Serves one random state after the other. The states are the same each time, unless more are asked for.
async fn random_objects_are_accepted(binary: PathBuf, dialect: Dialect) {
    const USUAL: u32 = 60;
    let states = times(USUAL);
    let mut runner =
        if states == USUAL { TestRunner::deterministic() } else { TestRunner::default() };
    let mut fed = Fed::start(&binary, dialect).await;
    let (services, objects) = (vec(service(), 3..6), vec(object(), 4..12));
    for state in 0..states {
        let tree = (&services, &objects).new_tree(&mut runner).expect("a state");
        let (services, objects) = tree.current();
        let all: Vec<Value> = services.into_iter().chain(objects).collect();
        let decoded: Vec<Object> = all.iter().map(decode).collect();
        let names: BTreeSet<ObjectRef> = decoded.iter().map(Object::reference).collect();
        let name = format!("state {state}");
        fed.feed(decoded.into_iter().map(Change::Apply).collect(), &name).await;
        assert_eq!(fed.envoy.rejected().await, 0, "{name}: {all:#?}");
        fed.feed(names.into_iter().map(Change::Delete).collect(), &name).await;
    }
    // The listener comes with the first host of a state and goes with the last. Some states have none, and one that goes and
    // comes at once is none.
    let taken = fed.envoy.sum("listener_manager.lds.update_success").await;
    assert!(taken > u64::from(states) / 4, "Envoy took in {taken} sets of listeners");
}
