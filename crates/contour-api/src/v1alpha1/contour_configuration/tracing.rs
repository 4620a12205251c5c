//! Where traces of requests are sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NamespacedName;

/// Where traces of requests are sent, by OpenTelemetry. Becomes `HttpConnectionManager.tracing`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TracingConfig {
    /// The percentage of requests that are traced because the client asks for it: a decimal number. Default, also for 0:
    /// 100. Becomes `Tracing.client_sampling`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_sampling: Option<String>,
    /// What is added to each span.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_tags: Vec<CustomTag>,
    /// The `ExtensionService` that gets the traces.
    pub extension_service: NamespacedName,
    /// Whether each span gets the tags `podName` and `podNamespace`. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_pod_detail: Option<bool>,
    /// How many bytes of a path are put into a span. Default: 256. Becomes `Tracing.max_path_tag_length`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_path_tag_length: Option<i32>,
    /// The percentage of requests that are traced at most, for whatever reason: a decimal number. Default, also for 0:
    /// 100. Becomes `Tracing.overall_sampling`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overall_sampling: Option<String>,
    /// The percentage of requests that are traced by chance: a decimal number. Default, also for 0: 100. Becomes
    /// `Tracing.random_sampling`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_sampling: Option<String>,
    /// The name under which the spans are reported. Default: `contour`. Becomes `OpenTelemetryConfig.service_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
}

/// What is added to each span: exactly one of `literal` and `requestHeaderName`. Becomes `CustomTag`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomTag {
    /// A value that is always the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal: Option<String>,
    /// The name of the request header whose value is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_header_name: Option<String>,
    /// The name of the tag. Unique in the list.
    pub tag_name: String,
}
