//! The store behind an API server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::process::Process;
use crate::proxy::until;

/// A running etcd with one member, killed when dropped.
#[derive(Debug)]
pub(super) struct Etcd {
    /// Where it serves clients, without TLS.
    pub(super) address: SocketAddr,
    process: Process,
}

impl Etcd {
    /// Starts one on a free port, with its data below `directory`, and waits until it serves.
    pub(super) async fn start(binary: &Path, directory: &Path) -> Etcd {
        let address = super::free_address(Ipv4Addr::LOCALHOST.into());
        let arguments = [
            format!("--data-dir={}", directory.join("etcd").display()),
            format!("--listen-client-urls=http://{address}"),
            format!("--advertise-client-urls=http://{address}"),
            // Nobody joins; any port will do.
            "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
            // What is written has to survive the test, not the machine.
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ];
        let process = Process::start(binary, arguments.into(), directory.join("etcd.log"));
        let mut etcd = Etcd { address, process };
        until("etcd serves", async || {
            if let Some(status) = etcd.process.ended() {
                panic!("etcd ended ({status}); {}", etcd.process.words());
            }
            etcd.revision().await.is_some()
        })
        .await;
        etcd
    }

    /// Forgets every revision but the present one.
    pub(super) async fn compact(&self) {
        let revision = self.revision().await.expect("etcd runs");
        let order = json!({"revision": revision, "physical": true});
        self.post("/v3/kv/compaction", &order).await.expect("etcd compacts");
    }

    /// The present revision; `None` if etcd does not answer.
    async fn revision(&self) -> Option<String> {
        // Base64 of a zero byte: no such key, but every answer has a header.
        let answer = self.post("/v3/kv/range", &json!({"key": "AA=="})).await?;
        Some(answer["header"]["revision"].as_str()?.to_owned())
    }

    /// Asks the JSON gateway.
    async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let body = body.to_string();
        let mut stream = TcpStream::connect(self.address).await.ok()?;
        // Version 1.0, so that the answer ends with the connection and has no chunks.
        let request = format!(
            "POST {path} HTTP/1.0\r\nhost: etcd\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let ok = head.split(' ').nth(1) == Some("200");
        ok.then(|| serde_json::from_str(body).ok())?
    }
}
