//! The rules of the state-of-the-world variant.

use crate::talk::{sotw, sotw_typed};

#[test]
fn no_names_at_first_means_all() {
    sotw(
        "publish cds/a=1 cds/b=1
         > cds
         < cds 1 a=1 b=1",
    );
}

#[test]
fn a_star_means_all() {
    sotw(
        "publish rds/a=1 rds/b=1
         > rds +*
         < rds 1 a=1 b=1",
    );
}

#[test]
fn no_names_after_a_name_means_none() {
    sotw(
        "publish rds/a=1 rds/b=1
         > rds +a
         < rds 1 a=1
         > rds ack 1 -a
         publish rds/a=2",
    );
}

#[test]
fn a_name_after_the_legacy_wildcard_ends_it() {
    sotw(
        "publish rds/a=1 rds/b=1
         > rds
         < rds 1 a=1 b=1
         > rds ack 1 +a
         < rds 2 a=1
         > rds ack 2
         publish rds/b=2
         publish rds/a=2
         < rds 3 a=2",
    );
}

#[test]
fn clusters_and_listeners_are_always_sent_completely() {
    sotw(
        "publish lds/a=1 lds/b=1
         > lds
         < lds 1 a=1 b=1
         > lds ack 1
         publish lds/b=2
         < lds 2 a=1 b=2
         > lds ack 2
         publish -lds/a
         < lds 3 b=2",
    );
}

#[test]
fn the_last_cluster_is_removed_by_an_empty_response() {
    sotw(
        "publish cds/a=1
         > cds
         < cds 1 a=1
         > cds ack 1
         publish -cds/a
         < cds 2",
    );
}

#[test]
fn of_the_other_types_only_what_changed_is_sent() {
    sotw(
        "publish rds/a=1 rds/b=1
         > rds +a +b
         < rds 1 a=1 b=1
         > rds ack 1
         publish rds/b=2
         < rds 2 b=2
         > rds ack 2
         publish -rds/a",
    );
}

#[test]
fn a_new_name_is_answered_and_the_others_are_not_repeated() {
    sotw(
        "publish rds/a=1 rds/b=1
         > rds +a
         < rds 1 a=1
         > rds ack 1 +b
         < rds 2 b=1",
    );
}

#[test]
fn a_stale_request_is_ignored_and_the_next_one_is_not() {
    sotw(
        "publish rds/a=1 rds/b=1
         > rds +a
         < rds 1 a=1
         > rds ack 77 +b
         > rds ack 1
         < rds 2 b=1",
    );
}

#[test]
fn an_envoy_that_has_this_version_is_sent_nothing() {
    sotw(
        "publish cds/a=1
         > cds
         < cds 1 a=1
         > cds ack 1
         reconnect
         > cds
         publish cds/a=2
         < cds 1 a=2",
    );
}

#[test]
fn a_stream_of_one_name_that_has_this_version_is_sent_nothing() {
    sotw_typed(
        "rds",
        "publish rds/r=1 rds/s=1
         > rds +r
         < rds 1 r=1
         > rds ack 1
         reconnect
         publish rds/s=2
         > rds
         publish rds/r=2
         < rds 1 r=2",
    );
}

#[test]
fn on_an_aggregated_stream_a_version_of_several_names_is_not_trusted() {
    sotw(
        "publish rds/r=1
         > rds +r
         < rds 1 r=1
         > rds ack 1
         reconnect
         > rds
         < rds 1 r=1",
    );
}

#[test]
fn an_envoy_that_has_another_version_is_sent_what_it_asks_for() {
    sotw(
        "publish rds/r=1
         > rds +r
         < rds 1 r=1
         > rds ack 1
         publish rds/r=2
         < rds 2 r=2
         reconnect
         > rds
         < rds 1 r=2",
    );
}

#[test]
fn an_unknown_assignment_is_answered_empty() {
    sotw(
        "> eds +a
         < eds 1 a=empty",
    );
}

#[test]
fn an_unknown_name_of_another_type_is_answered_when_it_exists() {
    sotw(
        "> sds +s
         publish sds/s=1
         < sds 1 s=1",
    );
}

#[test]
fn named_clusters_are_sent_completely_too() {
    sotw(
        "publish cds/a=1 cds/b=1 cds/c=1
         > cds +a +b
         < cds 1 a=1 b=1
         > cds ack 1
         publish cds/c=2
         publish cds/a=2
         < cds 2 a=2 b=1
         > cds ack 2 -b
         publish cds/a=3
         < cds 3 a=3",
    );
}

#[test]
fn after_a_refusal_the_named_one_stays_in_its_accepted_form() {
    sotw_typed(
        "cds",
        "publish cds/a=1 cds/b=1
         > cds
         < cds 1 a=1 b=1
         > cds ack 1
         publish cds/a=2 cds/b=2 cds/c=1
         < cds 2 a=2 b=2 c=1
         > cds nack 2 Error adding/updating cluster(s) a: no way
         ! cds 2 guilty a
         publish cds/c=2
         < cds 3 a=1 b=2 c=2
         > cds ack 3
         publish cds/a=3
         < cds 4 a=3 b=2 c=2",
    );
}

#[test]
fn after_a_refusal_that_names_nobody_halves_are_tried() {
    sotw_typed(
        "cds",
        "publish cds/a=1
         > cds
         < cds 1 a=1
         > cds ack 1
         publish cds/a=2 cds/b=1 cds/c=1 cds/d=1
         < cds 2 a=2 b=1 c=1 d=1
         > cds nack 2 Invalid duration
         ! cds 2 guilty unknown
         < cds 3 a=2 b=1
         > cds nack 3 Invalid duration
         ! cds 3 guilty unknown
         < cds 4 a=2
         > cds nack 4 Invalid duration
         ! cds 4 guilty a
         < cds 5 a=1 b=1
         > cds ack 5
         < cds 6 a=1 b=1 c=1 d=1
         > cds ack 6",
    );
}

#[test]
fn a_refused_dump_names_its_resource() {
    sotw_typed(
        "lds",
        "publish lds/a=1 lds/b=1
         > lds
         < lds 1 a=1 b=1
         > lds nack 1 name: \"b\"
         ! lds 1 guilty b
         < lds 2 a=1
         > lds ack 2",
    );
}

#[test]
fn nothing_is_taken_from_an_envoy_that_holds_unknown_things() {
    sotw_typed(
        "cds",
        "publish cds/a=1
         > cds
         < cds 1 a=1
         > cds ack 1
         reconnect
         publish cds/a=2 cds/b=1
         > cds
         < cds 1 a=2 b=1
         > cds nack 1 Invalid duration
         ! cds 1 guilty unknown
         publish cds/b=2
         < cds 2 a=2 b=2
         > cds nack 2 Error adding/updating cluster(s) a: no way
         ! cds 2 guilty a
         publish cds/c=1
         < cds 3 a=2 b=2 c=1
         > cds nack 3 Error adding/updating cluster(s) a: no way
         ! cds 3 guilty unknown
         publish cds/a=3
         < cds 4 a=3 b=2 c=1
         > cds ack 4",
    );
}
