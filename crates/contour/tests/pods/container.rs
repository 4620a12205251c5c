//! A container: a program in namespaces of its own, with nothing of the machine's files but its libraries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use contour_tests::program::{Ended, Program};
use contour_tests::proxy::until;
use rustix::process::{Pid, Signal, kill_process};

use super::network::Namespace;

/// Where a pod has the files of its account.
pub(crate) const ACCOUNT: &str = "/run/secrets/kubernetes.io/serviceaccount";

/// Makes the root directory in the directory `$1`: the programs `$2` and `$3` in `/bin`, `/etc` from `$4`, then pairs of
/// a directory and where it goes, up to a `--`; and starts the rest in it, as the first process of its own.
const SCRIPT: &str = r#"
set -e
root=$1 contour=$2 envoy=$3 etc=$4; shift 4
mount -t tmpfs tmpfs "$root"
cd "$root"
mkdir -p bin dev etc proc run tmp usr var
ln -s ../run var/run
for each in contour envoy; do touch bin/$each; done
mount --bind "$contour" bin/contour
mount --bind "$envoy" bin/envoy
mount --bind "$etc" etc
mount --rbind /usr usr
mount --rbind /dev dev
mount --rbind /proc proc
for each in /lib /lib64; do [ -e "$each" ] && ln -s "usr$each" ".$each"; done
while [ "$1" != -- ]; do
    mkdir -p ".$2"
    mount --bind "$1" ".$2"
    shift 2
done
shift
exec env PATH=/bin /usr/sbin/chroot "$root" "$@"
"#;

/// What the containers of a pod share.
pub(crate) struct Pod {
    pub(crate) network: Namespace,
    /// A directory for each container to make its root in, and `etc`.
    scratch: tempfile::TempDir,
    /// What a program finds in its environment.
    environment: Vec<(String, String)>,
}

/// A directory of the machine, and where a container has it.
pub(crate) type Mount<'a> = (&'a Path, &'static str);

impl Pod {
    /// The pod 198.18.0.LAST, which knows hosts by these lines.
    pub(crate) fn new(last: u8, hosts: &str) -> Pod {
        let scratch = tempfile::tempdir().expect("a directory");
        let etc = scratch.path().join("etc");
        fs::create_dir(&etc).expect("a directory");
        fs::write(etc.join("hosts"), hosts).expect("a file");
        fs::write(etc.join("nsswitch.conf"), "hosts: files\n").expect("a file");
        Pod { network: Namespace::new(last), scratch, environment: Vec::new() }
    }

    /// Adds to the environment.
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Pod {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// Starts a container.
    pub(crate) fn start(&self, command: &[&str], mounts: &[Mount<'_>]) -> Container {
        let root = tempfile::tempdir_in(self.scratch.path()).expect("a directory").keep();
        let mut process = Command::new("nsenter");
        process.arg(format!("--net={}", self.network.path()));
        process.args(["unshare", "--mount", "--pid", "--fork", "--kill-child"]);
        process.args(["sh", "-c", SCRIPT, "sh"]).arg(root);
        process
            .arg(env!("CARGO_BIN_EXE_contour"))
            .arg(envoy())
            .arg(self.scratch.path().join("etc"));
        for (from, to) in mounts {
            process.arg(from).arg(to);
        }
        process.arg("--").args(command);
        // Of the environment of whoever runs the tests, nothing.
        process.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        process.envs(self.environment.iter().cloned());
        Container { program: Program::start(process) }
    }
}

fn envoy() -> PathBuf {
    let envoy = contour_tests::proxy::binary().expect("it was looked for");
    fs::canonicalize(envoy).expect("an Envoy")
}

/// A container that was started. Dropping it kills it.
pub(crate) struct Container {
    pub(crate) program: Program,
}

impl Container {
    /// Asks its first process to end, as a kubelet does, and waits until it has.
    pub(crate) async fn stop(self) -> Ended {
        let launcher = self.program.pid().as_raw_nonzero();
        let children = format!("/proc/{launcher}/task/{launcher}/children");
        let mut first = None;
        until("the container runs", async || {
            let text = fs::read_to_string(&children).unwrap_or_default();
            first = text.split_whitespace().next().and_then(|word| word.parse().ok());
            first.is_some()
        })
        .await;
        let first = first.and_then(Pid::from_raw).expect("a process");
        kill_process(first, Signal::TERM).expect("it runs");
        self.ended().await
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(self) -> Ended {
        tokio::task::spawn_blocking(|| self.program.end()).await.expect("no panic")
    }
}
