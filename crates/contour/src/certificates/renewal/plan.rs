//! What is to be written next.

use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;

use super::held::{Held, Leaf, Problem, Since};
use crate::certificates::{Namespace, Side};

/// How certificates are renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the Secrets are.
    pub namespace: Namespace,
    /// How long new certificates are valid. They are renewed when a third of that is left.
    pub lifetime: Duration,
    /// How long it may take from when a write is begun until every pod has seen it.
    pub settle: Duration,
}

impl Settings {
    /// As users have them.
    pub const fn new(namespace: Namespace) -> Settings {
        Settings {
            namespace,
            lifetime: Duration::from_hours(365 * 24),
            // A kubelet looks once a minute, and what it sees then may be as old.
            settle: Duration::from_mins(3),
        }
    }

    fn due(&self, leaf: &Leaf) -> SystemTime {
        leaf.end.checked_sub(self.lifetime / 3).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// What was found in the place of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Missing,
    /// One that is not for us to change.
    Strange(Problem),
    /// One that can be renewed.
    Held(Held),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing before this moment.
    Wait(SystemTime),
    /// Nothing: one of them is not for us to change.
    Leave(Side, Problem),
    /// Nothing: by our clock one of them is not valid yet, so it is not our clock that says when it is not any more.
    ClockBehind(Side),
    /// To write these, one after the other.
    Write(Vec<Write>),
}

/// A write to the Secret of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Whose.
    pub side: Side,
    /// What becomes of it.
    pub change: Change,
}

/// What becomes of a Secret. New certificates that one plan speaks of are those of one new authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is made, with a new certificate, and trusts these beside the new authority.
    Create {
        /// Whom it trusts, too.
        trusted: Vec<CertificateDer<'static>>,
    },
    /// Phase 1: it trusts these beside the new authority, shows what it showed, and has a new certificate in reserve.
    Introduce {
        /// Whom it trusts, too.
        trusted: Vec<CertificateDer<'static>>,
    },
    /// Phase 2: what it has in reserve is what it shows.
    Promote,
    /// Phase 3: it trusts these and nobody else.
    Retire {
        /// Whom it trusts.
        trusted: Vec<CertificateDer<'static>>,
    },
    /// Everything is new: what is there has expired, so that nothing can be lost.
    Replace,
    /// It stays as it is, from now on: since when it is so is unknown, or yet to come.
    Restamp,
}

/// What is to be done about what was found.
pub fn plan(now: SystemTime, contour: &Found, envoy: &Found, settings: &Settings) -> Plan {
    match (contour, envoy) {
        (Found::Strange(problem), _) => Plan::Leave(Side::Contour, problem.clone()),
        (_, Found::Strange(problem)) => Plan::Leave(Side::Envoy, problem.clone()),
        (Found::Held(contour), Found::Held(envoy)) => Pair { contour, envoy }.plan(now, settings),
        (Found::Missing, Found::Missing) => {
            let create = |side| write(side, Change::Create { trusted: Vec::new() });
            Plan::Write(Side::BOTH.map(create).into())
        }
        // The one that is there first: what is made trusts it and is to be trusted by it.
        (Found::Held(there), Found::Missing) => beside(Side::Contour, there, Side::Envoy),
        (Found::Missing, Found::Held(there)) => beside(Side::Envoy, there, Side::Contour),
    }
}

fn write(side: Side, change: Change) -> Write {
    Write { side, change }
}

/// What is made trusts whom the other trusts: its pods may be there still, and show what they had.
fn beside(side: Side, there: &Held, missing: Side) -> Plan {
    let in_reserve = there.next.as_ref().map(|next| &next.signer);
    let trusted = there.authorities.iter();
    let trusted =
        trusted.filter(|each| **each == there.current.signer || Some(*each) != in_reserve);
    let trusted: Vec<_> = trusted.cloned().collect();
    Plan::Write(vec![
        write(side, Change::Introduce { trusted: trusted.clone() }),
        write(missing, Change::Create { trusted }),
    ])
}

/// Both Secrets.
#[derive(Clone, Copy)]
struct Pair<'a> {
    contour: &'a Held,
    envoy: &'a Held,
}

