//! How a route's requests are forwarded.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use contour_api::v1::http_proxy as v1;
use contour_dag::{
    CrossScheme, HashBy, HashPolicy, HealthCheck, InternalRedirect, Interval, LoadBalancing,
    RedirectStatus, Retry, SlowStart, Timeout,
};

use super::conditions::text;
use super::redirect::redirect_status;
use crate::duration::{interval, timeout};
use crate::parse::header::{canonical, editable};
use crate::parse::path::unmatchable;

/// The longest path of a health check that Envoy sends, in bytes.
const LONGEST_PATH: usize = 2048;

/// The most status codes that an internal redirect may follow, by Envoy.
const MOST_REDIRECT_CODES: usize = 5;

/// What is set and has no effect: the field, and why.
pub type Ignored = Vec<(String, String)>;

/// The three timeouts of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the whole response is there.
    pub response: Timeout,
    /// Without a byte in either direction.
    pub idle: Timeout,
    /// Of connections without requests.
    pub idle_connection: Timeout,
}

/// Reads `timeoutPolicy`.
///
/// # Errors
/// What is wrong, and where.
pub fn timeouts(policy: Option<&v1::TimeoutPolicy>, field: &str) -> Result<Timeouts, String> {
    let Some(policy) = policy else { return Ok(Timeouts::default()) };
    let read = |given: &Option<String>, name: &str| {
        timeout(text(given.as_ref()).unwrap_or_default())
            .map_err(|why| format!("{field}.{name}: {why}"))
    };
    Ok(Timeouts {
        response: read(&policy.response, "response")?,
        idle: read(&policy.idle, "idle")?,
        idle_connection: read(&policy.idle_connection, "idleConnection")?,
    })
}

/// Reads `retryPolicy`.
pub fn retry(policy: &v1::RetryPolicy, field: &str, ignored: &mut Ignored) -> Retry {
    let on: Vec<&'static str> = policy.retry_on.iter().map(|on| on.as_str()).collect();
    let count = match policy.count {
        ..=-1 => 0,
        0 => 1,
        count => u32::try_from(count).unwrap_or(u32::MAX),
    };
    let per_try_timeout = match timeout(text(policy.per_try_timeout.as_ref()).unwrap_or_default()) {
        Ok(Timeout::After(duration)) => Timeout::After(duration),
        Ok(Timeout::Default | Timeout::Disabled) => Timeout::Default,
        Err(why) => {
            ignored.push((format!("{field}.perTryTimeout"), why));
            Timeout::Default
        }
    };
    let mut status_codes = Vec::with_capacity(policy.retriable_status_codes.len());
    for (at, &code) in policy.retriable_status_codes.iter().enumerate() {
        if let Some(code) = u16::try_from(code).ok().filter(|code| (100..600).contains(code)) {
            status_codes.push(code);
        } else {
            let why = format!("{code} is no status code");
            ignored.push((format!("{field}.retriableStatusCodes[{at}]"), why));
        }
    }
    let on = if on.is_empty() { vec!["5xx"] } else { on };
    Retry { on, status_codes, count, per_try_timeout }
}

/// Reads `healthCheckPolicy`.
///
/// # Errors
/// What is wrong, and where.
pub fn health_check(
    policy: &v1::HttpHealthCheckPolicy,
    field: &str,
) -> Result<HealthCheck, String> {
    let path = policy.path.as_str();
    let blank = path.contains(' ').then_some("a path cannot contain blanks");
    let fragment = path.contains('#').then_some("a path cannot contain #");
    // A query is taken: it is sent as it is.
    let without_query = path.split('?').next().unwrap_or_default();
    if let Some(why) = unmatchable(without_query).or(blank).or(fragment) {
        return Err(format!("{field}.path: {path:?}: {why}"));
    }
    if path.len() > LONGEST_PATH {
        return Err(format!("{field}.path: a path has at most {LONGEST_PATH} bytes here"));
    }
    let host = text(policy.host.as_ref());
    if let Some(host) =
        host.filter(|host| host.chars().any(|each| each.is_control() || each == ' '))
    {
        return Err(format!("{field}.host: {host:?} is no host name"));
    }
    let mut expected = Vec::with_capacity(policy.expected_statuses.len());
    for (at, range) in policy.expected_statuses.iter().enumerate() {
        let (start, end) = (range.start, range.end);
        if !(100..600).contains(&start) || !(101..=600).contains(&end) || start >= end {
            return Err(format!(
                "{field}.expectedStatuses[{at}]: from {start} to before {end} are no status codes; 200 to 300 would be those of success"
            ));
        }
        expected.push((start, end));
    }
    Ok(HealthCheck {
        path: path.into(),
        host: host.map(Into::into),
        port: None,
        timeout: seconds(policy.timeout_seconds, field, "timeoutSeconds")?,
        interval: seconds(policy.interval_seconds, field, "intervalSeconds")?,
        unhealthy_threshold: threshold(policy.unhealthy_threshold_count),
        healthy_threshold: threshold(policy.healthy_threshold_count),
        expected,
    })
}

