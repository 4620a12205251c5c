//! What the published table looked like when a stream last looked.

use crate::resource::{Name, Resource};
use crate::snapshot::Table;
use crate::subscription::Subscription;

/// From how many names on a stream keeps the whole table.
const FEW: usize = 16;

/// What the published table looked like when a stream last looked.
#[derive(Clone, Debug)]
pub(crate) enum Horizon {
    /// All of it: what moved is found by comparing trees. For wildcards and long lists.
    All(Table),
    /// Only the few names that the stream follows. Such a stream is not woken when others change, and must not keep
    /// an old table alive, with every body that was replaced since: there may be ten thousand of them.
    Few(Vec<(Name, Option<Resource>)>),
}

/// A name whose published form is another than when the stream last looked.
pub(crate) struct Moved {
    pub(crate) name: Name,
    pub(crate) old: Option<Resource>,
}

impl Horizon {
    /// The horizon of a stream that has just looked.
    pub(crate) fn new(subscription: &Subscription, table: &Table) -> Horizon {
        if subscription.wildcard() || subscription.names().len() > FEW {
            return Horizon::All(table.clone());
        }
        let look = |name: &Name| (name.clone(), table.get(name).cloned());
        Horizon::Few(subscription.names().iter().map(look).collect())
    }

    /// Looks again: what moved of that which the stream follows. Costs what moved.
    pub(crate) fn advance(&mut self, subscription: &Subscription, table: &Table) -> Vec<Moved> {
        match self {
            Horizon::All(seen) => {
                let moved = seen
                    .diff(table)
                    .filter(|each| subscription.covers(each.name))
                    .map(|each| Moved { name: each.name.clone(), old: each.old.cloned() })
                    .collect();
                *seen = table.clone();
                moved
            }
            Horizon::Few(seen) => {
                let mut moved = Vec::new();
                for (name, seen) in seen {
                    let new = table.get(name);
                    if seen.as_ref().map(|old| old.version) != new.map(|new| new.version) {
                        let old = std::mem::replace(seen, new.cloned());
                        moved.push(Moved { name: name.clone(), old });
                    }
                }
                moved
            }
        }
    }
}
