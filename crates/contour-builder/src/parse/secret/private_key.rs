//! Private keys: PKCS#8, PKCS#1 and SEC 1, as far as Envoy takes them.

use std::fmt;

use num_bigint::BigUint;
use pkcs1::RsaPrivateKey as RsaPrivateKeyOf;
use pkcs1::UintRef;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Encode as _;
use pkcs8::der::asn1::AnyRef;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::flaw::{Flaw, Key};
use super::pem::{self, Block};
use super::public_key::{Curve, ED25519, ELLIPTIC, PublicKey, RSA, number};

type RsaPrivateKey<'a> = RsaPrivateKeyOf<UintRef<'a>>;

const PKCS8: &str = "PRIVATE KEY";
const PKCS1: &str = "RSA PRIVATE KEY";
const SEC1: &str = "EC PRIVATE KEY";

/// A private key as PEM. Nothing prints it, and its memory is wiped when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(Zeroizing<String>);

impl PrivateKey {
    /// The text, for Envoy alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PrivateKey(…)")
    }
}

/// The one private key of `tls.key`, and its public half.
///
/// # Errors
/// What is wrong with which block.
pub(super) fn private_key(blocks: &[Block<'_>]) -> Result<(PrivateKey, PublicKey), Flaw> {
    let mut found = None;
    // OpenSSL writes the parameters in front of a key that names its curve anyway.
    for block in blocks.iter().filter(|block| block.label != "EC PARAMETERS") {
        let refuse = |what: String| Key::PrivateKey.refuse(block.number, what);
        let read = read(block).map_err(refuse)?;
        if found.replace(read).is_some() {
            return Err(refuse("it is a second private key; Envoy takes one".to_owned()));
        }
    }
    found.ok_or_else(|| Key::PrivateKey.refuse_all("there is no private key in it"))
}

fn read(block: &Block<'_>) -> Result<(PrivateKey, PublicKey), String> {
    if block.encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
        return Err("it is encrypted, and nobody could tell Envoy the password: decrypt it, \
                    with `openssl pkey`"
            .to_owned());
    }
    let (label, der, public) = match block.label {
        PKCS8 => {
            let (der, public) = pkcs8(&block.der)?;
            (PKCS8, der, public)
        }
        PKCS1 => (PKCS1, block.der.clone(), rsa(&block.der)?),
        SEC1 => (SEC1, block.der.clone(), elliptic(&block.der, None)?),
        label => return Err(format!("it is a {label:?}; here is one private key alone")),
    };
    let mut text = Zeroizing::new(String::new());
    pem::encode(label, &der, &mut text);
    Ok((PrivateKey(text), public))
}

/// Reads PKCS#8 (RFC 5208), in whose first version alone it is passed on: Envoy knows no other.
fn pkcs8(der: &[u8]) -> Result<(Zeroizing<Vec<u8>>, PublicKey), String> {
    let info = PrivateKeyInfoRef::try_from(der).map_err(|_| "it is no PKCS#8 private key")?;
    let key = info.private_key.as_bytes();
    let oid = info.algorithm.oid;
    let parameters = info.algorithm.parameters;
    let public = if oid == RSA {
        if !parameters.is_some_and(AnyRef::is_null) {
            return Err(RSA_UNREADABLE.to_owned());
        }
        rsa(key)?
    } else if oid == ELLIPTIC {
        let named = parameters.and_then(|any| any.decode_as::<pkcs8::ObjectIdentifier>().ok());
        let named = named.ok_or("its curve is not given by name")?;
        elliptic(key, Some(Curve::of(named.as_bytes())?))?
    } else if oid == ED25519 {
        let seed = <[u8; 32]>::try_from(key.strip_prefix(&[4, 32]).unwrap_or_default());
        let seed = seed.map(Zeroizing::new).ok().filter(|_| parameters.is_none());
        let seed = seed.ok_or("it is no Ed25519 key")?;
        let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
        PublicKey::Ed25519(public.to_bytes())
    } else {
        return Err(format!(
            "Envoy does not take keys of its algorithm ({oid}): use RSA, ECDSA or Ed25519"
        ));
    };
    let first = PrivateKeyInfoRef::new(info.algorithm, info.private_key);
    let der = first.to_der().map(Zeroizing::new).map_err(|_| "it is no PKCS#8 private key")?;
    Ok((der, public))
}

