//! Sources of Kubernetes objects, and the client and the leader election beside them.

pub mod client;
mod manifest;
pub mod source;
