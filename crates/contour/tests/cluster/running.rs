//! A running `contour serve`, and what it says over HTTP.

use std::net::SocketAddr;
use std::process::Command;

use contour_tests::api_server::Account;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::program::contour;
use contour_tests::program::Program;

/// A running `contour serve`, which chose its ports.
pub(crate) struct Running {
    pub(crate) program: Program,
    /// Metrics and health.
    pub(crate) http: SocketAddr,
    /// The debug pages.
    debug: SocketAddr,
}

/// `contour serve` in plain text, on ports of loopback that the system chooses. The Lease is one of the test's own.
pub(crate) fn command(lease: &str) -> Command {
    let mut command = contour(["serve", "--insecure", "--xds-address=127.0.0.1", "--xds-port=0"]);
    command.args(["--http-address=127.0.0.1", "--http-port=0"]);
    command.args(["--health-address=127.0.0.1", "--health-port=0", "--debug-http-port=0"]);
    command.arg(format!("--leader-election-resource-name={lease}"));
    command
}

/// The same, as this account.
pub(crate) fn command_of(account: &Account, lease: &str) -> Command {
    let mut command = command(lease);
    command.arg("--kubeconfig").arg(&account.kubeconfig);
    command
}

impl Running {
    /// Starts it. Its ports are open then, but for that of xDS.
    pub(crate) fn start(command: Command) -> Running {
        Running::of(Program::start(command))
    }

    /// One that was started.
    pub(crate) fn of(program: Program) -> Running {
        let http = address(&program, "context=metricsvc address=");
        let debug = address(&program, "context=debugsvc address=");
        Running { program, http, debug }
    }

    /// Where it serves xDS. Waits until it does.
    pub(crate) fn xds(&self) -> SocketAddr {
        address(&self.program, "serving xDS in plain text address=")
    }

    /// Where its debug pages are.
    pub(crate) fn debug_address(&self) -> SocketAddr {
        self.debug
    }

    /// The status and the body of an answer. None: nobody answers.
    pub(crate) async fn get(&self, path: &str) -> Option<(u16, String)> {
        get(self.http, path).await
    }

    /// The same of a debug page.
    pub(crate) async fn debug(&self, path: &str) -> Option<(u16, String)> {
        get(self.debug, path).await
    }

    /// A metric that is a whole number, by its name and labels as they are printed.
    pub(crate) async fn metric(&self, name: &str) -> Option<u64> {
        let (_, text) = self.get("/metrics").await?;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Whether it serves a host.
    pub(crate) async fn serves_host(&self, host: &str) -> bool {
        let answer = self.debug(&format!("/debug/hosts/{host}")).await;
        answer.is_some_and(|(status, _)| status == 200)
    }
}

/// An address that a program has said.
#[track_caller]
fn address(program: &Program, before: &str) -> SocketAddr {
    let said = program.says(before, 1);
    let (_, address) = said.split_once(before).expect("was waited for");
    address.split_whitespace().next().and_then(|word| word.parse().ok()).expect("an address")
}

async fn get(server: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: contour\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
