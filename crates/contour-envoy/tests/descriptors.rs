//! `descriptors.bin` describes Envoy's messages as envoy-types has them. The crate carries a descriptor set, but gives no
//! access to it; ours is that set without comments. `UPDATE=1` writes it again.

use std::path::{Path, PathBuf};
use std::process::Command;

use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorSet;
use serde_json::Value;

/// Where cargo unpacked envoy-types.
fn envoy_types() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform=host-tuple"])
        .arg("--manifest-path")
        .arg(manifest)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages are a list");
    let package = packages.iter().find(|each| each["name"] == "envoy-types");
    let manifest = package.and_then(|each| each["manifest_path"].as_str());
    Path::new(manifest.expect("envoy-types is a dependency")).parent().unwrap().to_owned()
}

/// The set without its comments, which are most of it.
fn stripped(bytes: &[u8]) -> Vec<u8> {
    let mut files = FileDescriptorSet::decode(bytes).expect("a descriptor set");
    for file in &mut files.file {
        file.source_code_info = None;
    }
    files.encode_to_vec()
}

#[test]
fn descriptors_are_those_of_envoy_types() {
    let carried = std::fs::read(envoy_types().join("src/generated/types.bin")).unwrap();
    let expect = stripped(&carried);
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("descriptors.bin");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&ours, &expect).unwrap();
    }
    assert!(std::fs::read(&ours).unwrap() == expect, "stale: run this test with UPDATE=1");
}
