//! `Cluster.lb_policy` and `Cluster.lb_config`: which endpoint gets a request.

use contour_dag::{LoadBalancing, SlowStart};
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    LbConfig, LbPolicy, LeastRequestLbConfig, RoundRobinLbConfig, SlowStartConfig,
};
use envoy_types::pb::envoy::config::core::v3::RuntimeDouble;
use envoy_types::pb::envoy::r#type::v3::Percent;

use crate::protobuf::duration;

pub(super) fn lb_policy(load_balancing: LoadBalancing) -> LbPolicy {
    match load_balancing {
        LoadBalancing::RoundRobin => LbPolicy::RoundRobin,
        LoadBalancing::LeastRequest => LbPolicy::LeastRequest,
        LoadBalancing::Random => LbPolicy::Random,
        LoadBalancing::Cookie | LoadBalancing::RequestHash => LbPolicy::RingHash,
    }
}

/// Slow start; policies that do not count with weights have none.
pub(super) fn lb_config(
    load_balancing: LoadBalancing,
    slow_start: Option<&SlowStart>,
) -> Option<LbConfig> {
    let slow_start_config = Some(slow_start_config(slow_start?));
    match load_balancing {
        LoadBalancing::RoundRobin => {
            Some(LbConfig::RoundRobinLbConfig(RoundRobinLbConfig { slow_start_config }))
        }
        LoadBalancing::LeastRequest => Some(LbConfig::LeastRequestLbConfig(LeastRequestLbConfig {
            slow_start_config,
            ..Default::default()
        })),
        LoadBalancing::Random | LoadBalancing::Cookie | LoadBalancing::RequestHash => None,
    }
}

fn slow_start_config(slow_start: &SlowStart) -> SlowStartConfig {
    let aggression = RuntimeDouble {
        default_value: millionths(slow_start.aggression),
        runtime_key: "contour.slowstart.aggression".to_owned(), // mandatory; nobody sets it
    };
    SlowStartConfig {
        slow_start_window: Some(duration(slow_start.window)),
        aggression: Some(aggression),
        min_weight_percent: Some(Percent { value: slow_start.min_weight_percent.into() }),
    }
}

/// The nearest number that there is. By way of text, as the standard library converts no large integer.
fn millionths(count: u64) -> f64 {
    format!("{count}e-6").parse().expect("a decimal number with an exponent")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contour_dag::Interval;
    use envoy_types::pb::envoy::config::cluster::v3::Cluster;
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(load_balancing: LoadBalancing, slow_start: Option<SlowStart>, expect: &Value) {
        let cluster = Cluster {
            lb_policy: lb_policy(load_balancing).into(),
            lb_config: lb_config(load_balancing, slow_start.as_ref()),
            ..Default::default()
        };
        assert_eq!(show(&cluster), *expect);
    }

    #[test]
    fn every_way_of_load_balancing_has_its_policy() {
        check(LoadBalancing::RoundRobin, None, &json!({})); // the default of the field
        check(LoadBalancing::LeastRequest, None, &json!({ "lb_policy": "LEAST_REQUEST" }));
        check(LoadBalancing::Random, None, &json!({ "lb_policy": "RANDOM" }));
        check(LoadBalancing::Cookie, None, &json!({ "lb_policy": "RING_HASH" }));
        check(LoadBalancing::RequestHash, None, &json!({ "lb_policy": "RING_HASH" }));
    }

    #[test]
    fn slow_start_is_of_the_policies_that_have_it() {
        let slow_start = SlowStart {
            window: Interval::new(Duration::from_secs(10)).unwrap(),
            aggression: 900_000,
            min_weight_percent: 0,
        };
        let config = json!({ "slow_start_config": {
            "slow_start_window": "10s",
            "aggression": {
                "default_value": 0.9,
                "runtime_key": "contour.slowstart.aggression",
            },
            "min_weight_percent": {},
        } });
        let check = |load_balancing, expect| check(load_balancing, Some(slow_start), &expect);
        check(LoadBalancing::RoundRobin, json!({ "round_robin_lb_config": config }));
        check(
            LoadBalancing::LeastRequest,
            json!({ "lb_policy": "LEAST_REQUEST", "least_request_lb_config": config }),
        );
        check(LoadBalancing::Random, json!({ "lb_policy": "RANDOM" }));
        check(LoadBalancing::Cookie, json!({ "lb_policy": "RING_HASH" }));
    }

    #[test]
    fn millionths_are_the_nearest_number() {
        assert_eq!(millionths(1_000_000).to_bits(), 1.0_f64.to_bits());
        assert_eq!(millionths(100_000).to_bits(), 0.1_f64.to_bits());
        assert_eq!(millionths(1).to_bits(), 0.000_001_f64.to_bits());
        assert!(millionths(u64::MAX).is_finite());
    }
}
