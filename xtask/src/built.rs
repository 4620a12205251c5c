//! The test executables of the workspace, built at once.
//!
//! What features dependencies are built with depends on the packages and targets that are chosen; chosen one by one, most
//! would be built several times over.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::cargo;

/// A test executable.
#[derive(Debug)]
pub(crate) struct Built {
    /// Its package.
    pub(crate) package: String,
    /// Its target: that of a file in `tests`, or of the package's library or program.
    pub(crate) target: String,
    directory: PathBuf,
    executable: PathBuf,
}

impl Built {
    /// Runs it as Cargo would.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.current_dir(&self.directory);
        command
    }
}

/// Builds all of them.
///
/// # Errors
/// If they cannot be built; what is wrong was said.
pub(crate) fn all() -> Result<Vec<Built>> {
    let mut build = cargo::command();
    build.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-run"]);
    build.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let output = build.spawn().context("cannot start cargo")?.wait_with_output()?;
    ensure!(output.status.success(), "the tests cannot be built");
    let messages = String::from_utf8(output.stdout).context("cargo's messages")?;
    let mut all: Vec<Built> = messages.lines().filter_map(executable).collect();
    all.sort_by(|a, b| (&a.package, &a.target).cmp(&(&b.package, &b.target)));
    ensure!(!all.is_empty(), "cargo built no tests");
    Ok(all)
}

/// Reads a message of Cargo's, if it is of a test executable.
fn executable(message: &str) -> Option<Built> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["profile"]["test"] != true {
        return None;
    }
    let executable = message["executable"].as_str()?.into();
    let directory = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let package = directory.file_name()?.to_str()?.to_owned();
    Some(Built {
        package,
        target: message["target"]["name"].as_str()?.to_owned(),
        directory,
        executable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_of_tests_are_found_among_messages() {
        let message = r#"{"reason":"compiler-artifact","manifest_path":"/w/crates/contour/Cargo.toml",
            "target":{"name":"cli"},"profile":{"test":true},"executable":"/w/target/debug/deps/cli-1"}"#;
        let built = executable(message).expect("one");
        assert_eq!((&*built.package, &*built.target), ("contour", "cli"));
        assert_eq!(built.directory, Path::new("/w/crates/contour"));
        for other in ["", "{}", &message.replace("true", "false")] {
            assert!(executable(other).is_none(), "{other}");
        }
    }
}
