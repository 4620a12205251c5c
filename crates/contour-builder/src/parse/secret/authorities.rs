//! `ca.crt`: whom to trust; `crl.pem`: which of their certificates not to.

use std::sync::Arc;

use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::certificate::{Validity, certificates, encode};
use super::flaw::{Flaw, Key};
use super::pem::{self, Block};

const LABEL: &str = "X509 CRL";

/// A distinguished name in DER, for comparison.
pub type RawName = Box<[u8]>;

/// Certificates that are trusted to certify others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorities {
    /// PEM: the certificates, each once.
    pub pem: Arc<str>,
    /// Who they are, in the same order.
    pub subjects: Box<[Authority]>,
}

/// One certificate that is trusted to certify others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Whose it is.
    pub subject: RawName,
    /// From when to when it is good.
    pub validity: Validity,
}

/// Lists of certificates that are good no more.
///
/// With one in place Envoy refuses everybody whose certifier has none: whether each authority has its own is for whoever
/// puts the two together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocations {
    /// PEM: the lists.
    pub pem: Arc<str>,
    /// Whose they are, in the same order.
    pub lists: Box<[RevocationList]>,
}

/// One list of certificates that are good no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// Who certified them.
    pub issuer: RawName,
    /// When it was made, in seconds since 1970.
    pub this_update: i64,
    /// When the next one is due, and Envoy refuses everybody with this one.
    pub next_update: Option<i64>,
}

/// Reads `ca.crt`.
///
/// # Errors
/// Why Envoy would not take it.
pub(super) fn authorities(text: &[u8]) -> Result<Authorities, Flaw> {
    let blocks = pem::blocks(Key::Authorities, text)?;
    let certificates = certificates(Key::Authorities, &blocks)?;
    let subjects = certificates.iter().map(|each| Authority {
        subject: each.parsed.subject().as_raw().into(),
        validity: each.validity(),
    });
    Ok(Authorities { subjects: subjects.collect(), pem: encode(&certificates) })
}

/// Reads `crl.pem`.
///
/// # Errors
/// Why Envoy would not take it, or would take it and refuse everybody.
pub(super) fn revocations(text: &[u8]) -> Result<Revocations, Flaw> {
    let mut pem = String::new();
    let mut lists = Vec::new();
    for block in pem::blocks(Key::Revocations, text)? {
        let list = list(&block).map_err(|what| Key::Revocations.refuse(block.number, what))?;
        lists.push(list);
        pem::encode(LABEL, &block.der, &mut pem);
    }
    Ok(Revocations { pem: pem.into(), lists: lists.into() })
}

fn list(block: &Block<'_>) -> Result<RevocationList, String> {
    if block.label != LABEL {
        return Err(format!("it is a {:?}; here are X509 CRLs alone", block.label));
    }
    let (rest, list) = CertificateRevocationList::from_der(&block.der)
        .map_err(|error| format!("it is no X.509 revocation list: {error}"))?;
    if !rest.is_empty() {
        return Err("something follows the list within the block".to_owned());
    }
    Ok(RevocationList {
        issuer: list.issuer().as_raw().into(),
        this_update: list.last_update().timestamp(),
        next_update: list.next_update().map(|time| time.timestamp()),
    })
}
