//! What happens to objects: for metrics.

use super::Builder;
use crate::object::{Change, ObjectRef};

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// It came.
    Add,
    /// It was there and came again.
    Update,
    /// It went.
    Delete,
}

impl Operation {
    /// As metrics call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Operation::Add => "add",
            Operation::Update => "update",
            Operation::Delete => "delete",
        }
    }
}

impl Builder {
    /// What a change does to which object, as seen before it is made.
    pub(super) fn operation(&self, change: &Change) -> Option<(ObjectRef, Operation)> {
        let reference = match change {
            Change::Apply(object) => object.reference(),
            Change::Unreadable(reference, ..) => reference.clone(),
            Change::Delete(reference) => return Some((reference.clone(), Operation::Delete)),
            Change::Config(_) => return None,
        };
        let known = self.store.contains(&reference);
        Some((reference, if known { Operation::Update } else { Operation::Add }))
    }
}
