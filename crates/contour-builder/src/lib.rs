//! Kubernetes objects to graph and conditions, incrementally.
//!
//! [`Builder::apply`] takes changes of objects and answers with what they change: in the graph, and in what is true of
//! each object. Objects are checked on arrival ([`parse`]) and kept in checked form ([`store`]). What is served is built
//! in [units](mod@unit) by pure functions ([`build`]) that see the store through a [`reader`], which records every question they
//! ask; so a change rebuilds the units whose questions it answers differently, and nothing else ([`engine`]).
//!
//! Start reading at [`build`], then [`engine`].

pub mod config;
pub mod duration;
pub mod object;
pub mod status;

mod build;
mod contributions;
mod engine;
mod header_defaults;
mod parse;
mod reader;
mod reads;
mod similar;
mod store;
mod unit;

pub use config::Config;
pub use engine::{Builder, Cause, Counts, Holdings, Inspection, Operation, Outcome, Stats};
pub use header_defaults::HeaderDefaults;
pub use object::{Change, Kind, Object, ObjectName, ObjectRef, Revision};
pub use parse::header::is_token;
pub use parse::secret;
pub use reader::Read;
pub use status::{Addresses, Conditions, Problem, Reason, Verdict};
pub use store::Kept;
pub use unit::Unit;
