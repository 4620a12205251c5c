//! What a person at a terminal reads.

use std::convert::Infallible;
use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};
use std::time::Duration;

use contour_k8s::source::directory::{Finding, Report};
use tokio::sync::watch;
use tokio::time::{Instant, interval_at};

use crate::serve::outbox::Outbox;
use crate::table::table;

/// How long anything may take before it says that it goes on, and how long until it says so again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes to standard output. A reader that is gone has seen enough: that is no error.
///
/// # Errors
/// The operating system's.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Says something on standard error. If nobody can hear it, nobody can be told of that either.
pub(super) fn tell(message: impl Display) {
    let _ = writeln!(io::stderr(), "contour: {message}");
}

/// Does `work`, and calls `say` with the whole seconds it took so far, every two of them.
pub(super) async fn patiently<T>(work: impl Future<Output = T>, say: impl Fn(u64)) -> T {
    let begin = Instant::now();
    let mut ticks = interval_at(begin + PATIENCE, PATIENCE);
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = ticks.tick() => say(begin.elapsed().as_secs()),
        }
    }
}

/// Prints what reading the directory found and what is true of each object, at first and whenever it changes.
pub(super) async fn print_changes(
    statuses: &Outbox,
    mut reports: watch::Receiver<Report>,
) -> Infallible {
    let mut printed = Report::default();
    reports.mark_changed();
    loop {
        let text = tokio::select! {
            biased;
            Ok(()) = reports.changed() => {
                let before = std::mem::replace(&mut printed, reports.borrow_and_update().clone());
                report(&printed, &before)
            }
            news = statuses.take() => table(news.iter().map(|(object, now)| (object, now.as_ref()))),
        };
        // Elsewhere, because a pipe or terminal that takes nothing more must keep nobody from stopping us.
        let written = tokio::task::spawn_blocking(move || print(&text)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "cannot print what changed");
        }
    }
}

/// What reading the directory found: a line that counts, a line for each finding that was not there before, and one that
/// counts those that were.
pub(super) fn report(now: &Report, before: &Report) -> String {
    // Findings are sorted by who makes them.
    let is_in = |finding: &Finding, other: &Report| other.findings.binary_search(finding).is_ok();
    let mut text = counts(now) + "\n";
    for finding in now.findings.iter().filter(|finding| !is_in(finding, before)) {
        let _ = writeln!(text, "{finding}"); // writing to a String cannot fail
    }
    let known = now.findings.iter().filter(|finding| is_in(finding, before)).count();
    let gone = before.findings.len() - known;
    let known = (known > 0).then(|| format!("{} as before", counted(known, "finding")));
    let gone = (gone > 0).then(|| format!("{} no more", counted(gone, "finding")));
    let both: Vec<String> = known.into_iter().chain(gone).collect();
    if !both.is_empty() {
        text += &(both.join(", ") + "\n");
    }
    text
}

fn counts(report: &Report) -> String {
    if report.files == 0 && report.findings.is_empty() {
        return "nothing to read: there is no *.yaml, *.yml or *.json in the directory or below it"
            .to_owned();
    }
    let (files, objects) = (counted(report.files, "file"), counted(report.objects, "object"));
    let skipped: Vec<String> =
        report.skipped.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if skipped.is_empty() {
        format!("{files}, {objects}")
    } else {
        format!("{files}, {objects}; not read: {}", skipped.join(", "))
    }
}

/// A number of things.
pub(super) fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::PathBuf;

    use tokio::time::sleep;

    use super::*;

    fn with(findings: &[&str]) -> Report {
        let finding = |message: &&str| Finding {
            file: PathBuf::from("a.yaml"),
            at: None,
            field: String::new(),
            message: (*message).to_owned(),
        };
        let findings = findings.iter().map(finding).collect();
        Report { findings, files: 1, objects: 2, ..Report::default() }
    }

    #[track_caller]
    fn check(now: &Report, before: &Report, expect: &str) {
        assert_eq!(report(now, before), expect);
    }

    #[test]
    fn what_is_not_read_is_counted_in_the_first_line() {
        let skipped = [("ConfigMap".to_owned(), 1), ("Deployment".to_owned(), 2)].into();
        check(
            &Report { skipped, ..with(&[]) },
            &Report::default(),
            "1 file, 2 objects; not read: 1 ConfigMap, 2 Deployment\n",
        );
    }

    #[test]
    fn only_new_findings_are_shown_in_full() {
        check(
            &with(&["one", "two"]),
            &with(&["one"]),
            "1 file, 2 objects\na.yaml: two\n1 finding as before\n",
        );
    }

    #[test]
    fn what_was_mended_is_counted() {
        check(&with(&[]), &with(&["one"]), "1 file, 2 objects\n1 finding no more\n");
        check(
            &with(&["b"]),
            &with(&["a", "b", "c"]),
            "1 file, 2 objects\n1 finding as before, 2 findings no more\n",
        );
    }

    #[test]
    fn a_directory_without_manifests_is_told_from_one_without_objects() {
        let none = Report::default();
        let expect =
            "nothing to read: there is no *.yaml, *.yml or *.json in the directory or below it\n";
        check(&none, &none, expect);
        check(&Report { files: 2, ..Report::default() }, &none, "2 files, 0 objects\n");
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_says_so_every_two_seconds() {
        let said = RefCell::new(Vec::new());
        let done = patiently(
            async {
                sleep(Duration::from_secs(5)).await;
                7
            },
            |seconds| said.borrow_mut().push(seconds),
        )
        .await;
        assert_eq!((done, said.into_inner()), (7, vec![2, 4]));
    }
}