fn seconds(given: Option<i64>, field: &str, name: &str) -> Result<Option<Interval>, String> {
    let seconds = u64::try_from(given.unwrap_or(0))
        .map_err(|_| format!("{field}.{name}: it is less than nothing"))?;
    if seconds == 0 {
        return Ok(None);
    }
    let interval = Interval::new(Duration::from_secs(seconds));
    let too_long = || format!("{field}.{name}: it is longer than Envoy takes, 31 years");
    interval.map(Some).ok_or_else(too_long)
}

fn threshold(given: Option<u64>) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(given.unwrap_or(0)).unwrap_or(u32::MAX))
}

/// Reads `loadBalancerPolicy`: how requests are shared, and what of them decides.
pub fn load_balancing(
    policy: Option<&v1::LoadBalancerPolicy>,
    field: &str,
    ignored: &mut Ignored,
) -> (LoadBalancing, Vec<HashPolicy>) {
    let Some(policy) = policy else { return Default::default() };
    let strategy = text(policy.strategy.as_ref()).unwrap_or("RoundRobin");
    let balancing = match strategy {
        "WeightedLeastRequest" => LoadBalancing::LeastRequest,
        "Random" => LoadBalancing::Random,
        "Cookie" => LoadBalancing::Cookie,
        "RequestHash" => LoadBalancing::RequestHash,
        "RoundRobin" => LoadBalancing::RoundRobin,
        _ => {
            let why = format!(
                "{strategy:?} is none of RoundRobin, WeightedLeastRequest, Random, Cookie and RequestHash"
            );
            ignored.push((format!("{field}.strategy"), why));
            LoadBalancing::RoundRobin
        }
    };
    match balancing {
        LoadBalancing::Cookie => {
            (balancing, vec![HashPolicy { by: HashBy::AffinityCookie, terminal: false }])
        }
        LoadBalancing::RequestHash => {
            let hash = hash_policies(&policy.request_hash_policies, field, ignored);
            if hash.is_empty() {
                let why = "no policy is left that says what decides; requests are shared in turn";
                ignored.push((format!("{field}.strategy"), why.to_owned()));
                return Default::default();
            }
            (balancing, hash)
        }
        _ => (balancing, Vec::new()),
    }
}

fn hash_policies(
    policies: &[v1::RequestHashPolicy],
    field: &str,
    ignored: &mut Ignored,
) -> Vec<HashPolicy> {
    let mut found: Vec<HashPolicy> = Vec::with_capacity(policies.len());
    for (at, policy) in policies.iter().enumerate() {
        let by = hash_by(policy).and_then(|by| {
            if found.iter().any(|each| each.by == by) {
                Err("an earlier one says the same".to_owned())
            } else {
                Ok(by)
            }
        });
        match by {
            Ok(by) => found.push(HashPolicy { by, terminal: policy.terminal }),
            Err(why) => ignored.push((format!("{field}.requestHashPolicies[{at}]"), why)),
        }
    }
    found
}

fn hash_by(policy: &v1::RequestHashPolicy) -> Result<HashBy, String> {
    let header = policy.header_hash_options.as_ref().map(|each| each.header_name.as_str());
    let parameter =
        policy.query_parameter_hash_options.as_ref().map(|each| each.parameter_name.as_str());
    match (policy.hash_source_ip, header, parameter) {
        (true, None, None) => Ok(HashBy::SourceIp),
        (false, Some(name), None) => match editable(name) {
            Ok(name) => Ok(HashBy::Header(name)),
            // Reading one that is for Envoy alone is no harm.
            Err(_) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && !name.is_empty() => {
                Ok(HashBy::Header(canonical(name).into()))
            }
            Err(why) => Err(why),
        },
        (false, None, Some("")) => Err("a query parameter has a name".to_owned()),
        (false, None, Some(name)) => Ok(HashBy::QueryParameter(name.into())),
        _ => Err("exactly one of hashSourceIP, headerHashOptions and queryParameterHashOptions has to be set".to_owned()),
    }
}

