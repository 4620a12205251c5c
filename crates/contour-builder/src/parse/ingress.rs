//! Ingresses.

use std::collections::BTreeMap;
use std::sync::Arc;

use contour_api::networking as api;
use contour_dag::{Domain, PathMatch};

use super::class::Class;
use super::path::{collapse_slashes, unmatchable};
use super::{domain, port_number, re2};
use crate::status::{Problem, Reason};

const FORCE_SSL_REDIRECT: &str = "ingress.kubernetes.io/force-ssl-redirect";
const ALLOW_HTTP: &str = "kubernetes.io/ingress.allow-http";
const DEFAULT_BACKEND: &str = "spec.defaultBackend";
const OUR_ANNOTATIONS: &str = "projectcontour.io/";
const OUR_CLASS: &str = "projectcontour.io/ingress.class";

/// The characters that make an `ImplementationSpecific` path an expression.
const REGEX_MARKS: [char; 6] = ['^', '+', '*', '[', ']', '%'];

/// The checked form of an Ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// Which controller it is for.
    pub class: Class,
    /// The default backend first, if there is one, then the rules in the order of the object. Rules that forbid plain
    /// HTTP, or whose host is no host name, are left out.
    pub rules: Vec<Rule>,
    /// What is wrong with it apart from its paths.
    pub problems: Vec<Problem>,
}

/// What an Ingress asks for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The host; `*` if the rule names none.
    pub domain: Domain,
    /// In the order of the object.
    pub paths: Vec<Path>,
}

/// One path of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where it stands, to be named in problems.
    pub field: Arc<str>,
    /// Which requests it takes.
    pub matches: Result<PathMatch, Problem>,
    /// Where they go.
    pub backend: Result<Backend, Problem>,
}

impl Path {
    /// Whether it is what the object falls back to. A rule for `/` may replace it.
    pub fn is_default_backend(&self) -> bool {
        *self.field == *DEFAULT_BACKEND
    }
}

/// One port of a service in the namespace of the Ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The service's name.
    pub service: Arc<str>,
    /// Which of its ports.
    pub port: BackendPort,
}

/// How a backend names a service's port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendPort {
    /// By its number.
    Number(u16),
    /// By its name.
    Name(Arc<str>),
}

/// Reads an Ingress.
pub fn ingress(object: &api::Ingress) -> Ingress {
    let annotations = object.metadata.annotations.as_ref();
    let spec = object.spec.clone().unwrap_or_default();
    let class = Class::of(annotations, spec.ingress_class_name.as_deref());
    let mut problems = unserved(&spec, annotations);
    let mut rules = Vec::new();
    if serves_plain_http(annotations) {
        rules.extend(spec.default_backend.as_ref().map(default_rule));
        for (at, entry) in spec.rules.iter().flatten().enumerate() {
            match rule(entry, &format!("spec.rules[{at}]")) {
                Ok(rule) => rules.push(rule),
                Err(problem) => problems.push(problem),
            }
        }
    }
    Ingress { class, rules, problems }
}

/// `allow-http: "false"` forbids plain HTTP; a forced redirect needs what this version does not serve.
fn serves_plain_http(annotations: Option<&BTreeMap<String, String>>) -> bool {
    let is =
        |key, value| annotations.and_then(|all| all.get(key)).is_some_and(|text| text == value);
    !is(FORCE_SSL_REDIRECT, "true") && !is(ALLOW_HTTP, "false")
}

fn unserved(
    spec: &api::IngressSpec,
    annotations: Option<&BTreeMap<String, String>>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |message| problems.push(Problem::new(Reason::NotImplemented, message));
    let tls = spec.tls.as_ref().is_some_and(|tls| !tls.is_empty());
    if tls && serves_plain_http(annotations) {
        refuse("spec.tls: not served by this version; plain HTTP is".to_owned());
    }
    for (key, value) in annotations.into_iter().flatten() {
        let https_only = [(FORCE_SSL_REDIRECT, "true"), (ALLOW_HTTP, "false")];
        if https_only.contains(&(key.as_str(), value.as_str())) {
            refuse(format!(
                "annotation {key}: asks for HTTPS only, which is not served by this version; \
                 nothing of the object is served"
            ));
        } else if key.starts_with(OUR_ANNOTATIONS) && key != OUR_CLASS {
            refuse(format!(
                "annotation {key}: not served by this version; the rest of the object is"
            ));
        }
    }
    problems
}

