//! Every setting there is, wherever it may be given, and what it changes.

mod deferred;
mod documented;
mod observe;
mod rows;

use std::collections::BTreeSet;

use contour::config::key::{Key, Kind};
use contour::config::keys;

use observe::Stage;

/// The keys of the configuration file, those in lists included: `tracing.customTags[].tagName`.
fn file_keys(keys: &[&'static Key], outer: &str) -> BTreeSet<String> {
    names(keys, outer, |key| key.file)
}

/// The same of a `ContourConfiguration`.
fn spec_fields(keys: &[&'static Key], outer: &str) -> BTreeSet<String> {
    names(keys, outer, |key| key.spec)
}

fn names(
    keys: &[&'static Key],
    outer: &str,
    name: fn(&Key) -> Option<&'static str>,
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for key in keys {
        let Some(own) = name(key) else { continue };
        let whole = format!("{outer}{own}");
        if let Kind::Blocks(inner) = key.kind {
            names.extend(self::names(inner, &format!("{whole}[]."), name));
        }
        names.insert(whole);
    }
    names
}

fn all() -> Vec<&'static Key> {
    keys::all().collect()
}

#[test]
fn each_setting_has_a_name_of_its_own() {
    for name in [Key::id as fn(&'static Key) -> &'static str, |key| key.file.unwrap_or_default()] {
        let mut names: Vec<_> =
            all().into_iter().map(name).filter(|name| !name.is_empty()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}

#[test]
fn each_setting_changes_something() {
    for row in rows::all() {
        row.check();
    }
}

#[test]
fn no_setting_goes_without_a_test() {
    let rows = rows::all();
    let missing: Vec<_> = all()
        .into_iter()
        .map(Key::id)
        .filter(|id| !rows.iter().any(|row| row.key.id() == *id))
        .collect();
    assert_eq!(missing, [""; 0], "a row in tests/settings/rows shows what a setting changes");
}

#[test]
fn no_key_of_a_list_goes_without_a_test() {
    for row in rows::all() {
        let Kind::Blocks(inner) = row.key.kind else { continue };
        let text = row.value.to_string();
        for path in file_keys(inner, "") {
            let name = path.rsplit('.').next().expect("a name");
            assert!(text.contains(&format!("{name:?}")), "{} says nothing of {path}", row.key.id());
        }
    }
}

#[test]
fn what_nothing_consumes_yet_is_deferred_and_nothing_else() {
    let deferred: BTreeSet<String> = deferred::read().into_keys().collect();
    let later: BTreeSet<String> = rows::all()
        .iter()
        .filter(|row| row.stage == Stage::Later)
        .map(|row| row.key.id().to_owned())
        .collect();
    assert_eq!(deferred, later);
}

/// Flags of `contour serve` that say where settings come from, not what they are.
const OTHER_FLAGS: [&str; 6] =
    ["config-path", "contour-config-name", "help", "log-format", "source", "version"];

#[test]
fn each_flag_is_a_setting() {
    let mut command = contour::cli::command();
    command.build();
    let serve = command.find_subcommand("serve").expect("the subcommand");
    let flags = serve.get_arguments().filter_map(clap::Arg::get_long).map(str::to_owned);
    let flags: BTreeSet<String> =
        flags.filter(|flag| !OTHER_FLAGS.contains(&flag.as_str())).collect();
    let settings = all().into_iter().filter_map(|key| Some((key.flag?.name, key.kind)));
    let expect: BTreeSet<String> = settings
        .flat_map(|(name, kind)| {
            let switch = matches!(kind, Kind::Boolean);
            [Some(name.to_owned()), switch.then(|| format!("no-{name}"))]
        })
        .flatten()
        .collect();
    assert_eq!(flags, expect);
}

/// Upstream's flags.
const UPSTREAM: &str = "accesslog-format config-path contour-cafile contour-cert-file contour-config-name \
    contour-key-file debug debug-http-address debug-http-port disable-feature disable-leader-election \
    envoy-http-access-log envoy-https-access-log envoy-service-http-address envoy-service-http-port \
    envoy-service-https-address envoy-service-https-port envoy-service-name envoy-service-namespace health-address \
    health-port http-address http-port incluster ingress-class-name ingress-status-address insecure kubeconfig \
    kubernetes-client-burst kubernetes-client-qps kubernetes-debug leader-election-lease-duration \
    leader-election-renew-deadline leader-election-resource-name leader-election-resource-namespace \
    leader-election-retry-period root-namespaces stats-address stats-port use-proxy-protocol watch-namespaces \
    xds-address xds-port";

#[test]
fn upstreams_flags_are_there_and_in_order_in_the_help() {
    let mut command = contour::cli::command();
    let serve = command.find_subcommand_mut("serve").expect("the subcommand");
    let help = serve.render_help().to_string();
    let words = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let flags: Vec<&str> = words
        .filter_map(|line| line.split_once("--"))
        .filter_map(|(_, rest)| rest.split_whitespace().next())
        .filter(|flag| *flag != "help")
        .collect();
    assert!(flags.is_sorted(), "{flags:?}");
    let ours = ["source", "log-format", "manage-certificates"];
    let flags: Vec<&str> = flags.into_iter().filter(|flag| !ours.contains(flag)).collect();
    assert_eq!(flags, UPSTREAM.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn each_field_of_a_contour_configuration_is_a_setting() {
    const TABLE: &str =
        include_str!("../../../contour-api/tests/data/schema/ContourConfiguration.v1alpha1.tsv");
    let known = spec_fields(&all(), "");
    let references: Vec<&str> = all()
        .into_iter()
        .filter(|key| matches!(key.kind, Kind::Reference))
        .filter_map(|key| key.spec)
        .collect();
    let mut seen = BTreeSet::new();
    for line in TABLE.lines() {
        let Some(field) = line.split('\t').next().and_then(|path| path.strip_prefix("spec."))
        else {
            continue;
        };
        let field = field.trim_end_matches("[]").trim_end_matches("{}");
        let part = known.iter().any(|key| key.starts_with(&format!("{field}.")));
        let inside = references.iter().any(|key| field.starts_with(&format!("{key}.")));
        assert!(known.contains(field) || part || inside, "{field} is no setting");
        seen.insert(field.to_owned());
    }
    let unknown: Vec<_> = known.difference(&seen).collect();
    assert!(unknown.is_empty(), "no field of upstream's: {unknown:?}");
}
