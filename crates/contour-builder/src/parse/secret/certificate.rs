//! X.509 certificates, as far as Envoy looks at them when it loads them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use pkcs8::ObjectIdentifier;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Version;

use super::flaw::{Flaw, Key};
use super::pem::{self, Block};

const LABEL: &str = "CERTIFICATE";

/// Signatures with MD5 and RSA, SHA-1 and RSA, and SHA-1 and ECDSA.
const WEAK: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"),
];

/// From when to when a certificate is good, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: i64,
    /// The last second.
    pub not_after: i64,
}

/// Whom a certificate is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The common name of its subject, if it has one that is not blank.
    pub common_name: Option<Arc<str>>,
    /// Its DNS names, as they stand there.
    pub dns: Box<[Arc<str>]>,
    /// Its IP addresses.
    pub ip: Box<[IpAddr]>,
}

/// A certificate, and where it stood.
pub(super) struct Certificate<'a> {
    pub(super) block: usize,
    pub(super) der: &'a [u8],
    pub(super) parsed: X509Certificate<'a>,
}

/// The certificates of a text that holds nothing else, each once.
///
/// # Errors
/// The first block that is none.
pub(super) fn certificates<'a>(
    key: Key,
    blocks: &'a [Block<'_>],
) -> Result<Vec<Certificate<'a>>, Flaw> {
    let mut seen = BTreeSet::new();
    let mut certificates = Vec::with_capacity(blocks.len());
    for block in blocks {
        let certificate = certificate(block).map_err(|what| key.refuse(block.number, what))?;
        if seen.insert(certificate.der) {
            certificates.push(certificate);
        }
    }
    Ok(certificates)
}

fn certificate<'a>(block: &'a Block<'_>) -> Result<Certificate<'a>, String> {
    if block.label != LABEL {
        let belongs =
            if block.label.ends_with("PRIVATE KEY") { ": it belongs to `tls.key`" } else { "" };
        return Err(format!("it is a {:?}; here are certificates alone{belongs}", block.label));
    }
    let (rest, parsed) = X509Certificate::from_der(&block.der)
        .map_err(|error| format!("it is no X.509 certificate: {error}"))?;
    if !rest.is_empty() {
        return Err("something follows the certificate within the block".to_owned());
    }
    let tbs = &parsed.tbs_certificate;
    let extended = !tbs.extensions().is_empty() && tbs.version() != X509Version::V3;
    let unique = tbs.issuer_uid.is_some() || tbs.subject_uid.is_some();
    if extended || (unique && tbs.version() == X509Version::V1) {
        return Err("it has fields that its version of X.509 does not know".to_owned());
    }
    Ok(Certificate { block: block.number, der: &block.der, parsed })
}

/// The text that holds these.
pub(super) fn encode<'a>(certificates: impl IntoIterator<Item = &'a Certificate<'a>>) -> Arc<str> {
    let mut text = String::new();
    for certificate in certificates {
        pem::encode(LABEL, certificate.der, &mut text);
    }
    text.into()
}

impl Certificate<'_> {
    pub(super) fn validity(&self) -> Validity {
        let validity = self.parsed.validity();
        Validity {
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        }
    }

    /// Whether it certifies `other`, as far as their names say.
    pub(super) fn is_issuer_of(&self, other: &Certificate<'_>) -> bool {
        self.parsed.subject().as_raw() == other.parsed.issuer().as_raw()
    }

    /// Whether it certifies itself, so that nobody looks at its signature.
    fn is_root(&self) -> bool {
        self.is_issuer_of(self)
    }

    /// Whether it is signed with what can be forged today.
    pub(super) fn is_weakly_signed(&self) -> bool {
        let algorithm = self.parsed.signature_algorithm.algorithm.as_bytes();
        WEAK.iter().any(|weak| weak.as_bytes() == algorithm) && !self.is_root()
    }

    /// Whether its key may sign; `None` if it does not say.
    ///
    /// # Errors
    /// If it says so in a way that cannot be read.
    pub(super) fn may_sign(&self) -> Result<Option<bool>, &'static str> {
        let usage = self.parsed.key_usage().map_err(|_| "its key usage cannot be read")?;
        Ok(usage.map(|usage| usage.value.digital_signature()))
    }

    /// Whom it is for.
    ///
    /// # Errors
    /// If that cannot be read, or it is for nobody.
    pub(super) fn names(&self) -> Result<Names, &'static str> {
        let subject = self.parsed.subject();
        let mut common = subject.iter_common_name().map(|name| {
            let text = name.as_str().map(Arc::from);
            text.unwrap_or_else(|_| String::from_utf8_lossy(name.as_slice()).into())
        });
        let common_name = common.find(|name: &Arc<str>| !name.trim().is_empty());
        let alternative = self.parsed.subject_alternative_name();
        let alternative = alternative.map_err(|_| "its alternative names cannot be read")?;
        let general = alternative.map_or(&[][..], |names| &names.value.general_names);
        let (mut dns, mut ip) = (Vec::new(), Vec::new());
        for name in general {
            match name {
                GeneralName::DNSName(name) => dns.push(Arc::from(*name)),
                GeneralName::IPAddress(bytes) => ip.extend(address(bytes)),
                GeneralName::Invalid(..) => return Err("its alternative names cannot be read"),
                _ => {}
            }
        }
        if common_name.is_none() && dns.is_empty() && ip.is_empty() {
            return Err(
                "it is for nobody: it has neither a common name nor a DNS name or IP address",
            );
        }
        Ok(Names { common_name, dns: dns.into(), ip: ip.into() })
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).into());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).into())).ok()
}
