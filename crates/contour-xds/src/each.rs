//! One type of one stream, where each resource travels on its own: the incremental variant, and of the
//! state-of-the-world variant every type but listeners and clusters.
//!
//! The state is what the Envoy's holdings *differ* in from what was published when the stream last looked: an
//! [`Each`] at rest holds its subscription and nothing else that grows.
//!
//! - `horizon`: the published table when the stream last looked.
//! - `pending`: names under which the Envoy does not have, or may not have, what the horizon says.
//! - `flights`: responses without an answer. What was sent counts as held until a NACK says otherwise.
//! - `refused`: versions that this Envoy refused when they were alone in a response. Not sent again on this stream.

mod tell;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::exchange::{Ask, Nonce, Outcome, Style, Verdict, View, Wish};
use crate::horizon::{Horizon, Moved};
use crate::lane::{Heard, Outstanding, Setting};
use crate::ledger::{Flight, Held, MOST_PERHAPS, Manner, Pending, Sent, Target, refused_alone};
use crate::pace::{ALONE_IN_FLIGHT, Pace, retry_after};
use crate::redact::{Blame, redact};
use crate::refusals::{Mark, Refused, Taint};
use crate::resource::{Name, Reference, Resource, TypeUrl, Version};
use crate::subscription::{First, Shift, Subscription, WILDCARD};
use crate::time::Moment;
use crate::wire::Status;

/// How long a cluster that an Envoy reports when it connects, and that exists no longer, stays with it: its routes,
/// which may still refer to the cluster, are brought up to date first. Nothing is known of their old form.
const REPORTED_CLUSTER_GRACE: Duration = Duration::from_secs(1);

/// One type of one stream. See the module's description.
#[derive(Clone, Debug)]
pub(crate) struct Each {
    type_url: TypeUrl,
    style: Style,
    setting: Setting,
    /// Whether the client has yet to speak of this type.
    first: First,
    /// A wildcard was asked for and must be answered, even if there is nothing.
    greet: bool,
    /// The last request did not answer the newest response.
    stale: bool,
    subscription: Subscription,
    horizon: Horizon,
    pending: BTreeMap<Name, Pending>,
    flights: Vec<Flight>,
    refused: BTreeMap<Name, Refused>,
    /// What this stream tainted and has not healed, by name.
    tainted: BTreeMap<Name, Option<Version>>,
    /// What a state-of-the-world client acknowledged last.
    acknowledged: Option<Version>,
    /// Names to be sent next whatever the Envoy has: assignments of clusters that were just sent.
    owed: BTreeSet<Name>,
    look: Look,
    pace: Pace,
    newest_nonce: u64,
    /// How often in a row a resource was refused that is to be tried again.
    retries: u32,
    retry_at: Option<Moment>,
}

/// How the next look at what is pending begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// At once.
    Whole,
    /// The last one found more to be sent alone than there was room for, and nothing else happened since: when several
    /// answers have come, and not at each of thousands.
    WithRoom,
}

impl Each {
    pub(crate) fn new(type_url: TypeUrl, style: Style, setting: Setting) -> Each {
        Each {
            type_url,
            style,
            setting,
            first: First::Yes,
            greet: false,
            stale: false,
            subscription: Subscription::default(),
            horizon: Horizon::Few(Vec::new()),
            pending: BTreeMap::new(),
            flights: Vec::new(),
            refused: BTreeMap::new(),
            tainted: BTreeMap::new(),
            acknowledged: None,
            owed: BTreeSet::new(),
            look: Look::Whole,
            pace: Pace::new(type_url, setting),
            newest_nonce: 0,
            retries: 0,
            retry_at: None,
        }
    }

