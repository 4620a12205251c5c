//! Conditions, as they stand in the status of our own kinds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::Time;
use crate::schema::{CONDITION_REASON, CONDITION_TYPE};

/// Whether a condition holds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It has not been decided.
    Unknown,
}

impl ConditionStatus {
    /// As it is written in a condition.
    pub const fn as_str(self) -> &'static str {
        match self {
            ConditionStatus::True => "True",
            ConditionStatus::False => "False",
            ConditionStatus::Unknown => "Unknown",
        }
    }
}

/// A statement about an object, in the form that all of Kubernetes uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// When `status` last changed.
    pub last_transition_time: Time,
    /// Why the condition has this status, for people. May be empty.
    #[schemars(length(max = 32768))]
    pub message: String,
    /// The `metadata.generation` that the condition was made from. If it is older than that of the object, the
    /// condition is out of date.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// Why the condition has this status, for programs: one word in CamelCase.
    #[schemars(length(min = 1, max = 1024), regex(pattern = CONDITION_REASON))]
    pub reason: String,
    /// Whether the condition holds.
    pub status: ConditionStatus,
    /// What the condition says. There is at most one of each type.
    #[serde(rename = "type")]
    #[schemars(length(max = 316), regex(pattern = CONDITION_TYPE))]
    pub type_: String,
}

/// A condition together with everything that led to it.
///
/// A positive condition such as `Valid` is true without errors; warnings leave it true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetailedCondition {
    /// What must be mended before the object is served as written. Empty if nothing must be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<SubCondition>,
    /// When `status` last changed.
    pub last_transition_time: Time,
    /// Why the condition has this status, for people. May be empty.
    #[schemars(length(max = 32768))]
    pub message: String,
    /// The `metadata.generation` that the condition was made from. If it is older than that of the object, the
    /// condition is out of date.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// Why the condition has this status, for programs: one word in CamelCase.
    #[schemars(length(min = 1, max = 1024), regex(pattern = CONDITION_REASON))]
    pub reason: String,
    /// Whether the condition holds.
    pub status: ConditionStatus,
    /// What the condition says. There is at most one of each type.
    #[serde(rename = "type")]
    #[schemars(length(max = 316), regex(pattern = CONDITION_TYPE))]
    pub type_: String,
    /// What does not keep the object from being served, but probably is not what its author meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<SubCondition>,
}

/// One error or warning of a [`DetailedCondition`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(description = "One error or warning.")]
pub struct SubCondition {
    /// What is wrong, where, and what would mend it, for people. May be empty.
    #[schemars(length(max = 32768))]
    pub message: String,
    /// What is wrong, for programs: one word in CamelCase.
    #[schemars(length(min = 1, max = 1024), regex(pattern = CONDITION_REASON))]
    pub reason: String,
    /// `True` for every error and warning that stands here.
    pub status: ConditionStatus,
    /// The area that the error or warning belongs to, such as `ServiceError`.
    #[serde(rename = "type")]
    #[schemars(length(max = 316), regex(pattern = CONDITION_TYPE))]
    pub type_: String,
}
