//! `cargo xtask dist`: the program as it is shipped, and what can be said of it.
//!
//! One file that needs no other: the C library is linked in. So its name resolution is tried, too, where there is nothing
//! but what a kubelet puts into every pod.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::cargo;

/// What the program is to stay below.
const SIZE: u64 = 25_000_000;
const START: Duration = Duration::from_millis(20);

/// How often it is started to see how long that takes.
const STARTS: usize = 21;

/// How long a resolved name may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Builds it into `target/dist/contour`, and says what it is like.
pub(crate) fn run(verdict: bool) -> Result<ExitCode> {
    let program = build()?;
    let size = fs::metadata(&program)?.len();
    let start = start_up(&program)?;
    println!("{}", program.display());
    println!("  {:45} {:>9.1} MB", "size, stripped", megabytes(size));
    println!(
        "  {:45} {:>9.1} ms",
        "from start to the end of --help, median",
        start.as_secs_f64() * 1e3
    );
    let alone = alone(&program)?;
    println!("  {:45} {:>12}", "runs, and resolves names, in an empty root", alone);
    if !verdict {
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(size < SIZE, "it is larger than {:.0} MB", megabytes(SIZE));
    ensure!(start < START, "it starts slower than in {} ms", START.as_millis());
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::cast_precision_loss, reason = "printed with one digit")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn build() -> Result<PathBuf> {
    eprintln!("==> building (some minutes)");
    // The target whose C library can be linked in.
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut command = cargo::command();
    command.args([
        "build",
        "--profile=dist",
        "--package=contour",
        "--bin=contour",
        "--target",
        &triple,
    ]);
    command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    let status = command.status().context("cannot start cargo")?;
    ensure!(status.success(), "the build failed");
    let target = cargo::target_directory()?;
    let directory = target.join("dist");
    fs::create_dir_all(&directory)?;
    let program = directory.join("contour");
    let built = target.join(triple).join("dist/contour");
    // One that runs stays what it is.
    let new = directory.join("contour.new");
    fs::copy(&built, &new).with_context(|| format!("cannot copy {}", built.display()))?;
    fs::rename(&new, &program)?;
    Ok(program)
}

/// The median of what `--help` takes.
fn start_up(program: &Path) -> Result<Duration> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let begin = Instant::now();
        let status = Command::new(program).arg("--help").stdout(Stdio::null()).status()?;
        times.push(begin.elapsed());
        ensure!(status.success(), "--help failed");
    }
    times.sort_unstable();
    Ok(times[STARTS / 2])
}

/// Whether it needs nothing around it. That takes namespaces, which not everybody may make: then it is said.
fn alone(program: &Path) -> Result<&'static str> {
    let own = std::env::current_exe()?;
    let probe = |command: &mut Command| command.status();
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "--"]).arg(&own).arg("dist-probe").arg(program);
    match probe(&mut command) {
        Ok(status) if status.success() => Ok("yes"),
        Ok(status) if status.code() == Some(NO_NAMESPACE) => Ok("not tried"),
        Ok(_) => bail!("it does not work in an empty root directory"),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok("not tried"),
        Err(error) => Err(error).context("cannot start unshare"),
    }
}

/// The exit code of `unshare` where namespaces are not to be had.
const NO_NAMESPACE: i32 = 1;

/// The exit code of [`probe`] if the program is at fault.
const FAULT: u8 = 2;

/// In a network namespace of its own: has the program connect to a name of `/etc/hosts`, and to one that only a name
/// server knows, from a root directory in which there is nothing else.
pub(crate) fn probe(program: &Path) -> ExitCode {
    let root = std::env::temp_dir().join(format!("contour-dist-{}", std::process::id()));
    let reached = reaches_both(program, &root);
    // It may not have come to that.
    let _ = fs::remove_dir_all(&root);
    match reached {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(FAULT)
        }
    }
}

fn reaches_both(program: &Path, root: &Path) -> Result<()> {
    let status = Command::new("ip").args(["link", "set", "lo", "up"]).status();
    ensure!(status.is_ok_and(|status| status.success()), "ip link set lo up failed");
    fs::create_dir_all(root.join("etc"))?;
    fs::copy(program, root.join("contour"))?;
    fs::write(root.join("etc/hosts"), "127.0.0.1 in-hosts\n")?;
    fs::write(root.join("etc/resolv.conf"), "nameserver 127.0.0.1\nsearch svc.cluster.test\n")?;
    let names = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).context("cannot serve names")?;
    thread::spawn(move || while answer(&names).is_ok() {});
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let (say, came) = mpsc::channel();
    thread::spawn(move || while listener.accept().is_ok_and(|_| say.send(()).is_ok()) {});
    for name in ["in-hosts", "contour.projectcontour"] {
        reaches(root, name, port, &came)?;
    }
    Ok(())
}

/// Has it ask the server `name`, and waits until it comes.
fn reaches(root: &Path, name: &str, port: u16, came: &mpsc::Receiver<()>) -> Result<()> {
    let mut command = Command::new("unshare");
    command.arg("--root").arg(root).args(["--", "/contour", "cli", "cds", "--contour"]);
    let mut child = command.arg(format!("{name}:{port}")).stdout(Stdio::null()).spawn()?;
    let reached = came.recv_timeout(PATIENCE);
    // It may have ended by itself, and said why.
    let _ = child.kill();
    child.wait()?;
    reached.with_context(|| format!("it did not reach {name} within {PATIENCE:?}"))
}

/// A name server that knows one name, with one address of the old kind.
fn answer(socket: &UdpSocket) -> std::io::Result<()> {
    const KNOWN: &[u8] = b"\x07contour\x0eprojectcontour\x03svc\x07cluster\x04test\0";
    const HEADER: usize = 12;
    const ADDRESS: [u8; 2] = [0, 1];
    let mut packet = [0; 512];
    let (length, client) = socket.recv_from(&mut packet)?;
    let Some(question) = packet[..length].get(HEADER..) else { return Ok(()) };
    let Some(end) = question.iter().position(|byte| *byte == 0).map(|end| end + 1) else {
        return Ok(());
    };
    let Some(question) = question.get(..end + 4) else { return Ok(()) };
    let known = question[..end].eq_ignore_ascii_case(KNOWN);
    let has_address = known && question[end..end + 2] == ADDRESS;
    let mut reply = packet[..2].to_vec();
    reply.extend([0x81, if known { 0x80 } else { 0x83 }]); // an answer; the code of a name that is not
    reply.extend([0, 1, 0, u8::from(has_address), 0, 0, 0, 0]);
    reply.extend(question);
    if has_address {
        // The name of the question, an address, for a minute.
        reply.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    socket.send_to(&reply, client)?;
    Ok(())
}
