//! Every example that users are shown works.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use contour_builder::Verdict;
use contour_k8s::source::directory::Directory;
use contour_tests::case;
use contour_tests::world::World;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The texts of a document's code blocks in a language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let begins = document.match_indices(&fence).map(|(at, _)| at + fence.len());
    begins
        .map(|begin| {
            let rest = &document[begin..];
            let end = rest.find("```").expect("a block ends");
            rest[..end].to_owned()
        })
        .collect()
}

/// What is wrong with the manifests in a directory.
fn complaints(directory: &Path) -> Vec<String> {
    let scan = Directory::open(directory).expect("a directory").scan();
    let mut complaints: Vec<String> =
        scan.report.findings.iter().map(ToString::to_string).collect();
    let mut world = World::default();
    world.apply(scan.changes);
    for (object, conditions) in world.conditions() {
        if conditions.verdict() != Verdict::Valid {
            complaints.push(format!("{object}: {:?}", conditions.errors));
        }
    }
    assert!(!world.conditions().is_empty(), "{} describes nothing", directory.display());
    complaints
}

fn in_a_directory(manifest: &str) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("example.yaml"), manifest).expect("a file to write");
    complaints(directory.path())
}

#[test]
fn every_manifest_in_the_documentation_is_valid() {
    let mut checked = 0;
    for entry in std::fs::read_dir(root().join("docs")).expect("the documentation").flatten() {
        if entry.path().extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let document = std::fs::read_to_string(entry.path()).expect("a document");
        for manifest in blocks(&document, "yaml") {
            assert_eq!(in_a_directory(&manifest), [""; 0], "{}", entry.path().display());
            checked += 1;
        }
    }
    assert!(checked > 0, "there are manifests in the documentation");
}

/// Examples that name a case stand in it to the letter, and are valid there.
#[test]
fn every_example_that_names_a_case_stands_in_it() {
    let document = std::fs::read_to_string(root().join("docs/httpproxy.md")).expect("a document");
    let cases = root().join("crates/contour-tests/cases");
    let read = |path: String| std::fs::read_to_string(cases.join(path)).expect("a case");
    let mut shown = BTreeSet::new();
    for begin in document.match_indices("```yaml documented/").map(|(at, _)| at) {
        let (fence, rest) = document[begin..].split_once('\n').expect("a block");
        let name = fence.strip_prefix("```yaml ").expect("a name");
        let end = rest.find("```").expect("a block ends");
        let case = read(format!("{name}.yaml"));
        for example in rest[..end].split("---\n") {
            assert!(case.contains(example.trim_end()), "{name} has not: {example}");
        }
        assert!(!read(format!("{name}.out.yaml")).contains("errors:"), "{name} is not valid");
        shown.insert(name.to_owned());
    }
    let all = case::all(&cases).into_iter().map(|(name, _)| name);
    let documented: BTreeSet<String> = all.filter(|name| name.starts_with("documented/")).collect();
    assert_eq!(shown, documented);
}

#[test]
fn a_manifest_that_is_not_valid_would_be_found() {
    let manifest = "apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {name: a}\n\
                    spec: {virtualhost: {fqdn: a.test}, routes: [{services: [{name: gone, port: 80}]}]}";
    assert_eq!(in_a_directory(manifest).len(), 1);
}

#[test]
fn every_example_directory_is_valid() {
    for entry in std::fs::read_dir(root().join("examples")).expect("the examples").flatten() {
        assert_eq!(complaints(&entry.path()), [""; 0], "{}", entry.path().display());
    }
}

#[test]
fn every_file_that_the_readme_names_is_there() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README");
    let named = readme.split('`').skip(1).step_by(2);
    let files = named.filter(|text| {
        Path::new(text).extension().is_some_and(|extension| extension == "md")
            || text.starts_with("deploy/")
    });
    let missing: Vec<&str> = files.filter(|file| !root().join(file).exists()).collect();
    assert_eq!(missing, [""; 0]);
}
