//! Kinds, versions and names.

use super::*;

#[test]
fn what_an_object_is_must_be_said() {
    check("apiVersion: v1\nmetadata: {name: a}\n", &["1:1: kind: required, but missing"]);
    check("kind: [a]\n", &["1:7: kind: expected text"]);
    check(
        "apiVersion: v1\nkind: Service\nspec: {ports: [{port: 80}]}\n",
        &["1:1: metadata: required, but missing", "1:1: metadata.name: required, but missing"],
    );
    check(
        "kind: HTTPProxy\nmetadata: {name: a}\n",
        &["1:1: apiVersion: required, but missing; HTTPProxy is read as projectcontour.io/v1"],
    );
}

#[test]
fn other_versions_are_refused_and_keep_their_name() {
    let text = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a, namespace: b}\n";
    check(
        text,
        &[
            "1:13: apiVersion: \"extensions/v1beta1\" of Ingress is not read; write networking.k8s.io/v1",
        ],
    );
    assert_eq!(objects(text), ["Ingress b/a!"]);
    check(
        "kind: HTTPProxy\napiVersion: projectcontour.io/v1beta1\nmetadata: {name: a}\n",
        &[
            "2:13: apiVersion: \"projectcontour.io/v1beta1\" of HTTPProxy is not read; write projectcontour.io/v1",
        ],
    );
}

#[test]
fn a_misspelled_kind_is_recognized() {
    check(
        "apiVersion: projectcontour.io/v1\nkind: HttpProxy\n",
        &["2:7: kind: \"HttpProxy\" is no known kind; did you mean \"HTTPProxy\"?"],
    );
}

#[test]
fn names_are_dns_names() {
    for name in ["a", "a.b", "a-1.b"] {
        check(&format!("{}spec: {{}}\n", PROXY.replace("name: a", &format!("name: {name}"))), &[]);
    }
    let expect = |name: &str| {
        format!(
            "3:18: metadata.name: {name:?} is not a DNS name: write lower-case letters, digits, dots and, within, dashes"
        )
    };
    for name in ["A", "a_b", "-a", "a-", "a..b", &"a".repeat(254)] {
        let text = format!("{}spec: {{}}\n", PROXY.replace("name: a", &format!("name: {name}")));
        check(&text, &[&expect(name)]);
        assert!(read(&text).incomplete);
    }
}

#[test]
fn names_of_services_and_namespaces_are_labels() {
    check(
        "apiVersion: v1\nkind: Service\nmetadata: {name: a.b, namespace: c.d}\nspec: {ports: [{port: 80}]}\n",
        &[
            "3:18: metadata.name: \"a.b\" is not a DNS label: write up to 63 lower-case letters, digits and, within, dashes",
            "3:34: metadata.namespace: \"c.d\" is not a DNS label: write up to 63 lower-case letters, digits and, within, dashes",
        ],
    );
}

#[test]
fn an_object_without_a_namespace_is_in_default() {
    for metadata in ["name: a", "name: a, namespace: null", "name: a, namespace: ''"] {
        let text = format!("{}spec: {{}}\n", PROXY.replace("name: a", metadata));
        assert_eq!(objects(&text), ["HTTPProxy default/a"]);
        assert_eq!(json(&text)["metadata"]["namespace"], "default");
    }
}

#[test]
fn no_generation_is_invented() {
    assert!(json(&format!("{PROXY}spec: {{}}\n"))["metadata"].get("generation").is_none());
}
