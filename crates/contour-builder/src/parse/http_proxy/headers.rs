//! `requestHeadersPolicy` and `responseHeadersPolicy`, of routes and of services.

use std::collections::BTreeMap;
use std::sync::Arc;

use contour_api::v1::http_proxy as v1;
use contour_dag::{HeaderEdits, HeaderValue, HostRewrite};

use crate::parse::header::{
    Context, MOST, canonical, editable, is_authority, named_header, removable, value,
};

/// What a policy of requests asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestEdits {
    /// All headers but `Host`.
    pub edits: HeaderEdits,
    /// The host that requests are for.
    pub host: Option<HostRewrite>,
}

/// Reads a policy of requests.
///
/// # Errors
/// What is wrong with it, and where.
pub fn request(
    policy: Option<&v1::HeadersPolicy>,
    context: &Context<'_>,
    field: &str,
) -> Result<RequestEdits, String> {
    let Some(policy) = policy else { return Ok(RequestEdits::default()) };
    let host = host_rewrite(policy, field)?;
    let is_host = |name: &str| canonical(name) == "Host";
    let edits = edits(policy, context, field, is_host)?;
    Ok(RequestEdits { edits, host })
}

/// Reads a policy of responses.
///
/// # Errors
/// What is wrong with it, and where.
pub fn response(
    policy: Option<&v1::HeadersPolicy>,
    context: &Context<'_>,
    field: &str,
) -> Result<HeaderEdits, String> {
    let Some(policy) = policy else { return Ok(HeaderEdits::default()) };
    for (at, entry) in policy.set.iter().enumerate() {
        if canonical(&entry.name) == "Host" {
            return Err(format!("{field}.set[{at}].name: a response has no header Host"));
        }
    }
    edits(policy, context, field, |_| false)
}

/// What becomes of the header `Host`. A host that is given beats a header that names one.
fn host_rewrite(policy: &v1::HeadersPolicy, field: &str) -> Result<Option<HostRewrite>, String> {
    let (mut literal, mut named) = (None, None);
    for (at, entry) in policy.set.iter().enumerate() {
        if canonical(&entry.name) != "Host" {
            continue;
        }
        if let Some(header) = named_header(&entry.value) {
            named = Some(HostRewrite::Header(header));
        } else if is_authority(&entry.value) {
            literal = Some(HostRewrite::Literal(entry.value.as_str().into()));
        } else {
            return Err(format!(
                "{field}.set[{at}].value: {:?} is no host; a name or an address, with or without a port, is one, \
                 or %REQ(NAME)% for the host that a header names",
                entry.value
            ));
        }
    }
    Ok(literal.or(named))
}

fn edits(
    policy: &v1::HeadersPolicy,
    context: &Context<'_>,
    field: &str,
    skip: impl Fn(&str) -> bool,
) -> Result<HeaderEdits, String> {
    let mut set: BTreeMap<Arc<str>, HeaderValue> = BTreeMap::new();
    let entries = policy.set.iter().enumerate().filter(|(_, entry)| !skip(&entry.name));
    for (at, entry) in entries {
        let name = editable(&entry.name).map_err(|why| format!("{field}.set[{at}].name: {why}"))?;
        let value = value(&entry.value, context)
            .map_err(|why| format!("{field}.set[{at}].value: {why}"))?;
        if set.insert(name.clone(), value).is_some() {
            return Err(format!("{field}.set[{at}].name: {name} is set twice"));
        }
    }
    let mut remove: Vec<Arc<str>> = Vec::with_capacity(policy.remove.len());
    for (at, name) in policy.remove.iter().enumerate() {
        let name = removable(name).map_err(|why| format!("{field}.remove[{at}]: {why}"))?;
        if remove.contains(&name) {
            return Err(format!("{field}.remove[{at}]: {name} is removed twice"));
        }
        remove.push(name);
    }
    if set.len() > MOST || remove.len() > MOST {
        return Err(format!("{field}: at most {MOST} headers can be edited"));
    }
    remove.sort();
    Ok(HeaderEdits { set: set.into_iter().collect(), remove })
}

#[cfg(test)]
mod tests {
    use contour_dag::HeaderPart;

    use super::*;

    fn policy(text: &str) -> v1::HeadersPolicy {
        serde_yaml_ng::from_str(text).expect("a policy")
    }

    fn read(text: &str) -> Result<RequestEdits, String> {
        request(Some(&policy(text)), &Context::default(), "it")
    }

    #[track_caller]
    fn check(text: &str, expect: Result<&[(&str, &str)], &str>) {
        let part = |part: &HeaderPart| match part {
            HeaderPart::Text(text) | HeaderPart::Variable(text) => text.to_string(),
        };
        let found = read(text).map(|found| {
            let set = found.edits.set.into_iter();
            set.map(|(name, value)| {
                (name.to_string(), value.0.iter().map(part).collect::<String>())
            })
            .collect::<Vec<_>>()
        });
        let expect = expect.map_err(str::to_owned).map(|all| {
            all.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        });
        assert_eq!(found, expect);
    }

    #[test]
    fn headers_are_set_under_their_canonical_names_in_order() {
        check(
            "{set: [{name: x-b, value: two}, {name: x-a, value: one}]}",
            Ok(&[("X-A", "one"), ("X-B", "two")]),
        );
    }

    #[test]
    fn a_header_is_edited_once() {
        let message = "it.set[1].name: X-A is set twice";
        check("{set: [{name: x-a, value: b}, {name: X-A, value: c}]}", Err(message));
        check("{remove: [x-a, X-A]}", Err("it.remove[1]: X-A is removed twice"));
    }

    #[test]
    fn a_host_is_one_that_is_given_before_one_that_a_header_names() {
        let host = |text| read(text).map(|found| found.host);
        let literal = HostRewrite::Literal("b.example:8080".into());
        let two =
            "{set: [{name: host, value: 'b.example:8080'}, {name: Host, value: '%REQ(x-h)%'}]}";
        assert_eq!(host(two), Ok(Some(literal)));
        let header = HostRewrite::Header("X-H".into());
        assert_eq!(host("{set: [{name: host, value: 'a%REQ(x-h)%'}]}"), Ok(Some(header)));
        assert!(host("{set: [{name: host, value: 'a b'}]}").is_err());
        assert!(host("{set: [{name: host, value: \"a\\r\\nb\"}]}").is_err());
    }

    #[test]
    fn nobody_removes_the_host() {
        check("{remove: [host]}", Err("it.remove[0]: a request without the header Host is none"));
    }

    #[test]
    fn a_response_has_no_host() {
        let policy = policy("{set: [{name: Host, value: a}]}");
        let found = response(Some(&policy), &Context::default(), "it");
        assert_eq!(found, Err("it.set[0].name: a response has no header Host".to_owned()));
    }
}
