//! What `contour serve` asks of an API server, and whether it would be answered: for who sets a cluster up.

use std::fmt;
use std::time::Duration;

use contour_builder::{Kind, ObjectName};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::core::ApiResource;
use kube::{Api, Client};
use tokio::time::timeout;

use crate::client::words;
use crate::source::cluster::{Described, Served, described, served};

/// How long one answer may take: somebody waits in front of a terminal.
const WITHIN: Duration = Duration::from_secs(10);

/// What decides about what is needed.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The namespaces that are watched; none means all. Source: `--watch-namespaces`.
    pub namespaces: Vec<String>,
    /// The Lease that replicas compete for; `None`: they do not. Source: `--leader-election-resource-*`.
    pub lease: Option<ObjectName>,
    /// The `ContourConfiguration` that is followed. Source: `--contour-config-name`.
    pub configuration: Option<ObjectName>,
    /// The namespace whose certificates are renewed. Source: `--manage-certificates`.
    pub certificates: Option<String>,
}

/// Verbs on a resource, needed for one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The API group; empty for the core group.
    pub group: String,
    /// The plural name; with the subresource, if it is one: `httpproxies/status`.
    pub resource: String,
    /// `list`, `watch`, `update` and so on.
    pub verbs: Vec<&'static str>,
    /// Where; `None`: everywhere.
    pub namespace: Option<String>,
    /// What does not work without.
    pub purpose: Purpose,
}

/// What a permission is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Without it nothing is served.
    Read,
    /// Without it these statuses are not written.
    Status,
    /// Without it nobody becomes the leader.
    Lead,
    /// Without it Events do not say who leads; no more than that.
    Tell,
    /// Without it Contour does not start.
    Configure,
    /// Without it certificates expire.
    Renew,
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.verbs.join(", "), self.resource)?;
        if !self.group.is_empty() {
            write!(out, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(out, " in {namespace}"),
            None => Ok(()),
        }
    }
}

/// Everything that is asked for in normal operation.
pub fn needs(scope: &Scope) -> Vec<Need> {
    let everywhere = [None];
    let some: Vec<_> = scope.namespaces.iter().cloned().map(Some).collect();
    let watched: &[Option<String>] = if some.is_empty() { &everywhere } else { &some };
    let mut needs = Vec::new();
    for kind in Kind::ALL {
        let Described { resource: ApiResource { group, plural, .. }, has_status } = described(kind);
        for namespace in watched {
            let need = |resource: String, verbs: &[_], purpose| {
                let (group, namespace) = (group.clone(), namespace.clone());
                Need { group, resource, verbs: verbs.to_vec(), namespace, purpose }
            };
            needs.push(need(plural.clone(), &["list", "watch"], Purpose::Read));
            if has_status {
                needs.push(need(format!("{plural}/status"), &["update"], Purpose::Status));
            }
        }
    }
    needs.extend(apart(scope));
    needs
}

/// What is asked for apart from the objects that are read.
fn apart(scope: &Scope) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut need = |group: &str, resource: &str, verbs: &[_], namespace: &str, purpose| {
        needs.push(Need {
            group: group.to_owned(),
            resource: resource.to_owned(),
            verbs: verbs.to_vec(),
            namespace: Some(namespace.to_owned()),
            purpose,
        });
    };
    if let Some(ObjectName { namespace, .. }) = &scope.lease {
        let verbs = ["get", "create", "update"];
        need("coordination.k8s.io", "leases", &verbs, namespace, Purpose::Lead);
        need("", "events", &["create"], namespace, Purpose::Tell);
    }
    if let Some(ObjectName { namespace, .. }) = &scope.configuration {
        let verbs = ["get", "list", "watch"];
        need("projectcontour.io", "contourconfigurations", &verbs, namespace, Purpose::Configure);
    }
    if let Some(namespace) = &scope.certificates {
        need("", "secrets", &["get", "create", "update"], namespace, Purpose::Renew);
    }
    needs
}

/// Why there is no answer: the words of whoever refused it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

