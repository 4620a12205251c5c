//! What an HTTPProxy and the HTTPProxies it includes ask for.

mod forward;
mod prefix_rewrite;

use std::collections::BTreeSet;

use contour_dag::{Action, DirectResponse, Domain, HeaderMatch, OriginKind, PathMatch, RouteMatch};

use super::Found;
use super::backend::did_you_mean;
use super::host::{Routes, Served, one_label, origin, reference};
use crate::object::{Kind, ObjectName};
use crate::parse::http_proxy::{
    Conditions, Include, PathCondition, Proxy, Route, RouteAction, Scope, contradiction, repetition,
};
use crate::parse::{collapse_slashes, re2};
use crate::reader::Reader;
use crate::status::{Problem, Reason};

/// How deep includes may nest.
const MAX_DEPTH: usize = 64;

/// How many HTTPProxies one root may visit, each include counted again, and how many routes they may put in. It bounds
/// what a tree costs in which each includes the next several times.
const MAX_VISITS: usize = 20_000;
const MAX_ROUTES: usize = 20_000;

/// Puts the routes of a root, and of what it includes, into `routes`. Included routes go first, so that of equal matches
/// an object's own beat those it includes, and later ones earlier ones.
pub(super) fn routes(
    root: &ObjectName,
    proxy: &Proxy,
    domain: &Domain,
    reader: &Reader<'_>,
    found: &mut Found,
    routes: &mut Routes,
) {
    let mut walk = Walk {
        reader,
        found,
        routes,
        one_label: one_label(domain),
        chain: Vec::new(),
        visits: 0,
        puts: 0,
    };
    walk.visit(root, proxy, &Scope::default());
    prefix_rewrite::expand(routes);
}

impl Scope {
    /// Which requests a route with these conditions takes.
    fn matches(&self, conditions: &Conditions, field: &str) -> Result<RouteMatch, Problem> {
        let headers = [&self.headers[..], &conditions.headers].concat();
        let query = [&self.query[..], &conditions.query].concat();
        let problem = |reason, why| Problem::new(reason, format!("{field}.conditions: {why}"));
        if let Some(why) = contradiction(&headers) {
            return Err(problem(Reason::HeaderMatchConditionsNotValid, why));
        }
        if let Some(why) = repetition(&query) {
            return Err(problem(Reason::QueryParameterMatchConditionsNotValid, why));
        }
        let path = self
            .path(&conditions.path)
            .map_err(|why| problem(Reason::PathMatchConditionsNotValid, why))?;
        Ok(RouteMatch::path(path).with(headers, query))
    }

    fn path(&self, path: &PathCondition) -> Result<PathMatch, String> {
        let joined = |path: &str| collapse_slashes(&format!("{}{path}", self.prefix));
        Ok(match path {
            PathCondition::Exact(path) => PathMatch::Exact(joined(path).into()),
            PathCondition::Prefix(path) => match joined(path) {
                path if path.is_empty() => PathMatch::Prefix("/".into()),
                path => PathMatch::Prefix(path.into()),
            },
            PathCondition::Regex(expression) => {
                // What an include means literally stays so, and an expression begins with a slash.
                let prefix = quoted(self.prefix.strip_suffix('/').unwrap_or(&self.prefix));
                let expression = match &prefix {
                    prefix if prefix.is_empty() => expression.to_string(),
                    // None of several alternatives leaves what the include leads to.
                    prefix if expression.contains('|') => format!("{prefix}(?:{expression})"),
                    prefix => format!("{prefix}{expression}"),
                };
                re2::check(&format!("^{expression}")).map_err(|refusal| refusal.to_string())?;
                PathMatch::Regex(expression.into())
            }
        })
    }
}

/// An expression that matches this text alone.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for each in text.chars() {
        if r"\.+*?()|[]{}^$".contains(each) {
            quoted.push('\\');
        }
        quoted.push(each);
    }
    quoted
}

/// The descent from a root: what was accumulated on the way, and what is found.
struct Walk<'a, 'b> {
    reader: &'b Reader<'a>,
    found: &'b mut Found,
    routes: &'b mut Routes,
    /// What every route of a wildcard host has to match besides.
    one_label: Option<HeaderMatch>,
    /// The objects from the root to the one being visited.
    chain: Vec<ObjectName>,
    visits: usize,
    /// Routes put in, those included that a later one replaced.
    puts: usize,
}

