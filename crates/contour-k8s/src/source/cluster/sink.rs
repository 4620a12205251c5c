//! Where watches tell what they see.

use std::sync::Arc;

use contour_api::meta::ObjectMeta;
use contour_builder::{Addresses, Change, Kind, ObjectName, ObjectRef};
use tokio::sync::{mpsc, watch};

use super::Event;
use super::health::WatchKey;
use super::kinds::{Watched, unread};
use crate::status::Observed;

/// Nobody listens any more.
#[derive(Debug)]
pub(super) struct Closed;

/// Where watches tell what they see.
#[derive(Clone, Debug)]
pub(super) struct Sink {
    pub(super) events: mpsc::Sender<Event>,
    pub(super) observed: Arc<Observed>,
    pub(super) envoy_service: Option<EnvoyService>,
}

/// The Service whose addresses are Envoy's, and where they go. Until something is known of it they are unknown.
#[derive(Clone, Debug)]
pub(super) struct EnvoyService {
    pub(super) name: ObjectName,
    pub(super) addresses: watch::Sender<Option<Addresses>>,
}

impl Sink {
    /// Hands changes over; waits while too many are.
    pub(super) async fn changes(&self, changes: Vec<Change>) -> Result<(), Closed> {
        self.events.send(Event::Changes(changes)).await.map_err(|_| Closed)
    }

    /// Notes what of an object the builder does not want to know.
    pub(super) fn notice<K: Watched>(&self, object: &ObjectRef, item: &K) {
        if let Some(seen) = item.seen() {
            self.observed.see(object.clone(), seen);
        }
        if let Some(service) = self.envoy_service(object) {
            service.set(item.addresses());
        }
    }

    /// Notes that an object is there which cannot be read.
    pub(super) fn notice_unread<K: Watched>(&self, object: &ObjectRef, meta: &ObjectMeta) {
        if K::HAS_STATUS {
            self.observed.see(object.clone(), unread(meta));
        }
    }

    /// An object is gone.
    pub(super) fn forget(&self, object: &ObjectRef) {
        self.observed.forget(object);
        if let Some(service) = self.envoy_service(object) {
            service.set(Addresses::default());
        }
    }

    /// Everything that a watch covers is told: what it did not have is not there.
    pub(super) fn listed(&self, (kind, namespace): &WatchKey) {
        let Some(service) = self.envoy_service.as_ref().filter(|_| *kind == Kind::Service) else {
            return;
        };
        let covers = namespace.as_ref().is_none_or(|each| **each == *service.name.namespace);
        if covers && service.addresses.borrow().is_none() {
            service.set(Addresses::default());
        }
    }

    fn envoy_service(&self, object: &ObjectRef) -> Option<&EnvoyService> {
        let service = self.envoy_service.as_ref()?;
        (object.kind == Kind::Service && object.name == service.name).then_some(service)
    }
}

impl EnvoyService {
    fn set(&self, addresses: Addresses) {
        self.addresses.send_if_modified(|before| {
            let addresses = Some(addresses);
            let changed = *before != addresses;
            *before = addresses;
            changed
        });
    }
}
