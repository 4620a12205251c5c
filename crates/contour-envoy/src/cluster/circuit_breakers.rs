//! `envoy.config.cluster.v3.CircuitBreakers`: how much may be under way at once.

use contour_dag::CircuitBreakers;
use envoy_types::pb::envoy::config::cluster::v3::CircuitBreakers as EnvoyBreakers;
use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::Thresholds;

use crate::protobuf::uint32;

/// What `own` limits, and else `default`. `None` if nothing is limited: Envoy's own limits hold then.
pub(super) fn circuit_breakers(
    own: &CircuitBreakers,
    default: &CircuitBreakers,
) -> Option<EnvoyBreakers> {
    let limits = CircuitBreakers {
        max_connections: own.max_connections.or(default.max_connections),
        max_pending_requests: own.max_pending_requests.or(default.max_pending_requests),
        max_requests: own.max_requests.or(default.max_requests),
        max_retries: own.max_retries.or(default.max_retries),
        per_host_max_connections: own.per_host_max_connections.or(default.per_host_max_connections),
    };
    if limits == CircuitBreakers::default() {
        return None;
    }
    let threshold = Thresholds {
        max_connections: limits.max_connections.map(uint32),
        max_pending_requests: limits.max_pending_requests.map(uint32),
        max_requests: limits.max_requests.map(uint32),
        max_retries: limits.max_retries.map(uint32),
        track_remaining: true,
        ..Default::default()
    };
    let per_host = Thresholds {
        max_connections: limits.per_host_max_connections.map(uint32),
        track_remaining: true,
        ..Default::default()
    };
    Some(EnvoyBreakers { thresholds: vec![threshold], per_host_thresholds: vec![per_host] })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(own: &CircuitBreakers, default: &CircuitBreakers, expect: Option<&Value>) {
        let shown = circuit_breakers(own, default).map(|breakers| show(&breakers));
        assert_eq!(shown.as_ref(), expect);
    }

    fn configured() -> CircuitBreakers {
        let limit = NonZeroU32::new;
        CircuitBreakers {
            max_connections: limit(1),
            max_pending_requests: limit(2),
            max_requests: limit(3),
            max_retries: limit(4),
            per_host_max_connections: limit(5),
        }
    }

    #[test]
    fn without_limits_envoys_own_hold() {
        check(&CircuitBreakers::default(), &CircuitBreakers::default(), None);
    }

    #[test]
    fn any_limit_sets_all_thresholds() {
        let limits = CircuitBreakers { max_retries: NonZeroU32::new(9), ..Default::default() };
        let expect = json!({
            "thresholds": [{ "max_retries": 9, "track_remaining": true }],
            "per_host_thresholds": [{ "track_remaining": true }],
        });
        check(&limits, &CircuitBreakers::default(), Some(&expect));
    }

    #[test]
    fn limits_are_thresholds() {
        let expect = json!({
            "thresholds": [{
                "max_connections": 1, "max_pending_requests": 2, "max_requests": 3,
                "max_retries": 4, "track_remaining": true,
            }],
            "per_host_thresholds": [{ "max_connections": 5, "track_remaining": true }],
        });
        check(&CircuitBreakers::default(), &configured(), Some(&expect));
    }

    #[test]
    fn a_limit_of_the_service_stands_before_the_configured_one() {
        let limit = NonZeroU32::new;
        let mut expect = json!({
            "thresholds": [{
                "max_connections": 10, "max_pending_requests": 2, "max_requests": 30,
                "max_retries": 4, "track_remaining": true,
            }],
            "per_host_thresholds": [{ "max_connections": 5, "track_remaining": true }],
        });
        let own = CircuitBreakers {
            max_connections: limit(10),
            max_requests: limit(30),
            ..Default::default()
        };
        check(&own, &configured(), Some(&expect));
        let own = CircuitBreakers {
            max_pending_requests: limit(20),
            max_retries: limit(40),
            per_host_max_connections: limit(50),
            ..own
        };
        expect["thresholds"][0]["max_pending_requests"] = 20.into();
        expect["thresholds"][0]["max_retries"] = 40.into();
        expect["per_host_thresholds"][0]["max_connections"] = 50.into();
        check(&own, &configured(), Some(&expect));
    }
}
