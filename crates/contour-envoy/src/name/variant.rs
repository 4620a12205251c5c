//! The last part of a cluster's name, which tells clusters of one service port apart.

use std::time::Duration;

use contour_dag::{ClusterSettings, HealthCheck, LoadBalancing, Protocol, SlowStart, Timeout};
use sha1::{Digest, Sha1};

/// The first ten digits of the SHA-1 of what is set: nothing, of a cluster without settings.
pub(super) fn variant(settings: Option<&ClusterSettings>) -> String {
    let text = settings.map(text).unwrap_or_default();
    let mut digest = hex::encode(Sha1::digest(text));
    digest.truncate(10);
    digest
}

/// What is set, in upstream's order and without separators, so that the hash is upstream's.
///
/// What upstream leaves out, so that clusters that differ in nothing else are one, follows at the very end. It has lines
/// of its own, since nothing before has a line break: it is made of host names, numbers and words, and a path, in
/// which Envoy refuses one.
fn text(settings: &ClusterSettings) -> String {
    let mut text = load_balancing(settings.load_balancing).to_owned();
    if let Some(check) = &settings.health_check {
        push_health_check(&mut text, check);
    }
    text.push_str(protocol(settings.protocol));
    text.push_str(settings.sni.as_deref().unwrap_or_default());
    match settings.idle_timeout {
        Timeout::Default => {}
        Timeout::Disabled => text.push_str(&duration(Duration::ZERO)),
        Timeout::After(interval) => text.push_str(&duration(interval.get())),
    }
    if let Some(slow_start) = &settings.slow_start {
        push_slow_start(&mut text, slow_start);
    }
    if let Some(check) = &settings.health_check {
        push_ours(&mut text, check);
    }
    text
}

fn load_balancing(load_balancing: LoadBalancing) -> &'static str {
    match load_balancing {
        LoadBalancing::RoundRobin => "",
        LoadBalancing::LeastRequest => "WeightedLeastRequest",
        LoadBalancing::Random => "Random",
        LoadBalancing::Cookie => "Cookie",
        LoadBalancing::RequestHash => "RequestHash",
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "",
        Protocol::H2c => "h2c",
        Protocol::H2 => "h2",
        Protocol::Tls => "tls",
    }
}

fn push_health_check(text: &mut String, check: &HealthCheck) {
    text.extend(
        [check.timeout, check.interval].into_iter().flatten().map(|each| duration(each.get())),
    );
    let thresholds = [check.unhealthy_threshold, check.healthy_threshold];
    text.extend(thresholds.into_iter().flatten().map(|each| each.to_string()));
    text.push_str(&check.path);
}

fn push_slow_start(text: &mut String, slow_start: &SlowStart) {
    const MILLION: u64 = 1_000_000;
    let SlowStart { window, aggression, min_weight_percent } = *slow_start;
    let (whole, fraction) = (aggression / MILLION, aggression % MILLION);
    let rest = format!("{whole}.{fraction:06}{min_weight_percent}");
    text.extend([duration(window.get()), rest]);
}

/// What of a health check is in no name of upstream's; of its port the number, as of the service's.
fn push_ours(text: &mut String, check: &HealthCheck) {
    if let Some(host) = &check.host {
        text.extend(["\nhost ", host]);
    }
    if let Some(port) = &check.port {
        text.extend(["\nport ", &port.number.to_string()]);
    }
    if !check.expected.is_empty() {
        text.push_str("\nexpected");
        text.extend(check.expected.iter().map(|(start, end)| format!(" {start}-{end}")));
    }
}

/// A duration as Go writes it: `1h0m0s`, `1m30s`, `1.5s`, `500ms`.
fn duration(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    if seconds == 0 {
        return match nanos {
            0 => "0s".to_owned(),
            1..1_000 => format!("{nanos}ns"),
            1_000..1_000_000 => decimal((nanos / 1_000).into(), nanos % 1_000, 3) + "µs",
            _ => decimal((nanos / 1_000_000).into(), nanos % 1_000_000, 6) + "ms",
        };
    }
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let seconds = decimal(seconds % 60, nanos, 9) + "s";
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, _) => format!("{minutes}m{seconds}"),
        _ => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// A decimal fraction with so many digits behind the point, but for zeros at their end.
