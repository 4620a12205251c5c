//! What resources are called. Names are promises: dashboards, alerts and access logs contain them, so they follow
//! upstream's scheme to the letter, and nothing outside of this module forms one.

mod variant;

use contour_dag::{Assignment, ClusterName, Domain, ServicePort};
use contour_xds::resource::Name;
use sha2::{Digest, Sha256};

/// The listener for plain HTTP, and the prefix of its statistics.
pub const INGRESS_HTTP: &str = "ingress_http";

/// The route configuration of [`INGRESS_HTTP`].
pub const INGRESS_HTTP_ROUTES: &str = "ingress_http";

/// The runtime layer, both the resource and the layer in the bootstrap.
pub const RUNTIME_LAYER: &str = "dynamic";

/// The listener that shows Envoy's statistics.
pub const STATS: &str = "stats";

/// The secret with the certificate of [`STATS`], if that has TLS.
pub const STATS_CERTIFICATE: &str = "metrics-tls-certificate";

/// The secret with what readers of [`STATS`] must be signed by, if they must.
pub const STATS_AUTHORITY: &str = "metrics-ca-certificate";

/// The listener that tells whether Envoy is ready.
pub const HEALTH: &str = "health";

/// Both of them, if they share an address.
pub const STATS_HEALTH: &str = "stats-health";

/// The health listener that overload limits apply to.
pub const ENFORCED_HEALTH: &str = "health-om-enforced";

/// The listener that shows parts of Envoy's admin interface, and the cluster in the bootstrap that it forwards to.
pub const ENVOY_ADMIN: &str = "envoy-admin";

/// The cluster in the bootstrap that serves xDS: Contour itself.
pub const CONTOUR: &str = "contour";

/// Names of clusters and virtual hosts are shorter than this, in bytes.
const LIMIT: usize = 60;

/// `envoy.config.cluster.v3.Cluster.name`: `namespace/service/port/variant`, parts shortened if need be.
pub fn cluster(cluster: &ClusterName) -> Name {
    let ClusterName::Service { port, settings } = cluster;
    let ServicePort { namespace, service, number, .. } = port;
    let variant = variant::variant(settings.as_deref());
    hashname(LIMIT, &[&**namespace, service, &number.to_string(), &variant]).into()
}

/// `Cluster.alt_stat_name`: `namespace_service_port`. All variants of one service port share it.
pub fn alt_stat_name(cluster: &ClusterName) -> String {
    let ClusterName::Service { port: ServicePort { namespace, service, number, .. }, .. } = cluster;
    format!("{namespace}_{service}_{number}")
}

/// `ClusterLoadAssignment.cluster_name`: `namespace/service/port name`, without the last part if the port has no name.
/// Never shortened. If health checks go to another port, `/health/` and its number follow: upstream has one name for
/// both, and serves under it whichever comes first.
pub fn load_assignment(assignment: &Assignment) -> Name {
    let Assignment::Service { port, health_port } = assignment;
    let ServicePort { namespace, service, name, .. } = port;
    let mut text = format!("{namespace}/{service}");
    if let Some(name) = name {
        text.extend(["/", name]);
    }
    if let Some(health) = health_port {
        text.extend(["/health/", &health.number.to_string()]);
    }
    text.into()
}

/// `VirtualHost.name`: the domain, or, if that has 60 bytes or more, the beginning of its SHA-256.
pub fn virtual_host(domain: &Domain) -> Name {
    hashname(LIMIT, &[domain.as_str()]).into()
}

/// `parts` joined with `/`, in fewer than `limit` bytes: beginning with the last, parts are cut and marked with the
/// beginning of a hash until the whole fits; if it never does, the hash alone is the name.
fn hashname(limit: usize, parts: &[&str]) -> String {
    let whole = parts.join("/");
    if whole.len() < limit {
        return whole;
    }
    let mut hash = hex::encode(Sha256::digest(&whole));
    let mut parts: Vec<String> = parts.iter().map(|&part| part.to_owned()).collect();
    let share = limit / parts.len();
    for index in (0..parts.len()).rev() {
        parts[index] = truncate(share, &parts[index], &hash[..6]);
        let joined = parts.join("/");
        if joined.len() < limit {
            return joined;
        }
    }
    hash.truncate(limit);
    hash
}