/// The default backend takes every request for a host that nobody claims.
fn default_rule(entry: &api::IngressBackend) -> Rule {
    let path = Path {
        field: DEFAULT_BACKEND.into(),
        matches: Ok(PathMatch::Prefix("/".into())),
        backend: backend(entry, DEFAULT_BACKEND),
    };
    Rule { domain: Domain::any(), paths: vec![path] }
}

/// # Errors
/// [`Reason::FqdnNotValid`] if the host is no host name.
fn rule(entry: &api::IngressRule, field: &str) -> Result<Rule, Problem> {
    let domain = match entry.host.as_deref() {
        None | Some("") => Domain::any(),
        Some(host) => domain::parse(host).ok_or_else(|| {
            let message = format!(
                "{field}.host: {host:?} is no host name: labels of letters, digits and hyphens, \
                 joined by dots, the first of which may be *"
            );
            Problem::new(Reason::FqdnNotValid, message)
        })?,
    };
    let paths = entry.http.iter().flat_map(|http| &http.paths).enumerate();
    let paths = paths.map(|(at, entry)| path(entry, &format!("{field}.http.paths[{at}]")));
    Ok(Rule { domain, paths: paths.collect() })
}

fn path(entry: &api::HTTPIngressPath, field: &str) -> Path {
    let text = entry.path.as_deref().filter(|path| !path.is_empty()).unwrap_or("/");
    Path {
        field: field.into(),
        matches: path_match(text, &entry.path_type).map_err(|why| {
            let message = format!("{field}.path: {text:?}: {why}");
            Problem::new(Reason::PathMatchConditionsNotValid, message)
        }),
        backend: backend(&entry.backend, &format!("{field}.backend")),
    }
}

/// Reads a path of one of the three path types. The error says what is wrong with it.
fn path_match(text: &str, path_type: &str) -> Result<PathMatch, String> {
    let specific = matches!(path_type, "ImplementationSpecific" | "");
    if specific && text.contains(REGEX_MARKS) {
        // Envoy gets it with `^` in front.
        return match re2::check(&format!("^{text}")) {
            Ok(()) => Ok(PathMatch::Regex(text.into())),
            Err(refusal) => Err(refusal.to_string()),
        };
    }
    if let Some(why) = unmatchable(text) {
        return Err(why.to_owned());
    }
    // Envoy merges the slashes of requests before it matches them.
    let text = collapse_slashes(text);
    match path_type {
        "Exact" => Ok(PathMatch::Exact(text.into())),
        "Prefix" => Ok(match text.trim_end_matches('/') {
            "" => PathMatch::Prefix("/".into()),
            segments => PathMatch::Segments(segments.into()),
        }),
        _ if specific => Ok(PathMatch::Prefix(text.into())),
        other => {
            Err(format!("pathType {other:?} is none of Exact, Prefix and ImplementationSpecific"))
        }
    }
}

