//! What of the configuration shapes the graph.

use crate::header_defaults::HeaderDefaults;
use crate::object::ObjectName;

/// What of the configuration shapes the graph. An input like an object: see [`Change::Config`](crate::Change::Config).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The ingress classes that are ours, compared to the letter. Empty: objects without a class and those of class
    /// `contour`.
    pub ingress_classes: Vec<String>,
    /// The namespaces whose HTTPProxies may claim host names. Empty: all.
    ///
    /// Source: `--root-namespaces`.
    pub root_namespaces: Vec<String>,
    /// Whether Services may stand for names outside of the cluster.
    ///
    /// Source: `enableExternalNameService`.
    pub external_names: bool,
    /// Services for which none of them may stand: Contour's own.
    ///
    /// Source: `--envoy-service-name`, `--envoy-service-namespace`, and the Service `contour` beside it.
    pub own_services: Vec<ObjectName>,
    /// What is done with the headers of requests on the way to every service of an HTTPProxy.
    ///
    /// Source: `policy.request-headers`.
    pub request_headers: HeaderDefaults,
    /// The same of responses.
    ///
    /// Source: `policy.response-headers`.
    pub response_headers: HeaderDefaults,
    /// Whether that holds for services of Ingresses, too.
    ///
    /// Source: `policy.applyToIngress`.
    pub headers_for_ingress: bool,
}

impl Config {
    /// Whether an HTTPProxy of this namespace may claim a host name.
    pub(crate) fn allows_roots_in(&self, namespace: &str) -> bool {
        let allowed = &self.root_namespaces;
        allowed.is_empty() || allowed.iter().any(|each| each == namespace)
    }

    /// The Service of Contour's own that is meant by a host name, in lower case.
    pub(crate) fn own_service(&self, host: &str) -> Option<&ObjectName> {
        self.own_services.iter().find(|service| {
            let rest = host.strip_prefix(&*service.name).and_then(|rest| rest.strip_prefix('.'));
            let rest = rest.and_then(|rest| rest.strip_prefix(&*service.namespace));
            rest.is_some_and(|rest| matches!(rest, "" | ".svc") || rest.starts_with(".svc."))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_service_is_meant_by_each_of_its_names() {
        let own_services = vec![ObjectName::new("projectcontour", "envoy")];
        let config = Config { own_services, ..Config::default() };
        for (host, own) in [
            ("envoy.projectcontour", true),
            ("envoy.projectcontour.svc", true),
            ("envoy.projectcontour.svc.cluster.local", true),
            ("envoy.projectcontour.example", false),
            ("envoy.other.svc", false),
            ("my-envoy.projectcontour", false),
        ] {
            assert_eq!(config.own_service(host).is_some(), own, "{host}");
        }
    }
}
