//! The kube-apiserver and the etcd that tests run: found on this machine, or built from their Go modules.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{go, tools};

/// The directory that other tools keep these programs in, under the same names.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// Both programs. Their paths are absolute.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) api_server: PathBuf,
    pub(crate) etcd: PathBuf,
}

/// A program, and how to build it. The modules' `go.mod` files pin the same versions.
#[derive(Debug)]
struct Program {
    name: &'static str,
    /// What `--version` prints before the version.
    announces: &'static str,
    /// The version that is built. What is found must be of the same minor version.
    version: &'static str,
    /// Below `xtask/go`.
    module: &'static str,
    package: &'static str,
    /// Variables of the program that are set when it is linked, for it does not know its version otherwise.
    variables: &'static [(&'static str, &'static str)],
}

const API_SERVER: Program = Program {
    name: "kube-apiserver",
    announces: "Kubernetes v",
    version: "1.36.3",
    module: "kube-apiserver",
    package: "k8s.io/kubernetes/cmd/kube-apiserver",
    variables: &[
        ("k8s.io/component-base/version.gitVersion", "v1.36.3"),
        ("k8s.io/component-base/version.gitMajor", "1"),
        ("k8s.io/component-base/version.gitMinor", "36"),
    ],
};

const ETCD: Program = Program {
    name: "etcd",
    announces: "etcd Version: ",
    version: "3.6.16",
    module: "etcd",
    package: "go.etcd.io/etcd/server/v3",
    variables: &[],
};

/// Both programs: those in `KUBEBUILDER_ASSETS`, else those in `PATH`, else those in `.tools`, built there if they
/// are missing.
///
/// # Errors
/// If `KUBEBUILDER_ASSETS` holds other versions, or a build fails; the text says what to do.
pub(crate) fn found_or_built() -> Result<Parts> {
    Ok(Parts { etcd: found_or_built_one(&ETCD)?, api_server: found_or_built_one(&API_SERVER)? })
}

fn found_or_built_one(program: &Program) -> Result<PathBuf> {
    if let Some(directory) = std::env::var_os(ASSETS).filter(|value| !value.is_empty()) {
        return named(program, Path::new(&directory));
    }
    match std::env::var_os("PATH").and_then(|path| in_path(program, &path)) {
        Some(found) => Ok(found),
        None => built(program),
    }
}

fn named(program: &Program, directory: &Path) -> Result<PathBuf> {
    let binary = std::path::absolute(directory.join(program.name)).context(ASSETS)?;
    check(program, &binary, minor(program.version))
        .with_context(|| format!("{ASSETS} is set: unset it to have {} built", program.name))?;
    eprintln!("{}: {} is used, from {ASSETS}", program.name, binary.display());
    Ok(binary)
}

fn in_path(program: &Program, path: &OsStr) -> Option<PathBuf> {
    let mut candidates = std::env::split_paths(path).map(|directory| directory.join(program.name));
    let binary = std::path::absolute(candidates.find(|candidate| candidate.is_file())?).ok()?;
    match check(program, &binary, minor(program.version)) {
        Ok(()) => {
            eprintln!("{}: {} is used, from PATH", program.name, binary.display());
            Some(binary)
        }
        Err(error) => {
            eprintln!("{}: the one in PATH is not used: {error:#}", program.name);
            None
        }
    }
}

fn built(program: &Program) -> Result<PathBuf> {
    let tools = tools::directory()?;
    let binary = tools.join(program.name);
    if check(program, &binary, program.version).is_ok() {
        return Ok(binary);
    }
    let _lock = tools::lock(&tools, ".go.lock")?;
    // Another call may have built it meanwhile.
    if check(program, &binary, program.version).is_ok() {
        return Ok(binary);
    }
    let scratch = tools.join(format!(".{}.new", program.name));
    go::build(&go::Build {
        what: &format!("{} {}", program.name, program.version),
        module: &Path::new("xtask/go").join(program.module),
        package: program.package,
        variables: program.variables,
        output: &scratch,
    })
    .with_context(|| {
        format!(
            "cannot build {}: instead, set {ASSETS} to a directory that holds kube-apiserver {} and etcd {}",
            program.name,
            minor(API_SERVER.version),
            minor(ETCD.version),
        )
    })?;
    check(program, &scratch, program.version)?;
    std::fs::rename(&scratch, &binary)?;
    Ok(binary)
}

/// Fails unless `binary` runs here and is of `version`, which may lack its last part.
fn check(program: &Program, binary: &Path, version: &str) -> Result<()> {
    ensure!(binary.is_file(), "there is no {}", binary.display());
    let printed = tools::version(binary)?;
    if !is_version(program, &printed, version) {
        let first = printed.lines().next().unwrap_or_default();
        bail!(
            "{} is not {} {version}: `--version` printed `{first}`",
            binary.display(),
            program.name
        );
    }
    Ok(())
}

fn is_version(program: &Program, printed: &str, version: &str) -> bool {
    let number = printed
        .lines()
        .find_map(|line| line.strip_prefix(program.announces))
        .map(|rest| rest.split_whitespace().next().unwrap_or_default());
    number
        .and_then(|number| number.strip_prefix(version))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// `1.36` of `1.36.3`.
fn minor(version: &str) -> &str {
    version.rsplit_once('.').map_or(version, |(minor, _)| minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(program: &Program, printed: &str, version: &str, expect: bool) {
        assert_eq!(is_version(program, printed, version), expect, "{printed}");
    }

    #[test]
    fn the_version_itself_is_accepted() {
        check(&API_SERVER, "Kubernetes v1.36.3\n", "1.36.3", true);
        check(&ETCD, "etcd Version: 3.6.16\nGit SHA: Not provided\n", "3.6.16", true);
    }

    #[test]
    fn another_patch_release_is_of_the_same_minor_version() {
        check(&API_SERVER, "Kubernetes v1.36.0", minor(API_SERVER.version), true);
        check(&API_SERVER, "Kubernetes v1.36.0", API_SERVER.version, false);
    }

    #[test]
    fn a_version_that_merely_begins_alike_is_another_one() {
        check(&API_SERVER, "Kubernetes v1.360.0", "1.36", false);
        check(&ETCD, "etcd Version: 3.6.160", "3.6.16", false);
    }

    #[test]
    fn something_else_is_no_version() {
        check(&API_SERVER, "etcd Version: 3.6.16", "1.36", false);
        check(&ETCD, "", "3.6", false);
    }

    #[test]
    fn versions_are_those_that_the_modules_pin() {
        let pins = |module: &str| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("go").join(module);
            std::fs::read_to_string(root.join("go.mod")).expect("the module's file")
        };
        for (program, package) in
            [(API_SERVER, "k8s.io/kubernetes"), (ETCD, "go.etcd.io/etcd/server/v3")]
        {
            let line = format!("require {package} v{}\n", program.version);
            assert!(pins(program.module).contains(&line), "{line}");
        }
    }
}
