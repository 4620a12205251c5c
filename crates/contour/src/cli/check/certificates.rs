//! The certificates by which Contour is known, and by which it knows others.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contour_k8s::secret::{self, Secret, Secrets};

use super::finding::{Finding, State};
use crate::certificates::Side;
use crate::certificates::renewal::{Held, Leaf, Problem, read};
use crate::serve::tls::{self, Files, Remaining, remaining};

const ABOUT: &str = "certificate";

const RENEW: &str = "run contour certgen --kube --secrets-format=compact --overwrite, or let contour serve --manage-certificates renew it";

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

/// Where there are neither files nor an API server to ask.
pub(super) fn unknown() -> Finding {
    const ADVICE: &str = "run this in Contour's pod, where they are files, or name the cluster, whose Secrets have them";
    Finding::other(State::Unknown, ABOUT, "those of xDS are not here", ADVICE)
}

/// Those in the Secrets of both sides, as `contour certgen --secrets-format=compact` writes them.
pub(super) async fn of_secrets(secrets: &Secrets) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut held = Vec::new();
    for side in Side::BOTH {
        match of_secret(side, secrets.get(side.secret()).await) {
            Ok(found) => {
                findings.push(of_validity(&format!("secret/{}", side.secret()), &found));
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
            "run contour certgen --kube --secrets-format=compact --overwrite, which replaces both",
        ));
    }
    findings
}

fn of_secret(side: Side, secret: Result<Option<Secret>, secret::Error>) -> Result<Held, Finding> {
    let name = side.secret();
    let other = |state, says: String, advice: &str| Finding::other(state, ABOUT, says, advice);
    match secret {
        Ok(Some(secret)) => read(&secret).map_err(|problem| {
            let (state, advice) = judged(&problem);
            other(state, format!("secret/{name}: {problem}"), advice)
        }),
        Ok(None) => Err(other(
            State::Bad,
            format!("secret/{name} does not exist"),
            "run contour certgen --kube --secrets-format=compact, or contour serve --manage-certificates",
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

/// How bad it is that we could not have written a Secret, and what to do.
const fn judged(problem: &Problem) -> (State, &'static str) {
    match problem {
        Problem::Missing { .. } | Problem::Unreadable(_) | Problem::Unmatched => {
            (State::Bad, RENEW)
        }
        Problem::UnsupportedKey(_) => {
            (State::Bad, "use a key of P-256, P-384 or RSA; contour certgen makes one")
        }
        Problem::Legacy | Problem::Foreign => (
            State::Doubtful,
            "who has written it should know whether Contour and Envoy trust each other; what is not expired is not known here",
        ),
    }
}

/// Whether one side accepts what the other shows.
fn trusts(one: &Held, other: &Held) -> bool {
    one.authorities.contains(&other.current.signer)
}

fn of_validity(name: &str, held: &Held) -> Finding {
    let Leaf { begin, end, .. } = held.current;
    if begin > SystemTime::now() {
        let says = format!("{name} is not valid before {}", date(seconds(begin)));
        return Finding::other(
            State::Bad,
            ABOUT,
            says,
            "see whether clocks are right; or replace it",
        );
    }
    of_expiry(name, seconds(end))
}

fn of_expiry(name: &str, expiry: i64) -> Finding {
    match remaining(expiry, SystemTime::now()) {
        Remaining::Long => Finding::good(ABOUT, format!("{name} is valid until {}", date(expiry))),
        Remaining::Days(days) => {
            Finding::other(State::Doubtful, ABOUT, format!("{name} expires in {days} days"), RENEW)
        }
        Remaining::Expired => {
            Finding::other(State::Bad, ABOUT, format!("{name} has expired"), RENEW)
        }
    }
}

/// A day of the calendar, of a moment in seconds since 1970.
fn date(moment: i64) -> String {
    let moment = jiff::Timestamp::from_second(moment).unwrap_or(jiff::Timestamp::MAX);
    moment.strftime("%Y-%m-%d").to_string()
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
