//! The service that decides about limits of requests.

use contour_api::v1::http_proxy::{GlobalRateLimitPolicy, RateLimitDescriptorEntry};
use contour_builder::is_token;

use super::super::asked::{Asked, ObjectName};
use super::super::keys;
use super::super::settings::{Mode, Settings};

/// The service that decides about limits of requests. Becomes: the filter `ratelimit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The `ExtensionService`. Source: `rateLimitService.extensionService`.
    pub service: ObjectName,
    /// What it is told about where the question comes from; not empty. Source: `rateLimitService.domain`.
    pub domain: String,
    /// Whether requests are let through if it does not answer. Source: `rateLimitService.failOpen`.
    pub fail_open: bool,
    /// Whether clients are told of their limit. Source: `rateLimitService.enableXRateLimitHeaders`.
    pub headers: bool,
    /// Whether a gRPC request too many is `RESOURCE_EXHAUSTED`. Source: `rateLimitService.enableResourceExhaustedCode`.
    pub resource_exhausted: bool,
    /// What it is asked about for HTTPProxies that say nothing; each entry has exactly one form. Source:
    /// `rateLimitService.defaultGlobalRateLimitPolicy`.
    pub policy: Option<GlobalRateLimitPolicy>,
}

pub(super) fn rate_limit(asked: &mut Asked<'_>, mode: Mode) -> Option<RateLimit> {
    if !asked.is_present(&keys::RATE_LIMIT) {
        return None;
    }
    let Some(service) = asked.extension_service(&keys::RATE_LIMIT_SERVICE) else {
        if !asked.is_present(&keys::RATE_LIMIT_SERVICE) {
            asked.refuse(&keys::RATE_LIMIT, "needs an extensionService: the one that is asked");
        }
        return None;
    };
    let Some(domain) = asked.text(&keys::RATE_LIMIT_DOMAIN) else {
        asked.refuse(&keys::RATE_LIMIT, "needs a domain: Envoy refuses an empty one");
        return None;
    };
    Some(RateLimit {
        service,
        domain: domain.to_owned(),
        fail_open: asked.boolean(&keys::RATE_LIMIT_FAIL_OPEN),
        headers: asked.boolean(&keys::RATE_LIMIT_HEADERS),
        resource_exhausted: asked.boolean(&keys::RATE_LIMIT_EXHAUSTED),
        policy: policy(asked, mode),
    })
}

fn policy(asked: &mut Asked<'_>, mode: Mode) -> Option<GlobalRateLimitPolicy> {
    if !asked.is_present(&keys::RATE_LIMIT_POLICY) {
        return None;
    }
    let mut policy = GlobalRateLimitPolicy {
        disabled: asked.boolean(&keys::RATE_LIMIT_POLICY_DISABLED),
        descriptors: Vec::new(),
    };
    for (at, block) in asked.blocks(&keys::RATE_LIMIT_DESCRIPTORS).iter().enumerate() {
        match descriptor(block, mode) {
            Ok(descriptor) => policy.descriptors.push(descriptor),
            Err(message) => {
                asked.refuse(&keys::RATE_LIMIT_DESCRIPTORS, format!("descriptor {at}: {message}"));
            }
        }
    }
    Some(policy)
}

fn descriptor(
    block: &Settings,
    mode: Mode,
) -> Result<contour_api::v1::http_proxy::RateLimitDescriptor, String> {
    let mut json = block.to_json();
    let entries = json.get_mut("entries").and_then(serde_json::Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        // Kubernetes adds true where the field is absent; to upstream's file it is false then.
        if let (Mode::File, Some(matched)) = (mode, entry.get_mut("requestHeaderValueMatch"))
            && matched.get("expectMatch").is_none()
        {
            matched["expectMatch"] = false.into();
        }
    }
    let descriptor: contour_api::v1::http_proxy::RateLimitDescriptor =
        serde_json::from_value(json).map_err(|error| error.to_string())?;
    if descriptor.entries.is_empty() {
        return Err("needs at least one of entries".to_owned());
    }
    for (at, entry) in descriptor.entries.iter().enumerate() {
        check(entry).map_err(|message| format!("entry {at}: {message}"))?;
    }
    Ok(descriptor)
}

fn check(entry: &RateLimitDescriptorEntry) -> Result<(), String> {
    let forms = [
        entry.generic_key.is_some(),
        entry.remote_address.is_some(),
        entry.request_header.is_some(),
        entry.request_header_value_match.is_some(),
    ];
    if forms.into_iter().filter(|given| *given).count() != 1 {
        return Err("needs exactly one of genericKey, requestHeader, requestHeaderValueMatch and remoteAddress".to_owned());
    }
    let some = |text: &str, what: &str| {
        if text.is_empty() { Err(format!("{what} is empty")) } else { Ok(()) }
    };
    if let Some(generic) = &entry.generic_key {
        some(&generic.value, "genericKey.value")?;
    }
    if let Some(header) = &entry.request_header {
        some(&header.descriptor_key, "requestHeader.descriptorKey")?;
        if !is_token(&header.header_name) {
            return Err(format!("{:?} is no name of a header", header.header_name));
        }
    }
    if let Some(matched) = &entry.request_header_value_match {
        some(&matched.value, "requestHeaderValueMatch.value")?;
        if matched.headers.is_empty() {
            return Err("requestHeaderValueMatch needs at least one of headers".to_owned());
        }
        for condition in &matched.headers {
            some(&condition.name, "requestHeaderValueMatch.headers[].name")?;
        }
    }
    Ok(())
}
