//! `contour envoy shutdown` and `contour envoy shutdown-manager`.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use contour_tests::program::Program;
use contour_tests::proxy::PATIENCE;
use rustix::process::Signal;

use super::program::contour;
use super::{check_error, taken};

/// `contour envoy shutdown` that is tired of waiting after a moment.
fn shutdown(directory: &Path, flags: &[&str]) -> Command {
    let mut command = contour(["envoy", "shutdown"]);
    command.arg("--admin-address").arg(directory.join("admin.sock"));
    command.arg("--ready-file").arg(directory.join("ok")).args(flags);
    command
}

/// A `contour envoy shutdown-manager`, and the port that the system chose for it.
fn manager(directory: &Path, flags: &[&str]) -> (Program, String) {
    let mut command = contour(["envoy", "shutdown-manager", "--serve-port=0"]);
    command.arg("--ready-file").arg(directory.join("ok")).args(flags);
    let program = Program::start(command);
    let said = program.says("started HTTP server", 1);
    let address = said.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
    let (_, port) = address.and_then(|address| address.rsplit_once(':')).expect("an address");
    let port = port.trim_matches('"').to_owned();
    (program, port)
}

/// A request that is under way.
fn ask(port: &str, path: &str) -> TcpStream {
    let server: SocketAddr = format!("127.0.0.1:{port}").parse().expect("an address");
    let mut stream = TcpStream::connect(server).expect("somebody listens");
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("it is taken");
    stream.set_read_timeout(Some(PATIENCE)).expect("a duration");
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn the_manager_answers_when_the_file_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let (program, port) = manager(directory.path(), &[]);
    assert!(answer(ask(&port, "/healthz")).ends_with("\r\n\r\nOK"));
    let waiting = ask(&port, "/shutdown");
    program.says("asked whether Envoy may be stopped", 1);
    std::fs::write(directory.path().join("ok"), "").expect("a file");
    assert!(answer(waiting).ends_with("\r\n\r\nOK"));
    program.signal(Signal::TERM);
    assert_eq!(program.end().code, Some(0));
}

#[test]
fn a_file_from_before_does_not_count() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("ok");
    std::fs::write(&file, "").expect("a file");
    let _running = manager(directory.path(), &[]);
    assert!(!file.exists());
}

#[test]
fn a_manager_may_take_envoy_out_of_service_itself() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("admin.sock");
    let flags =
        ["--drain", "--drain-timeout=10ms", "--admin-address", socket.to_str().expect("text")];
    let (program, port) = manager(directory.path(), &flags);
    assert!(answer(ask(&port, "/shutdown")).ends_with("\r\n\r\nOK"));
    program.says("the time is over", 1);
    assert!(directory.path().join("ok").exists());
}

#[test]
fn without_an_envoy_time_ends_a_shutdown_which_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let ended = Program::start(shutdown(directory.path(), &["--drain-timeout=300ms"])).end();
    assert_eq!(ended.code, Some(0));
    assert!(ended.err.contains("Envoy is told again to fail its health check"), "{}", ended.err);
    assert!(ended.err.contains("the time is over"), "{}", ended.err);
    assert!(directory.path().join("ok").exists());
}

#[test]
fn a_shutdown_that_is_told_to_stop_does_not_say_that_envoy_may_be_stopped() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = Program::start(shutdown(directory.path(), &[]));
    program.says("Envoy is told again", 1);
    program.signal(Signal::TERM);
    assert_eq!(program.end().code, Some(1));
    assert!(!directory.path().join("ok").exists());
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = contour(["envoy", "shutdown", "--drain-timeout=1ms", "--log-format=json"]);
    command.args(["--ready-file", "no/such/file", "--admin-address"]);
    command.arg(directory.path().join("admin.sock"));
    let ended = Program::start(command).end();
    assert_eq!(ended.code, Some(1));
    let last = ended.err.lines().last().expect("a line");
    assert!(
        last.starts_with("contour: error: cannot write no/such/file (--ready-file): "),
        "{last}"
    );
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let (_listener, port) = taken();
    let mut command = contour(["envoy", "shutdown-manager", "--serve-port", &port]);
    command.arg("--ready-file").arg(directory.path().join("ok"));
    check_error(
        &Program::start(command).end(),
        &format!(
            "cannot listen on port {port} (--serve-port): Address already in use (os error 98)"
        ),
    );
}

#[test]
fn a_duration_without_a_unit_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let ended = Program::start(shutdown(directory.path(), &["--check-interval=5"])).end();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("--check-interval") && ended.err.contains("1m30s"), "{}", ended.err);
}
