//! What only a real API server does.

mod account;
mod cut;
mod definitions;
mod intact;
mod lacking;
mod lease;
mod outage;
mod replicas;
mod server;
mod statuses;

use contour_tests::api_server::trials::{self, Shared};

/// A start keeps two cores busy; more at a time only slow each other down.
const AT_A_TIME: usize = 2;

fn main() {
    let tests = contour_tests::api_server_tests![
        definitions::an_object_of_each_kind_is_stored_with_its_defaults,
        definitions::a_bad_object_of_each_kind_is_refused_with_the_field_named,
        definitions::a_status_is_written_apart_from_the_spec,
        account::contour_may_do_what_it_is_granted,
        account::contour_may_not_do_anything_else,
        lease::one_of_two_leads_and_a_release_hands_over_within_three_seconds,
        lease::a_dead_leader_is_succeeded_when_its_lease_is_over,
        lease::a_leader_whose_lease_is_taken_stops_leading_and_goes_on,
        lease::an_outage_longer_than_the_renew_deadline_ends_leadership_until_it_is_over,
        lease::leadership_is_told_in_events,
        statuses::every_kind_that_is_built_is_followed,
        statuses::every_resource_of_upstream_is_followed_or_waits_for_a_feature,
        statuses::a_thousand_proxies_are_each_written_once,
        statuses::at_rest_nothing_is_written,
        intact::an_ingress_keeps_everything_but_its_status,
        intact::an_object_that_is_made_again_gets_a_status_of_its_own,
        intact::an_object_that_cannot_be_read_says_so_and_serves_what_it_was,
        replicas::one_writes_and_both_serve_the_same,
        replicas::a_restart_under_load_loses_nothing,
        replicas::a_replica_that_starts_again_writes_nothing_and_serves_the_same,
        lacking::a_definition_that_is_missing_is_picked_up_later,
        outage::what_is_known_is_served_and_statuses_catch_up,
        outage::what_was_deleted_meanwhile_is_gone_after_a_new_list,
        server::objects_survive_a_restart,
        server::a_watch_from_before_a_compaction_and_restart_is_expired,
    ];
    trials::run(tests, AT_A_TIME);
}
