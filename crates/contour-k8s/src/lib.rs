//! Sources of Kubernetes objects, and where their statuses are written.

mod manifest;
pub mod source;
pub mod status;
