//! Which requests a route takes, and which of several routes takes a request.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

/// Which requests a route takes. Two routes of a host that match alike are one.
///
/// The order is that of precedence: of two routes that match a request the lesser answers. It is total, so that the
/// order of routes depends on nothing but the routes. Paths decide first, then whether there is a condition on the
/// method, then how many there are on other headers, then how many on query parameters, then these conditions themselves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RouteMatch {
    /// On the path, without the query.
    pub path: PathMatch,
    headers: Vec<HeaderMatch>, // private: sorted
    query: Vec<QueryMatch>,    // likewise
}

impl RouteMatch {
    /// Every request whose path matches.
    pub fn path(path: PathMatch) -> RouteMatch {
        RouteMatch { path, headers: Vec::new(), query: Vec::new() }
    }

    /// The same with more conditions, in whatever order; those that are there already count once.
    #[must_use]
    pub fn with(
        mut self,
        headers: impl IntoIterator<Item = HeaderMatch>,
        query: impl IntoIterator<Item = QueryMatch>,
    ) -> RouteMatch {
        self.headers.extend(headers);
        self.headers.sort();
        self.headers.dedup();
        self.query.extend(query);
        self.query.sort();
        self.query.dedup();
        self
    }

    /// The same with one more header condition.
    #[must_use]
    pub fn with_header(self, header: HeaderMatch) -> RouteMatch {
        self.with([header], [])
    }

    /// The same for other paths.
    #[must_use]
    pub fn with_path(self, path: PathMatch) -> RouteMatch {
        RouteMatch { path, ..self }
    }

    /// On headers; all have to match. Sorted.
    pub fn headers(&self) -> &[HeaderMatch] {
        &self.headers
    }

    /// On query parameters; all have to match. Sorted.
    pub fn query(&self) -> &[QueryMatch] {
        &self.query
    }

    /// How narrow the conditions are, the narrowest first.
    fn narrowness(&self) -> Reverse<(bool, usize, usize)> {
        let others = self.headers_but_method().count();
        Reverse((others < self.headers.len(), others, self.query.len()))
    }

    fn headers_but_method(&self) -> impl Iterator<Item = &HeaderMatch> {
        self.headers.iter().filter(|header| !header.is_of_method())
    }
}

impl Ord for RouteMatch {
    fn cmp(&self, other: &RouteMatch) -> Ordering {
        self.path
            .cmp(&other.path)
            .then_with(|| self.narrowness().cmp(&other.narrowness()))
            .then_with(|| self.headers_but_method().cmp(other.headers_but_method()))
            .then_with(|| self.query.cmp(&other.query))
            .then_with(|| self.headers.cmp(&other.headers))
    }
}

impl PartialOrd for RouteMatch {
    fn partial_cmp(&self, other: &RouteMatch) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
/// A condition on a request's path.
///
/// The order is that of precedence: exact paths, then expressions, then prefixes; the longer expression or prefix
/// first; among equals in length, and among exact paths, in descending order of bytes, as upstream sorts them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathMatch {
    /// This path and no other. Becomes: `RouteMatch.path`.
    Exact(Arc<str>),
    /// A path that this RE2 expression matches in full. Becomes: `RouteMatch.safe_regex`, with `^` in front.
    Regex(Arc<str>),
    /// A path that begins with these whole segments: `/a` takes `/a` and `/a/b`, not `/ab`. Never ends in `/`, never
    /// empty. Becomes: `RouteMatch.path_separated_prefix`.
    Segments(Arc<str>),
    /// A path that begins with this text: `/a` takes `/ab`. Becomes: `RouteMatch.prefix`.
    Prefix(Arc<str>),
}

impl PathMatch {
    /// The text to match, whatever the kind.
    pub fn text(&self) -> &str {
        match self {
            PathMatch::Exact(text)
            | PathMatch::Regex(text)
            | PathMatch::Segments(text)
            | PathMatch::Prefix(text) => text,
        }
    }

    /// Kind, length and text, as far as each decides, in the order in which they do.
    fn precedence(&self) -> (u8, Reverse<usize>, Reverse<&str>, u8) {
        let text = self.text();
        let (kind, length, last) = match self {
            PathMatch::Exact(_) => (0, 0, 0),
            PathMatch::Regex(_) => (1, text.len(), 0),
            PathMatch::Segments(_) => (2, text.len(), 0),
            PathMatch::Prefix(_) => (2, text.len(), 1),
        };
        (kind, Reverse(length), Reverse(text), last)
    }
}

impl Ord for PathMatch {
    fn cmp(&self, other: &PathMatch) -> Ordering {
        self.precedence().cmp(&other.precedence())
    }
}

impl PartialOrd for PathMatch {
    fn partial_cmp(&self, other: &PathMatch) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A text to compare with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text {
    /// What is looked for; never empty.
    pub value: Arc<str>,
    /// Whether letters match in either case.
    pub ignore_case: bool,
}

/// A condition on one header.
///
/// The order is that of upstream: by name, then exact, regex, contains, present; then by text; what is not negated first.
///
/// Becomes: `envoy.config.route.v3.HeaderMatcher`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeaderMatch {
    /// The header's name; `:authority` is the host that was asked for.
    pub name: Arc<str>,
    /// What its value has to be.
    pub matcher: HeaderMatcher,
}

