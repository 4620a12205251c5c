//! What is planned in each state, and that no order of writes, crashes, pauses and delays parts the two sides.

mod states;
mod walk;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contour_k8s::secret::Secret;

use super::*;
use crate::certificates::{Bundle, KeyType, Namespace, Request, Side, issue};

const HOUR: Duration = Duration::from_hours(1);
const SETTLE: Duration = Duration::from_mins(3);
const LIFETIME: Duration = Duration::from_hours(90);

fn namespace() -> Namespace {
    Namespace::new("projectcontour").expect("a name")
}

fn settings() -> Settings {
    Settings { lifetime: LIFETIME, settle: SETTLE, ..Settings::new(namespace()) }
}

/// So long after a moment that is long after the beginning of all clocks.
fn at(since: Duration) -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(500_000) + since
}

fn bundle(now: SystemTime) -> Bundle {
    let namespace = namespace();
    let request =
        Request { namespace: &namespace, lifetime: LIFETIME, key_type: KeyType::P256, now };
    issue(&request).expect("certificates")
}

/// Both Secrets, or what is in their place.
#[derive(Clone, Debug, Default, PartialEq)]
struct World {
    contour: Option<Secret>,
    envoy: Option<Secret>,
}

impl World {
    /// As they are made at this moment.
    fn made(now: SystemTime) -> World {
        let mut world = World::default();
        world.go_on(now, 2);
        world
    }

    fn get(&self, side: Side) -> Option<&Secret> {
        match side {
            Side::Contour => self.contour.as_ref(),
            Side::Envoy => self.envoy.as_ref(),
        }
    }

    fn put(&mut self, side: Side, secret: Option<Secret>) {
        match side {
            Side::Contour => self.contour = secret,
            Side::Envoy => self.envoy = secret,
        }
    }

    fn plan(&self, now: SystemTime) -> Plan {
        let found = |side| match self.get(side).map(read) {
            None => Found::Missing,
            Some(Ok(held)) => Found::Held(held),
            Some(Err(problem)) => Found::Strange(problem),
        };
        plan(now, &found(Side::Contour), &found(Side::Envoy), &settings())
    }

    /// Does what is planned; crashes after so many writes.
    fn go_on(&mut self, now: SystemTime, writes: usize) {
        let Plan::Write(planned) = self.plan(now) else { panic!("there is nothing to do") };
        let bundle = bundle(now);
        for write in planned.iter().take(writes) {
            let after = apply(write, self.get(write.side), &bundle, &namespace(), now);
            self.put(write.side, Some(after));
        }
    }
}
