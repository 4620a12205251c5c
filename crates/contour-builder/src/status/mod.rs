//! What is wrong with an object, and how its status says so.

mod conditions;
mod reason;
pub mod render;

use contour_dag::Edits;

use crate::object::ObjectRef;

pub use conditions::{Conditions, Verdict};
pub use reason::{ConditionType, Reason};
pub use render::Addresses;

/// Something wrong with an object that its author can mend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Which of the documented causes.
    pub reason: Reason,
    /// What is wrong, where (`spec.routes[2].services[0]`), and what would mend it.
    pub message: String,
}

impl Problem {
    /// A problem with its explanation.
    pub fn new(reason: Reason, message: impl Into<String>) -> Problem {
        Problem { reason, message: message.into() }
    }
}

/// What one batch of changes did to the conditions of objects: the new ones, or `None` for an object that is gone or no
/// longer ours.
pub type Delta = Edits<ObjectRef, Conditions>;
