//! Several leaders that pause and crash anywhere, clocks that go on meanwhile, and pods that see Secrets late.

use proptest::prelude::*;

use super::*;

/// How long a write may be under way; pods see it within the rest of the time that is waited.
const UNDER_WAY: Duration = Duration::from_secs(10);

/// How far back in time what a pod sees may be.
const LAG: Duration = Duration::from_secs(180 - 10);

/// A Secret as it was from a moment on.
#[derive(Clone, Debug)]
struct Version {
    from: SystemTime,
    held: Held,
}

/// What the API server has, and has had.
#[derive(Debug)]
struct Store {
    world: World,
    /// Counts writes: a write over something else than what was read is refused.
    versions: [u64; 2],
    history: [Vec<Version>; 2],
}

impl Store {
    fn new(now: SystemTime) -> Store {
        let world = World::made(now);
        let version = |side| Version {
            from: now,
            held: read(world.get(side).expect("a Secret")).expect("good"),
        };
        let history = Side::BOTH.map(|side| vec![version(side)]);
        Store { world, versions: [0; 2], history }
    }

    fn write(&mut self, side: Side, over: u64, secret: Secret, now: SystemTime) -> bool {
        if self.versions[side as usize] != over {
            return false;
        }
        let held = read(&secret).expect("what is written can be read");
        self.world.put(side, Some(secret));
        self.versions[side as usize] += 1;
        self.history[side as usize].push(Version { from: now, held });
        true
    }

    /// What pods may see.
    fn seen(&self, side: Side, now: SystemTime) -> impl Iterator<Item = &Held> {
        let history = &self.history[side as usize];
        let until = history.iter().skip(1).map(|version| Some(version.from)).chain([None]);
        let seen = history.iter().zip(until);
        let seen = seen.filter(move |(_, until)| until.is_none_or(|until| until + LAG > now));
        seen.map(|(version, _)| &version.held)
    }

    /// Whatever either side's pods see, they trust each other, and nothing has expired.
    fn check(&self, now: SystemTime) -> Result<(), TestCaseError> {
        for (side, other) in [(Side::Contour, Side::Envoy), (Side::Envoy, Side::Contour)] {
            for shown in self.seen(side, now) {
                prop_assert!(shown.current.end > now, "{side} shows what has expired");
                for trusting in self.seen(other, now) {
                    prop_assert!(
                        trusting.authorities.contains(&shown.current.signer),
                        "{other} does not trust what {side} shows"
                    );
                }
            }
        }
        Ok(())
    }
}

/// One that believes to lead: what it has read, and what of its plan it has not done yet.
#[derive(Debug)]
struct Leader {
    seen: World,
    versions: [u64; 2],
    bundle: Bundle,
    left: Vec<Write>,
}

impl Leader {
    fn new(store: &Store, now: SystemTime) -> Leader {
        let left = match store.world.plan(now) {
            Plan::Write(writes) => writes,
            _ => Vec::new(),
        };
        Leader { seen: store.world.clone(), versions: store.versions, bundle: bundle(now), left }
    }

    /// The next of its writes, begun before it arrives.
    fn go_on(&mut self, store: &mut Store, now: SystemTime, under_way: Duration) {
        if self.left.is_empty() {
            return;
        }
        let write = self.left.remove(0);
        let before = self.seen.get(write.side);
        let secret = apply(&write, before, &self.bundle, &namespace(), now - under_way);
        if !store.write(write.side, self.versions[write.side as usize], secret, now) {
            self.left.clear();
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// A leader, of two, reads and plans; what it had planned before is lost.
    Read(usize),
    /// It writes what is next; the write was so many seconds under way.
    Write(usize, u64),
    /// So many seconds go by.
    Pass(u64),
    /// So much time goes by that there is something to do.
    Skip,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..2_usize).prop_map(Step::Read),
        6 => ((0..2_usize), (0..=UNDER_WAY.as_secs())).prop_map(|(who, late)| Step::Write(who, late)),
        4 => (1..200_u64).prop_map(Step::Pass),
        2 => Just(Step::Skip),
    ]
}

/// Lets somebody lead without a break until nothing is left to do.
fn catch_up(store: &mut Store, mut now: SystemTime) -> Result<SystemTime, TestCaseError> {
    loop {
        let mut leader = Leader::new(store, now);
        if leader.left.is_empty() {
            match store.world.plan(now) {
                Plan::Wait(until) if until <= now + SETTLE => now = until,
                _ => return Ok(now),
            }
        }
        while !leader.left.is_empty() {
            leader.go_on(store, now, Duration::ZERO);
        }
        store.check(now)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn at_each_moment_each_side_trusts_what_the_other_shows(steps in prop::collection::vec(step(), 1..120)) {
        let mut now = at(Duration::ZERO);
        let mut store = Store::new(now);
        let mut leaders = [Leader::new(&store, now), Leader::new(&store, now)];
        for step in steps {
            match step {
                Step::Read(who) => leaders[who] = Leader::new(&store, now),
                Step::Write(who, late) => {
                    leaders[who].go_on(&mut store, now, Duration::from_secs(late));
                }
                Step::Pass(seconds) => now += Duration::from_secs(seconds),
                Step::Skip => {
                    if let Plan::Wait(until) = store.world.plan(now) {
                        now = until;
                    }
                }
            }
            store.check(now)?;
            // Somebody leads at least when a quarter of the time is left; what expires is another test's.
            let ends = store.seen(Side::Contour, now).chain(store.seen(Side::Envoy, now));
            let end = ends.map(|held| held.current.end).min().expect("they show something");
            if end < now + LIFETIME / 4 {
                now = catch_up(&mut store, now)?;
            }
        }
    }
}

#[test]
fn whatever_was_written_before_a_crash_the_next_leader_ends_it() {
    const DUE: Duration = Duration::from_hours(60);
    // Up to six writes make a renewal; the crash is after each of them.
    for crash in 0..=6 {
        let mut now = at(DUE);
        let mut store = Store::new(at(Duration::ZERO));
        let mut writes = 0;
        while writes < crash {
            let mut leader = Leader::new(&store, now);
            if leader.left.is_empty() {
                now += SETTLE;
                continue;
            }
            while !leader.left.is_empty() && writes < crash {
                leader.go_on(&mut store, now, Duration::ZERO);
                writes += 1;
                store.check(now).expect("they trust each other");
            }
        }
        let end = catch_up(&mut store, now).expect("they trust each other");
        for side in Side::BOTH {
            let held = read(store.world.get(side).expect("a Secret")).expect("good");
            assert_eq!((held.authorities.len(), held.next, held.since), (1, None, Since::Ever));
            assert!(held.current.end > end + DUE, "it is a new one");
        }
    }
}
