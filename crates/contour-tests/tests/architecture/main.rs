//! The rules that hold the architecture: what `ARCHITECTURE.md` says of crates, and what the style says of sources.
//!
//! Each rule is a function from sources to what breaks it, so that each is also shown to catch what it is for.

mod source;

mod fields;
mod imports;
mod purity;
mod reasons;
mod style;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use source::Source;

/// Where the workspace is.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What breaks a rule; nothing if all is well.
#[track_caller]
fn none(broken: Vec<String>) {
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Checks that a rule finds exactly these lines of a text to be broken.
#[track_caller]
fn check(rule: impl Fn(&Source) -> Vec<String>, text: &str, lines: &[usize]) {
    let source = Source::new(Path::new("sample.rs"), text);
    let found: Vec<String> = rule(&source);
    let expect: Vec<String> = lines.iter().map(|line| format!("sample.rs:{line}: ")).collect();
    assert!(
        found.len() == expect.len()
            && found.iter().zip(&expect).all(|(found, expect)| found.starts_with(expect)),
        "{found:#?} instead of {expect:?} in\n{text}"
    );
}

/// What a crate's manifest says.
struct Manifest {
    /// What it needs to be built, by package name, with the features asked for; without what only its tests need.
    dependencies: BTreeMap<String, Vec<String>>,
}

/// The manifests of the workspace, by crate.
fn manifests() -> BTreeMap<String, Manifest> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = std::process::Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| (text(&package["name"]), manifest(package))).collect()
}

fn manifest(package: &serde_json::Value) -> Manifest {
    let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
    let built = dependencies.filter(|dependency| dependency["kind"] != "dev");
    let dependencies = built.map(|dependency| {
        let features = dependency["features"].as_array().expect("features");
        (text(&dependency["name"]), features.iter().map(text).collect())
    });
    Manifest { dependencies: dependencies.collect() }
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().expect("text").to_owned()
}
