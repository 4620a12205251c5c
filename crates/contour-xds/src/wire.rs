//! The discovery envelopes of `envoy.service.discovery.v3`, as far as Contour reads and writes them.
//!
//! They are declared here and not taken from `envoy-types` for three reasons, all measured: bodies are shared
//! [`Bytes`] that are copied once, into the frame; each request of a stock Envoy repeats a `node` of some 61 kB, of
//! which three short fields are of interest (prost skips unknown fields without allocating); and a decoded request
//! must not keep the frame it came from alive, so everything read is copied out.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use prost::{Message, Oneof};

/// `envoy.service.discovery.v3.DiscoveryRequest`: state of the world.
#[derive(Clone, PartialEq, Message)]
pub struct DiscoveryRequest {
    /// The version that the client accepted last.
    #[prost(string, tag = "1")]
    pub version_info: String,
    /// Who asks; only the first request of a stream need carry it.
    #[prost(message, optional, tag = "2")]
    pub node: Option<Node>,
    /// Everything the client wants of this type; none at first, or `*`, for all.
    #[prost(string, repeated, tag = "3")]
    pub resource_names: Vec<String>,
    /// Of which type.
    #[prost(string, tag = "4")]
    pub type_url: String,
    /// The response that this request answers; empty for none.
    #[prost(string, tag = "5")]
    pub response_nonce: String,
    /// Present if the answer is a refusal.
    #[prost(message, optional, tag = "6")]
    pub error_detail: Option<Status>,
}

/// `envoy.service.discovery.v3.DiscoveryResponse`: state of the world.
#[derive(Clone, PartialEq, Message)]
pub struct DiscoveryResponse {
    /// What the client repeats as accepted.
    #[prost(string, tag = "1")]
    pub version_info: String,
    /// The resources.
    #[prost(message, repeated, tag = "2")]
    pub resources: Vec<Any>,
    /// Their type.
    #[prost(string, tag = "4")]
    pub type_url: String,
    /// What the answer refers to.
    #[prost(string, tag = "5")]
    pub nonce: String,
}

/// `envoy.service.discovery.v3.DeltaDiscoveryRequest`: incremental.
#[derive(Clone, PartialEq, Message)]
pub struct DeltaDiscoveryRequest {
    /// Who asks; only the first request of a stream need carry it.
    #[prost(message, optional, tag = "1")]
    pub node: Option<Node>,
    /// Of which type.
    #[prost(string, tag = "2")]
    pub type_url: String,
    /// Names to follow from now on; `*` for all.
    #[prost(string, repeated, tag = "3")]
    pub resource_names_subscribe: Vec<String>,
    /// Names to follow no longer.
    #[prost(string, repeated, tag = "4")]
    pub resource_names_unsubscribe: Vec<String>,
    /// In the first request for a type: what the client already holds, name to version.
    #[prost(btree_map = "string, string", tag = "5")]
    pub initial_resource_versions: BTreeMap<String, String>,
    /// The response that this request answers; empty for none.
    #[prost(string, tag = "6")]
    pub response_nonce: String,
    /// Present if the answer is a refusal.
    #[prost(message, optional, tag = "7")]
    pub error_detail: Option<Status>,
}

/// `envoy.service.discovery.v3.DeltaDiscoveryResponse`: incremental.
#[derive(Clone, PartialEq, Message)]
pub struct DeltaDiscoveryResponse {
    /// For people who debug; not part of the protocol.
    #[prost(string, tag = "1")]
    pub system_version_info: String,
    /// What is new or changed.
    #[prost(message, repeated, tag = "2")]
    pub resources: Vec<Resource>,
    /// Of which type.
    #[prost(string, tag = "4")]
    pub type_url: String,
    /// What the answer refers to.
    #[prost(string, tag = "5")]
    pub nonce: String,
    /// What no longer exists.
    #[prost(string, repeated, tag = "6")]
    pub removed_resources: Vec<String>,
}

/// `envoy.service.discovery.v3.Resource`: one resource of an incremental response.
#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    /// Its version.
    #[prost(string, tag = "1")]
    pub version: String,
    /// Its content.
    #[prost(message, optional, tag = "2")]
    pub resource: Option<Any>,
    /// Its name.
    #[prost(string, tag = "3")]
    pub name: String,
}

/// `google.protobuf.Any` with a shared body.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Any {
    /// The type of the message.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The encoded message.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// Without the body, which may be a private key (I-18).
impl fmt::Debug for Any {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Any")
            .field("type_url", &self.type_url)
            .field("bytes", &self.value.len())
            .finish()
    }
}

/// `google.rpc.Status` without its details.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Status {
    /// A gRPC code. Envoy always says 13, whatever is wrong.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// Envoy's words. They may quote private keys: see [`crate::redact`].
    #[prost(string, tag = "2")]
    pub message: String,
}

/// Without the words, which may quote a private key (I-18).
impl fmt::Debug for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Status")
            .field("code", &self.code)
            .field("bytes", &self.message.len())
            .finish()
    }
}

/// `envoy.config.core.v3.Node`, as far as logs and metrics want it.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// `--service-node`.
    #[prost(string, tag = "1")]
    pub id: String,
    /// `envoy`, or the name of another client.
    #[prost(string, tag = "6")]
    pub user_agent_name: String,
    /// Which version of it.
    #[prost(oneof = "UserAgentVersion", tags = "7, 8")]
    pub user_agent_version: Option<UserAgentVersion>,
}

/// `envoy.config.core.v3.Node.user_agent_version_type`.
#[derive(Clone, PartialEq, Oneof)]
pub enum UserAgentVersion {
    /// As text.
    #[prost(string, tag = "7")]
    Text(String),
    /// In numbers; what Envoy sends.
    #[prost(message, tag = "8")]
    Build(BuildVersion),
}

/// `envoy.config.core.v3.BuildVersion` without its metadata.
#[derive(Clone, PartialEq, Message)]
pub struct BuildVersion {
    /// The release.
    #[prost(message, optional, tag = "1")]
    pub version: Option<SemanticVersion>,
}

/// `envoy.type.v3.SemanticVersion`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct SemanticVersion {
    /// 1 in 1.40.2.
    #[prost(uint32, tag = "1")]
    pub major: u32,
    /// 40 in 1.40.2.
    #[prost(uint32, tag = "2")]
    pub minor: u32,
    /// 2 in 1.40.2.
    #[prost(uint32, tag = "3")]
    pub patch: u32,
}

impl Node {
    /// The client's version as people write it: `1.40.2`; empty if it did not say.
    pub fn version(&self) -> String {
        match &self.user_agent_version {
            Some(UserAgentVersion::Text(text)) => text.clone(),
            Some(UserAgentVersion::Build(BuildVersion { version: Some(version) })) => {
                format!("{}.{}.{}", version.major, version.minor, version.patch)
            }
            Some(UserAgentVersion::Build(_)) | None => String::new(),
        }
    }
}
