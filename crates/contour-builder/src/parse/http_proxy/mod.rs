//! HTTPProxies.

mod conditions;
mod headers;
mod include;
mod policy;
mod redirect;
mod root;
mod route;
mod service;

use contour_api::v1::http_proxy as v1;

use super::class::Class;
use crate::status::{Problem, Reason};

pub use conditions::{Conditions, PathCondition, contradiction, repetition};
pub use include::{Include, Scope};
pub use root::{Refusal, Root};
pub use route::{ForwardRoute, Route, RouteAction};
pub use service::ServiceRef;

/// The checked form of an HTTPProxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Which controller it is for.
    pub class: Class,
    /// What makes it a root; a child has none.
    pub root: Option<Root>,
    /// In the order of the object.
    pub includes: Vec<Include>,
    /// In the order of the object.
    pub routes: Vec<Route>,
}

/// Reads an HTTPProxy in `namespace`.
pub fn http_proxy(object: &v1::HTTPProxy, namespace: &str) -> Proxy {
    let spec = &object.spec;
    let includes = spec.includes.iter().enumerate();
    let includes = includes
        .map(|(at, entry)| include::include(entry, namespace, &format!("spec.includes[{at}]")));
    let routes = spec.routes.iter().enumerate();
    let routes =
        routes.map(|(at, entry)| route::route(entry, namespace, &format!("spec.routes[{at}]")));
    Proxy {
        class: Class::of(object.metadata.annotations.as_ref(), spec.ingress_class_name.as_deref()),
        root: spec.virtualhost.as_ref().map(|virtual_host| root::root(spec, virtual_host)),
        includes: includes.collect(),
        routes: routes.collect(),
    }
}

/// Refuses what this version does not serve: what it asks for may protect something.
///
/// # Errors
/// [`Reason::NotImplemented`], with the fields below `parent` that are present.
fn unserved(parent: &str, fields: &[(&str, bool)]) -> Result<(), Problem> {
    let present: Vec<String> = fields
        .iter()
        .filter(|(_, present)| *present)
        .map(|(field, _)| format!("{parent}.{field}"))
        .collect();
    if present.is_empty() {
        return Ok(());
    }
    let message = format!("{}: not served by this version", present.join(", "));
    Err(Problem::new(Reason::NotImplemented, message))
}

#[cfg(test)]
mod tests;
