//! What is true of one object.

use contour_dag::Domain;

use super::{Problem, Reason};
use crate::object::Revision;

/// What is true of one object; the edge decides what of it to write where.
///
/// Becomes, for an HTTPProxy: its condition `Valid`, `status.currentStatus` and `status.description`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The revision these conditions speak of.
    ///
    /// Its generation becomes: `observedGeneration`.
    pub revision: Revision,
    /// The hosts that the object itself names: the root's, or those of an Ingress.
    pub hosts: Vec<Domain>,
    /// What is wrong with it, in the order in which it was found, each once. Empty: valid.
    pub errors: Vec<Problem>,
    /// What is set and has no effect, likewise. It makes nothing invalid.
    pub warnings: Vec<Problem>,
}

/// Errors in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Served as written.
    Valid,
    /// Something is wrong with it.
    Invalid,
    /// An HTTPProxy that no root reaches.
    Orphaned,
}

impl Verdict {
    /// Becomes: `status.currentStatus`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Valid => "valid",
            Verdict::Invalid => "invalid",
            Verdict::Orphaned => "orphaned",
        }
    }
}

/// The message of a condition whose details stand in its errors.
const ERRORS_PRESENT: &str = "The object has errors; each is explained under errors.";

impl Conditions {
    /// Adds a problem that it does not have yet.
    pub fn add(&mut self, problem: Problem) {
        let problems =
            if problem.reason.is_warning() { &mut self.warnings } else { &mut self.errors };
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// The errors in one word.
    pub fn verdict(&self) -> Verdict {
        if self.errors.is_empty() {
            Verdict::Valid
        } else if self.errors.iter().any(|each| each.reason == Reason::Orphaned) {
            Verdict::Orphaned
        } else {
            Verdict::Invalid
        }
    }

    /// The `reason` of the condition `Valid`.
    pub fn reason(&self) -> &'static str {
        if self.errors.is_empty() { "Valid" } else { "ErrorPresent" }
    }

    /// The `message` of the condition `Valid` of an HTTPProxy.
    pub fn message(&self) -> &'static str {
        if self.errors.is_empty() { "Valid HTTPProxy" } else { ERRORS_PRESENT }
    }

    /// What stands in `status.description` of an HTTPProxy.
    pub fn description(&self) -> &str {
        match self.errors.iter().find(|each| each.reason == Reason::Orphaned) {
            Some(orphaned) => &orphaned.message,
            None => self.message(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(reasons: &[Reason]) -> Conditions {
        let errors = reasons.iter().map(|&reason| Problem::new(reason, "text")).collect();
        Conditions { errors, ..Conditions::default() }
    }

    #[test]
    fn without_errors_an_object_is_valid() {
        let conditions = with(&[]);
        assert_eq!(conditions.verdict(), Verdict::Valid);
        assert_eq!(conditions.reason(), "Valid");
        assert_eq!(conditions.description(), "Valid HTTPProxy");
    }

    #[test]
    fn an_error_makes_it_invalid_and_stands_among_the_errors_only() {
        let conditions = with(&[Reason::IncludeNotFound]);
        assert_eq!(conditions.verdict(), Verdict::Invalid);
        assert_eq!(conditions.reason(), "ErrorPresent");
        assert_eq!(conditions.description(), ERRORS_PRESENT);
    }

    #[test]
    fn a_warning_makes_nothing_invalid() {
        let mut conditions = Conditions::default();
        for _ in 0..2 {
            conditions.add(Problem::new(Reason::IgnoredField, "text"));
        }
        assert_eq!(conditions.verdict(), Verdict::Valid);
        assert_eq!(conditions.warnings.len(), 1);
    }

    #[test]
    fn an_orphan_is_described_by_its_error() {
        let conditions = with(&[Reason::Orphaned]);
        assert_eq!(conditions.verdict(), Verdict::Orphaned);
        assert_eq!(conditions.description(), "text");
    }
}
