//! Every case below `cases/`, in every way. `UPDATE=1` writes the outputs anew; whoever reviews reads the difference.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use contour_tests::case;
use contour_tests::world::{Resources, World};
use contour_xds::resource::Dialect;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let usual = Arc::new(usual(&root));
    let mut trials: Vec<Trial> = case::all(&root)
        .into_iter()
        .map(|(name, path)| {
            let usual = Arc::clone(&usual);
            Trial::test(name, move || check(&path, &usual, update))
        })
        .collect();
    trials.push(Trial::test("every_output_has_its_case", move || no_stray_outputs(&root)));
    libtest_mimic::run(&arguments, trials).exit();
}

/// The resources of the plainest case, whose listeners and runtime layer others only name.
fn usual(root: &Path) -> Resources {
    let mut world = World::default();
    for step in case::read(&root.join("httpproxy/root-serves-its-host.yaml")) {
        world.apply(step.changes);
    }
    world.resources(Dialect::Aggregated).clone()
}

fn check(path: &Path, usual: &Resources, update: bool) -> Result<(), Failed> {
    let nothing = Resources::new();
    let whole = path.ends_with("listener/the-usual.yaml");
    let found = case::run(&case::read(path), if whole { &nothing } else { usual })?;
    let expected_path = output_of(path);
    if update {
        std::fs::write(&expected_path, found)?;
        return Ok(());
    }
    let expected = std::fs::read_to_string(&expected_path).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&expected, &found);
    let diff = diff.unified_diff().header("expected", "found").to_string();
    Err(format!("{} is not what came out; UPDATE=1 accepts it:\n{diff}", expected_path.display())
        .into())
}

fn output_of(case: &Path) -> PathBuf {
    case.with_extension("out.yaml")
}

fn no_stray_outputs(root: &Path) -> Result<(), Failed> {
    let cases = case::all(root);
    let mut expected: Vec<PathBuf> = cases.iter().map(|(_, path)| output_of(path)).collect();
    expected.extend(cases.into_iter().map(|(_, path)| path));
    let mut stray = Vec::new();
    for directory in std::fs::read_dir(root)?.flatten().filter(|each| each.path().is_dir()) {
        for entry in std::fs::read_dir(directory.path())?.flatten() {
            if !expected.contains(&entry.path()) {
                stray.push(entry.path());
            }
        }
    }
    if stray.is_empty() { Ok(()) } else { Err(format!("no case has these: {stray:?}").into()) }
}
