//! The HTTP servers of the control plane, over loopback: metrics, health, debug.

mod client;

mod metrics;
mod servers;
