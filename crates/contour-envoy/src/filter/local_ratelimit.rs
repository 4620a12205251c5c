//! `envoy.filters.http.local_ratelimit`: how many requests one Envoy lets through.

use contour_dag::{Domain, LocalRateLimit, RateUnit};
use envoy_types::pb::envoy::extensions::filters::http::local_ratelimit::v3::LocalRateLimit as EnvoyLimit;
use envoy_types::pb::envoy::r#type::v3::{HttpStatus, TokenBucket};
use envoy_types::pb::google::protobuf::{Any, Duration};

use crate::fraction::percent;
use crate::header;
use crate::protobuf::{any, uint32};

/// For the host of this domain, or for one of its routes: statistics do not tell them apart.
pub(super) fn local_ratelimit(domain: &Domain, limit: &LocalRateLimit) -> Any {
    let seconds = match limit.unit {
        RateUnit::Second => 1,
        RateUnit::Minute => 60,
        RateUnit::Hour => 3600,
    };
    let bucket = TokenBucket {
        max_tokens: limit.requests.get().saturating_add(limit.burst),
        tokens_per_fill: Some(uint32(limit.requests)),
        fill_interval: Some(Duration { seconds, nanos: 0 }),
    };
    any(&EnvoyLimit {
        stat_prefix: format!("vhost.{domain}"),
        status: limit.status.map(|status| HttpStatus { code: status.into() }),
        token_bucket: Some(bucket),
        filter_enabled: Some(percent(100)), // left out, these two would be none
        filter_enforced: Some(percent(100)),
        response_headers_to_add: header::set(&limit.headers),
        ..Default::default()
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use contour_dag::{HeaderPart, HeaderValue};
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    fn limit(requests: u32, burst: u32, unit: RateUnit) -> LocalRateLimit {
        let requests = NonZeroU32::new(requests).unwrap();
        LocalRateLimit { requests, burst, unit, status: None, headers: Vec::new() }
    }

    fn shown(limit: &LocalRateLimit) -> Value {
        show(&local_ratelimit(&Domain::new("a.com").unwrap(), limit))
    }

    #[test]
    fn a_limit_holds_for_all_requests() {
        let all = json!({ "default_value": { "numerator": 100 } }); // of HUNDRED, the default
        let package = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3";
        assert_eq!(
            shown(&limit(10, 5, RateUnit::Second)),
            json!({
                "@type": format!("{package}.LocalRateLimit"),
                "stat_prefix": "vhost.a.com",
                "token_bucket": { "max_tokens": 15, "tokens_per_fill": 10, "fill_interval": "1s" },
                "filter_enabled": all,
                "filter_enforced": all,
            })
        );
    }

    #[track_caller]
    fn check_bucket(limit: &LocalRateLimit, expect: &Value) {
        assert_eq!(shown(limit)["token_bucket"], *expect);
    }

    #[test]
    fn a_bucket_is_filled_once_in_a_unit_of_time() {
        check_bucket(
            &limit(1, 0, RateUnit::Minute),
            &json!({ "max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "60s" }),
        );
        check_bucket(
            &limit(u32::MAX, 1, RateUnit::Hour),
            &json!({ "max_tokens": u32::MAX, "tokens_per_fill": u32::MAX, "fill_interval": "3600s" }),
        );
    }

    #[test]
    fn those_who_are_not_let_through_are_told() {
        let value = HeaderValue(vec![HeaderPart::Text("100%".into())]);
        let headers = vec![("x-limited".into(), value)];
        let shown =
            shown(&LocalRateLimit { status: Some(503), headers, ..limit(1, 0, RateUnit::Second) });
        assert_eq!(shown["status"], json!({ "code": "ServiceUnavailable" }));
        let header = json!({ "key": "x-limited", "value": "100%%" });
        let expect = json!([{ "header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD" }]);
        assert_eq!(shown["response_headers_to_add"], expect);
    }
}