impl Walk<'_, '_> {
    /// Puts in the routes of one HTTPProxy, narrowed by `scope`.
    fn visit(&mut self, name: &ObjectName, proxy: &Proxy, scope: &Scope) {
        self.found.visited(reference(Kind::HttpProxy, name));
        self.visits += 1;
        if let Some(at) = self.chain.iter().position(|visited| visited == name) {
            self.cycle(name, at);
            return;
        }
        self.chain.push(name.clone());
        self.includes(name, proxy, scope);
        for (at, route) in proxy.routes.iter().enumerate() {
            self.route(name, route, at, scope);
        }
        self.chain.pop();
    }

    /// Tells an object that its includes lead back to it, given where in the chain it stands.
    fn cycle(&mut self, name: &ObjectName, at: usize) {
        let circle: Vec<String> =
            self.chain[at..].iter().chain([name]).map(ObjectName::to_string).collect();
        let message = format!("the includes lead in a circle: {}", circle.join(" -> "));
        self.problem(name, Problem::new(Reason::IncludeCreatesCycle, message));
    }

    fn includes(&mut self, name: &ObjectName, proxy: &Proxy, scope: &Scope) {
        let mut taken = BTreeSet::new();
        for (at, include) in proxy.includes.iter().enumerate() {
            for problem in &include.problems {
                self.problem(name, problem.clone());
            }
            let narrowed = match &include.conditions {
                Err(problem) => {
                    self.problem(name, problem.clone());
                    continue;
                }
                Ok(None) => None,
                Ok(Some(own)) => {
                    if is_repeated(own, &mut taken) {
                        self.duplicate(name, at);
                        continue;
                    }
                    Some(scope.narrowed(own))
                }
            };
            self.include(name, include, at, narrowed.as_ref(), scope);
        }
    }

    fn duplicate(&mut self, name: &ObjectName, at: usize) {
        let message = format!(
            "spec.includes[{at}].conditions: an earlier include has the same conditions, so nothing is left for this one"
        );
        self.problem(name, Problem::new(Reason::IncludeDuplicateMatchConditions, message));
    }

    /// Follows one include. `narrowed` is the scope its own conditions lead to, if it has conditions.
    fn include(
        &mut self,
        name: &ObjectName,
        include: &Include,
        at: usize,
        narrowed: Option<&Scope>,
        scope: &Scope,
    ) {
        let target = &include.target;
        let refused = match self.reader.proxy(target) {
            Some(proxy) if proxy.root.is_none() => match self.limit() {
                None => {
                    self.visit(target, proxy, narrowed.unwrap_or(scope));
                    return;
                }
                Some(limit) => Problem::new(
                    Reason::IncludeLimitExceeded,
                    format!("spec.includes[{at}]: HTTPProxy {target} is not followed: {limit}"),
                ),
            },
            Some(_) => Problem::new(
                Reason::RootIncludesRoot,
                format!(
                    "spec.includes[{at}]: HTTPProxy {target} has a virtual host of its own; \
                     only HTTPProxies without spec.virtualhost can be included"
                ),
            ),
            None => {
                let meant = did_you_mean(Kind::HttpProxy, target, self.reader);
                let message = format!(
                    "spec.includes[{at}]: HTTPProxy {target} does not exist, or cannot be read{meant}"
                );
                Problem::new(Reason::IncludeNotFound, message)
            }
        };
        self.problem(name, refused);
        if let Some(narrowed) = narrowed {
            // Requests meant for what is not there must not fall through to a shorter prefix. What no request meets takes none.
            let action = Action::Respond(DirectResponse { status: 502, body: None });
            if let Ok(matches) = narrowed.matches(&Conditions::default(), "") {
                self.put(name, matches, Served::new(action, origin(OriginKind::HttpProxy, name)));
            }
        }
    }

    fn limit(&self) -> Option<String> {
        if self.chain.len() >= MAX_DEPTH {
            Some(format!("includes nest more than {MAX_DEPTH} deep"))
        } else if self.visits >= MAX_VISITS {
            Some(format!("more than {MAX_VISITS} includes below one root"))
        } else if self.puts >= MAX_ROUTES {
            Some(format!("more than {MAX_ROUTES} routes below one root"))
        } else {
            None
        }
    }

