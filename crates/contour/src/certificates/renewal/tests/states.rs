//! What is planned in each state.

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

/// When certificates that are made at the beginning are due: a third before their end.
const DUE: Duration = Duration::from_hours(60);

/// When they are valid for a minute yet.
const LAST_MINUTE: Duration = Duration::from_mins(90 * 60 - 1);

/// What is planned, in words: `Contour Promote, Envoy Promote`, `wait 180`, `leave Envoy`.
#[track_caller]
fn check(world: &World, now: SystemTime, expect: &str) {
    let found = match world.plan(now) {
        Plan::Write(writes) => writes.iter().map(words).collect::<Vec<_>>().join(", "),
        Plan::Wait(until) => {
            format!("wait {}", until.duration_since(now).expect("a time to come").as_secs())
        }
        Plan::Leave(side, _) => format!("leave {side:?}"),
        Plan::ClockBehind(side) => format!("clock behind {side:?}"),
    };
    assert_eq!(found, expect);
}

fn words(write: &Write) -> String {
    let change = match write.change {
        Change::Create { .. } => "Create",
        Change::Introduce { .. } => "Introduce",
        Change::Promote => "Promote",
        Change::Retire { .. } => "Retire",
        Change::Replace => "Replace",
        Change::Restamp => "Restamp",
    };
    format!("{:?} {change}", write.side)
}

/// How many each side trusts, whether it has something in reserve, and whether it shows the same as `before`.
#[track_caller]
fn check_content(world: &World, before: &World, expect: [(usize, bool, bool); 2]) {
    let found = Side::BOTH.map(|side| {
        let held = read(world.get(side).expect("a Secret")).expect("good");
        let shown = |world: &World| {
            world.get(side).and_then(|each| each.get("tls.crt").map(<[u8]>::to_vec))
        };
        (held.authorities.len(), held.next.is_some(), shown(world) == shown(before))
    });
    assert_eq!(found, expect);
}

/// In phase 1, at this moment.
fn introduced(now: SystemTime) -> World {
    let mut world = World::made(at(Duration::ZERO));
    world.go_on(now, 2);
    world
}

#[test]
fn certificates_that_are_missing_are_made() {
    let world = World::default();
    check(&world, at(HOUR), "Contour Create, Envoy Create");
    let world = World::made(at(Duration::ZERO));
    check_content(&world, &world, [(1, false, true); 2]);
    check(&world, at(HOUR), &format!("wait {}", 59 * 60 * 60));
}

#[test]
fn one_renewal_has_three_phases_and_pauses_between_them() {
    let old = World::made(at(Duration::ZERO));
    let mut world = old.clone();
    check(&world, at(DUE), "Contour Introduce, Envoy Introduce");
    world.go_on(at(DUE), 2);
    check_content(&world, &old, [(2, true, true); 2]);
    check(&world, at(DUE + MINUTE), "wait 120");

    check(&world, at(DUE + SETTLE), "Contour Promote, Envoy Promote");
    world.go_on(at(DUE + SETTLE), 2);
    check_content(&world, &old, [(2, false, false); 2]);
    check(&world, at(DUE + SETTLE + MINUTE), "wait 120");

    check(&world, at(DUE + 2 * SETTLE), "Contour Retire, Envoy Retire");
    let promoted = world.clone();
    world.go_on(at(DUE + 2 * SETTLE), 2);
    check_content(&world, &promoted, [(1, false, true); 2]);
    assert!(
        Side::BOTH.iter().all(|side| world.get(*side).expect("it").annotation(SINCE).is_none())
    );
    check(&world, at(DUE + 2 * SETTLE), &format!("wait {}", 60 * 60 * 60 - 360));
}

