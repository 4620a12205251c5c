//! Statuses of objects: what they say, and how they are brought to say what is true.

mod observed;
mod schedule;
mod write;
mod writer;

pub use observed::{Observed, Seen};
pub use writer::{Inputs, News, Outcome, Written, run};
