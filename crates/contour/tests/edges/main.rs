//! The HTTP servers of the control plane, over loopback: metrics, health, debug; and what it asks of the API server.

mod client;

mod cluster;
mod debug;
mod metrics;
mod servers;
