//! Why a unit was built: for people who look for the change that did it.

use std::collections::BTreeMap;
use std::fmt;

use super::Operation;
use crate::build::Built;
use crate::object::ObjectRef;
use crate::unit::Unit;

/// What had a unit built: the last change of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An object came, changed or went: one that the unit, or one that demands it, had asked for.
    Object(ObjectRef, Operation),
    /// The configuration changed.
    Config,
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Object(object, operation) => write!(out, "{} of {object}", operation.as_str()),
            Cause::Config => out.write_str("the configuration"),
        }
    }
}

/// A unit as it was built last.
#[derive(Debug)]
pub(super) struct BuiltUnit {
    pub(super) built: Built,
    /// Why: whether it came out other than before or not.
    pub(super) cause: Cause,
}

/// The units that are to be built, and for what.
#[derive(Debug, Default)]
pub(super) struct Dirty(BTreeMap<Unit, Cause>);

impl Dirty {
    /// These are to be built. Of several causes the last counts.
    pub(super) fn wake(&mut self, units: impl IntoIterator<Item = Unit>, cause: &Cause) {
        self.0.extend(units.into_iter().map(|unit| (unit, cause.clone())));
    }

    /// These are to be built for the same cause as who demands them, unless they have one of their own.
    pub(super) fn demand(&mut self, units: impl IntoIterator<Item = Unit>, cause: &Cause) {
        for unit in units {
            self.0.entry(unit).or_insert_with(|| cause.clone());
        }
    }

    /// The next to be built.
    pub(super) fn pop_first(&mut self) -> Option<(Unit, Cause)> {
        self.0.pop_first()
    }
}
