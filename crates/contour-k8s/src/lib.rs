//! Sources of Kubernetes objects, and the client and the leader election beside them.

pub mod client;
pub mod lease;
mod manifest;
pub mod source;
