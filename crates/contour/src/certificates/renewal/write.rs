//! A Secret as it is after a write.

use std::time::SystemTime;

use contour_k8s::secret::Secret;
use jiff::Timestamp;
use pem::{EncodeConfig, LineEnding, Pem};
use rustls::pki_types::CertificateDer;

use super::super::secrets::{AUTHORITIES, CERTIFICATE, KEY, TLS, empty};
use super::super::{Bundle, Namespace, SecretName, Side};
use super::plan::{Change, Write};
use super::{NEXT_CERTIFICATE, NEXT_KEY, SINCE};

/// What becomes of a Secret, or of none. New certificates are those of `bundle`.
pub fn apply(
    write: &Write,
    before: Option<&Secret>,
    bundle: &Bundle,
    namespace: &Namespace,
    now: SystemTime,
) -> Secret {
    let name = SecretName::new(write.side.secret()).expect("it is one");
    let mut secret = before.cloned().unwrap_or_else(|| empty(namespace, &name, TLS));
    match &write.change {
        Change::Create { trusted } => {
            show(&mut secret, write.side, bundle);
            trust(&mut secret, trusted, Some(bundle));
            stamp(&mut secret, (!trusted.is_empty()).then_some(now));
        }
        Change::Introduce { trusted } => {
            let identity = bundle.identity(write.side);
            secret.set(NEXT_CERTIFICATE, identity.certificate.as_str());
            secret.set(NEXT_KEY, identity.key.expose());
            trust(&mut secret, trusted, Some(bundle));
            stamp(&mut secret, Some(now));
        }
        Change::Promote => {
            for (next, current) in [(NEXT_CERTIFICATE, CERTIFICATE), (NEXT_KEY, KEY)] {
                if let Some(content) = secret.take(next) {
                    secret.set(current, content);
                }
            }
            stamp(&mut secret, Some(now));
        }
        Change::Retire { trusted } => {
            trust(&mut secret, trusted, None);
            stamp(&mut secret, None);
        }
        Change::Replace => {
            show(&mut secret, write.side, bundle);
            secret.take(NEXT_CERTIFICATE);
            secret.take(NEXT_KEY);
            trust(&mut secret, &[], Some(bundle));
            stamp(&mut secret, None);
        }
        Change::Restamp => stamp(&mut secret, Some(now)),
    }
    secret
}

fn show(secret: &mut Secret, side: Side, bundle: &Bundle) {
    let identity = bundle.identity(side);
    secret.set(CERTIFICATE, identity.certificate.as_str());
    secret.set(KEY, identity.key.expose());
}

fn trust(secret: &mut Secret, trusted: &[CertificateDer<'static>], new: Option<&Bundle>) {
    let unix = EncodeConfig::new().set_line_ending(LineEnding::LF);
    let blocks: Vec<Pem> =
        trusted.iter().map(|each| Pem::new("CERTIFICATE", each.to_vec())).collect();
    let mut text = pem::encode_many_config(&blocks, unix);
    text.extend(new.map(|bundle| bundle.authority.as_str()));
    secret.set(AUTHORITIES, text);
}

fn stamp(secret: &mut Secret, since: Option<SystemTime>) {
    // A time that has no year of four digits is none that a clock shows.
    let since = since.map(|since| Timestamp::try_from(since).unwrap_or(Timestamp::MAX).to_string());
    secret.annotate(SINCE, since);
}