/// Reads `internalRedirectPolicy`.
pub fn internal_redirect(
    policy: &v1::InternalRedirectPolicy,
    field: &str,
    ignored: &mut Ignored,
) -> InternalRedirect {
    let max = u32::try_from(policy.max_internal_redirects.unwrap_or(0)).unwrap_or_else(|_| {
        let why = "it is negative".to_owned();
        ignored.push((format!("{field}.maxInternalRedirects"), why));
        0
    });
    let statuses: BTreeSet<RedirectStatus> =
        policy.redirect_response_codes.iter().map(|code| redirect_status(*code)).collect();
    debug_assert!(statuses.len() <= MOST_REDIRECT_CODES, "there are no more");
    InternalRedirect {
        max: NonZeroU32::new(max),
        statuses: statuses.into_iter().collect(),
        cross_scheme: match policy.allow_cross_scheme_redirect {
            v1::CrossSchemeRedirect::Never => CrossScheme::Never,
            v1::CrossSchemeRedirect::SafeOnly => CrossScheme::SafeOnly,
            v1::CrossSchemeRedirect::Always => CrossScheme::Always,
        },
        deny_repeated_route: policy.deny_repeated_route_redirect,
    }
}

/// Reads `slowStartPolicy`, for a service of a route that shares requests so.
///
/// # Errors
/// What is wrong, and where.
pub fn slow_start(
    policy: &v1::SlowStartPolicy,
    balancing: LoadBalancing,
    field: &str,
) -> Result<SlowStart, String> {
    if !matches!(balancing, LoadBalancing::RoundRobin | LoadBalancing::LeastRequest) {
        return Err(format!(
            "{field}: it goes with the strategies RoundRobin and WeightedLeastRequest alone"
        ));
    }
    let window = interval(&policy.window)
        .and_then(|window| window.ok_or_else(|| format!("{:?} is no time at all", policy.window)));
    let aggression = aggression(&policy.aggression).ok_or_else(|| {
        format!("{field}.aggression: {:?} is no number above zero", policy.aggression)
    })?;
    let min_weight_percent = u8::try_from(policy.min_weight_percent)
        .ok()
        .filter(|percent| *percent <= 100)
        .ok_or_else(|| format!("{field}.minWeightPercent: it is no percentage"))?;
    let window = window.map_err(|why| format!("{field}.window: {why}"))?;
    Ok(SlowStart { window, aggression, min_weight_percent })
}

