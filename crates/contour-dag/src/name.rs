//! What things are called.

use std::fmt;
use std::sync::Arc;

/// A host name to serve, in lower case: `shop.example.com`, `*.example.com`, or `*` for every host that nobody claims.
///
/// How many labels a wildcard stands for is the rule of the API that names it: one in HTTPProxy and Ingress, one or
/// more in the Gateway API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Arc<str>); // private: `new` is the only way in

impl Domain {
    /// `None` if `text` is blank.
    pub fn new(text: &str) -> Option<Domain> {
        (!text.trim().is_empty()).then(|| Domain(text.to_ascii_lowercase().into()))
    }

    /// The domain of whatever names no host: `*`.
    pub fn any() -> Domain {
        Domain("*".into())
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the `*` of a wildcard, with its dot: `.example.com` of `*.example.com`. `None` for `*` itself and for
    /// names without a wildcard.
    pub fn wildcard_suffix(&self) -> Option<&str> {
        self.0.strip_prefix('*').filter(|suffix| suffix.starts_with('.'))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// One TCP port of one service.
///
/// The number names clusters, the port's name names load assignments, as upstream has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePort {
    /// Namespace of the service.
    pub namespace: Arc<str>,
    /// Name of the service.
    pub service: Arc<str>,
    /// The service's own port number, not that of its endpoints.
    pub number: u16,
    /// The port's name; `None` if the service's only port has none.
    pub name: Option<Arc<str>>,
}

/// The API whose object defined a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginKind {
    /// `projectcontour.io/v1` `HTTPProxy`
    HttpProxy,
    /// `networking.k8s.io/v1` `Ingress`
    Ingress,
}

/// The object that defined a route: of an included HTTPProxy the child, not the root.
///
/// Becomes: `Route.metadata`, so that access logs can name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Its kind.
    pub kind: OriginKind,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_domain_is_none() {
        assert_eq!(Domain::new(" \t"), None);
    }

    #[test]
    fn a_domain_is_lower_case() {
        assert_eq!(Domain::new("Shop.Example.COM").unwrap().as_str(), "shop.example.com");
    }

    #[test]
    fn only_a_leading_star_label_is_a_wildcard() {
        let suffix = |text| Domain::new(text).unwrap().wildcard_suffix().map(str::to_owned);
        assert_eq!(suffix("*.example.com").as_deref(), Some(".example.com"));
        assert_eq!(suffix("*"), None);
        assert_eq!(suffix("example.com"), None);
        assert_eq!(suffix("*example.com"), None);
    }
}
