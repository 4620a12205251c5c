//! The control plane of a fleet of Envoy proxies: command line, wiring, servers.
//!
//! What it computes is in the core crates; here is everything that waits, listens, reads or writes. Start reading at
//! [`serve::control`], the loop that drives the core.

pub mod cli;

pub mod certificates;
pub mod config;

pub mod serve;

pub mod allocator;
pub mod envoy;
pub mod log;
pub mod private;
pub mod table;
