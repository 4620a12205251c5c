//! The pods of today's manifests as plain processes: certificates, Contour, Envoys and what drains them, each in
//! namespaces of its own and with the very command line that it has there, with a real API server and a real Envoy.
//!
//! All of it runs in namespaces without a way out, made here: every port and address is the one of the manifests.

mod container;
mod manifests;
mod network;
mod workloads;

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use contour_tests::api_server::trials;

/// They wait most of the time.
const AT_A_TIME: usize = 2;

/// Set inside of the namespaces.
const INSIDE: &str = "CONTOUR_TEST_INSIDE";

/// Makes the namespaces, and starts this program in them again. The own file system below `/run` is for their names.
const SCRIPT: &str = "mount -t tmpfs tmpfs /run && ip link set lo up && exec \"$0\" \"$@\"";

fn main() {
    if std::env::var_os(INSIDE).is_none() {
        let own = std::env::current_exe().expect("this program");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "--net", "--pid", "--fork"]);
        command.args(["--kill-child", "--mount-proc", "sh", "-c", SCRIPT]).arg(own);
        let error = command.args(std::env::args_os().skip(1)).env(INSIDE, "1").exec();
        panic!("cannot start unshare (util-linux): {error}");
    }
    let envoy = contour_tests::proxy::binary();
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(envoy.is_some() || !ci, "no Envoy: `cargo xtask tools` fetches one");
    let tests = contour_tests::api_server_tests![
        workloads::a_daemon_set_is_rolled_and_no_request_is_lost,
        workloads::a_deployment_is_rolled_and_no_request_is_lost,
    ];
    if envoy.is_none() {
        println!("SKIPPED, no Envoy: `cargo xtask tools` fetches one");
        return;
    }
    trials::run(tests, AT_A_TIME);
}