/// What a header's value has to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HeaderMatcher {
    /// This text.
    Exact(Text),
    /// Another text.
    NotExact {
        /// Than this.
        text: Text,
        /// Whether a request without the header has another.
        or_missing: bool,
    },
    /// A value that this RE2 expression matches in full.
    Regex(Arc<str>),
    /// A value in which this text occurs.
    Contains(Text),
    /// A value in which it does not.
    NotContains {
        /// The text.
        text: Text,
        /// Whether it does not occur in a request without the header.
        or_missing: bool,
    },
    /// Any value.
    Present,
    /// The header has to be missing.
    NotPresent,
}

impl HeaderMatch {
    /// Whether it is a condition on the method.
    pub fn is_of_method(&self) -> bool {
        &*self.name == ":method"
    }
}

impl HeaderMatcher {
    /// What decides the order of two conditions of one name: kind, text, negation; then what tells those apart that upstream
    /// holds for equal.
    fn precedence(&self) -> (u8, &str, bool, bool, bool) {
        match self {
            HeaderMatcher::Exact(text) => (0, &text.value, false, text.ignore_case, false),
            HeaderMatcher::NotExact { text, or_missing } => {
                (0, &text.value, true, text.ignore_case, *or_missing)
            }
            HeaderMatcher::Regex(expression) => (1, expression, false, false, false),
            HeaderMatcher::Contains(text) => (2, &text.value, false, text.ignore_case, false),
            HeaderMatcher::NotContains { text, or_missing } => {
                (2, &text.value, true, text.ignore_case, *or_missing)
            }
            HeaderMatcher::Present => (3, "", false, false, false),
            HeaderMatcher::NotPresent => (3, "", true, false, false),
        }
    }
}

impl Ord for HeaderMatch {
    fn cmp(&self, other: &HeaderMatch) -> Ordering {
        let by_name = self.name.cmp(&other.name);
        by_name.then_with(|| self.matcher.precedence().cmp(&other.matcher.precedence()))
    }
}

impl PartialOrd for HeaderMatch {
    fn partial_cmp(&self, other: &HeaderMatch) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A condition on one query parameter.
///
/// The order is that of upstream: by name, then exact, regex, prefix, suffix, contains, present; then by text; what minds the
/// case of letters first.
///
/// Becomes: `envoy.config.route.v3.QueryParameterMatcher`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryMatch {
    /// The parameter's name, in its case.
    pub name: Arc<str>,
    /// What its value has to be.
    pub matcher: QueryMatcher,
}