    pub(crate) fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        self.retry_at
    }

    /// Asks for the load assignment of a cluster that was just sent: after a changed cluster Envoy waits for one and
    /// does not ask (section 7.3).
    pub(crate) fn owe(&mut self, name: &Name) {
        self.owed.insert(name.clone());
        self.look = Look::Whole;
    }

    /// Looks at the newest snapshot.
    pub(crate) fn advance(&mut self, view: View<'_>) {
        let table = view.snapshot.table(self.type_url);
        for Moved { name, old } in self.horizon.advance(&self.subscription, table) {
            self.look = Look::Whole;
            // A refused secret stays in Envoy's store until another is sent.
            if self.type_url != TypeUrl::Secret {
                self.refused.remove(&name);
            }
            if let Some(pending) = self.pending.get_mut(&name) {
                pending.not_before = Moment::default(); // that was about the form before
            } else {
                let held = match &old {
                    Some(old) => Held::Version(old.version),
                    None => self.absent(&name).held().unwrap_or(Held::Nothing),
                };
                self.pending.insert(
                    name,
                    Pending {
                        held,
                        reports: held.version(),
                        accepted: old,
                        perhaps: Vec::new(),
                        since: view.snapshot.epoch,
                        manner: Manner::Push,
                        not_before: Moment::default(),
                    },
                );
            }
        }
    }

    /// Takes in a request.
    pub(crate) fn hear(&mut self, ask: Ask, view: View<'_>) -> Heard {
        let mut heard = Heard::default();
        let stale = ask.nonce.is_stale(self.newest_nonce);
        if let Nonce::Number(number) = ask.nonce {
            self.answered(number, ask.error.as_ref(), view.now, &mut heard);
        }
        let first = std::mem::replace(&mut self.first, First::No);
        // A state-of-the-world request that does not answer the newest response must not be answered: another follows
        // once the client has read that. But what it gives up is given up, even if the next asks for it again.
        self.stale = first == First::No && stale && self.style == Style::Sotw;
        let table = view.snapshot.table(self.type_url);
        let shift = self.subscription.apply(&ask.wish, first, table);
        heard.interests(self.type_url, &shift);
        if first == First::Yes || ask.error.is_some() || shift != Shift::default() {
            self.look = Look::Whole;
        }
        self.horizon = Horizon::new(&self.subscription, table);
        match first {
            First::Yes => self.begin(&ask.wish, view),
            First::No => self.shift(shift, view),
        }
        heard
    }

    /// Notes the answer to a response.
    fn answered(&mut self, nonce: u64, error: Option<&Status>, now: Moment, heard: &mut Heard) {
        let Some(at) = self.flights.iter().position(|flight| flight.nonce == nonce) else { return };
        // Answers come in order: a client that skips some has read them all the same.
        let flight = self.flights.drain(..=at).next_back().expect("drains at least one");
        self.pace.answered(flight.sent_at, now);
        let version = |sent: &Sent| sent.form.as_ref().map(|form| form.version);
        let contents = flight.contents.iter().map(|sent| (sent.name.clone(), version(sent)));
        heard.verdict = Some(Verdict {
            type_url: self.type_url,
            nonce,
            version: flight.version,
            contents: contents.collect(),
            outcome: Outcome::Accepted,
        });
        match error {
            None => self.accept(&flight, heard),
            Some(error) => {
                heard.marks.extend(self.taint(&flight));
                let again = (self.type_url == TypeUrl::Listener
                    && Blame::read(&error.message).may_pass())
                .then(|| self.again(now));
                let guilty = self.refuse(flight.contents, again, heard);
                heard.refused(redact(self.type_url, &error.message), guilty);
            }
        }
    }

    fn accept(&mut self, flight: &Flight, heard: &mut Heard) {
        self.acknowledged = Some(flight.version);
        self.retries = 0;
        for sent in &flight.contents {
            if let Some(pending) = self.pending.get_mut(&sent.name) {
                // It was asked for again meanwhile, and is in use all the same.
                pending.accepted = pending.accepted.take().or_else(|| sent.form.clone());
            }
        }
        for name in self.reported_as(flight) {
            if let Some(reports) = self.tainted.remove(&name) {
                heard.marks.push(Mark::Healed(self.type_url, (name, reports)));
            }
        }
    }

    /// The names under which a client reports the contents of a response.
    fn reported_as(&self, flight: &Flight) -> Vec<Name> {
        match self.style {
            Style::Delta => flight.contents.iter().map(|sent| sent.name.clone()).collect(),
            Style::Sotw => vec![Name::from(WILDCARD)],
        }
    }

    /// Notes that what the client reports about the contents of a response is no longer true, or may not be.
    fn taint(&mut self, flight: &Flight) -> Vec<Mark> {
        let taints: Vec<Taint> = match self.style {
            Style::Delta => {
                flight.contents.iter().map(|sent| (sent.name.clone(), sent.reports)).collect()
            }
            Style::Sotw => return self.taint_version().into_iter().collect(),
        };
        taints.into_iter().filter_map(|taint| self.taint_one(taint)).collect()
    }

    /// Notes that the version which a state-of-the-world client reports does not say what it has.
    fn taint_version(&mut self) -> Option<Mark> {
        self.taint_one((Name::from(WILDCARD), self.acknowledged))
    }

    fn taint_one(&mut self, (name, reports): Taint) -> Option<Mark> {
        let Entry::Vacant(entry) = self.tainted.entry(name.clone()) else { return None };
        entry.insert(reports);
        Some(Mark::Tainted(self.type_url, (name, reports)))
    }

    /// The stream ended before clusters that use these load assignments were answered: the client may wait for one that
    /// it was sent in vain, and report the one before.
    pub(crate) fn doubt(&self, names: &BTreeSet<Name>, view: View<'_>) -> Vec<Mark> {
        if self.style == Style::Sotw {
            return Vec::new(); // reports of several names are never trusted
        }
        let published = |name: &Name| match self.target(name, view) {
            Target::Set(resource) => Some((name.clone(), Some(resource.version))),
            Target::Removed | Target::Silence => None,
        };
        let type_url = self.type_url;
        names.iter().filter_map(published).map(|taint| Mark::Tainted(type_url, taint)).collect()
    }

    /// What was sent and not answered yet.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &Resource> {
        let contents = self.flights.iter().flat_map(|flight| &flight.contents);
        contents.filter_map(|sent| sent.form.as_ref())
    }

    /// The stream ended: its client may be using what was in the responses whose answers are lost.
    pub(crate) fn close(&mut self) -> Vec<Mark> {
        let flights = std::mem::take(&mut self.flights);
        let taints: Vec<Taint> = match self.style {
            Style::Delta => {
                let contents = flights.iter().flat_map(|flight| &flight.contents);
                contents.map(|sent| (sent.name.clone(), sent.reports)).collect()
            }
            // Of several it may have accepted some, and report any.
            Style::Sotw if flights.is_empty() => Vec::new(),
            Style::Sotw => {
                let several = if flights.len() > 1 { &flights[..] } else { &[] };
                let versions = several.iter().map(|flight| Some(flight.version));
                let versions = versions.chain([self.acknowledged]);
                versions.map(|version| (Name::from(WILDCARD), version)).collect()
            }
        };
        taints.into_iter().map(|taint| Mark::Tainted(self.type_url, taint)).collect()
    }

    /// When to try again what was refused for a reason that may pass.
    fn again(&mut self, now: Moment) -> Moment {
        self.retries += 1;
        now + retry_after(self.retries)
    }

    /// Notes that a response was refused: of several resources any may be the guilty one, and any may be in use. One that
    /// was alone is sent `again` at some time, or not any more.
    fn refuse(
        &mut self,
        contents: Vec<Sent>,
        again: Option<Moment>,
        heard: &mut Heard,
    ) -> Vec<Name> {
        let alone = contents.len() == 1;
        let mut guilty = Vec::new();
        for mut sent in contents {
            if alone && sent.form.is_none() {
                continue; // to refuse that something is gone means nothing, and must not become a loop
            }
            if alone && let Some(refused) = refused_alone(&sent) {
                guilty.push(sent.name.clone());
                if again.is_none() {
                    self.refused.insert(sent.name.clone(), refused.clone());
                    heard.marks.push(Mark::Refused(self.type_url, sent.name.clone(), refused));
                }
            }
            if !alone {
                sent.perhaps.extend(sent.form.take());
                let surplus = sent.perhaps.len().saturating_sub(MOST_PERHAPS);
                sent.perhaps.drain(..surplus);
            }
            // On its way again already: the answer to that will tell.
            let mut later = self.flights.iter_mut().flat_map(|flight| &mut flight.contents);
            if let Some(later) = later.find(|later| later.name == sent.name) {
                (later.accepted, later.reports) = (sent.accepted, sent.reports);
                later.perhaps = sent.perhaps;
                continue;
            }
            if !self.subscription.covers(&sent.name) {
                continue;
            }
            let name = sent.name.clone();
            let entry = self.pending.entry(sent.name).or_insert(Pending {
                held: Held::Doubtful,
                accepted: None,
                perhaps: Vec::new(),
                reports: None,
                since: sent.since,
                manner: Manner::Alone,
                not_before: Moment::default(),
            });
            entry.held = Held::Doubtful;
            // Who waits for what was refused alone gets something even so (see `target`).
            let waits = entry.manner == Manner::Answer && self.refused.contains_key(&name);
            entry.manner = if waits { Manner::Answer } else { Manner::Alone };
            if let Some(again) = again.filter(|_| alone) {
                (entry.manner, entry.not_before) = (Manner::Push, again);
            }
            entry.accepted = sent.accepted;
            entry.reports = sent.reports;
            entry.since = entry.since.min(sent.since);
            entry.perhaps = sent.perhaps;
        }
        guilty
    }

    /// The first request: what does the client lack of what it wants?
    fn begin(&mut self, wish: &Wish, view: View<'_>) {
        let table = view.snapshot.table(self.type_url);
        let reported = self.reported(wish, view);
        if let Wish::Whole { version, .. } = wish {
            self.acknowledged = Version::parse(version);
        }
        self.greet = self.subscription.wildcard() && reported.is_empty();
        let mut names: BTreeSet<Name> = self.subscription.names().clone();
        if self.subscription.wildcard() {
            names.extend(table.iter().map(|(name, _)| name.clone()));
            names.extend(reported.keys().cloned());
            names.extend(view.refusals.unreported(self.type_url).cloned());
        }
        for name in names {
            let unreported =
                if self.subscription.names_it(&name) { Held::Awaited } else { Held::Nothing };
            let reports = reported.get(&name).copied().and_then(Held::version);
            let taint = (name, reports);
            let tainted = view.refusals.is_tainted(self.type_url, &taint);
            let name = taint.0;
            let held = match reported.get(&name) {
                _ if tainted || self.owed.contains(&name) => Held::Doubtful,
                Some(held) => *held,
                None => unreported,
            };
            self.expect(name.clone(), held, view);
            if let Some(pending) = self.pending.get_mut(&name) {
                pending.reports = reports;
            }
        }
    }

    /// What a client says that it holds, in its first request.
    fn reported(&self, wish: &Wish, view: View<'_>) -> BTreeMap<Name, Held> {
        let table = view.snapshot.table(self.type_url);
        match wish {
            Wish::Change { holds, .. } => {
                let held = holds.iter().map(|(text, version)| {
                    let name = table.name(text).cloned().unwrap_or_else(|| Name::from(&**text));
                    (name, Version::parse(version).map_or(Held::Doubtful, Held::Version))
                });
                held.collect()
            }
            Wish::Whole { version, .. } if self.trusts(version, view) => {
                let covered = table.iter().filter(|(name, _)| self.subscription.covers(name));
                covered.map(|(name, each)| (name.clone(), Held::Version(each.version))).collect()
            }
            Wish::Whole { .. } => BTreeMap::new(),
        }
    }

    /// Whether a state-of-the-world client has what it reports, and that is what is published.
    ///
    /// With several names it may not: a client that gives up a name and asks for it again has lost the resource, and
    /// goes on reporting the version that stands for it as well.
    fn trusts(&self, reported: &str, view: View<'_>) -> bool {
        if self.setting == Setting::Aggregated && !self.subscription.wildcard() {
            return false;
        }
        let current = self.version(view);
        let taint = (Name::from(WILDCARD), Some(current));
        reported == current.to_string() && !view.refusals.is_tainted(self.type_url, &taint)
    }

    /// Notes under a name that the Envoy asked for what it holds.
    fn expect(&mut self, name: Name, held: Held, view: View<'_>) {
        let absent = !view.snapshot.contains(self.type_url, &name);
        let reported_cluster = absent && self.type_url == TypeUrl::Cluster && held != Held::Awaited;
        let (manner, not_before) = if reported_cluster {
            (Manner::Push, view.now + REPORTED_CLUSTER_GRACE)
        } else {
            (Manner::Answer, Moment::default())
        };
        let since = view.snapshot.epoch;
        let published = view.snapshot.table(self.type_url).get(&name);
        let reports = match published {
            Some(published) => Some(published.version),
            None => self.absent(&name).held().and_then(Held::version),
        };
        // It may have this form already, and use it before it is answered.
        let perhaps = published.cloned().into_iter().collect();
        let fresh = Pending { held, accepted: None, perhaps, since, reports, manner, not_before };
        let refused = self.refused.contains_key(&name);
        let entry = self.pending.entry(name).or_insert(fresh);
        entry.held = held;
        // What was refused alone is not tried again for its own sake, but it is for an Envoy that waits.
        entry.manner = if refused { manner } else { entry.manner.max(manner) };
        entry.not_before = not_before;
    }

    /// A later request: answers whatever was asked for, even if unchanged.
    fn shift(&mut self, shift: Shift, view: View<'_>) {
        let table = view.snapshot.table(self.type_url);
        if shift.not_all {
            let subscription = &self.subscription;
            self.pending.retain(|name, _| subscription.covers(name));
            self.refused.retain(|name, _| subscription.covers(name));
        }
        for name in shift.dropped {
            self.owed.remove(&name);
            if self.subscription.wildcard() {
                // The client dropped the resource, and cannot tell whether `*` still stands for it: tell it.
                self.expect(name, Held::Doubtful, view);
            } else {
                self.pending.remove(&name);
                self.refused.remove(&name);
            }
        }
        if shift.all {
            self.greet = true;
            let names: Vec<Name> = table.iter().map(|(name, _)| name.clone()).collect();
            for name in names {
                self.expect(name, Held::Awaited, view);
            }
        }
        for name in shift.asked {
            self.expect(name, Held::Awaited, view);
        }
    }

    /// Every resource that a form refers to which the Envoy may be using and which is not the published one.
    pub(crate) fn superseded(&self, view: View<'_>, tell: &mut dyn FnMut(&Reference)) {
        let table = view.snapshot.table(self.type_url);
        let mut note = |name: &Name, form: &Resource| {
            if table.get(name).is_none_or(|published| published.version != form.version) {
                form.references().for_each(&mut *tell);
            }
        };
        for (name, pending) in &self.pending {
            pending.accepted.iter().chain(&pending.perhaps).for_each(|form| note(name, form));
        }
        for sent in self.flights.iter().flat_map(|flight| &flight.contents) {
            let forms = sent.accepted.iter().chain(&sent.form).chain(&sent.perhaps);
            forms.for_each(|form| note(&sent.name, form));
        }
    }

    /// Whether the Envoy has, or has been sent, nothing under a name that is published and may yet be sent.
    pub(crate) fn lacks(&self, name: &str) -> bool {
        self.first == First::No
            && !self.refused.contains_key(name)
            && self
                .pending
                .get(name)
                .is_some_and(|pending| matches!(pending.held, Held::Nothing | Held::Awaited))
    }

    /// See [`Look::WithRoom`].
    pub(crate) fn is_crowded(&self) -> bool {
        self.look == Look::WithRoom && self.flights.len() > ALONE_IN_FLIGHT / 2
    }

    /// Names under which the Envoy has not accepted what is published.
    pub(crate) fn outstanding(&self, view: View<'_>, out: &mut Vec<Outstanding>) {
        let mut names: BTreeMap<&Name, Outstanding> = BTreeMap::new();
        let mut add = |name, accepted: Option<Version>, since| {
            names.entry(name).or_insert_with(|| Outstanding {
                type_url: self.type_url,
                name: Name::clone(name),
                accepted,
                since,
            });
        };
        for sent in self.flights.iter().flat_map(|flight| &flight.contents) {
            if self.subscription.covers(&sent.name) {
                add(&sent.name, sent.accepted.as_ref().map(|form| form.version), sent.since);
            }
        }
        for (name, pending) in &self.pending {
            let published = view.snapshot.contains(self.type_url, name);
            if published || self.type_url != TypeUrl::RouteConfiguration {
                add(name, pending.accepted.as_ref().map(|form| form.version), pending.since);
            }
        }
        out.extend(names.into_values());
    }
}
