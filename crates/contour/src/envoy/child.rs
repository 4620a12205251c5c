//! One Envoy as our child: started, started again when it dies, and emptied before it is stopped.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child as Process, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::admin::Admin;
use super::drain::{Drained, drain};
use super::restart::Backoff;
pub use super::restart::Restart;

/// One line for each message, as our own log has them: time, level, origin, text.
const LOG_FORMAT: &str = "%Y-%m-%dT%T.%f%z %l envoy %n: %v";

/// How many events may wait to be read. A life has two, and lives are half a second apart at least.
const UNREAD_EVENTS: usize = 16;

/// What to run and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The executable.
    pub binary: PathBuf,
    /// Words put before the command, the first of which is the program that is started instead. It must become
    /// the command (`exec`), not start it. Empty: Envoy is started directly.
    pub launcher: Vec<OsString>,
    /// The bootstrap file (`--config-path`).
    pub bootstrap: PathBuf,
    /// The Unix socket on which the bootstrap puts the admin interface.
    pub admin: PathBuf,
    /// What Envoy logs, to our standard error.
    pub log_level: LogLevel,
    /// How long Envoy goes on to accept and serve on what it was told to give up: a listener or filter chain that
    /// was removed or replaced, or all of them at the end (`--drain-time-s`). Whole seconds; a part counts as
    /// one.
    pub drain_time: Duration,
    /// When to start it again after its death.
    pub restart: Restart,
    /// How often to ask for open connections while it drains.
    pub poll: Duration,
    /// How long it may take to exit after SIGTERM before it gets SIGKILL.
    pub kill_after: Duration,
}

impl Options {
    /// An Envoy for one machine: it warns, and lets go of old connections within five seconds.
    pub fn new(binary: PathBuf, bootstrap: PathBuf, admin: PathBuf) -> Options {
        Options {
            binary,
            launcher: Vec::new(),
            bootstrap,
            admin,
            log_level: LogLevel::Warning,
            drain_time: Duration::from_secs(5),
            restart: Restart::default(),
            poll: Duration::from_millis(100),
            kill_after: Duration::from_secs(5),
        }
    }

    fn arguments(&self) -> Vec<OsString> {
        let seconds = self.drain_time.as_secs() + u64::from(self.drain_time.subsec_nanos() > 0);
        vec![
            "--config-path".into(),
            self.bootstrap.clone().into(),
            // A child that died has nobody to hand its sockets over to. Without hot restart Envoy needs neither
            // shared memory nor a base ID that differs from other Envoys on this machine.
            "--disable-hot-restart".into(),
            "--drain-time-s".into(),
            seconds.to_string().into(),
            "--log-level".into(),
            self.log_level.word().into(),
            "--log-format".into(),
            LOG_FORMAT.into(),
            // They speak of fields that we set: nothing that a reader of the log could mend.
            "--skip-deprecated-logs".into(),
        ]
    }

    fn command(&self) -> Command {
        let mut words = self.launcher.iter().cloned().chain([self.binary.clone().into()]);
        let mut command = Command::new(words.next().expect("the binary at least"));
        command
            .args(words)
            .args(self.arguments())
            .stdin(Stdio::null())
            // A terminal sends Ctrl-C to its whole process group, and Envoy would be gone before it is empty.
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

/// The least important messages that Envoy logs (`--log-level`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What each connection and request does.
    Debug,
    /// What the process does, some hundred lines at a start.
    Info,
    /// What is degraded; refused configuration among it.
    Warning,
    /// What failed.
    Error,
    /// What ends the process.
    Critical,
    /// Nothing.
    Off,
}

impl LogLevel {
    fn word(self) -> &'static str {
        match self {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warning => "warning",
            LogLevel::Error => "error",
            LogLevel::Critical => "critical",
            LogLevel::Off => "off",
        }
    }
}

/// What happens to the child while nobody stops it.
#[derive(Debug)]
pub enum Event {
    /// It was started.
    Started {
        /// Its process.
        pid: u32,
    },
    /// It ended, though nobody asked for it.
    Exited {
        /// How.
        status: ExitStatus,
        /// The pause until it is started again.
        restart_in: Duration,
    },
    /// It could not be started again, or not be waited for.
    Failed {
        /// The system's words.
        error: io::Error,
        /// The pause until the next attempt.
        restart_in: Duration,
    },
}

