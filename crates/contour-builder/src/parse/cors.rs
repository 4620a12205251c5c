//! `corsPolicy`.

use std::sync::Arc;

use contour_api::v1::http_proxy as v1;
use contour_dag::{AllowedOrigin, Cors};

use super::header::is_token;
use super::re2;
use crate::duration::{self, Units};

/// Reads a CORS policy.
///
/// # Errors
/// What is wrong, and where.
pub fn cors(policy: &v1::CorsPolicy, field: &str) -> Result<Cors, String> {
    if policy.allow_origin.is_empty() {
        return Err(format!("{field}.allowOrigin: at least one origin has to be named"));
    }
    if policy.allow_methods.is_empty() {
        return Err(format!("{field}.allowMethods: at least one method has to be named"));
    }
    let origins = policy.allow_origin.iter().enumerate();
    let origins = origins.map(|(at, text)| {
        origin(text).map_err(|why| format!("{field}.allowOrigin[{at}]: {text:?}: {why}"))
    });
    Ok(Cors {
        origins: origins.collect::<Result<_, _>>()?,
        methods: tokens(&policy.allow_methods, &format!("{field}.allowMethods"))?,
        headers: tokens(&policy.allow_headers, &format!("{field}.allowHeaders"))?,
        exposed: tokens(&policy.expose_headers, &format!("{field}.exposeHeaders"))?,
        credentials: policy.allow_credentials,
        private_network: policy.allow_private_network,
        max_age: max_age(policy.max_age.as_deref())
            .map_err(|why| format!("{field}.maxAge: {why}"))?,
    })
}

/// Reads an origin: one that is written as browsers do means itself, anything else is an expression.
fn origin(text: &str) -> Result<AllowedOrigin, String> {
    if text == "*" || is_origin(text) {
        return Ok(AllowedOrigin::Exact(text.into()));
    }
    re2::check(text).map_err(|refusal| {
        format!("it is neither *, nor an origin such as https://example.com, nor an expression: {refusal}")
    })?;
    Ok(AllowedOrigin::Regex(text.into()))
}

/// `scheme://host`, with a port or without.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let scheme_is_one = scheme.starts_with(|each: char| each.is_ascii_lowercase())
        && scheme.chars().all(|each| {
            each.is_ascii_lowercase() || each.is_ascii_digit() || matches!(each, '+' | '-' | '.')
        });
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
            return scheme_is_one
                && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
        }
        _ => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let letters = |each: char| each.is_ascii_alphanumeric() || matches!(each, '-' | '.' | '_');
    scheme_is_one && !host.is_empty() && host.chars().all(letters) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn tokens(texts: &[String], field: &str) -> Result<Vec<Arc<str>>, String> {
    let token = |(at, text): (usize, &String)| {
        if is_token(text) {
            Ok(text.as_str().into())
        } else {
            Err(format!("{field}[{at}]: {text:?} is no token, as names of headers and methods are"))
        }
    };
    texts.iter().enumerate().map(token).collect()
}

/// Whole seconds; `None` if it is not given.
fn max_age(text: Option<&str>) -> Result<Option<u32>, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let duration = duration::parse(text, Units::Go)?;
    let rounded = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    let seconds = u32::try_from(rounded).map_err(|_| format!("{text:?} is too long"))?;
    Ok(Some(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(policy: &str) -> Result<Cors, String> {
        cors(&serde_yaml_ng::from_str(policy).expect("a policy"), "it")
    }

    #[track_caller]
    fn check_origin(text: &str, expect: Option<AllowedOrigin>) {
        assert_eq!(origin(text).ok(), expect);
    }

    #[test]
    fn origins_mean_themselves_and_anything_else_is_an_expression() {
        for text in
            ["*", "https://a.example", "http://a.example:8080", "http://[::1]:80", "app://x"]
        {
            check_origin(text, Some(AllowedOrigin::Exact(text.into())));
        }
        for text in ["https://a.example/", r"https://.*\.a\.example", "HTTPS://a.example", "null"] {
            check_origin(text, Some(AllowedOrigin::Regex(text.into())));
        }
        check_origin("https://(", None);
        check_origin("", None);
    }

    #[test]
    fn an_age_is_whole_seconds() {
        let age = |text: &str| max_age(Some(text));
        assert_eq!(age("10m"), Ok(Some(600)));
        assert_eq!(age("0"), Ok(Some(0)));
        assert_eq!(age("1500ms"), Ok(Some(2)));
        assert_eq!(age(""), Ok(None));
        assert!(age("-1s").is_err() && age("forever").is_err());
    }

    #[test]
    fn nothing_gets_into_an_answer_that_is_more_than_a_token() {
        for list in
            ["allowMethods: [\"GET\\r\\nX: y\"]", "allowHeaders: ['a, b']", "exposeHeaders: ['']"]
        {
            let methods =
                if list.starts_with("allowMethods") { "" } else { "allowMethods: [GET], " };
            assert!(read(&format!("{{allowOrigin: ['*'], {methods}{list}}}")).is_err(), "{list}");
        }
    }

    #[test]
    fn an_origin_and_a_method_are_named() {
        assert!(read("{allowOrigin: [], allowMethods: [GET]}").is_err());
        assert!(read("{allowOrigin: ['*'], allowMethods: []}").is_err());
    }
}
