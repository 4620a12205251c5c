//! `conditions` of routes and of includes.

use std::collections::BTreeSet;
use std::sync::Arc;

use contour_api::v1::http_proxy as v1;
use contour_dag::{HeaderMatch, HeaderMatcher, QueryMatch, QueryMatcher, Text};

use crate::parse::header::is_token;
use crate::parse::path::unmatchable;
use crate::parse::re2;
use crate::status::{Problem, Reason};

/// The longest name of a query parameter that Envoy takes, in bytes.
const LONGEST_PARAMETER: usize = 1024;

/// What a list of conditions asks of a request, relative to the includes that lead to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Of its path.
    pub path: PathCondition,
    /// Of its headers, in the order of the object.
    pub headers: Vec<HeaderMatch>,
    /// Of its query parameters, in the order of the object.
    pub query: Vec<QueryMatch>,
}

/// The path that conditions name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathCondition {
    /// Paths that begin with this; empty if no path is named.
    Prefix(Arc<str>),
    /// This path alone.
    Exact(Arc<str>),
    /// Paths that this expression matches in full.
    Regex(Arc<str>),
}

impl Default for PathCondition {
    fn default() -> PathCondition {
        PathCondition::Prefix("".into())
    }
}

/// Reads a list of conditions. What is set and has no effect goes to `ignored`, as the name of the field and why.
///
/// # Errors
/// [`Reason::PathMatchConditionsNotValid`], [`Reason::HeaderMatchConditionsNotValid`],
/// [`Reason::QueryParameterMatchConditionsNotValid`]. Contradictions are not looked for: includes have a part in them, see
/// [`contradiction`].
pub fn conditions(
    entries: &[v1::MatchCondition],
    field: &str,
    ignored: &mut Vec<(String, String)>,
) -> Result<Conditions, Problem> {
    let path = path(entries, field)
        .map_err(|message| Problem::new(Reason::PathMatchConditionsNotValid, message))?;
    let headers = headers(entries, field, ignored)?;
    Ok(Conditions { path, headers, query: query(entries, field)? })
}

/// Reads what a list of conditions asks of headers. What is set and has no effect goes to `ignored`.
///
/// # Errors
/// [`Reason::HeaderMatchConditionsNotValid`].
pub fn headers(
    entries: &[v1::MatchCondition],
    field: &str,
    ignored: &mut Vec<(String, String)>,
) -> Result<Vec<HeaderMatch>, Problem> {
    let mut headers = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(condition) = &entry.header {
            let found = header(condition, &format!("{field}[{at}].header"), ignored)
                .map_err(|message| Problem::new(Reason::HeaderMatchConditionsNotValid, message))?;
            headers.extend(found);
        }
    }
    Ok(headers)
}

/// Reads what a list of conditions asks of query parameters.
///
/// # Errors
/// [`Reason::QueryParameterMatchConditionsNotValid`].
pub fn query(entries: &[v1::MatchCondition], field: &str) -> Result<Vec<QueryMatch>, Problem> {
    let conditions = entries.iter().enumerate();
    let conditions =
        conditions.filter_map(|(at, entry)| Some((at, entry.query_parameter.as_ref()?)));
    let invalid = |message| Problem::new(Reason::QueryParameterMatchConditionsNotValid, message);
    conditions
        .map(|(at, condition)| {
            parameter(condition, &format!("{field}[{at}].queryParameter")).map_err(invalid)
        })
        .collect()
}

