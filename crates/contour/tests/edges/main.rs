//! The HTTP servers of the control plane, over loopback: metrics, health, debug.

mod client;

mod debug;
mod metrics;
mod servers;
