//! `contour serve` as a process, with a real API server.

#[path = "../program/mod.rs"]
mod program;

mod certificates;
mod configured;
mod elections;
mod lacking;
mod objects;
mod outage;
mod pod;
mod preflight;
mod quiet;
mod renewal;
mod running;

use contour_tests::api_server::trials;

/// Most of these tests wait most of the time.
const AT_A_TIME: usize = 4;

fn main() {
    let tests = contour_tests::api_server_tests![
        outage::a_minute_without_an_api_server_takes_nothing_from_envoys,
        outage::it_waits_for_an_api_server_that_is_not_there_yet,
        quiet::nothing_is_written_but_the_lease_and_hardly_any_time_is_used,
        pod::it_finds_the_api_server_from_inside_a_pod_and_takes_new_tokens,
        elections::the_lease_is_as_the_flags_say,
        elections::without_an_election_no_lease_is_made_and_statuses_are_written,
        elections::a_longer_deadline_keeps_the_leader_through_an_outage,
        objects::only_the_namespaces_that_are_asked_for_are_read,
        objects::statuses_have_the_addresses_that_are_given,
        objects::statuses_have_the_addresses_of_envoys_service_and_lose_them_with_it,
        certificates::certgen_makes_and_replaces_secrets,
        certificates::certgen_makes_no_half_of_a_set,
        certificates::certgen_says_what_to_do_about_a_half_of_a_set,
        certificates::certgen_remakes_a_secret_of_another_type_if_it_may,
        certificates::whoever_leads_makes_certificates_that_are_missing,
        certificates::what_is_not_allowed_is_told_once_by_name,
        renewal::nobody_notices_that_certificates_are_renewed,
        objects::requests_are_no_more_than_the_flags_allow,
        objects::requests_are_logged_as_the_flag_says,
        configured::it_is_read_waited_for_and_followed,
        preflight::check_finds_what_serve_lacks,
        preflight::check_asks_about_everything_that_serve_does,
        preflight::check_looks_at_secrets_where_there_are_no_files,
        lacking::without_a_permission_nothing_is_served_until_it_is_granted,
        elections::another_takes_over_after_a_kill_and_after_an_orderly_end,
    ];
    trials::run(tests, AT_A_TIME);
}
