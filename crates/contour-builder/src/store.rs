//! Checked objects and the indexes over them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use contour_api::meta::ObjectMeta;
use contour_dag::{Domain, Frontend, HostName};

use crate::config::Config;
use crate::object::{Kind, Object, ObjectName, ObjectRef, Revision};
use crate::parse::endpoint_slice::{EndpointSlice, endpoint_slice};
use crate::parse::http_proxy::{Proxy, http_proxy};
use crate::parse::ingress::{Ingress, ingress};
use crate::parse::secret::{Secret, secret};
use crate::parse::service::{Service, service};
use crate::reader::Read;
use crate::similar::{is_alike, variants};
use crate::status::Problem;
use crate::unit::Unit;

/// A checked object and what else is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// Its checked form.
    pub checked: Arc<T>,
    /// What was checked last.
    pub revision: Revision,
    /// When it was created, in seconds since 1970. An object that does not say counts as the youngest.
    created: i64,
}

impl<T> Stored<T> {
    fn new(meta: &ObjectMeta, checked: T) -> Stored<T> {
        Stored {
            checked: Arc::new(checked),
            revision: Revision::of(meta),
            created: meta.creation_timestamp.as_ref().map_or(i64::MAX, |time| time.0.as_second()),
        }
    }
}

/// Something that is kept, as far as it is of interest to who only wants to know how much it is.
pub type Kept = Arc<dyn Debug + Send + Sync>;

type Objects<T> = BTreeMap<ObjectName, Stored<T>>;

/// An object's claim to a host. Sorted by kind, then the oldest first, then by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    kind: Kind,
    created: i64,
    name: ObjectName,
}

/// Checked objects and the indexes over them.
///
/// Objects of other classes are kept too, so that a change of the configured classes needs no new list; the indexes hold
/// ours alone.
#[derive(Debug, Default)]
pub struct Store {
    config: Arc<Config>,
    proxies: Objects<Proxy>,
    ingresses: Objects<Ingress>,
    services: Objects<Service>,
    slices: Objects<EndpointSlice>,
    secrets: Objects<Secret>,
    claims: BTreeMap<Domain, Few<Claim>>,
    slices_by_service: BTreeMap<ObjectName, Few<ObjectName>>,
    unreadable: BTreeMap<ObjectRef, (Revision, Problem)>,
}

/// What applying a change did to the store.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Questions that may now be answered differently.
    pub reads: Vec<Read>,
    /// Units whose demand by objects may have changed.
    pub claimed: Vec<Unit>,
}

impl Store {
    /// Takes an object in. One that equals what is there, but for its revision, touches nothing.
    pub fn apply(&mut self, object: &Object) -> Touched {
        let reference = object.reference();
        let name = &reference.name;
        let touched = match object {
            Object::HttpProxy(object) => {
                let checked = http_proxy(object, &name.namespace);
                self.put_proxy(name, Some(Stored::new(&object.metadata, checked)))
            }
            Object::Ingress(object) => {
                self.put_ingress(name, Some(Stored::new(&object.metadata, ingress(object))))
            }
            Object::Service(object) => {
                self.put_service(name, Some(Stored::new(&object.metadata, service(object))))
            }
            Object::EndpointSlice(object) => {
                self.put_slice(name, Some(Stored::new(&object.metadata, endpoint_slice(object))))
            }
            Object::Secret(object) => {
                self.put_secret(name, Some(Stored::new(&object.metadata, secret(object))))
            }
        };
        self.unreadable.remove(&reference);
        touched
    }

    /// Notes that an object could not be decoded. Its last good form stays.
    pub fn mark_unreadable(&mut self, reference: ObjectRef, revision: Revision, problem: Problem) {
        self.unreadable.insert(reference, (revision, problem));
    }

    /// Forgets an object.
    pub fn delete(&mut self, reference: &ObjectRef) -> Touched {
        self.unreadable.remove(reference);
        match reference.kind {
            Kind::HttpProxy => self.put_proxy(&reference.name, None),
            Kind::Ingress => self.put_ingress(&reference.name, None),
            Kind::Service => self.put_service(&reference.name, None),
            Kind::EndpointSlice => self.put_slice(&reference.name, None),
            Kind::Secret => self.put_secret(&reference.name, None),
        }
    }