async fn answer<T>(asking: impl Future<Output = Result<T, kube::Error>>) -> Result<T, NoAnswer> {
    match timeout(WITHIN, asking).await {
        Ok(answer) => answer.map_err(|error| NoAnswer(words(&error))),
        Err(_) => Err(NoAnswer(format!("no answer within {} s", WITHIN.as_secs()))),
    }
}

/// Which version the API server is of, in its own words.
///
/// # Errors
/// [`NoAnswer`].
pub async fn version(client: &Client) -> Result<String, NoAnswer> {
    answer(client.apiserver_version()).await.map(|version| version.git_version)
}

/// What the API server calls a kind that is read, with group and version: `httpproxies.projectcontour.io/v1`.
pub fn name(kind: Kind) -> String {
    let ApiResource { group, version, plural, .. } = described(kind).resource;
    let group = if group.is_empty() { group } else { format!(".{group}") };
    format!("{plural}{group}/{version}")
}

/// Whether the API server has a kind, in the version in which it is read.
///
/// # Errors
/// [`NoAnswer`].
pub async fn has(client: &Client, kind: Kind) -> Result<bool, NoAnswer> {
    answer(served(client, &described(kind).resource)).await.map(|served| served == Served::Yes)
}

/// Which of the verbs are denied to whoever the client is.
///
/// # Errors
/// [`NoAnswer`].
pub async fn denied(client: &Client, need: &Need) -> Result<Vec<&'static str>, NoAnswer> {
    let reviews = Api::<SelfSubjectAccessReview>::all(client.clone());
    let mut denied = Vec::new();
    for verb in &need.verbs {
        let review = answer(reviews.create(&PostParams::default(), &review(need, verb))).await?;
        if !review.status.is_some_and(|status| status.allowed) {
            denied.push(*verb);
        }
    }
    Ok(denied)
}

fn review(need: &Need, verb: &str) -> SelfSubjectAccessReview {
    let (resource, subresource) = match need.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (need.resource.as_str(), None),
    };
    let attributes = ResourceAttributes {
        group: Some(need.group.clone()),
        resource: Some(resource.to_owned()),
        subresource,
        namespace: need.namespace.clone(),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let resource_attributes = Some(attributes);
    SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec { resource_attributes, ..Default::default() },
        ..SelfSubjectAccessReview::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(scope: &Scope) -> Vec<String> {
        needs(scope).iter().map(Need::to_string).collect()
    }

    #[test]
    fn each_namespace_that_is_watched_is_asked_about() {
        let all = needs(&Scope::default());
        assert!(all.iter().all(|need| need.namespace.is_none()));
        let namespaces = vec!["one".to_owned(), "two".to_owned()];
        let some = needs(&Scope { namespaces, ..Scope::default() });
        assert_eq!(some.len(), 2 * all.len());
        let reads = some.iter().filter(|need| need.purpose == Purpose::Read);
        assert_eq!(reads.count(), 2 * Kind::ALL.len());
    }

    #[test]
    fn what_is_switched_on_needs_its_permissions() {
        let name = |name: &str| Some(ObjectName::new("projectcontour", name));
        let scope = Scope {
            lease: name("leader-elect"),
            configuration: name("contour"),
            certificates: Some("projectcontour".to_owned()),
            ..Scope::default()
        };
        let plain = shown(&Scope::default());
        let more: Vec<String> =
            shown(&scope).into_iter().filter(|need| !plain.contains(need)).collect();
        let expect = [
            "get, create, update leases.coordination.k8s.io in projectcontour",
            "create events in projectcontour",
            "get, list, watch contourconfigurations.projectcontour.io in projectcontour",
            "get, create, update secrets in projectcontour",
        ];
        assert_eq!(more, expect);
    }

    #[test]
    fn a_subresource_is_asked_about_as_such() {
        let need = needs(&Scope::default()).into_iter().find(|need| need.resource.contains('/'));
        let attributes = review(&need.expect("a status"), "update").spec.resource_attributes;
        let attributes = attributes.expect("attributes");
        assert_eq!(attributes.resource.as_deref(), Some("httpproxies"));
        assert_eq!(attributes.subresource.as_deref(), Some("status"));
    }
}