/// How a child was stopped.
#[derive(Debug)]
pub enum Stopped {
    /// It did not run: it had died and was not started again yet.
    NotRunning,
    /// It ended by itself while it drained.
    Exited(ExitStatus),
    /// It was asked to go, and went.
    Terminated {
        /// How the drain before it ended.
        drained: Drained,
        /// How it went.
        status: ExitStatus,
    },
    /// It did not go when asked.
    Killed {
        /// How the drain before it ended.
        drained: Drained,
    },
}

/// An Envoy that is kept running. Dropping this kills it.
#[derive(Debug)]
pub struct Child {
    events: mpsc::Receiver<Event>,
    /// Takes the order to stop, with the deadline of the drain.
    stop: Option<oneshot::Sender<Duration>>,
    supervisor: JoinHandle<Stopped>,
}

impl Child {
    /// Starts an Envoy and a task that keeps it running. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// If it cannot be started now. Later failures are [`Event::Failed`].
    pub fn spawn(options: Options) -> io::Result<Child> {
        let process = options.command().spawn()?;
        let (reports, events) = mpsc::channel(UNREAD_EVENTS);
        let (stop, ordered) = oneshot::channel();
        let supervisor = tokio::spawn(supervise(options, process, reports, ordered));
        Ok(Child { events, stop: Some(stop), supervisor })
    }

    /// Waits for the next event. Cancel safe.
    ///
    /// Events have to be read: after some unread ones nobody starts Envoy again.
    pub async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Drains Envoy for `deadline` at most, then sends SIGTERM, then, if need be, SIGKILL.
    ///
    /// Dropping the future kills Envoy at once: that is the answer to a second Ctrl-C.
    pub async fn stop(mut self, deadline: Duration) -> Stopped {
        self.events.close(); // nobody reads any more, and a report must not wait for that
        if let Some(stop) = self.stop.take() {
            // Fails only if the supervisor is gone; the next line says why.
            let _ = stop.send(deadline);
        }
        (&mut self.supervisor).await.expect("a supervisor ends when it is told to")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.supervisor.abort(); // drops the process, which kills it
    }
}

/// The order to stop. A sender that is gone says that nobody wants Envoy any more: no drain.
struct Order(oneshot::Receiver<Duration>);

impl Order {
    async fn given(&mut self) -> Duration {
        (&mut self.0).await.unwrap_or_default()
    }
}

async fn supervise(
    options: Options,
    mut process: Process,
    reports: mpsc::Sender<Event>,
    ordered: oneshot::Receiver<Duration>,
) -> Stopped {
    let mut order = Order(ordered);
    let mut backoff = Backoff::new(options.restart);
    loop {
        let started = Instant::now();
        // An error says that nobody reads: a stop is on its way.
        let _ = reports.send(Event::Started { pid: process.id().unwrap_or_default() }).await;
        let end = tokio::select! {
            end = process.wait() => end,
            deadline = order.given() => return stop(process, &options, deadline).await,
        };
        let mut restart_in = backoff.after(started.elapsed());
        let mut event = match end {
            Ok(status) => Event::Exited { status, restart_in },
            Err(error) => Event::Failed { error, restart_in },
        };
        process = loop {
            let _ = reports.send(event).await;
            tokio::select! {
                () = sleep(restart_in) => {}
                _ = order.given() => return Stopped::NotRunning,
            }
            match options.command().spawn() {
                Ok(process) => break process,
                Err(error) => {
                    restart_in = backoff.after(Duration::ZERO);
                    event = Event::Failed { error, restart_in };
                }
            }
        };
    }
}

async fn stop(mut process: Process, options: &Options, deadline: Duration) -> Stopped {
    let admin = Admin::new(&options.admin);
    let drained = tokio::select! {
        Ok(status) = process.wait() => return Stopped::Exited(status),
        drained = drain(&admin, deadline, options.poll) => drained,
    };
    terminate(&process);
    if let Ok(Ok(status)) = timeout(options.kill_after, process.wait()).await {
        return Stopped::Terminated { drained, status };
    }
    // Fails only if it is gone meanwhile.
    let _ = process.kill().await;
    Stopped::Killed { drained }
}

