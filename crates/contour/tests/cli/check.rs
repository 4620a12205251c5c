//! `contour run DIR --check`.

use std::fs::File;
use std::process::Stdio;

use super::check_error;
use super::manifests::{WEB, directory, proxy};
use super::program::contour;
use contour_tests::program::{Ended, Program};

fn run(path: &str) -> Ended {
    Program::start(contour(["run", path, "--check"])).end()
}

/// Checks a directory with these files: everything that is printed, and the exit code.
#[track_caller]
fn check(files: &[(&str, &str)], expect: &str, code: i32) {
    let directory = directory(files);
    let ended = run(directory.path().to_str().expect("text"));
    assert_eq!(ended.out, expect);
    assert_eq!(ended.err, "");
    assert_eq!(ended.code, Some(code));
}

/// Checks a directory in which the one file `a.yaml` has this text: the lines of findings.
#[track_caller]
fn check_findings(text: &str, expect: &[&str]) {
    let directory = directory(&[("a.yaml", text)]);
    let ended = run(directory.path().to_str().expect("text"));
    let found: Vec<&str> = ended.out.lines().filter(|line| line.starts_with("a.yaml")).collect();
    assert_eq!(found, expect, "of\n{}", ended.out);
    assert_eq!(ended.code, Some(1));
}

#[test]
fn nine_good_proxies_are_valid_and_the_broken_one_is_explained() {
    let good: Vec<(String, String)> = (1..=9)
        .map(|number| (format!("good-{number}.yaml"), proxy(&format!("good-{number}"), "web")))
        .collect();
    let broken = proxy("broken", "wbe");
    let mut files: Vec<(&str, &str)> =
        good.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.extend([("broken.yaml", broken.as_str()), ("service.yaml", WEB)]);
    let expect = "\
11 files, 11 objects
HOST                OBJECT                 STATUS   REASON
good-1.example.com  HTTPProxy shop/good-1  valid    Valid
good-2.example.com  HTTPProxy shop/good-2  valid    Valid
good-3.example.com  HTTPProxy shop/good-3  valid    Valid
good-4.example.com  HTTPProxy shop/good-4  valid    Valid
good-5.example.com  HTTPProxy shop/good-5  valid    Valid
good-6.example.com  HTTPProxy shop/good-6  valid    Valid
good-7.example.com  HTTPProxy shop/good-7  valid    Valid
good-8.example.com  HTTPProxy shop/good-8  valid    Valid
good-9.example.com  HTTPProxy shop/good-9  valid    Valid
broken.example.com  HTTPProxy shop/broken  invalid  ServiceUnresolvedReference: spec.routes[0].services[0]: Service shop/wbe does not exist, or cannot be read; did you mean web?
9 valid, 1 not valid
";
    check(&files, expect, 1);
}

#[test]
fn if_all_is_valid_the_exit_code_says_so() {
    check(
        &[("shop.yaml", &proxy("shop", "web")), ("deep/er/service.yml", WEB)],
        "\
2 files, 2 objects
HOST              OBJECT               STATUS  REASON
shop.example.com  HTTPProxy shop/shop  valid   Valid
1 valid, 0 not valid
",
        0,
    );
}