/// Reads the path of a list of conditions, of which at most one may name one.
///
/// # Errors
/// What is wrong with it, and where.
pub fn path(entries: &[v1::MatchCondition], field: &str) -> Result<PathCondition, String> {
    let mut found = None;
    for (at, entry) in entries.iter().enumerate() {
        let given = [
            text(entry.prefix.as_ref()).map(|path| (path, PathCondition::Prefix(path.into()))),
            text(entry.exact.as_ref()).map(|path| (path, PathCondition::Exact(path.into()))),
            text(entry.regex.as_ref()).map(|path| (path, PathCondition::Regex(path.into()))),
        ];
        for (path, condition) in given.into_iter().flatten() {
            let why = match &condition {
                PathCondition::Regex(_) => regex_of_path(path),
                _ => unmatchable(path).map(str::to_owned),
            };
            if let Some(why) = why {
                return Err(format!("{field}[{at}]: {path:?}: {why}"));
            }
            if found.replace(condition).is_some() {
                return Err(format!(
                    "{field} names more than one path: give one of prefix, exact and regex"
                ));
            }
        }
    }
    Ok(found.unwrap_or_default())
}

/// Why an expression cannot be one of paths.
fn regex_of_path(expression: &str) -> Option<String> {
    if !expression.starts_with('/') {
        return Some("an expression has to begin with /, as every path does".to_owned());
    }
    re2::check(expression).err().map(|refusal| refusal.to_string())
}

/// Reads a condition on a header. `None` if it asks for nothing.
fn header(
    condition: &v1::HeaderMatchCondition,
    field: &str,
    ignored: &mut Vec<(String, String)>,
) -> Result<Option<HeaderMatch>, String> {
    let name = condition.name.as_str();
    if !is_token(name.strip_prefix(':').unwrap_or(name)) {
        return Err(format!("{field}.name: {name:?} is no name of a header"));
    }
    let operators = operators(condition);
    let Some((operator, matcher)) = operators.first() else {
        let why = "it asks for nothing: set one of present, notpresent, contains, notcontains, exact, notexact and regex";
        ignored.push((field.to_owned(), why.to_owned()));
        return Ok(None);
    };
    for (other, _) in &operators[1..] {
        ignored.push((format!("{field}.{other}"), format!("{operator} is set, too, and counts")));
    }
    if let HeaderMatcher::Regex(expression) = matcher {
        re2::check(expression)
            .map_err(|refusal| format!("{field}.regex: {expression:?}: {refusal}"))?;
    }
    unused_switches(condition, matcher, field, ignored);
    Ok(Some(HeaderMatch { name: name.into(), matcher: matcher.clone() }))
}

/// What a condition asks of a header. If that is several things, the first counts.
fn operators(condition: &v1::HeaderMatchCondition) -> Vec<(&'static str, HeaderMatcher)> {
    let ignore_case = condition.ignore_case;
    let or_missing = condition.treat_missing_as_empty;
    let of = |given: &Option<String>| {
        let value = text(given.as_ref())?;
        Some(Text { value: value.into(), ignore_case })
    };
    let not_contains = |text| HeaderMatcher::NotContains { text, or_missing };
    let not_exact = |text| HeaderMatcher::NotExact { text, or_missing };
    let regex = text(condition.regex.as_ref()).map(Arc::from);
    let all = [
        ("present", condition.present.then_some(HeaderMatcher::Present)),
        ("notpresent", condition.notpresent.then_some(HeaderMatcher::NotPresent)),
        ("contains", of(&condition.contains).map(HeaderMatcher::Contains)),
        ("notcontains", of(&condition.notcontains).map(not_contains)),
        ("exact", of(&condition.exact).map(HeaderMatcher::Exact)),
        ("notexact", of(&condition.notexact).map(not_exact)),
        ("regex", regex.map(HeaderMatcher::Regex)),
    ];
    all.into_iter().filter_map(|(name, matcher)| Some((name, matcher?))).collect()
}

