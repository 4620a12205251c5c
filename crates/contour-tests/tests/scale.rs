//! Work is proportional to what changes and not to what there is (design, section 14): held as counts.

use contour_builder::{Change, Stats};
use contour_tests::fleet::{self, Host};
use contour_tests::world::{Work, World};
use contour_xds::resource::{Dialect, TypeUrl};

/// Enough that work for each host would show in every count below.
const HOSTS: usize = 1_000;

fn world(hosts: usize) -> World {
    let mut world = World::default();
    let work = world.apply(fleet::changes(hosts));
    assert_eq!((work.stats.hosts_built, work.faults.len()), (hosts, 0));
    world
}

/// Units built, hosts among them, and resources pushed, for a change of a fleet of `hosts`.
fn counts(hosts: usize, changes: Vec<Change>) -> [usize; 3] {
    let Work { stats, pushed, .. } = world(hosts).apply(changes);
    [stats.units_built, stats.hosts_built, pushed]
}

#[track_caller]
fn check(changes: Vec<Change>, expect: [usize; 3]) {
    assert_eq!(counts(HOSTS, changes), expect);
}

#[test]
fn an_edited_proxy_is_one_host_and_one_resource() {
    check(vec![Host(500).routes("/edited")], [1, 1, 1]);
}

#[test]
fn an_edited_endpoint_slice_is_one_unit_and_one_resource() {
    check(vec![Host(500).listens_at(7)], [1, 0, 1]);
}

#[test]
fn a_no_op_edit_is_nothing() {
    check(vec![Host(500).is_annotated()], [0, 0, 0]);
}

#[test]
fn an_unrelated_service_is_nothing() {
    check(fleet::unrelated(), [0, 0, 0]);
}

#[test]
fn many_edits_in_one_batch_are_one_route_configuration() {
    check((0..100).map(|each| Host(each).routes("/edited")).collect(), [100, 100, 1]);
}

#[test]
fn a_new_host_costs_the_same_in_a_small_and_a_large_fleet() {
    let new = |hosts| {
        let host = Host(hosts);
        counts(hosts, vec![host.routes("/"), host.serves(), host.listens_at(0)])
    };
    // Built: the host and its load assignment. Pushed: its cluster, its load assignment, and the routes of all hosts.
    assert_eq!(new(10), [2, 1, 3]);
    assert_eq!(new(HOSTS), new(10));
}

#[test]
fn each_host_is_built_once_and_adds_two_resources() {
    let first = |hosts| {
        let mut world = World::default();
        let work = world.apply(fleet::changes(hosts));
        let Stats { units_built, hosts_built, units_changed } = work.stats;
        assert_eq!([units_built, hosts_built, units_changed], [2 * hosts, hosts, 2 * hosts]);
        work.pushed
    };
    // Beside them: the listener and the routes, which the first host brings.
    assert_eq!(first(10), 2 * 10 + 2);
    assert_eq!(first(HOSTS), 2 * HOSTS + 2);
}

#[test]
fn what_is_published_grows_with_the_hosts_and_nothing_else() {
    let body = |hosts| {
        let world = world(hosts);
        let routes = (TypeUrl::RouteConfiguration, "ingress_http".into());
        world.resources(Dialect::Aggregated)[&routes].body.len()
    };
    let (small, large) = (body(100), body(HOSTS));
    assert!(large < small * 11, "{small} bytes for 100 hosts, {large} for {HOSTS}");
}
