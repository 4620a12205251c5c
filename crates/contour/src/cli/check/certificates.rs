//! The certificates by which Contour is known, and by which it knows others.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contour_k8s::secret::{self, Secret, Secrets};

use super::finding::{Finding, State};
use crate::certificates::Side;
use crate::certificates::renewal::{Held, read};
use crate::serve::tls::{self, Files, Remaining, remaining};

const ABOUT: &str = "certificate";

const RENEW: &str =
    "run contour certgen --overwrite, or let contour serve --manage-certificates renew it";

/// Those in files. The name is what logs and metrics call them.
pub(super) fn of_files(name: &'static str, files: &Files) -> Vec<Finding> {
    match tls::expiries(name, files) {
        Ok(expiries) => expiries.iter().map(|(name, expiry)| of_expiry(name, *expiry)).collect(),
        Err(error) => vec![Finding::other(
            State::Bad,
            ABOUT,
            format!("{name}: {error}"),
            "contour serve does not start without; contour certgen makes those of xDS",
        )],
    }
}

/// Those in the Secrets of both sides, as `contour certgen --secrets-format=compact` writes them.
pub(super) async fn of_secrets(secrets: &Secrets) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut held = Vec::new();
    for side in Side::BOTH {
        match of_secret(side, secrets.get(side.secret()).await) {
            Ok(found) => {
                findings.push(of_expiry(
                    &format!("secret/{}", side.secret()),
                    seconds(found.current.end),
                ));
                held.push(found);
            }
            Err(finding) => findings.push(finding),
        }
    }
    if let [contour, envoy] = held.as_slice()
        && !(trusts(contour, envoy) && trusts(envoy, contour))
    {
        findings.push(Finding::other(
            State::Bad,
            ABOUT,
            "Contour and Envoy do not trust each other: their Secrets come from two authorities",
            "run contour certgen --overwrite, which replaces both",
        ));
    }
    findings
}

fn of_secret(side: Side, secret: Result<Option<Secret>, secret::Error>) -> Result<Held, Finding> {
    let name = side.secret();
    let other = |state, says: String, advice: &str| Finding::other(state, ABOUT, says, advice);
    match secret {
        Ok(Some(secret)) => read(&secret).map_err(|problem| {
            let says = format!("secret/{name}: {problem}");
            other(
                State::Doubtful,
                says,
                "who has written it should know whether it is good; contour certgen writes another",
            )
        }),
        Ok(None) => Err(other(
            State::Bad,
            format!("secret/{name} does not exist"),
            "run contour certgen, or contour serve --manage-certificates",
        )),
        Err(secret::Error::Forbidden { reason, .. }) => Err(other(
            State::Unknown,
            format!("secret/{name} cannot be read: {reason}"),
            "run this as somebody who may read it, or in Contour's pod, where it is a file",
        )),
        Err(error) => Err(other(
            State::Bad,
            format!("secret/{name} cannot be read: {error}"),
            "try again when the API server is well",
        )),
    }
}

/// Whether one side accepts what the other shows.
fn trusts(one: &Held, other: &Held) -> bool {
    one.authorities.contains(&other.current.signer)
}

fn of_expiry(name: &str, expiry: i64) -> Finding {
    match remaining(expiry, SystemTime::now()) {
        Remaining::Long => Finding::good(ABOUT, format!("{name} is valid for more than 30 days")),
        Remaining::Days(days) => {
            Finding::other(State::Doubtful, ABOUT, format!("{name} expires in {days} days"), RENEW)
        }
        Remaining::Expired => {
            Finding::other(State::Bad, ABOUT, format!("{name} has expired"), RENEW)
        }
    }
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