fn unused_switches(
    condition: &v1::HeaderMatchCondition,
    matcher: &HeaderMatcher,
    field: &str,
    ignored: &mut Vec<(String, String)>,
) {
    let of_text = matches!(
        matcher,
        HeaderMatcher::Exact(_)
            | HeaderMatcher::NotExact { .. }
            | HeaderMatcher::Contains(_)
            | HeaderMatcher::NotContains { .. }
    );
    let of_other_text =
        matches!(matcher, HeaderMatcher::NotExact { .. } | HeaderMatcher::NotContains { .. });
    if condition.ignore_case && !of_text {
        let why = "it is for texts; an expression has (?i) instead";
        ignored.push((format!("{field}.ignoreCase"), why.to_owned()));
    }
    if condition.treat_missing_as_empty && !of_other_text {
        let why = "it is for notexact and notcontains";
        ignored.push((format!("{field}.treatMissingAsEmpty"), why.to_owned()));
    }
}

/// Reads a condition on a query parameter.
fn parameter(
    condition: &v1::QueryParameterMatchCondition,
    field: &str,
) -> Result<QueryMatch, String> {
    let name = condition.name.as_str();
    if name.is_empty() || name.len() > LONGEST_PARAMETER || name.contains(['\0', '\r', '\n']) {
        return Err(format!("{field}.name: {name:?} is no name of a query parameter"));
    }
    let of = |given: &Option<String>| {
        let value = text(given.as_ref())?;
        Some(Text { value: value.into(), ignore_case: condition.ignore_case })
    };
    let regex = text(condition.regex.as_ref()).map(Arc::from);
    let all = [
        of(&condition.exact).map(QueryMatcher::Exact),
        of(&condition.prefix).map(QueryMatcher::Prefix),
        of(&condition.suffix).map(QueryMatcher::Suffix),
        regex.map(QueryMatcher::Regex),
        of(&condition.contains).map(QueryMatcher::Contains),
        condition.present.then_some(QueryMatcher::Present),
    ];
    let mut given = all.into_iter().flatten();
    let (Some(matcher), None) = (given.next(), given.next()) else {
        return Err(format!(
            "{field}: exactly one of exact, prefix, suffix, regex, contains and present has to be set"
        ));
    };
    if let QueryMatcher::Regex(expression) = &matcher {
        re2::check(expression)
            .map_err(|refusal| format!("{field}.regex: {expression:?}: {refusal}"))?;
    }
    Ok(QueryMatch { name: name.into(), matcher })
}

/// Why no request can meet all of these conditions on headers, or that two of them say which text one header is.
pub fn contradiction(headers: &[HeaderMatch]) -> Option<String> {
    for (at, later) in headers.iter().enumerate() {
        for earlier in &headers[..at] {
            if !earlier.name.eq_ignore_ascii_case(&later.name) {
                continue;
            }
            let name = &later.name;
            match (&earlier.matcher, &later.matcher) {
                (HeaderMatcher::Exact(_), HeaderMatcher::Exact(_)) => {
                    return Some(format!("header {name}: exact is given twice"));
                }
                (one, other) if excludes(one, other) || excludes(other, one) => {
                    return Some(format!("header {name}: no request can meet both conditions"));
                }
                _ => {}
            }
        }
    }
    None
}

/// Whether what meets the first condition cannot meet the second.
fn excludes(one: &HeaderMatcher, other: &HeaderMatcher) -> bool {
    match (one, other) {
        (HeaderMatcher::Present, HeaderMatcher::NotPresent) => true,
        (HeaderMatcher::Exact(text), HeaderMatcher::NotExact { text: not, .. })
        | (HeaderMatcher::Contains(text), HeaderMatcher::NotContains { text: not, .. }) => {
            covers(not, text)
        }
        _ => false,
    }
}

/// Whether everything that is like `text` is like `not`, too.
fn covers(not: &Text, text: &Text) -> bool {
    if not.ignore_case {
        not.value.eq_ignore_ascii_case(&text.value)
    } else {
        !text.ignore_case && not.value == text.value
    }
}

/// Why two conditions on query parameters do not go together: both say which text the same parameter is.
pub fn repetition(query: &[QueryMatch]) -> Option<String> {
    let mut seen = BTreeSet::new();
    for each in query {
        if matches!(each.matcher, QueryMatcher::Exact(_))
            && !seen.insert(each.name.to_ascii_lowercase())
        {
            return Some(format!("query parameter {}: exact is given twice", each.name));
        }
    }
    None
}

