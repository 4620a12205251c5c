//! What follows a NACK.

use crate::talk::{delta, delta_typed, sotw_typed};

#[test]
fn the_resources_of_a_refused_response_are_sent_again_each_alone() {
    delta(
        "publish rds/a=1 rds/b=1 rds/c=1
         > rds +a +b +c
         < rds 1 a=1 b=1 c=1
         > rds nack 1 no
         ! rds 1 guilty unknown
         < rds 2 a=1
         < rds 3 b=1
         < rds 4 c=1
         > rds ack 2
         > rds nack 3 no
         ! rds 3 guilty b
         > rds ack 4",
    );
}

#[test]
fn a_version_refused_alone_is_not_sent_again() {
    delta(
        "publish rds/a=1
         > rds +a
         < rds 1 a=1
         > rds nack 1 no
         ! rds 1 guilty a
         publish rds/a=2
         < rds 2 a=2",
    );
}

#[test]
fn a_listener_whose_port_is_taken_is_tried_again_ever_less_often() {
    delta(
        "publish lds/a=1
         > lds
         < lds 1 a=1
         > lds nack 1 cannot bind '0.0.0.0:80': Address already in use
         ! lds 1 guilty a
         deadline 1000
         at 1000
         < lds 2 a=1
         > lds nack 2 cannot bind '0.0.0.0:80': Address already in use
         ! lds 2 guilty a
         deadline 3000
         at 3000
         < lds 3 a=1
         > lds ack 3
         deadline none",
    );
}

#[test]
fn another_form_does_not_wait_for_the_one_whose_port_is_taken() {
    delta(
        "publish lds/a=1
         > lds
         < lds 1 a=1
         > lds nack 1 cannot bind '0.0.0.0:80': Address already in use
         ! lds 1 guilty a
         publish lds/a=2
         < lds 2 a=2
         > lds ack 2
         deadline none",
    );
}

#[test]
fn in_the_state_of_the_world_a_taken_port_is_tried_again_as_well() {
    sotw_typed(
        "lds",
        "publish lds/a=1 lds/b=1
         > lds
         < lds 1 a=1 b=1
         > lds nack 1 Error adding/updating listener(s) a: cannot bind '0.0.0.0:80': Address already in use
         ! lds 1 guilty a
         deadline 1000
         at 1000
         < lds 2 a=1 b=1
         > lds ack 2
         deadline none",
    );
}

#[test]
fn the_old_form_is_sent_after_a_refusal_although_it_was_sent_before() {
    delta(
        "publish lds/a=1
         > lds
         < lds 1 a=1
         > lds ack 1
         publish lds/a=2
         < lds 2 a=2
         > lds nack 2 no
         ! lds 2 guilty a
         publish lds/a=1
         < lds 3 a=1",
    );
}

#[test]
fn what_was_refused_and_withdrawn_is_removed() {
    delta(
        "publish lds/a=1
         > lds
         < lds 1 a=1
         > lds ack 1
         publish lds/b=1 lds/c=1
         < lds 2 b=1 c=1
         publish -lds/b
         > lds nack 2 no
         ! lds 2 guilty unknown
         < lds 3 -b
         < lds 4 c=1",
    );
}

#[test]
fn an_error_without_a_known_nonce_refuses_nothing() {
    delta(
        "publish rds/a=1
         > rds +a
         < rds 1 a=1
         > rds nack 9 no
         > rds ack 1
         publish rds/a=2
         < rds 2 a=2",
    );
}

#[test]
fn on_a_new_stream_tainted_names_are_sent_whatever_is_reported() {
    delta(
        "publish lds/good=1
         > lds
         < lds 1 good=1
         > lds ack 1
         publish lds/good=2 lds/new=1 lds/bad=1
         < lds 2 bad=1 good=2 new=1
         > lds nack 2 no
         ! lds 2 guilty unknown
         < lds 3 bad=1
         < lds 4 good=2
         < lds 5 new=1
         reconnect
         publish lds/good=1 -lds/new -lds/bad
         > lds holds good=1
         < lds 1 good=1 -bad -new",
    );
}

#[test]
fn a_taint_is_gone_once_the_name_was_accepted_on_the_same_stream() {
    delta(
        "publish lds/a=1 lds/b=1
         > lds
         < lds 1 a=1 b=1
         > lds nack 1 no
         ! lds 1 guilty unknown
         < lds 2 a=1
         < lds 3 b=1
         > lds ack 2
         > lds nack 3 no
         ! lds 3 guilty b
         reconnect
         > lds holds a=1
         < lds 1 b=1",
    );
}

#[test]
fn a_refused_secret_is_replaced_by_the_last_good_one_at_once() {
    delta(
        "publish sds/s=1
         > sds +s
         < sds 1 s=1
         > sds ack 1
         publish sds/s=2
         < sds 2 s=2
         > sds nack 2 KEY_VALUES_MISMATCH
         ! sds 2 guilty s
         < sds 3 s=1
         > sds ack 3
         publish sds/s=3
         < sds 4 s=3",
    );
}