const RSA_UNREADABLE: &str = "it is no RSA private key";

/// Reads PKCS#1 (RFC 8017, A.1.2).
fn rsa(der: &[u8]) -> Result<PublicKey, String> {
    let key = RsaPrivateKey::try_from(der).map_err(|_| RSA_UNREADABLE)?;
    let public =
        PublicKey::rsa(number(key.modulus.as_bytes()), number(key.public_exponent.as_bytes()))?;
    if key.other_prime_infos.is_some() || !is_consistent(&key) {
        return Err("its numbers do not fit together: it is damaged".to_owned());
    }
    Ok(public)
}

/// Whether the numbers of a key belong to each other. Envoy asks that when it loads one.
fn is_consistent(key: &RsaPrivateKey<'_>) -> bool {
    let [modulus, public, private] = [&key.modulus, &key.public_exponent, &key.private_exponent]
        .map(|each| number(each.as_bytes()));
    let [first, second] = [&key.prime1, &key.prime2].map(|each| number(each.as_bytes()));
    let [exponent1, exponent2, coefficient] =
        [&key.exponent1, &key.exponent2, &key.coefficient].map(|each| number(each.as_bytes()));
    let one = BigUint::from(1_u8);
    if first <= one || second <= one || &first * &second != modulus || private >= modulus {
        return false;
    }
    let inverse = |exponent: &BigUint, prime: &BigUint| {
        let order = prime - &one;
        (&private * &public) % &order == one && *exponent == &private % &order
    };
    inverse(&exponent1, &first)
        && inverse(&exponent2, &second)
        && coefficient < first
        && (&coefficient * &second) % &first == one
}

/// Reads SEC 1 (RFC 5915), for a curve that may be known already.
fn elliptic(der: &[u8], known: Option<Curve>) -> Result<PublicKey, String> {
    let key = EcPrivateKey::try_from(der).map_err(|_| "it is no private key on a named curve")?;
    let named = key.parameters.and_then(EcParameters::named_curve);
    let named = named.map(|oid| Curve::of(oid.as_bytes())).transpose()?;
    let curve = match (known, named) {
        (Some(known), Some(named)) if known != named => {
            return Err("it names two different curves".to_owned());
        }
        (Some(curve), _) | (None, Some(curve)) => curve,
        (None, None) => {
            return Err(
                "it does not name its curve: convert it, with `openssl pkcs8 -topk8 -nocrypt`"
                    .to_owned(),
            );
        }
    };
    let public = derive(curve, key.private_key).ok_or("it is no number of its curve's range")?;
    let stated = key.public_key.map(|point| PublicKey::point(curve, point));
    match stated {
        Some(stated) if stated.as_ref() != Some(&public) => {
            Err("the public key in it is another one: it is damaged".to_owned())
        }
        _ => Ok(public),
    }
}

/// The public half of a number, which may lack leading zeros, or have more than it needs.
fn derive(curve: Curve, number: &[u8]) -> Option<PublicKey> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..)?;
    let mut padded = Zeroizing::new(vec![0; curve.len().checked_sub(digits.len())?]);
    padded.reserve_exact(digits.len());
    padded.extend(digits);
    match curve {
        Curve::P256 => {
            let key = p256::SecretKey::from_slice(&padded).ok()?;
            Some(PublicKey::P256(key.public_key()))
        }
        Curve::P384 => {
            let key = p384::SecretKey::from_slice(&padded).ok()?;
            Some(PublicKey::P384(key.public_key()))
        }
        Curve::P521 => {
            let key = p521::SecretKey::from_slice(&padded).ok()?;
            Some(PublicKey::P521(key.public_key()))
        }
    }
}
