//! What routes and hosts of HTTPProxies ask for.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::{name, texts};

/// Fields of an object.
pub(crate) type Fields = Map<String, Value>;

/// Adds fields to an object.
pub(crate) fn put(object: &mut Value, fields: Fields) {
    if let Some(object) = object.as_object_mut() {
        object.extend(fields);
    }
}

/// Each field now and then.
fn some(values: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Fields> {
    fields(values, 0.15)
}

/// An object that mostly has each field.
fn object(values: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    fields(values, 0.6).prop_map(Value::Object).boxed()
}

/// Each field, as likely as said.
fn fields(
    values: Vec<(&'static str, BoxedStrategy<Value>)>,
    likely: f64,
) -> impl Strategy<Value = Fields> {
    let field = |(name, value): (&'static str, BoxedStrategy<Value>)| {
        option::weighted(likely, value.prop_map(move |value| (name.to_owned(), value)))
    };
    let each: Vec<_> = values.into_iter().map(field).collect();
    each.prop_map(|fields| fields.into_iter().flatten().collect())
}

fn json<T: Into<Value> + std::fmt::Debug + 'static>(
    strategy: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Value> {
    strategy.prop_map(Into::into).boxed()
}

fn list(strategy: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    json(vec(strategy, 0..3))
}

fn flag() -> BoxedStrategy<Value> {
    json(any::<bool>())
}

/// Numbers, the ends of 32 bits among them.
fn number(values: &'static [i64]) -> BoxedStrategy<Value> {
    json(select(values))
}

fn word(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    json(select(words))
}

/// Conditions of a route or an include.
pub(crate) fn conditions() -> BoxedStrategy<Value> {
    let header = {
        let operators = vec![
            ("present", flag()),
            ("notpresent", flag()),
            ("contains", json(texts::any_text())),
            ("notcontains", json(texts::any_text())),
            ("exact", json(texts::any_text())),
            ("notexact", json(texts::any_text())),
            ("regex", json(texts::regex())),
            ("ignoreCase", flag()),
            ("treatMissingAsEmpty", flag()),
        ];
        named("name", texts::header(), some(operators))
    };
    let parameter = {
        let operators = vec![
            ("exact", json(texts::any_text())),
            ("prefix", json(texts::any_text())),
            ("suffix", json(texts::any_text())),
            ("contains", json(texts::any_text())),
            ("regex", json(texts::regex())),
            ("present", flag()),
            ("ignoreCase", flag()),
        ];
        named("name", texts::any_text(), some(operators))
    };
    let condition = prop_oneof![
        6 => texts::path().prop_map(|path| json!({ "prefix": path })),
        3 => texts::path().prop_map(|path| json!({ "exact": path })),
        2 => texts::regex().prop_map(|regex| json!({ "regex": regex })),
        2 => header.prop_map(|header| json!({ "header": header })),
        1 => parameter.prop_map(|parameter| json!({ "queryParameter": parameter })),
    ];
    list(condition.boxed())
}

/// An object with a name and more.
fn named(
    field: &'static str,
    name: impl Strategy<Value = String> + 'static,
    more: impl Strategy<Value = Fields> + 'static,
) -> BoxedStrategy<Value> {
    let both = (name, more).prop_map(move |(name, mut fields)| {
        fields.insert(field.to_owned(), name.into());
        Value::Object(fields)
    });
    both.boxed()
}

fn headers() -> BoxedStrategy<Value> {
    let set = (texts::header(), texts::value())
        .prop_map(|(name, value)| json!({ "name": name, "value": value }));
    object(vec![("set", list(set.boxed())), ("remove", list(json(texts::header())))])
}

fn cookies() -> BoxedStrategy<Value> {
    let value = |text: BoxedStrategy<String>| json(text.prop_map(|text| json!({ "value": text })));
    let names =
        prop_oneof![4 => select(vec!["a", "b"]).prop_map(str::to_owned), 1 => texts::any_text()];
    let attributes = vec![
        ("pathRewrite", value(prop_oneof![texts::path(), texts::any_text()].boxed())),
        ("domainRewrite", value(texts::host().boxed())),
        ("secure", flag()),
        ("sameSite", word(&["Strict", "Lax", "None"])),
    ];
    list(named("name", names, some(attributes)))
}

fn ip_filters() -> BoxedStrategy<Value> {
    let filter = (texts::cidr(), select(vec!["Peer", "Remote"]))
        .prop_map(|(cidr, source)| json!({ "cidr": cidr, "source": source }));
    list(filter.boxed())
}

fn local_rate_limit() -> BoxedStrategy<Value> {
    let header = (texts::header(), texts::value())
        .prop_map(|(name, value)| json!({ "name": name, "value": value }));
    let limit = (
        number(&[0, 1, 100, 4_294_967_295]),
        word(&["second", "minute", "hour"]),
        number(&[0, 1, -1, 2_147_483_647]),
        number(&[0, 418, 429, 503, 599]),
        list(header.boxed()),
    );
    let limit = limit.prop_map(|(requests, unit, burst, status, headers)| {
        json!({ "local": {
            "requests": requests, "unit": unit, "burst": burst, "responseStatusCode": status,
            "responseHeadersToAdd": headers,
        } })
    });
    limit.boxed()
}

/// Policies of a host.
pub(crate) fn of_host() -> impl Strategy<Value = Fields> {
    let cors = (
        list(json(prop_oneof![
            texts::host(),
            Just("*".to_owned()),
            Just("https://a.example".to_owned()),
            texts::regex()
        ])),
        list(json(texts::header())),
        list(json(texts::header())),
        texts::duration(),
        any::<bool>(),
    )
        .prop_map(|(origins, methods, headers, age, flag)| {
            json!({
                "allowOrigin": origins, "allowMethods": methods, "allowHeaders": headers,
                "maxAge": age, "allowCredentials": flag,
            })
        });
    some(vec![
        ("corsPolicy", cors.boxed()),
        ("ipAllowPolicy", ip_filters()),
        ("ipDenyPolicy", ip_filters()),
        ("rateLimitPolicy", local_rate_limit()),
    ])
}

fn service() -> BoxedStrategy<Value> {
    let slow_start = (texts::duration(), select(vec!["1.0", "0", "2", "x"]), 0..200_u32).prop_map(
        |(window, aggression, percent)| {
            json!({ "window": window, "aggression": aggression, "minWeightPercent": percent })
        },
    );
    let more = some(vec![
        ("weight", number(&[0, 1, 7, 4_294_967_296])),
        ("mirror", flag()),
        ("healthPort", number(&[80, 81, 82])),
        ("protocol", word(&["h2", "h2c", "tls"])),
        ("requestHeadersPolicy", headers()),
        ("responseHeadersPolicy", headers()),
        ("cookieRewritePolicies", cookies()),
        ("slowStartPolicy", slow_start.boxed()),
    ]);
    let service =
        (name("s", 3), select(vec![80, 81]), more).prop_map(|(name, port, mut fields)| {
            fields.insert("name".to_owned(), name.into());
            fields.insert("port".to_owned(), port.into());
            Value::Object(fields)
        });
    service.boxed()
}

/// A route.
pub(crate) fn route() -> impl Strategy<Value = Value> {
    let forward = vec(service(), 0..3).prop_map(|services| json!({ "services": services }));
    let redirect = object(vec![
        ("scheme", word(&["http", "https"])),
        ("hostname", json(texts::host())),
        ("port", number(&[0, 80, 65_535])),
        ("path", json(texts::path())),
        ("statusCode", number(&[301, 302, 308])),
    ]);
    let respond = (number(&[0, 200, 404, 599, 600]), texts::any_text())
        .prop_map(|(status, body)| json!({ "statusCode": status, "body": body }));
    let action = prop_oneof![
        8 => forward,
        1 => redirect.prop_map(|policy| json!({ "requestRedirectPolicy": policy })),
        1 => respond.prop_map(|policy| json!({ "directResponsePolicy": policy })),
    ];
    (conditions(), action, of_route()).prop_map(|(conditions, mut route, policies)| {
        put(&mut route, policies);
        put(&mut route, [("conditions".to_owned(), conditions)].into_iter().collect());
        route
    })
}

/// Policies of a route.
fn of_route() -> impl Strategy<Value = Fields> {
    some(vec![
        ("enableWebsockets", flag()),
        ("timeoutPolicy", timeouts()),
        ("retryPolicy", retries()),
        ("healthCheckPolicy", health_check()),
        ("loadBalancerPolicy", load_balancing()),
        ("pathRewritePolicy", prefix_rewrites()),
        ("requestHeadersPolicy", headers()),
        ("responseHeadersPolicy", headers()),
        ("cookieRewritePolicies", cookies()),
        ("rateLimitPolicy", local_rate_limit()),
        ("internalRedirectPolicy", internal_redirect()),
        ("ipAllowPolicy", ip_filters()),
        ("ipDenyPolicy", ip_filters()),
    ])
}

fn timeouts() -> BoxedStrategy<Value> {
    let duration = || json(texts::duration());
    object(vec![("response", duration()), ("idle", duration()), ("idleConnection", duration())])
}

fn retries() -> BoxedStrategy<Value> {
    object(vec![
        ("count", number(&[-1, 0, 1, 3, i64::MAX])),
        ("perTryTimeout", json(texts::duration())),
        ("retryOn", list(word(&["5xx", "reset", "retriable-status-codes"]))),
        ("retriableStatusCodes", list(number(&[-1, 0, 429, 503, 70_000]))),
    ])
}

fn health_check() -> BoxedStrategy<Value> {
    let range =
        (0..700_u16, 0..700_u16).prop_map(|(start, end)| json!({ "start": start, "end": end }));
    let more = some(vec![
        ("host", json(texts::host())),
        ("intervalSeconds", number(&[-1, 0, 5, i64::MAX])),
        ("timeoutSeconds", number(&[-1, 0, 5, i64::MAX])),
        ("unhealthyThresholdCount", number(&[0, 1, i64::MAX])),
        ("healthyThresholdCount", number(&[0, 1, i64::MAX])),
        ("expectedStatuses", list(range.boxed())),
    ]);
    named("path", texts::path(), more)
}

fn load_balancing() -> BoxedStrategy<Value> {
    let hash = object(vec![
        ("terminal", flag()),
        ("hashSourceIP", flag()),
        ("headerHashOptions", json(texts::header().prop_map(|name| json!({ "headerName": name })))),
        (
            "queryParameterHashOptions",
            json(texts::any_text().prop_map(|name| json!({ "parameterName": name }))),
        ),
    ]);
    let strategies =
        word(&["RoundRobin", "WeightedLeastRequest", "Random", "Cookie", "RequestHash", "other"]);
    object(vec![("strategy", strategies), ("requestHashPolicies", list(hash))])
}

fn prefix_rewrites() -> BoxedStrategy<Value> {
    let entry = (option::of(texts::path()), texts::path())
        .prop_map(|(prefix, replacement)| json!({ "prefix": prefix, "replacement": replacement }));
    object(vec![("replacePrefix", list(entry.boxed()))])
}

fn internal_redirect() -> BoxedStrategy<Value> {
    object(vec![
        ("maxInternalRedirects", number(&[-1, 0, 1, 2_147_483_647])),
        ("redirectResponseCodes", list(number(&[301, 302, 303, 307, 308]))),
        ("allowCrossSchemeRedirect", word(&["Always", "Never", "SafeOnly"])),
        ("denyRepeatedRouteRedirect", flag()),
    ])
}