    /// Takes another configuration. Every question may then be answered differently.
    pub fn configure(&mut self, config: Arc<Config>) {
        self.config = config;
        let mut claims: BTreeMap<Domain, Few<Claim>> = BTreeMap::new();
        let of_proxies = self.proxies.iter().flat_map(|(name, each)| self.root_claims(name, each));
        let of_ingresses =
            self.ingresses.iter().flat_map(|(name, each)| self.ingress_claims(name, each));
        for (domain, claim) in of_proxies.chain(of_ingresses) {
            claims.entry(domain).or_default().insert(claim);
        }
        self.claims = claims;
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// An HTTPProxy of ours.
    pub fn proxy(&self, name: &ObjectName) -> Option<&Stored<Proxy>> {
        self.proxies.get(name).filter(|proxy| proxy.checked.class.is_ours(&self.config))
    }

    /// An Ingress of ours.
    pub fn ingress(&self, name: &ObjectName) -> Option<&Stored<Ingress>> {
        self.ingresses.get(name).filter(|ingress| ingress.checked.class.is_ours(&self.config))
    }

    /// A Service.
    pub fn service(&self, name: &ObjectName) -> Option<&Stored<Service>> {
        self.services.get(name)
    }

    /// A Secret.
    pub fn secret(&self, name: &ObjectName) -> Option<&Stored<Secret>> {
        self.secrets.get(name)
    }

    /// An object of the kind and the namespace whose name is one typing mistake away, the first by name.
    pub fn similar(&self, reference: &ObjectRef) -> Option<&ObjectName> {
        fn first<'a, T: 'a>(
            objects: &'a Objects<T>,
            name: &ObjectName,
            ours: impl Fn(&Stored<T>) -> bool,
        ) -> Option<&'a ObjectName> {
            let begin = ObjectName { namespace: name.namespace.clone(), name: "".into() };
            let here =
                objects.range(begin..).take_while(|(each, _)| each.namespace == name.namespace);
            let mut alike = here.filter(|(each, _)| is_alike(&each.name, &name.name));
            alike.find(|(_, stored)| ours(stored)).map(|(name, _)| name)
        }
        let name = &reference.name;
        match reference.kind {
            Kind::HttpProxy => {
                first(&self.proxies, name, |stored| stored.checked.class.is_ours(&self.config))
            }
            Kind::Service => first(&self.services, name, |_| true),
            Kind::Ingress | Kind::EndpointSlice | Kind::Secret => None,
        }
    }

    /// The objects of one kind that claim a domain, the oldest first.
    pub fn claimants(&self, domain: &Domain, kind: Kind) -> impl Iterator<Item = &ObjectName> {
        let claims = self.claims.get(domain).into_iter().flat_map(Few::iter);
        claims.filter(move |claim| claim.kind == kind).map(|claim| &claim.name)
    }

