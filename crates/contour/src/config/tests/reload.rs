//! The configuration file as it changes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::{Base, Environment, Problems, Resolved, Settings, file, resolve, watch};

/// Longer than any change takes to be noticed.
const PATIENCE: Duration = Duration::from_secs(30);

type News = mpsc::Receiver<Result<Resolved, Problems>>;

/// A watched file that says this at first.
fn watched(directory: &TempDir, text: &str) -> (PathBuf, News) {
    let path = directory.path().join("contour.yaml");
    fs::write(&path, text).expect("a file");
    (path.clone(), watch_file(&path))
}

fn watch_file(path: &Path) -> News {
    let known = file::read(path).expect("a good file");
    let (news, told) = mpsc::channel(1);
    let path = path.to_owned();
    tokio::spawn(async move {
        let again = |settings: &Settings| {
            resolve(&Settings::default(), Base::File(settings), &Environment::default())
        };
        watch(&path, known, again, news).await.expect("it can be watched");
    });
    told
}

/// Waits until this is told. A file that is written in place may be seen half written before.
async fn told_at_last(told: &mut News, expect: Result<bool, &str>) {
    let wait = async {
        loop {
            let now = told.recv().await.expect("it is watched");
            let is_expected = match (&now, expect) {
                (Ok(resolved), Ok(expect)) => resolved.edges.debug_log == expect,
                (Err(problems), Err(expect)) => problems.to_string().contains(expect),
                _ => false,
            };
            if is_expected {
                return;
            }
        }
    };
    timeout(PATIENCE, wait).await.expect("a change is noticed");
}

#[tokio::test]
async fn an_edit_is_told_and_so_is_a_mistake() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, mut told) = watched(&directory, "debug: false");
    fs::write(&path, "debug: true").expect("a file");
    told_at_last(&mut told, Ok(true)).await;
    fs::write(&path, "debug: 1").expect("a file");
    told_at_last(&mut told, Err("contour.yaml:1:8: debug: expected true or false")).await;
    fs::write(&path, "debug: false").expect("a file");
    told_at_last(&mut told, Ok(false)).await;
}

#[tokio::test]
async fn what_changed_before_it_was_watched_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("contour.yaml");
    fs::write(&path, "debug: false").expect("a file");
    let mut told = watch_file(&path);
    fs::write(&path, "debug: true").expect("a file"); // the task did not run yet
    told_at_last(&mut told, Ok(true)).await;
}

#[tokio::test]
async fn a_file_that_is_replaced_or_removed_is_noticed() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, mut told) = watched(&directory, "debug: false");
    let other = directory.path().join("other");
    fs::write(&other, "debug: true").expect("a file");
    fs::rename(&other, &path).expect("a rename");
    told_at_last(&mut told, Ok(true)).await;
    fs::remove_file(&path).expect("a removal");
    told_at_last(&mut told, Err("there is no file")).await;
}

#[tokio::test]
async fn the_links_of_a_config_map_are_followed() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    let version = |name: &str, text: &str| {
        fs::create_dir(root.join(name)).expect("a directory");
        fs::write(root.join(name).join("contour.yaml"), text).expect("a file");
    };
    version("..1", "debug: false");
    symlink("..1", root.join("..data")).expect("a link");
    symlink("..data/contour.yaml", root.join("contour.yaml")).expect("a link");
    let mut told = watch_file(&root.join("contour.yaml"));
    for (name, text, expect) in [("..2", "debug: true", true), ("..3", "debug: false", false)] {
        version(name, text);
        symlink(name, root.join("..data_tmp")).expect("a link");
        fs::rename(root.join("..data_tmp"), root.join("..data")).expect("a swap");
        told_at_last(&mut told, Ok(expect)).await;
    }
}
