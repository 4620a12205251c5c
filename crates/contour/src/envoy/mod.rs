//! Envoy as a process on this machine: finding one, running it as a child, asking its admin interface.
//!
//! Used by `contour run`, which starts and stops the Envoy that it feeds, and beside an Envoy in a pod.

pub mod admin;
pub mod bound;
pub mod child;
pub mod drain;
pub mod find;
pub mod pre_stop;
mod restart;
pub mod shutdown;
