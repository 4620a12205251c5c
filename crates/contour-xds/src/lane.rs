//! One type of one stream, whichever way it travels.

use std::collections::BTreeSet;

use crate::each::Each;
use crate::exchange::{Ask, Batch, Interest, InterestChange, Outcome, Style, Verdict, View};
use crate::order::Gate;
use crate::refusals::Mark;
use crate::resource::{Name, Reference, Resource, TypeUrl, Version};
use crate::subscription::{Shift, Subscription};
use crate::time::Moment;
use crate::whole::Whole;

/// One type of one stream.
#[derive(Clone, Debug)]
pub(crate) enum Lane {
    /// Resources travel on their own.
    Each(Box<Each>),
    /// All resources always travel together.
    Whole(Box<Whole>),
}

/// What kind of stream a type is spoken about on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// One with all types.
    Aggregated,
    /// One of its own; an Envoy opens one for each route configuration, load assignment and secret.
    Typed,
}

/// What hearing a request yields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) verdict: Option<Verdict>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) interests: Vec<InterestChange>,
}

/// A name under which an Envoy has not accepted what is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outstanding {
    /// The type.
    pub type_url: TypeUrl,
    /// The name.
    pub name: Name,
    /// The version it accepted last; `None` if none, or if that is not known.
    pub accepted: Option<Version>,
    /// The oldest epoch whose form of this resource it has not accepted.
    pub since: u64,
}

impl Heard {
    pub(crate) fn refused(&mut self, message: String, guilty: Vec<Name>) {
        if let Some(verdict) = &mut self.verdict {
            verdict.outcome = Outcome::Refused { message, guilty };
        }
    }

    pub(crate) fn interests(&mut self, type_url: TypeUrl, shift: &Shift) {
        use InterestChange::{Began, Ended};
        if shift.all {
            self.interests.push(Began(Interest::All(type_url)));
        }
        if shift.not_all {
            self.interests.push(Ended(Interest::All(type_url)));
        }
        let one = |name: &Name| Interest::One(type_url, name.clone());
        self.interests.extend(shift.asked.iter().map(|name| Began(one(name))));
        self.interests.extend(shift.dropped.iter().map(|name| Ended(one(name))));
    }
}

impl Lane {
    pub(crate) fn new(type_url: TypeUrl, style: Style, setting: Setting) -> Lane {
        match (style, type_url) {
            (Style::Sotw, TypeUrl::Cluster | TypeUrl::Listener) => {
                Lane::Whole(Box::new(Whole::new(type_url, setting)))
            }
            _ => Lane::Each(Box::new(Each::new(type_url, style, setting))),
        }
    }

    pub(crate) fn subscription(&self) -> &Subscription {
        match self {
            Lane::Each(each) => each.subscription(),
            Lane::Whole(whole) => whole.subscription(),
        }
    }

    pub(crate) fn advance(&mut self, view: View<'_>) {
        match self {
            Lane::Each(each) => each.advance(view),
            Lane::Whole(whole) => whole.advance(view),
        }
    }

    pub(crate) fn hear(&mut self, ask: Ask, view: View<'_>) -> Heard {
        match self {
            Lane::Each(each) => each.hear(ask, view),
            Lane::Whole(whole) => whole.hear(ask, view),
        }
    }

    pub(crate) fn compose(
        &mut self,
        view: View<'_>,
        gate: &Gate<'_>,
        nonces: &mut u64,
    ) -> Vec<Batch> {
        match self {
            Lane::Each(each) => each.compose(view, gate, nonces),
            Lane::Whole(whole) => whole.compose(view, gate, nonces).into_iter().collect(),
        }
    }

    pub(crate) fn close(&mut self) -> Vec<Mark> {
        match self {
            Lane::Each(each) => each.close(),
            Lane::Whole(whole) => whole.close(),
        }
    }

    /// The load assignments of clusters that were sent and not answered yet.
    pub(crate) fn unanswered_assignments(&self) -> BTreeSet<Name> {
        let assignment = |each: &Reference| {
            (each.type_url == TypeUrl::LoadAssignment).then(|| each.name.clone())
        };
        match self {
            Lane::Each(each) => {
                each.unanswered().flat_map(Resource::references).filter_map(assignment).collect()
            }
            Lane::Whole(whole) => {
                whole.unanswered().flat_map(Resource::references).filter_map(assignment).collect()
            }
        }
    }

    pub(crate) fn doubt(&self, assignments: &BTreeSet<Name>, view: View<'_>) -> Vec<Mark> {
        match self {
            Lane::Each(each) => each.doubt(assignments, view),
            Lane::Whole(_) => Vec::new(),
        }
    }

    pub(crate) fn owe(&mut self, name: &Name) {
        match self {
            Lane::Each(each) => each.owe(name),
            Lane::Whole(_) => {} // sends all it has with every change
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        match self {
            Lane::Each(each) => each.next_deadline(),
            Lane::Whole(whole) => whole.next_deadline(),
        }
    }

    pub(crate) fn superseded(&self, view: View<'_>, tell: &mut dyn FnMut(&Reference)) {
        match self {
            Lane::Each(each) => each.superseded(view, tell),
            Lane::Whole(whole) => whole.superseded(view, tell),
        }
    }

    pub(crate) fn lacks(&self, name: &str, view: View<'_>) -> bool {
        match self {
            Lane::Each(each) => each.lacks(name),
            Lane::Whole(whole) => whole.lacks(name, view),
        }
    }

    /// Whether much more is to be sent alone than there is room for, and little changed since it was looked at.
    pub(crate) fn is_crowded(&self) -> bool {
        match self {
            Lane::Each(each) => each.is_crowded(),
            Lane::Whole(_) => false,
        }
    }

    pub(crate) fn outstanding(&self, view: View<'_>, out: &mut Vec<Outstanding>) {
        match self {
            Lane::Each(each) => each.outstanding(view, out),
            Lane::Whole(whole) => whole.outstanding(view, out),
        }
    }
}
