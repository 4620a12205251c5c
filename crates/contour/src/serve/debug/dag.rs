//! `/debug/dag`: what is served, as a graph in the language of Graphviz. The same graph, the same text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use contour_dag::{Action, ClusterName, Host, HostName, PathMatch, Route, WeightedCluster};
use contour_envoy::name;

use crate::serve::question::Graph;

/// The graph as text.
pub(super) fn text(graph: &Graph) -> String {
    let mut drawing = Drawing::default();
    let listener = format!("{}:{}", graph.http.address, graph.http.port);
    let listener = drawing.node(&format!("listener|{listener}"), &["listener", &listener]);
    for (name, host) in &graph.hosts {
        let host = drawing.host(name, host);
        drawing.edge(&listener, &host);
    }
    drawing.text()
}

/// Lines of nodes and edges, each once, in the order in which they are met.
#[derive(Default)]
struct Drawing {
    lines: Vec<String>,
    drawn: BTreeSet<String>,
}

impl Drawing {
    fn host(&mut self, name: &HostName, host: &Host) -> String {
        let url = format!("http://{}", name.domain);
        let node = self.node(&url, &[&url]);
        for (at, route) in host.plain.iter().enumerate() {
            let route = self.route(&format!("{url}|{at}"), route);
            self.edge(&node, &route);
        }
        node
    }

    fn route(&mut self, id: &str, route: &Route) -> String {
        let node = self.node(id, &[&condition(&route.matches.path)]);
        if let Action::Forward(forward) = &route.action {
            for cluster in forward.clusters() {
                let cluster = self.cluster(cluster);
                self.edge(&node, &cluster);
            }
        }
        node
    }

    fn cluster(&mut self, cluster: &WeightedCluster) -> String {
        let (name, weight) = (name::cluster(&cluster.cluster), cluster.weight);
        let label = format!("{{cluster|{{{}|weight {weight}}}}}", escaped(&name));
        let node = self.labelled(&format!("cluster|{name}|{weight}"), &label);
        let ClusterName::Service { port, .. } = &cluster.cluster;
        let service = format!("{}/{}:{}", port.namespace, port.service, port.number);
        let service = self.node(&format!("service|{service}"), &["service", &service]);
        self.edge(&node, &service);
        node
    }

    /// Draws a node of these compartments. Answers its id.
    fn node(&mut self, id: &str, compartments: &[&str]) -> String {
        let compartments: Vec<String> = compartments.iter().map(|each| escaped(each)).collect();
        self.labelled(id, &format!("{{{}}}", compartments.join("|")))
    }

    fn labelled(&mut self, id: &str, label: &str) -> String {
        let id = quoted(id);
        self.line(format!("{id} [shape=record, label=\"{label}\"]"));
        id
    }

    fn edge(&mut self, from: &str, to: &str) {
        self.line(format!("{from} -> {to}"));
    }

    fn line(&mut self, line: String) {
        if self.drawn.insert(line.clone()) {
            self.lines.push(line);
        }
    }

    fn text(self) -> String {
        let mut text = "digraph DAG {\nrankdir=\"LR\"\n".to_owned();
        for line in self.lines {
            let _ = writeln!(text, "{line}"); // writing to a String cannot fail
        }
        text + "}\n"
    }
}

fn condition(path: &PathMatch) -> String {
    let kind = match path {
        PathMatch::Exact(_) => "exact",
        PathMatch::Regex(_) => "regex",
        PathMatch::Segments(_) | PathMatch::Prefix(_) => "prefix",
    };
    format!("{kind}: {}", path.text())
}

/// An id.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Text in a label of records, where some characters would draw compartments, and some are taken for HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for each in text.chars() {
        match each {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '{' | '}' | '|' | '\\' => escaped.extend(['\\', each]),
            each => escaped.push(each),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;
    use std::sync::Arc;

    use contour_dag::{Domain, Frontend, Origin, OriginKind, RouteMatch, ServicePort};
    use contour_envoy::config::Bind;

    use super::*;

    fn route(path: PathMatch, action: Action) -> Route {
        let origin =
            Origin { kind: OriginKind::HttpProxy, namespace: "n".into(), name: "p".into() };
        Route { matches: RouteMatch::path(path), action, policy: None, origin }
    }

    #[test]
    fn every_part_is_drawn_once_and_in_order() {
        let port =
            ServicePort { namespace: "shop".into(), service: "web".into(), number: 80, name: None };
        let cluster = |weight| WeightedCluster::new(ClusterName::of(port.clone()), weight);
        let forward = |weight| Action::forward_or_unavailable(vec![cluster(weight)]);
        let none = Action::unavailable();
        let host = |name: &str, plain| {
            let domain = Domain::new(name).expect("a name");
            (
                HostName { frontend: Frontend::Configured, domain },
                Arc::new(Host { plain, policy: None }),
            )
        };
        let hosts = vec![
            host("a.example", vec![route(PathMatch::Prefix("/".into()), forward(1))]),
            host(
                "b.example",
                vec![
                    route(PathMatch::Regex("/a{1}|\"<b>\\d".into()), none),
                    route(PathMatch::Exact("/".into()), forward(1)),
                ],
            ),
        ];
        let http =
            Bind { address: [0, 0, 0, 0].into(), port: NonZeroU16::new(8080).expect("not zero") };
        let expect = r#"digraph DAG {
rankdir="LR"
"listener|0.0.0.0:8080" [shape=record, label="{listener|0.0.0.0:8080}"]
"http://a.example" [shape=record, label="{http://a.example}"]
"http://a.example|0" [shape=record, label="{prefix: /}"]
"cluster|shop/web/80/da39a3ee5e|1" [shape=record, label="{cluster|{shop/web/80/da39a3ee5e|weight 1}}"]
"service|shop/web:80" [shape=record, label="{service|shop/web:80}"]
"cluster|shop/web/80/da39a3ee5e|1" -> "service|shop/web:80"
"http://a.example|0" -> "cluster|shop/web/80/da39a3ee5e|1"
"http://a.example" -> "http://a.example|0"
"listener|0.0.0.0:8080" -> "http://a.example"
"http://b.example" [shape=record, label="{http://b.example}"]
"http://b.example|0" [shape=record, label="{regex: /a\{1\}\|&#34;&lt;b&gt;\\d}"]
"http://b.example" -> "http://b.example|0"
"http://b.example|1" [shape=record, label="{exact: /}"]
"http://b.example|1" -> "cluster|shop/web/80/da39a3ee5e|1"
"http://b.example" -> "http://b.example|1"
"listener|0.0.0.0:8080" -> "http://b.example"
}
"#;
        assert_eq!(text(&Graph { http, hosts }), expect);
    }
}
