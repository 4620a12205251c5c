//! The command line, as a user meets it. None of these tests needs an Envoy; `tests/run.rs` has those that do.

#[path = "../program/mod.rs"]
mod program;

mod manifests;

mod bootstrap;
mod certgen;
mod check;
mod envoy;
mod ports;
mod serve;
mod shutdown;
mod usage;
mod xds;

use std::net::{Ipv4Addr, TcpListener};

use contour_tests::program::Ended;

/// Whether a program ended with this one line on standard error, and nothing on standard output.
#[track_caller]
fn check_error(ended: &Ended, expect: &str) {
    assert_eq!(ended.err, format!("contour: error: {expect}\n"));
    assert_eq!(ended.out, "");
    assert_eq!(ended.code, Some(1));
}

/// A free port of loopback that stays taken as long as the listener lives.
fn taken() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("its address").port().to_string();
    (listener, port)
}
