//! The documented causes of problems.

/// The `type` of a sub-condition, as the API documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// `CORSError`
    CorsError,
    /// `IPFilterError`
    IpFilterError,
    /// `IncludeError`
    IncludeError,
    /// `Orphaned`
    Orphaned,
    /// `PrefixReplaceError`
    PrefixReplaceError,
    /// `RootNamespaceError`
    RootNamespaceError,
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
            ConditionType::CorsError => "CORSError",
            ConditionType::IpFilterError => "IPFilterError",
            ConditionType::IncludeError => "IncludeError",
            ConditionType::Orphaned => "Orphaned",
            ConditionType::PrefixReplaceError => "PrefixReplaceError",
            ConditionType::RootNamespaceError => "RootNamespaceError",
            ConditionType::RouteError => "RouteError",
            ConditionType::ServiceError => "ServiceError",
            ConditionType::SpecError => "SpecError",
            ConditionType::VirtualHostError => "VirtualHostError",
        }
    }
}

/// Declares [`Reason`] with its words, and the list of all for tests that enumerate.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $kind:ident / $word:literal,)*) => {
        /// Why an object, or a part of it, is not served as written: one variant for each pair of condition type and
        /// reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Reason] = &[$(Reason::$name,)*];

            /// The sub-condition's `type` and `reason`, as the API documents them.
            pub const fn words(self) -> (ConditionType, &'static str) {
                match self {
                    $(Reason::$name => (ConditionType::$kind, $word),)*
                }
            }
        }
    };
}

