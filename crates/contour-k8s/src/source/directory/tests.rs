//! Facts about directories, each with a real one.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;

/// A temporary directory with manifests.
struct Folder {
    dir: TempDir,
}

impl Folder {
    fn new() -> Folder {
        Folder { dir: tempfile::tempdir().expect("a temporary directory can be made") }
    }

    fn with(name: &str, text: &str) -> Folder {
        let folder = Folder::new();
        folder.write(name, text);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is in a directory")).expect("it can be made");
        fs::write(path, text).expect("files can be written");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("it is there");
    }

    fn link(&self, name: &str, target: &str) {
        symlink(target, self.path(name)).expect("links can be made");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("it can be renamed");
    }

    fn open(&self) -> Directory {
        Directory::open(self.dir.path()).expect("it is a directory")
    }
}

/// A good Service.
fn service(name: &str, port: u16) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: {port}}}]}}\n"
    )
}

/// A Service with a fault at 4:9.
fn broken(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{x: 1, clusterIP: None}}\n"
    )
}

const BROKEN: &str = "spec.x: unknown field";

/// What a scan says of the objects: `+a:80`, `!a` and `-a` for Services that are applied, unreadable and deleted.
fn said(scan: &Scan) -> Vec<String> {
    say(&scan.changes)
}

fn say(changes: &[Change]) -> Vec<String> {
    let name = |object: &ObjectRef| object.name.name.to_string();
    changes
        .iter()
        .map(|change| match change {
            Change::Apply(contour_builder::Object::Service(service)) => {
                let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_ref());
                let port = ports.and_then(|ports| ports.first()).map_or(0, |port| port.port);
                format!("+{}:{port}", service.metadata.name.as_deref().unwrap_or_default())
            }
            Change::Unreadable(object, ..) => format!("!{}", name(object)),
            Change::Delete(object) => format!("-{}", name(object)),
            other => panic!("{other:?} is not of a Service"),
        })
        .collect()
}

fn findings(scan: &Scan) -> Vec<String> {
    scan.report.findings.iter().map(Finding::to_string).collect()
}

#[track_caller]
fn check(directory: &mut Directory, changes: &[&str], expect: &[&str]) {
    let scan = directory.scan();
    assert_eq!(said(&scan), changes);
    let found = findings(&scan);
    assert_eq!(found.len(), expect.len(), "{found:?}");
    for (found, expect) in found.iter().zip(expect) {
        assert!(found.starts_with(expect), "{found:?} does not start with {expect:?}");
    }
}

#[track_caller]
fn refuses(path: &Path, expect: &str) {
    let error = Directory::open(path).expect_err("it cannot be read");
    assert_eq!(error.to_string(), expect);
}

#[test]
fn what_is_not_there_or_no_directory_is_refused() {
    let folder = Folder::with("a", "");
    refuses(&folder.path("b"), &format!("there is no directory {}", folder.path("b").display()));
    refuses(&folder.path("a"), &format!("{} is not a directory", folder.path("a").display()));
}

#[test]
fn everything_is_told_once() {
    let folder = Folder::with("a.yaml", &(service("a", 1) + "---\n" + &service("b", 2)));
    folder.write("sub/deep/c.yml", service("c", 3));
    folder.write("d.json", r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "d"}, "spec": {"ports": [{"port": 4}]}}"#);
    let mut directory = folder.open();
    let scan = directory.scan();
    assert_eq!(said(&scan), ["+a:1", "+b:2", "+c:3", "+d:4"]);
    assert_eq!((scan.report.files, scan.report.objects), (3, 4));
    check(&mut directory, &[], &[]);
}

#[test]
fn hidden_entries_and_other_files_are_passed_over() {
    let folder = Folder::with(".a.yaml", &service("a", 1));
    folder.write(".git/a.yaml", service("a", 1));
    folder.write("a.yaml~", service("a", 1));
    folder.write("README.md", "no YAML: [");
    folder.write("yaml", service("a", 1));
    fs::create_dir(folder.path("dir.yaml")).expect("directories can be made");
    let _socket = UnixListener::bind(folder.path("socket.yaml")).expect("sockets can be made");
    let scan = folder.open().scan();
    assert_eq!((said(&scan), scan.report), (vec![], Report::default()));
}

