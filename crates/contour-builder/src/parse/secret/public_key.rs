//! The keys that Envoy can prove to have, by their public half.

use num_bigint::BigUint;
use pkcs1::RsaPublicKeyRef;
use pkcs8::ObjectIdentifier;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

/// `rsaEncryption`
pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `id-ecPublicKey`
pub(super) const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `id-Ed25519`
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The sizes of RSA keys, in bits: Envoy refuses smaller ones, and larger ones cost more than they give.
const RSA_BITS: std::ops::RangeInclusive<u64> = 2048..=8192;

/// A curve on which Envoy takes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

    const fn oid(self) -> ObjectIdentifier {
        match self {
            Curve::P256 => ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
            Curve::P384 => ObjectIdentifier::new_unwrap("1.3.132.0.34"),
            Curve::P521 => ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        }
    }

    /// How long a private key is, in bytes.
    pub(super) const fn len(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// The curve that is called so.
    ///
    /// # Errors
    /// If Envoy does not know it.
    pub(super) fn of(oid: &[u8]) -> Result<Curve, String> {
        let found = Curve::ALL.into_iter().find(|curve| curve.oid().as_bytes() == oid);
        found.ok_or_else(|| {
            let name = ObjectIdentifier::from_bytes(oid).map(|oid| format!(" ({oid})"));
            let name = name.unwrap_or_default();
            format!("Envoy does not take keys on its curve{name}: use P-256, P-384 or P-521")
        })
    }
}

/// What a certificate and a private key have in common if they belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    Rsa { modulus: BigUint, exponent: BigUint },
    P256(p256::PublicKey),
    P384(p384::PublicKey),
    P521(p521::PublicKey),
    Ed25519([u8; 32]),
}

impl PublicKey {
    /// The key that a certificate is for.
    ///
    /// # Errors
    /// Why Envoy would not take it.
    pub(super) fn of(info: &SubjectPublicKeyInfo<'_>) -> Result<PublicKey, String> {
        let bytes = &*info.subject_public_key.data;
        let algorithm = info.algorithm.algorithm.as_bytes();
        if algorithm == RSA.as_bytes() {
            is_null(&info.algorithm)
                .then(|| RsaPublicKeyRef::try_from(bytes).ok())
                .flatten()
                .ok_or_else(|| "its RSA key cannot be read".to_owned())
                .and_then(|key| {
                    PublicKey::rsa(
                        number(key.modulus.as_bytes()),
                        number(key.public_exponent.as_bytes()),
                    )
                })
        } else if algorithm == ELLIPTIC.as_bytes() {
            let parameters = info.algorithm.parameters.as_ref();
            let named = parameters.and_then(|any| any.as_oid().ok());
            let named = named.ok_or("its curve is not given by name")?;
            PublicKey::point(Curve::of(named.as_bytes())?, bytes)
                .ok_or_else(|| "its key is not a point on its curve".to_owned())
        } else if algorithm == ED25519.as_bytes() {
            let key = bytes.try_into().map(PublicKey::Ed25519);
            key.map_err(|_| "its Ed25519 key is not 32 bytes long".to_owned())
        } else {
            let name = &info.algorithm.algorithm;
            Err(format!(
                "Envoy does not take keys of its algorithm ({name}): use RSA, ECDSA or Ed25519"
            ))
        }
    }

    /// An RSA key.
    ///
    /// # Errors
    /// Why Envoy would not take it.
    pub(super) fn rsa(modulus: BigUint, exponent: BigUint) -> Result<PublicKey, String> {
        let bits = modulus.bits();
        if !RSA_BITS.contains(&bits) {
            let (least, most) = (RSA_BITS.start(), RSA_BITS.end());
            return Err(format!("its RSA key has {bits} bits; use one of {least} to {most}"));
        }
        // As Envoy has it.
        let usable = modulus.bit(0) && exponent.bit(0) && (2..=33).contains(&exponent.bits());
        if !usable {
            return Err(
                "its RSA key has an exponent that Envoy does not take: use 65537".to_owned()
            );
        }
        Ok(PublicKey::Rsa { modulus, exponent })
    }

    /// A key by its point, in either of SEC 1's forms; `None` if that is not on the curve.
    pub(super) fn point(curve: Curve, bytes: &[u8]) -> Option<PublicKey> {
        match curve {
            Curve::P256 => p256::PublicKey::from_sec1_bytes(bytes).map(PublicKey::P256).ok(),
            Curve::P384 => p384::PublicKey::from_sec1_bytes(bytes).map(PublicKey::P384).ok(),
            Curve::P521 => p521::PublicKey::from_sec1_bytes(bytes).map(PublicKey::P521).ok(),
        }
    }

    /// Whether it is on a curve for ECDSA.
    pub(super) const fn is_elliptic(&self) -> bool {
        matches!(self, PublicKey::P256(_) | PublicKey::P384(_) | PublicKey::P521(_))
    }
}

pub(super) fn number(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

/// Whether an algorithm has parameters that say nothing, as RSA's must.
fn is_null(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    algorithm.parameters.as_ref().is_some_and(|any| any.as_null().is_ok())
}
