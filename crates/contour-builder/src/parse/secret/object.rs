//! Secrets as they enter: without what cannot matter, and unable to print what they hold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use contour_api::core;
use contour_api::meta::ObjectMeta;
use zeroize::Zeroizing;

use super::flaw::Key;
use super::key_set::KeySet;

/// The type of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretType {
    /// `kubernetes.io/tls`
    Tls,
    /// `Opaque`, also when it is not given.
    Opaque,
    /// Another one, of which nothing is read.
    Foreign(Arc<str>),
}

/// A Secret of which only what can matter is left: its names, its type, and the values that are read of it.
///
/// Values are wiped from memory when they go, and no form of it that can be printed holds them.
#[derive(Clone)]
pub struct SecretObject {
    /// Namespace, name, and what tells one state of it from another.
    pub metadata: ObjectMeta,
    /// Its type.
    pub kind: SecretType,
    pub(super) data: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

impl SecretObject {
    /// What can matter of a Secret. Everything else is wiped.
    pub fn new(secret: core::Secret) -> SecretObject {
        let core::Secret { data, metadata, string_data, type_, .. } = secret;
        let kind = match type_.as_deref() {
            Some("kubernetes.io/tls") => SecretType::Tls,
            None | Some("" | "Opaque") => SecretType::Opaque,
            Some(other) => SecretType::Foreign(other.into()),
        };
        let encoded = data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
        let plain = string_data.unwrap_or_default().into_iter();
        let plain = plain.map(|(key, value)| (key, value.into_bytes()));
        let mut kept = BTreeMap::new();
        // Later ones replace earlier ones, as when the API server stores them.
        for (key, value) in encoded.chain(plain) {
            kept.insert(key, Zeroizing::new(value));
        }
        kept.retain(|key, value| matters(&kind, key, value));
        let ObjectMeta { namespace, name, uid, generation, creation_timestamp, .. } = metadata;
        let metadata = ObjectMeta {
            namespace,
            name,
            uid,
            generation,
            creation_timestamp,
            ..ObjectMeta::default()
        };
        SecretObject { metadata, kind, data: kept }
    }

    /// What a key holds.
    pub(super) fn value(&self, key: Key) -> Option<&[u8]> {
        self.data.get(key.as_str()).map(|value| value.as_slice())
    }

    /// The values of keys that are known by what they hold.
    pub(super) fn others(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let others = self.data.iter().filter(|(key, _)| !is_known(key));
        others.map(|(key, value)| (key.as_str(), value.as_slice()))
    }
}

/// Prints keys, and how long their values are.
impl fmt::Debug for SecretObject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SecretObject { metadata: ObjectMeta { namespace, name, .. }, kind, data } = self;
        let lengths: BTreeMap<&str, usize> =
            data.iter().map(|(key, value)| (key.as_str(), value.len())).collect();
        let mut out = out.debug_struct("SecretObject");
        out.field("namespace", namespace).field("name", name).field("kind", kind);
        out.field("lengths", &lengths).finish()
    }
}

fn is_known(key: &str) -> bool {
    Key::ALL.iter().any(|known| known.as_str() == key)
}

/// Whether what a key holds is read. Of keys of any name that is a JSON Web Key Set alone: a Secret may hold a megabyte of
/// something else.
fn matters(kind: &SecretType, key: &str, value: &[u8]) -> bool {
    match kind {
        SecretType::Tls => is_known(key),
        SecretType::Opaque => is_known(key) || KeySet::read(value).is_some(),
        SecretType::Foreign(_) => false,
    }
}
