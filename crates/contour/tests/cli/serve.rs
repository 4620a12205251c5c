//! `contour serve`.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::manifests::{WEB, directory, proxy, write};
use super::program::contour;
use super::{check_error, taken};
use contour_tests::program::Program;

fn shop() -> TempDir {
    directory(&[("shop.yaml", &proxy("shop", "web")), ("service.yaml", WEB)])
}

fn source(directory: &Path) -> String {
    format!("directory={}", directory.display())
}

/// `contour serve` in plain text, on ports that the system chooses.
fn serving(arguments: &[&str]) -> Command {
    let mut command = contour(["serve", "--insecure", "--xds-port=0", "--http-port=0"]);
    command.args(["--health-port=0", "--debug-http-port=0"]).args(arguments);
    command
}

/// Serves a directory, and waits until it does.
#[track_caller]
fn serve(directory: &Path) -> (Program, SocketAddr) {
    let program = Program::start(serving(&["--source", &source(directory)]));
    let address = address(&program);
    (program, address)
}

/// Where a program serves, by its own words.
#[track_caller]
fn address(program: &Program) -> SocketAddr {
    const BEFORE: &str = "serving xDS in plain text address=";
    let said = program.says(BEFORE, 1);
    let (_, address) = said.split_once(BEFORE).expect("was waited for");
    address.lines().next().and_then(|line| line.parse().ok()).expect("an address")
}

#[track_caller]
fn check_stop(signal: Signal) {
    let directory = shop();
    let (program, address) = serve(directory.path());
    TcpStream::connect(address).expect("somebody listens");
    program.signal(signal);
    assert_eq!(program.end().code, Some(0));
}

#[test]
fn it_serves_until_sigint() {
    check_stop(Signal::INT);
}

#[test]
fn it_serves_until_sigterm() {
    check_stop(Signal::TERM);
}

#[test]
fn it_serves_until_its_terminal_is_closed() {
    check_stop(Signal::HUP);
}

#[test]
fn it_prints_what_is_true_of_each_object_and_what_changes() {
    let directory = shop();
    let (program, _) = serve(directory.path());
    let printed = program.prints("HTTPProxy shop/shop", 1);
    let expect = "\
2 files, 2 objects
HOST              OBJECT               STATUS  REASON
shop.example.com  HTTPProxy shop/shop  valid   Valid
";
    assert_eq!(printed, expect);
    write(directory.path(), "shop.yaml", &proxy("shop", "gone"));
    let printed = program.prints("Service shop/gone does not exist, or cannot be read", 1);
    let expect = "\
HOST              OBJECT               STATUS   REASON
shop.example.com  HTTPProxy shop/shop  invalid  ServiceUnresolvedReference: spec.routes[0].services[0]: Service shop/gone does not exist, or cannot be read
";
    assert!(printed.ends_with(expect), "{printed}");
}

#[test]
fn a_mistake_is_printed_when_it_is_made_and_counted_when_it_is_mended() {
    let directory = shop();
    let (program, _) = serve(directory.path());
    program.prints("2 files, 2 objects", 1);
    write(directory.path(), "shop.yaml", &proxy("shop", "web").replace("services", "servces"));
    program.prints(
        "\nshop.yaml:7:5: spec.routes[0].servces: unknown field; did you mean \"services\"?\n",
        1,
    );
    write(directory.path(), "shop.yaml", &proxy("shop", "web"));
    program.prints("2 files, 2 objects\n1 finding no more\n", 1);
}

#[test]
fn it_serves_on_when_nobody_reads_what_it_prints() {
    let directory = shop();
    let program =
        Program::start_unread(serving(&["--source", &source(directory.path()), "--debug"]));
    let address = address(&program);
    write(directory.path(), "shop.yaml", &proxy("shop", "gone"));
    program.says("applied changes", 2);
    TcpStream::connect(address).expect("somebody listens");
    program.signal(Signal::TERM);
    let ended = program.end();
    assert_eq!(ended.code, Some(0));
    assert!(!ended.err.contains("WARN") && !ended.err.contains("panicked"), "{}", ended.err);
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let directory = shop();
    let (_listener, port) = taken();
    let arguments = ["serve", "--source", &source(directory.path()), "--xds-port", &port];
    check_error(
        &Program::start(contour(arguments)).end(),
        &format!(
            "cannot listen on 127.0.0.1:{port} (--xds-address, --xds-port): Address already in use (os error 98)"
        ),
    );
}

#[test]
fn a_missing_directory_is_one_clear_line() {
    let command = serving(&["--source", "directory=no/such/place"]);
    check_error(&Program::start(command).end(), "there is no directory no/such/place");
}

