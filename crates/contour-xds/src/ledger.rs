//! What one Envoy has of one type, as far as it differs from what is published.

use crate::refusals::Refused;
use crate::resource::{Name, Resource, Version};
use crate::time::Moment;

/// What an Envoy is believed to have under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing, and it knows.
    Nothing,
    /// Nothing, and it waits to be told something.
    Awaited,
    /// This version: accepted, or sent and not yet answered.
    Version(Version),
    /// Nobody knows: it refused a response that contained the name, or its report cannot be trusted.
    Doubtful,
}

impl Held {
    pub(crate) fn version(self) -> Option<Version> {
        match self {
            Held::Version(version) => Some(version),
            Held::Nothing | Held::Awaited | Held::Doubtful => None,
        }
    }
}

/// Why a resource is to be sent, which decides when and in what company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Manner {
    /// It changed: when its turn comes, together with others.
    Push,
    /// The Envoy asked, or waits without asking: at once, together with others.
    Answer,
    /// It was in a refused response: at once, in a response of its own, so that the answer's nonce names the guilty.
    Alone,
}

/// A name under which the Envoy does not have what is published.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) held: Held,
    /// The form that it accepted last, if known: what it uses, and where a refused secret goes back to.
    pub(crate) accepted: Option<Resource>,
    /// Forms that were in refused responses together with others: it may be using one of them.
    pub(crate) perhaps: Vec<Resource>,
    /// The epoch from which on it has lacked what is published.
    pub(crate) since: u64,
    /// The version that it would report on a new stream: the last that it acknowledged.
    pub(crate) reports: Option<Version>,
    pub(crate) manner: Manner,
    /// A removal that waits until this moment (see [`crate::each::Each`]).
    pub(crate) not_before: Moment,
}

/// A response that was not answered yet.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) nonce: u64,
    pub(crate) sent_at: Moment,
    /// What the client reports once it has accepted it.
    pub(crate) version: Version,
    pub(crate) contents: Vec<Sent>,
}

/// One resource, or removal, of an unanswered response.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) name: Name,
    /// What was sent; `None` for a removal.
    pub(crate) form: Option<Resource>,
    /// The published version that it was sent in place of, since that was refused.
    pub(crate) instead_of: Option<Version>,
    /// What the Envoy had accepted before.
    pub(crate) accepted: Option<Resource>,
    /// What it may be using besides.
    pub(crate) perhaps: Vec<Resource>,
    /// What it would report until it accepts this.
    pub(crate) reports: Option<Version>,
    pub(crate) since: u64,
}

/// How many forms an Envoy is taken to be using perhaps: the newest, should refusal follow refusal.
pub(crate) const MOST_PERHAPS: usize = 4;

/// What is to be told about a name.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// This is its content.
    Set(Resource),
    /// It does not exist.
    Removed,
    /// Nothing for now: what is published was refused, or must not be told.
    Silence,
}

impl Target {
    /// What an Envoy has once it has been told.
    pub(crate) fn held(&self) -> Option<Held> {
        match self {
            Target::Set(resource) => Some(Held::Version(resource.version)),
            Target::Removed => Some(Held::Nothing),
            Target::Silence => None,
        }
    }

    pub(crate) fn resource(&self) -> Option<&Resource> {
        match self {
            Target::Set(resource) => Some(resource),
            Target::Removed | Target::Silence => None,
        }
    }
}

/// What the refusal of a response teaches about a resource that was alone in it.
///
/// If that was the last good form, there is none, and the published one is still refused.
pub(crate) fn refused_alone(sent: &Sent) -> Option<Refused> {
    let form = sent.form.as_ref()?;
    Some(match sent.instead_of {
        Some(version) => Refused { version, good: None },
        None => Refused { version: form.version, good: sent.accepted.clone() },
    })
}