#[test]
fn an_edit_changes_what_it_touches() {
    let folder = Folder::with("a.yaml", &(service("a", 1) + "---\n" + &service("b", 2)));
    let mut directory = folder.open();
    directory.scan();
    // As long as before, and at once: nothing but the bytes tells.
    folder.write("a.yaml", service("a", 1) + "---\n" + &service("b", 3));
    check(&mut directory, &["+b:3"], &[]);
    folder.write(
        "a.yaml",
        "# a comment\n".to_owned() + &service("a", 1) + "---\n" + &service("b", 3),
    );
    check(&mut directory, &[], &[]);
}

#[test]
fn what_is_gone_is_deleted() {
    let folder = Folder::with("a.yaml", &(service("a", 1) + "---\n" + &service("b", 2)));
    folder.write("c.yaml", service("c", 3));
    let mut directory = folder.open();
    directory.scan();
    folder.write("a.yaml", service("a", 1));
    check(&mut directory, &["-b"], &[]);
    folder.remove("a.yaml");
    folder.remove("c.yaml");
    check(&mut directory, &["-a", "-c"], &[]);
}

#[test]
fn moving_an_object_changes_nothing() {
    let folder = Folder::with("a.yaml", &service("a", 1));
    let mut directory = folder.open();
    directory.scan();
    folder.rename("a.yaml", "b.yaml");
    check(&mut directory, &[], &[]);
    folder.remove("b.yaml");
    folder.write("sub/a.yaml", service("a", 1));
    check(&mut directory, &[], &[]);
}

#[test]
fn a_broken_object_is_told_with_its_place() {
    let folder = Folder::with("sub/a.yaml", &(broken("a") + "status: {}\nmetadaata: {}\n"));
    let scan = folder.open().scan();
    assert_eq!(said(&scan), ["!a"]);
    assert_eq!((scan.report.files, scan.report.objects), (1, 0));
    let [Change::Unreadable(_, _, problem)] = &scan.changes[..] else { panic!("{scan:?}") };
    assert_eq!(problem.reason, contour_builder::Reason::Unreadable);
    assert!(problem.message.starts_with("sub/a.yaml:4:8: spec.x: unknown field"), "{problem:?}");
    assert!(problem.message.ends_with(" (one of 2 findings)"), "{problem:?}");
    assert_eq!(
        findings(&scan)[1],
        "sub/a.yaml:6:1: metadaata: unknown field; did you mean \"metadata\"?"
    );
}

#[test]
fn a_broken_object_is_not_deleted_and_mends() {
    let folder = Folder::with("a.yaml", &service("a", 1));
    let mut directory = folder.open();
    directory.scan();
    folder.write("a.yaml", broken("a"));
    check(&mut directory, &["!a"], &[&format!("a.yaml:4:8: {BROKEN}")]);
    check(&mut directory, &[], &[&format!("a.yaml:4:8: {BROKEN}")]);
    folder.write("a.yaml", service("a", 1));
    check(&mut directory, &["+a:1"], &[]);
    folder.write("a.yaml", broken("a"));
    directory.scan();
    folder.remove("a.yaml");
    check(&mut directory, &["-a"], &[]);
}

#[test]
fn text_that_is_no_yaml_leaves_its_objects_as_they_are() {
    let folder = Folder::with("a.yaml", &(service("a", 1) + "---\n" + &service("b", 2)));
    folder.write("c.yaml", service("c", 3));
    let mut directory = folder.open();
    directory.scan();
    folder.write("a.yaml", service("a", 9) + "---\n[");
    folder.write("c.yaml", service("c", 4));
    check(&mut directory, &["+a:9", "+c:4"], &["a.yaml:7:1: this is not YAML"]);
    folder.write("a.yaml", "}");
    check(&mut directory, &[], &["a.yaml:1:1: this is not YAML"]);
    folder.write("a.yaml", service("b", 2));
    check(&mut directory, &["-a"], &[]);
}

#[test]
fn an_object_without_a_name_may_be_one_of_before() {
    let folder = Folder::with("a.yaml", &service("a", 1));
    let mut directory = folder.open();
    directory.scan();
    folder.write("a.yaml", service("A", 1));
    check(&mut directory, &[], &["a.yaml:3:18: metadata.name: \"A\" is not a DNS label"]);
}

#[test]
fn an_object_of_a_broken_file_may_move() {
    let folder = Folder::with("a.yaml", &service("a", 1));
    let mut directory = folder.open();
    directory.scan();
    folder.write("a.yaml", "}");
    folder.write("b.yaml", service("a", 2));
    check(&mut directory, &["+a:2"], &["a.yaml:1:1: this is not YAML"]);
}

