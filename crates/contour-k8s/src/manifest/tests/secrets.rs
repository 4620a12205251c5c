//! Secrets: what is read of them, and that nothing of them is told.

use contour_builder::secret::SecretType;

use super::*;

const HEAD: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";

#[track_caller]
fn check_secret(rest: &str, expect: &[&str]) {
    check(&format!("{HEAD}{rest}"), expect);
}

#[test]
fn values_may_be_encoded_or_plain_and_in_several_lines() {
    let text = format!(
        "{HEAD}type: kubernetes.io/tls\ndata:\n  tls.crt: |\n    aGVs\n    bG8=\n  tls.key: ''\n  other: aGk=\nstringData: {{tls.key: b, ca.crt: c}}\n"
    );
    let [Stated { form: Form::Good { object: Object::Secret(secret), .. }, .. }] =
        &read(&text).objects[..]
    else {
        panic!("{:?}", findings(&text));
    };
    assert_eq!(secret.kind, SecretType::Tls);
    let expect = "SecretObject { namespace: Some(\"default\"), name: Some(\"a\"), kind: Tls, \
                  lengths: {\"ca.crt\": 1, \"tls.crt\": 5, \"tls.key\": 1} }";
    assert_eq!(format!("{secret:?}"), expect);
}

#[test]
fn a_value_that_is_not_base64_is_told_by_its_key() {
    check_secret(
        "data: {tls.key: hunter2!, ca.crt: aGk}\n",
        &[
            "4:17: data[\"tls.key\"]: is not base64; write text as it is under stringData",
            "4:35: data[\"ca.crt\"]: is not base64; write text as it is under stringData",
        ],
    );
}

/// I-18: what stands in the wrong place may be a password.
#[test]
fn a_value_of_the_wrong_type_is_not_quoted() {
    check_secret(
        "data: {a: 12345}\nstringData: {b: true, c: [hunter2], d: null}\n",
        &[
            "4:11: data.a: expected text; put it in quotes",
            "5:17: stringData.b: expected text; put it in quotes",
            "5:26: stringData.c: expected text",
        ],
    );
    check_secret("data: hunter2\n", &["4:7: data: expected a mapping"]);
}

#[test]
fn keys_are_plain_names() {
    let message = "is no key: write up to 253 letters, digits, dots, dashes and underscores";
    check_secret(
        "stringData: {a/b: '', ..c: '', a.b-c_D: ''}\n",
        &[
            &format!("4:14: stringData[\"a/b\"]: {message}"),
            &format!("4:23: stringData[\"..c\"]: {message}"),
        ],
    );
}

#[test]
fn a_tls_secret_has_both_keys() {
    check_secret(
        "type: kubernetes.io/tls\ndata: {tls.crt: ''}\n",
        &["5:7: data[\"tls.key\"]: required, but missing, in a Secret of type kubernetes.io/tls"],
    );
    check_secret("type: kubernetes.io/tls\nstringData: {tls.crt: '', tls.key: ''}\n", &[]);
    check_secret("type: Opaque\n", &[]);
}

#[test]
fn a_secret_has_a_megabyte_at_most() {
    let value = "a".repeat(1 << 19);
    check_secret(&format!("stringData: {{a: {value}, b: {value}}}\n"), &[]);
    check_secret(
        &format!("stringData: {{a: {value}, b: {value}}}\ndata: {{c: aGk=}}\n"),
        &["1:1: data: the values have 1048578 bytes; the most is 1048576"],
    );
}