#[test]
fn one_port_for_two_things_is_one_clear_line() {
    let arguments = ["serve", "--source", "directory=.", "--stats-port", "8080"];
    let ended = Program::start(contour(arguments)).end();
    check_error(
        &ended,
        "--stats-port: Envoy cannot listen for both HTTP and statistics on 0.0.0.0 port 8080; give them different ports",
    );
}

#[test]
fn a_mistake_in_the_configuration_file_is_one_clear_line() {
    let directory = directory(&[("contour.conf", "debug: true\ntimeout: 5s\n")]);
    let file = directory.path().join("contour.conf");
    let arguments = ["serve", "--source", "directory=.", "-c", file.to_str().expect("UTF-8")];
    let ended = Program::start(contour(arguments)).end();
    let message =
        format!("{}:2:1: timeout: unknown key; did you mean \"timeouts\"?", file.display());
    check_error(&ended, &message);
}

#[test]
fn the_configuration_file_counts_where_flags_are_silent() {
    let directory = directory(&[("web.yaml", WEB), ("contour.conf", "debug: true\n")]);
    let file = directory.path().join("contour.conf");
    let source = source(directory.path());
    let command = serving(&["--source", &source, "-c", file.to_str().expect("UTF-8")]);
    let program = Program::start(command);
    program.says("applied changes", 1);
}

#[test]
fn an_edited_configuration_file_takes_effect_and_what_is_wrong_with_it_is_told() {
    let directory = directory(&[("web.yaml", WEB), ("contour.conf", "debug: true\n")]);
    let file = directory.path().join("contour.conf");
    let source = source(directory.path());
    let command = serving(&["--source", &source, "-c", file.to_str().expect("UTF-8")]);
    let program = Program::start(command);
    program.says("serving xDS", 1);
    write(directory.path(), "contour.conf", "debug: true\nnetwork: {num-trusted-hops: 1}\n");
    program.says("the configuration was read again", 1);
    write(directory.path(), "contour.conf", "debug: maybe\n");
    program.says("the configuration is not valid; the one before stays in effect", 1);
    write(directory.path(), "contour.conf", "debug: true\nincluster: true\n");
    program.says("how the API server is reached", 1);
}

#[test]
fn files_of_tls_that_are_missing_are_one_clear_line() {
    let directory = shop();
    let missing = directory.path().join("ca.crt");
    let mut command = contour(["serve", "--xds-port=0", "--http-port=0", "--health-port=0"]);
    command.args(["--debug-http-port=0", "--source", &source(directory.path())]);
    command.arg("--contour-cafile").arg(&missing);
    command.args(["--contour-cert-file", "no.crt", "--contour-key-file", "no.key"]);
    let ended = Program::start(command).end();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("no.crt"), "{}", ended.err);
    assert_eq!(ended.err.lines().filter(|line| line.starts_with("contour: error")).count(), 1);
}

#[test]
fn a_missing_configuration_file_is_one_clear_line() {
    let arguments = ["serve", "--source", "directory=.", "--config-path", "no/such/file"];
    check_error(
        &Program::start(contour(arguments)).end(),
        "--config-path: there is no file no/such/file",
    );
}

#[test]
fn an_unreadable_kubeconfig_is_one_clear_line() {
    let ended = Program::start(serving(&["--kubeconfig", "no/such/file"])).end();
    assert_eq!(ended.code, Some(1));
    let message = "contour: error: cannot use the kubeconfig no/such/file: ";
    assert!(ended.err.lines().any(|line| line.starts_with(message)), "{}", ended.err);
}

#[test]
fn a_contour_configuration_needs_a_cluster() {
    let command = serving(&["--source", "directory=.", "--contour-config-name", "contour"]);
    check_error(
        &Program::start(command).end(),
        "a ContourConfiguration is an object of a cluster; with --source directory=PATH give a file",
    );
}

#[test]
fn certificates_are_renewed_in_a_cluster_only() {
    let command = serving(&["--source", "directory=.", "--manage-certificates"]);
    check_error(
        &Program::start(command).end(),
        "--manage-certificates renews Secrets of a cluster; with --source directory=PATH there are none",
    );
}

#[test]
fn a_namespace_that_cannot_hold_certificates_is_one_clear_line() {
    let mut command = serving(&["--manage-certificates"]);
    command.env("CONTOUR_NAMESPACE", "a.b");
    check_error(
        &Program::start(command).end(),
        "invalid namespace name \"a.b\": give up to 63 lower-case letters, digits and hyphens, no hyphen first or last",
    );
}