fn terminate(process: &Process) {
    // While the identifier is there the process was not waited for, so that nobody else can have it.
    if let Some(pid) = process.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
        // Fails only if it is gone; waiting for it tells.
        let _ = kill_process(pid, Signal::TERM);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::os::unix::process::ExitStatusExt as _;
    use std::path::Path;

    use tempfile::TempDir;

    use super::super::admin::fake;
    use super::*;

    /// So long that no test reaches it.
    const NEVER: Duration = Duration::from_hours(1);

    /// A process that runs until it is told to end.
    const RUNS: &str = "exec sleep 3600";

    /// Options whose Envoy is the shell script `script`, in a directory that it finds as `$DIR`.
    ///
    /// The shell is the launcher, so that the script is read, not executed: executing a file just written fails
    /// (`ETXTBSY`) if another test happens to start a process meanwhile.
    fn scripted(script: &str) -> (TempDir, Options) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let text = format!("DIR='{}'\n{script}\n", directory.path().display());
        fs::write(path("envoy"), text).expect("a script");
        let options = Options {
            launcher: vec!["/bin/sh".into()],
            poll: Duration::from_millis(1),
            kill_after: NEVER,
            ..Options::new(path("envoy"), path("bootstrap.json"), path("admin.sock"))
        };
        (directory, options)
    }

    fn mkfifo(path: &Path) {
        let status = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo");
        assert!(status.success());
    }

    /// Opens a FIFO, which waits until the child has opened it too.
    async fn opened(path: PathBuf) -> File {
        let file = tokio::task::spawn_blocking(|| File::open(path)).await;
        file.expect("no panic").expect("a FIFO")
    }

    /// Reads until nobody has the other end any more.
    async fn ended(mut file: File) -> String {
        let read = move || {
            let mut text = String::new();
            file.read_to_string(&mut text).map(|_| text)
        };
        tokio::task::spawn_blocking(read).await.expect("no panic").expect("text")
    }

    async fn started(child: &mut Child) -> u32 {
        match child.event().await {
            Some(Event::Started { pid }) => pid,
            other => panic!("expected a start, got {other:?}"),
        }
    }

    async fn exited(child: &mut Child) -> (Option<i32>, Duration) {
        match child.event().await {
            Some(Event::Exited { status, restart_in }) => (status.code(), restart_in),
            other => panic!("expected an exit, got {other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_what_envoy_understands() {
        let mut options = Options::new("/e".into(), "/b.json".into(), "/a.sock".into());
        options.drain_time = Duration::from_millis(1500);
        options.log_level = LogLevel::Debug;
        let words = "--config-path /b.json --disable-hot-restart --drain-time-s 2 --log-level debug --log-format";
        let mut expect: Vec<OsString> = words.split(' ').map(Into::into).collect();
        expect.extend([LOG_FORMAT.into(), "--skip-deprecated-logs".into()]);
        assert_eq!(options.arguments(), expect);
    }

    #[test]
    fn log_levels_are_called_as_envoy_calls_them() {
        use clap::ValueEnum as _;
        for level in LogLevel::value_variants() {
            let name = level.to_possible_value().expect("no level is hidden");
            assert_eq!(level.word(), name.get_name());
        }
    }

    #[tokio::test]
    async fn the_child_gets_the_arguments_after_the_launchers() {
        let (directory, options) = scripted("echo \"$1 $2\" > \"$DIR/said\"; exec sleep 3600");
        mkfifo(&directory.path().join("said"));
        let bootstrap = options.bootstrap.display().to_string();
        let _child = Child::spawn(options).expect("a child");
        let said = opened(directory.path().join("said")).await;
        assert_eq!(ended(said).await, format!("--config-path {bootstrap}\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_that_dies_is_started_again_after_growing_pauses() {
        let (_directory, options) = scripted("exit 7");
        let mut child = Child::spawn(options).expect("a child");
        let begin = Instant::now();
        let mut pids = Vec::new();
        let mut pauses = Duration::ZERO;
        for milliseconds in [500, 1000, 2000] {
            pids.push(started(&mut child).await);
            let pause = Duration::from_millis(milliseconds);
            assert_eq!(exited(&mut child).await, (Some(7), pause));
            pauses += pause;
        }
        pids.push(started(&mut child).await);
        assert!(begin.elapsed() >= pauses, "{:?} < {pauses:?}", begin.elapsed());
        pids.dedup();
        assert_eq!(pids.len(), 4, "each start is another process");
    }

    #[tokio::test]
    async fn a_child_that_cannot_be_started_at_all_is_an_error() {
        let (directory, mut options) = scripted(RUNS);
        options.launcher.clear();
        options.binary = directory.path().join("none");
        let error = Child::spawn(options).expect_err("no such file");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_that_cannot_be_started_again_is_tried_until_it_can() {
        let (directory, mut options) = scripted(RUNS);
        let binary = directory.path().join("link");
        symlink("/bin/false", &binary).expect("a link");
        options.launcher.clear();
        options.binary = binary.clone();
        let mut child = Child::spawn(options).expect("a child");
        started(&mut child).await;
        exited(&mut child).await;
        fs::remove_file(&binary).expect("the link");
        match child.event().await {
            Some(Event::Failed { error, .. }) => assert_eq!(error.kind(), io::ErrorKind::NotFound),
            other => panic!("expected a failure, got {other:?}"),
        }
        symlink("/bin/false", &binary).expect("a link");
        started(&mut child).await;
    }

    #[tokio::test]
    async fn a_stopped_child_is_drained_and_then_terminated() {
        let (_directory, options) = scripted(RUNS);
        let idle = "listener.admin.downstream_cx_active: 0\n";
        let heard = fake::serve(&options.admin, |_| (200, idle.to_owned()));
        let child = Child::spawn(options).expect("a child");
        match child.stop(NEVER).await {
            Stopped::Terminated { drained: Drained::Idle, status } => {
                assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
            }
            other => panic!("expected an orderly end, got {other:?}"),
        }
        let heard = heard.lock().expect("no panic");
        assert_eq!(heard[..2], ["POST /healthcheck/fail", "POST /drain_listeners?graceful"]);
    }

    #[tokio::test]
    async fn a_child_without_admin_interface_is_terminated_at_once() {
        let (_directory, options) = scripted(RUNS);
        let child = Child::spawn(options).expect("a child");
        let stopped = child.stop(NEVER).await;
        assert!(
            matches!(stopped, Stopped::Terminated { drained: Drained::Unknown(_), .. }),
            "{stopped:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_that_does_not_go_is_killed() {
        let (directory, mut options) =
            scripted("trap '' TERM; exec 3> \"$DIR/alive\"; exec sleep 3600");
        mkfifo(&directory.path().join("alive"));
        options.kill_after = Duration::from_secs(5);
        let child = Child::spawn(options).expect("a child");
        let alive = opened(directory.path().join("alive")).await; // the signal is ignored from here on
        let stopped = child.stop(NEVER).await;
        assert!(matches!(stopped, Stopped::Killed { .. }), "{stopped:?}");
        assert_eq!(ended(alive).await, "");
    }

    #[tokio::test]
    async fn a_child_that_ends_while_it_drains_is_not_signalled() {
        let (directory, options) = scripted("read line < \"$DIR/go\"; exit 3");
        let fifo = directory.path().join("go");
        mkfifo(&fifo);
        fake::serve(&options.admin, move |request| {
            if request == "POST /healthcheck/fail" {
                fs::write(&fifo, "go\n").expect("a reader");
            }
            (200, "listener.127.0.0.1_8080.downstream_cx_active: 1\n".to_owned())
        });
        let child = Child::spawn(options).expect("a child");
        match child.stop(NEVER).await {
            Stopped::Exited(status) => assert_eq!(status.code(), Some(3)),
            other => panic!("expected an exit, got {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_child_that_waits_for_its_restart_is_not_started_by_a_stop() {
        let (_directory, mut options) = scripted("exit 1");
        options.restart = Restart { first: NEVER, longest: NEVER, recovered_after: NEVER };
        let mut child = Child::spawn(options).expect("a child");
        started(&mut child).await;
        exited(&mut child).await;
        let stopped = child.stop(NEVER).await;
        assert!(matches!(stopped, Stopped::NotRunning), "{stopped:?}");
    }

    #[tokio::test]
    async fn events_that_nobody_reads_do_not_keep_a_child_from_stopping() {
        // A life has two events: the start of the ninth finds no room.
        let (directory, mut options) = scripted(
            "echo >> \"$DIR/starts\"; test $(wc -l < \"$DIR/starts\") = 9 || exit 1
             exec 3> \"$DIR/ninth\"; exec sleep 3600",
        );
        mkfifo(&directory.path().join("ninth"));
        let soon = Duration::from_millis(1);
        options.restart = Restart { first: soon, longest: soon, recovered_after: NEVER };
        let child = Child::spawn(options).expect("a child");
        let alive = opened(directory.path().join("ninth")).await;
        let stopped = child.stop(NEVER).await;
        assert!(matches!(stopped, Stopped::Terminated { .. }), "{stopped:?}");
        assert_eq!(ended(alive).await, "");
    }

    #[tokio::test]
    async fn a_dropped_child_is_killed() {
        let (directory, options) = scripted("exec 3> \"$DIR/alive\"; exec sleep 3600");
        mkfifo(&directory.path().join("alive"));
        let child = Child::spawn(options).expect("a child");
        let alive = opened(directory.path().join("alive")).await;
        drop(child);
        assert_eq!(ended(alive).await, "");
    }
}
