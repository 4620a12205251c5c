//! Why a Secret cannot be used for something.

use std::fmt;
use std::sync::Arc;

/// A key of Secrets' data that is known by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `tls.crt`
    Certificate,
    /// `tls.key`
    PrivateKey,
    /// `ca.crt`
    Authorities,
    /// `crl.pem`
    Revocations,
}

impl Key {
    /// Every such key.
    pub const ALL: [Key; 4] =
        [Key::Certificate, Key::PrivateKey, Key::Authorities, Key::Revocations];

    /// As it stands in `data`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Key::Certificate => "tls.crt",
            Key::PrivateKey => "tls.key",
            Key::Authorities => "ca.crt",
            Key::Revocations => "crl.pem",
        }
    }

    /// Says what is wrong with a block of it.
    pub(super) fn refuse(self, block: usize, what: impl Into<String>) -> Flaw {
        Flaw::Refused { key: self, block: Some(block), what: what.into() }
    }

    /// Says what is wrong with it.
    pub(super) fn refuse_all(self, what: impl Into<String>) -> Flaw {
        Flaw::Refused { key: self, block: None, what: what.into() }
    }
}

/// Why a Secret cannot be used for something. Prints as a sentence for the author, which holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is of a type that is not read.
    ForeignType(Arc<str>),
    /// It has no such key.
    Missing(Key),
    /// The key is there and empty: issuers write Secrets in several steps. Nothing for anybody to mend, most likely.
    Pending(Key),
    /// What the key holds cannot be used.
    Refused {
        /// The key.
        key: Key,
        /// The PEM block, from 1, if it is about one.
        block: Option<usize>,
        /// What is wrong, and what would mend it.
        what: String,
    },
    /// It has no key of this name that holds a JSON Web Key Set.
    NoKeySet(Arc<str>),
}

impl fmt::Display for Flaw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::ForeignType(name) => write!(
                out,
                "the Secret is of type {name:?}; what is read are kubernetes.io/tls and Opaque"
            ),
            Flaw::Missing(key) => write!(out, "the Secret has no key `{}`", key.as_str()),
            Flaw::Pending(key) => {
                write!(out, "`{}` is empty: whoever issues it has not written it yet", key.as_str())
            }
            Flaw::Refused { key, block: Some(block), what } => {
                write!(out, "`{}`, block {block}: {what}", key.as_str())
            }
            Flaw::Refused { key, block: None, what } => write!(out, "`{}`: {what}", key.as_str()),
            Flaw::NoKeySet(key) => write!(
                out,
                "the Secret has no key `{key}` with a JSON Web Key Set in it: a JSON object with an array `keys`, \
                 in a Secret of type Opaque"
            ),
        }
    }
}
