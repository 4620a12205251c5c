//! Names that the API server takes.

use std::fmt;

/// The longest label, and the longest name, of DNS.
const LABEL: usize = 63;
const NAME: usize = 253;

/// The name of a namespace: a label of DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace(Box<str>);

/// The name of a Secret: labels of DNS with dots between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretName(Box<str>);

/// A name that the API server would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Of a namespace.
    #[error(
        "invalid namespace name {0:?}: give up to 63 lower-case letters, digits and hyphens, no hyphen first or last"
    )]
    Namespace(String),
    /// Of a Secret.
    #[error(
        "invalid secret name {0:?}: give up to 253 lower-case letters, digits, hyphens and dots, a letter or digit beside each dot and at both ends"
    )]
    Secret(String),
}

impl Namespace {
    /// # Errors
    /// [`InvalidName::Namespace`].
    pub fn new(text: &str) -> Result<Namespace, InvalidName> {
        let good = text.len() <= LABEL && is_label(text);
        let good = good.then(|| Namespace(text.into()));
        good.ok_or_else(|| InvalidName::Namespace(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SecretName {
    /// # Errors
    /// [`InvalidName::Secret`].
    pub fn new(text: &str) -> Result<SecretName, InvalidName> {
        let good = text.len() <= NAME && text.split('.').all(is_label);
        let good = good.then(|| SecretName(text.into()));
        good.ok_or_else(|| InvalidName::Secret(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, namespace: bool, secret: bool) {
        let found = (Namespace::new(text).is_ok(), SecretName::new(text).is_ok());
        assert_eq!(found, (namespace, secret), "{text:?}");
    }

    #[test]
    fn names_are_those_of_dns() {
        check("projectcontour", true, true);
        check("a-1", true, true);
        check("1", true, true);
        check("a.b", false, true);
        for bad in ["", "-a", "a-", "A", "a_b", "ä", "a b"] {
            check(bad, false, false);
        }
        for bad in ["a..b", ".a", "a.", "a.-b"] {
            check(bad, false, false);
        }
    }

    #[test]
    fn names_have_a_longest_one() {
        check(&"a".repeat(63), true, true);
        check(&"a".repeat(64), false, true);
        check(&"a".repeat(253), false, true);
        check(&"a".repeat(254), false, false);
    }
}
