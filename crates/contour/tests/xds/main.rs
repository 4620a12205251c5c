//! The adapter of xDS to sockets: that bytes pass, to whom, and how it ends. The protocol has its tests in `contour-xds`.

#[path = "../edges/client.rs"]
mod pages;
mod server;

mod encrypted;
mod observed;
mod protocol;
