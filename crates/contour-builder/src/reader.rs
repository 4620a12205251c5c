//! The only view that a build function has of the store.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use contour_dag::Domain;

use crate::config::Config;
use crate::object::{Kind, ObjectName, ObjectRef};
use crate::parse::endpoint_slice::EndpointSlice;
use crate::parse::http_proxy::Proxy;
use crate::parse::ingress::Ingress;
use crate::parse::service::Service;
use crate::similar::variants;
use crate::store::Store;

/// One question that a build function asked of the store, answered or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// What is this HTTPProxy?
    Proxy(ObjectName),
    /// What is this Ingress?
    Ingress(ObjectName),
    /// What is this Service?
    Service(ObjectName),
    /// What is this Secret?
    Secret(ObjectName),
    /// Which slices has this service, and what are they?
    EndpointSlices(ObjectName),
    /// Which roots claim this domain?
    Roots(Domain),
    /// Which Ingresses have rules for this domain?
    IngressRules(Domain),
    /// Which objects of the kind have this in common with a name that does not exist? See [`Reader::similar`].
    Like(ObjectRef),
}

impl fmt::Display for Read {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Read::Proxy(name) => write!(out, "{} {name}", Kind::HttpProxy),
            Read::Ingress(name) => write!(out, "{} {name}", Kind::Ingress),
            Read::Service(name) => write!(out, "{} {name}", Kind::Service),
            Read::Secret(name) => write!(out, "{} {name}", Kind::Secret),
            Read::EndpointSlices(service) => write!(out, "endpoint slices of {service}"),
            Read::Roots(domain) => write!(out, "roots of {domain}"),
            Read::IngressRules(domain) => write!(out, "Ingress rules of {domain}"),
            Read::Like(name) => write!(out, "what is called like {name}"),
        }
    }
}

/// The only view that a build function has of the store (I-7). Each method notes the question before it answers, also when
/// the answer is "no such thing", so that whatever would change an answer wakes the unit that asked.
#[derive(Debug)]
pub struct Reader<'a> {
    store: &'a Store,
    reads: RefCell<Vec<Read>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(store: &'a Store) -> Reader<'a> {
        Reader { store, reads: RefCell::default() }
    }

    /// What was asked, sorted, each question once.
    pub(crate) fn into_reads(self) -> Vec<Read> {
        let mut reads = self.reads.into_inner();
        reads.sort_unstable();
        reads.dedup();
        reads.shrink_to_fit(); // it is kept
        reads
    }

    /// The configuration. No question, since another one has every unit built again.
    pub fn config(&self) -> &'a Config {
        self.store.config()
    }

    /// An HTTPProxy of ours.
    pub fn proxy(&self, name: &ObjectName) -> Option<&'a Arc<Proxy>> {
        self.note(Read::Proxy(name.clone()));
        self.store.proxy(name).map(|stored| &stored.checked)
    }

    /// An Ingress of ours.
    pub fn ingress(&self, name: &ObjectName) -> Option<&'a Arc<Ingress>> {
        self.note(Read::Ingress(name.clone()));
        self.store.ingress(name).map(|stored| &stored.checked)
    }

    /// A Service.
    pub fn service(&self, name: &ObjectName) -> Option<&'a Arc<Service>> {
        self.note(Read::Service(name.clone()));
        self.store.service(name).map(|stored| &stored.checked)
    }

    /// The slices of a service, by name.
    pub fn endpoint_slices(
        &self,
        service: &ObjectName,
    ) -> impl Iterator<Item = &'a Arc<EndpointSlice>> {
        self.note(Read::EndpointSlices(service.clone()));
        self.store.endpoint_slices(service)
    }

    /// The roots that claim a domain, the oldest first.
    pub fn roots(&self, domain: &Domain) -> impl Iterator<Item = &'a ObjectName> {
        self.note(Read::Roots(domain.clone()));
        self.store.claimants(domain, Kind::HttpProxy)
    }

    /// The Ingresses that have rules for a domain, the oldest first.
    pub fn ingress_rules(&self, domain: &Domain) -> impl Iterator<Item = &'a ObjectName> {
        self.note(Read::IngressRules(domain.clone()));
        self.store.claimants(domain, Kind::Ingress)
    }

    /// An object of the same namespace whose name is one typing mistake away, the first by name: for who asked for one that does
    /// not exist. HTTPProxies and Services have such.
    pub fn similar(&self, reference: &ObjectRef) -> Option<&'a ObjectName> {
        for variant in variants(&reference.name.name) {
            let name = ObjectName { name: variant.into(), ..reference.name.clone() };
            self.note(Read::Like(ObjectRef { name, ..reference.clone() }));
        }
        self.store.similar(reference)
    }

    fn note(&self, read: Read) {
        self.reads.borrow_mut().push(read);
    }
}