#[test]
fn what_was_half_introduced_is_introduced_anew() {
    let old = World::made(at(Duration::ZERO));
    let mut world = old.clone();
    world.go_on(at(DUE), 1);
    check_content(&world, &old, [(2, true, true), (1, false, true)]);
    check(&world, at(DUE + MINUTE), "Contour Introduce, Envoy Introduce");
    // However often that happens, no more authorities are kept.
    for _ in 0..5 {
        world.go_on(at(DUE + MINUTE), 1);
    }
    check_content(&world, &old, [(2, true, true), (1, false, true)]);
    world.go_on(at(DUE + MINUTE), 2);
    check_content(&world, &old, [(2, true, true); 2]);
    check(&world, at(DUE + MINUTE), "wait 180");
}

#[test]
fn two_that_were_introduced_by_different_leaders_are_introduced_anew() {
    let mut world = introduced(at(DUE));
    let other = {
        let mut other = World::made(at(Duration::ZERO));
        other.envoy.clone_from(&world.envoy);
        other
    };
    let foreign = introduced(at(DUE));
    world.envoy = foreign.envoy;
    // Neither of them trusts the other's: that is mended first of all.
    check(&world, at(DUE), "Contour Introduce, Envoy Introduce");
    check(&other, at(DUE), "Contour Introduce, Envoy Introduce");
}

#[test]
fn what_was_half_promoted_is_promoted_after_a_pause() {
    let mut world = introduced(at(DUE));
    let old = world.clone();
    world.go_on(at(DUE + SETTLE), 1);
    check_content(&world, &old, [(2, false, false), (2, true, true)]);
    check(&world, at(DUE + SETTLE), "wait 180");
    check(&world, at(DUE + 2 * SETTLE), "Envoy Promote");
    world.go_on(at(DUE + 2 * SETTLE), 1);
    check(&world, at(DUE + 3 * SETTLE), "Contour Retire, Envoy Retire");
}

#[test]
fn what_was_half_retired_is_retired() {
    let mut world = introduced(at(DUE));
    world.go_on(at(DUE + SETTLE), 2);
    let promoted = world.clone();
    world.go_on(at(DUE + 2 * SETTLE), 1);
    check_content(&world, &promoted, [(1, false, true), (2, false, true)]);
    check(&world, at(DUE + 2 * SETTLE), "Envoy Retire");
}

#[test]
fn one_that_is_missing_is_made_and_the_other_one_trusts_it() {
    for side in Side::BOTH {
        let mut world = World::made(at(Duration::ZERO));
        world.put(side, None);
        let there = if side == Side::Contour { Side::Envoy } else { Side::Contour };
        check(&world, at(HOUR), &format!("{there:?} Introduce, {side:?} Create"));
        world.go_on(at(HOUR), 1);
        check(&world, at(HOUR), &format!("{there:?} Introduce, {side:?} Create"));
        world.go_on(at(HOUR), 2);
        check(&world, at(HOUR), "wait 180");
        check(&world, at(HOUR + SETTLE), &format!("{there:?} Promote"));
        world.go_on(at(HOUR + SETTLE), 1);
        check(&world, at(HOUR + 2 * SETTLE), "Contour Retire, Envoy Retire");
    }
}

#[test]
fn what_has_expired_is_replaced_at_once() {
    let mut world = World::made(at(Duration::ZERO));
    let old = world.clone();
    check(&world, at(LIFETIME), "Contour Replace, Envoy Replace");
    world.go_on(at(LIFETIME), 1);
    check(&world, at(LIFETIME), "Contour Replace, Envoy Replace");
    world.go_on(at(LIFETIME), 2);
    check_content(&world, &old, [(1, false, false); 2]);
    check(&world, at(LIFETIME), &format!("wait {}", DUE.as_secs()));
}

#[test]
fn what_expires_while_its_successor_is_in_reserve_gives_way_without_a_pause() {
    let mut world = introduced(at(LAST_MINUTE));
    check(&world, at(LAST_MINUTE), "wait 60");
    check(&world, at(LIFETIME), "Contour Promote, Envoy Promote");
    world.go_on(at(LIFETIME), 2);
    check(&world, at(LIFETIME), "wait 180");
}