fn decimal(whole: u64, fraction: u32, digits: usize) -> String {
    let text = format!("{whole}.{fraction:0digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::num::NonZeroU32;
    use std::sync::Arc;

    use contour_dag::{ClusterName, Interval, ServicePort};

    use super::*;
    use crate::name::cluster;

    #[track_caller]
    fn check(change: impl FnOnce(&mut ClusterSettings), expect: &str) {
        let mut settings = ClusterSettings::default();
        change(&mut settings);
        let name = cluster(&ClusterName::with(port(80), settings));
        assert_eq!(name.strip_prefix("default/backend/80/"), Some(expect));
    }

    #[test]
    fn a_cluster_without_settings_is_the_hash_of_nothing() {
        check(|_| {}, "da39a3ee5e");
    }

    #[test]
    fn protocols_are_hashed_by_upstreams_words() {
        for (protocol, expect) in [
            (Protocol::H2c, "f4f94965ec"),
            (Protocol::H2, "bf1c365741"),
            (Protocol::Tls, "4929fca9d4"),
        ] {
            check(|settings| settings.protocol = protocol, expect);
        }
    }

    #[test]
    fn load_balancing_is_hashed_by_upstreams_words() {
        for (load_balancing, expect) in [
            (LoadBalancing::LeastRequest, "8bf87fefba"),
            (LoadBalancing::Random, "58d888c08a"),
            (LoadBalancing::Cookie, "e4f81994fe"),
            (LoadBalancing::RequestHash, "1a2ffc1fef"),
        ] {
            check(|settings| settings.load_balancing = load_balancing, expect);
        }
    }

    #[test]
    fn a_server_name_is_hashed_whatever_the_protocol() {
        check(|settings| settings.sni = Some("upstream.example.net".into()), "fdcea87276");
        check(
            |settings| {
                settings.protocol = Protocol::Tls;
                settings.sni = Some("api.partner.example".into());
            },
            "6ac3fefb0a",
        );
    }

    #[track_caller]
    fn check_health_check(change: impl FnOnce(&mut HealthCheck), expect: &str) {
        let mut health_check = HealthCheck::new("/live");
        change(&mut health_check);
        check(|settings| settings.health_check = Some(health_check), expect);
    }

    #[test]
    fn of_a_health_check_what_is_set_is_hashed() {
        check_health_check(|_| {}, "aba8eb660e");
        check_health_check(
            |check| {
                check.timeout = Interval::new(Duration::from_secs(3));
                check.interval = Interval::new(Duration::from_secs(15));
                check.unhealthy_threshold = NonZeroU32::new(5);
                check.healthy_threshold = NonZeroU32::new(2);
            },
            "4f4f10d3e9",
        );
    }

    #[test]
    fn load_balancing_comes_before_a_health_check() {
        let timeout = Interval::new(Duration::from_mins(1));
        check(
            |settings| {
                settings.load_balancing = LoadBalancing::Random;
                settings.health_check = Some(HealthCheck { timeout, ..HealthCheck::new("/live") });
            },
            "d119899d88",
        );
    }

    #[test]
    fn idle_timeouts_are_hashed_as_go_writes_them() {
        for (idle_timeout, expect) in [
            (Timeout::After(Interval::new(Duration::from_secs(20)).unwrap()), "47369c14b2"),
            (Timeout::After(Interval::new(Duration::from_secs(90)).unwrap()), "983ac30a74"),
            (Timeout::Disabled, "97705cb30a"),
        ] {
            check(|settings| settings.idle_timeout = idle_timeout, expect);
        }
    }

    #[test]
    fn slow_start_is_hashed_with_six_decimals() {
        for (seconds, aggression, min_weight_percent, expect) in [
            (10, 1_000_000, 10, "2c8f64025b"),
            (30, 1_500_000, 0, "a755803552"),
            (120, 900_000, 25, "7c2767ef31"),
        ] {
            let window = Duration::from_secs(seconds);
            let slow_start = SlowStart {
                window: Interval::new(window).unwrap(),
                aggression,
                min_weight_percent,
            };
            check(|settings| settings.slow_start = Some(slow_start), expect);
        }
    }

    fn port(number: u16) -> ServicePort {
        ServicePort { namespace: "default".into(), service: "backend".into(), number, name: None }
    }

    #[test]
    fn what_upstream_leaves_out_follows_at_the_end() {
        let health_check = HealthCheck {
            host: Some("a.com".into()),
            port: Some(Arc::new(port(8081))),
            expected: vec![(200, 300), (404, 405)],
            ..HealthCheck::new("/live")
        };
        let settings = ClusterSettings {
            health_check: Some(health_check),
            protocol: Protocol::Tls,
            sni: Some("b.com".into()),
            ..Default::default()
        };
        let expect = "/livetlsb.com\nhost a.com\nport 8081\nexpected 200-300 404-405";
        assert_eq!(text(&settings), expect);
    }

    #[test]
    fn what_upstream_leaves_out_makes_another_name() {
        let host =
            |host: &str| HealthCheck { host: Some(host.into()), ..HealthCheck::new("/live") };
        let expected = |expected| HealthCheck { expected, ..HealthCheck::new("/live") };
        let checks = [
            HealthCheck::new("/live"),
            host("a.com"),
            host("b.com"),
            HealthCheck { port: Some(Arc::new(port(8081))), ..HealthCheck::new("/live") },
            HealthCheck { port: Some(Arc::new(port(8082))), ..HealthCheck::new("/live") },
            expected(vec![(200, 300)]),
            expected(vec![(200, 300), (404, 405)]),
        ];
        let variants: BTreeSet<_> = checks
            .iter()
            .map(|check| {
                let health_check = Some(check.clone());
                variant(Some(&ClusterSettings { health_check, ..Default::default() }))
            })
            .collect();
        assert_eq!(variants.len(), checks.len());
    }

    #[track_caller]
    fn check_duration(nanos: u64, expect: &str) {
        assert_eq!(duration(Duration::from_nanos(nanos)), expect);
    }

    #[test]
    fn durations_below_a_second_have_one_unit() {
        check_duration(0, "0s");
        check_duration(1, "1ns");
        check_duration(999, "999ns");
        check_duration(1_000, "1µs");
        check_duration(1_100, "1.1µs");
        check_duration(1_500_000, "1.5ms");
        check_duration(500_000_000, "500ms");
        check_duration(999_999_999, "999.999999ms");
    }

    #[test]
    fn longer_durations_have_all_units_below_their_greatest() {
        const SECOND: u64 = 1_000_000_000;
        check_duration(SECOND, "1s");
        check_duration(SECOND + 500_000_000, "1.5s");
        check_duration(SECOND + 10_000_001, "1.010000001s");
        check_duration(30 * SECOND, "30s");
        check_duration(60 * SECOND, "1m0s");
        check_duration(99 * SECOND, "1m39s");
        check_duration(120 * SECOND, "2m0s");
        check_duration(3600 * SECOND, "1h0m0s");
        check_duration(90_061 * SECOND + 1, "25h1m1.000000001s");
    }
}
