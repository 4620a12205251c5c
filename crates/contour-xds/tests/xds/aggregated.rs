//! The order across types on an aggregated stream.

use crate::talk::{delta, sotw};

#[test]
fn a_changed_cluster_is_followed_by_its_unchanged_assignment() {
    delta(
        "publish cds/a=1>eds/a eds/a=1
         > cds
         < cds 1 a=1
         > eds +a
         < eds 2 a=1
         > cds ack 1
         > eds ack 2
         publish cds/a=2>eds/a
         < cds 3 a=2
         < eds 4 a=1",
    );
}

#[test]
fn a_changed_cluster_is_followed_by_its_changed_assignment_in_one_response() {
    delta(
        "publish cds/a=1>eds/a eds/a=1
         > cds
         < cds 1 a=1
         > eds +a
         < eds 2 a=1
         > cds ack 1
         > eds ack 2
         publish eds/a=2 cds/a=2>eds/a
         < cds 3 a=2
         < eds 4 a=2",
    );
}

#[test]
fn a_changed_cluster_is_followed_by_its_missing_assignment_empty() {
    delta(
        "publish cds/a=1>eds/a
         > cds
         < cds 1 a=1
         > eds +a
         < eds 2 a=empty
         > cds ack 1
         publish cds/a=2>eds/a
         < cds 3 a=2
         < eds 4 a=empty",
    );
}

#[test]
fn a_new_cluster_is_followed_by_its_assignment_and_its_subscription_is_answered() {
    delta(
        "publish cds/a=1>eds/a eds/a=1
         > cds
         < cds 1 a=1
         > eds +a
         < eds 2 a=1
         > cds ack 1
         publish cds/b=1>eds/b eds/b=1
         < cds 3 b=1
         < eds 4 b=1
         > eds +b
         < eds 5 b=1",
    );
}

#[test]
fn assignments_owed_before_the_client_asks_for_the_type_are_sent_whatever_it_holds() {
    delta(
        "publish cds/a=2>eds/a cds/b=1>eds/b eds/a=1 eds/b=1
         > cds holds a=1 b=1
         < cds 1 a=2
         > eds +a +b holds a=1 b=1
         < eds 2 a=1",
    );
}

#[test]
fn several_cluster_responses_may_be_unanswered() {
    delta(
        "publish cds/a=1
         > cds
         < cds 1 a=1
         at 100
         publish cds/a=2
         < cds 2 a=2
         at 150
         publish cds/b=1
         deadline 200
         at 200
         < cds 3 b=1
         > cds ack 1
         > cds ack 2
         > cds nack 3 no
         ! cds 3 guilty b",
    );
}

#[test]
fn a_new_route_waits_for_the_answer_to_the_assignments_of_its_new_clusters() {
    delta(
        "publish rds/r=1
         > cds
         < cds 1
         > eds +x
         < eds 2 x=empty
         > rds +r
         < rds 3 r=1
         > cds ack 1
         > eds ack 2
         > rds ack 3
         publish cds/a=1>eds/a eds/a=1 rds/r=2>cds/a
         < cds 4 a=1
         < eds 5 a=1
         deadline 1000
         > eds ack 5
         < rds 6 r=2",
    );
}

#[test]
fn a_refused_assignment_is_an_answer_too() {
    delta(
        "publish rds/r=1
         > cds
         < cds 1
         > eds +x
         < eds 2 x=empty
         > rds +r
         < rds 3 r=1
         > cds ack 1
         > eds ack 2
         > rds ack 3
         publish cds/a=1>eds/a eds/a=1 rds/r=2>cds/a
         < cds 4 a=1
         < eds 5 a=1
         > eds nack 5 malformed
         ! eds 5 guilty a
         < rds 6 r=2",
    );
}

#[test]
fn a_route_waits_a_second_at_most() {
    delta(
        "publish rds/r=1
         > cds
         < cds 1
         > rds +r
         < rds 2 r=1
         > cds ack 1
         > rds ack 2
         publish cds/a=1>eds/a eds/a=1 rds/r=2>cds/a
         < cds 3 a=1
         deadline 1000
         at 1000
         < rds 4 r=2",
    );
}

