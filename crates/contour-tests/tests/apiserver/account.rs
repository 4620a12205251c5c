//! What the account may do that the harness gives to Contour.

use contour_tests::api_server::NAMESPACE;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use super::Shared;

/// A verb, a resource with its group and perhaps a part of it, and a namespace.
type Deed = (&'static str, &'static str, &'static str);

const GRANTED: [Deed; 12] = [
    ("list", "httpproxies.projectcontour.io", "default"),
    ("watch", "httpproxies.projectcontour.io", ""),
    ("update", "httpproxies.projectcontour.io/status", "default"),
    ("get", "contourconfigurations.projectcontour.io", NAMESPACE),
    ("watch", "secrets", "default"),
    ("list", "endpointslices.discovery.k8s.io", ""),
    ("update", "ingresses.networking.k8s.io/status", "default"),
    ("watch", "backendtlspolicies.gateway.networking.k8s.io", ""),
    ("update", "gateways.gateway.networking.k8s.io/status", "default"),
    ("create", "leases.coordination.k8s.io", NAMESPACE),
    ("update", "leases.coordination.k8s.io", NAMESPACE),
    ("create", "events", NAMESPACE),
];

const DENIED: [Deed; 12] = [
    ("patch", "httpproxies.projectcontour.io/status", "default"),
    ("update", "httpproxies.projectcontour.io", "default"),
    ("list", "contourdeployments.projectcontour.io", ""),
    ("patch", "ingresses.networking.k8s.io/status", "default"),
    ("patch", "leases.coordination.k8s.io", NAMESPACE),
    ("list", "leases.coordination.k8s.io", NAMESPACE),
    ("watch", "leases.coordination.k8s.io", NAMESPACE),
    ("create", "leases.coordination.k8s.io", "default"),
    ("patch", "events", NAMESPACE),
    ("create", "events", "default"),
    ("update", "secrets", NAMESPACE),
    ("list", "pods", ""),
];

pub(crate) async fn contour_may_do_what_it_is_granted(shared: &Shared) {
    let client = shared.server().await.contour_account().await.client().await;
    for deed in GRANTED {
        assert!(allowed(&client, deed).await, "{deed:?}");
    }
}

pub(crate) async fn contour_may_not_do_anything_else(shared: &Shared) {
    let client = shared.server().await.contour_account().await.client().await;
    for deed in DENIED {
        assert!(!allowed(&client, deed).await, "{deed:?}");
    }
}

async fn allowed(client: &Client, (verb, what, namespace): Deed) -> bool {
    let (what, part) = what.split_once('/').unwrap_or((what, ""));
    let (resource, group) = what.split_once('.').unwrap_or((what, ""));
    let attributes = ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource: Some(part.to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        ..SelfSubjectAccessReviewSpec::default()
    };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let reviews = Api::<SelfSubjectAccessReview>::all(client.clone());
    let answer = reviews.create(&PostParams::default(), &review).await.expect("an answer");
    answer.status.expect("a verdict").allowed
}
