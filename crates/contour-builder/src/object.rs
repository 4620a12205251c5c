//! The closed set of objects that the builder reads, and how they change.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use contour_api::core::Service;
use contour_api::discovery::EndpointSlice;
use contour_api::meta::ObjectMeta;
use contour_api::networking::Ingress;
use contour_api::v1::HTTPProxy;

use crate::config::Config;
use crate::secret::SecretObject;
use crate::status::Problem;

/// A kind of object that the builder reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `projectcontour.io/v1` `HTTPProxy`
    HttpProxy,
    /// `networking.k8s.io/v1` `Ingress`
    Ingress,
    /// `v1` `Service`
    Service,
    /// `discovery.k8s.io/v1` `EndpointSlice`
    EndpointSlice,
    /// `v1` `Secret`
    Secret,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] =
        [Kind::HttpProxy, Kind::Ingress, Kind::Service, Kind::EndpointSlice, Kind::Secret];

    /// As `kind` in manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::HttpProxy => "HTTPProxy",
            Kind::Ingress => "Ingress",
            Kind::Service => "Service",
            Kind::EndpointSlice => "EndpointSlice",
            Kind::Secret => "Secret",
        }
    }

    /// As `apiVersion` in manifests: the one version of each kind that is read.
    pub const fn api_version(self) -> &'static str {
        match self {
            Kind::HttpProxy => "projectcontour.io/v1",
            Kind::Ingress => "networking.k8s.io/v1",
            Kind::Service | Kind::Secret => "v1",
            Kind::EndpointSlice => "discovery.k8s.io/v1",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Namespace and name. Prints as `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl ObjectName {
    /// `namespace/name`.
    pub fn new(namespace: &str, name: &str) -> ObjectName {
        ObjectName { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.namespace, self.name)
    }
}

/// One object of one kind. Prints as `Kind namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub name: ObjectName,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind, self.name)
    }
}

/// An object as it travelled. Closed on purpose: a new kind breaks the build in each place that must decide about it.
#[derive(Clone, Debug)]
pub enum Object {
    /// An HTTPProxy.
    HttpProxy(Box<HTTPProxy>),
    /// An Ingress.
    Ingress(Box<Ingress>),
    /// A Service.
    Service(Box<Service>),
    /// An EndpointSlice.
    EndpointSlice(Box<EndpointSlice>),
    /// A Secret, of which only what can matter is left.
    Secret(Box<SecretObject>),
}

impl Object {
    /// What it is and what it is called. An object without a namespace is in `default`.
    pub fn reference(&self) -> ObjectRef {
        let (kind, meta) = match self {
            Object::HttpProxy(object) => (Kind::HttpProxy, &object.metadata),
            Object::Ingress(object) => (Kind::Ingress, &object.metadata),
            Object::Service(object) => (Kind::Service, &object.metadata),
            Object::EndpointSlice(object) => (Kind::EndpointSlice, &object.metadata),
            Object::Secret(object) => (Kind::Secret, &object.metadata),
        };
        let namespace = meta.namespace.as_deref().unwrap_or("default");
        let name = meta.name.as_deref().unwrap_or_default();
        ObjectRef { kind, name: ObjectName::new(namespace, name) }
    }
}

/// Which state of which object is spoken of: one that is deleted and made again begins to count anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// What its author has written so often; 0 if the object has none.
    pub generation: i64,
    /// Stands for its `uid`; 0 if it has none.
    pub uid: u64,
}

impl Revision {
    /// That of an object with this metadata.
    pub fn of(meta: &ObjectMeta) -> Revision {
        let uid = meta.uid.as_ref().map_or(0, |uid| {
            let mut hasher = DefaultHasher::new();
            uid.hash(&mut hasher);
            hasher.finish()
        });
        Revision { generation: meta.generation.unwrap_or(0), uid }
    }
}

/// One change of the builder's input.
#[derive(Clone, Debug)]
pub enum Change {
    /// The object is now this.
    Apply(Object),
    /// The object is there but could not be decoded: it gets this problem, and its last good form stays.
    Unreadable(ObjectRef, Revision, Problem),
    /// The object is gone.
    Delete(ObjectRef),
    /// The configuration is now this.
    Config(Arc<Config>),
}
