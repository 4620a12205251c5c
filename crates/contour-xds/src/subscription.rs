//! Which resources of one type a client follows.

use std::collections::BTreeSet;

use crate::exchange::Wish;
use crate::resource::Name;
use crate::snapshot::Table;

/// The special name that stands for every resource.
pub(crate) const WILDCARD: &str = "*";

/// Which resources of one type a client follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscription {
    wildcard: bool,
    /// Whether the stream ever gave a name (or `*`) for this type: from then on "no names" means none and not all.
    explicit: bool,
    names: BTreeSet<Name>,
}

/// What a request changed about a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shift {
    /// The wildcard was asked for, perhaps again.
    pub(crate) all: bool,
    /// The wildcard was given up.
    pub(crate) not_all: bool,
    /// Names asked for, perhaps again. The incremental variant demands an answer for each.
    pub(crate) asked: Vec<Name>,
    /// Names given up.
    pub(crate) dropped: Vec<Name>,
}

impl Subscription {
    pub(crate) fn wildcard(&self) -> bool {
        self.wildcard
    }

    pub(crate) fn names(&self) -> &BTreeSet<Name> {
        &self.names
    }

    /// Whether the client asked for this name itself, not only for all.
    pub(crate) fn names_it(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(crate) fn covers(&self, name: &str) -> bool {
        self.wildcard || self.names.contains(name)
    }

    /// Applies a request. `first`: the first one for this type on the stream.
    pub(crate) fn apply(&mut self, wish: &Wish, first: First, table: &Table) -> Shift {
        match wish {
            Wish::Change { subscribe, unsubscribe, .. } => {
                self.change(subscribe, unsubscribe, first, table)
            }
            Wish::Whole { names, .. } => self.replace(names, table),
        }
    }

    fn change(
        &mut self,
        subscribe: &[String],
        unsubscribe: &[String],
        first: First,
        table: &Table,
    ) -> Shift {
        let mut shift = Shift::default();
        if first == First::Yes && subscribe.is_empty() {
            self.wildcard = true; // the legacy way to say `*`
            shift.all = true;
        }
        for text in subscribe {
            if text == WILDCARD {
                self.wildcard = true;
                shift.all = true;
            } else {
                let name = shared(table, text);
                self.names.insert(name.clone());
                shift.asked.push(name);
            }
        }
        for text in unsubscribe {
            if text == WILDCARD {
                shift.not_all |= std::mem::take(&mut self.wildcard);
            } else if let Some(name) = self.names.take(text.as_str()) {
                shift.dropped.push(name);
            }
        }
        shift
    }

    fn replace(&mut self, wanted: &[String], table: &Table) -> Shift {
        let all = if wanted.is_empty() {
            !self.explicit // the legacy way to say `*`
        } else {
            wanted.iter().any(|text| text == WILDCARD)
        };
        self.explicit |= !wanted.is_empty();
        let names: BTreeSet<Name> = wanted
            .iter()
            .filter(|text| *text != WILDCARD)
            .map(|text| {
                self.names.get(text.as_str()).cloned().unwrap_or_else(|| shared(table, text))
            })
            .collect();
        let shift = Shift {
            all: all && !self.wildcard,
            not_all: !all && self.wildcard,
            asked: names.difference(&self.names).cloned().collect(),
            dropped: self.names.difference(&names).cloned().collect(),
        };
        self.wildcard = all;
        self.names = names;
        shift
    }
}

/// Whether a request is the first one for its type on the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    Yes,
    No,
}

/// A name, in the snapshot's own copy where there is one.
fn shared(table: &Table, text: &str) -> Name {
    table.name(text).cloned().unwrap_or_else(|| Name::from(text))
}
