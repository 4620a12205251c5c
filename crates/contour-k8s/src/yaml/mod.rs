//! YAML and JSON text as trees in which each value knows where it stands, and words for what is wrong with one.
//!
//! Manifests are read by it, and the configuration file: both say `file:line:column` of each mistake.

pub mod fault;
pub mod scalar;
pub mod suggest;
pub mod tree;