reasons! {
    /// An HTTPProxy without a virtual host that no root reaches.
    Orphaned = Orphaned / "Orphaned",
    /// A root whose host name is blank.
    FqdnNotSpecified = VirtualHostError / "FQDNNotSpecified",
    /// A root whose host name an older root has.
    DuplicateVhost = VirtualHostError / "DuplicateVhost",
    /// A host name that is no DNS name.
    FqdnNotValid = VirtualHostError / "FQDNNotValid",
    /// A root in a namespace that may have none.
    RootNotAllowed = RootNamespaceError / "RootProxyNotAllowedInNamespace",
    /// A root with neither routes nor includes nor a TCP proxy.
    NothingDefined = SpecError / "NothingDefined",
    /// The object could not be decoded; its last good form keeps serving.
    Unreadable = SpecError / "Unreadable",
    /// A field that this version does not serve. Refused rather than ignored: what it asks for may protect something.
    NotImplemented = SpecError / "NotImplemented",
    /// Something that is set and has no effect. A warning.
    IgnoredField = SpecError / "IgnoredField",
    /// A CORS policy that is not usable; the host is served without one.
    CorsNotValid = CorsError / "PolicyDidNotParse",
    /// A rate limit of a host that is not usable.
    HostRateLimitNotValid = VirtualHostError / "RateLimitPolicyNotValid",
    /// Networks to let through and networks not to, in one place.
    IncompatibleIpFilters = IpFilterError / "IncompatibleIPAddressFilters",
    /// What is no network.
    InvalidCidr = IpFilterError / "InvalidCIDR",
    /// Networks of a host that are not usable.
    IpFilterNotValid = IpFilterError / "IPFilterPolicyNotValid",
    /// An include whose conditions are not usable.
    IncludePathMatchConditionsNotValid = IncludeError / "PathMatchConditionsNotValid",
    /// An include whose conditions an earlier one of the same object has.
    IncludeDuplicateMatchConditions = IncludeError / "DuplicateMatchConditions",
    /// An include of an HTTPProxy that does not exist.
    IncludeNotFound = IncludeError / "IncludeNotFound",
    /// An include of a root.
    RootIncludesRoot = IncludeError / "RootIncludesRoot",
    /// An include that leads back to where it came from.
    IncludeCreatesCycle = IncludeError / "IncludeCreatesCycle",
    /// Includes too deep or too many to follow.
    IncludeLimitExceeded = IncludeError / "IncludeLimitExceeded",
    /// A route whose path conditions are not usable.
    PathMatchConditionsNotValid = RouteError / "PathMatchConditionsNotValid",
    /// A route, or an include, whose conditions on headers are not usable, or which no request meets.
    HeaderMatchConditionsNotValid = RouteError / "HeaderMatchConditionsNotValid",
    /// A route, or an include, whose conditions on query parameters are not usable.
    QueryParameterMatchConditionsNotValid = RouteError / "QueryParameterMatchConditionsNotValid",
    /// A route that asks for no action, or for several.
    RouteActionCountNotValid = RouteError / "RouteActionCountNotValid",
    /// Request headers of a route that cannot be edited so.
    RouteRequestHeadersInvalid = RouteError / "RequestHeadersPolicyInvalid",
    /// Response headers of a route that cannot be edited so.
    RouteResponseHeadersInvalid = RouteError / "ResponseHeaderPolicyInvalid",
    /// Cookies, of a route or of a service, that cannot be rewritten so.
    CookieRewritePoliciesInvalid = RouteError / "CookieRewritePoliciesInvalid",
    /// A timeout that is no duration.
    TimeoutPolicyNotValid = RouteError / "TimeoutPolicyNotValid",
    /// A rate limit of a route that is not usable.
    RouteRateLimitNotValid = RouteError / "RateLimitPolicyNotValid",
    /// A redirect that is not usable.
    RequestRedirectNotValid = RouteError / "RequestRedirectPolicy",
    /// An answer that Envoy does not give.
    DirectResponseNotValid = RouteError / "DirectResponsePolicyNotValid",
    /// A health check that is not usable.
    HealthCheckPolicyInvalid = RouteError / "HealthCheckPolicyInvalid",
    /// A prefix to replace where no prefix is matched.
    MustHavePrefix = PrefixReplaceError / "MustHavePrefix",
    /// A prefix that is replaced twice.
    DuplicateReplacement = PrefixReplaceError / "DuplicateReplacement",
    /// Two replacements for whatever prefix.
    AmbiguousReplacement = PrefixReplaceError / "AmbiguousReplacement",
    /// A replacement that is no path.
    ReplacementNotValid = PrefixReplaceError / "ReplacementNotValid",
    /// A route that matches what an older object's route matches.
    RouteConflict = RouteError / "RouteConflict",
    /// A service port out of range.
    ServicePortInvalid = ServiceError / "ServicePortInvalid",
    /// A service, or a port of it, that does not exist or cannot be used.
    ServiceUnresolved = ServiceError / "ServiceUnresolvedReference",
    /// Request headers of a service, or those of all, that cannot be edited so.
    ServiceRequestHeadersInvalid = ServiceError / "RequestHeadersPolicyInvalid",
    /// Response headers of a service, or those of all, that cannot be edited so.
    ServiceResponseHeadersInvalid = ServiceError / "ResponseHeadersPolicyInvalid",
    /// A slow start that is not usable.
    SlowStartInvalid = ServiceError / "SlowStartInvalid",
    /// More than one service that gets copies.
    OnlyOneMirror = ServiceError / "OnlyOneMirror",
    /// A backend that is no service.
    BackendNotService = ServiceError / "UnsupportedBackend",
}

impl Reason {
    /// Whether the object is valid all the same.
    pub const fn is_warning(self) -> bool {
        matches!(self, Reason::IgnoredField)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_reasons_share_their_words() {
        let words: BTreeSet<_> = Reason::ALL
            .iter()
            .map(|reason| {
                let (kind, word) = reason.words();
                (kind.as_str(), word)
            })
            .collect();
        assert_eq!(words.len(), Reason::ALL.len());
    }

    #[test]
    fn words_keep_to_the_pattern_of_the_schema() {
        for reason in Reason::ALL {
            let (kind, word) = reason.words();
            for text in [kind.as_str(), word] {
                assert!(text.chars().all(|each| each.is_ascii_alphanumeric()), "{text}");
            }
        }
    }
}
