//! The running control plane: the loop that owns the core, and the edges around it.

pub mod cluster;
pub mod control;
pub mod pipeline;
pub mod question;

pub mod hub;
pub mod outbox;
pub mod peers;
pub mod xds;

pub mod accept;
pub mod http;
pub mod renewal;
pub mod tls;

pub mod debug;
pub mod health;
pub mod metrics;

pub mod start;