/// An empty text is no text.
pub(super) fn text(field: Option<&String>) -> Option<&str> {
    field.map(String::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &str) -> (Result<Conditions, Reason>, Vec<String>) {
        let entries: Vec<v1::MatchCondition> = serde_yaml_ng::from_str(list).expect("conditions");
        let mut ignored = Vec::new();
        let found = conditions(&entries, "it", &mut ignored).map_err(|problem| problem.reason);
        (found, ignored.into_iter().map(|(field, _)| field).collect())
    }

    #[track_caller]
    fn check_path(list: &str, expect: Result<PathCondition, Reason>) {
        assert_eq!(read(list).0.map(|found| found.path), expect);
    }

    #[test]
    fn a_path_is_a_prefix_an_exact_one_an_expression_or_any() {
        check_path("[{prefix: /a}]", Ok(PathCondition::Prefix("/a".into())));
        check_path("[{exact: /a}]", Ok(PathCondition::Exact("/a".into())));
        check_path("[{regex: '/a.*'}]", Ok(PathCondition::Regex("/a.*".into())));
        check_path("[]", Ok(PathCondition::default()));
        check_path("[{prefix: ''}]", Ok(PathCondition::default()));
    }

    #[test]
    fn an_exact_path_stays_one_whatever_stands_beside_it() {
        let list = "[{exact: /a}, {header: {name: x, present: true}}]";
        check_path(list, Ok(PathCondition::Exact("/a".into())));
    }

    #[test]
    fn at_most_one_path_is_named() {
        for list in [
            "[{prefix: /a, exact: /b}]",
            "[{prefix: /a}, {regex: /b}]",
            "[{exact: b}]",
            "[{exact: '/b?c'}]",
            "[{regex: a}]",
            "[{regex: '/('}]",
        ] {
            check_path(list, Err(Reason::PathMatchConditionsNotValid));
        }
    }

    fn exact(value: &str, ignore_case: bool) -> HeaderMatcher {
        HeaderMatcher::Exact(Text { value: value.into(), ignore_case })
    }

    #[track_caller]
    fn check_header(
        condition: &str,
        expect: Result<Option<HeaderMatcher>, Reason>,
        ignored: &[&str],
    ) {
        let (found, told) = read(&format!("[{{header: {condition}}}]"));
        let matcher = found.map(|found| found.headers.into_iter().next().map(|each| each.matcher));
        assert_eq!(matcher, expect);
        assert_eq!(told, ignored);
    }

    #[test]
    fn each_operator_is_a_condition() {
        let text = || Text { value: "a".into(), ignore_case: false };
        let check = |condition: &str, expect| check_header(condition, Ok(Some(expect)), &[]);
        check("{name: x, present: true}", HeaderMatcher::Present);
        check("{name: x, notpresent: true}", HeaderMatcher::NotPresent);
        check("{name: x, contains: a}", HeaderMatcher::Contains(text()));
        check("{name: x, exact: a}", exact("a", false));
        check("{name: x, exact: a, ignoreCase: true}", exact("a", true));
        check("{name: x, regex: a}", HeaderMatcher::Regex("a".into()));
        let not_exact = HeaderMatcher::NotExact { text: text(), or_missing: true };
        check("{name: x, notexact: a, treatMissingAsEmpty: true}", not_exact);
        let not_contains = HeaderMatcher::NotContains { text: text(), or_missing: false };
        check("{name: x, notcontains: a}", not_contains);
        check("{name: ':method', exact: a}", exact("a", false));
    }

    #[test]
    fn of_several_operators_the_first_counts_and_the_others_are_told() {
        let present = Ok(Some(HeaderMatcher::Present));
        check_header(
            "{name: x, present: true, exact: a, regex: b}",
            present,
            &["it[0].header.exact", "it[0].header.regex"],
        );
    }

    #[test]
    fn what_has_no_effect_is_told() {
        check_header("{name: x}", Ok(None), &["it[0].header"]);
        check_header("{name: x, exact: ''}", Ok(None), &["it[0].header"]);
        check_header("{name: x, present: false}", Ok(None), &["it[0].header"]);
        check_header(
            "{name: x, regex: a, ignoreCase: true, treatMissingAsEmpty: true}",
            Ok(Some(HeaderMatcher::Regex("a".into()))),
            &["it[0].header.ignoreCase", "it[0].header.treatMissingAsEmpty"],
        );
    }

    #[test]
    fn names_and_expressions_that_cannot_match_are_refused() {
        for condition in
            ["{name: 'a b', present: true}", "{name: ':', present: true}", "{name: x, regex: '('}"]
        {
            check_header(condition, Err(Reason::HeaderMatchConditionsNotValid), &[]);
        }
    }

    #[track_caller]
    fn check_query(condition: &str, expect: Result<QueryMatcher, Reason>) {
        let (found, _) = read(&format!("[{{queryParameter: {condition}}}]"));
        assert_eq!(found.map(|found| found.query[0].matcher.clone()), expect);
    }

    #[test]
    fn a_query_parameter_has_exactly_one_operator() {
        let text = || Text { value: "a".into(), ignore_case: true };
        let check = |operator: &str, expect| {
            check_query(&format!("{{name: x, {operator}: a, ignoreCase: true}}"), Ok(expect));
        };
        check("exact", QueryMatcher::Exact(text()));
        check("prefix", QueryMatcher::Prefix(text()));
        check("suffix", QueryMatcher::Suffix(text()));
        check("contains", QueryMatcher::Contains(text()));
        check("regex", QueryMatcher::Regex("a".into()));
        check_query("{name: x, present: true}", Ok(QueryMatcher::Present));
        for condition in [
            "{name: x}",
            "{name: x, exact: a, prefix: b}",
            "{name: '', present: true}",
            "{name: x, regex: '('}",
        ] {
            check_query(condition, Err(Reason::QueryParameterMatchConditionsNotValid));
        }
    }

    #[track_caller]
    fn check_contradiction(list: &str, expect: bool) {
        let found = read(list).0.expect("they are good");
        let told = contradiction(&found.headers).or_else(|| repetition(&found.query));
        assert_eq!(told.is_some(), expect, "{told:?}");
    }

    #[test]
    fn conditions_that_no_request_meets_are_told() {
        for (one, other) in [
            ("present: true", "notpresent: true"),
            ("notpresent: true", "present: true"),
            ("exact: a", "exact: b"),
            ("exact: a", "notexact: a"),
            ("notexact: A, ignoreCase: true", "exact: a"),
            ("contains: a", "notcontains: a"),
        ] {
            let list =
                format!("[{{header: {{name: x, {one}}}}}, {{header: {{name: X, {other}}}}}]");
            check_contradiction(&list, true);
        }
        let twice =
            "[{queryParameter: {name: x, exact: a}}, {queryParameter: {name: X, exact: b}}]";
        check_contradiction(twice, true);
    }

    #[test]
    fn conditions_that_some_request_meets_are_not() {
        for (one, other) in [
            ("exact: a, ignoreCase: true", "notexact: a"),
            ("present: true", "present: true"),
            ("contains: a", "contains: b"),
            ("exact: a", "notexact: b"),
            ("notexact: a", "notexact: a"),
        ] {
            let list =
                format!("[{{header: {{name: x, {one}}}}}, {{header: {{name: x, {other}}}}}]");
            check_contradiction(&list, false);
        }
        check_contradiction(
            "[{header: {name: x, exact: a}}, {header: {name: y, exact: b}}]",
            false,
        );
    }
}
