//! `contour serve`.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use rustix::process::Signal;
use tempfile::TempDir;

use super::manifests::{WEB, directory, proxy, write};
use super::program::{Program, contour};
use super::{check_error, taken};

fn shop() -> TempDir {
    directory(&[("shop.yaml", &proxy("shop", "web")), ("service.yaml", WEB)])
}

fn source(directory: &Path) -> String {
    format!("directory={}", directory.display())
}

/// Serves a directory on a port that the system chooses, and waits until it does.
#[track_caller]
fn serve(directory: &Path) -> (Program, SocketAddr) {
    let program =
        Program::start(contour(["serve", "--source", &source(directory), "--xds-port", "0"]));
    let address = address(&program);
    (program, address)
}

/// Where a program serves, by its own words.
#[track_caller]
fn address(program: &Program) -> SocketAddr {
    let said = program.says("serving xDS in plain text address=", 1);
    let (_, address) = said.split_once("address=").expect("was waited for");
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
    let arguments = ["serve", "--source", &source(directory.path()), "--xds-port", "0", "--debug"];
    let program = Program::start_unread(contour(arguments));
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
    let arguments = ["serve", "--source", "directory=no/such/place", "--xds-port", "0"];
    check_error(&Program::start(contour(arguments)).end(), "there is no directory no/such/place");
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
    let arguments =
        ["serve", "--source", &source, "-c", file.to_str().expect("UTF-8"), "--xds-port=0"];
    let program = Program::start(contour(arguments));
    program.says("applied changes", 1);
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
fn a_cluster_is_no_source_yet() {
    check_error(
        &Program::start(contour(["serve"])).end(),
        "objects of a cluster cannot be read yet; give --source directory=PATH",
    );
}
