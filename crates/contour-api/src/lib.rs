//! Kubernetes objects as they travel: our own kinds, and the exact versions of Kubernetes' kinds that we read.
//!
//! Data only. This is the one place where a version of a Kubernetes API appears; all else says `contour_api::core` or
//! `contour_api::v1`.
//!
//! Types say what the schema that the API server enforces says, and nothing stricter: what it lets through can be
//! deserialized. Defaults of the schema hold also for objects that never saw an API server. What a field means is checked
//! elsewhere.

pub mod conditions;
pub mod crd;
mod schema;
pub mod v1;
pub mod v1alpha1;

pub use k8s_openapi::api::apps::v1 as apps;
pub use k8s_openapi::api::core::v1 as core;
pub use k8s_openapi::api::discovery::v1 as discovery;
pub use k8s_openapi::api::networking::v1 as networking;

/// What objects of all kinds are made of.
pub mod meta {
    pub use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
    pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
        LabelSelector, ListMeta, ObjectMeta, OwnerReference, Time,
    };
    pub use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
}
