//! Sources of Kubernetes objects, where their statuses are written, and the client and the leader election beside them.

pub mod client;
pub mod contour_configuration;
pub mod lease;
mod manifest;
pub mod needs;
pub mod quiet;
pub mod secret;
pub mod source;
pub mod status;
mod told;
pub mod yaml;
