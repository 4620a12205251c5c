//! Snapshots and the xDS protocol, without sockets.

pub mod resource;