#[test]
fn json_and_lists_are_read_as_well() {
    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Service",
         "metadata": {"name": "web", "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}}]}"#;
    check(
        &[("shop.yaml", &proxy("shop", "web")), ("list.json", list)],
        "\
2 files, 2 objects
HOST              OBJECT               STATUS  REASON
shop.example.com  HTTPProxy shop/shop  valid   Valid
1 valid, 0 not valid
",
        0,
    );
}

#[test]
fn an_orphan_is_not_valid() {
    let orphan = "\
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: child, namespace: shop}
spec: {routes: [{services: [{name: web, port: 80}]}]}
";
    let directory = directory(&[("child.yaml", orphan), ("service.yaml", WEB)]);
    let ended = run(directory.path().to_str().expect("text"));
    assert!(
        ended.out.contains("\n-     HTTPProxy shop/child  orphaned  Orphaned: "),
        "{}",
        ended.out
    );
    assert!(ended.out.ends_with("\n0 valid, 1 not valid\n"), "{}", ended.out);
    assert_eq!(ended.code, Some(1));
}

#[test]
fn a_file_that_is_no_yaml_is_a_finding_and_hides_nothing_else() {
    check(
        &[
            ("broken.yaml", "spec: [\n"),
            ("shop.yaml", &proxy("shop", "web")),
            ("service.yaml", WEB),
        ],
        "\
3 files, 2 objects
broken.yaml:2:1: this is not YAML: while parsing a node, did not find expected node content
HOST              OBJECT               STATUS  REASON
shop.example.com  HTTPProxy shop/shop  valid   Valid
1 valid, 0 not valid, 1 finding
",
        1,
    );
}

#[test]
fn an_unknown_field_is_named_with_its_place_and_the_one_that_was_meant() {
    check_findings(
        &proxy("shop", "web").replace("services", "servces"),
        &["a.yaml:7:5: spec.routes[0].servces: unknown field; did you mean \"services\"?"],
    );
}

#[test]
fn an_unknown_version_is_named_with_its_place_and_the_one_that_is_read() {
    check_findings(
        &proxy("shop", "web").replace("io/v1", "io/v2"),
        &["a.yaml:1:13: apiVersion: \"projectcontour.io/v2\" of HTTPProxy is not read; \
           write projectcontour.io/v1"],
    );
}

#[test]
fn a_wrong_type_is_named_with_its_place() {
    check_findings(
        &proxy("shop", "web").replace("port: 80", "port: \"80\""),
        &[
            "a.yaml:7:34: spec.routes[0].services[0].port: expected an integer, found the text \"80\"; \
           remove the quotes",
        ],
    );
}

#[test]
fn a_missing_field_is_named_with_the_place_of_what_lacks_it() {
    check_findings(
        &proxy("shop", "web").replace("name: web, ", ""),
        &["a.yaml:7:16: spec.routes[0].services[0].name: required, but missing"],
    );
}

#[test]
fn an_object_with_a_mistake_has_a_row_that_says_so() {
    check(
        &[("shop.yaml", &proxy("shop", "web").replace("services", "servces"))],
        "\
1 file, 0 objects
shop.yaml:7:5: spec.routes[0].servces: unknown field; did you mean \"services\"?
HOST  OBJECT               STATUS   REASON
-     HTTPProxy shop/shop  invalid  Unreadable: shop.yaml:7:5: spec.routes[0].servces: unknown field; did you mean \"services\"?
0 valid, 1 not valid, 1 finding
",
        1,
    );
}

#[test]
fn kinds_that_are_not_read_are_counted_in_one_line() {
    let other = |kind: &str, name: &str| {
        format!("apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n")
    };
    let others =
        [other("Deployment", "a"), other("DaemonSet", "b"), other("Deployment", "c")].join("---\n");
    check(
        &[("app.yaml", &others), ("shop.yaml", &proxy("shop", "web")), ("service.yaml", WEB)],
        "\
3 files, 2 objects; not read: 1 DaemonSet, 2 Deployment
HOST              OBJECT               STATUS  REASON
shop.example.com  HTTPProxy shop/shop  valid   Valid
1 valid, 0 not valid
",
        0,
    );
}

#[test]
fn of_two_documents_for_one_object_the_second_is_refused_and_both_places_are_named() {
    let first = format!("{WEB}---\n{}", proxy("shop", "web"));
    check(
        &[("a.yaml", &first), ("b.yaml", &format!("# again\n---\n{}", proxy("shop", "other")))],
        "\
2 files, 2 objects
b.yaml:3:1: HTTPProxy shop/shop stands at a.yaml:6:1 already; this one is left out
HOST              OBJECT               STATUS  REASON
shop.example.com  HTTPProxy shop/shop  valid   Valid
1 valid, 0 not valid, 1 finding
",
        1,
    );
}

#[test]
fn an_empty_directory_is_valid_and_says_what_was_looked_for() {
    check(
        &[],
        "\
nothing to read: there is no *.yaml, *.yml or *.json in the directory or below it
0 valid, 0 not valid
",
        0,
    );
}

#[test]
fn a_directory_that_does_not_exist_is_an_error() {
    check_error(&run("no/such/place"), "there is no directory no/such/place");
}

#[test]
fn a_file_instead_of_a_directory_is_an_error() {
    let directory = directory(&[("shop.yaml", "")]);
    let file = directory.path().join("shop.yaml").display().to_string();
    check_error(&run(&file), &format!("{file} is not a directory"));
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_changes_no_exit_code() {
    let directory = directory(&[("shop.yaml", &proxy("shop", "web"))]);
    let command = contour(["run", directory.path().to_str().expect("text"), "--check"]);
    let ended = Program::start_unread(command).end();
    assert_eq!(ended.err, "");
    assert_eq!(ended.code, Some(1), "the Service is missing");
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_an_error() {
    let directory = directory(&[]);
    let full = File::options().write(true).open("/dev/full").expect("a device that takes nothing");
    let mut command = contour(["run", directory.path().to_str().expect("text"), "--check"]);
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().expect("a program");
    let output = output.wait_with_output().expect("its end");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "contour: error: cannot write to standard output: No space left on device (os error 28)\n"
    );
    assert_eq!(output.status.code(), Some(1));
}
