//! Named, versioned, encoded resources: what a snapshot holds and a stream sends.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// The resource types Contour serves, in the order in which additions are sent (design, section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeUrl {
    /// `envoy.service.runtime.v3.Runtime`
    Runtime,
    /// `envoy.config.cluster.v3.Cluster`
    Cluster,
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`
    LoadAssignment,
    /// `envoy.extensions.transport_sockets.tls.v3.Secret`
    Secret,
    /// `envoy.config.listener.v3.Listener`
    Listener,
    /// `envoy.config.route.v3.RouteConfiguration`
    RouteConfiguration,
}

impl TypeUrl {
    /// How many types there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Every type, in declaration order.
    pub const ALL: [TypeUrl; 6] = [
        TypeUrl::Runtime,
        TypeUrl::Cluster,
        TypeUrl::LoadAssignment,
        TypeUrl::Secret,
        TypeUrl::Listener,
        TypeUrl::RouteConfiguration,
    ];

    /// The URL as it stands in requests, responses and `google.protobuf.Any`.
    pub const fn as_str(self) -> &'static str {
        match self {
            TypeUrl::Runtime => "type.googleapis.com/envoy.service.runtime.v3.Runtime",
            TypeUrl::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            TypeUrl::LoadAssignment => {
                "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
            }
            TypeUrl::Secret => {
                "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
            }
            TypeUrl::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            TypeUrl::RouteConfiguration => {
                "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
            }
        }
    }

    /// The type with this URL, or `None` if Contour does not serve it.
    pub fn parse(url: &str) -> Option<TypeUrl> {
        Self::ALL.into_iter().find(|each| each.as_str() == url)
    }
}

impl fmt::Display for TypeUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A resource's name. Cloning is a counter.
pub type Name = Arc<str>;

/// What a resource's content hashes to. Equal content, equal version, on every replica (I-16).
///
/// On the wire it is 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// The version of `body`.
    pub fn of(body: &[u8]) -> Version {
        Version(xxhash_rust::xxh3::xxh3_64(body))
    }

    /// The version that was printed as `text`, or `None` if it is no version of ours.
    pub fn parse(text: &str) -> Option<Version> {
        let ours =
            text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if ours { u64::from_str_radix(text, 16).ok().map(Version) } else { None }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// A resource that another one points to by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The type of the resource pointed to.
    pub type_url: TypeUrl,
    /// Its name.
    pub name: Name,
}

/// Everything a resource points to, in shared parts: a spliced resource has one part for each of its pieces, so that
/// replacing a piece costs a counter for each of the others.
pub type References = Arc<[Arc<[Reference]>]>;

/// One encoded resource. Cloning is three counters.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource {
    /// Hash of the content.
    pub version: Version,
    /// The encoded message; shared by every stream that sends it.
    pub body: Bytes,
    /// Every resource this one refers to: a cluster its load assignment, a listener its route configurations and
    /// secrets, a route configuration its clusters. Order across types (7.3) and I-15 need it.
    pub refers: References,
}

impl Resource {
    /// A resource whose version is the hash of its body.
    pub fn new(body: Bytes, refers: impl IntoIterator<Item = Reference>) -> Resource {
        let refers: Arc<[Reference]> = refers.into_iter().collect();
        let refers: References = if refers.is_empty() { [].into() } else { [refers].into() };
        Resource { version: Version::of(&body), body, refers }
    }

    /// What this resource refers to.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.refers.iter().flat_map(|part| part.iter())
    }
}

/// Without the body, which may be a private key (I-18).
impl fmt::Debug for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Resource")
            .field("version", &self.version)
            .field("bytes", &self.body.len())
            .field("refers", &self.refers)
            .finish()
    }
}

/// Where a resource tells Envoy to look for the resources it refers to (design, section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// `ads: {}`: on the aggregated stream, as Contour's own bootstrap sets it up.
    Aggregated,
    /// A stream for each type or resource, as upstream's bootstrap sets it up.
    Separate,
}

impl Dialect {
    /// Both dialects.
    pub const ALL: [Dialect; 2] = [Dialect::Aggregated, Dialect::Separate];
}

/// Whom a change of a resource concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Routes, load assignments, secrets and runtime layers are the same bytes in both dialects.
    All,
    /// Listeners and clusters contain config sources.
    Only(Dialect),
}

/// A change of one resource: its new form, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which dialects it concerns.
    pub audience: Audience,
    /// Its type.
    pub type_url: TypeUrl,
    /// Its name.
    pub name: Name,
    /// Its new form; `None` removes it.
    pub resource: Option<Resource>,
}

/// What a batch of changes did to the resources. At most one edit for each audience, type and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// The changes, in no particular order.
    pub edits: Vec<Edit>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_url_parses_back() {
        for each in TypeUrl::ALL {
            assert_eq!(TypeUrl::parse(each.as_str()), Some(each));
        }
        assert_eq!(TypeUrl::parse("type.googleapis.com/envoy.config.route.v3.VirtualHost"), None);
    }

    #[test]
    fn a_version_parses_back_and_foreign_ones_do_not() {
        let version = Version::of(b"body");
        assert_eq!(Version::parse(&version.to_string()), Some(version));
        assert_eq!(Version::parse("0a1b"), None);
        assert_eq!(Version::parse("00000000-0000-00"), None);
        assert_eq!(Version::parse("+00000000000000f"), None);
    }
}
