//! The program as a user runs it: its words, its exit code, signals.

use std::io::{self, BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process};

use crate::proxy::PATIENCE;

/// A running `contour`. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    process: Child,
    out: Arc<Stream>,
    err: Arc<Stream>,
}

/// What a program came to.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Everything on standard output.
    pub out: String,
    /// Everything on standard error, but for how long something takes: that is the machine's, and shown by tests of its own.
    pub err: String,
}

impl Program {
    /// Starts it. What it says is remembered.
    ///
    /// # Panics
    /// If there is no such program.
    pub fn start(mut command: Command) -> Program {
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a program");
        let out = Stream::of(process.stdout.take().expect("a pipe"));
        let err = Stream::of(process.stderr.take().expect("a pipe"));
        Program { process, out, err }
    }

    /// Starts it with a standard output whose reader is gone.
    pub fn start_unread(mut command: Command) -> Program {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut process = command.stdout(writer).stderr(Stdio::piped()).spawn().expect("a program");
        let err = Stream::of(process.stderr.take().expect("a pipe"));
        Program { process, out: Stream::of(io::empty()), err }
    }

    /// Waits until standard output has this text so often, and returns all of it.
    #[track_caller]
    pub fn prints(&self, text: &str, times: usize) -> String {
        self.out.until(text, times)
    }

    /// The same of standard error.
    #[track_caller]
    pub fn says(&self, text: &str, times: usize) -> String {
        self.err.until(text, times)
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a running process");
    }

    /// Waits until it has ended, and everything it started that has its standard output and error.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        let (out, err) = (self.out.whole(), self.err.whole());
        let err = err.split_inclusive('\n').filter(|line| !line.starts_with("contour: still "));
        let err = err.collect();
        let status: ExitStatus = self.process.wait().expect("an exit status");
        Ended { code: status.code(), out, err }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What came through a pipe so far.
#[derive(Debug, Default)]
struct Stream {
    heard: Mutex<Heard>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Heard {
    text: String,
    ended: bool,
}

impl Stream {
    fn of(source: impl Read + Send + 'static) -> Arc<Stream> {
        let stream = Arc::new(Stream::default());
        let listener = Arc::clone(&stream);
        std::thread::spawn(move || {
            listener.listen(source).expect("a readable pipe");
            listener.heard().ended = true;
            listener.more.notify_all();
        });
        stream
    }

    fn listen(&self, source: impl Read) -> io::Result<()> {
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        while source.read_until(b'\n', &mut line)? > 0 {
            self.heard().text.push_str(&String::from_utf8_lossy(&line));
            self.more.notify_all();
            line.clear();
        }
        Ok(())
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[track_caller]
    fn until(&self, text: &str, times: usize) -> String {
        let heard = self.wait(|heard| heard.ended || heard.text.matches(text).count() >= times);
        let found = heard.text.matches(text).count();
        assert!(found >= times, "{text:?}: {found} instead of {times} times in\n{}", heard.text);
        heard.text.clone()
    }

    #[track_caller]
    fn whole(&self) -> String {
        let heard = self.wait(|heard| heard.ended);
        assert!(heard.ended, "still running after {PATIENCE:?}, having said\n{}", heard.text);
        heard.text.clone()
    }

    fn wait(&self, enough: impl Fn(&Heard) -> bool) -> MutexGuard<'_, Heard> {
        let waited = self.more.wait_timeout_while(self.heard(), PATIENCE, |heard| !enough(heard));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
