//! Sources of Kubernetes objects.

mod manifest;
pub mod source;

pub mod quiet;
pub mod yaml;
