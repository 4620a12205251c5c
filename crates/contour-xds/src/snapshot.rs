//! What is served at one moment: values that cost a counter to copy and what differs to compare.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use imbl::OrdMap;
use imbl::ordmap::DiffItem;

use crate::resource::{Name, Resource, TypeUrl, Version};

/// A resource that compares by version: equal versions mean equal content (I-16), and comparing two tables must not
/// read bodies of many megabytes.
#[derive(Clone, Debug)]
struct Entry(Resource);

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.0.version == other.0.version
    }
}

/// All resources of one type. Copying it is a counter.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: OrdMap<Name, Entry>,
    version: u64,
}

/// One name that differs between two tables.
#[derive(Clone, Copy, Debug)]
pub struct Difference<'a> {
    /// The name.
    pub name: &'a Name,
    /// Its form in the older table.
    pub old: Option<&'a Resource>,
    /// Its form in the newer one.
    pub new: Option<&'a Resource>,
}

impl Table {
    /// The resource of this name.
    pub fn get(&self, name: &str) -> Option<&Resource> {
        self.entries.get(name).map(|entry| &entry.0)
    }

    /// The table's own copy of a name, so that a subscription shares it.
    pub fn name(&self, name: &str) -> Option<&Name> {
        self.entries.get_key_value(name).map(|(name, _)| name)
    }

    /// Every name and resource, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Resource)> {
        self.entries.iter().map(|(name, entry)| (name, &entry.0))
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// An order-free sum over the entries: what wildcard subscriptions of the state-of-the-world variant report.
    pub fn version(&self) -> Version {
        Version(self.version)
    }

    /// Puts `resource` under `name`, or takes away what is there.
    ///
    /// Says whether that changed anything.
    pub fn put(&mut self, name: &Name, resource: Option<Resource>) -> bool {
        let version = resource.as_ref().map(|resource| resource.version);
        let old = match resource {
            Some(resource) => self.entries.insert(name.clone(), Entry(resource)),
            None => self.entries.remove(name),
        };
        let old = old.map(|entry| entry.0.version);
        self.version = self
            .version
            .wrapping_sub(old.map_or(0, |version| weight(name, version)))
            .wrapping_add(version.map_or(0, |version| weight(name, version)));
        old != version
    }

    /// Every name whose resource differs in `newer`, by name. Costs what differs: shared parts are skipped.
    pub fn diff<'a>(&'a self, newer: &'a Table) -> impl Iterator<Item = Difference<'a>> {
        self.entries.diff(&newer.entries).map(|item| match item {
            DiffItem::Add(name, new) => Difference { name, old: None, new: Some(&new.0) },
            DiffItem::Update { old: (_, old), new: (name, new) } => {
                Difference { name, old: Some(&old.0), new: Some(&new.0) }
            }
            DiffItem::Remove(name, old) => Difference { name, old: Some(&old.0), new: None },
        })
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Table) -> bool {
        self.diff(other).next().is_none()
    }
}

impl Eq for Table {}

/// What a name and its version add to the version of the set they are in.
pub(crate) fn weight(name: &str, version: Version) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(name.as_bytes(), version.0)
}

/// Everything that is served in one dialect at one moment. Copying it is a few counters.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Counts the publications of all dialects: a later snapshot of a dialect has a higher epoch.
    pub epoch: u64,
    tables: [Table; TypeUrl::COUNT],
}

impl Snapshot {
    /// The resources of one type.
    pub fn table(&self, type_url: TypeUrl) -> &Table {
        &self.tables[type_url as usize]
    }

    pub(crate) fn table_mut(&mut self, type_url: TypeUrl) -> &mut Table {
        &mut self.tables[type_url as usize]
    }

    /// Whether `name` of this type is served.
    pub fn contains(&self, type_url: TypeUrl, name: &str) -> bool {
        self.table(type_url).get(name).is_some()
    }
}

/// Versions only: bodies may be private keys (I-18).
impl fmt::Debug for Snapshot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: BTreeMap<(TypeUrl, &Name), String> = TypeUrl::ALL
            .into_iter()
            .flat_map(|each| self.table(each).iter().map(move |entry| (each, entry)))
            .map(|(each, (name, resource))| ((each, name), resource.version.to_string()))
            .collect();
        out.debug_struct("Snapshot").field("epoch", &self.epoch).field("tables", &versions).finish()
    }
}

/// What is answered for a load assignment that does not exist: one without endpoints.
///
/// "Removed" would have no effect on a cluster in use, and "no answer" would keep a starting Envoy closed until its
/// fetch times out (design, section 7.3).
pub fn empty_assignment(name: &str) -> Resource {
    let message = EmptyAssignment { cluster_name: name.to_owned() };
    Resource::new(Bytes::from(prost::Message::encode_to_vec(&message)), [])
}

/// `envoy.config.endpoint.v3.ClusterLoadAssignment` with nothing but its name.
#[derive(Clone, PartialEq, prost::Message)]
struct EmptyAssignment {
    #[prost(string, tag = "1")]
    cluster_name: String,
}