#[test]
fn a_route_to_a_cluster_without_assignment_does_not_wait() {
    delta(
        "publish rds/r=1
         > cds
         < cds 1
         > rds +r
         < rds 2 r=1
         > cds ack 1
         > rds ack 2
         publish cds/dns=1 rds/r=2>cds/dns
         < cds 3 dns=1
         < rds 4 r=2",
    );
}

#[test]
fn an_unrelated_route_does_not_wait() {
    delta(
        "publish rds/r=1 rds/s=1
         > cds
         < cds 1
         > rds +r +s
         < rds 2 r=1 s=1
         > cds ack 1
         > rds ack 2
         publish cds/a=1>eds/a eds/a=1 rds/r=2>cds/a rds/s=2
         < cds 3 a=1
         < rds 4 s=2
         deadline 1000",
    );
}

#[test]
fn a_listener_waits_for_the_new_clusters_of_its_new_routes() {
    delta(
        "publish lds/l=1
         > cds
         < cds 1
         > eds +x
         < eds 2 x=empty
         > lds
         < lds 3 l=1
         > cds ack 1
         > eds ack 2
         > lds ack 3
         publish cds/a=1>eds/a eds/a=1 rds/r=1>cds/a lds/l=2>rds/r
         < cds 4 a=1
         < eds 5 a=1
         > eds ack 5
         < lds 6 l=2
         > rds +r
         < rds 7 r=1",
    );
}

#[test]
fn a_subscription_does_not_wait_for_clusters() {
    delta(
        "publish cds/a=1>eds/a eds/a=1 rds/r=1>cds/a lds/l=1>rds/r
         > cds
         < cds 1 a=1
         > lds
         < lds 2 l=1
         > rds +r
         < rds 3 r=1",
    );
}

#[test]
fn additions_go_in_the_order_of_the_types() {
    delta(
        "> rtds
         < rtds 1
         > cds
         < cds 2
         > lds
         < lds 3
         > rds +r
         > sds +s
         < sds 4 -s
         > rtds ack 1
         > cds ack 2
         > lds ack 3
         > sds ack 4
         publish rds/r=1 lds/l=1 sds/s=1 cds/a=1 rtds/t=1
         < rtds 5 t=1
         < cds 6 a=1
         < sds 7 s=1
         < lds 8 l=1
         < rds 9 r=1",
    );
}

#[test]
fn a_cluster_is_removed_after_the_route_that_used_it_was_accepted() {
    delta(
        "publish cds/a=1>eds/a cds/b=1>eds/b eds/a=1 eds/b=1 rds/r=1>cds/a
         > cds
         < cds 1 a=1 b=1
         > eds +a +b
         < eds 2 a=1 b=1
         > rds +r
         < rds 3 r=1
         > cds ack 1
         > eds ack 2
         > rds ack 3
         publish -cds/a -eds/a rds/r=2>cds/b
         < rds 4 r=2
         > rds ack 4
         < cds 5 -a
         > eds -a
         > cds ack 5",
    );
}

#[test]
fn a_cluster_stays_while_the_route_that_replaces_its_user_is_refused() {
    delta(
        "publish cds/a=1 cds/b=1 cds/c=1 rds/r=1>cds/a
         > cds
         < cds 1 a=1 b=1 c=1
         > rds +r
         < rds 2 r=1
         > cds ack 1
         > rds ack 2
         publish -cds/a -cds/c rds/r=2>cds/b
         < cds 3 -c
         < rds 4 r=2
         > cds ack 3
         > rds nack 4 no
         ! rds 4 guilty r
         publish rds/r=3>cds/b
         < rds 5 r=3
         > rds ack 5
         < cds 6 -a",
    );
}

#[test]
fn a_cluster_stays_while_a_listener_uses_the_removed_routes() {
    delta(
        "publish cds/a=1 rds/r=1>cds/a lds/l=1>rds/r
         > cds
         < cds 1 a=1
         > lds
         < lds 2 l=1
         > rds +r
         < rds 3 r=1
         > cds ack 1
         > lds ack 2
         > rds ack 3
         publish -cds/a -rds/r lds/l=2
         < lds 4 l=2
         > lds ack 4
         > rds -r
         < cds 5 -a",
    );
}

