//! When certificates expire.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

/// How long before a certificate expires it is told.
const AHEAD: Duration = Duration::from_hours(30 * 24);

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// How long a certificate is still valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// Longer than 30 days.
    Long,
    /// So many whole days.
    Days(u64),
    /// No longer.
    Expired,
}

/// When the first of these certificates expires, in seconds since 1970. `None` without any that can be read.
pub(super) fn of(certificates: &[CertificateDer<'_>]) -> Option<i64> {
    let expiry = |each: &CertificateDer<'_>| {
        let (_, certificate) = parse_x509_certificate(each).ok()?;
        Some(certificate.validity().not_after.timestamp())
    };
    certificates.iter().filter_map(expiry).min()
}

/// How long a certificate that expires at `expiry`, in seconds since 1970, is still valid.
pub fn remaining(expiry: i64, now: SystemTime) -> Remaining {
    let expiry = UNIX_EPOCH + Duration::from_secs(u64::try_from(expiry).unwrap_or(0));
    match expiry.duration_since(now) {
        Err(_) => Remaining::Expired,
        Ok(left) if left > AHEAD => Remaining::Long,
        Ok(left) => Remaining::Days(left.as_secs() / SECONDS_PER_DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An expiry so many hours after the moment it is compared with.
    #[track_caller]
    fn check(hours: i64, expect: Remaining) {
        let now = 1_800_000_000;
        let moment = UNIX_EPOCH + Duration::from_secs(now);
        let expiry = i64::try_from(now).expect("a small number") + hours * 60 * 60;
        assert_eq!(remaining(expiry, moment), expect);
    }

    #[test]
    fn it_is_told_from_thirty_days_ahead() {
        check(30 * 24 + 1, Remaining::Long);
        check(30 * 24, Remaining::Days(30));
        check(47, Remaining::Days(1));
        check(0, Remaining::Days(0));
        check(-1, Remaining::Expired);
    }

    #[test]
    fn what_is_no_certificate_does_not_expire() {
        assert_eq!(of(&[CertificateDer::from(vec![0x30, 0x00])]), None);
        assert_eq!(of(&[]), None);
    }
}
