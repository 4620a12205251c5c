//! Includes.

use contour_api::v1::http_proxy as v1;

use super::conditions::{Conditions, PathCondition, conditions, contradiction, repetition, text};
use crate::object::ObjectName;
use crate::parse::path::collapse_slashes;
use crate::status::{Problem, Reason};

/// One entry of `spec.includes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The included HTTPProxy.
    pub target: ObjectName,
    /// What its routes are narrowed by.
    pub conditions: Result<IncludeConditions, Problem>,
    /// What of it has no effect.
    pub problems: Vec<Problem>,
}

/// What the routes of an included HTTPProxy are narrowed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncludeConditions {
    /// Nothing: no condition stands there.
    None,
    /// These conditions, whose path is a prefix without runs of slashes, and never empty.
    Some(Conditions),
}

/// Reads an include of an HTTPProxy in this namespace.
pub fn include(entry: &v1::Include, namespace: &str, field: &str) -> Include {
    let namespace = text(entry.namespace.as_ref()).unwrap_or(namespace);
    let mut ignored = Vec::new();
    let conditions =
        include_conditions(&entry.conditions, &format!("{field}.conditions"), &mut ignored);
    let problems = ignored.into_iter().map(|(field, why)| {
        Problem::new(Reason::IgnoredField, format!("{field} is ignored: {why}"))
    });
    Include {
        target: ObjectName::new(namespace, &entry.name),
        conditions,
        problems: problems.collect(),
    }
}

/// Reads the conditions of an include: of paths, prefixes only, since a route's path is appended to them.
///
/// # Errors
/// [`Reason::IncludePathMatchConditionsNotValid`], [`Reason::HeaderMatchConditionsNotValid`],
/// [`Reason::QueryParameterMatchConditionsNotValid`].
fn include_conditions(
    entries: &[v1::MatchCondition],
    field: &str,
    ignored: &mut Vec<(String, String)>,
) -> Result<IncludeConditions, Problem> {
    let is_prefix = |entry: &v1::MatchCondition| {
        text(entry.exact.as_ref()).is_none() && text(entry.regex.as_ref()).is_none()
    };
    if !entries.iter().all(is_prefix) {
        let message =
            format!("{field}: an include takes a prefix, neither an exact path nor a regex");
        return Err(Problem::new(Reason::IncludePathMatchConditionsNotValid, message));
    }
    if entries.is_empty() {
        return Ok(IncludeConditions::None);
    }
    let mut found =
        conditions(entries, field, ignored).map_err(|problem| match problem.reason {
            Reason::PathMatchConditionsNotValid => {
                Problem::new(Reason::IncludePathMatchConditionsNotValid, problem.message)
            }
            _ => problem,
        })?;
    if let Some(why) = contradiction(&found.headers) {
        let message = format!("{field}: {why}");
        return Err(Problem::new(Reason::HeaderMatchConditionsNotValid, message));
    }
    if let Some(why) = repetition(&found.query) {
        let message = format!("{field}: {why}");
        return Err(Problem::new(Reason::QueryParameterMatchConditionsNotValid, message));
    }
    if let PathCondition::Prefix(prefix) = &found.path {
        let prefix = match collapse_slashes(prefix) {
            prefix if prefix.is_empty() => "/".to_owned(),
            prefix => prefix,
        };
        found.path = PathCondition::Prefix(prefix.into());
    }
    Ok(IncludeConditions::Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(conditions: &str) -> Result<IncludeConditions, Reason> {
        let entry = format!("{{name: c, conditions: {conditions}}}");
        let entry = serde_yaml_ng::from_str(&entry).expect("an include");
        include(&entry, "here", "it").conditions.map_err(|problem| problem.reason)
    }

    #[track_caller]
    fn check_prefix(conditions: &str, expect: &str) {
        let found = read(conditions);
        let expect =
            Conditions { path: PathCondition::Prefix(expect.into()), ..Conditions::default() };
        assert_eq!(found, Ok(IncludeConditions::Some(expect)));
    }

    #[test]
    fn an_include_is_narrowed_by_a_prefix_or_not_at_all() {
        assert_eq!(read("[]"), Ok(IncludeConditions::None));
        check_prefix("[{prefix: //a//b}]", "/a/b");
        check_prefix("[{}]", "/");
    }

    #[test]
    fn of_paths_it_takes_nothing_but_a_prefix() {
        for conditions in
            ["[{exact: /a}]", "[{regex: /a}]", "[{prefix: a}]", "[{prefix: /a}, {prefix: /b}]"]
        {
            assert_eq!(read(conditions), Err(Reason::IncludePathMatchConditionsNotValid));
        }
    }

    #[test]
    fn what_no_request_meets_is_told_of_the_include() {
        let headers = "[{header: {name: x, present: true}}, {header: {name: x, notpresent: true}}]";
        assert_eq!(read(headers), Err(Reason::HeaderMatchConditionsNotValid));
        let query =
            "[{queryParameter: {name: x, exact: a}}, {queryParameter: {name: x, exact: b}}]";
        assert_eq!(read(query), Err(Reason::QueryParameterMatchConditionsNotValid));
    }

    #[test]
    fn it_is_in_the_same_namespace_unless_it_says_otherwise() {
        for (entry, expect) in [
            ("{name: a}", "here/a"),
            ("{name: a, namespace: ''}", "here/a"),
            ("{name: a, namespace: there}", "there/a"),
        ] {
            let entry = serde_yaml_ng::from_str(entry).expect("an include");
            assert_eq!(include(&entry, "here", "it").target.to_string(), expect);
        }
    }
}
