//! The Events that tell people who leads.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

/// The Event "`identity` `what`" about a Lease.
pub(super) fn event(lease: &Lease, identity: &str, what: &str, clock: Timestamp) -> Event {
    let ObjectMeta { name, namespace, uid, resource_version, .. } = lease.metadata.clone();
    let unique = format!("{}.{:x}", name.as_deref().unwrap_or_default(), clock.as_nanosecond());
    Event {
        metadata: ObjectMeta {
            name: Some(unique),
            namespace: namespace.clone(),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some("coordination.k8s.io/v1".to_owned()),
            kind: Some("Lease".to_owned()),
            name,
            namespace,
            uid,
            resource_version,
            ..ObjectReference::default()
        },
        reason: Some("LeaderElection".to_owned()),
        message: Some(format!("{identity} {what}")),
        source: Some(EventSource { component: Some(identity.to_owned()), host: None }),
        first_timestamp: Some(Time(clock)),
        last_timestamp: Some(Time(clock)),
        count: Some(1),
        type_: Some("Normal".to_owned()),
        ..Event::default()
    }
}