#[test]
fn a_broken_file_that_is_removed_takes_its_objects_along() {
    let folder = Folder::with("a.yaml", &service("a", 1));
    let mut directory = folder.open();
    directory.scan();
    folder.write("a.yaml", "}");
    directory.scan();
    folder.remove("a.yaml");
    check(&mut directory, &["-a"], &[]);
}

#[test]
fn what_is_not_utf_8_is_found_where_it_starts() {
    let folder = Folder::with("a.yaml", &service("a", 1));
    let mut directory = folder.open();
    directory.scan();
    folder.write("a.yaml", b"a: b\nc: \xc3\xa4\xff\n");
    check(&mut directory, &[], &["a.yaml:2:5: is not UTF-8 from here on"]);
}

#[test]
fn a_huge_file_is_refused() {
    let folder = Folder::with("a.yaml", &service("a", 1));
    let mut directory = folder.open();
    directory.scan();
    let file = fs::File::create(folder.path("a.yaml")).expect("files can be made");
    file.set_len((64 << 20) + 1).expect("files can be extended");
    check(&mut directory, &[], &["a.yaml: cannot be read: it is larger than 64 MiB; split it"]);
}

#[test]
fn the_second_of_two_documents_of_one_name_is_refused() {
    let folder = Folder::with("b.yaml", &(service("a", 1) + "---\n" + &service("a", 2)));
    let mut directory = folder.open();
    check(
        &mut directory,
        &["+a:1"],
        &["b.yaml:6:1: Service default/a stands at b.yaml:1:1 already; this one is left out"],
    );
}

#[test]
fn the_path_decides_which_of_two_comes_first() {
    let folder = Folder::with("b.yaml", &service("a", 2));
    let mut directory = folder.open();
    check(&mut directory, &["+a:2"], &[]);
    folder.write("a.yaml", service("a", 1));
    let refused = "b.yaml:1:1: Service default/a stands at a.yaml:1:1 already";
    check(&mut directory, &["+a:1"], &[refused]);
    folder.write("a.yaml", broken("a"));
    check(&mut directory, &["!a"], &[&format!("a.yaml:4:8: {BROKEN}"), refused]);
    folder.remove("a.yaml");
    check(&mut directory, &["+a:2"], &[]);
}

#[test]
fn other_kinds_are_counted() {
    let folder = Folder::with("a.yaml", "kind: ConfigMap\n---\nkind: Deployment\n");
    folder.write("b.yaml", "kind: ConfigMap\n");
    let report = folder.open().scan().report;
    assert_eq!(report.skipped, BTreeMap::from([("Deployment".into(), 1), ("ConfigMap".into(), 2)]));
    assert_eq!((report.files, report.objects, report.findings), (2, 0, vec![]));
}

#[test]
fn a_mounted_config_map_changes_when_its_link_is_swapped() {
    let folder = Folder::with("..1/a.yaml", &service("a", 1));
    folder.link("..data", "..1");
    folder.link("a.yaml", "..data/a.yaml");
    let mut directory = folder.open();
    check(&mut directory, &["+a:1"], &[]);
    folder.write("..2/a.yaml", service("a", 2));
    folder.link("..data_tmp", "..2");
    folder.rename("..data_tmp", "..data");
    check(&mut directory, &["+a:2"], &[]);
}

#[test]
fn linked_directories_are_entered_once() {
    let folder = Folder::with("sub/a.yaml", &service("a", 1));
    folder.link("sub/up", "..");
    folder.link("same", "sub");
    let other = Folder::with("b.yaml", &service("b", 2));
    folder.link("other", other.dir.path().to_str().expect("temporary paths are UTF-8"));
    check(&mut folder.open(), &["+a:1", "+b:2"], &[]);
}

#[test]
fn a_link_to_nothing_is_nothing() {
    let folder = Folder::new();
    folder.link("a.yaml", "b.yaml");
    check(&mut folder.open(), &[], &[]);
}

#[test]
fn what_cannot_be_looked_into_keeps_what_it_held() {
    let folder = Folder::with("a.yaml", &service("a", 1));
    folder.write("sub/b.yaml", service("b", 2));
    folder.write("c.yaml", service("c", 3));
    let mut directory = folder.open();
    directory.scan();
    fs::remove_dir_all(folder.path("sub")).expect("it can be removed");
    for name in ["a.yaml", "sub"] {
        if name == "a.yaml" {
            folder.remove(name);
        }
        // A link to itself cannot be followed.
        folder.link(name, name);
    }
    folder.write("c.yaml", service("c", 4));
    check(&mut directory, &["+c:4"], &["a.yaml: cannot be read: ", "sub: cannot be read: "]);
    folder.remove("a.yaml");
    folder.remove("sub");
    check(&mut directory, &["-a", "-b"], &[]);
}

