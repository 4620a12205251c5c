//! Where objects come from.

pub mod cluster;
pub mod directory;
pub mod relist;