#[test]
fn a_refused_secret_is_sent_to_no_other_stream() {
    delta(
        "publish sds/s=1
         > sds +s
         < sds 1 s=1
         > sds ack 1
         publish sds/s=2
         < sds 2 s=2
         > sds nack 2 KEY_VALUES_MISMATCH
         ! sds 2 guilty s
         < sds 3 s=1
         reconnect
         > sds +s holds s=2
         < sds 1 s=1",
    );
}

#[test]
fn a_refused_secret_without_a_good_form_is_removed() {
    delta(
        "publish sds/s=1
         > sds +s
         < sds 1 s=1
         > sds nack 1 no
         ! sds 1 guilty s
         < sds 2 -s
         > sds ack 2
         reconnect
         > sds +s
         < sds 1 -s",
    );
}

#[test]
fn a_last_good_secret_that_is_refused_too_ends_the_attempts() {
    delta(
        "publish sds/s=1
         > sds +s
         < sds 1 s=1
         > sds ack 1
         publish sds/s=2
         < sds 2 s=2
         > sds nack 2 no
         ! sds 2 guilty s
         < sds 3 s=1
         > sds nack 3 no
         ! sds 3 guilty s
         < sds 4 -s
         > sds ack 4",
    );
}

#[test]
fn secrets_are_always_sent_alone() {
    delta(
        "publish sds/a=1 sds/b=1
         > sds +a +b
         < sds 1 a=1
         < sds 2 b=1
         > sds ack 1
         > sds ack 2
         publish sds/a=2 sds/b=2
         < sds 3 a=2
         < sds 4 b=2",
    );
}

#[test]
fn a_listener_refused_elsewhere_is_tried_alone_on_a_new_stream() {
    delta(
        "publish lds/a=1 lds/b=1
         > lds
         < lds 1 a=1 b=1
         > lds nack 1 cannot bind
         ! lds 1 guilty unknown
         < lds 2 a=1
         < lds 3 b=1
         > lds ack 2
         > lds nack 3 cannot bind
         ! lds 3 guilty b
         reconnect
         > lds
         < lds 1 a=1
         < lds 2 b=1",
    );
}

#[test]
fn a_stream_of_one_name_knows_the_guilty_at_once() {
    sotw_typed(
        "rds",
        "publish rds/a=1
         > rds +a
         < rds 1 a=1
         > rds nack 1 no
         ! rds 1 guilty a
         publish rds/b=1
         publish rds/a=2
         < rds 2 a=2
         > rds ack 2",
    );
}

#[test]
fn a_stream_of_one_secret_goes_back_to_the_last_good_one() {
    delta_typed(
        "sds",
        "publish sds/s=1
         > sds +s
         < sds 1 s=1
         > sds ack 1
         publish sds/s=2
         < sds 2 s=2
         > sds nack 2 no
         ! sds 2 guilty s
         < sds 3 s=1",
    );
}

#[test]
fn an_answer_that_is_lost_with_the_stream_may_have_been_a_refusal() {
    delta(
        "publish lds/a=1
         > lds
         < lds 1 a=1
         > lds ack 1
         publish lds/a=2 lds/b=1
         < lds 2 a=2 b=1
         reconnect
         publish lds/a=1 -lds/b
         > lds holds a=1
         < lds 1 a=1 -b",
    );
}

#[test]
fn a_report_that_no_refusal_explains_is_trusted() {
    delta(
        "publish lds/a=1
         > lds
         < lds 1 a=1
         > lds ack 1
         publish lds/a=2 lds/b=1
         < lds 2 a=2 b=1
         > lds nack 2 no
         ! lds 2 guilty unknown
         < lds 3 a=2
         < lds 4 b=1
         reconnect
         > lds holds a=2 b=1",
    );
}

#[test]
fn many_are_sent_alone_a_window_at_a_time() {
    let names: Vec<String> = (0..200).map(|at| format!("r{at:03}")).collect();
    let list = |prefix: &str, suffix: &str| {
        let each = names.iter().map(|name| format!("{prefix}{name}{suffix}"));
        each.collect::<Vec<_>>().join(" ")
    };
    let mut script = vec![
        format!("publish {}", list("rds/", "=1")),
        format!("> rds {}", list("+", "")),
        format!("< rds 1 {}", list("", "=1")),
        "> rds nack 1 no".to_owned(),
        "! rds 1 guilty unknown".to_owned(),
    ];
    let mut sent = 0;
    for answered in 0..names.len() {
        let room = 64 - (sent - answered);
        if room >= 32 {
            for (at, name) in names.iter().enumerate().skip(sent).take(room) {
                script.push(format!("< rds {} {name}=1", at + 2));
            }
            sent = names.len().min(sent + room);
        }
        script.push(format!("> rds ack {}", answered + 2));
    }
    delta(&script.join("\n"));
}
