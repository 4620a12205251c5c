//! The network of a cluster of one machine: a bridge, and a namespace for each pod.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::sync::Once;

/// The machine itself: API server and backends.
pub(crate) const NODE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 18, 0, 1));

/// Runs a command that has to succeed.
#[track_caller]
fn run(command: &str) {
    let mut words = command.split(' ');
    let mut process = Command::new(words.next().expect("a word"));
    let output = process.args(words).output().expect("iproute2 is installed");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Makes the bridge, once.
pub(crate) fn open() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        run("ip link add name pods type bridge");
        run(&format!("ip address add {NODE}/16 dev pods"));
        run("ip link set pods up");
    });
}

/// The network namespace of a pod. Dropping it takes it away.
pub(crate) struct Namespace {
    name: String,
    pub(crate) address: IpAddr,
}

impl Namespace {
    /// That of the pod 198.18.0.LAST.
    pub(crate) fn new(last: u8) -> Namespace {
        let (name, address) = (format!("pod{last}"), Ipv4Addr::new(198, 18, 0, last));
        run(&format!("ip netns add {name}"));
        run(&format!("ip link add {name} type veth peer name eth0 netns {name}"));
        run(&format!("ip link set {name} master pods up"));
        run(&format!("ip -n {name} address add {address}/16 dev eth0"));
        run(&format!("ip -n {name} link set eth0 up"));
        run(&format!("ip -n {name} link set lo up"));
        Namespace { name, address: address.into() }
    }

    /// Its file.
    pub(crate) fn path(&self) -> String {
        format!("/run/netns/{}", self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        run(&format!("ip netns delete {}", self.name));
    }
}
