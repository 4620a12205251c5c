//! Harness: cases, a small backend, and what tests against real peers share.

pub mod api_server;
pub mod budget;
pub mod case;
pub mod echo;
pub mod fleet;
pub mod grpc;
pub mod program;
pub mod proxy;
pub mod random;
pub mod render;
pub mod replica;
pub mod server;
pub mod volume;
pub mod world;