    /// Puts in one route. A route whose conditions are unusable takes nothing; one that cannot be served as it is written
    /// answers 503.
    fn route(&mut self, name: &ObjectName, route: &Route, at: usize, scope: &Scope) {
        let field = format!("spec.routes[{at}]");
        for problem in &route.problems {
            self.problem(name, problem.clone());
        }
        let conditions = route.conditions.as_ref().map_err(Problem::clone);
        let matches = conditions.and_then(|conditions| scope.matches(conditions, &field));
        let matches = match matches {
            Ok(matches) => matches,
            Err(problem) => {
                self.problem(name, problem);
                // What else is wrong with it is told, too.
                if let Err(problem) = &route.answer {
                    self.problem(name, problem.clone());
                }
                return;
            }
        };
        let mut served = Served::new(Action::unavailable(), origin(OriginKind::HttpProxy, name));
        match &route.answer {
            Err(problem) => self.problem(name, problem.clone()),
            Ok(answer) => {
                served.policy.clone_from(&answer.policy);
                served.action = match &answer.action {
                    RouteAction::Redirect(redirect) => Action::Redirect(redirect.clone()),
                    RouteAction::Respond(response) => Action::Respond(response.clone()),
                    RouteAction::Forward(forward) => {
                        self.forward(name, forward, &field, &matches.path)
                    }
                };
            }
        }
        self.put(name, matches, served);
    }

    fn put(&mut self, name: &ObjectName, matches: RouteMatch, served: Served) {
        if self.puts >= MAX_ROUTES {
            let message =
                format!("more than {MAX_ROUTES} routes below one root; the rest is left out");
            self.problem(name, Problem::new(Reason::IncludeLimitExceeded, message));
            return;
        }
        self.puts += 1;
        self.routes.insert(matches.with(self.one_label.clone(), []), served);
    }

    fn problem(&mut self, name: &ObjectName, problem: Problem) {
        self.found.problem(reference(Kind::HttpProxy, name), problem);
    }
}

/// Whether an earlier include of the object has the same conditions. Those that narrow nothing may be repeated.
fn is_repeated(conditions: &Scope, taken: &mut BTreeSet<Scope>) -> bool {
    let mut scope = conditions.clone();
    scope.headers.sort();
    scope.query.sort();
    let narrows = scope.prefix != "/" || !scope.headers.is_empty() || !scope.query.is_empty();
    narrows && !taken.insert(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_path(prefix: &str, path: PathCondition, expect: PathMatch) {
        let scope = Scope { prefix: prefix.to_owned(), ..Scope::default() };
        assert_eq!(scope.path(&path), Ok(expect));
    }

    #[test]
    fn paths_are_appended_to_the_prefix_of_includes() {
        let prefix = |text: &str| PathCondition::Prefix(text.into());
        check_path("", prefix(""), PathMatch::Prefix("/".into()));
        check_path("/a", prefix("/b"), PathMatch::Prefix("/a/b".into()));
        check_path("/a/", prefix("/b"), PathMatch::Prefix("/a/b".into()));
        check_path("/api", prefix("/"), PathMatch::Prefix("/api/".into()));
        check_path("/a", PathCondition::Exact("/b".into()), PathMatch::Exact("/a/b".into()));
    }

    #[test]
    fn a_prefix_before_an_expression_means_itself() {
        let regex = |text: &str| PathCondition::Regex(text.into());
        check_path("/v1.0", regex("/.*"), PathMatch::Regex(r"/v1\.0/.*".into()));
        check_path("/a/", regex("/b+"), PathMatch::Regex("/a/b+".into()));
        check_path("", regex("/a//b"), PathMatch::Regex("/a//b".into()));
    }

    #[test]
    fn every_alternative_of_an_expression_is_below_the_prefix() {
        let regex = |text: &str| PathCondition::Regex(text.into());
        check_path("/a", regex("/b|/c"), PathMatch::Regex("/a(?:/b|/c)".into()));
        check_path("", regex("/b|/c"), PathMatch::Regex("/b|/c".into()));
    }
}
