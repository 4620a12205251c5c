//! Sources of Kubernetes objects.

mod manifest;
pub mod source;
