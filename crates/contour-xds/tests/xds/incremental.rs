//! The rules of the incremental variant.

use crate::talk::{delta, delta_typed};

#[test]
fn no_names_at_first_means_all() {
    delta(
        "publish cds/a=1 cds/b=1
         > cds
         < cds 1 a=1 b=1
         > cds ack 1
         publish cds/c=1
         < cds 2 c=1",
    );
}

#[test]
fn a_star_means_all() {
    delta(
        "publish cds/a=1
         > cds +*
         < cds 1 a=1",
    );
}

#[test]
fn the_first_wildcard_is_answered_even_if_there_is_nothing() {
    delta(
        "> cds
         < cds 1",
    );
}

#[test]
fn an_envoy_that_holds_a_version_is_not_sent_it_again() {
    delta(
        "publish cds/a=1 cds/b=2
         > cds holds a=1 b=1
         < cds 1 b=2",
    );
}

#[test]
fn an_envoy_that_holds_everything_is_sent_nothing() {
    delta(
        "publish cds/a=1
         > cds holds a=1
         publish cds/a=2
         < cds 1 a=2",
    );
}

#[test]
fn a_held_name_that_is_gone_is_removed() {
    delta(
        "publish lds/a=1
         > lds holds a=1 b=1
         < lds 1 -b",
    );
}

#[test]
fn a_held_cluster_that_is_gone_is_removed_after_the_routes_had_time() {
    delta(
        "publish cds/a=1
         > cds holds a=1 b=1
         deadline 1000
         at 1000
         < cds 1 -b",
    );
}

#[test]
fn a_foreign_version_is_no_version() {
    delta(
        "publish cds/a=1
         > cds holds a=?
         < cds 1 a=1",
    );
}

#[test]
fn only_names_that_were_asked_for_are_sent() {
    delta(
        "publish rds/a=1 rds/b=1
         > rds +a
         < rds 1 a=1
         > rds ack 1
         publish rds/b=2
         publish rds/a=2
         < rds 2 a=2",
    );
}

#[test]
fn a_name_asked_for_again_is_answered_even_if_unchanged() {
    delta(
        "publish rds/a=1
         > rds +a
         < rds 1 a=1
         > rds ack 1
         > rds +a
         < rds 2 a=1",
    );
}

#[test]
fn a_subscription_is_answered_while_a_response_is_unanswered() {
    delta(
        "publish rds/a=1 rds/b=1
         > rds +a
         < rds 1 a=1
         > rds +b
         < rds 2 b=1",
    );
}

#[test]
fn a_name_given_up_is_sent_no_more() {
    delta(
        "publish rds/a=1 rds/b=1
         > rds +a +b
         < rds 1 a=1 b=1
         > rds ack 1 -a
         publish rds/a=2 rds/b=2
         < rds 2 b=2",
    );
}

#[test]
fn giving_up_the_last_name_does_not_mean_all() {
    delta(
        "publish rds/a=1
         > rds +a
         < rds 1 a=1
         > rds ack 1 -a
         publish rds/a=2 rds/b=2
         > rds",
    );
}

#[test]
fn giving_up_the_wildcard_leaves_the_names() {
    delta(
        "publish cds/a=1 cds/b=1
         > cds
         < cds 1 a=1 b=1
         > cds ack 1 +a
         < cds 2 a=1
         > cds ack 2 -*
         publish cds/a=2 cds/b=2
         < cds 3 a=2",
    );
}

#[test]
fn a_wildcard_asked_for_again_is_answered_with_all() {
    delta(
        "publish cds/a=1 cds/b=1
         > cds +*
         < cds 1 a=1 b=1
         > cds ack 1 -*
         > cds +*
         < cds 2 a=1 b=1",
    );
}

#[test]
fn a_name_given_up_under_a_wildcard_is_told_whether_it_exists() {
    delta(
        "publish lds/a=1
         > lds +* +a +b
         < lds 1 a=1 -b
         > lds ack 1 -a -b
         < lds 2 a=1 -b",
    );
}

#[test]
fn an_unknown_secret_is_answered_as_removed() {
    delta(
        "> sds +s
         < sds 1 -s
         > sds ack 1
         publish sds/s=1
         < sds 2 s=1",
    );
}

#[test]
fn an_unknown_assignment_is_answered_empty() {
    delta(
        "> eds +a
         < eds 1 a=empty
         > eds ack 1
         publish eds/a=1
         < eds 2 a=1
         > eds ack 2
         publish -eds/a
         < eds 3 a=empty",
    );
}

#[test]
fn an_unknown_route_configuration_is_answered_when_it_exists() {
    delta(
        "> rds +r
         publish rds/r=1
         < rds 1 r=1",
    );
}

#[test]
fn a_route_configuration_is_never_removed() {
    delta(
        "publish rds/r=1
         > rds +r
         < rds 1 r=1
         > rds ack 1
         publish -rds/r
         publish rds/r=2
         < rds 2 r=2",
    );
}

#[test]
fn a_removed_cluster_is_named() {
    delta(
        "publish cds/a=1 cds/b=1
         > cds
         < cds 1 a=1 b=1
         > cds ack 1
         publish -cds/a
         < cds 2 -a",
    );
}

#[test]
fn what_happens_while_a_response_is_unanswered_goes_into_the_next() {
    delta(
        "publish lds/a=1
         > lds
         < lds 1 a=1
         publish lds/a=2
         publish lds/b=1
         publish lds/c=1
         publish -lds/c
         publish lds/a=3
         > lds ack 1
         < lds 2 a=3 b=1",
    );
}

#[test]
fn what_changes_back_while_a_response_is_unanswered_is_not_sent() {
    delta(
        "publish lds/a=1
         > lds
         < lds 1 a=1
         publish lds/a=2
         publish lds/a=1
         > lds ack 1",
    );
}

#[test]
fn a_stale_nonce_is_no_answer_but_its_subscriptions_count() {
    delta(
        "publish rds/a=1 rds/b=1
         > rds +a
         < rds 1 a=1
         publish rds/a=2
         > rds ack 77 +b
         < rds 2 b=1
         > rds ack 1
         > rds ack 2
         < rds 3 a=2",
    );
}

#[test]
fn after_a_slow_answer_the_next_response_waits_as_long() {
    delta_typed(
        "lds",
        "publish lds/a=1
         > lds
         < lds 1 a=1
         publish lds/a=2
         at 200
         > lds ack 1
         deadline 400
         at 399
         at 400
         < lds 2 a=2",
    );
}

#[test]
fn the_pause_ends_after_half_a_second() {
    delta_typed(
        "lds",
        "publish lds/a=1
         > lds
         < lds 1 a=1
         publish lds/a=2
         at 30000
         > lds ack 1
         deadline 30500
         at 30500
         < lds 2 a=2",
    );
}

#[test]
fn an_isolated_change_does_not_wait() {
    delta_typed(
        "lds",
        "publish lds/a=1
         > lds
         < lds 1 a=1
         at 100
         > lds ack 1
         at 5000
         publish lds/a=2
         < lds 2 a=2",
    );
}

#[test]
fn a_subscription_does_not_wait_for_the_pause() {
    delta(
        "publish rds/a=1 rds/b=1
         > rds +a
         < rds 1 a=1
         at 400
         > rds ack 1 +b
         < rds 2 b=1",
    );
}
