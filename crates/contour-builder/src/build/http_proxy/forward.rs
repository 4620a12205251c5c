//! Where the routes of an HTTPProxy send their requests.

use std::sync::Arc;

use contour_dag::{
    Action, ClusterName, ClusterPolicy, ClusterSettings, Forward, HealthCheck, HostRewrite, Mirror,
    PathMatch, WeightedCluster,
};

use super::Walk;
use crate::build::backend::{Resolved, resolve};
use crate::build::default_headers;
use crate::object::ObjectName;
use crate::parse::header::Context;
use crate::parse::http_proxy::{ForwardRoute, ServiceRef};
use crate::parse::ingress::BackendPort;
use crate::parse::merged_cookies;
use crate::status::{Problem, Reason};

/// A service of a route, as it is reached.
struct Reached {
    cluster: ClusterName,
    policy: Option<Box<ClusterPolicy>>,
}

impl Walk<'_, '_> {
    /// A service that cannot be used as it is written is a problem and drops out; if none is left the route answers 503.
    pub(super) fn forward(
        &mut self,
        name: &ObjectName,
        route: &ForwardRoute,
        field: &str,
        path: &PathMatch,
    ) -> Action {
        let prefix_rewrite = match path {
            PathMatch::Prefix(prefix) => route.prefix_rewrites.for_prefix(prefix).cloned(),
            _ if route.prefix_rewrites.is_empty() => None,
            _ => {
                let message = format!(
                    "{field}.pathRewritePolicy.replacePrefix: the route matches no prefix that could be replaced"
                );
                self.problem(name, Problem::new(Reason::MustHavePrefix, message));
                return Action::unavailable();
            }
        };
        let (mut clusters, mut mirror) = (Vec::with_capacity(route.services.len()), None);
        for (at, service) in route.services.iter().enumerate() {
            let field = format!("{field}.services[{at}]");
            let reached = service
                .as_ref()
                .map_err(Problem::clone)
                .and_then(|service| Ok((service, self.reach(name, route, service, &field)?)));
            match reached {
                Ok((service, reached)) if service.mirror => {
                    let percent = percent(service.weight);
                    let copies = Mirror { cluster: reached.cluster, percent };
                    if mirror.is_some() {
                        let message =
                            format!("{field}.mirror: an earlier service gets the copies already");
                        self.problem(name, Problem::new(Reason::OnlyOneMirror, message));
                    }
                    mirror.get_or_insert(copies);
                }
                Ok((service, reached)) => clusters.push((reached, service.weight)),
                Err(problem) => self.problem(name, problem),
            }
        }
        let clusters = scaled(clusters).into_iter().map(|(reached, weight)| WeightedCluster {
            cluster: reached.cluster,
            policy: reached.policy,
            weight,
        });
        let Some(mut forward) = Forward::new(clusters.collect()) else {
            return Action::unavailable();
        };
        forward.policy.clone_from(&route.policy);
        if prefix_rewrite.is_some() || mirror.is_some() {
            let policy = forward.policy.get_or_insert_default();
            policy.prefix_rewrite = prefix_rewrite;
            policy.mirror = mirror;
        }
        Action::Forward(forward)
    }

    fn reach(
        &self,
        name: &ObjectName,
        route: &ForwardRoute,
        service: &ServiceRef,
        field: &str,
    ) -> Result<Reached, Problem> {
        let namespace = &name.namespace;
        let reference = ObjectName { namespace: namespace.clone(), name: service.name.clone() };
        let unresolved = |why| Problem::new(Reason::ServiceUnresolved, format!("{field}: {why}"));
        let of = |port| resolve(&reference, &BackendPort::Number(port), self.reader);
        let Resolved { port, protocol, external } = of(service.port).map_err(unresolved)?;
        let health_check = match &route.health_check {
            None => None,
            Some(check) => {
                let other = service.health_port.filter(|other| *other != service.port);
                let resolved = other.map(of).transpose().map_err(unresolved)?;
                let port = resolved.map(|resolved| Arc::new(resolved.port));
                Some(HealthCheck { port, ..(**check).clone() })
            }
        };
        let context =
            Context { namespace: Some(namespace), service: Some((&service.name, service.port)) };
        let policy = service.policy.as_deref().cloned().unwrap_or_default();
        let mut policy = default_headers::merged(policy, self.reader.config(), &context, field)?;
        policy.cookies = merged_cookies(&route.cookies, &policy.cookies);
        let settings = ClusterSettings {
            load_balancing: route.load_balancing,
            health_check,
            protocol: service.protocol.unwrap_or(protocol),
            sni: sni(&policy, route, external.as_ref()),
            idle_timeout: route.idle_connection,
            slow_start: service.slow_start.as_deref().copied(),
        };
        Ok(Reached { cluster: ClusterName::with(port, settings), policy: policy.if_any() })
    }
}

/// The name that a service is asked for by: as the requests that it gets name it.
fn sni(
    policy: &ClusterPolicy,
    route: &ForwardRoute,
    external: Option<&Arc<str>>,
) -> Option<Arc<str>> {
    let of_route = route.policy.as_ref().and_then(|policy| match &policy.host_rewrite {
        Some(HostRewrite::Literal(host)) => Some(host),
        Some(HostRewrite::Header(_)) | None => None,
    });
    let host = policy.host.as_ref().or(of_route);
    host.map(without_port).or_else(|| external.cloned())
}

fn without_port(host: &Arc<str>) -> Arc<str> {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.parse::<u16>().is_ok() => name.into(),
        _ => host.clone(),
    }
}

/// Of a mirror, no weight is all, and so is more than all.
fn percent(weight: u64) -> u8 {
    match u8::try_from(weight) {
        Ok(0) | Err(_) => 100,
        Ok(percent) => percent.min(100),
    }
}

/// Brings weights into 32 bits, all by the same power of two; what was positive stays so.
fn scaled<T>(weighted: Vec<(T, u64)>) -> Vec<(T, u32)> {
    let largest = weighted.iter().map(|(_, weight)| *weight).max().unwrap_or(0);
    let shift = (u64::BITS - largest.leading_zeros()).saturating_sub(u32::BITS);
    let scale = |weight: u64| {
        let scaled = (weight >> shift).max(u64::from(weight > 0));
        u32::try_from(scaled).unwrap_or(u32::MAX)
    };
    weighted.into_iter().map(|(each, weight)| (each, scale(weight))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(weights: &[u64], expect: &[u32]) {
        let scaled = scaled(weights.iter().map(|weight| ((), *weight)).collect());
        assert_eq!(scaled.iter().map(|((), weight)| *weight).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn weights_of_32_bits_stay() {
        check(&[0, 1, u64::from(u32::MAX)], &[0, 1, u32::MAX]);
        check(&[], &[]);
    }

    #[test]
    fn larger_weights_keep_their_proportion() {
        check(&[1 << 40, 1 << 39, 1, 0], &[1 << 31, 1 << 30, 1, 0]);
    }

    #[test]
    fn a_mirror_gets_all_unless_a_part_is_asked_for() {
        assert_eq!([0, 25, 100, 250, 1000].map(percent), [100, 25, 100, 100, 100]);
    }

    #[test]
    fn a_name_is_asked_for_without_its_port() {
        for (host, expect) in
            [("a.example:8443", "a.example"), ("a.example", "a.example"), ("[::1]:80", "[::1]:80")]
        {
            assert_eq!(&*without_port(&host.into()), expect);
        }
    }
}
