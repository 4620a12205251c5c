//! Lists of objects.

use super::*;

const ITEMS: &str = "items:\n- {apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}\n- kind: Pod\n- {apiVersion: v1, kind: Service, metadata: {name: b}, spec: {prts: []}}\n";

#[test]
fn a_list_is_its_items() {
    let text = format!("apiVersion: v1\nkind: List\n{ITEMS}");
    assert_eq!(objects(&text), ["Service default/a", "Service default/b!"]);
    assert_eq!(read(&text).skipped, BTreeMap::from([("Pod".into(), 1)]));
    check(
        &text,
        &[
            "6:62: items[2].spec.ports: required, but missing",
            "6:63: items[2].spec.prts: unknown field; did you mean \"ports\"?",
        ],
    );
}

#[test]
fn items_of_a_typed_list_need_not_say_their_kind() {
    let text = "apiVersion: v1\nkind: ServiceList\nitems:\n- {metadata: {name: a}, spec: {ports: [{port: 80}]}}\n";
    assert_eq!(objects(text), ["Service default/a"]);
}

#[test]
fn items_of_an_untyped_list_must_say_it() {
    check(
        "kind: List\nitems: [{metadata: {name: a}}]\n",
        &["2:9: items[0].kind: required, but missing"],
    );
}

#[test]
fn lists_of_other_kinds_are_skipped() {
    let contents = read("apiVersion: v1\nkind: PodList\nitems: [{}]\n");
    assert_eq!(contents.skipped, BTreeMap::from([("PodList".into(), 1)]));
}

#[test]
fn a_list_without_items_is_empty() {
    check("apiVersion: v1\nkind: List\nitems: null\n", &[]);
    check("apiVersion: v1\nkind: List\nitems: {}\n", &["3:8: items: expected a list"]);
}
