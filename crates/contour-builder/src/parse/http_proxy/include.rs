//! Includes.

use contour_api::v1::http_proxy as v1;
use contour_dag::{HeaderMatch, QueryMatch};

use super::conditions::{PathCondition, contradiction, headers, path, query, repetition, text};
use crate::object::ObjectName;
use crate::parse::path::collapse_slashes;
use crate::status::{Problem, Reason};

/// One entry of `spec.includes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The included HTTPProxy.
    pub target: ObjectName,
    /// What its routes are narrowed by, if conditions stand there.
    pub conditions: Result<Option<Scope>, Problem>,
    /// What of it has no effect.
    pub problems: Vec<Problem>,
}

/// What the routes behind an include, or behind several, are narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// Paths begin with this. Without runs of slashes; never empty if conditions stand there.
    pub prefix: String,
    /// All of them match.
    pub headers: Vec<HeaderMatch>,
    /// All of them match.
    pub query: Vec<QueryMatch>,
}

impl Scope {
    /// The scope behind one more include, with these conditions.
    pub fn narrowed(&self, own: &Scope) -> Scope {
        Scope {
            prefix: collapse_slashes(&format!("{}{}", self.prefix, own.prefix)),
            headers: [&self.headers[..], &own.headers].concat(),
            query: [&self.query[..], &own.query].concat(),
        }
    }
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
) -> Result<Option<Scope>, Problem> {
    if entries.is_empty() {
        return Ok(None);
    }
    let wrong_path = |why| Problem::new(Reason::IncludePathMatchConditionsNotValid, why);
    let PathCondition::Prefix(prefix) = path(entries, field).map_err(wrong_path)? else {
        let why = format!("{field}: an include takes a prefix, neither an exact path nor a regex");
        return Err(wrong_path(why));
    };
    let prefix = match collapse_slashes(&prefix) {
        prefix if prefix.is_empty() => "/".to_owned(),
        prefix => prefix,
    };
    let headers = headers(entries, field, ignored)?;
    let query = query(entries, field)?;
    if let Some(why) = contradiction(&headers) {
        let message = format!("{field}: {why}");
        return Err(Problem::new(Reason::HeaderMatchConditionsNotValid, message));
    }
    if let Some(why) = repetition(&query) {
        let message = format!("{field}: {why}");
        return Err(Problem::new(Reason::QueryParameterMatchConditionsNotValid, message));
    }
    Ok(Some(Scope { prefix, headers, query }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(conditions: &str) -> Result<Option<Scope>, Reason> {
        let entry = format!("{{name: c, conditions: {conditions}}}");
        let entry = serde_yaml_ng::from_str(&entry).expect("an include");
        include(&entry, "here", "it").conditions.map_err(|problem| problem.reason)
    }

    #[track_caller]
    fn check_prefix(conditions: &str, expect: &str) {
        let found = read(conditions);
        let expect = Scope { prefix: expect.to_owned(), ..Scope::default() };
        assert_eq!(found, Ok(Some(expect)));
    }

    #[test]
    fn an_include_is_narrowed_by_a_prefix_or_not_at_all() {
        assert_eq!(read("[]"), Ok(None));
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
