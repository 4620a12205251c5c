//! What of the configuration shapes the graph.

/// What of the configuration shapes the graph. An input like an object: see [`Change::Config`](crate::Change::Config).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The ingress classes that are ours, compared to the letter. Empty: objects without a class and those of class
    /// `contour`.
    pub ingress_classes: Vec<String>,
    /// The namespaces whose HTTPProxies may claim host names. Empty: all.
    ///
    /// Source: `--root-namespaces`.
    pub root_namespaces: Vec<String>,
}

impl Config {
    /// Whether an HTTPProxy of this namespace may claim a host name.
    pub(crate) fn allows_roots_in(&self, namespace: &str) -> bool {
        let allowed = &self.root_namespaces;
        allowed.is_empty() || allowed.iter().any(|each| each == namespace)
    }
}