/// At most `limit` bytes of `text`, ending in `-suffix` if something was cut off.
fn truncate(limit: usize, text: &str, suffix: &str) -> String {
    if text.len() <= limit {
        text.to_owned()
    } else if limit <= suffix.len() {
        suffix[..limit].to_owned()
    } else {
        let end = text.floor_char_boundary(limit - suffix.len() - 1);
        format!("{}-{suffix}", &text[..end])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use contour_dag::{ClusterSettings, Protocol};

    use super::*;

    #[track_caller]
    fn check_hashname(limit: usize, parts: &[&str], expect: &str) {
        assert_eq!(hashname(limit, parts), expect);
    }

    #[test]
    fn a_name_that_fits_is_the_parts_joined() {
        check_hashname(99, &["one", "two", "three"], "one/two/three");
        check_hashname(60, &["shop", "cart", "8080", "da39a3ee5e"], "shop/cart/8080/da39a3ee5e");
    }

    #[test]
    fn a_single_part_that_does_not_fit_is_its_hash() {
        check_hashname(12, &["abcdefghijklmnop"], "f39dac6cbaba");
        check_hashname(4, &["river"], "5f5a");
    }

    #[test]
    fn a_joined_length_of_exactly_the_limit_does_not_fit() {
        check_hashname(19, &["northnorth", "southern"], "no-35a93e/southern");
    }

    #[test]
    fn the_last_part_is_shortened_first() {
        let domain = "checkout.internal.services.example-company.org";
        let expect = "team-a/payments-api/checkout.inte-46e7f8";
        check_hashname(60, &["team-a", "payments-api", domain], expect);
    }

    #[test]
    fn short_parts_stay_whole() {
        let service = "some-quite-long-service-name-that-goes-on-and-on";
        let parts = ["short", service, "443", "da39a3ee5e"];
        check_hashname(60, &parts, "short/some-qui-e3e49b/443/da39a3ee5e");
    }

    #[test]
    fn several_parts_are_shortened_if_one_is_not_enough() {
        let namespace = "a-rather-long-namespace-name-for-testing";
        let parts = [namespace, "some-quite-long-service-name-here", "443", "da39a3ee5e"];
        check_hashname(60, &parts, "a-rather-0c67bf/some-qui-0c67bf/443/da39a3ee5e");
        let parts = [namespace, "wildcard-certificate-for-everything", "0123456789"];
        check_hashname(60, &parts, "a-rather-long-6eab75/wildcard-cert-6eab75/0123456789");
        let parts = [&*"n".repeat(63), &"s".repeat(63), "65535", "da39a3ee5e"];
        check_hashname(60, &parts, "nnnnnnnn-f32590/ssssssss-f32590/65535/da39a3ee5e");
    }

    #[track_caller]
    fn check_virtual_host(domain: &str, expect: &str) {
        assert_eq!(&*virtual_host(&Domain::new(domain).unwrap()), expect);
    }

    #[test]
    fn a_domain_of_59_bytes_names_its_virtual_host() {
        let domain = format!("{}.org", "b".repeat(55));
        check_virtual_host(&domain, &domain);
    }

    #[test]
    fn a_domain_of_60_bytes_or_more_is_hashed() {
        check_virtual_host(
            &format!("{}.org", "b".repeat(56)),
            "63dfeeb26406db02b7148d1be4c9b275d24c6ed75e5e16ba7aca3307f864",
        );
        check_virtual_host(
            &format!("{}.org", "b".repeat(60)),
            "ed6e4ca1e185fac15d8c3a52004ce1757d5803254cec1251dd32e5841529",
        );
    }

    #[track_caller]
    fn check_truncate(limit: usize, text: &str, suffix: &str, expect: &str) {
        assert_eq!(truncate(limit, text, suffix), expect);
    }

    #[test]
    fn truncation_keeps_as_much_as_it_can_and_the_suffix() {
        check_truncate(6, "harbour", "beef", "h-beef");
        check_truncate(4, "harbour", "beef", "beef");
        check_truncate(3, "harbour", "beef", "bee");
        check_truncate(7, "harbour", "beef", "harbour");
        let domain = "checkout.internal.services.example-company.org";
        check_truncate(20, domain, "a1b2c3", "checkout.inte-a1b2c3");
    }

    #[test]
    fn truncation_never_splits_a_character() {
        check_truncate(8, "aéééééé", "beef", "aé-beef");
        check_truncate(7, "éééééé", "beef", "é-beef");
        check_truncate(6, "éééééé", "beef", "-beef");
    }

    fn port(name: Option<&str>) -> ServicePort {
        ServicePort {
            namespace: "default".into(),
            service: "backend".into(),
            number: 80,
            name: name.map(Into::into),
        }
    }

    #[test]
    fn clusters_are_named_by_port_number() {
        let name = ClusterName::of(port(Some("http")));
        assert_eq!(&*cluster(&name), "default/backend/80/da39a3ee5e");
        assert_eq!(alt_stat_name(&name), "default_backend_80");
    }

    #[test]
    fn all_variants_of_a_port_share_their_statistics() {
        let settings = ClusterSettings { protocol: Protocol::H2c, ..Default::default() };
        let name = ClusterName::with(port(Some("http")), settings);
        assert_eq!(&*cluster(&name), "default/backend/80/f4f94965ec");
        assert_eq!(alt_stat_name(&name), "default_backend_80");
    }

    #[track_caller]
    fn check_load_assignment(name: Option<&str>, health_port: Option<u16>, expect: &str) {
        let health_port =
            health_port.map(|number| Arc::new(ServicePort { number, ..port(Some("health")) }));
        let assignment = Assignment::Service { port: port(name), health_port };
        assert_eq!(&*load_assignment(&assignment), expect);
    }

    #[test]
    fn load_assignments_are_named_by_port_name() {
        check_load_assignment(Some("http"), None, "default/backend/http");
        check_load_assignment(None, None, "default/backend");
    }

    #[test]
    fn a_health_port_is_another_load_assignment() {
        check_load_assignment(Some("http"), Some(8081), "default/backend/http/health/8081");
        check_load_assignment(None, Some(8081), "default/backend/health/8081");
    }
}
