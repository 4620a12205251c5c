//! What is told to an Envoy, when, and in what company.

use super::{Each, Look};
use crate::exchange::{Batch, Item, Novelty, Style, View};
use crate::ledger::{Flight, Held, Manner, Pending, Sent, Target};
use crate::order::Gate;
use crate::pace::{ALONE_IN_FLIGHT, Turn};
use crate::refusals::Refused;
use crate::resource::{Name, Resource, TypeUrl, Version};
use crate::snapshot::{empty_assignment, weight};
use crate::subscription::First;
use crate::time::Moment;

/// Pending names, sorted by how they travel.
#[derive(Default)]
struct Due {
    answers: Vec<(Name, Target)>,
    pushes: Vec<(Name, Target)>,
    alone: Vec<(Name, Target, Manner)>,
}

impl Each {
    /// What is told of a name that is not published.
    pub(super) fn absent(&self, name: &Name) -> Target {
        match self.type_url {
            // Envoy would wait for ever: a listener that lacks a removed route configuration never warms.
            TypeUrl::RouteConfiguration => Target::Silence,
            TypeUrl::LoadAssignment
                if self.subscription.names_it(name) || !self.subscription.wildcard() =>
            {
                Target::Set(empty_assignment(name))
            }
            _ => Target::Removed,
        }
    }

    /// What is to be told of a name.
    pub(super) fn target(&self, name: &Name, view: View<'_>) -> Target {
        let Some(published) = view.snapshot.table(self.type_url).get(name) else {
            return self.absent(name);
        };
        let here = self.refused.get(name).filter(|each| each.version == published.version);
        if self.type_url != TypeUrl::Secret {
            let asked = || self.pending.get(name).is_some_and(|each| each.manner == Manner::Answer);
            return match here {
                None => Target::Set(published.clone()),
                // The Envoy waits: for lack of anything good even a second refusal ends that.
                Some(refused) if asked() => {
                    Target::Set(refused.good.clone().unwrap_or_else(|| published.clone()))
                }
                Some(_) => Target::Silence,
            };
        }
        // Sent again, a refused secret is acknowledged and not used; and Envoy's store holds the refused one until it
        // is sent another. So the last good content goes back, and the refused one to no other stream.
        let anywhere = view.refusals.refused(self.type_url, name, published.version);
        match here.or(anywhere) {
            None => Target::Set(published.clone()),
            Some(refused) => refused.good.clone().map_or(Target::Removed, Target::Set),
        }
    }

    /// The responses that may go now.
    pub(crate) fn compose(
        &mut self,
        view: View<'_>,
        gate: &Gate<'_>,
        nonces: &mut u64,
    ) -> Vec<Batch> {
        let crowded = self.is_crowded();
        let look = std::mem::replace(&mut self.look, Look::Whole);
        let in_time = self.retry_at.is_some_and(|moment| moment <= view.now);
        if self.first == First::Yes || (crowded && !in_time) {
            self.look = look;
            return Vec::new();
        }
        self.retry_at = None;
        let mut due = self.due(view, gate);
        if self.stale && !self.flights.is_empty() {
            due.answers.clear();
            due.alone.retain(|(_, _, manner)| *manner != Manner::Answer);
        }
        let mut batches = Vec::new();
        let mut together = due.answers;
        if !due.pushes.is_empty() {
            match self.pace.turn(self.flights.len(), view.now) {
                Turn::Now => together.extend(due.pushes),
                Turn::At(moment) => self.wake_at(moment),
                Turn::OnAnswer => {}
            }
        }
        let greet = std::mem::take(&mut self.greet);
        if greet || !together.is_empty() {
            batches.push(self.send(together, view, nonces));
        }
        let unasked = self.pace.turn(0, view.now);
        for (name, target, manner) in due.alone {
            if self.flights.len() >= ALONE_IN_FLIGHT {
                self.look = Look::WithRoom;
                break;
            }
            match unasked {
                Turn::At(moment) if manner == Manner::Push => self.wake_at(moment),
                _ => batches.push(self.send(vec![(name, target)], view, nonces)),
            }
        }
        batches
    }

    fn wake_at(&mut self, moment: Moment) {
        self.retry_at = Some(self.retry_at.map_or(moment, |earlier| earlier.min(moment)));
    }

    /// Sorts the pending names, and forgets those under which the Envoy has what is published.
    fn due(&mut self, view: View<'_>, gate: &Gate<'_>) -> Due {
        self.collect_owed(view);
        let mut due = Due::default();
        let names: Vec<Name> = self.pending.keys().cloned().collect();
        for name in names {
            let Some((target, manner)) = self.told(&name, view) else { continue };
            let published = view.snapshot.table(self.type_url).get(&name);
            let removal = published.is_none() && manner != Manner::Answer;
            if (removal || manner == Manner::Push) && !gate.may_go(&name, published) {
                continue;
            }
            let refused_elsewhere = published.is_some_and(|each| {
                view.refusals.refused(self.type_url, &name, each.version).is_some()
            });
            // Several secrets in one response would each have to be sent again after a NACK, which a secret must not.
            let alone = refused_elsewhere || self.type_url == TypeUrl::Secret;
            match manner {
                Manner::Answer if !alone => due.answers.push((name, target)),
                Manner::Push if !alone => due.pushes.push((name, target)),
                manner => due.alone.push((name, target, manner)),
            }
        }
        due
    }

