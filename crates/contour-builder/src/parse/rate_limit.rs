//! Local rate limits.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use contour_api::v1::http_proxy as v1;
use contour_dag::{LocalRateLimit, RateUnit};

use super::header::{Context, editable, value};

/// How many headers an answer may get, by Envoy.
const MOST_HEADERS: usize = 10;

/// Reads `rateLimitPolicy.local`.
///
/// # Errors
/// What is wrong, and where.
pub fn local(policy: &v1::LocalRateLimitPolicy, field: &str) -> Result<LocalRateLimit, String> {
    let Some(requests) = NonZeroU32::new(policy.requests) else {
        return Err(format!("{field}.requests: at least one request has to be let through"));
    };
    let burst = match policy.burst.map_or(Ok(0), u32::try_from) {
        Ok(burst) if requests.get().checked_add(burst).is_some() => burst,
        _ => return Err(format!("{field}.burst: it is negative, or too large beside requests")),
    };
    let status = policy.response_status_code.filter(|status| *status != 0);
    if let Some(status) = status.filter(|status| !is_known(*status)) {
        return Err(format!(
            "{field}.responseStatusCode: Envoy does not answer {status} of its own accord; 429 and 503 are usual"
        ));
    }
    let mut headers = BTreeMap::new();
    for (at, entry) in policy.response_headers_to_add.iter().enumerate() {
        let field = format!("{field}.responseHeadersToAdd[{at}]");
        let name = editable(&entry.name).map_err(|why| format!("{field}.name: {why}"))?;
        if &*name == "Host" {
            return Err(format!("{field}.name: an answer has no header Host"));
        }
        let value = value(&entry.value, &Context::default())
            .map_err(|why| format!("{field}.value: {why}"))?;
        if headers.insert(name.clone(), value).is_some() {
            return Err(format!("{field}.name: {name} is added twice"));
        }
    }
    if headers.len() > MOST_HEADERS {
        return Err(format!("{field}.responseHeadersToAdd: at most {MOST_HEADERS} can be added"));
    }
    let unit = match policy.unit {
        v1::RateLimitUnit::Second => RateUnit::Second,
        v1::RateLimitUnit::Minute => RateUnit::Minute,
        v1::RateLimitUnit::Hour => RateUnit::Hour,
    };
    Ok(LocalRateLimit { requests, burst, unit, status, headers: headers.into_iter().collect() })
}

/// Whether Envoy has a name for the status (`envoy.type.v3.StatusCode`); it refuses others.
fn is_known(status: u16) -> bool {
    matches!(status, 400..=417 | 421..=424 | 426 | 428 | 429 | 431 | 500..=508 | 510 | 511)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(policy: &str) -> Result<LocalRateLimit, String> {
        local(&serde_yaml_ng::from_str(policy).expect("a policy"), "it")
    }

    #[test]
    fn a_limit_is_requests_in_a_unit_of_time() {
        let expect = LocalRateLimit {
            requests: NonZeroU32::new(100).expect("not zero"),
            burst: 20,
            unit: RateUnit::Minute,
            status: Some(503),
            headers: Vec::new(),
        };
        let policy = "{requests: 100, unit: minute, burst: 20, responseStatusCode: 503}";
        assert_eq!(read(policy), Ok(expect));
    }

    #[test]
    fn what_envoy_would_refuse_is_refused() {
        for policy in [
            "{requests: 0, unit: second}",
            "{requests: 4294967295, unit: second, burst: 1}",
            "{requests: 1, unit: second, burst: -1}",
            "{requests: 1, unit: second, responseStatusCode: 418}",
            "{requests: 1, unit: second, responseHeadersToAdd: [{name: 'a b', value: c}]}",
            "{requests: 1, unit: second, responseHeadersToAdd: [{name: host, value: c}]}",
            "{requests: 1, unit: second, responseHeadersToAdd: [{name: a, value: b}, {name: A, value: c}]}",
        ] {
            assert!(read(policy).is_err(), "{policy}");
        }
    }
}