impl<'a> Pair<'a> {
    fn of(self, side: Side) -> &'a Held {
        match side {
            Side::Contour => self.contour,
            Side::Envoy => self.envoy,
        }
    }

    fn other(self, side: Side) -> &'a Held {
        match side {
            Side::Contour => self.envoy,
            Side::Envoy => self.contour,
        }
    }

    fn plan(self, now: SystemTime, settings: &Settings) -> Plan {
        let sides = || Side::BOTH.into_iter();
        if let Some(side) = sides().find(|side| self.of(*side).current.begin > now) {
            return Plan::ClockBehind(side);
        }
        let unsure: Vec<Side> = sides().filter(|side| self.is_unsure(*side, now)).collect();
        if !unsure.is_empty() {
            return Plan::Write(each(unsure, |_| Change::Restamp));
        }
        let expired = sides().any(|side| self.of(side).current.end <= now);
        let settled = sides().map(|side| settled(self.of(side), settings)).max().flatten();
        let is_settled = expired || settled.is_none_or(|settled| settled <= now);

        let reserved: Vec<Side> = sides().filter(|side| self.of(*side).next.is_some()).collect();
        let in_order =
            self.trust_each_other() && reserved.iter().all(|side| self.can_follow(*side, now));
        if in_order && !reserved.is_empty() {
            if is_settled {
                return Plan::Write(each(reserved, |_| Change::Promote));
            }
        } else if expired {
            return Plan::Write(each(Side::BOTH, |_| Change::Replace));
        } else if !in_order {
            return self.introduce();
        } else if is_settled {
            let stamped = sides().filter(|side| self.of(*side).since != Since::Ever);
            let stamped: Vec<Side> = stamped.collect();
            if !stamped.is_empty() {
                let trusted = self.signers();
                return Plan::Write(each(stamped, |_| Change::Retire { trusted: trusted.clone() }));
            }
            if self.due(settings) <= now {
                return self.introduce();
            }
        }
        self.wait(now, settled, settings)
    }

    /// Whether it is unknown since when a side is as it is, or that is yet to come, because a clock was changed.
    fn is_unsure(self, side: Side, now: SystemTime) -> bool {
        match self.of(side).since {
            Since::Ever => false,
            Since::At(since) => since > now,
            Since::Unknown => true,
        }
    }

    /// Those who have signed what is shown.
    fn signers(self) -> Vec<CertificateDer<'static>> {
        let mut signers: Vec<_> =
            Side::BOTH.map(|side| self.of(side).current.signer.clone()).into();
        signers.dedup();
        signers
    }

    fn trust_each_other(self) -> bool {
        let mut sides = Side::BOTH.into_iter();
        sides.all(|side| self.other(side).authorities.contains(&self.of(side).current.signer))
    }

    /// Whether what a side has in reserve is valid, and trusted by the other.
    fn can_follow(self, side: Side, now: SystemTime) -> bool {
        self.of(side).next.as_ref().is_some_and(|next| {
            next.begin <= now
                && next.end > now
                && self.other(side).authorities.contains(&next.signer)
        })
    }

    /// Begins anew. Whom either side trusts stays trusted, since pods may still show what those have signed; but not who has
    /// signed what was only in reserve: that was never shown, and what belongs to it may be lost.
    fn introduce(self) -> Plan {
        let signers = self.signers();
        let in_reserve: Vec<&CertificateDer<'_>> = Side::BOTH
            .into_iter()
            .filter_map(|side| Some(&self.of(side).next.as_ref()?.signer))
            .collect();
        let change = |side| {
            let held = self.of(side).authorities.iter();
            let held = held.filter(|each| !signers.contains(each) && !in_reserve.contains(each));
            Change::Introduce { trusted: signers.iter().chain(held).cloned().collect() }
        };
        Plan::Write(each(Side::BOTH, change))
    }

    fn due(self, settings: &Settings) -> SystemTime {
        let [one, other] = Side::BOTH.map(|side| settings.due(&self.of(side).current));
        one.min(other)
    }

    /// Until something changes by itself.
    fn wait(self, now: SystemTime, settled: Option<SystemTime>, settings: &Settings) -> Plan {
        let ends = Side::BOTH.map(|side| self.of(side).current.end);
        let moments = [settled, Some(self.due(settings)), Some(ends[0]), Some(ends[1])];
        let coming = moments.into_iter().flatten().filter(|moment| *moment > now).min();
        Plan::Wait(coming.unwrap_or(now))
    }
}

fn each(sides: impl IntoIterator<Item = Side>, change: impl Fn(Side) -> Change) -> Vec<Write> {
    sides.into_iter().map(|side| write(side, change(side))).collect()
}

/// When every pod has seen it; `None`: long ago.
fn settled(held: &Held, settings: &Settings) -> Option<SystemTime> {
    match held.since {
        Since::At(since) => Some(since.checked_add(settings.settle).unwrap_or(since)),
        Since::Ever | Since::Unknown => None,
    }
}
