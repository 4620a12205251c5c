//! What the command line says of itself, and of mistakes in it.

use super::program::contour;
use contour_tests::program::Program;

/// Checks a mistake: exit code 1, nothing on standard output, and this on standard error.
#[track_caller]
fn check_mistake<const N: usize>(arguments: [&str; N], expect: &[&str]) {
    let ended = Program::start(contour(arguments)).end();
    for text in expect {
        assert!(ended.err.contains(text), "{text:?} is not in\n{}", ended.err);
    }
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    assert!(ended.err.starts_with("contour: error: "), "{}", ended.err);
    assert_eq!(ended.out, "");
    assert_eq!(ended.code, Some(1));
}

/// Checks that the help of a subcommand explains exactly these flags.
#[track_caller]
fn check_flags(subcommand: &str, expect: &[&str]) {
    let ended = Program::start(contour([subcommand, "--help"])).end();
    // Prose is not indented.
    let indented = ended.out.lines().filter_map(|line| line.strip_prefix("  "));
    let lines = indented.map(str::trim_start).filter(|line| line.starts_with('-'));
    let mut flags: Vec<&str> = lines
        .map(|line| line.split_once("--").expect("flags have a long form").1)
        .map(|flag| flag.split(' ').next().expect("a word"))
        .collect();
    flags.sort_unstable();
    assert_eq!(flags, expect, "of\n{}", ended.out);
    assert_eq!(ended.err, "");
    assert_eq!(ended.code, Some(0));
}

#[test]
fn without_a_subcommand_the_help_is_told() {
    let ended = Program::start(contour([])).end();
    for text in ["Usage: contour [OPTIONS] <COMMAND>", "run", "serve", "bootstrap"] {
        assert!(ended.err.contains(text), "{text:?} is not in\n{}", ended.err);
    }
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""));
}

#[test]
fn a_command_of_two_words_needs_both() {
    let ended = Program::start(contour(["envoy"])).end();
    assert!(ended.err.contains("shutdown-manager"), "{}", ended.err);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
}

#[test]
fn an_unknown_subcommand_brings_a_suggestion() {
    check_mistake(
        ["serv"],
        &["unrecognized subcommand 'serv'", "similar subcommand exists: 'serve'"],
    );
}

#[test]
fn an_unknown_flag_brings_a_suggestion() {
    check_mistake(
        ["run", ".", "--chek"],
        &["unexpected argument '--chek' found", "a similar argument exists: '--check'"],
    );
}

#[test]
fn a_missing_directory_argument_is_named() {
    check_mistake(["run"], &["required arguments were not provided", "<DIR>"]);
}

#[test]
fn a_source_of_another_form_is_refused_with_the_right_one() {
    check_mistake(
        ["serve", "--source", "dir"],
        &["invalid value 'dir'", "give cluster or directory=PATH"],
    );
    check_mistake(["serve", "--source", "directory="], &["give cluster or directory=PATH"]);
}

#[test]
fn a_flag_of_serve_is_given_once() {
    check_mistake(
        ["serve", "--xds-port", "1", "--xds-port=2"],
        &["'--xds-port <PORT>' cannot be used multiple times"],
    );
    check_mistake(["serve", "--debug", "--no-debug"], &["'--debug' cannot be used with"]);
}

#[test]
fn a_switch_takes_no_value() {
    check_mistake(["serve", "--insecure=true"], &["unexpected value 'true' for '--insecure'"]);
}

#[test]
fn a_word_that_is_none_of_the_possible_ones_is_refused_with_them() {
    check_mistake(
        ["serve", "--disable-feature", "tlsroute"],
        &["\"tlsroute\" is not one of extensionservices, tlsroutes", "did you mean \"tlsroutes\"?"],
    );
    check_mistake(["serve", "--accesslog-format=xml"], &["is not one of envoy, json"]);
}

#[test]
fn a_file_and_a_contour_configuration_exclude_each_other() {
    check_mistake(
        ["serve", "-cx", "--contour-config-name=y"],
        &["'--config-path <PATH>' cannot be used with '--contour-config-name <NAME>'"],
    );
}

#[test]
fn arguments_may_stand_in_a_file() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("arguments");
    std::fs::write(&file, "# comment\n\n--xds-port\n70000\n").expect("a file");
    let argument = format!("@{}", file.display());
    check_mistake(["serve", &argument], &["70000 is out of range; give a number from 0 to 65535"]);
    check_mistake(["@no/such/file"], &["cannot read arguments from no/such/file"]);
    std::fs::write(&file, &argument).expect("a file");
    check_mistake([&argument], &["names itself"]);
}

#[test]
fn port_zero_is_no_port_to_tell_envoy_of() {
    check_mistake(
        ["run", ".", "--http-port", "0"],
        &["invalid value '0' for '--http-port <PORT>'"],
    );
}

#[test]
fn the_help_names_the_subcommands_and_not_the_one_for_ourselves() {
    let ended = Program::start(contour(["--help"])).end();
    for subcommand in ["run", "serve", "bootstrap"] {
        assert!(ended.out.contains(&format!("\n  {subcommand} ")), "{}", ended.out);
    }
    assert!(!ended.out.contains("exec-bound"), "{}", ended.out);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn the_version_is_that_of_the_package() {
    let ended = Program::start(contour(["--version"])).end();
    assert_eq!(ended.out, format!("contour {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(ended.code, Some(0));
}

#[test]
fn the_version_is_told_in_both_forms() {
    for (arguments, begin) in [(&["version"][..], "branch: "), (&["version", "-o", "json"], "{")] {
        let mut command = contour([]);
        command.args(arguments);
        let ended = Program::start(command).end();
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
        assert!(ended.out.starts_with(begin), "{}", ended.out);
        assert!(ended.out.contains(env!("CARGO_PKG_VERSION")), "{}", ended.out);
    }
}

#[test]
fn shells_can_complete_subcommands_and_flags() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = Program::start(contour(["completions", shell])).end();
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{shell}");
        assert!(ended.out.contains("bootstrap") && ended.out.contains("xds-port"), "{shell}");
    }
}

#[test]
fn the_help_of_run_explains_every_flag() {
    check_flags(
        "run",
        &[
            "address",
            "check",
            "envoy-bin",
            "help",
            "http-port",
            "https-port",
            "log-format",
            "stats-port",
        ],
    );
}

#[test]
fn the_help_of_bootstrap_explains_every_flag() {
    check_flags(
        "bootstrap",
        &[
            "admin-address",
            "admin-port",
            "dns-lookup-family",
            "envoy-cafile",
            "envoy-cert-file",
            "envoy-key-file",
            "help",
            "log-format",
            "namespace",
            "overload-downstream-max-conn",
            "overload-max-heap",
            "resources-dir",
            "xds-address",
            "xds-port",
            "xds-protocol",
            "xds-resource-version",
        ],
    );
}

#[test]
fn the_help_of_bootstrap_says_what_envoy_needs_besides() {
    let ended = Program::start(contour(["bootstrap", "--help"])).end();
    let words: Vec<&str> = ended.out.split_whitespace().collect();
    let command = "--service-node NAME --service-cluster NAME";
    assert!(words.join(" ").contains(command), "{}", ended.out);
}
