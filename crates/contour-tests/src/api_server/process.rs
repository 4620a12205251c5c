//! Programs that do not outlive the test, however it ends.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, mpsc};

use contour::envoy::bound;

/// How many of the last lines of a log are shown when a program fails.
const LINES_SHOWN: usize = 30;

/// A running program, killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `binary`. What it says is appended to the file `log`.
    pub(super) fn start(binary: &Path, arguments: Vec<String>, log: PathBuf) -> Process {
        let file = File::options().create(true).append(true).open(&log).expect("a log to write");
        let mut words = bound::launcher(&launcher()).into_iter();
        let mut command = Command::new(words.next().expect("the launcher"));
        command
            .args(words)
            .arg(binary)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file);
        let name = binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let child = spawn(command).unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Process { name, child, log }
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child")
    }

    /// Kills it and waits until it is gone.
    pub(super) fn kill(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its name and the end of its log, for people.
    pub(super) fn words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
        format!("{} said:\n{}", self.name, last.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The executable `bound`, which Cargo builds beside the tests of this package.
fn launcher() -> PathBuf {
    let own = std::env::current_exe().expect("our own path");
    let mut directories = own.ancestors().skip(1).map(|directory| directory.join("bound"));
    directories
        .find(|path| path.is_file())
        .expect("Cargo builds `bound` with the tests that need it")
}

/// A command to start, and where to say how that went.
type Order = (Command, mpsc::SyncSender<io::Result<Child>>);

/// Takes orders for a thread that starts programs and ends with this process.
///
/// Linux kills a bound program when the *thread* that started it ends, and a test is a thread.
static STARTER: LazyLock<mpsc::SyncSender<Order>> = LazyLock::new(|| {
    let (orders, taken) = mpsc::sync_channel::<Order>(0);
    std::thread::spawn(move || {
        for (mut command, answer) in taken {
            // Whoever asked waits for the answer.
            let _ = answer.send(command.spawn());
        }
    });
    orders
});

fn spawn(command: Command) -> io::Result<Child> {
    let (answer, started) = mpsc::sync_channel(1);
    STARTER.send((command, answer)).expect("the thread never ends");
    started.recv().expect("each order is answered")
}
