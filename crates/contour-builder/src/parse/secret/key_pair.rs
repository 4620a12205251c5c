//! A certificate with its chain and its private key, as Envoy shows it to clients or to services.

use std::fmt;
use std::sync::Arc;

use super::certificate::{Certificate, Names, Validity, certificates, encode};
use super::flaw::{Flaw, Key};
use super::pem;
use super::private_key::{PrivateKey, private_key};
use super::public_key::PublicKey;

/// A certificate with its chain and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// PEM: the certificate whose private key this is, then those that certify it.
    pub chain: Arc<str>,
    /// PEM: its private key.
    pub private_key: PrivateKey,
    /// From when to when the first certificate is good. What that comes to depends on the clock, which nobody reads here.
    pub validity: Validity,
    /// Whom the first certificate is for.
    pub names: Names,
    /// What is not as it should be, and works.
    pub warnings: Box<[Warning]>,
}

/// What is not as it should be with a key pair, and works. Blocks are those of `tls.crt`, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A certificate is signed with MD5 or SHA-1, which clients refuse.
    WeakSignature {
        /// Its block.
        block: usize,
    },
    /// The first certificate may certify others.
    IsAuthority,
    /// The key of the first certificate is not for signing, which TLS 1.3 and forward secrecy need.
    NotForSigning,
    /// A certificate certifies none of the others.
    Unrelated {
        /// Its block.
        block: usize,
    },
    /// The certificates stood in another order than they are sent in.
    Reordered,
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::WeakSignature { block } => write!(
                out,
                "`tls.crt`, block {block}: it is signed with MD5 or SHA-1, which clients refuse"
            ),
            Warning::IsAuthority => {
                out.write_str("`tls.crt`: the certificate may certify others, which some clients refuse")
            }
            Warning::NotForSigning => out.write_str(
                "`tls.crt`: the key usage of the certificate lacks digitalSignature, which clients may insist on",
            ),
            Warning::Unrelated { block } => {
                write!(out, "`tls.crt`, block {block}: it certifies none of the others: leave it out")
            }
            Warning::Reordered => out.write_str(
                "`tls.crt`: the certificates are sent in another order: each must be certified by the next",
            ),
        }
    }
}

/// Reads `tls.crt` and `tls.key`.
///
/// # Errors
/// Why Envoy would not take them.
pub(super) fn key_pair(chain: &[u8], private: &[u8]) -> Result<KeyPair, Flaw> {
    let chain = pem::blocks(Key::Certificate, chain)?;
    let private = pem::blocks(Key::PrivateKey, private)?;
    let certificates = certificates(Key::Certificate, &chain)?;
    let (private_key, public_key) = private_key(&private)?;
    let first = first(&certificates, &public_key)?;
    let (leaf, names) = checked(&certificates[first], &public_key)
        .map_err(|what| Key::Certificate.refuse(certificates[first].block, what))?;
    let (order, related) = order(&certificates, first);
    let mut warnings = leaf;
    let weak = order.iter().map(|at| &certificates[*at]).filter(|each| each.is_weakly_signed());
    warnings.extend(weak.map(|each| Warning::WeakSignature { block: each.block }));
    let unrelated = order[related..].iter().map(|at| certificates[*at].block);
    warnings.extend(unrelated.map(|block| Warning::Unrelated { block }));
    if !order.is_sorted() {
        warnings.push(Warning::Reordered);
    }
    Ok(KeyPair {
        chain: encode(order.iter().map(|at| &certificates[*at])),
        private_key,
        validity: certificates[first].validity(),
        names,
        warnings: warnings.into(),
    })
}

/// Which certificate the private key is for.
fn first(certificates: &[Certificate<'_>], key: &PublicKey) -> Result<usize, Flaw> {
    let mut unusable = None;
    for (at, certificate) in certificates.iter().enumerate() {
        match PublicKey::of(certificate.parsed.public_key()) {
            Ok(of_certificate) if of_certificate == *key => return Ok(at),
            // Only the first one's key is asked for by Envoy.
            Err(what) if at == 0 => unusable = Some(what),
            Ok(_) | Err(_) => {}
        }
    }
    let other = "it belongs to none of the certificates in `tls.crt`: one of both was renewed without the other";
    Err(match unusable {
        Some(what) => {
            Key::Certificate.refuse(certificates.first().map_or(1, |each| each.block), what)
        }
        None => Key::PrivateKey.refuse_all(other),
    })
}

/// What Envoy asks of the first certificate.
fn checked(
    certificate: &Certificate<'_>,
    key: &PublicKey,
) -> Result<(Vec<Warning>, Names), &'static str> {
    let names = certificate.names()?;
    let mut warnings = Vec::new();
    if certificate.may_sign()? == Some(false) {
        if key.is_elliptic() {
            return Err(
                "its key usage lacks digitalSignature, without which Envoy takes no ECDSA key",
            );
        }
        warnings.push(Warning::NotForSigning);
    }
    if certificate.parsed.is_ca() {
        warnings.push(Warning::IsAuthority);
    }
    Ok((warnings, names))
}

/// In which order certificates are sent: from `first` on, each is certified by the next. How many that are; the others
/// follow as they stood.
fn order(certificates: &[Certificate<'_>], first: usize) -> (Vec<usize>, usize) {
    let mut rest: Vec<usize> = (0..certificates.len()).filter(|at| *at != first).collect();
    let mut order = vec![first];
    let mut last = first;
    while let Some(next) =
        rest.iter().position(|at| certificates[*at].is_issuer_of(&certificates[last]))
    {
        last = rest.remove(next);
        order.push(last);
    }
    let related = order.len();
    order.extend(rest);
    (order, related)
}