/// # Errors
/// [`Reason::BackendNotService`], [`Reason::ServicePortInvalid`].
fn backend(entry: &api::IngressBackend, field: &str) -> Result<Backend, Problem> {
    let Some(service) = &entry.service else {
        let message =
            format!("{field}: only services can be backends; name one in {field}.service");
        return Err(Problem::new(Reason::BackendNotService, message));
    };
    let port = service.port.as_ref();
    let name = port.and_then(|port| port.name.as_deref()).filter(|name| !name.is_empty());
    let port = match (name, port.and_then(|port| port.number)) {
        (Some(name), None) => BackendPort::Name(name.into()),
        (None, Some(number)) => BackendPort::Number(port_number(number).ok_or_else(|| {
            let message =
                format!("{field}.service.port.number: {number} is not between 1 and 65535");
            Problem::new(Reason::ServicePortInvalid, message)
        })?),
        _ => {
            let message = format!("{field}.service.port: give either a name or a number");
            return Err(Problem::new(Reason::ServicePortInvalid, message));
        }
    };
    Ok(Backend { service: service.name.as_str().into(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(manifest: &str) -> Ingress {
        ingress(&serde_yaml_ng::from_str(manifest).expect("a manifest"))
    }

    #[track_caller]
    fn check_path(path_type: &str, path: &str, expect: Option<PathMatch>) {
        let parsed = parse(&format!(
            "spec: {{rules: [{{http: {{paths: [{{path: {path:?}, pathType: {path_type}, \
             backend: {{service: {{name: s, port: {{number: 80}}}}}}}}]}}}}]}}"
        ));
        assert_eq!(parsed.rules[0].paths[0].matches.as_ref().ok(), expect.as_ref());
    }

    #[test]
    fn prefix_is_by_segment() {
        check_path("Prefix", "/a/", Some(PathMatch::Segments("/a".into())));
        check_path("Prefix", "/a", Some(PathMatch::Segments("/a".into())));
        check_path("Prefix", "/", Some(PathMatch::Prefix("/".into())));
        check_path("Prefix", "//", Some(PathMatch::Prefix("/".into())));
        check_path("Prefix", "", Some(PathMatch::Prefix("/".into())));
    }

    #[test]
    fn exact_keeps_its_trailing_slash() {
        check_path("Exact", "/a/", Some(PathMatch::Exact("/a/".into())));
    }

    #[test]
    fn runs_of_slashes_count_as_one() {
        check_path("Exact", "/a//b", Some(PathMatch::Exact("/a/b".into())));
        check_path("Prefix", "/a//b//", Some(PathMatch::Segments("/a/b".into())));
        check_path("ImplementationSpecific", "//a", Some(PathMatch::Prefix("/a".into())));
    }

    #[test]
    fn implementation_specific_is_a_prefix_or_an_expression() {
        check_path("ImplementationSpecific", "/a", Some(PathMatch::Prefix("/a".into())));
        check_path("ImplementationSpecific", "/a.b", Some(PathMatch::Prefix("/a.b".into())));
        check_path("ImplementationSpecific", "/a/.*", Some(PathMatch::Regex("/a/.*".into())));
        check_path("ImplementationSpecific", "^/a", Some(PathMatch::Regex("^/a".into())));
    }

    #[test]
    fn paths_that_cannot_match_are_refused() {
        check_path("Exact", "a", None);
        check_path("Prefix", "/a?b", None);
        check_path("ImplementationSpecific", "/a[", None);
        check_path("Regex", "/a", None);
    }

    #[track_caller]
    fn check_backend(backend: &str, expect: Result<BackendPort, Reason>) {
        let parsed = parse(&format!("spec: {{defaultBackend: {backend}}}"));
        let backend = parsed.rules[0].paths[0].backend.clone();
        assert_eq!(backend.map(|each| each.port).map_err(|problem| problem.reason), expect);
    }

    #[test]
    fn a_backend_is_a_service_with_one_port() {
        check_backend("{service: {name: s, port: {number: 80}}}", Ok(BackendPort::Number(80)));
        check_backend(
            "{service: {name: s, port: {name: web}}}",
            Ok(BackendPort::Name("web".into())),
        );
        check_backend("{service: {name: s}}", Err(Reason::ServicePortInvalid));
        check_backend("{service: {name: s, port: {number: 0}}}", Err(Reason::ServicePortInvalid));
        check_backend("{resource: {kind: Bucket, name: b}}", Err(Reason::BackendNotService));
    }

    #[test]
    fn the_default_backend_is_a_rule_for_every_host() {
        let parsed = parse("spec: {defaultBackend: {service: {name: s, port: {number: 80}}}}");
        assert_eq!(parsed.rules[0].domain, Domain::any());
        assert_eq!(parsed.rules[0].paths[0].matches, Ok(PathMatch::Prefix("/".into())));
    }

    #[test]
    fn a_rule_whose_host_is_none_is_left_out() {
        let parsed = parse("spec: {rules: [{host: 'a b'}, {host: a.b}, {}]}");
        let domains: Vec<&str> = parsed.rules.iter().map(|rule| rule.domain.as_str()).collect();
        assert_eq!(domains, ["a.b", "*"]);
        assert_eq!(parsed.problems[0].reason, Reason::FqdnNotValid);
    }

    #[test]
    fn plain_http_can_be_forbidden() {
        for annotation in
            [FORCE_SSL_REDIRECT.to_owned() + ": 'true'", ALLOW_HTTP.to_owned() + ": 'false'"]
        {
            let manifest = format!(
                "metadata: {{annotations: {{{annotation}}}}}\nspec: {{rules: [{{host: a.b}}]}}"
            );
            assert_eq!(parse(&manifest).rules, []);
        }
    }

    #[test]
    fn what_is_not_served_is_told() {
        let parsed = parse(
            "metadata: {annotations: {projectcontour.io/retry-on: 5xx, other/annotation: x}}\n\
             spec: {tls: [{hosts: [a.b]}], rules: [{host: a.b}]}",
        );
        let reasons: Vec<Reason> = parsed.problems.iter().map(|problem| problem.reason).collect();
        assert_eq!(reasons, [Reason::NotImplemented; 2]);
        assert_eq!(parsed.rules.len(), 1);
    }
}