/// In millionths. Nothing is 1.
fn aggression(text: &str) -> Option<u64> {
    const MOST: f64 = 1e6;
    let value: f64 = if text.is_empty() { 1.0 } else { text.parse().ok()? };
    let millionths = (value * 1e6).round();
    if !(value.is_finite() && value > 0.0 && value <= MOST && millionths >= 1.0) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10^12")]
    Some(millionths as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_yaml_ng::from_str(text).expect("a policy")
    }

    #[test]
    fn an_error_names_the_first_timeout_that_is_wrong() {
        let policy = yaml("{response: 1s, idle: x, idleConnection: y}");
        let error = timeouts(Some(&policy), "it").expect_err("two are wrong");
        assert!(error.starts_with("it.idle: \"x\""), "{error}");
    }

    #[track_caller]
    fn check_retry(policy: &str, expect: (&[&str], u32), told: &[&str]) {
        let mut ignored = Ignored::new();
        let retry = retry(&yaml(policy), "it", &mut ignored);
        assert_eq!((retry.on.as_slice(), retry.count), expect);
        let fields: Vec<_> = ignored.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, told);
    }

    #[test]
    fn retries_are_one_of_any_failure_unless_said_otherwise() {
        check_retry("{}", (&["5xx"], 1), &[]);
        check_retry("{count: 0}", (&["5xx"], 1), &[]);
        check_retry("{count: -1}", (&["5xx"], 0), &[]);
        check_retry(
            "{count: 3, retryOn: [reset, retriable-4xx]}",
            (&["reset", "retriable-4xx"], 3),
            &[],
        );
        check_retry("{perTryTimeout: infinity}", (&["5xx"], 1), &[]);
        check_retry(
            "{perTryTimeout: soon, retriableStatusCodes: [503, 99, 70000]}",
            (&["5xx"], 1),
            &["it.perTryTimeout", "it.retriableStatusCodes[1]", "it.retriableStatusCodes[2]"],
        );
    }

    #[test]
    fn a_health_check_that_envoy_would_refuse_is_refused() {
        for policy in [
            "{path: ''}",
            "{path: live}",
            "{path: '/a b'}",
            "{path: /, host: \"a\\r\\n\"}",
            "{path: /, intervalSeconds: -1}",
            "{path: /, expectedStatuses: [{start: 300, end: 200}]}",
            "{path: /, expectedStatuses: [{start: 200, end: 200}]}",
            "{path: /, expectedStatuses: [{start: 99, end: 200}]}",
        ] {
            assert!(health_check(&yaml(policy), "it").is_err(), "{policy}");
        }
    }

    #[test]
    fn a_health_check_has_what_is_given() {
        let policy = "{path: '/live?full', timeoutSeconds: 3, unhealthyThresholdCount: 5, expectedStatuses: [{start: 200, end: 300}]}";
        let found = health_check(&yaml(policy), "it").expect("it is good");
        assert_eq!(&*found.path, "/live?full");
        assert_eq!(found.timeout, Interval::new(Duration::from_secs(3)));
        assert_eq!((found.interval, found.healthy_threshold), (None, None));
        assert_eq!(found.expected, [(200, 300)]);
    }

    #[track_caller]
    fn check_balancing(policy: &str, expect: (LoadBalancing, &[HashBy]), told: usize) {
        let mut ignored = Ignored::new();
        let (balancing, hash) = load_balancing(Some(&yaml(policy)), "it", &mut ignored);
        let by: Vec<HashBy> = hash.into_iter().map(|each| each.by).collect();
        assert_eq!((balancing, by.as_slice()), expect);
        assert_eq!(ignored.len(), told, "{ignored:?}");
    }

    #[test]
    fn a_strategy_is_one_of_five() {
        check_balancing("{}", (LoadBalancing::RoundRobin, &[]), 0);
        check_balancing("{strategy: Random}", (LoadBalancing::Random, &[]), 0);
        check_balancing("{strategy: WeightedLeastRequest}", (LoadBalancing::LeastRequest, &[]), 0);
        check_balancing(
            "{strategy: Cookie}",
            (LoadBalancing::Cookie, &[HashBy::AffinityCookie]),
            0,
        );
        check_balancing("{strategy: random}", (LoadBalancing::RoundRobin, &[]), 1);
    }

    #[test]
    fn hash_policies_that_say_nothing_are_told_and_left_out() {
        let header = "{headerHashOptions: {headerName: x-id}}";
        let policy = format!(
            "{{strategy: RequestHash, requestHashPolicies: [{{}}, {{hashSourceIP: true}}, {header}, {header}, {{queryParameterHashOptions: {{parameterName: Id}}}}]}}"
        );
        let by =
            [HashBy::SourceIp, HashBy::Header("X-Id".into()), HashBy::QueryParameter("Id".into())];
        check_balancing(&policy, (LoadBalancing::RequestHash, &by), 2);
        let nothing = "{strategy: RequestHash, requestHashPolicies: [{}]}";
        check_balancing(nothing, (LoadBalancing::RoundRobin, &[]), 2);
    }

    #[track_caller]
    fn check_slow_start(policy: &str, balancing: LoadBalancing, expect: Option<(u64, u64, u8)>) {
        let found = slow_start(&yaml(policy), balancing, "it");
        let shown = found
            .map(|each| (each.window.get().as_secs(), each.aggression, each.min_weight_percent));
        assert_eq!(shown.ok(), expect);
    }

    #[test]
    fn slow_start_has_a_window_and_goes_with_two_strategies() {
        let turn = LoadBalancing::RoundRobin;
        check_slow_start("{window: 10s}", turn, Some((10, 1_000_000, 10)));
        let policy = "{window: 2m, aggression: '0.9', minWeightPercent: 25}";
        check_slow_start(policy, LoadBalancing::LeastRequest, Some((120, 900_000, 25)));
        check_slow_start("{window: 10s}", LoadBalancing::Random, None);
        for policy in [
            "{window: 0s}",
            "{window: x}",
            "{window: 1s, aggression: '0'}",
            "{window: 1s, aggression: 'NaN'}",
            "{window: 1s, minWeightPercent: 101}",
        ] {
            check_slow_start(policy, turn, None);
        }
    }
}
