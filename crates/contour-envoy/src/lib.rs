//! Graph to encoded Envoy resources, incrementally.
//!
//! [`Translator`] turns what changed in the graph (`contour-dag`) into the Envoy resources that differ, encoded
//! (`contour-xds`). Around it there is one function for each message, in a module named after what it fills;
//! [`bootstrap`] writes the configuration that an Envoy starts with, and [`json`] shows what was encoded.
//!
//! What Envoy refuses of a resource it refuses of everybody's: the types of [`config`] cannot hold a value that
//! violates the constraints in Envoy's protobuf annotations.

#![warn(missing_docs)]

pub mod config;
pub mod name;

mod translator;

mod namesakes;
mod published;
mod splice;

mod listener;

mod filter;
mod http_connection_manager;

pub mod access_log;

mod route;

mod cluster;
mod endpoint;

mod runtime;

mod secret;
mod tls;

mod address;
mod config_source;
mod fraction;
mod header;
mod protobuf;
mod string_matcher;

pub mod bootstrap;
pub mod json;

pub use config::Config;
pub use translator::Translator;
