//! Builds of Go programs, with their progress shown.

use std::io::{self, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// How often a line says how far a build has come.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// One program to build.
pub(crate) struct Build<'a> {
    /// For people: `etcd 3.6.16`.
    pub(crate) what: &'a str,
    /// The directory of the module that pins the versions.
    pub(crate) module: &'a Path,
    /// The package of the program's `main`.
    pub(crate) package: &'a str,
    /// Variables to set, and their values.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// The file to write. Absolute.
    pub(crate) output: &'a Path,
}

/// Builds it, at a low priority, since it takes minutes.
///
/// # Errors
/// If there is no Go, or it fails; it has explained itself then.
pub(crate) fn build(build: &Build<'_>) -> Result<()> {
    ensure_go()?;
    let started = Instant::now();
    eprintln!("building {} from its Go modules (minutes, the first time)", build.what);
    let mut child = command(build).stderr(Stdio::piped()).spawn().context("cannot start go")?;
    let output = child.stderr.take().context("the child has no output")?;
    let packages = follow(BufReader::new(output), build.what, started)?;
    let status = child.wait()?;
    ensure!(status.success(), "go build of {} failed: its own words are above", build.package);
    eprintln!(
        "built {}: {packages} packages in {:.0} s",
        build.what,
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

fn command(build: &Build<'_>) -> Command {
    let variables = build.variables.iter().map(|(name, value)| format!(" -X {name}={value}"));
    let mut command = Command::new("nice");
    command
        .args(["-n", "10", "go", "build", "-v", "-mod=readonly", "-buildvcs=false"])
        .arg(format!("-ldflags=-s -w{}", variables.collect::<String>()))
        .arg("-o")
        .arg(build.output)
        .arg(build.package)
        .current_dir(build.module)
        // A workspace above this repository would replace the pinned versions.
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .stdout(io::stderr());
    command
}

fn ensure_go() -> Result<()> {
    let status = Command::new("go").arg("version").stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("`go version` failed ({status})"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("go was not found: install Go 1.26 or newer and have it in PATH")
        }
        Err(error) => Err(error).context("cannot start go"),
    }
}

/// Counts the packages that `go build -v` names, and lets everything else that it says pass.
fn follow(output: impl io::BufRead, what: &str, started: Instant) -> Result<usize> {
    let mut packages = 0;
    let mut downloads = 0;
    let mut reported = started;
    for line in output.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        match said(&line) {
            Said::Compiled => packages += 1,
            Said::Downloading => downloads += 1,
            Said::Words => eprintln!("{line}"),
        }
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            eprintln!(
                "  {what}: {downloads} modules downloaded, {packages} packages compiled after {:.0} s",
                started.elapsed().as_secs_f64()
            );
        }
    }
    Ok(packages)
}

/// What a line of `go build -v` says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// It is the name of a package that is being compiled.
    Compiled,
    /// A module is being downloaded.
    Downloading,
    /// Anything else, such as an error.
    Words,
}

fn said(line: &str) -> Said {
    if line.starts_with("go: downloading ") {
        Said::Downloading
    } else if line.is_empty() || line.contains(char::is_whitespace) {
        Said::Words
    } else {
        Said::Compiled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_is_a_package() {
        assert_eq!(said("k8s.io/apiserver/pkg/server"), Said::Compiled);
        assert_eq!(said("go: downloading k8s.io/api v0.36.3"), Said::Downloading);
        assert_eq!(said("# k8s.io/apiserver/pkg/server"), Said::Words);
        assert_eq!(said("go: errors parsing go.mod:"), Said::Words);
    }

    #[test]
    fn packages_are_counted_and_words_are_not() {
        let output = "a/b\nc\n# c\nc.go:1:2: no\n";
        assert_eq!(follow(output.as_bytes(), "it", Instant::now()).expect("lines"), 2);
    }
}
