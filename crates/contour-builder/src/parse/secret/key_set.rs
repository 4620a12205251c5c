//! JSON Web Key Sets (RFC 7517), by which tokens are checked.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// A JSON Web Key Set: an object with an array `keys`. What is in the array is checked where it is used.
///
/// Nothing prints it: a set may hold keys that sign.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySet(Arc<str>);

impl KeySet {
    /// The set that a text is, if it is one.
    pub(super) fn read(bytes: &[u8]) -> Option<KeySet> {
        let text = std::str::from_utf8(bytes).ok()?.trim();
        // Most of what is none does not even begin as one.
        if !text.starts_with('{') {
            return None;
        }
        let value: Value = serde_json::from_str(text).ok()?;
        value.get("keys")?.is_array().then(|| KeySet(text.into()))
    }

    /// The text, for Envoy alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeySet(…)")
    }
}
