//! Secrets: key pairs, certificates to trust, lists of revoked ones, and JSON Web Key Sets.
//!
//! One Secret may be several of these. Each is read on arrival and kept in the form in which Envoy gets it, so that a key is
//! in memory once; what cannot be used is kept as the reason. What Envoy 1.40 takes, refuses, or takes and serves wrongly
//! was measured; only what it takes and serves is let through, since a refused Secret would block changes of others.

mod authorities;
mod certificate;
mod flaw;
mod key_pair;
mod key_set;
mod object;
mod pem;
mod private_key;
mod public_key;

use std::sync::Arc;

pub use authorities::{Authorities, Authority, RawName, RevocationList, Revocations};
pub use certificate::{Names, Validity};
pub use flaw::{Flaw, Key};
pub use key_pair::{KeyPair, Warning};
pub use key_set::KeySet;
pub use object::{SecretObject, SecretType};
pub use private_key::PrivateKey;

/// What a Secret can be used for, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// `tls.crt` and `tls.key`: a certificate and its private key.
    pub key_pair: Result<Arc<KeyPair>, Flaw>,
    /// `ca.crt`: certificates to trust.
    pub authorities: Result<Arc<Authorities>, Flaw>,
    /// `crl.pem`: certificates not to trust any more.
    pub revocations: Result<Arc<Revocations>, Flaw>,
    /// The type, if it is one of which nothing is read.
    foreign: Option<Arc<str>>,
    /// By key; sorted.
    key_sets: Box<[(Arc<str>, KeySet)]>,
}

impl Secret {
    /// The JSON Web Key Set under a key of any name.
    ///
    /// # Errors
    /// Why there is none.
    pub fn key_set(&self, key: &str) -> Result<&KeySet, Flaw> {
        if let Some(foreign) = &self.foreign {
            return Err(Flaw::ForeignType(Arc::clone(foreign)));
        }
        let found = self.key_sets.binary_search_by(|(each, _)| (**each).cmp(key));
        found.map(|at| &self.key_sets[at].1).map_err(|_| Flaw::NoKeySet(key.into()))
    }
}

/// Reads a Secret in each of the forms that it can be used in.
pub fn secret(object: &SecretObject) -> Secret {
    let foreign = match &object.kind {
        SecretType::Tls | SecretType::Opaque => None,
        SecretType::Foreign(name) => Some(Arc::clone(name)),
    };
    let value = |key: Key| match &foreign {
        Some(name) => Err(Flaw::ForeignType(Arc::clone(name))),
        None => object.value(key).ok_or(Flaw::Missing(key)),
    };
    let key_pair = || {
        let (chain, private) = (value(Key::Certificate)?, value(Key::PrivateKey)?);
        key_pair::key_pair(chain, private)
    };
    let key_sets = object.others().filter_map(|(key, text)| {
        let set = KeySet::read(text)?;
        Some((Arc::from(key), set))
    });
    Secret {
        key_pair: key_pair().map(Arc::new),
        authorities: value(Key::Authorities).and_then(authorities::authorities).map(Arc::new),
        revocations: value(Key::Revocations).and_then(authorities::revocations).map(Arc::new),
        key_sets: key_sets.collect(),
        foreign,
    }
}

#[cfg(test)]
mod tests;
