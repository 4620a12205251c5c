//! The documented causes of problems.

/// The `type` of a sub-condition, as the API documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// `IncludeError`
    IncludeError,
    /// `Orphaned`
    Orphaned,
    /// `RouteError`
    RouteError,
    /// `ServiceError`
    ServiceError,
    /// `SpecError`
    SpecError,
    /// `VirtualHostError`
    VirtualHostError,
}

impl ConditionType {
    /// As it stands in a status.
    pub const fn as_str(self) -> &'static str {
        match self {
            ConditionType::IncludeError => "IncludeError",
            ConditionType::Orphaned => "Orphaned",
            ConditionType::RouteError => "RouteError",
            ConditionType::ServiceError => "ServiceError",
            ConditionType::SpecError => "SpecError",
            ConditionType::VirtualHostError => "VirtualHostError",
        }
    }
}

/// Why an object, or a part of it, is not served as written: one variant for each pair of condition type and reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The object could not be decoded.
    Unreadable,
}

impl Reason {
    /// The sub-condition's `type` and `reason`, as the API documents them.
    pub const fn words(self) -> (ConditionType, &'static str) {
        match self {
            Reason::Unreadable => (ConditionType::SpecError, "Unreadable"),
        }
    }
}