    /// What is to be told now of a pending name, if anything.
    fn told(&mut self, name: &Name, view: View<'_>) -> Option<(Target, Manner)> {
        let target = self.target(name, view);
        let pending = self.pending.get_mut(name)?;
        let published = view.snapshot.table(self.type_url).get(name);
        let Some(after) = target.held() else {
            // To be sent as soon as it can be, but then in its place among the types.
            pending.manner = Manner::Push;
            if published.is_none() && pending.held == Held::Nothing {
                self.pending.remove(name);
            }
            return None;
        };
        // An Envoy of the state-of-the-world variant cannot be told that something is gone.
        let untold = after == Held::Nothing && self.style == Style::Sotw;
        if untold || pending.held == after {
            let current = published.map(|each| Held::Version(each.version));
            if current.is_none_or(|current| current == after) {
                self.pending.remove(name);
            }
            return None;
        }
        let (manner, not_before) = (pending.manner, pending.not_before);
        if manner == Manner::Push && not_before > view.now {
            self.wake_at(not_before);
            return None;
        }
        Some((target, manner))
    }

    /// Makes the assignments that are owed pending, also those that Envoy has or has not asked for yet.
    fn collect_owed(&mut self, view: View<'_>) {
        for name in std::mem::take(&mut self.owed) {
            self.expect(name, Held::Doubtful, view);
        }
    }

    fn send(&mut self, contents: Vec<(Name, Target)>, view: View<'_>, nonces: &mut u64) -> Batch {
        *nonces += 1;
        self.newest_nonce = *nonces;
        self.pace.sent(view.now);
        let mut batch = Batch {
            type_url: self.type_url,
            nonce: *nonces,
            version: Version(0),
            set: Vec::new(),
            removed: Vec::new(),
        };
        let mut flight = Vec::with_capacity(contents.len());
        for (name, target) in contents {
            let form = target.resource().cloned();
            let instead_of = self.instead_of(&name, form.as_ref(), view);
            let pending = self.sent(&name, &target, view);
            let since = pending.as_ref().map_or(view.snapshot.epoch, |pending| pending.since);
            let novelty = match pending.as_ref().map(|pending| pending.held) {
                Some(Held::Nothing | Held::Awaited) => Novelty::Added,
                _ => Novelty::Changed,
            };
            match form.clone() {
                Some(resource) => batch.set.push(Item { name: name.clone(), resource, novelty }),
                None => batch.removed.push(name.clone()),
            }
            let (accepted, perhaps, reports) = match pending {
                Some(pending) => (pending.accepted, pending.perhaps, pending.reports),
                None => (None, Vec::new(), None),
            };
            flight.push(Sent { name, form, instead_of, accepted, perhaps, reports, since });
        }
        batch.version = match self.style {
            Style::Delta => view.snapshot.table(self.type_url).version(),
            Style::Sotw => self.version(view),
        };
        self.flights.push(Flight {
            nonce: *nonces,
            sent_at: view.now,
            version: batch.version,
            contents: flight,
        });
        batch
    }

    /// Notes that `target` is on its way, and returns what was pending.
    fn sent(&mut self, name: &Name, target: &Target, view: View<'_>) -> Option<Pending> {
        let before = self.pending.remove(name);
        let other = |refused: &Refused| target.held() != Some(Held::Version(refused.version));
        if target.resource().is_some()
            && self.refused.get(name).is_some_and(other)
            && self.instead_of(name, target.resource(), view).is_none()
        {
            self.refused.remove(name);
        }
        let published = view.snapshot.table(self.type_url).get(name);
        if let (Some(published), Some(held), Some(before)) = (published, target.held(), &before)
            && held != Held::Version(published.version)
        {
            // A good form in place of the published one: the name stays in arrears.
            let pending =
                Pending { held, manner: Manner::Push, perhaps: Vec::new(), ..before.clone() };
            self.pending.insert(name.clone(), pending);
        }
        before
    }

    /// The published version that a form is sent in place of, which was refused.
    fn instead_of(&self, name: &Name, form: Option<&Resource>, view: View<'_>) -> Option<Version> {
        let published = view.snapshot.table(self.type_url).get(name)?;
        form.filter(|form| form.version != published.version).map(|_| published.version)
    }

    /// The version that a state-of-the-world client reports when it has everything it was sent: the sum over what it
    /// follows, so that an unrelated change does not look like news.
    pub(super) fn version(&self, view: View<'_>) -> Version {
        let table = view.snapshot.table(self.type_url);
        if self.subscription.wildcard() && self.pending.is_empty() {
            return table.version();
        }
        let held = |name: &Name| match self.pending.get(name).map(|pending| pending.held) {
            Some(Held::Version(version)) => Some(version),
            Some(_) => None,
            None => table.get(name).map(|resource| resource.version),
        };
        let add = |sum: u64, name: &Name| {
            sum.wrapping_add(held(name).map_or(0, |version| weight(name, version)))
        };
        if self.subscription.wildcard() {
            Version(table.iter().map(|(name, _)| name).fold(0, add))
        } else {
            Version(self.subscription.names().iter().fold(0, add))
        }
    }
}
