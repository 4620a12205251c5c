//! The running control plane: the loop that owns the core, and the edges around it.

pub mod control;
pub mod hub;
pub mod outbox;
pub mod pipeline;
pub mod start;
pub mod xds;