    /// The slices of a service, by name.
    pub fn endpoint_slices(
        &self,
        service: &ObjectName,
    ) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        let names = self.slices_by_service.get(service).into_iter().flat_map(Few::iter);
        names.filter_map(|name| self.slices.get(name)).map(|slice| &slice.checked)
    }

    /// Whether an object demands this unit.
    pub fn claims(&self, unit: &Unit) -> bool {
        match unit {
            Unit::Host(host) => self.claims.contains_key(&host.domain),
            Unit::LoadAssignment(_) => false,
        }
    }

    /// Every unit that an object demands.
    pub fn claimed(&self) -> impl Iterator<Item = Unit> {
        self.claims.keys().cloned().map(host_unit)
    }

    /// Why an object could not be decoded, if it could not.
    pub fn unreadable(&self, reference: &ObjectRef) -> Option<&(Revision, Problem)> {
        self.unreadable.get(reference)
    }

    /// How many objects could not be decoded.
    pub fn unreadable_count(&self) -> usize {
        self.unreadable.len()
    }

    /// Whether an object is there, in whatever form and of whatever class.
    pub fn contains(&self, reference: &ObjectRef) -> bool {
        let name = &reference.name;
        let stored = match reference.kind {
            Kind::HttpProxy => self.proxies.contains_key(name),
            Kind::Ingress => self.ingresses.contains_key(name),
            Kind::Service => self.services.contains_key(name),
            Kind::EndpointSlice => self.slices.contains_key(name),
            Kind::Secret => self.secrets.contains_key(name),
        };
        stored || self.unreadable.contains_key(reference)
    }

    /// How many objects there are, by kind.
    pub fn counts(&self) -> [(Kind, usize); Kind::ALL.len()] {
        Kind::ALL.map(|kind| {
            let count = match kind {
                Kind::HttpProxy => self.proxies.len(),
                Kind::Ingress => self.ingresses.len(),
                Kind::Service => self.services.len(),
                Kind::EndpointSlice => self.slices.len(),
                Kind::Secret => self.secrets.len(),
            };
            (kind, count)
        })
    }

    /// The checked form of every object.
    pub fn checked(&self) -> impl Iterator<Item = (Kind, Kept)> {
        fn kept<T: Debug + Send + Sync + 'static>(
            kind: Kind,
            objects: &Objects<T>,
        ) -> impl Iterator<Item = (Kind, Kept)> {
            objects.values().map(move |stored| (kind, Arc::clone(&stored.checked) as Kept))
        }
        kept(Kind::HttpProxy, &self.proxies)
            .chain(kept(Kind::Ingress, &self.ingresses))
            .chain(kept(Kind::Service, &self.services))
            .chain(kept(Kind::EndpointSlice, &self.slices))
            .chain(kept(Kind::Secret, &self.secrets))
    }

    /// Every object that can have conditions.
    pub fn objects(&self) -> impl Iterator<Item = ObjectRef> {
        let of = |kind| move |name: &ObjectName| ObjectRef { kind, name: name.clone() };
        let proxies = self.proxies.keys().map(of(Kind::HttpProxy));
        let ingresses = self.ingresses.keys().map(of(Kind::Ingress));
        proxies.chain(ingresses).chain(self.unreadable.keys().cloned())
    }

    fn put_proxy(&mut self, name: &ObjectName, new: Option<Stored<Proxy>>) -> Touched {
        let Replaced::Before(old) = replace(&mut self.proxies, name, new) else {
            return Touched::default();
        };
        let claims = |store: &Store, each: Option<&Stored<Proxy>>| {
            each.into_iter().flat_map(|each| store.root_claims(name, each)).collect()
        };
        let ours = |store: &Store, each: Option<&Stored<Proxy>>| {
            each.is_some_and(|each| each.checked.class.is_ours(&store.config))
        };
        let named = ours(self, old.as_ref()) != ours(self, self.proxies.get(name));
        let (old, new) = (claims(self, old.as_ref()), claims(self, self.proxies.get(name)));
        let mut touched = self.reclaim(old, new, Read::Roots);
        if named {
            touched.reads.extend(likes(Kind::HttpProxy, name));
        }
        touched.reads.push(Read::Proxy(name.clone()));
        touched
    }

    fn put_ingress(&mut self, name: &ObjectName, new: Option<Stored<Ingress>>) -> Touched {
        let Replaced::Before(old) = replace(&mut self.ingresses, name, new) else {
            return Touched::default();
        };
        let claims = |store: &Store, each: Option<&Stored<Ingress>>| {
            each.into_iter().flat_map(|each| store.ingress_claims(name, each)).collect()
        };
        let (old, new) = (claims(self, old.as_ref()), claims(self, self.ingresses.get(name)));
        let mut touched = self.reclaim(old, new, Read::IngressRules);
        touched.reads.push(Read::Ingress(name.clone()));
        touched
    }

    fn put_service(&mut self, name: &ObjectName, new: Option<Stored<Service>>) -> Touched {
        match replace(&mut self.services, name, new) {
            Replaced::Alike => Touched::default(),
            Replaced::Before(old) => {
                let mut reads = vec![Read::Service(name.clone())];
                if old.is_some() != self.services.contains_key(name) {
                    reads.extend(likes(Kind::Service, name));
                }
                Touched { reads, claimed: Vec::new() }
            }
        }
    }

    fn put_secret(&mut self, name: &ObjectName, new: Option<Stored<Secret>>) -> Touched {
        match replace(&mut self.secrets, name, new) {
            Replaced::Alike => Touched::default(),
            Replaced::Before(_) => {
                Touched { reads: vec![Read::Secret(name.clone())], claimed: Vec::new() }
            }
        }
    }

    fn put_slice(&mut self, name: &ObjectName, new: Option<Stored<EndpointSlice>>) -> Touched {
        let Replaced::Before(old) = replace(&mut self.slices, name, new) else {
            return Touched::default();
        };
        let old = old.and_then(|slice| slice.checked.service.clone());
        let new = self.slices.get(name).and_then(|slice| slice.checked.service.clone());
        if let Some(service) = &old
            && let Some(names) = self.slices_by_service.get_mut(service)
        {
            names.remove(name);
            if names.is_empty() {
                self.slices_by_service.remove(service);
            }
        }
        if let Some(service) = &new {
            self.slices_by_service.entry(service.clone()).or_default().insert(name.clone());
        }
        let services: BTreeSet<ObjectName> = old.into_iter().chain(new).collect();
        Touched {
            reads: services.into_iter().map(Read::EndpointSlices).collect(),
            claimed: Vec::new(),
        }
    }

    /// Whether a root of this namespace may claim a host.
    pub fn allows_roots_in(&self, namespace: &str) -> bool {
        self.config.allows_roots_in(namespace)
    }

    /// What a stored HTTPProxy claims: a root of ours its host, where roots are allowed.
    fn root_claims(
        &self,
        name: &ObjectName,
        proxy: &Stored<Proxy>,
    ) -> impl Iterator<Item = (Domain, Claim)> + use<> {
        let may =
            proxy.checked.class.is_ours(&self.config) && self.allows_roots_in(&name.namespace);
        let root = proxy.checked.root.as_ref().filter(|_| may);
        let domain = root.and_then(|root| root.domain.clone().ok());
        let claim = Claim { kind: Kind::HttpProxy, created: proxy.created, name: name.clone() };
        domain.map(|domain| (domain, claim)).into_iter()
    }

    /// What a stored Ingress claims: one of ours the host of each of its rules.
    fn ingress_claims(
        &self,
        name: &ObjectName,
        ingress: &Stored<Ingress>,
    ) -> impl Iterator<Item = (Domain, Claim)> + use<> {
        let ours = ingress.checked.class.is_ours(&self.config);
        let claim = Claim { kind: Kind::Ingress, created: ingress.created, name: name.clone() };
        let rules = ingress.checked.rules.iter().filter(|_| ours);
        let domains: BTreeSet<Domain> = rules.map(|rule| rule.domain.clone()).collect();
        domains.into_iter().map(move |domain| (domain, claim.clone()))
    }

    fn reclaim(
        &mut self,
        old: BTreeSet<(Domain, Claim)>,
        new: BTreeSet<(Domain, Claim)>,
        question: fn(Domain) -> Read,
    ) -> Touched {
        let mut touched = Touched::default();
        for (domain, claim) in old.symmetric_difference(&new) {
            let claims = self.claims.entry(domain.clone()).or_default();
            if !claims.remove(claim) {
                claims.insert(claim.clone());
            }
            if claims.is_empty() {
                self.claims.remove(domain);
            }
            touched.reads.push(question(domain.clone()));
            touched.claimed.push(host_unit(domain.clone()));
        }
        touched
    }
}

