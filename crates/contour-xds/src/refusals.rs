//! What the Envoys of one dialect have refused: knowledge that must outlive the stream it was learned on.
//!
//! Two things that an Envoy does after a NACK make it necessary (`envoy-acceptance`, sections 3 and 5.1):
//!
//! - On a new stream it reports the versions that it *accepted* last, although it may be using some that it refused. So
//!   for every name of a refused response, or of one whose answer was lost with the stream, the report that is now
//!   wrong is remembered: the name is *tainted*. If a new stream reports exactly that, the name is sent whatever is
//!   published; any other report comes from an Envoy that was not there.
//! - It acknowledges a refused secret that it is sent again, without using it. So such content is never sent twice.

use imbl::OrdMap;

use crate::cache::Publication;
use crate::resource::{Name, Resource, TypeUrl, Version};

/// The refusals of one dialect. Copying it is a few counters.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    tainted: [OrdMap<Taint, u32>; TypeUrl::COUNT],
    refused: [OrdMap<Name, Refused>; TypeUrl::COUNT],
}

/// A report that cannot be trusted: this version of this name; `None` if it is not reported at all.
///
/// A state-of-the-world client reports one version for all that it follows: then the name is `*`.
pub type Taint = (Name, Option<Version>);

/// A version that some Envoy refused when it was sent alone.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The version.
    pub version: Version,
    /// The form that was accepted before, if that is known.
    pub good: Option<Resource>,
}

/// Something learned on a stream.
#[derive(Clone, Debug)]
pub enum Mark {
    /// An Envoy may be using something else than it would report.
    Tainted(TypeUrl, Taint),
    /// The Envoy that this was about has accepted something since, on the same stream, and reports that.
    ///
    /// If the stream ends before, the taint stays for good: nobody can tell which later stream is the same Envoy's. The
    /// price is small: whoever reports just this is sent something that it may have.
    Healed(TypeUrl, Taint),
    /// This version was refused when sent alone.
    Refused(TypeUrl, Name, Refused),
}

impl PartialEq for Refused {
    fn eq(&self, other: &Refused) -> bool {
        self.version == other.version
    }
}

impl Refusals {
    /// Takes note of what a stream learned. Costs the logarithm of what is known.
    pub fn note(&mut self, mark: Mark) {
        match mark {
            Mark::Tainted(type_url, taint) => {
                *self.tainted[type_url as usize].entry(taint).or_insert(0) += 1;
            }
            Mark::Healed(type_url, taint) => {
                let table = &mut self.tainted[type_url as usize];
                match table.get(&taint).copied() {
                    Some(count) if count > 1 => drop(table.insert(taint, count - 1)),
                    _ => drop(table.remove(&taint)),
                }
            }
            Mark::Refused(type_url, name, refused) => {
                self.refused[type_url as usize].insert(name, refused);
            }
        }
    }

    /// Forgets refused versions that others replaced. To be called after each publication.
    ///
    /// One that is merely withdrawn is kept: published again as it is, it is still refused.
    pub fn published(&mut self, publication: &Publication) {
        for (type_url, name) in &publication.changed {
            let refused = &mut self.refused[*type_url as usize];
            let published = publication.snapshot.table(*type_url).get(name);
            let published = published.map(|resource| resource.version);
            let Some(published) = published else { continue };
            if refused.get(&**name).is_some_and(|refused| refused.version != published) {
                refused.remove(&**name);
            }
        }
    }

    /// Whether this report cannot be trusted.
    pub fn is_tainted(&self, type_url: TypeUrl, taint: &Taint) -> bool {
        self.tainted[type_url as usize].contains_key(taint)
    }

    /// Names that an Envoy may be using without reporting them, by name.
    pub fn unreported(&self, type_url: TypeUrl) -> impl Iterator<Item = &Name> {
        let taints = self.tainted[type_url as usize].keys();
        taints.filter(|(_, reported)| reported.is_none()).map(|(name, _)| name)
    }

    /// The refusal of this very version, if there was one.
    pub fn refused(&self, type_url: TypeUrl, name: &str, version: Version) -> Option<&Refused> {
        self.refused[type_url as usize].get(name).filter(|refused| refused.version == version)
    }
}
