//! Every reason that a status can give is given in some case.

use std::collections::BTreeSet;
use std::path::Path;

use contour_builder::Reason;
use contour_tests::case;
use serde::Deserialize as _;
use serde_yaml_ng::{Deserializer, Value};

use super::root;

/// Reasons that no file brings about, and why; a source that trusts another's checks gives them all the same.
const UNREACHABLE: &[(Reason, &str)] = &[
    (Reason::FqdnNotSpecified, "the schema demands a host name that is not empty"),
    (
        Reason::ServicePortInvalid,
        "the rules of Ingress demand a port that is a name or a number in range",
    ),
];

/// The pairs of type and reason that stand among the errors and the warnings of an output.
fn reasons(output: &str) -> BTreeSet<(String, String)> {
    let steps = Deserializer::from_str(output).map(|step| Value::deserialize(step).expect("YAML"));
    let mut found = BTreeSet::new();
    for step in steps {
        for (_, object) in step["conditions"].as_mapping().into_iter().flatten() {
            let lists = ["errors", "warnings"].map(|key| object[key].as_sequence());
            for problem in lists.into_iter().flatten().flatten() {
                let word = |key: &str| problem[key].as_str().expect("text").to_owned();
                found.insert((word("type"), word("reason")));
            }
        }
    }
    found
}

fn of_every_case() -> BTreeSet<(String, String)> {
    let cases = case::all(&root().join("crates/contour-tests/cases"));
    let output = |path: &Path| std::fs::read_to_string(path.with_extension("out.yaml"));
    cases.iter().flat_map(|(_, path)| reasons(&output(path).expect("an output"))).collect()
}

fn words(reason: Reason) -> (String, String) {
    let (kind, word) = reason.words();
    (kind.as_str().to_owned(), word.to_owned())
}

#[test]
fn every_reason_has_a_case() {
    let found = of_every_case();
    let unreachable = |reason| UNREACHABLE.iter().any(|(each, _)| *each == reason);
    let missing: Vec<Reason> = Reason::ALL
        .iter()
        .copied()
        .filter(|reason| !unreachable(*reason) && !found.contains(&words(*reason)))
        .collect();
    assert!(missing.is_empty(), "no case has {missing:?}");
}

#[test]
fn a_reason_that_no_file_brings_about_has_no_case() {
    let found = of_every_case();
    for (reason, why) in UNREACHABLE {
        assert!(!found.contains(&words(*reason)), "{reason:?} has a case, though {why}");
    }
}

#[test]
fn the_reasons_of_an_output_are_those_of_its_errors_and_warnings() {
    let output = "\
---
conditions:
  HTTPProxy default/a:
    errors:
    - {message: m, reason: R, type: T}
    - {message: m, reason: S, type: T}
    reason: ErrorPresent
---
conditions:
  HTTPProxy default/a: {reason: Valid, warnings: [{message: m, reason: I, type: T}]}
  HTTPProxy default/b: {errors: [{message: m, reason: R, type: U}], reason: ErrorPresent}
";
    let pair = |kind: &str, reason: &str| (kind.to_owned(), reason.to_owned());
    assert_eq!(
        reasons(output),
        [pair("T", "I"), pair("T", "R"), pair("T", "S"), pair("U", "R")].into()
    );
}