/// What a name that appears or goes answers to who asks for names like it.
fn likes(kind: Kind, name: &ObjectName) -> impl Iterator<Item = Read> {
    let namespace = name.namespace.clone();
    variants(&name.name).into_iter().map(move |variant| {
        let name = ObjectName { namespace: namespace.clone(), name: variant.into() };
        Read::Like(ObjectRef { kind, name })
    })
}

fn host_unit(domain: Domain) -> Unit {
    Unit::Host(HostName { frontend: Frontend::Configured, domain })
}

/// A sorted set that mostly has one element; a `BTreeSet` would take room for eleven, and there is one for each host and
/// each service.
#[derive(Clone, Debug)]
struct Few<T>(Vec<T>);

impl<T> Default for Few<T> {
    fn default() -> Few<T> {
        Few(Vec::new())
    }
}

impl<T: Ord> Few<T> {
    fn insert(&mut self, element: T) {
        if let Err(at) = self.0.binary_search(&element) {
            self.0.reserve_exact(usize::from(self.0.is_empty()));
            self.0.insert(at, element);
        }
    }

    /// Answers whether it was there.
    fn remove(&mut self, element: &T) -> bool {
        let place = self.0.binary_search(element);
        place.map(|at| self.0.remove(at)).is_ok()
    }
}

impl<T> Few<T> {
    fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What became of an object that was put in.
enum Replaced<T> {
    /// Nothing but its revision changed.
    Alike,
    /// It was this before, if it was there.
    Before(Option<Stored<T>>),
}

/// Replaces an object, or takes it out.
fn replace<T: PartialEq>(
    objects: &mut Objects<T>,
    name: &ObjectName,
    new: Option<Stored<T>>,
) -> Replaced<T> {
    let Some(new) = new else {
        return objects.remove(name).map_or(Replaced::Alike, |old| Replaced::Before(Some(old)));
    };
    if let Some(old) = objects.get_mut(name)
        && old.checked == new.checked
        && old.created == new.created
    {
        old.revision = new.revision;
        return Replaced::Alike;
    }
    Replaced::Before(objects.insert(name.clone(), new))
}
