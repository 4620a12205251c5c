//! How text falls into documents, and values into a tree.

use std::fmt::Write as _;

use super::*;

#[test]
fn an_empty_file_holds_nothing() {
    for text in ["", "\n", "# only a comment\n", "---\n---\n# c\n---\n", "--- ~\n", "...\n"] {
        check(text, &[]);
        assert_eq!(objects(text), [""; 0]);
    }
}

#[test]
fn documents_are_separated_by_three_dashes() {
    let text =
        format!("{PROXY}spec: {{}}\n---\n{}spec: {{}}\n", PROXY.replace("name: a", "name: b"));
    assert_eq!(objects(&text), ["HTTPProxy default/a", "HTTPProxy default/b"]);
}

#[test]
fn a_document_that_is_no_yaml_costs_only_itself() {
    let text = format!(
        "{PROXY}spec: {{}}\n---\na: [1\n---\n{}spec: {{}}\n",
        PROXY.replace("name: a", "name: b")
    );
    assert_eq!(objects(&text), ["HTTPProxy default/a", "HTTPProxy default/b"]);
    assert!(read(&text).incomplete);
    check(&text, &["7:1: : this is not YAML: while parsing a flow sequence, expected ',' or ']'"]);
}

#[test]
fn what_is_no_yaml_is_found_where_it_stands() {
    check(
        "a: b: c\n",
        &["1:5: : this is not YAML: mapping values are not allowed in this context"],
    );
    check(
        "# c\na: 'x\n",
        &[
            "2:4: : this is not YAML: while scanning a quoted scalar, found unexpected end of stream",
        ],
    );
    check("a: *b\n", &["1:4: : this is not YAML: while parsing node, found unknown anchor"]);
}

#[test]
fn an_object_is_a_mapping() {
    check("- a\n", &["1:1: : this is not a Kubernetes object: expected a mapping"]);
    check("text\n", &["1:1: : this is not a Kubernetes object: expected a mapping"]);
}

#[test]
fn kinds_that_are_not_read_are_counted() {
    let text =
        "kind: ConfigMap\n---\napiVersion: v1\nkind: ConfigMap\n---\nkind: Deployment\nfoo: [{}]\n";
    let contents = read(text);
    assert_eq!(
        contents.skipped,
        BTreeMap::from([("Deployment".into(), 1), ("ConfigMap".into(), 2)])
    );
    assert!(contents.faults.is_empty() && !contents.incomplete);
}

#[test]
fn a_kind_of_another_group_is_another_kind() {
    let contents = read("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\n");
    assert_eq!(contents.skipped, BTreeMap::from([("Service.serving.knative.dev".into(), 1)]));
    assert!(contents.faults.is_empty());
}

#[test]
fn json_is_read_like_yaml() {
    let text = "{\n\t\"apiVersion\": \"v1\", \"kind\": \"Service\",\n\t\"metadata\": {\"name\": \"a\", \"annotations\": {\"x\": \"\\ud83d\\ude00\\/\"}},\n\t\"spec\": {\"ports\": [{\"port\": 80, \"prt\": 1}]}\n}\n";
    check(text, &["4:34: spec.ports[0].prt: unknown field; did you mean \"port\"?"]);
    let json = json(&text.replace(", \"prt\": 1", ""));
    assert_eq!(json["metadata"]["annotations"]["x"], "😀/");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_content() {
    let text = format!("\u{feff}{PROXY}spec: {{x: 1}}\n").replace('\n', "\r\n");
    assert_eq!(objects(&text), ["HTTPProxy default/a!"]);
    assert!(findings(&text)[0].starts_with("4:8: spec.x: unknown field"), "{:?}", findings(&text));
}

#[test]
fn anchors_merge_and_own_keys_win() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  - &web {name: web, port: 80}\n  - {<<: *web, name: web2, port: 81}\n  - {<<: [{name: x}, {name: y, protocol: UDP}], port: 80}\n";
    assert_eq!(
        json(text)["spec"]["ports"],
        serde_json::json!([
            {"name": "web", "port": 80},
            {"name": "web2", "port": 81},
            {"name": "x", "port": 80, "protocol": "UDP"},
        ])
    );
}

#[test]
fn a_quoted_merge_key_is_a_key() {
    check_service(
        "  ports: [{port: 80, '<<': {}}]\n",
        &[
            "5:22: spec.ports[0][\"<<\"]: unknown field; known here: appProtocol, name, nodePort, port, protocol, targetPort",
        ],
    );
}

#[test]
fn only_mappings_merge() {
    check("a: &a 1\nb: {<<: *a}\n", &["2:9: : `<<` merges mappings, and this is none"]);
}

#[test]
fn keys_are_text() {
    check("? [a]\n: b\n", &["1:3: : a key must be text, not a list or mapping"]);
    check("a: &x 1\n*x : b\n", &["2:1: : this key must be text; put it in quotes"]);
}

#[test]
fn aliases_cannot_ask_for_a_billion_values() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").expect("writing to a String succeeds");
    }
    check(&text, &["5:45: : the aliases of this document stand for more than 100000 values"]);
}

#[test]
fn aliases_cannot_nest_without_end() {
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..50_000 {
        let line = format!("a{level}: &a{level} [*a{}]", level - 1);
        writeln!(text, "{line}").expect("writing to a String succeeds");
    }
    check(&text, &["100:12: : lists and mappings are nested deeper than 100 levels"]);
}

#[test]
fn a_value_cannot_hold_itself() {
    check("a: &a [*a]\n", &["1:8: : this alias names a value that is not complete here"]);
}

#[test]
fn deep_nesting_is_refused() {
    check(
        &"- ".repeat(100_000),
        &["1:201: : lists and mappings are nested deeper than 100 levels"],
    );
    check(&"[".repeat(100_000), &["1:256: : this is not YAML: recursion limit exceeded"]);
}

#[test]
fn a_tag_must_tell_the_truth() {
    check("a: !!int x\n", &["1:4: : the value is not what its tag says"]);
}
