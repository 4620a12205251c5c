//! I-2, I-3: who may import whom. The table of `ARCHITECTURE.md` is the rule; this reads it.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;
use super::{Manifest, check, manifests, none, root};

/// What a crate may do, by the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    /// The crates of the workspace that it may depend on.
    may: May,
    /// The packages that it must not depend on.
    must_not: BTreeSet<&'static str>,
}

#[derive(Debug, PartialEq, Eq)]
enum May {
    All,
    Only(BTreeSet<String>),
}

/// Reads the table below the heading "Who may import whom".
fn table(document: &str) -> BTreeMap<String, Row> {
    let (_, section) = document.split_once("\n### Who may import whom\n").expect("the section");
    let section = section.split("\n### ").next().expect("the section's text");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, may, must_not] = cells[..] else { panic!("three cells: {line}") };
        let row = Row { may: allowed(may), must_not: must_not_know(must_not) };
        // A mark behind the name says that the crate is yet to come.
        (name.split('`').nth(1).expect("a name in backticks").to_owned(), row)
    })
    .collect()
}

/// Reads "api, dag (what of it); and more in words".
fn allowed(cell: &str) -> May {
    let names = without_parentheses(cell.split(';').next().unwrap_or_default());
    match names.trim() {
        "all" => May::All,
        "–" => May::Only(BTreeSet::new()),
        names => {
            May::Only(names.split(',').map(|name| format!("contour-{}", name.trim())).collect())
        }
    }
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|each| match each {
            '(' => {
                depth += 1;
                false
            }
            ')' => {
                depth -= 1;
                false
            }
            _ => depth == 0,
        })
        .collect()
}

/// The packages that stand for what a crate must not know.
fn must_not_know(cell: &str) -> BTreeSet<&'static str> {
    let names = cell.split(',').map(str::trim).filter(|name| *name != "–");
    let packages = names.flat_map(|name| match name {
        "Kubernetes" => &["k8s-openapi", "kube"][..],
        "Envoy" => &["contour-envoy", "envoy-types"],
        "protobuf" => &["envoy-types", "prost", "prost-reflect", "prost-types"],
        "tokio" => &["tokio", "tokio-stream", "tokio-util"],
        "tonic" => &["tonic"],
        "the graph" => &["contour-dag"],
        "xDS" => &["contour-xds"],
        "the core" => &["contour-builder", "contour-dag", "contour-envoy", "contour-xds"],
        "anything derived" => {
            &["contour-builder", "contour-dag", "contour-envoy", "contour-k8s", "contour-xds"]
        }
        unknown => panic!("which packages are {unknown:?}?"),
    });
    packages.copied().collect()
}

/// What manifests ask for and the table does not allow.
fn forbidden(table: &BTreeMap<String, Row>, manifests: &BTreeMap<String, Manifest>) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, Manifest { dependencies }) in manifests {
        let Some(Row { may, must_not }) = table.get(name) else {
            broken.push(format!("{name} is not in the table"));
            continue;
        };
        for dependency in dependencies.keys() {
            let ours = manifests.contains_key(dependency);
            let allowed = match may {
                May::All => true,
                May::Only(names) => !ours || names.contains(dependency),
            };
            if !allowed || must_not.contains(dependency.as_str()) {
                broken.push(format!("{name} depends on {dependency}"));
            }
        }
    }
    broken
}

/// Mentions of tonic.
fn tonic(source: &Source) -> Vec<String> {
    starting_with(source, &["tonic"])
}

/// Mentions of kube's client.
fn client(source: &Source) -> Vec<String> {
    starting_with(
        source,
        &["kube::Api", "kube::Client", "kube::api", "kube::client", "kube::runtime"],
    )
}

fn starting_with(source: &Source, paths: &[&str]) -> Vec<String> {
    let mentions = source.mentions().into_iter();
    mentions
        .filter(|mention| {
            paths
                .iter()
                .any(|path| mention.name == *path || mention.name.starts_with(&format!("{path}::")))
        })
        .map(|mention| source.at(mention.line, &mention.name))
        .collect()
}

#[test]
fn crates_import_as_the_table_says() {
    let document = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the document");
    none(forbidden(&table(&document), &manifests()));
}

#[test]
fn only_the_server_and_the_client_of_xds_use_tonic() {
    const ADAPTERS: [&str; 2] = ["crates/contour/src/serve/xds", "crates/contour/src/cli/xds"];
    let crates = manifests();
    let ours = crates.keys().filter(|name| name.starts_with("contour") && *name != "contour-tests");
    let sources = ours.flat_map(|name| Source::product(name));
    let elsewhere =
        sources.filter(|source| !ADAPTERS.iter().any(|adapter| source.path.starts_with(adapter)));
    none(elsewhere.flat_map(|source| tonic(&source)).collect());
}

#[test]
fn only_the_edges_to_kubernetes_use_its_client() {
    let mut broken = Vec::new();
    let edges = ["contour-k8s", "contour-provisioner", "contour-tests"];
    for (name, manifest) in manifests() {
        if edges.contains(&name.as_str()) || !name.starts_with("contour") {
            continue;
        }
        let features = manifest.dependencies.get("kube").into_iter().flatten();
        let client_features = features.filter(|each| matches!(each.as_str(), "client" | "runtime"));
        broken.extend(client_features.map(|each| format!("{name} asks for kube's {each}")));
        broken.extend(Source::product(&name).iter().flat_map(client));
    }
    none(broken);
}

/// A document with this table.
fn sample(rows: &str) -> BTreeMap<String, Row> {
    table(&format!(
        "# A\n### Who may import whom\n\n| crate | may | must not |\n|---|---|---|\n{rows}\n### Next\n| `z` | – | – |\n"
    ))
}

fn depending(name: &str, on: &[&str]) -> (String, Manifest) {
    let dependencies = on.iter().map(|each| ((*each).to_owned(), Vec::new())).collect();
    (name.to_owned(), Manifest { dependencies })
}

#[track_caller]
fn check_forbidden(on: &[&str], expect: &[&str]) {
    let table = sample(
        "| `contour-a` | b (parts, of it); words | Kubernetes, tokio |\n| `contour-b` | all | – |\n| `contour-c` | all | – |",
    );
    let manifests =
        [depending("contour-a", on), depending("contour-b", &[]), depending("contour-c", &[])];
    assert_eq!(forbidden(&table, &manifests.into()), expect);
}

#[test]
fn an_arrow_that_is_not_in_the_table_is_found() {
    check_forbidden(&["contour-b", "serde"], &[]);
    check_forbidden(&["contour-c"], &["contour-a depends on contour-c"]);
    check_forbidden(
        &["kube", "tokio-util"],
        &["contour-a depends on kube", "contour-a depends on tokio-util"],
    );
}

#[test]
fn a_crate_without_a_row_is_found() {
    let found = forbidden(&sample(""), &[depending("contour-a", &[])].into());
    assert_eq!(found, ["contour-a is not in the table"]);
}

#[test]
fn a_mention_of_tonic_or_of_the_client_is_found() {
    check(tonic, "use tonic::Status;\nfn f() { tonic::g() }", &[1, 2]);
    check(tonic, "use a::tonic;\nfn f() { tonic::g() }", &[]);
    check(
        client,
        "use kube::Resource;\nuse kube::{Api, CustomResource};\nuse kube as k;\nfn f() { k::Client::new() }",
        &[2, 4],
    );
}