#[test]
fn a_file_that_vanishes_while_it_is_read_is_absent() {
    let folder = Folder::with("a.yaml", &service("a", 1));
    folder.write("b.yaml", service("b", 2));
    let mut directory = folder.open();
    let listing = Listing::of(&directory.root).expect("it is there");
    folder.remove("a.yaml");
    directory.absorb(&listing);
    assert_ne!(Listing::of(&directory.root).expect("it is there"), listing);
    assert_eq!(said(&directory.tell(None)), ["+b:2"]);
    folder.write("a.yaml", service("a", 1));
    check(&mut directory, &["+a:1"], &[]);
}

#[test]
fn when_a_file_vanishes_before_it_is_reread_the_next_counts() {
    let folder = Folder::with("b.yaml", &service("a", 2));
    let mut directory = folder.open();
    directory.scan();
    folder.write("a.yaml", service("a", 1));
    folder.write("c.yaml", service("a", 3));
    directory.scan();
    folder.remove("a.yaml");
    let listing = Listing::of(&directory.root).expect("it is there");
    directory.absorb(&listing);
    assert!(directory.forget_hidden());
    folder.remove("b.yaml");
    directory.absorb_all(&listing);
    assert_eq!(said(&directory.tell(None)), ["+a:3"]);
    folder.remove("c.yaml");
    check(&mut directory, &["-a"], &[]);
}

#[test]
fn a_directory_that_vanishes_keeps_what_it_held() {
    let parent = Folder::with("dir/a.yaml", &service("a", 1));
    let mut directory = Directory::open(&parent.path("dir")).expect("it is a directory");
    directory.scan();
    parent.rename("dir", "gone");
    let place = parent.path("dir").display().to_string();
    check(&mut directory, &[], &[&format!(".: {place} cannot be read: ")]);
    parent.write("dir/b.yaml", service("b", 2));
    check(&mut directory, &["-a", "+b:2"], &[]);
}

