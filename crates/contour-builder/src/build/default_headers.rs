//! What the configuration has done with headers on the way to a service, beside what the service asks for.

use contour_dag::{ClusterPolicy, HeaderEdits};

use crate::config::Config;
use crate::header_defaults::HeaderDefaults;
use crate::parse::header::{Context, MOST, expand};
use crate::status::{Problem, Reason};

/// What is done with a service's requests and responses: what it asks for itself, and what the configuration does of the rest.
///
/// # Errors
/// [`Reason::ServiceRequestHeadersInvalid`], [`Reason::ServiceResponseHeadersInvalid`]: together, they are too many.
pub(super) fn merged(
    mut policy: ClusterPolicy,
    config: &Config,
    context: &Context<'_>,
    field: &str,
) -> Result<ClusterPolicy, Problem> {
    let (requests, responses) = (&config.request_headers, &config.response_headers);
    if let Some(host) = requests.host() {
        policy.host.get_or_insert_with(|| host.clone());
    }
    for (edits, defaults, reason) in [
        (&mut policy.request_headers, requests, Reason::ServiceRequestHeadersInvalid),
        (&mut policy.response_headers, responses, Reason::ServiceResponseHeadersInvalid),
    ] {
        merge(edits, defaults, context);
        if edits.set.len() > MOST || edits.remove.len() > MOST {
            let message = format!(
                "{field}: together with those of the configuration, more than {MOST} headers are edited"
            );
            return Err(Problem::new(reason, message));
        }
    }
    Ok(policy)
}

fn merge(edits: &mut HeaderEdits, defaults: &HeaderDefaults, context: &Context<'_>) {
    for (name, text) in defaults.set() {
        if let Err(at) = edits.set.binary_search_by(|(each, _)| each.cmp(name)) {
            edits.set.insert(at, (name.clone(), expand(text, context)));
        }
    }
    for name in defaults.removed() {
        if let Err(at) = edits.remove.binary_search(name) {
            edits.remove.insert(at, name.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use contour_dag::{HeaderPart, HeaderValue};

    use super::*;

    fn config(set: &[(&str, &str)], remove: &[&str]) -> Config {
        let mut defaults = HeaderDefaults::default();
        for (name, value) in set {
            defaults.set_on_requests(name, value).expect("a good header");
        }
        for name in remove {
            defaults.take_out(name).expect("a good header");
        }
        Config { request_headers: defaults, ..Config::default() }
    }

    fn text(text: &str) -> HeaderValue {
        HeaderValue(vec![HeaderPart::Text(text.into())])
    }

    #[test]
    fn what_a_service_says_itself_counts() {
        let own = ClusterPolicy {
            request_headers: HeaderEdits {
                set: vec![("X-B".into(), text("own"))],
                remove: Vec::new(),
            },
            ..ClusterPolicy::default()
        };
        let context = Context { namespace: None, service: Some(("web", 80)) };
        let config = config(&[("x-a", "%CONTOUR_SERVICE_NAME%"), ("x-b", "default")], &["x-c"]);
        let found = merged(own, &config, &context, "it").expect("they are good").request_headers;
        assert_eq!(found.set, [("X-A".into(), text("web")), ("X-B".into(), text("own"))]);
        assert_eq!(found.remove, ["X-C".into()]);
    }

    #[test]
    fn a_default_host_is_that_of_services_without_one() {
        let config = config(&[("host", "a.example")], &[]);
        let host = |own: Option<&str>| {
            let own = ClusterPolicy { host: own.map(Into::into), ..ClusterPolicy::default() };
            merged(own, &config, &Context::default(), "it").expect("good").host
        };
        assert_eq!(host(None).as_deref(), Some("a.example"));
        assert_eq!(host(Some("b.example")).as_deref(), Some("b.example"));
    }

    #[test]
    fn a_service_has_no_more_headers_edited_than_envoy_takes() {
        let own = |number: usize| {
            let name = |at: usize| format!("X-{at:04}").into();
            let remove = (0..number).map(name).collect();
            ClusterPolicy {
                request_headers: HeaderEdits { set: Vec::new(), remove },
                ..ClusterPolicy::default()
            }
        };
        let config = config(&[], &["x-own"]);
        let merged = |own| merged(own, &config, &Context::default(), "it");
        assert_eq!(merged(own(MOST - 1)).map(|all| all.request_headers.remove.len()), Ok(MOST));
        let error = merged(own(MOST)).map_err(|each| each.reason);
        assert_eq!(error, Err(Reason::ServiceRequestHeadersInvalid));
    }
}
