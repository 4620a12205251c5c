//! Headers that the configuration has edited on the way to every service.

use contour_dag::{ClusterPolicy, HeaderEdits};

use crate::config::{Config, HeaderDefaults};
use crate::parse::header::{
    Context, MOST, canonical, editable, is_authority, named_header, removable, value,
};
use crate::status::{Problem, Reason};

/// What is done with a service's requests and responses: what it asks for itself, and what the configuration does of the rest.
///
/// # Errors
/// [`Reason::ServiceRequestHeadersInvalid`], [`Reason::ServiceResponseHeadersInvalid`]: the configuration is wrong.
pub(super) fn merged(
    mut policy: ClusterPolicy,
    config: &Config,
    context: &Context<'_>,
    field: &str,
) -> Result<ClusterPolicy, Problem> {
    if config.request_headers.is_empty() && config.response_headers.is_empty() {
        return Ok(policy);
    }
    let wrong = |reason| {
        move |why| {
            let message =
                format!("{field}: the default policy of the configuration is wrong: {why}");
            Problem::new(reason, message)
        }
    };
    let host = host(config).map_err(wrong(Reason::ServiceRequestHeadersInvalid))?;
    if let Some(host) = host {
        policy.host.get_or_insert_with(|| host.into());
    }
    merge(&mut policy.request_headers, &config.request_headers, context, true)
        .map_err(wrong(Reason::ServiceRequestHeadersInvalid))?;
    merge(&mut policy.response_headers, &config.response_headers, context, false)
        .map_err(wrong(Reason::ServiceResponseHeadersInvalid))?;
    Ok(policy)
}

/// The host that requests are for unless a service says otherwise.
fn host(config: &Config) -> Result<Option<&str>, String> {
    let is_host = |name: &str| canonical(name) == "Host";
    let mut set = config.request_headers.set.iter();
    let Some((_, host)) = set.find(|(name, _)| is_host(name)) else { return Ok(None) };
    if named_header(host).is_some() {
        return Err("a host that a header names is taken for routes alone".to_owned());
    }
    if !is_authority(host) {
        return Err(format!("{host:?} is no host"));
    }
    Ok(Some(host))
}

fn merge(
    edits: &mut HeaderEdits,
    defaults: &HeaderDefaults,
    context: &Context<'_>,
    of_request: bool,
) -> Result<(), String> {
    for (name, text) in &defaults.set {
        if canonical(name) == "Host" {
            if of_request {
                continue;
            }
            return Err("a response has no header Host".to_owned());
        }
        let name = editable(name)?;
        if let Err(at) = edits.set.binary_search_by(|(each, _)| each.cmp(&name)) {
            edits.set.insert(at, (name, value(text, context)?));
        }
    }
    for name in &defaults.remove {
        let name = removable(name)?;
        if let Err(at) = edits.remove.binary_search(&name) {
            edits.remove.insert(at, name);
        }
    }
    if edits.set.len() > MOST || edits.remove.len() > MOST {
        return Err(format!(
            "together with those of the service, more than {MOST} headers are edited"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use contour_dag::{HeaderPart, HeaderValue};

    use super::*;

    fn config(set: &[(&str, &str)], remove: &[&str]) -> Config {
        let defaults = HeaderDefaults {
            set: set.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            remove: remove.iter().map(|&name| name.to_owned()).collect(),
        };
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

    #[track_caller]
    fn check_wrong(config: &Config, reason: Reason) {
        let error = merged(ClusterPolicy::default(), config, &Context::default(), "it");
        assert_eq!(error.map_err(|each| each.reason), Err(reason));
    }

    #[test]
    fn a_default_that_is_wrong_is_told_of_each_service() {
        for config in [
            config(&[("x a", "b")], &[]),
            config(&[("x-a", "b\r\n")], &[]),
            config(&[("host", "b\r\n")], &[]),
            config(&[("Host", "%REQ(x)%")], &[]),
            config(&[], &["host"]),
        ] {
            check_wrong(&config, Reason::ServiceRequestHeadersInvalid);
        }
        let requests = config(&[("host", "a.example")], &[]).request_headers;
        let responses = Config { response_headers: requests, ..Config::default() };
        check_wrong(&responses, Reason::ServiceResponseHeadersInvalid);
    }
}