#[test]
fn a_first_scan_can_be_told_in_parts() {
    let folder = Folder::with("a.yaml", &service("a", 1));
    folder.write("b.yaml", service("a", 2) + "---\n" + &service("b", 2));
    folder.write("c.yaml", service("c", 3));
    let mut directory = folder.open();
    let mut parts = Vec::new();
    let scan = directory.scan_in_parts(1, &mut |part| parts.push(say(&part)));
    assert_eq!(parts, [vec!["+a:1"], vec!["+b:2"], vec!["+c:3"]]);
    assert_eq!((said(&scan), scan.report.objects), (vec![], 3));
    assert_eq!(findings(&scan).len(), 1);
    folder.remove("a.yaml");
    folder.write("d.yaml", service("d", 4));
    let scan = directory.scan_in_parts(1, &mut |part| panic!("{part:?} is not of a first scan"));
    assert_eq!(said(&scan), ["+a:2", "+d:4"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_a_scan_panic(first in any::<Vec<u8>>(), second in any::<Vec<u8>>()) {
        let folder = Folder::new();
        folder.write("a.yaml", first);
        let mut directory = folder.open();
        directory.scan();
        folder.write("a.yaml", second);
        directory.scan();
    }
}

mod watching {
    use super::*;

    /// Far more than any machine needs, so that a test that fails ends.
    const LONG: Duration = Duration::from_mins(1);

    struct Watched {
        events: mpsc::Receiver<Event>,
        task: tokio::task::JoinHandle<Result<(), Error>>,
    }

    impl Watched {
        fn new(path: &Path) -> Watched {
            let directory = Directory::open(path).expect("it is a directory");
            let (sender, events) = mpsc::channel(1);
            Watched { events, task: tokio::spawn(watch(directory, sender)) }
        }

        async fn next(&mut self) -> Event {
            let event = timeout(LONG, self.events.recv()).await.expect("an event comes");
            event.expect("the watch goes on")
        }

        /// Waits until the changes told, in order, end with `expect`.
        async fn until(&mut self, expect: &str) {
            loop {
                if let Event::Scanned(scan) = self.next().await
                    && said(&scan).last().is_some_and(|last| last == expect)
                {
                    return;
                }
            }
        }

        async fn synced(&mut self) {
            while !matches!(self.next().await, Event::Synced) {}
        }
    }

    #[tokio::test]
    async fn everything_is_told_and_then_that_it_was() {
        let folder = Folder::with("a.yaml", &(service("a", 1) + "---\n" + &service("b", 2)));
        let mut watched = Watched::new(folder.dir.path());
        let Event::Scanned(scan) = watched.next().await else { panic!("a scan comes first") };
        assert_eq!(said(&scan), ["+a:1", "+b:2"]);
        assert!(matches!(watched.next().await, Event::Synced));
    }

    #[tokio::test]
    async fn an_empty_directory_is_told_as_well() {
        let folder = Folder::new();
        let mut watched = Watched::new(folder.dir.path());
        let Event::Scanned(scan) = watched.next().await else { panic!("a scan comes first") };
        assert_eq!((said(&scan), scan.report), (vec![], Report::default()));
        assert!(matches!(watched.next().await, Event::Synced));
    }

    #[tokio::test]
    async fn edits_are_told() {
        let folder = Folder::with("a.yaml", &service("a", 1));
        let mut watched = Watched::new(folder.dir.path());
        watched.synced().await;
        folder.write("a.yaml", service("a", 2));
        watched.until("+a:2").await;
        folder.write("tmp", service("a", 3));
        folder.rename("tmp", "a.yaml");
        watched.until("+a:3").await;
        folder.remove("a.yaml");
        watched.until("-a").await;
    }

    #[tokio::test]
    async fn a_report_that_changes_is_told_without_changes() {
        let folder = Folder::with("a.yaml", &service("a", 1));
        let mut watched = Watched::new(folder.dir.path());
        watched.synced().await;
        folder.write("b.yaml", "kind: ConfigMap\n");
        let Event::Scanned(scan) = watched.next().await else { panic!("it is synced") };
        assert_eq!((said(&scan), scan.report.files), (vec![], 2));
    }

    #[tokio::test]
    async fn new_directories_are_watched() {
        let folder = Folder::new();
        let mut watched = Watched::new(folder.dir.path());
        watched.synced().await;
        folder.write("sub/deep/a.yaml", service("a", 1));
        watched.until("+a:1").await;
        folder.write("sub/deep/a.yaml", service("a", 2));
        watched.until("+a:2").await;
        fs::remove_dir_all(folder.path("sub")).expect("it can be removed");
        watched.until("-a").await;
        folder.write("sub/deep/a.yaml", service("a", 3));
        watched.until("+a:3").await;
        folder.write("sub/deep/a.yaml", service("a", 4));
        watched.until("+a:4").await;
    }

    #[tokio::test]
    async fn targets_of_links_are_watched() {
        let elsewhere = Folder::with("real.yaml", &service("a", 1));
        let folder = Folder::new();
        folder.link(
            "a.yaml",
            elsewhere.path("real.yaml").to_str().expect("temporary paths are UTF-8"),
        );
        let mut watched = Watched::new(folder.dir.path());
        watched.synced().await;
        elsewhere.write("real.yaml", service("a", 2));
        watched.until("+a:2").await;
    }

    #[tokio::test]
    async fn a_mounted_config_map_is_followed() {
        let folder = Folder::with("..1/a.yaml", &service("a", 1));
        folder.link("..data", "..1");
        folder.link("a.yaml", "..data/a.yaml");
        let mut watched = Watched::new(folder.dir.path());
        watched.synced().await;
        folder.write("..2/a.yaml", service("a", 2));
        folder.link("..data_tmp", "..2");
        folder.rename("..data_tmp", "..data");
        watched.until("+a:2").await;
    }

    #[tokio::test]
    async fn a_directory_that_is_replaced_is_followed() {
        let parent = Folder::with("dir/a.yaml", &service("a", 1));
        let mut watched = Watched::new(&parent.path("dir"));
        watched.synced().await;
        parent.rename("dir", "old");
        parent.write("new/a.yaml", service("a", 2));
        parent.rename("new", "dir");
        watched.until("+a:2").await;
        parent.write("dir/a.yaml", service("a", 3));
        watched.until("+a:3").await;
    }

    #[tokio::test]
    async fn it_ends_when_nobody_listens() {
        let folder = Folder::with("a.yaml", &service("a", 1));
        let mut watched = Watched::new(folder.dir.path());
        watched.synced().await;
        drop(watched.events);
        let ended = timeout(LONG, watched.task).await.expect("it ends");
        assert!(matches!(ended, Ok(Ok(()))), "{ended:?}");
    }
}
