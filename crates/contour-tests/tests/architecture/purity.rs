//! I-1: the core waits for nobody, reads no clock, and says nothing. I-4: its types do not travel.

use super::source::Source;
use super::{check, manifests, none};

/// The crates of the core.
const CORE: [&str; 5] =
    ["contour-api", "contour-dag", "contour-builder", "contour-envoy", "contour-xds"];

/// What a pure function has no use for, by path.
const IMPURE: &[&str] = &[
    // Environment, files, sockets, processes.
    "std::env",
    "std::fs",
    "std::io",
    "std::os",
    "std::process",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    // Clocks.
    "std::time::Instant",
    "std::time::SystemTime",
    "std::time::UNIX_EPOCH",
    "std::time::*",
    // Threads, and state that they share.
    "std::thread",
    "std::thread_local!",
    "thread_local!",
    "std::sync::atomic",
    "std::sync::mpsc",
    "std::sync::Barrier",
    "std::sync::Condvar",
    "std::sync::LazyLock",
    "std::sync::Mutex",
    "std::sync::Once",
    "std::sync::OnceLock",
    "std::sync::RwLock",
    "std::sync::*",
    "std::*",
    // Words that nobody asked for.
    "dbg!",
    "eprint!",
    "eprintln!",
    "print!",
    "println!",
];

/// Crates that do for the core what it must not do itself: waiting, logging, dice, clocks, sockets.
const IMPURE_CRATES: &[&str] = &[
    "chrono",
    "fastrand",
    "futures",
    "futures-util",
    "getrandom",
    "hyper",
    "log",
    "notify",
    "rand",
    "reqwest",
    "rustix",
    "tempfile",
    "time",
    "tokio",
    "tokio-stream",
    "tokio-util",
    "tonic",
    "tower",
    "tracing",
    "uuid",
];

/// What is impure by its name and pure in its use: the file, the path, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "crates/contour-envoy/src/json.rs",
    "std::sync::LazyLock",
    "the descriptors of Envoy's messages: a constant that takes long to compute",
)];

fn impurities(source: &Source) -> Vec<String> {
    let excepted = |name: &str| {
        EXCEPTIONS
            .iter()
            .any(|(file, path, _)| source.path.ends_with(file) && name.starts_with(path))
    };
    let mut found: Vec<(usize, String)> = source
        .mentions()
        .into_iter()
        .filter(|mention| IMPURE.iter().any(|path| is_at(&mention.name, path)))
        .filter(|mention| !excepted(&mention.name))
        .map(|mention| (mention.line, mention.name))
        .collect();
    for sequence in [&["async"][..], &[".", "await"], &["static", "mut"], &["extern", "crate"]] {
        let lines = source.lines_with(sequence).into_iter();
        found.extend(lines.map(|line| (line, sequence.join(" "))));
    }
    found.sort();
    found.iter().map(|(line, name)| source.at(*line, name)).collect()
}

/// Whether a path is another one, or below it.
fn is_at(name: &str, path: &str) -> bool {
    name.strip_prefix(path).is_some_and(|below| below.is_empty() || below.starts_with("::"))
}

/// Derives by which values travel. A form for people is written by hand.
fn travelling_derives(source: &Source) -> Vec<String> {
    const TRAVEL: [&str; 8] = [
        "Serialize",
        "Deserialize",
        "JsonSchema",
        "CustomResource",
        "Message",
        "Oneof",
        "Enumeration",
        "KubeSchema",
    ];
    let derives = source.attributes().into_iter().filter(|each| each.name.contains("derive("));
    derives
        .filter(|derive| {
            let words = derive.name.split(|each: char| !each.is_alphanumeric());
            words.into_iter().any(|word| TRAVEL.contains(&word))
        })
        .map(|derive| source.at(derive.line, &derive.name))
        .collect()
}

/// A module of tests that would be part of the product.
fn bare_test_modules(source: &Source) -> Vec<String> {
    let lines = source.lines_with(&["mod", "tests"]).into_iter();
    lines.map(|line| source.at(line, "mod tests without #[cfg(test)]")).collect()
}

#[test]
fn core_is_pure() {
    none(
        CORE.iter()
            .flat_map(|name| Source::product(name))
            .flat_map(|each| impurities(&each))
            .collect(),
    );
}

#[test]
fn core_depends_on_nothing_impure() {
    let manifests = manifests();
    let mut broken = Vec::new();
    for name in CORE {
        let dependencies = manifests[name].dependencies.keys();
        let impure = dependencies.filter(|each| IMPURE_CRATES.contains(&each.as_str()));
        broken.extend(impure.map(|each| format!("{name} depends on {each}")));
    }
    none(broken);
}

#[test]
fn every_exception_is_needed() {
    for (file, path, why) in EXCEPTIONS {
        let mut sources = CORE.iter().flat_map(|name| Source::product(name));
        let source = sources.find(|source| source.path.ends_with(file)).expect("the file exists");
        let needed = source.mentions().iter().any(|mention| is_at(&mention.name, path));
        assert!(needed, "{file} no longer has {path}: {why}");
    }
}

#[test]
fn types_of_the_core_do_not_travel() {
    let sources = ["contour-dag", "contour-builder"].into_iter().flat_map(Source::product);
    none(sources.flat_map(|source| travelling_derives(&source)).collect());
}

#[test]
fn modules_of_tests_are_built_for_tests_only() {
    let sources = CORE.iter().flat_map(|name| Source::product(name));
    none(sources.flat_map(|source| bare_test_modules(&source)).collect());
}

#[test]
fn what_is_impure_is_found() {
    check(impurities, "async fn f() {\n    g().await\n}", &[1, 2]);
    check(impurities, "use std::time::Duration;\nuse std::time::{Instant, SystemTime};", &[2, 2]);
    check(impurities, "use std::time;\nfn f() -> u64 { time::Instant::now() }", &[2]);
    check(impurities, "fn f() {\n    std::env::var(\"A\");\n    std::fs::read(\"a\");\n}", &[2, 3]);
    check(impurities, "use std::net::{IpAddr, TcpStream};\nuse std::net::UdpSocket;", &[1, 2]);
    check(impurities, "use std::sync::{Arc, Mutex};\nstatic mut A: u8 = 0;", &[1, 2]);
    check(impurities, "static A: std::sync::OnceLock<u8> = std::sync::OnceLock::new();", &[1, 1]);
    check(impurities, "fn f() { std::thread::spawn(g); }\nfn h() { eprintln!(\"h\") }", &[1, 2]);
    check(impurities, "macro_rules! m {\n    () => { println!(\"m\") };\n}", &[2]);
    check(impurities, "// async\nconst A: &str = \".await std::env\";\nfn environment() {}", &[]);
}

#[test]
fn a_type_that_travels_is_found() {
    check(travelling_derives, "#[derive(Clone, serde::Serialize)]\nstruct A;", &[1]);
    check(travelling_derives, "struct A;\n#[cfg_attr(b, derive(prost::Message))]\nstruct B;", &[2]);
    check(travelling_derives, "#[derive(Clone, Debug, Hash)]\nstruct A;", &[]);
}

#[test]
fn a_module_of_tests_in_the_product_is_found() {
    check(bare_test_modules, "mod a;\nmod tests;", &[2]);
}