/// What a query parameter's value has to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueryMatcher {
    /// This text.
    Exact(Text),
    /// A value that this RE2 expression matches in full.
    Regex(Arc<str>),
    /// A value that begins so.
    Prefix(Text),
    /// A value that ends so.
    Suffix(Text),
    /// A value in which this text occurs.
    Contains(Text),
    /// Any value.
    Present,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefix(text: &str) -> PathMatch {
        PathMatch::Prefix(text.into())
    }

    #[track_caller]
    fn check_order(sorted: &[PathMatch]) {
        let mut shuffled: Vec<_> = sorted.iter().rev().cloned().collect();
        shuffled.sort();
        assert_eq!(shuffled, sorted);
    }

    #[test]
    fn exact_before_regex_before_prefix() {
        check_order(&[
            PathMatch::Exact("/".into()),
            PathMatch::Regex("/.*".into()),
            prefix("/much/longer"),
        ]);
    }

    #[test]
    fn longer_prefixes_first_then_descending() {
        check_order(&[prefix("/longer"), prefix("/b"), prefix("/a"), prefix("/")]);
    }

    #[test]
    fn exact_paths_descend_whatever_their_length() {
        check_order(&[PathMatch::Exact("/b".into()), PathMatch::Exact("/a/long".into())]);
    }

    #[test]
    fn segments_before_the_same_text_as_prefix() {
        check_order(&[PathMatch::Segments("/a".into()), prefix("/a")]);
        check_order(&[prefix("/ab"), PathMatch::Segments("/a".into())]);
    }

    #[test]
    fn more_header_conditions_first() {
        let plain = RouteMatch::path(prefix("/"));
        let with = plain.clone().with_header(HeaderMatch {
            name: ":authority".into(),
            matcher: HeaderMatcher::Regex("a".into()),
        });
        assert!(with < plain);
    }

    fn header(name: &str, matcher: HeaderMatcher) -> HeaderMatch {
        HeaderMatch { name: name.into(), matcher }
    }

    fn text(value: &str) -> Text {
        Text { value: value.into(), ignore_case: false }
    }

    #[track_caller]
    fn check_matches(sorted: &[RouteMatch]) {
        let mut shuffled: Vec<_> = sorted.iter().rev().cloned().collect();
        shuffled.sort();
        assert_eq!(shuffled, sorted);
    }

    #[test]
    fn a_method_before_any_number_of_headers_before_query_parameters() {
        let everything = RouteMatch::path(prefix("/"));
        let method = header(":method", HeaderMatcher::Exact(text("GET")));
        let present = |name| header(name, HeaderMatcher::Present);
        let query = |name: &str| QueryMatch { name: name.into(), matcher: QueryMatcher::Present };
        check_matches(&[
            everything.clone().with([method], []),
            everything.clone().with([present("a"), present("b")], []),
            everything.clone().with([present("a")], [query("a"), query("b")]),
            everything.clone().with([present("a")], [query("c")]),
            everything.clone().with([present("b")], [query("c")]),
            everything.clone().with([], [query("a"), query("b"), query("c")]),
            everything,
        ]);
    }

    #[test]
    fn header_conditions_of_one_name_are_ordered_by_kind_text_and_negation() {
        let negated = |value| HeaderMatcher::NotExact { text: text(value), or_missing: false };
        let sorted = [
            HeaderMatcher::Exact(text("a")),
            negated("a"),
            HeaderMatcher::Exact(text("b")),
            HeaderMatcher::Regex("a".into()),
            HeaderMatcher::Contains(text("a")),
            HeaderMatcher::Present,
            HeaderMatcher::NotPresent,
        ];
        let everything = RouteMatch::path(prefix("/"));
        let matches =
            everything.with(sorted.iter().rev().map(|each| header("x", each.clone())), []);
        let found: Vec<_> = matches.headers().iter().map(|each| each.matcher.clone()).collect();
        assert_eq!(found, sorted);
    }

    #[test]
    fn the_same_conditions_in_another_order_are_the_same_match() {
        let (one, other) =
            (header("a", HeaderMatcher::Present), header("b", HeaderMatcher::Present));
        let match_of = |headers: [&HeaderMatch; 3]| {
            RouteMatch::path(prefix("/")).with(headers.into_iter().cloned(), [])
        };
        assert_eq!(match_of([&one, &other, &one]), match_of([&other, &one, &other]));
    }

    fn any_header() -> impl Strategy<Value = HeaderMatch> {
        let text = || {
            ("[ab]", any::<bool>())
                .prop_map(|(value, ignore_case)| Text { value: value.into(), ignore_case })
        };
        let matcher = prop_oneof![
            text().prop_map(HeaderMatcher::Exact),
            (text(), any::<bool>())
                .prop_map(|(text, or_missing)| HeaderMatcher::NotExact { text, or_missing }),
            "[ab]".prop_map(|each| HeaderMatcher::Regex(each.into())),
            text().prop_map(HeaderMatcher::Contains),
            (text(), any::<bool>())
                .prop_map(|(text, or_missing)| HeaderMatcher::NotContains { text, or_missing }),
            Just(HeaderMatcher::Present),
            Just(HeaderMatcher::NotPresent),
        ];
        ("(:method|a|b)", matcher).prop_map(|(name, matcher)| header(&name, matcher))
    }

    fn any_match() -> impl Strategy<Value = RouteMatch> {
        let path = prop_oneof![
            "/[ab]{0,2}".prop_map(|each| PathMatch::Exact(each.into())),
            "/[ab]{0,2}".prop_map(|each| PathMatch::Regex(each.into())),
            "/[ab]{1,2}".prop_map(|each| PathMatch::Segments(each.into())),
            "/[ab]{0,2}".prop_map(|each| PathMatch::Prefix(each.into())),
        ];
        let query = (
            "[ab]",
            prop_oneof![
                Just(QueryMatcher::Present),
                "[ab]".prop_map(|each| QueryMatcher::Regex(each.into())),
                "[ab]".prop_map(|each| QueryMatcher::Prefix(Text {
                    value: each.into(),
                    ignore_case: true
                })),
            ],
        )
            .prop_map(|(name, matcher)| QueryMatch { name: name.into(), matcher });
        let headers = prop::collection::vec(any_header(), 0..3);
        (path, headers, prop::collection::vec(query, 0..3))
            .prop_map(|(path, headers, query)| RouteMatch::path(path).with(headers, query))
    }

    proptest! {
        #[test]
        fn precedence_is_a_total_order(a in any_match(), b in any_match(), c in any_match()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
            let mut sorted = [&a, &b, &c];
            sorted.sort();
            prop_assert!(sorted[0] <= sorted[1] && sorted[1] <= sorted[2] && sorted[0] <= sorted[2]);
        }

        #[test]
        fn precedence_does_not_depend_on_the_order_of_input(
            matches in prop::collection::vec(any_match(), 0..8).prop_shuffle(),
        ) {
            let mut forward = matches.clone();
            forward.sort();
            let mut backward: Vec<_> = matches.into_iter().rev().collect();
            backward.sort();
            prop_assert_eq!(forward, backward);
        }
    }
}
