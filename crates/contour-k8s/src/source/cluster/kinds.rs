//! What the source has to know about each kind.

use std::fmt::Debug;

use contour_api::core::Service;
use contour_api::discovery::EndpointSlice;
use contour_api::meta::ObjectMeta;
use contour_api::networking::Ingress;
use contour_api::v1::HTTPProxy;
use contour_builder::{Addresses, Kind, Object, Revision};
use kube::Resource;
use kube::core::NamespaceResourceScope;
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

    /// The object, for the builder.
    fn object(self) -> Object;

    /// Whether its status is ours to write.
    const HAS_STATUS: bool;

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
