//! What of the configuration shapes the graph.

/// What of the configuration shapes the graph. An input like an object: see [`Change::Config`](crate::Change::Config).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The ingress classes that are ours, compared to the letter. Empty: objects without a class and those of class
    /// `contour`.
    pub ingress_classes: Vec<String>,
}
