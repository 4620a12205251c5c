//! What a request must look like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a request must look like. All conditions of a list must be met; one condition has one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatchCondition {
    /// The whole path, beginning with `/`, without query. Not in includes. Becomes `RouteMatch.path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// A request header. Becomes `RouteMatch.headers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderMatchCondition>,
    /// How the path begins, itself beginning with `/`: letter by letter, so that `/foo` also stands for `/foobar`.
    /// At most one of `prefix`, `exact` and `regex` may appear in a list of conditions; without any, all paths match.
    /// Becomes `RouteMatch.prefix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// A parameter of the query. Becomes `RouteMatch.query_parameters`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_parameter: Option<QueryParameterMatchCondition>,
    /// A regular expression (RE2) for the whole path, beginning with `/`. Not in includes. Becomes
    /// `RouteMatch.safe_regex`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
}

/// What a request header must be like. One of `present`, `notpresent`, `contains`, `notcontains`, `exact`, `notexact`
/// and `regex` says it; of several the first in this order counts, and without any the condition is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the API")]
pub struct HeaderMatchCondition {
    /// The value has this text in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// The value is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// Whether upper and lower case are the same in `contains`, `notcontains`, `exact` and `notexact`. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_case: bool,
    /// The name of the header. Upper and lower case are the same. Pseudo headers such as `:method` may be used.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The value does not have this text in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notcontains: Option<String>,
    /// The value is not this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notexact: Option<String>,
    /// The header is absent. False says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notpresent: bool,
    /// The header is there, with any value. False says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub present: bool,
    /// The whole value matches this regular expression (RE2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// Whether an absent header is taken for an empty one by `notcontains` and `notexact`, which an absent header does
    /// not meet otherwise. Default: false. Becomes `HeaderMatcher.treat_missing_header_as_empty`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub treat_missing_as_empty: bool,
}

/// What a parameter of the query must be like. Exactly one of `exact`, `prefix`, `suffix`, `regex`, `contains` and
/// `present` says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryParameterMatchCondition {
    /// The value has this text in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// The value is this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// Whether upper and lower case are the same in `exact`, `prefix`, `suffix` and `contains`. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_case: bool,
    /// The name of the parameter. Upper and lower case differ.
    pub name: String,
    /// The value begins with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The parameter is there, with any value. False says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub present: bool,
    /// The whole value matches this regular expression (RE2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// The value ends with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}
