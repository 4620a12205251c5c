//! What the API server has, and what it lets Contour do.

use contour_builder::Kind;
use contour_k8s::client::Client;
use contour_k8s::needs::{self, Need, NoAnswer, Purpose, Scope, needs};

use super::finding::{Finding, State};

const SERVER: &str = "API server";
const KIND: &str = "kind";
const PERMISSION: &str = "permission";

/// Of a server that does not answer, this is all that is found.
pub(super) fn silent(reason: &str) -> Finding {
    const ADVICE: &str = "name the cluster with --kubeconfig, or --incluster within a pod; contour serve waits for it";
    Finding::other(State::Bad, SERVER, reason, ADVICE)
}

pub(super) async fn findings(client: &Client, scope: &Scope) -> Vec<Finding> {
    let mut findings = match needs::version(client).await {
        Ok(version) => vec![Finding::good(SERVER, version)],
        Err(reason) => return vec![silent(&reason.to_string())],
    };
    for kind in Kind::ALL {
        findings.push(of_kind(kind, needs::has(client, kind).await));
    }
    for need in needs(scope) {
        let denied = needs::denied(client, &need).await;
        findings.push(of_need(&need, denied));
    }
    findings
}

fn of_kind(kind: Kind, has: Result<bool, NoAnswer>) -> Finding {
    let name = needs::name(kind);
    match has {
        Ok(true) => Finding::good(KIND, name),
        Ok(false) => {
            let advice = match kind {
                Kind::HttpProxy => "apply Contour's CustomResourceDefinitions (deploy/crds)",
                Kind::Ingress | Kind::Service | Kind::EndpointSlice | Kind::Secret => {
                    "use Kubernetes 1.21 or newer"
                }
            };
            Finding::other(State::Bad, KIND, format!("{name} is not served"), advice)
        }
        Err(reason) => unanswered(KIND, &name, &reason),
    }
}

fn of_need(need: &Need, denied: Result<Vec<&'static str>, NoAnswer>) -> Finding {
    match denied {
        Ok(denied) if denied.is_empty() => Finding::good(PERMISSION, need.to_string()),
        Ok(denied) => {
            let (state, without) = without(need.purpose);
            let denied = Need { verbs: denied, ..need.clone() };
            let says = format!("{denied}: denied; without it, {without}");
            let role = if need.namespace.is_some() { "Role or ClusterRole" } else { "ClusterRole" };
            Finding::other(
                state,
                PERMISSION,
                says,
                format!("grant it in the {role} of Contour's ServiceAccount"),
            )
        }
        Err(reason) => unanswered(PERMISSION, &need.to_string(), &reason),
    }
}

/// How bad it is to lack a permission, and why.
const fn without(purpose: Purpose) -> (State, &'static str) {
    match purpose {
        Purpose::Read => (State::Bad, "nothing is served"),
        Purpose::Status => (State::Bad, "these statuses are not written"),
        Purpose::Lead => (State::Bad, "nobody leads, and no status is written"),
        Purpose::Tell => (State::Doubtful, "no Event says who leads"),
        Purpose::Configure => (State::Bad, "contour serve waits for its configuration"),
        Purpose::Renew => (State::Bad, "certificates expire"),
    }
}

fn unanswered(about: &'static str, what: &str, reason: &NoAnswer) -> Finding {
    Finding::other(
        State::Bad,
        about,
        format!("{what}: {reason}"),
        "try again when the API server is well",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_that_is_denied_is_told_with_what_fails_without_it() {
        let need = needs(&Scope::default()).into_iter().find(|need| need.purpose == Purpose::Read);
        let found = of_need(&need.expect("a kind"), Ok(vec!["watch"]));
        let expect = Finding::other(
            State::Bad,
            PERMISSION,
            "watch httpproxies.projectcontour.io: denied; without it, nothing is served",
            "grant it in the ClusterRole of Contour's ServiceAccount",
        );
        assert_eq!(found, expect);
    }

    #[test]
    fn what_nothing_depends_on_is_no_more_than_a_warning() {
        let bad = |purpose| without(purpose).0 == State::Bad;
        assert!(!bad(Purpose::Tell) && bad(Purpose::Read) && bad(Purpose::Lead));
    }
}
