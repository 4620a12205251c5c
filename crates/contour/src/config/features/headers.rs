//! How headers are edited on all routes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::asked::Asked;
use super::super::key::Key;
use super::super::keys;
use super::super::problem::Problem;

/// How headers are edited on all routes of `HTTPProxies`, unless a service says otherwise of the same header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderPolicies {
    /// Of requests. Source: `policy.request-headers`.
    pub request: HeaderPolicy,
    /// Of responses. Source: `policy.response-headers`.
    pub response: HeaderPolicy,
    /// Whether that holds for Ingresses, too; default no. Source: `policy.applyToIngress`.
    pub for_ingress: bool,
}

/// How headers are edited. Names are header names as HTTP has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderPolicy {
    /// The headers to set, name to value.
    pub set: BTreeMap<String, String>,
    /// The headers to remove.
    pub remove: BTreeSet<String>,
}

pub(super) fn policies(asked: &mut Asked<'_>) -> HeaderPolicies {
    HeaderPolicies {
        request: policy(asked, &keys::REQUEST_HEADERS_SET, &keys::REQUEST_HEADERS_REMOVE),
        response: policy(asked, &keys::RESPONSE_HEADERS_SET, &keys::RESPONSE_HEADERS_REMOVE),
        for_ingress: asked.boolean(&keys::POLICY_FOR_INGRESS),
    }
}

fn policy(asked: &mut Asked<'_>, set: &Key, remove: &Key) -> HeaderPolicy {
    let mut headers = BTreeMap::new();
    for (name, item) in asked.map(set) {
        match header_name(name) {
            Ok(name) => {
                headers.insert(name, item.text.clone());
            }
            Err(message) => {
                let field = format!("{}.{name}", item.origin.name_of(set));
                asked.problems.push(Problem::new(&item.origin, field, message));
            }
        }
    }
    HeaderPolicy {
        set: headers,
        remove: asked.parse_each(remove, header_name).into_iter().collect(),
    }
}

pub(super) fn header_name(text: &str) -> Result<String, String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.is_empty() && text.bytes().all(token) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no name of a header; it may have letters, digits and hyphens"))
    }
}
