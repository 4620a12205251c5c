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

/// How many reports of one type are remembered as untrustworthy. Streams that end with unanswered responses add to them,
/// and nothing takes them back; beyond this no report of that type is trusted any more, which costs whoever reconnects a
/// complete answer.
pub const MOST_TAINTS: usize = 16_384;

/// How many refused versions of one type are remembered beside those that are published.
pub const MOST_WITHDRAWN: usize = 4_096;

/// The refusals of one dialect. Copying it is a few counters.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    tainted: [OrdMap<Taint, u32>; TypeUrl::COUNT],
    /// There were too many taints to remember.
    distrusted: [bool; TypeUrl::COUNT],
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
            Mark::Tainted(type_url, taint) => self.taint(type_url, taint),
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

    fn taint(&mut self, type_url: TypeUrl, taint: Taint) {
        let table = &mut self.tainted[type_url as usize];
        match table.get(&taint).copied() {
            Some(count) => drop(table.insert(taint, count.saturating_add(1))),
            None if table.len() < MOST_TAINTS => drop(table.insert(taint, 1)),
            // Not even reported: a leftover to which nothing leads, if the name is gone; else it is sent as it is.
            None if taint.1.is_none() => {}
            None => self.distrusted[type_url as usize] = true,
        }
    }

    /// Forgets refused versions that others replaced. To be called after each publication.
    ///
    /// One that is merely withdrawn is kept, without the form before it: published again as it is, it is still refused.
    pub fn published(&mut self, publication: &Publication) {
        for (type_url, name) in &publication.changed {
            let refused = &mut self.refused[*type_url as usize];
            let Some(before) = refused.get(&**name) else { continue };
            match publication.snapshot.table(*type_url).get(name).map(|each| each.version) {
                Some(published) if before.version == published => {}
                Some(_) => drop(refused.remove(&**name)),
                None if refused.len() > MOST_WITHDRAWN => drop(refused.remove(&**name)),
                None => {
                    let version = before.version;
                    refused.insert(name.clone(), Refused { version, good: None });
                }
            }
        }
    }

    /// Whether this report cannot be trusted.
    pub fn is_tainted(&self, type_url: TypeUrl, taint: &Taint) -> bool {
        self.distrusted[type_url as usize] || self.tainted[type_url as usize].contains_key(taint)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_a_number_of_taints_no_report_is_trusted() {
        let mut refusals = Refusals::default();
        let taint = |number: usize| (Name::from(number.to_string().as_str()), Some(Version(1)));
        for number in 0..MOST_TAINTS {
            refusals.note(Mark::Tainted(TypeUrl::Cluster, taint(number)));
        }
        let other = taint(MOST_TAINTS + 1);
        assert!(!refusals.is_tainted(TypeUrl::Cluster, &other));
        refusals.note(Mark::Tainted(TypeUrl::Cluster, taint(MOST_TAINTS)));
        assert!(refusals.is_tainted(TypeUrl::Cluster, &other));
        assert!(!refusals.is_tainted(TypeUrl::Listener, &other));
        assert_eq!(refusals.tainted[TypeUrl::Cluster as usize].len(), MOST_TAINTS);
    }
}
