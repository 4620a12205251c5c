//! Private keys.

use std::fmt;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rustls::crypto::{GetRandomFailed, SecureRandom, ring};
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::Error;

/// The least that everybody accepts.
const RSA_BITS: usize = 2048;

/// What keys are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyType {
    /// The curve P-256: made at once, small, quick.
    #[default]
    P256,
    /// RSA with 2048 bits, as upstream makes them.
    Rsa2048,
}

/// A private key in PEM (PKCS #8).
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(String);

impl PrivateKey {
    pub(super) fn of(pair: &KeyPair) -> PrivateKey {
        PrivateKey(pair.serialize_pem())
    }

    /// The key. Not for any log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PrivateKey(..)")
    }
}

impl KeyType {
    /// A new key.
    pub(super) fn generate(self) -> Result<KeyPair, Error> {
        match self {
            KeyType::P256 => Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?),
            KeyType::Rsa2048 => {
                let words = |error: &dyn fmt::Display| Error::Rsa(error.to_string());
                let key = rsa::PrivateKey::new(&mut System(system()), RSA_BITS);
                let key = key.map_err(|error| words(&error))?;
                let key = key.to_pkcs8_der().map_err(|error| words(&error))?;
                let der = PrivatePkcs8KeyDer::from(key.as_bytes());
                Ok(KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_RSA_SHA256)?)
            }
        }
    }
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    system().fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

/// The system's random numbers, by the library that makes all other keys.
fn system() -> &'static dyn SecureRandom {
    ring::default_provider().secure_random
}

/// The same, as [`rsa`] wants them.
struct System(&'static dyn SecureRandom);

/// There are none.
#[derive(Debug, thiserror::Error)]
#[error("the system has no random numbers to give")]
struct NoRandom;

impl From<GetRandomFailed> for NoRandom {
    fn from(_: GetRandomFailed) -> NoRandom {
        NoRandom
    }
}

impl TryRng for System {
    type Error = NoRandom;

    fn try_next_u32(&mut self) -> Result<u32, NoRandom> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandom> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoRandom> {
        Ok(self.0.fill(bytes)?)
    }
}

impl TryCryptoRng for System {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_no_debug_output() {
        let pair = KeyType::P256.generate().expect("a key");
        let key = PrivateKey::of(&pair);
        assert!(key.expose().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(format!("{key:?}"), "PrivateKey(..)");
    }

    #[test]
    fn random_bytes_differ() {
        let (one, other): ([u8; 16], [u8; 16]) = (random().expect("some"), random().expect("some"));
        assert_ne!(one, other);
    }
}
