//! What a real Envoy does with what we serve.
//!
//! Without an Envoy these tests fail where `CI` is set, and are shown as ignored elsewhere.

mod accepted;
mod behaviour;
mod bootstrap;
mod manifests;
mod order;
mod random;
mod secrets;
mod shutdown;
mod traffic;

use std::path::PathBuf;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

/// A test, given the Envoy to use.
type Test = fn(PathBuf) -> std::pin::Pin<Box<dyn Future<Output = ()>>>;

/// Lists tests by the names of their functions.
macro_rules! tests {
    ($($module:ident $(:: $name:ident)+),* $(,)?) => {
        [$((concat!(stringify!($module), $("::", stringify!($name)),+),
            (|binary| Box::pin($module $(:: $name)+(binary))) as Test)),*]
    };
}

fn main() {
    let mut arguments = Arguments::from_args();
    // Each test has an Envoy with workers of its own; side by side they only slow each other down.
    arguments.test_threads.get_or_insert(2);
    let binary = contour_tests::proxy::binary();
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(binary.is_some() || !ci, "no Envoy: `cargo xtask tools` fetches one");
    let binary = Arc::new(binary);
    let tests = tests![
        accepted::every_case_is_accepted_in_the_aggregated_dialect,
        accepted::every_case_is_accepted_in_the_separate_dialect,
        secrets::key_pairs_that_are_accepted_are_loaded,
        secrets::key_pairs_that_envoy_refuses_are_refused,
        secrets::authorities_and_lists_that_are_accepted_are_loaded,
        secrets::authorities_and_lists_that_envoy_refuses_are_refused,
        behaviour::conditions::requests_are_told_apart,
        behaviour::redirects::requests_are_sent_elsewhere_or_answered_at_once,
        behaviour::rewrites::prefixes_are_replaced,
        behaviour::headers::headers_are_edited,
        behaviour::cookies::attributes_of_cookies_are_rewritten,
        behaviour::timeouts::responses_come_in_time_or_not_at_all,
        behaviour::retries::requests_are_sent_again,
        behaviour::load_balancing::requests_are_shared_as_told,
        behaviour::mirrors::copies_are_sent,
        behaviour::health::endpoints_that_are_not_well_get_no_requests,
        behaviour::access::only_those_pass_who_may,
        behaviour::access::a_forged_address_is_not_believed,
        behaviour::cors::pages_of_other_origins_may_ask,
        behaviour::limits::no_more_is_let_through_than_may_be,
        behaviour::protocols::services_are_spoken_to_as_they_ask,
        behaviour::external_names::names_outside_of_the_cluster_are_reached_if_that_is_allowed,
        traffic::requests_are_routed_in_the_aggregated_dialect,
        traffic::requests_are_routed_in_the_separate_dialect,
        traffic::services_share_requests_by_weight,
        traffic::an_edit_under_traffic_loses_nothing_in_the_aggregated_dialect,
        traffic::an_edit_under_traffic_loses_nothing_in_the_separate_dialect,
        traffic::envoy_serves_on_without_a_server_in_the_aggregated_dialect,
        traffic::envoy_serves_on_without_a_server_in_the_separate_dialect,
        order::a_changed_cluster_setting_is_active_within_a_second_under_traffic,
        order::a_dead_health_check_target_delays_nobody_else,
        order::a_silent_dns_server_delays_nobody_else,
        order::one_refused_resource_at_start_leaves_the_others_working,
        order::a_taken_port_is_tried_again_in_the_aggregated_dialect,
        order::a_taken_port_is_tried_again_in_the_separate_dialect,
        random::random_objects_are_accepted_in_the_aggregated_dialect,
        random::random_objects_are_accepted_in_the_separate_dialect,
        bootstrap::every_combination_of_settings_is_accepted,
        shutdown::nothing_is_lost_while_envoy_is_drained,
        shutdown::a_connection_that_is_only_handed_on_is_waited_for,
        order::hosts_that_keep_coming_are_served_in_the_separate_dialect,
    ];
    let trials = tests.into_iter().map(|(name, test)| {
        let binary = Arc::clone(&binary);
        let missing = binary.is_none();
        let trial = Trial::test(name, move || {
            let binary = binary.as_ref().clone().ok_or("no Envoy")?;
            let runtime = tokio::runtime::Runtime::new()?;
            runtime.block_on(test(binary));
            Ok(())
        });
        trial.with_ignored_flag(missing)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
