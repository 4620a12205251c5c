//! What of a Secret enters at all.

use super::*;

const SET: &str = "\n{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2VjcmV0\"}]}\n";

#[test]
fn only_keys_that_are_read_are_kept() {
    let values = [("tls.crt", "a"), ("ca.crt", "b"), ("set.json", SET), ("password", "c")];
    let kept = |kind| {
        let object = object(kind, &values);
        object.data.into_keys().collect::<Vec<String>>()
    };
    assert_eq!(kept("Opaque"), ["ca.crt", "set.json", "tls.crt"]);
    assert_eq!(kept(""), kept("Opaque"));
    assert_eq!(kept("kubernetes.io/tls"), ["ca.crt", "tls.crt"]);
    assert_eq!(kept("kubernetes.io/dockerconfigjson"), Vec::<String>::new());
}

#[test]
fn plain_values_win_over_encoded_ones() {
    let manifest = json!({
        "metadata": {"name": "a", "annotations": {"b": "c"}},
        "data": {"tls.crt": "YQ==", "ca.crt": "Yg=="},
        "stringData": {"tls.crt": "c"},
    });
    let object = SecretObject::new(serde_json::from_value(manifest).expect("a Secret"));
    assert_eq!(object.value(super::super::Key::Certificate), Some(&b"c"[..]));
    assert_eq!(object.value(super::super::Key::Authorities), Some(&b"b"[..]));
    assert_eq!(object.metadata.annotations, None);
}

#[test]
fn a_key_set_is_an_object_with_an_array() {
    let found = read(&[("a", SET), ("b", "{\"keys\": []}"), ("c", "{\"keys\": {}}"), ("d", "[]")]);
    assert_eq!(found.key_set("a").map(KeySet::expose), Ok(SET.trim()));
    assert_eq!(found.key_set("b").map(KeySet::expose), Ok("{\"keys\": []}"));
    let expect = "the Secret has no key `c` with a JSON Web Key Set in it: a JSON object with an array `keys`, in a Secret of \
                  type Opaque";
    assert_eq!(found.key_set("c").expect_err("it is none").to_string(), expect);
    assert!(found.key_set("d").is_err() && found.key_set("e").is_err());
}

#[test]
fn a_type_of_which_nothing_is_read_is_named() {
    let found = secret(&object("helm.sh/release.v1", &[("tls.crt", "a")]));
    let flaw = Flaw::ForeignType("helm.sh/release.v1".into());
    let expect = "the Secret is of type \"helm.sh/release.v1\"; what is read are kubernetes.io/tls and Opaque";
    assert_eq!(flaw.to_string(), expect);
    assert_eq!(found.key_pair, Err(flaw.clone()));
    assert_eq!(found.authorities, Err(flaw.clone()));
    assert_eq!(found.revocations, Err(flaw.clone()));
    assert_eq!(found.key_set("a"), Err(flaw));
}

#[test]
fn what_is_missing_is_named() {
    let (certificate, _) = made(&params("a.test"));
    let expect = |values: &[(&str, &str)], expect: &str| {
        let flaw = read(values).key_pair.expect_err("it is half a pair");
        assert_eq!(flaw.to_string(), expect);
    };
    expect(&[], "the Secret has no key `tls.crt`");
    expect(&[("tls.crt", &certificate)], "the Secret has no key `tls.key`");
    expect(
        &[("tls.crt", &certificate), ("tls.key", "")],
        "`tls.key` is empty: whoever issues it has not written it yet",
    );
}

#[test]
fn only_a_change_of_what_is_read_wakes_readers() {
    let ([leaf, ..], _) = chain("a.test");
    let mut store = crate::store::Store::default();
    let mut put = |values: &[(&str, &str)]| {
        let object = crate::Object::Secret(Box::new(object("Opaque", values)));
        store.apply(&object).reads
    };
    let read = [crate::Read::Secret(crate::ObjectName::new("default", "a"))];
    assert_eq!(put(&[("ca.crt", &leaf)]), read);
    assert_eq!(put(&[("ca.crt", &leaf), ("password", "a")]), []);
    assert_eq!(put(&[("ca.crt", &format!("the same\n{leaf}"))]), []);
    assert_eq!(put(&[("ca.crt", "")]), read);
    let name = crate::ObjectName::new("default", "a");
    let gone = store.delete(&crate::ObjectRef { kind: crate::Kind::Secret, name });
    assert_eq!(gone.reads, read);
}

/// I-18: nothing that can be printed holds a private key, a password, or a key that checks tokens.
#[test]
fn nothing_secret_is_printed() {
    let (certificate, key) = made(&params("a.test"));
    let values = [("tls.crt", &*certificate), ("tls.key", &*key), ("set", SET)];
    let object = crate::Object::Secret(Box::new(object("Opaque", &values)));
    let change = crate::Change::Apply(object.clone());
    let crate::Object::Secret(inner) = object else { panic!("a Secret") };
    let found = secret(&inner);
    assert!(found.key_pair.is_ok() && found.key_set("set").is_ok());
    let line = key.lines().nth(1).expect("base64");
    for printed in [format!("{change:?}"), format!("{inner:?}"), format!("{found:?}")] {
        assert!(printed.contains("Secret"), "{printed}");
        assert!(!printed.contains(line) && !printed.contains("c2VjcmV0"), "{printed}");
    }
}
