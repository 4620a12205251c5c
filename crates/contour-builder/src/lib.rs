//! Kubernetes objects to graph and conditions, incrementally.

pub mod config;
pub mod object;
pub mod status;

pub use object::{Change, Kind, Object, ObjectName, ObjectRef};
pub use status::{Problem, Reason};
