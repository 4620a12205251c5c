//! Requests and responses in the form that both protocol variants share, and what a stream tells its surroundings.

use std::collections::BTreeMap;
use std::fmt;

use crate::refusals::{Mark, Refusals};
use crate::resource::{Name, Resource, TypeUrl, Version};
use crate::snapshot::Snapshot;
use crate::time::Moment;
use crate::wire;

/// One of the two ways to speak xDS: [`crate::delta::Delta`] or [`crate::sotw::Sotw`].
pub trait Variant {
    /// What the client sends.
    type Request: prost::Message + Default + fmt::Debug;
    /// What we send.
    type Response: prost::Message + Default + fmt::Debug;
    /// How resources are packed.
    const STYLE: Style;
    /// The number of the request's field `node`: for [`crate::sift::Sift`].
    const NODE: u32;

    /// The request's type URL, as it came.
    fn type_url(request: &Self::Request) -> &str;
    /// Who asks, if the request says so.
    fn node(request: &Self::Request) -> Option<&wire::Node>;
    /// The request, for the part that both variants share.
    fn ask(request: Self::Request) -> Ask;
    /// The response that says what `batch` says.
    fn tell(batch: Batch) -> Self::Response;
}

/// What distinguishes the variants beyond their messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Each resource has its version; what is gone is named.
    Delta,
    /// Listeners and clusters are always sent completely, so that what is left out is gone; of the other types what
    /// changed is sent, and that something is gone cannot be said.
    Sotw,
}

/// Which response a request answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonce {
    /// None: a new wish, not an answer.
    Absent,
    /// One that may be ours.
    Number(u64),
    /// None of ours: a leftover of another stream.
    Foreign,
}

impl Nonce {
    /// Reads `response_nonce`.
    pub fn parse(text: &str) -> Nonce {
        match text.parse() {
            Ok(number) => Nonce::Number(number),
            Err(_) if text.is_empty() => Nonce::Absent,
            Err(_) => Nonce::Foreign,
        }
    }

    /// Whether a request was sent before its client read the response with the nonce `newest`.
    pub fn is_stale(self, newest: u64) -> bool {
        match self {
            Nonce::Absent => false,
            Nonce::Number(number) => number != newest,
            Nonce::Foreign => true,
        }
    }
}

/// A request without its type and node.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Which response it answers.
    pub nonce: Nonce,
    /// Present if it refuses that response.
    pub error: Option<wire::Status>,
    /// What the client wants.
    pub wish: Wish,
}

/// What a client wants of one type.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Incremental.
    Change {
        /// From now on also these.
        subscribe: Vec<String>,
        /// From now on no longer these.
        unsubscribe: Vec<String>,
        /// What it holds, name to version; first request only.
        holds: BTreeMap<String, String>,
    },
    /// State of the world.
    Whole {
        /// These and no others.
        names: Vec<String>,
        /// What it accepted last.
        version: String,
    },
}

/// A response of one type.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The type.
    pub type_url: TypeUrl,
    /// Counts the responses of a stream, from 1.
    pub nonce: u64,
    /// What the client holds once it has accepted this and everything before.
    pub version: Version,
    /// New and changed resources (state of the world, listeners and clusters: all).
    pub set: Vec<Item>,
    /// Names that are gone (incremental only).
    pub removed: Vec<Name>,
}

/// One resource of a response.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name.
    pub name: Name,
    /// Its content.
    pub resource: Resource,
    /// What this response means for it.
    pub novelty: Novelty,
}

/// What a response means for one of its resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// The client does not have the name.
    Added,
    /// The client has another form, or may have.
    Changed,
    /// The client has exactly this; it is there because the protocol demands all.
    Same,
}

/// What a stream sees when it is called.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The newest snapshot of the stream's dialect.
    pub snapshot: &'a Snapshot,
    /// What the Envoys of this dialect have refused.
    pub refusals: &'a Refusals,
    /// Now.
    pub now: Moment,
}

/// What to do after a call of a stream.
#[derive(Clone, Debug)]
pub struct Reply<R> {
    /// To send, in this order.
    pub responses: Vec<R>,
    /// What the request said about an earlier response: for logs and metrics.
    pub verdict: Option<Verdict>,
    /// For [`Refusals::note`].
    pub marks: Vec<Mark>,
    /// For [`crate::subscribers::Subscribers::note`].
    pub interests: Vec<InterestChange>,
}

/// The client's answer to one response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The type.
    pub type_url: TypeUrl,
    /// The response's nonce.
    pub nonce: u64,
    /// The response's version.
    pub version: Version,
    /// What was new in the response; no version: a removal.
    pub contents: Vec<(Name, Option<Version>)>,
    /// Accepted or not.
    pub outcome: Outcome,
}

/// Whether a response was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// ACK.
    Accepted,
    /// NACK.
    Refused {
        /// Envoy's words, redacted: fit for logs and statuses.
        message: String,
        /// Names whose present version is now known to be refused, not merely suspected.
        guilty: Vec<Name>,
    },
}

/// What a stream wants to be woken for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interest {
    /// Any change of this type.
    All(TypeUrl),
    /// A change of this resource.
    One(TypeUrl, Name),
}

/// An interest that began or ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterestChange {
    /// It began.
    Began(Interest),
    /// It ended.
    Ended(Interest),
}

/// A request that ends its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadRequest {
    /// On an aggregated stream each request must name its type. gRPC: `INVALID_ARGUMENT`.
    NoType,
    /// A type that Contour does not serve. gRPC: `INVALID_ARGUMENT`.
    UnknownType(String),
}

impl fmt::Display for BadRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadRequest::NoType => {
                out.write_str("a request on an aggregated stream needs a type_url")
            }
            BadRequest::UnknownType(url) => write!(out, "type_url {url:?} is not served here"),
        }
    }
}

impl std::error::Error for BadRequest {}
