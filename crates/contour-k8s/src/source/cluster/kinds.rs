//! What the source has to know about each kind.

use std::fmt::Debug;

use contour_api::core::{Secret, Service};
use contour_api::discovery::EndpointSlice;
use contour_api::meta::ObjectMeta;
use contour_api::networking::Ingress;
use contour_api::v1::HTTPProxy;
use contour_builder::secret::SecretObject;
use contour_builder::{Addresses, Kind, Object, Revision};
use kube::Resource;
use kube::core::{ApiResource, NamespaceResourceScope};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::status::Seen;

/// A kind that is watched.
pub(super) trait Watched:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + 'static
{
    const KIND: Kind;

    /// Which of the kind the API server shall tell of; `None`: all.
    const FIELDS: Option<&'static str> = None;

    /// The object, for the builder.
    fn object(self) -> Object;

    /// Whether its status is ours to write.
    const HAS_STATUS: bool;

    /// What is told of an object that cannot be decoded, given what the decoder says.
    fn unreadable(error: &str) -> String {
        error.to_owned()
    }

    /// Its status as JSON, if it is ours to write. Empty: it has none.
    fn status(&self) -> Option<Box<[u8]>>;

    /// The addresses of its load balancer, if it is a Service.
    fn addresses(&self) -> Addresses {
        Addresses::default()
    }

    /// What the writer of statuses has to know of it, if its status is ours to write.
    fn seen(&self) -> Option<Seen> {
        let status = Some(self.status()?);
        Some(Seen { status, ..unread(self.meta()) })
    }
}

/// What the API server is asked for of a kind.
pub(crate) struct Described {
    /// Its names.
    pub(crate) resource: ApiResource,
    /// Whether its status is ours to write.
    pub(crate) has_status: bool,
}

/// What the API server is asked for of a kind.
pub(crate) fn described(kind: Kind) -> Described {
    fn of<K: Watched>() -> Described {
        Described { resource: ApiResource::erase::<K>(&()), has_status: K::HAS_STATUS }
    }
    match kind {
        Kind::HttpProxy => of::<HTTPProxy>(),
        Kind::Ingress => of::<Ingress>(),
        Kind::Service => of::<Service>(),
        Kind::EndpointSlice => of::<EndpointSlice>(),
        Kind::Secret => of::<Secret>(),
    }
}

impl Watched for HTTPProxy {
    const KIND: Kind = Kind::HttpProxy;
    const HAS_STATUS: bool = true;

    fn object(mut self) -> Object {
        self.status = None; // is no input of the builder
        Object::HttpProxy(Box::new(self))
    }

    fn status(&self) -> Option<Box<[u8]>> {
        Some(json(self.status.as_ref()))
    }
}

impl Watched for Ingress {
    const KIND: Kind = Kind::Ingress;
    const HAS_STATUS: bool = true;

    fn object(mut self) -> Object {
        self.status = None;
        Object::Ingress(Box::new(self))
    }

    fn status(&self) -> Option<Box<[u8]>> {
        Some(json(self.status.as_ref()))
    }
}

impl Watched for Service {
    const KIND: Kind = Kind::Service;
    const HAS_STATUS: bool = false;

    fn object(self) -> Object {
        Object::Service(Box::new(self))
    }

    fn status(&self) -> Option<Box<[u8]>> {
        None
    }

    fn addresses(&self) -> Addresses {
        let balancer = self.status.as_ref().and_then(|status| status.load_balancer.as_ref());
        balancer.map(Addresses::of_service).unwrap_or_default()
    }
}

impl Watched for EndpointSlice {
    const KIND: Kind = Kind::EndpointSlice;
    const HAS_STATUS: bool = false;

    fn object(self) -> Object {
        Object::EndpointSlice(Box::new(self))
    }

    fn status(&self) -> Option<Box<[u8]>> {
        None
    }
}

impl Watched for Secret {
    const KIND: Kind = Kind::Secret;
    const HAS_STATUS: bool = false;

    /// By number, most Secrets of a cluster are releases of Helm, of up to a megabyte each.
    const FIELDS: Option<&'static str> =
        Some("type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token");

    fn object(self) -> Object {
        Object::Secret(Box::new(SecretObject::new(self)))
    }

    /// Without what the decoder says, which may quote what it met (I-18).
    fn unreadable(_: &str) -> String {
        "it has not the form of a Secret".to_owned()
    }

    fn status(&self) -> Option<Box<[u8]>> {
        None
    }
}

/// What is seen of an object whose status is not.
pub(super) fn unread(meta: &ObjectMeta) -> Seen {
    Seen {
        resource_version: meta.resource_version.as_deref().unwrap_or_default().into(),
        revision: Revision::of(meta),
        status: None,
    }
}

fn json(status: Option<&impl Serialize>) -> Box<[u8]> {
    let text = status.map(|status| serde_json::to_vec(status).expect("a status is JSON"));
    text.unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use kube::core::DeserializeGuard;
    use serde_json::json;

    use super::*;

    /// I-18: the decoder may quote what it met.
    #[test]
    fn a_secret_that_cannot_be_decoded_is_told_without_what_it_holds() {
        let odd = json!({"metadata": {"name": "a"}, "data": "hunter2"});
        let guard: DeserializeGuard<Secret> = serde_json::from_value(odd).expect("its name");
        let error = guard.0.expect_err("no Secret has text for data").error;
        assert!(error.contains("hunter2"), "{error}");
        assert_eq!(Secret::unreadable(&error), "it has not the form of a Secret");
        assert_eq!(Service::unreadable(&error), error);
    }

    #[test]
    fn of_a_secret_only_what_is_read_goes_on() {
        let secret = json!({
            "metadata": {"name": "a", "managedFields": [{}], "annotations": {"b": "hunter2"}},
            "data": {"ca.crt": "aGk=", "password": "aHVudGVyMg=="},
        });
        let secret: Secret = serde_json::from_value(secret).expect("a Secret");
        let object = format!("{:?}", secret.object());
        let expect = "Secret(SecretObject { namespace: None, name: Some(\"a\"), kind: Opaque, \
                      lengths: {\"ca.crt\": 2} })";
        assert_eq!(object, expect);
    }
}
