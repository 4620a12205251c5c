//! Messages whose bulk is one repeated field, joined from pieces that were encoded before.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use contour_xds::resource::{Name, Reference, Resource, Version};
use prost::encoding::{WireType, encode_key, encode_varint};

/// An encoded message whose bulk is one repeated field of messages, kept piece by piece in the order of their names.
///
/// Protobuf writes an element of a repeated field as a chunk of its own, tag and length first, so that chunks can be
/// replaced without encoding the others (protobuf encoding, "Repeated Elements").
#[derive(Clone, Debug)]
pub(crate) struct Splice {
    field: u32, // number of the repeated field
    head: Vec<u8>,
    pieces: BTreeMap<Name, Piece>,
    tail: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Piece {
    chunk: Bytes,
    hash: Version,
    refers: Arc<[Reference]>,
}

impl Splice {
    /// A message without pieces: `head` is what it has in fields numbered below `field`, `tail` what it has above.
    pub(crate) fn new(field: u32, head: Vec<u8>, tail: Vec<u8>) -> Splice {
        Splice { field, head, pieces: BTreeMap::new(), tail }
    }

    /// Sets the piece `name` to the encoded message `body`, which refers to `refers`. Returns whether that changes the
    /// whole.
    pub(crate) fn set(&mut self, name: Name, body: &[u8], refers: Arc<[Reference]>) -> bool {
        let mut chunk = Vec::with_capacity(body.len() + 8);
        encode_key(self.field, WireType::LengthDelimited, &mut chunk);
        encode_varint(body.len() as u64, &mut chunk);
        chunk.extend_from_slice(body);
        let piece = Piece { hash: Version::of(&chunk), chunk: chunk.into(), refers };
        let hash = piece.hash;
        self.pieces.insert(name, piece).is_none_or(|before| before.hash != hash)
    }

    /// Removes the piece `name`. Returns whether there was one.
    pub(crate) fn remove(&mut self, name: &Name) -> bool {
        self.pieces.remove(name).is_some()
    }

    /// Whether there are no pieces.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many bytes the pieces have. Takes time proportional to their number.
    pub(crate) fn bytes(&self) -> usize {
        self.pieces.values().map(|piece| piece.chunk.len()).sum()
    }

    /// The whole message. Its version is a hash of the hashes of its parts, which are sixty times fewer bytes.
    ///
    /// Takes time proportional to the number of pieces, and copies each once.
    pub(crate) fn join(&self) -> Resource {
        let chunks = self.pieces.values().map(|piece| piece.chunk.len());
        let mut body =
            Vec::with_capacity(self.head.len() + chunks.sum::<usize>() + self.tail.len());
        let mut hashes = Vec::with_capacity((self.pieces.len() + 2) * size_of::<u64>());
        let mut refers = Vec::with_capacity(self.pieces.len());
        body.extend_from_slice(&self.head);
        hashes.extend_from_slice(&Version::of(&self.head).0.to_le_bytes());
        for piece in self.pieces.values() {
            body.extend_from_slice(&piece.chunk);
            hashes.extend_from_slice(&piece.hash.0.to_le_bytes());
            if !piece.refers.is_empty() {
                refers.push(Arc::clone(&piece.refers));
            }
        }
        body.extend_from_slice(&self.tail);
        hashes.extend_from_slice(&Version::of(&self.tail).0.to_le_bytes());
        Resource { version: Version::of(&hashes), body: body.into(), refers: refers.into() }
    }
}

#[cfg(test)]
mod tests {
    use contour_xds::resource::TypeUrl;
    use envoy_types::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost};
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    const VIRTUAL_HOSTS: u32 = 2;

    fn whole(virtual_hosts: Vec<VirtualHost>) -> RouteConfiguration {
        RouteConfiguration {
            name: "routes".to_owned(),
            virtual_hosts,
            ignore_port_in_host_matching: true,
            ..Default::default()
        }
    }

    fn empty() -> Splice {
        let head = RouteConfiguration { name: "routes".to_owned(), ..Default::default() };
        let tail = RouteConfiguration { ignore_port_in_host_matching: true, ..Default::default() };
        Splice::new(VIRTUAL_HOSTS, head.encode_to_vec(), tail.encode_to_vec())
    }

    fn virtual_host(name: &str, domain: &str) -> VirtualHost {
        VirtualHost {
            name: name.to_owned(),
            domains: vec![domain.to_owned()],
            ..Default::default()
        }
    }

    fn no_references() -> Arc<[Reference]> {
        [].into()
    }

    fn set(splice: &mut Splice, virtual_host: &VirtualHost) {
        let name = virtual_host.name.as_str().into();
        splice.set(name, &virtual_host.encode_to_vec(), no_references());
    }

    proptest! {
        #[test]
        fn splicing_equals_encoding(edits in prop::collection::vec(("[a-e]", prop::option::of(".{0,200}")), 0..40)) {
            let mut splice = empty();
            let mut virtual_hosts = BTreeMap::new();
            for (name, domain) in edits {
                if let Some(domain) = domain {
                    let virtual_host = virtual_host(&name, &domain);
                    set(&mut splice, &virtual_host);
                    virtual_hosts.insert(name, virtual_host);
                } else {
                    splice.remove(&name.as_str().into());
                    virtual_hosts.remove(&name);
                }
            }
            let expect = whole(virtual_hosts.into_values().collect()).encode_to_vec();
            prop_assert_eq!(splice.join().body, expect);
        }
    }

    #[test]
    fn equal_content_is_an_equal_version_whatever_the_way() {
        let (first, second) = (virtual_host("a", "a.com"), virtual_host("b", "b.com"));
        let (mut one, mut other) = (empty(), empty());
        set(&mut one, &first);
        set(&mut one, &second);
        set(&mut other, &second);
        set(&mut other, &virtual_host("a", "other.com"));
        assert_ne!(one.join().version, other.join().version);
        set(&mut other, &first);
        assert_eq!(one.join().version, other.join().version);
    }

    #[test]
    fn only_another_piece_is_a_change() {
        let mut splice = empty();
        let name = || Name::from("a");
        assert!(splice.set(name(), b"one", no_references()));
        assert!(!splice.set(name(), b"one", no_references()));
        assert!(splice.set(name(), b"two", no_references()));
        assert!(splice.remove(&name()));
        assert!(!splice.remove(&name()));
    }

    #[test]
    fn a_changed_tail_is_another_version() {
        let bare = Splice::new(VIRTUAL_HOSTS, empty().head, Vec::new());
        assert_ne!(bare.join().version, empty().join().version);
    }

    #[test]
    fn references_are_those_of_the_pieces() {
        let reference =
            |name: &str| Reference { type_url: TypeUrl::Cluster, name: Name::from(name) };
        let mut splice = empty();
        splice.set("b".into(), b"", [reference("y"), reference("z")].into());
        splice.set("a".into(), b"", [reference("x")].into());
        splice.set("c".into(), b"", no_references());
        let joined = splice.join();
        let names: Vec<_> = joined.references().map(|each| &*each.name).collect();
        assert_eq!(names, ["x", "y", "z"]);
    }
}
