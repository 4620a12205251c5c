//! Replaced prefixes, with and without a slash at the end.
//!
//! Envoy replaces what was matched and nothing else: of the prefix `/a`, replaced by `/`, `/a/b` would become `//b`. So each
//! route whose prefix is replaced is served twice: for the prefix, and for the prefix and a slash. Routes with the same prefix
//! and other conditions are served twice as well, since the longer prefix would take their requests otherwise. What is added
//! takes no request from a route that is written for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contour_dag::{Action, PathMatch, RouteMatch};

use crate::build::host::{Routes, Served};

/// Serves routes twice where the prefix of one is replaced.
pub(super) fn expand(routes: &mut Routes) {
    let replaced: BTreeSet<String> = routes
        .iter()
        .filter(|(_, served)| replacement(served).is_some())
        .filter_map(|(matches, _)| stem(matches).map(str::to_owned))
        .collect();
    if replaced.is_empty() {
        return;
    }
    let mut added = BTreeMap::new();
    let (of_replaced, others): (Routes, Routes) = std::mem::take(routes)
        .into_iter()
        .partition(|(matches, _)| stem(matches).is_some_and(|stem| replaced.contains(stem)));
    *routes = others;
    for (matches, served) in &of_replaced {
        let Some(stem) = stem(matches) else { continue };
        let own = matches.path.text();
        added.insert(matches.clone(), with_slash(served.clone(), own.ends_with('/')));
        // A prefix that ends in a slash takes no more than that unless it is replaced.
        if own == stem || replacement(served).is_some() {
            let slash = own == stem;
            let path = if slash { format!("{stem}/") } else { stem.to_owned() };
            let copy = matches.clone().with_path(PathMatch::Prefix(path.into()));
            let outranked = of_replaced.range(&copy..).next();
            if outranked.is_none_or(|(written, _)| written.path != copy.path) {
                added.insert(copy, with_slash(served.clone(), slash));
            }
        }
    }
    routes.extend(added);
}

/// The prefix without slashes at its end. `None` for other paths, and for `/`.
fn stem(matches: &RouteMatch) -> Option<&str> {
    match &matches.path {
        PathMatch::Prefix(prefix) => {
            Some(prefix.trim_end_matches('/')).filter(|stem| !stem.is_empty())
        }
        _ => None,
    }
}

fn replacement(served: &Served) -> Option<&Arc<str>> {
    match &served.action {
        Action::Forward(forward) => forward.policy.as_ref()?.prefix_rewrite.as_ref(),
        _ => None,
    }
}

/// What replaces the prefix ends in a slash if the prefix does; it is never nothing.
fn with_slash(mut served: Served, slash: bool) -> Served {
    if let Action::Forward(forward) = &mut served.action
        && let Some(policy) = &mut forward.policy
        && let Some(replacement) = &mut policy.prefix_rewrite
    {
        let stem = replacement.trim_end_matches('/');
        *replacement = match (stem, slash) {
            ("", _) => "/".into(),
            (stem, true) => format!("{stem}/").into(),
            (stem, false) => stem.into(),
        };
    }
    served
}

#[cfg(test)]
mod tests {
    use contour_dag::{
        ClusterName, Forward, HeaderMatch, HeaderMatcher, OriginKind, ServicePort, WeightedCluster,
    };

    use super::*;
    use crate::build::host::origin;
    use crate::object::ObjectName;

    fn served(replacement: &str) -> Served {
        let port =
            ServicePort { namespace: "n".into(), service: "s".into(), number: 80, name: None };
        let cluster = WeightedCluster::new(ClusterName::of(port), 1);
        let mut forward = Forward::new(vec![cluster]).expect("a cluster");
        if !replacement.is_empty() {
            forward.policy.get_or_insert_default().prefix_rewrite = Some(replacement.into());
        }
        Served::new(
            Action::Forward(forward),
            origin(OriginKind::HttpProxy, &ObjectName::new("n", "p")),
        )
    }

    /// A prefix; behind `+`, a header that has to be there.
    fn matches(text: &str) -> RouteMatch {
        let (prefix, header) = text.split_once('+').unwrap_or((text, ""));
        let header = (!header.is_empty())
            .then(|| HeaderMatch { name: header.into(), matcher: HeaderMatcher::Present });
        RouteMatch::path(PathMatch::Prefix(prefix.into())).with(header, [])
    }

    /// Pairs of what is matched and what replaces it; nothing replaces if that is empty.
    #[track_caller]
    fn check(written: &[(&str, &str)], expect: &[(&str, &str)]) {
        let routes = |pairs: &[(&str, &str)]| -> Routes {
            pairs.iter().map(|(text, replacement)| (matches(text), served(replacement))).collect()
        };
        let mut found = routes(written);
        expand(&mut found);
        assert_eq!(found, routes(expect));
    }

    #[test]
    fn a_replaced_prefix_is_served_with_and_without_a_slash() {
        for replacement in ["/b", "/b/"] {
            check(&[("/a", replacement)], &[("/a", "/b"), ("/a/", "/b/")]);
            check(&[("/a/", replacement)], &[("/a", "/b"), ("/a/", "/b/")]);
        }
        check(&[("/a", "/")], &[("/a", "/"), ("/a/", "/")]);
        check(&[("/", "/b")], &[("/", "/b")]);
        check(&[("/a", "")], &[("/a", "")]);
    }

    #[test]
    fn other_routes_of_the_prefix_keep_their_requests() {
        let expect = [("/a", "/b"), ("/a/", "/b/"), ("/a+x", ""), ("/a/+x", "")];
        check(&[("/a", "/b"), ("/a+x", "")], &expect);
    }

    #[test]
    fn what_is_added_takes_nothing_from_what_is_written() {
        let longer = [("/a", "/b"), ("/a/", "")];
        check(&longer, &longer);
        let longer = [("/a+x", "/b"), ("/a/", "")];
        check(&longer, &longer);
        let shorter = [("/a", ""), ("/a/+x", "/b/")];
        check(&shorter, &[("/a", ""), ("/a/", ""), ("/a/+x", "/b/")]);
        let narrower = [("/a", "/b"), ("/a/+x", "")];
        check(&narrower, &[("/a", "/b"), ("/a/", "/b/"), ("/a/+x", "")]);
    }
}