#[test]
fn an_assignment_is_emptied_after_its_cluster_is_gone() {
    delta(
        "publish cds/a=1>eds/a eds/a=1
         > cds
         < cds 1 a=1
         > eds +a
         < eds 2 a=1
         > cds ack 1
         > eds ack 2
         publish -cds/a -eds/a
         < cds 3 -a
         > cds ack 3
         < eds 4 a=empty",
    );
}

#[test]
fn a_withheld_cluster_answer_holds_nobody_else_back() {
    delta(
        "publish cds/a=1>eds/a eds/a=1 lds/l=1 sds/s=1
         > cds
         < cds 1 a=1
         > eds +a
         < eds 2 a=1
         > lds
         < lds 3 l=1
         > sds +s
         < sds 4 s=1
         > eds ack 2
         > lds ack 3
         > sds ack 4
         publish eds/a=2 lds/l=2 sds/s=2
         < eds 5 a=2
         < sds 6 s=2
         < lds 7 l=2",
    );
}

#[test]
fn in_the_state_of_the_world_a_changed_cluster_is_followed_too() {
    sotw(
        "publish cds/a=1>eds/a cds/b=1>eds/b eds/a=1 eds/b=1
         > cds
         < cds 1 a=1 b=1
         > eds +a +b
         < eds 2 a=1 b=1
         > cds ack 1
         > eds ack 2
         publish cds/a=2>eds/a
         < cds 3 a=2 b=1
         < eds 4 a=1",
    );
}

#[test]
fn in_the_state_of_the_world_a_cluster_stays_until_the_route_was_accepted() {
    sotw(
        "publish cds/a=1 cds/b=1 rds/r=1>cds/a
         > cds
         < cds 1 a=1 b=1
         > rds +r
         < rds 2 r=1
         > cds ack 1
         > rds ack 2
         publish -cds/a cds/c=1 rds/r=2>cds/b
         < cds 3 a=1 b=1 c=1
         < rds 4 r=2
         > cds ack 3
         > rds ack 4
         < cds 5 b=1 c=1",
    );
}

#[test]
fn in_the_state_of_the_world_a_late_refusal_does_not_undo_what_was_mended_meanwhile() {
    sotw(
        "> cds
         < cds 1
         > cds ack 1
         publish cds/a=1 cds/b=1
         < cds 2 a=1 b=1
         at 100
         publish cds/a=2
         < cds 3 a=2 b=1
         > cds nack 2 Error adding/updating cluster(s) a: why
         ! cds 2 guilty a
         > cds ack 3
         publish -cds/a
         < cds 4 b=1",
    );
}

#[test]
fn in_the_state_of_the_world_a_cluster_that_changes_back_is_followed_again() {
    sotw(
        "publish cds/a=1>eds/a eds/a=1
         > cds
         < cds 1 a=1
         > eds +a
         < eds 2 a=1
         > cds ack 1
         > eds ack 2
         publish cds/a=2>eds/a
         < cds 3 a=2
         < eds 4 a=1
         at 100
         publish cds/a=1>eds/a
         < cds 5 a=1
         < eds 6 a=1",
    );
}

#[test]
fn clusters_go_on_while_many_of_their_answers_are_withheld() {
    let mut script = vec!["> cds".to_owned(), "< cds 1".to_owned(), "> cds ack 1".to_owned()];
    script.extend(["at 100", "publish cds/a=1", "< cds 2 a=1"].map(str::to_owned));
    for turn in 2..100 {
        script.push(format!("at {}", turn * 100 - 50));
        script.push(format!("publish cds/a={turn}"));
        script.push(format!("deadline {}", turn * 100));
        script.push(format!("at {}", turn * 100));
        script.push(format!("< cds {} a={turn}", turn + 1));
        script.push("deadline none".to_owned());
    }
    delta(&script.join("\n"));
}

#[test]
fn a_cluster_stays_while_routes_of_a_refused_response_may_use_it() {
    delta(
        "publish cds/a=1 cds/b=1 rds/r=1>cds/a rds/s=1
         > cds
         < cds 1 a=1 b=1
         > cds ack 1
         > rds +r +s
         < rds 2 r=1 s=1
         publish -cds/a rds/r=2>cds/b
         > rds +r
         < rds 3 r=2
         > rds nack 2 no
         ! rds 2 guilty unknown
         < rds 4 s=1
         > rds ack 3
         < cds 5 -a
         > rds ack 4",
    );
}
