//! A cluster in which nothing happens.

use std::time::Duration;

use contour_tests::api_server::objects::{proxy, says, service};
use contour_tests::api_server::trials::Shared;
use contour_tests::api_server::{ApiServer, Request};
use contour_tests::proxy::{throughout, until};
use rustix::process::Pid;

use super::running::{Running, command_of};

/// How long nothing happens.
const QUIET: Duration = Duration::from_mins(1);

/// How much of a core may be used meanwhile.
const CORE: f64 = 0.01;

/// How many proxies there are.
const PROXIES: usize = 50;

/// The time that a process has computed so far.
fn used(process: Pid) -> Duration {
    let path = format!("/proc/{}/stat", process.as_raw_nonzero());
    let stat = std::fs::read_to_string(path).expect("a running process");
    // The second field, the program's name, is in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(") ").expect("the format of proc(5)");
    let mut times = fields.split(' ').skip(11).map(|field| field.parse::<u64>().expect("ticks"));
    let ticks = times.next().expect("utime") + times.next().expect("stime");
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

pub(super) async fn nothing_is_written_but_the_lease_and_hardly_any_time_is_used(_: &Shared) {
    let server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let names: Vec<String> = (0..PROXIES).map(|number| format!("shop-{number}")).collect();
    let proxies: String = names.iter().map(|name| proxy(name, "web")).collect();
    server.apply(&(service("web", 1) + &proxies)).await.expect("they are good");
    let contour = Running::start(command_of(&account, "leader-elect"));
    contour.xds();
    let admin = server.admin().client().await;
    for name in &names {
        until("it is valid", async || says(&admin, name, "valid").await).await;
    }

    let process = contour.program.pid();
    let (asked, begin) = (server.requests_of_contour().len(), used(process));
    let alive = async || contour.get("/healthz").await.is_some_and(|(status, _)| status == 200);
    throughout(QUIET, "it is alive", alive).await;
    let requests = server.requests_of_contour();
    let writes = requests[asked..].iter().filter(|request| request.writes());
    let others: Vec<&Request> = writes.clone().filter(|each| each.resource != "leases").collect();
    assert!(others.is_empty(), "{others:?}");
    let share = used(process).saturating_sub(begin).as_secs_f64() / QUIET.as_secs_f64();
    println!("{} renewals, {:.2} % of a core in {QUIET:?}", writes.count(), share * 100.0);
    assert!(share < CORE, "{share}");

    // Nothing of what it asked for since its start was refused.
    let refused: Vec<&Request> = requests.iter().filter(|request| request.code == 403).collect();
    assert!(refused.is_empty(), "{refused:?}");
    drop(contour);
}