#[test]
fn sides_that_do_not_trust_each_other_are_brought_together() {
    let (one, other) = (World::made(at(Duration::ZERO)), World::made(at(Duration::ZERO)));
    let mut world = World { contour: one.contour, envoy: other.envoy };
    check(&world, at(HOUR), "Contour Introduce, Envoy Introduce");
    world.go_on(at(HOUR), 2);
    let old = world.clone();
    check_content(&world, &old, [(3, true, true); 2]);
    world.go_on(at(HOUR + SETTLE), 2);
    world.go_on(at(HOUR + 2 * SETTLE), 2);
    check_content(&world, &old, [(1, false, false); 2]);
}

#[test]
fn a_clock_that_is_behind_changes_nothing() {
    let world = World::made(at(100 * HOUR));
    check(&world, at(HOUR), "clock behind Contour");
}

#[test]
fn a_phase_that_begins_in_the_future_begins_now() {
    let mut world = introduced(at(DUE + HOUR));
    check(&world, at(DUE), "Contour Restamp, Envoy Restamp");
    let before = world.clone();
    world.go_on(at(DUE), 2);
    check_content(&world, &before, [(2, true, true); 2]);
    check(&world, at(DUE), "wait 180");
}

#[test]
fn a_phase_of_which_nobody_knows_when_it_began_begins_now() {
    let mut world = introduced(at(DUE));
    if let Some(secret) = &mut world.envoy {
        secret.annotate(SINCE, Some("yesterday".to_owned()));
    }
    check(&world, at(DUE + HOUR), "Envoy Restamp");
}

/// What is left alone when this is done to Envoy's Secret.
#[track_caller]
fn check_left(spoil: impl FnOnce(&mut Secret), expect: &str) {
    let mut world = World::made(at(Duration::ZERO));
    spoil(world.envoy.as_mut().expect("a Secret"));
    let Plan::Leave(side, problem) = world.plan(at(HOUR)) else { panic!("it is changed") };
    assert_eq!((side, problem.to_string().as_str()), (Side::Envoy, expect));
}

#[test]
fn what_we_cannot_have_written_is_left_alone() {
    let other = World::made(at(Duration::ZERO));
    let other = |key| other.envoy.as_ref().and_then(|each| each.get(key)).expect("it").to_vec();
    check_left(
        |secret| drop(secret.take("ca.crt")),
        "it is in the legacy format, without ca.crt; `contour certgen --secrets-format=compact --overwrite` writes the one that can be renewed",
    );
    check_left(|secret| drop(secret.take("tls.key")), "tls.key holds no private key in PEM format");
    check_left(
        |secret| secret.set("tls.crt", "garbage"),
        "tls.crt holds no certificate in PEM format",
    );
    check_left(
        |secret| secret.set("tls.key", other("tls.key")),
        "tls.crt and tls.key do not belong together",
    );
    check_left(
        |secret| secret.set("ca.crt", other("ca.crt")),
        "tls.crt is not signed by a certificate in ca.crt",
    );
}

#[test]
fn a_reserve_that_is_of_no_use_is_as_good_as_none() {
    let mut world = introduced(at(DUE));
    for secret in [&mut world.contour, &mut world.envoy].into_iter().flatten() {
        secret.set("next-tls.key", "garbage");
    }
    check(&world, at(DUE + SETTLE), "Contour Retire, Envoy Retire");
    world.go_on(at(DUE + SETTLE), 2);
    check(&world, at(DUE + SETTLE), "Contour Introduce, Envoy Introduce");
}

#[test]
fn what_we_do_not_know_of_is_kept() {
    let mut world = World::made(at(Duration::ZERO));
    for secret in [&mut world.contour, &mut world.envoy].into_iter().flatten() {
        secret.set("of-somebody", "else");
        secret.annotate("of-somebody", Some("else".to_owned()));
    }
    for step in 0..3 {
        world.go_on(at(DUE + step * SETTLE), 2);
        let contour = world.contour.as_ref().expect("a Secret");
        assert_eq!(contour.get("of-somebody"), Some(&b"else"[..]));
        assert_eq!(contour.annotation("of-somebody"), Some("else"));
    }
}
