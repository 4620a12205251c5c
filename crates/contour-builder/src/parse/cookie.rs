//! Cookies whose attributes are rewritten.

use contour_api::v1::http_proxy as v1;
use contour_dag::{CookieRewrite, SameSite};

/// The longest name or attribute, in bytes.
const LONGEST: usize = 4096;

/// What cannot stand in the name of a cookie (RFC 6265, 4.1.1), beside control characters, blanks and what is not ASCII.
const SEPARATORS: &[char] =
    &['(', ')', '<', '>', '@', ',', ';', ':', '\\', '"', '/', '[', ']', '?', '=', '{', '}'];

/// Reads `cookieRewritePolicies`. Sorted by name.
///
/// # Errors
/// What is wrong, and where.
pub fn rewrites(
    policies: &[v1::CookieRewritePolicy],
    field: &str,
) -> Result<Vec<CookieRewrite>, String> {
    let mut rewrites: Vec<CookieRewrite> = Vec::with_capacity(policies.len());
    for (at, policy) in policies.iter().enumerate() {
        let rewrite = rewrite(policy).map_err(|why| format!("{field}[{at}]{why}"))?;
        if rewrites.iter().any(|each| each.name == rewrite.name) {
            return Err(format!("{field}[{at}].name: {} is rewritten twice", rewrite.name));
        }
        rewrites.push(rewrite);
    }
    rewrites.sort();
    Ok(rewrites)
}

/// The error begins with the field.
fn rewrite(policy: &v1::CookieRewritePolicy) -> Result<CookieRewrite, String> {
    let name = policy.name.as_str();
    if !is_cookie_name(name) {
        return Err(format!(".name: {name:?} is no name of a cookie"));
    }
    let path = policy.path_rewrite.as_ref().map(|path| path.value.as_str());
    if let Some(path) = path.filter(|path| !is_attribute(path)) {
        return Err(format!(".pathRewrite.value: {path:?} cannot be the path of a cookie"));
    }
    let domain = policy.domain_rewrite.as_ref().map(|domain| domain.value.as_str());
    if let Some(domain) = domain.filter(|domain| !is_domain(domain)) {
        return Err(format!(".domainRewrite.value: {domain:?} is no host name"));
    }
    let rewrite = CookieRewrite {
        name: name.into(),
        path: path.map(Into::into),
        domain: domain.map(Into::into),
        secure: policy.secure,
        same_site: policy.same_site.map(|same_site| match same_site {
            v1::SameSite::Strict => SameSite::Strict,
            v1::SameSite::Lax => SameSite::Lax,
            v1::SameSite::None => SameSite::None,
        }),
    };
    let nothing = rewrite.path.is_none()
        && rewrite.domain.is_none()
        && rewrite.secure.is_none()
        && rewrite.same_site.is_none();
    if nothing {
        return Err(
            ": nothing of it is rewritten: set pathRewrite, domainRewrite, secure or sameSite"
                .to_owned(),
        );
    }
    Ok(rewrite)
}

/// What `over` says of each cookie, and what `under` says of the rest: attribute by attribute. Both sorted by name, as is the
/// result.
pub fn merged(under: &[CookieRewrite], over: &[CookieRewrite]) -> Vec<CookieRewrite> {
    let mut merged = over.to_vec();
    for each in under {
        match merged.iter_mut().find(|other| other.name == each.name) {
            Some(other) => {
                other.path = other.path.take().or_else(|| each.path.clone());
                other.domain = other.domain.take().or_else(|| each.domain.clone());
                other.secure = other.secure.or(each.secure);
                other.same_site = other.same_site.or(each.same_site);
            }
            None => merged.push(each.clone()),
        }
    }
    merged.sort();
    merged
}

fn is_cookie_name(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.chars().all(|each| each.is_ascii_graphic() && !SEPARATORS.contains(&each))
}

/// RFC 6265, 4.1.1: anything but control characters and semicolons.
fn is_attribute(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && !text.chars().any(|each| each.is_control() || each == ';')
}

fn is_domain(text: &str) -> bool {
    super::domain::parse(text).is_some_and(|domain| domain.wildcard_suffix().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &str) -> Result<Vec<CookieRewrite>, String> {
        rewrites(&serde_yaml_ng::from_str::<Vec<_>>(list).expect("policies"), "it")
    }

    #[track_caller]
    fn check_error(list: &str, expect: &str) {
        assert_eq!(read(list), Err(expect.to_owned()));
    }

    #[test]
    fn attributes_are_what_they_are_rewritten_to() {
        let list = "[{name: b, secure: false}, {name: a, pathRewrite: {value: /x}, domainRewrite: {value: y.example}, sameSite: Lax}]";
        let expect = [
            CookieRewrite {
                name: "a".into(),
                path: Some("/x".into()),
                domain: Some("y.example".into()),
                secure: None,
                same_site: Some(SameSite::Lax),
            },
            CookieRewrite {
                name: "b".into(),
                path: None,
                domain: None,
                secure: Some(false),
                same_site: None,
            },
        ];
        assert_eq!(read(list).as_deref(), Ok(&expect[..]));
    }

    #[test]
    fn a_cookie_is_rewritten_once_and_in_something() {
        check_error(
            "[{name: a, secure: true}, {name: a, sameSite: Lax}]",
            "it[1].name: a is rewritten twice",
        );
        check_error(
            "[{name: a}]",
            "it[0]: nothing of it is rewritten: set pathRewrite, domainRewrite, secure or sameSite",
        );
    }

    #[test]
    fn nothing_gets_into_a_cookie_that_is_more_than_an_attribute() {
        for path in ["/a; Domain=evil.example", "/a\\r\\nSet-Cookie: b=c", "/a\\0"] {
            let list = format!("[{{name: a, pathRewrite: {{value: \"{path}\"}}}}]");
            assert!(read(&list).is_err(), "{path}");
        }
        for domain in ["a.example; Path=/", "*.example", "a b", ""] {
            let list = format!("[{{name: a, domainRewrite: {{value: \"{domain}\"}}}}]");
            assert!(read(&list).is_err(), "{domain}");
        }
        for name in ["a=b", "a;b", "a b", "é", ""] {
            assert!(read(&format!("[{{name: \"{name}\", secure: true}}]")).is_err(), "{name}");
        }
    }

    #[test]
    fn services_have_the_last_word_on_each_attribute() {
        let under =
            read("[{name: a, secure: true, pathRewrite: {value: /u}}, {name: c, secure: true}]");
        let over = read("[{name: a, pathRewrite: {value: /o}}, {name: b, secure: true}]");
        let merged = merged(&under.expect("good"), &over.expect("good"));
        let shown: Vec<_> =
            merged.iter().map(|each| (&*each.name, each.path.as_deref(), each.secure)).collect();
        let expect =
            [("a", Some("/o"), Some(true)), ("b", None, Some(true)), ("c", None, Some(true))];
        assert_eq!(shown, expect);
    }
}
