//! `contour cli`.

use std::net::SocketAddr;

use contour_tests::program::{Ended, Program};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::check_error;
use super::manifests::{WEB, directory, proxy, write};
use super::program::contour;

/// A server that serves one host.
fn server() -> (Program, SocketAddr, TempDir) {
    let directory = directory(&[("shop.yaml", &proxy("shop", "web")), ("service.yaml", WEB)]);
    let mut command = contour(["serve", "--insecure", "--xds-port=0", "--http-port=0"]);
    command.args(["--health-port=0", "--debug-http-port=0"]);
    command.arg(format!("--source=directory={}", directory.path().display()));
    let program = Program::start(command);
    let said = program.says("serving xDS in plain text address=", 1);
    let (_, address) = said.split_once("address=").expect("was waited for");
    let (_, address) =
        said.rsplit_once("serving xDS in plain text address=").unwrap_or(("", address));
    let address = address.split_whitespace().next().expect("an address").parse();
    (program, address.expect("an address"), directory)
}

fn cli(server: SocketAddr, arguments: &[&str]) -> Program {
    let mut command = contour(["cli", "--contour", &server.to_string()]);
    command.args(arguments);
    Program::start(command)
}

/// The messages that were printed.
fn messages(text: &str) -> Vec<Value> {
    let stream = serde_json::Deserializer::from_str(text).into_iter();
    stream.map(|message| message.expect("JSON")).collect()
}

#[track_caller]
fn check_answered(ended: &Ended) -> Vec<Value> {
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let messages = messages(&ended.out);
    assert_eq!(messages.len(), 3, "asked, answered, accepted: {}", ended.out);
    messages
}

#[test]
fn each_service_answers_in_each_variant() {
    let (_server, address, _directory) = server();
    for service in ["cds", "eds", "lds", "rds", "sds"] {
        for variant in [&[][..], &["--delta"], &["--ads"], &["--delta", "--ads"]] {
            // Without resources state of the world is silent, incremental not.
            if service == "sds" && !variant.contains(&"--delta") {
                continue;
            }
            let arguments = [&[service, "--once"], variant].concat();
            let messages = check_answered(&cli(address, &arguments).end());
            let [asked, answered, accepted] = &messages[..] else { unreachable!("were counted") };
            assert_eq!(asked["node"]["id"], "ContourCLI");
            assert_eq!(asked["type_url"], answered["type_url"]);
            assert_eq!(accepted["response_nonce"], answered["nonce"], "{arguments:?}");
            assert_eq!(accepted.get("error_detail"), None);
            if service != "sds" {
                assert!(answered["resources"][0].is_object(), "{arguments:?}: {answered:#}");
            }
        }
    }
}

#[test]
fn a_name_asks_for_one_resource() {
    let (_server, address, _directory) = server();
    let ended = cli(address, &["rds", "ingress_http", "--delta", "--once"]).end();
    let messages = check_answered(&ended);
    assert_eq!(messages[0]["resource_names_subscribe"][0], "ingress_http");
    assert_eq!(messages[1]["resources"].as_array().map(Vec::len), Some(1));
    assert!(ended.out.contains("shop.example.com"));
}

#[test]
fn every_response_can_be_refused() {
    let (server, address, _directory) = server();
    let ended = cli(address, &["cds", "--nack", "--once"]).end();
    let messages = check_answered(&ended);
    assert_eq!(messages[2]["error_detail"]["code"], 13);
    server.says("refused because of --nack", 1);
}

#[test]
fn messages_may_be_yaml() {
    let (_server, address, _directory) = server();
    let ended = cli(address, &["cds", "--once", "--output=yaml", "--node-id=me"]).end();
    assert!(ended.out.starts_with("---\nnode:\n  id: me\n"), "{}", ended.out);
}

#[test]
fn changes_are_shown_until_it_is_stopped() {
    let (_server, address, directory) = server();
    let program = cli(address, &["rds", "--delta"]);
    program.prints("shop.example.com", 1);
    write(directory.path(), "shop.yaml", &proxy("other", "web"));
    program.prints("other.example.com", 1);
    program.signal(Signal::TERM);
    assert_eq!(program.end().code, Some(0));
}

#[test]
fn a_server_that_ends_ends_it_with_a_clear_line() {
    let (server, address, _directory) = server();
    let program = cli(address, &["cds"]);
    program.prints("\"nonce\"", 1);
    server.signal(Signal::KILL);
    let ended = program.end();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.starts_with("contour: error: the server ended the stream"), "{}", ended.err);
}

#[test]
fn nobody_there_is_one_clear_line() {
    let ended = cli(([127, 0, 0, 1], 9).into(), &["cds"]).end();
    let line = ended.err.lines().collect::<Vec<_>>();
    assert_eq!(
        line,
        ["contour: error: cannot connect to 127.0.0.1:9: Connection refused (os error 111)"]
    );
    assert_eq!(ended.code, Some(1));
}

#[test]
fn some_files_of_tls_without_the_others_are_refused() {
    let mut command = contour(["cli", "cds"]);
    command.args(["--cafile", "ca.crt"]);
    let expect =
        "TLS needs --cafile, --cert-file and --key-file; without any of them xDS is plain text";
    check_error(&Program::start(command).end(), expect);
}
