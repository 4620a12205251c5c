//! Listeners or clusters of a state-of-the-world stream: each response contains all of them, and what it leaves out
//! the Envoy removes.
//!
//! So a resource cannot be tried alone. After a refusal the state that was accepted last is the ground, and what
//! changed since is tried on top of it: without those that Envoy's text names; or, if it names none, one half after the
//! other, until the guilty stands alone. A refused resource stays in its accepted form.
//!
//! An Envoy that comes from another stream holds things we do not know. Leaving something out to see whether the rest
//! is accepted would take it from the Envoy; so there nothing is tried that the text does not accuse.

use std::collections::{BTreeMap, BTreeSet};

use crate::exchange::{Ask, Batch, Item, Nonce, Novelty, Outcome, Verdict, View, Wish};
use crate::lane::{Heard, Outstanding, Setting};
use crate::order::Gate;
use crate::pace::{Pace, Turn, retry_after};
use crate::redact::{Blame, redact};
use crate::refusals::{Mark, Refused, Taint};
use crate::resource::{Name, Reference, Resource, TypeUrl, Version};
use crate::snapshot::{Difference, Table};
use crate::subscription::{First, Shift, Subscription, WILDCARD};
use crate::time::Moment;
use crate::wire::Status;

/// One type of one stream, of which each response contains everything. See the module's description.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    type_url: TypeUrl,
    open: bool,
    /// The client waits for an answer: send at once, even if nothing changed.
    answer: bool,
    /// The last request did not answer the newest response.
    stale: bool,
    subscription: Subscription,
    /// What the newest response contained.
    sent: Table,
    /// What the Envoy accepted last.
    accepted: Table,
    /// Whether it holds just that.
    certain: Certain,
    flights: Vec<Flight>,
    /// Groups of changes that are tried one after the other, the last first.
    trials: Vec<BTreeSet<Name>>,
    refused: BTreeMap<Name, Refused>,
    /// Those of them whose reason may pass, and when they are tried again.
    passing: Option<(Moment, BTreeSet<Name>)>,
    /// How often in a row that was.
    retries: u32,
    /// What the client acknowledged last, and would report.
    acknowledged: Option<Version>,
    /// A report that this stream made untrustworthy and that has not been replaced since.
    tainted: Option<Taint>,
    pace: Pace,
    newest_nonce: u64,
    retry_at: Option<Moment>,
    /// The newest epoch that was accepted completely.
    settled: u64,
}

/// Whether what an Envoy holds is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certain {
    Yes,
    No,
}

/// A response that was not answered yet.
#[derive(Clone, Debug)]
struct Flight {
    nonce: u64,
    sent_at: Moment,
    table: Table,
    version: Version,
    /// The epoch that is accepted completely once this is accepted; 0 if something was held back.
    settles: u64,
}

impl Whole {
    pub(crate) fn new(type_url: TypeUrl, setting: Setting) -> Whole {
        Whole {
            type_url,
            open: false,
            answer: false,
            stale: false,
            subscription: Subscription::default(),
            sent: Table::default(),
            accepted: Table::default(),
            certain: Certain::No,
            flights: Vec::new(),
            trials: Vec::new(),
            refused: BTreeMap::new(),
            passing: None,
            retries: 0,
            acknowledged: None,
            tainted: None,
            pace: Pace::new(type_url, setting),
            newest_nonce: 0,
            retry_at: None,
            settled: 0,
        }
    }

