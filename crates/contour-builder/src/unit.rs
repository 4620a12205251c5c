//! What is rebuilt as one.

use std::fmt;

use contour_dag::{Assignment, HostName};

/// What is rebuilt as one.
///
/// Declaration order is build order: a unit may read only the outputs of units declared above it, and what it demands is
/// declared below it. So one pass builds each unit at most once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Everything served for one domain on one frontend, whoever asked for it.
    Host(HostName),
    /// The endpoints of one cluster; exists while something demands it.
    LoadAssignment(Assignment),
}

impl fmt::Display for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Host(host) => write!(out, "host {}", host.domain),
            Unit::LoadAssignment(Assignment::Service { port, health_port }) => {
                write!(out, "endpoints of {}/{}:{}", port.namespace, port.service, port.number)?;
                match health_port {
                    None => Ok(()),
                    Some(port) => write!(out, ", asked on {}", port.number),
                }
            }
        }
    }
}
