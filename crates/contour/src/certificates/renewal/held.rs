//! What a Secret says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contour_k8s::secret::Secret;
use jiff::Timestamp;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::parse_x509_certificate;
use x509_parser::time::ASN1Time;

use super::super::secrets::{AUTHORITIES, CERTIFICATE, KEY};
use super::{NEXT_CERTIFICATE, NEXT_KEY, SINCE};

/// What a Secret says of the certificates of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whom this side trusts.
    pub authorities: Vec<CertificateDer<'static>>,
    /// What this side shows.
    pub current: Leaf,
    /// What it will show next.
    pub next: Option<Leaf>,
    /// Since when it is so.
    pub since: Since,
}

/// A certificate with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Who has signed it.
    pub signer: CertificateDer<'static>,
    /// When it begins to be valid.
    pub begin: SystemTime,
    /// When it, or its signer, ceases to be.
    pub end: SystemTime,
}

/// Since when something is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Long ago: nobody remembers anything else.
    Ever,
    /// This moment.
    At(SystemTime),
    /// Somebody has written there what is no time.
    Unknown,
}

/// Why what a Secret says is not for us to renew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The authority has a Secret of its own.
    #[error(
        "it is in the legacy format, without ca.crt; `contour certgen --secrets-format=compact --overwrite` writes the one that can be renewed"
    )]
    Legacy,
    /// A key is missing, or there is something else.
    #[error("{key} holds no {what} in PEM format")]
    Missing {
        /// The key.
        key: &'static str,
        /// What it should hold.
        what: &'static str,
    },
    /// A certificate cannot be decoded.
    #[error("{0} holds a certificate that cannot be read")]
    Unreadable(&'static str),
    /// The key is another certificate's.
    #[error("{CERTIFICATE} and {KEY} do not belong together")]
    Unmatched,
    /// The key is of a kind that this program cannot use.
    #[error("{0} is of a kind that cannot be used here")]
    UnsupportedKey(&'static str),
    /// Nobody in `ca.crt` has signed it: somebody else has, in another way than ours.
    #[error("{CERTIFICATE} is not signed by a certificate in {AUTHORITIES}")]
    Foreign,
}

/// Reads a Secret.
///
/// # Errors
/// If it is none that we could have written.
pub fn read(secret: &Secret) -> Result<Held, Problem> {
    if secret.get(AUTHORITIES).is_none() && secret.get(CERTIFICATE).is_some() {
        return Err(Problem::Legacy);
    }
    let authorities = certificates(secret, AUTHORITIES)?;
    for authority in &authorities {
        parse(authority, AUTHORITIES)?;
    }
    let current = leaf(secret, CERTIFICATE, KEY, &authorities)?;
    // One that is of no use is as good as none.
    let next = leaf(secret, NEXT_CERTIFICATE, NEXT_KEY, &authorities).ok();
    let since = match secret.annotation(SINCE) {
        None => Since::Ever,
        Some(text) => text
            .parse::<Timestamp>()
            .map_or(Since::Unknown, |time| Since::At(SystemTime::from(time))),
    };
    Ok(Held { authorities, current, next, since })
}

fn leaf(
    secret: &Secret,
    certificate: &'static str,
    key: &'static str,
    authorities: &[CertificateDer<'static>],
) -> Result<Leaf, Problem> {
    let chain = certificates(secret, certificate)?;
    let own = parse(&chain[0], certificate)?;
    let missing = Problem::Missing { key, what: "private key" };
    let private = secret.get(key).and_then(|pem| PrivateKeyDer::from_pem_slice(pem).ok());
    let private = private.ok_or(missing)?;
    let provider = ring::default_provider();
    CertifiedKey::from_der(chain.clone(), private, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => Problem::Unmatched,
        _ => Problem::UnsupportedKey(key),
    })?;
    for signer in authorities {
        let authority = parse(signer, AUTHORITIES)?;
        if has_signed(&authority, &own) {
            let (one, other) = (own.validity(), authority.validity());
            return Ok(Leaf {
                signer: signer.clone(),
                begin: time(one.not_before).max(time(other.not_before)),
                end: time(one.not_after).min(time(other.not_after)),
            });
        }
    }
    Err(Problem::Foreign)
}

fn certificates(
    secret: &Secret,
    key: &'static str,
) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let pem = secret.get(key).unwrap_or_default();
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    found.ok_or(Problem::Missing { key, what: "certificate" })
}

fn parse<'a>(
    certificate: &'a CertificateDer<'_>,
    key: &'static str,
) -> Result<X509Certificate<'a>, Problem> {
    let parsed = parse_x509_certificate(certificate);
    parsed.map(|(_, parsed)| parsed).map_err(|_| Problem::Unreadable(key))
}

fn has_signed(authority: &X509Certificate<'_>, own: &X509Certificate<'_>) -> bool {
    own.issuer() == authority.subject()
        && own.verify_signature(Some(authority.public_key())).is_ok()
}

fn time(time: ASN1Time) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or(0))
}