    pub(crate) fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        self.retry_at
    }

    /// Looks at the newest snapshot.
    pub(crate) fn advance(&mut self, view: View<'_>) {
        let table = view.snapshot.table(self.type_url);
        self.refused.retain(|name, refused| {
            table.get(name).is_some_and(|published| published.version == refused.version)
        });
        if self.open
            && self.flights.is_empty()
            && self.wanted(table, &self.accepted).next().is_none()
        {
            self.settled = view.snapshot.epoch;
        }
    }

    /// What a table lacks of the published one, as far as the client wants it.
    fn wanted<'a>(
        &'a self,
        published: &'a Table,
        table: &'a Table,
    ) -> impl Iterator<Item = Difference<'a>> {
        table.diff(published).filter(|each| self.subscription.covers(each.name))
    }

    /// Takes in a request.
    pub(crate) fn hear(&mut self, ask: Ask, view: View<'_>) -> Heard {
        let mut heard = Heard::default();
        let stale = ask.nonce.is_stale(self.newest_nonce);
        if let Nonce::Number(number) = ask.nonce {
            self.answered(number, ask.error.as_ref(), view.now, &mut heard);
        }
        let first = if self.open { First::No } else { First::Yes };
        self.stale = first == First::No && stale; // see `Each::hear`
        let table = view.snapshot.table(self.type_url);
        let shift = self.subscription.apply(&ask.wish, first, table);
        heard.interests(self.type_url, &shift);
        match first {
            First::Yes => self.begin(&ask.wish, view),
            First::No => self.shift(&shift),
        }
        heard
    }

    /// The first request: does the client already have everything?
    fn begin(&mut self, wish: &Wish, view: View<'_>) {
        self.open = true;
        let version = match wish {
            Wish::Whole { version, .. } => version.as_str(),
            Wish::Change { .. } => "",
        };
        let has = self.covered(view.snapshot.table(self.type_url));
        self.acknowledged = Version::parse(version);
        let taint = (Name::from(WILDCARD), self.acknowledged);
        let trusted = !view.refusals.is_tainted(self.type_url, &taint);
        if trusted && self.acknowledged == Some(has.version()) {
            (self.sent, self.accepted, self.certain) = (has.clone(), has, Certain::Yes);
            self.settled = view.snapshot.epoch;
            return;
        }
        self.answer = true;
        self.certain = if trusted && version.is_empty() { Certain::Yes } else { Certain::No };
    }

    /// A later request: new names are answered at once.
    fn shift(&mut self, shift: &Shift) {
        self.answer |= shift.all || !shift.asked.is_empty();
        if shift.not_all || !shift.dropped.is_empty() {
            self.sent = self.covered(&self.sent);
            self.accepted = self.covered(&self.accepted);
        }
    }

    /// What of a table the client wants.
    fn covered(&self, table: &Table) -> Table {
        if self.subscription.wildcard() {
            return table.clone();
        }
        let mut covered = Table::default();
        for name in self.subscription.names() {
            covered.put(name, table.get(name).cloned());
        }
        covered
    }

    /// Notes the answer to a response.
    fn answered(&mut self, nonce: u64, error: Option<&Status>, now: Moment, heard: &mut Heard) {
        let Some(at) = self.flights.iter().position(|flight| flight.nonce == nonce) else { return };
        let flight = self.flights.drain(..=at).next_back().expect("drains at least one");
        self.pace.answered(flight.sent_at, now);
        let news = self.accepted.diff(&flight.table);
        let news = news.map(|each| (each.name.clone(), each.new.map(|new| new.version)));
        heard.verdict = Some(Verdict {
            type_url: self.type_url,
            nonce,
            version: flight.version,
            contents: news.collect(),
            outcome: Outcome::Accepted,
        });
        match error {
            None => self.accept(flight, heard),
            Some(error) => {
                let guilty = self.refuse(&flight, &error.message, heard);
                if Blame::read(&error.message).may_pass() && !guilty.is_empty() {
                    self.retries += 1;
                    let names = guilty.iter().cloned().collect();
                    self.passing = Some((now + retry_after(self.retries), names));
                }
                heard.refused(redact(self.type_url, &error.message), guilty);
            }
        }
    }

    fn accept(&mut self, flight: Flight, heard: &mut Heard) {
        self.trials.pop();
        self.certain = Certain::Yes;
        if self.passing.is_none() {
            self.retries = 0;
        }
        self.accepted = self.covered(&flight.table);
        if self.flights.is_empty() {
            self.sent = self.accepted.clone();
        }
        self.settled = self.settled.max(flight.settles);
        self.acknowledged = Some(flight.version);
        if let Some(taint) = self.tainted.take() {
            heard.marks.push(Mark::Healed(self.type_url, taint));
        }
    }

    /// Notes that the client may be using something else than it would report.
    fn taint(&mut self) -> Option<Mark> {
        if self.tainted.is_some() {
            return None;
        }
        let taint = (Name::from(WILDCARD), self.acknowledged);
        self.tainted = Some(taint.clone());
        Some(Mark::Tainted(self.type_url, taint))
    }

    /// What was sent and not answered yet, and was not accepted before.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &Resource> {
        let tables = self.flights.iter().map(|flight| &flight.table);
        tables.flat_map(|table| self.accepted.diff(table)).filter_map(|each| each.new)
    }

    /// The stream ended: its client may be using what was in the responses whose answers are lost, and report any of
    /// those before.
    pub(crate) fn close(&mut self) -> Vec<Mark> {
        let flights = std::mem::take(&mut self.flights);
        let Some((_, earlier)) = flights.split_last() else { return Vec::new() };
        let wildcard = || Name::from(WILDCARD);
        let earlier = earlier.iter().map(|flight| (wildcard(), Some(flight.version)));
        let type_url = self.type_url;
        let earlier = earlier.map(|taint| Mark::Tainted(type_url, taint));
        earlier.chain(self.taint()).collect()
    }

    /// Notes a refusal and decides what to try next. Returns the names that are known to be guilty.
    fn refuse(&mut self, flight: &Flight, text: &str, heard: &mut Heard) -> Vec<Name> {
        let news = self.accepted.diff(&flight.table);
        let suspects: BTreeSet<Name> =
            news.filter(|each| each.new.is_some()).map(|each| each.name.clone()).collect();
        heard.marks.extend(self.taint());
        let blame = Blame::read(text);
        let named: BTreeSet<&Name> =
            flight.table.iter().map(|(name, _)| name).filter(|name| blame.names(name)).collect();
        let rest_applied = blame.rest_was_applied() && !named.is_empty();
        let mut guilty: BTreeSet<Name> =
            suspects.iter().filter(|name| named.contains(name)).cloned().collect();
        if guilty.is_empty() && !rest_applied && suspects.len() == 1 && self.certain == Certain::Yes
        {
            guilty.clone_from(&suspects);
        }
        for name in &guilty {
            self.condemn(name, flight, heard);
        }
        self.trials.pop();
        if rest_applied {
            self.keep_all_but(&guilty, flight);
        } else if self.certain == Certain::No {
            if !guilty.is_empty() {
                (self.sent, self.answer) = (Table::default(), true);
            }
        } else if self.flights.is_empty() {
            self.try_again(suspects, &guilty, flight);
        } else {
            self.revert(&guilty, flight); // what follows contains the rest; its answer decides
        }
        guilty.into_iter().collect()
    }

    fn condemn(&mut self, name: &Name, flight: &Flight, heard: &mut Heard) {
        let Some(form) = flight.table.get(name) else { return };
        let good = self.accepted.get(name).cloned();
        let refused = Refused { version: form.version, good };
        self.refused.insert(name.clone(), refused.clone());
        heard.marks.push(Mark::Refused(self.type_url, name.clone(), refused));
    }

    /// Puts the guilty back to their accepted form in what is sent next, unless another form was sent since.
    fn revert(&mut self, guilty: &BTreeSet<Name>, flight: &Flight) {
        let version = |table: &Table, name: &Name| table.get(name).map(|form| form.version);
        for name in guilty {
            if version(&self.sent, name) == version(&flight.table, name) {
                self.sent.put(name, self.accepted.get(name).cloned());
            }
        }
    }

    /// Envoy applied everything but what it named.
    ///
    /// Where the guilty one's form before is not known it stays in, although refused: left out, it would be removed.
    fn keep_all_but(&mut self, guilty: &BTreeSet<Name>, flight: &Flight) {
        let mut kept = self.covered(&flight.table);
        for name in guilty {
            let before = self.accepted.get(name).cloned();
            if before.is_some() || self.certain == Certain::Yes {
                kept.put(name, before);
            }
        }
        (self.accepted, self.certain) = (kept, Certain::Yes);
        if self.flights.is_empty() {
            self.sent = self.accepted.clone();
        } else {
            self.revert(guilty, flight);
        }
    }

    /// Nothing is known to have been applied: back to what was accepted, and on from there.
    fn try_again(&mut self, suspects: BTreeSet<Name>, guilty: &BTreeSet<Name>, flight: &Flight) {
        self.sent = self.accepted.clone();
        if suspects.is_empty() {
            // It refused that something is gone, which must not become a loop.
            self.accepted = self.covered(&flight.table);
            self.sent = self.accepted.clone();
        } else if guilty.is_empty() {
            let mut first: Vec<Name> = suspects.into_iter().collect();
            let second = first.split_off(first.len() / 2);
            self.trials.push(second.into_iter().collect());
            self.trials.push(first.into_iter().collect());
        } else {
            self.trials.push(suspects.difference(guilty).cloned().collect());
        }
    }

    /// The response that may go now.
    pub(crate) fn compose(
        &mut self,
        view: View<'_>,
        gate: &Gate<'_>,
        nonces: &mut u64,
    ) -> Option<Batch> {
        self.retry_at = None;
        self.try_passing(view.now);
        let waits = !self.trials.is_empty() || (self.answer && self.stale);
        if !self.open || (waits && !self.flights.is_empty()) {
            return None;
        }
        let mut next = self.next(view, gate);
        while next.version() == self.sent.version() && self.trials.pop().is_some() {
            next = self.next(view, gate);
        }
        if !self.answer {
            if next.version() == self.sent.version() {
                return None;
            }
            match self.pace.turn(self.flights.len(), view.now) {
                Turn::At(moment) if self.trials.is_empty() => {
                    self.retry_at =
                        Some(self.retry_at.map_or(moment, |earlier| earlier.min(moment)));
                    return None;
                }
                Turn::OnAnswer => return None,
                Turn::Now | Turn::At(_) => {}
            }
        }
        Some(self.send(next, view, nonces))
    }

    /// Lets what was refused for a reason that may pass be tried once more, when its time has come.
    fn try_passing(&mut self, now: Moment) {
        match self.passing.take() {
            Some((at, names)) if at <= now => {
                self.refused.retain(|name, _| !names.contains(name));
            }
            Some((at, names)) => {
                self.retry_at = Some(at);
                self.passing = Some((at, names));
            }
            None => {}
        }
    }

    /// What is sent next: the newest response, and what may change in it.
    fn next(&self, view: View<'_>, gate: &Gate<'_>) -> Table {
        let mut next = self.sent.clone();
        for change in self.wanted(view.snapshot.table(self.type_url), &self.sent) {
            let refused = change
                .new
                .zip(self.refused.get(change.name))
                .is_some_and(|(new, refused)| new.version == refused.version);
            let later = self.trials.last().is_some_and(|group| !group.contains(change.name));
            let in_turn = self.answer || gate.may_go(change.name, change.new);
            if !refused && !later && in_turn {
                next.put(change.name, change.new.cloned());
            }
        }
        next
    }

    fn send(&mut self, next: Table, view: View<'_>, nonces: &mut u64) -> Batch {
        *nonces += 1;
        self.newest_nonce = *nonces;
        self.answer = false;
        self.pace.sent(view.now);
        // What is in an unanswered response may be in use or may have been refused with it.
        let novelty = |name: &Name, version| {
            let unanswered = self.flights.iter().map(|flight| &flight.table);
            let mut forms = unanswered.chain([&self.accepted]).map(|table| table.get(name));
            if forms.clone().all(|form| form.is_some_and(|form| form.version == version)) {
                Novelty::Same
            } else if forms.all(|form| form.is_none()) {
                Novelty::Added
            } else {
                Novelty::Changed
            }
        };
        let item = |(name, resource): (&Name, &Resource)| Item {
            name: name.clone(),
            resource: resource.clone(),
            novelty: novelty(name, resource.version),
        };
        let batch = Batch {
            type_url: self.type_url,
            nonce: *nonces,
            version: next.version(),
            set: next.iter().map(item).collect(),
            removed: Vec::new(),
        };
        let published = view.snapshot.table(self.type_url);
        let complete = self.wanted(published, &next).next().is_none();
        self.sent = next.clone();
        self.flights.push(Flight {
            nonce: *nonces,
            sent_at: view.now,
            version: next.version(),
            table: next,
            settles: if complete { view.snapshot.epoch } else { 0 },
        });
        batch
    }

    /// Every resource that a form refers to which the Envoy may be using and which is not the published one.
    pub(crate) fn superseded(&self, view: View<'_>, tell: &mut dyn FnMut(&Reference)) {
        let published = view.snapshot.table(self.type_url);
        let tables = self.flights.iter().map(|flight| &flight.table);
        for table in tables.chain([&self.accepted]) {
            for old in self.wanted(published, table).filter_map(|each| each.old) {
                old.references().for_each(&mut *tell);
            }
        }
    }

    /// Whether the Envoy has, or has been sent, nothing under a name that is published and may yet be sent.
    pub(crate) fn lacks(&self, name: &str, view: View<'_>) -> bool {
        self.open
            && self.sent.get(name).is_none()
            && !self.refused.contains_key(name)
            && view.snapshot.contains(self.type_url, name)
    }

    /// Names under which the Envoy has not accepted what is published.
    pub(crate) fn outstanding(&self, view: View<'_>, out: &mut Vec<Outstanding>) {
        let mut names: BTreeMap<&Name, Option<Version>> = BTreeMap::new();
        for each in self.wanted(view.snapshot.table(self.type_url), &self.accepted) {
            names.insert(each.name, each.old.map(|old| old.version));
        }
        for (name, refused) in &self.refused {
            let published = view.snapshot.table(self.type_url).get(name);
            if published.is_some_and(|published| published.version == refused.version) {
                names.insert(name, refused.good.as_ref().map(|good| good.version));
            }
        }
        out.extend(names.into_iter().map(|(name, accepted)| Outstanding {
            type_url: self.type_url,
            name: name.clone(),
            accepted,
            since: self.settled + 1,
        }));
    }
}
