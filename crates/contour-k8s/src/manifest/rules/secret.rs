//! Rules of `v1` `Secret`. What they find never holds a value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::yaml::fault::{Faults, FieldPath};
use crate::yaml::tree::{Entry, Node};

/// How many bytes the values of a Secret may have together.
const SIZE_LIMIT: usize = 1 << 20;

/// What a Secret of type `kubernetes.io/tls` must have, if only as empty values.
const TLS_KEYS: [&str; 2] = ["tls.crt", "tls.key"];

pub(super) fn check(node: &Node<'_>, path: &FieldPath, faults: &mut Faults) {
    let mut size = 0;
    for entry in entries(node, "data") {
        let field = field(path, "data", &entry.key);
        let Some(text) = entry.node.text() else { continue };
        let joined: String = text.chars().filter(|each| !matches!(each, '\n' | '\r')).collect();
        match STANDARD.decode(&joined) {
            Ok(value) => size += value.len(),
            Err(_) => faults.push(
                entry.node.at,
                field,
                "is not base64; write text as it is under stringData",
            ),
        }
    }
    size += entries(node, "stringData")
        .filter_map(|each| each.node.text())
        .map(str::len)
        .sum::<usize>();
    for map in ["data", "stringData"] {
        for entry in entries(node, map).filter(|entry| !is_key(&entry.key)) {
            let message =
                "is no key: write up to 253 letters, digits, dots, dashes and underscores";
            faults.push(entry.at, field(path, map, &entry.key), message);
        }
    }
    if size > SIZE_LIMIT {
        let message = format!("the values have {size} bytes; the most is {SIZE_LIMIT}");
        faults.push(node.at, path.to("data"), message);
    }
    if node.get("type").and_then(Node::text) == Some("kubernetes.io/tls") {
        for key in TLS_KEYS {
            let mut both = entries(node, "data").chain(entries(node, "stringData"));
            if !both.any(|entry| entry.key == key) {
                let at = node.get("data").map_or(node.at, |data| data.at);
                let message = "required, but missing, in a Secret of type kubernetes.io/tls";
                faults.push(at, field(path, "data", key), message);
            }
        }
    }
}

/// The entries of a mapping that have a value.
fn entries<'n>(node: &'n Node<'_>, map: &str) -> impl Iterator<Item = &'n Entry<'n>> {
    let entries = node.get(map).map_or(&[][..], Node::entries);
    entries.iter().filter(|entry| !entry.node.is_null())
}

fn field(path: &FieldPath, map: &str, key: &str) -> String {
    let mut path = path.clone();
    let _ = path.enter(map);
    let _ = path.enter(key);
    path.as_str().to_owned()
}

fn is_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let dots = text == "." || text.starts_with("..");
    (1..=253).contains(&text.len()) && text.bytes().all(plain) && !dots
}
