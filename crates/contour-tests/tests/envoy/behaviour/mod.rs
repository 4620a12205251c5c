//! What requests get to see of what the routes of an HTTPProxy ask for.
//!
//! Each module has one test with one Envoy, and shows many facts, of which each has a name.

pub(crate) mod access;
pub(crate) mod conditions;
pub(crate) mod cookies;
pub(crate) mod cors;
pub(crate) mod external_names;
pub(crate) mod headers;
pub(crate) mod health;
pub(crate) mod limits;
pub(crate) mod load_balancing;
pub(crate) mod mirrors;
pub(crate) mod protocols;
pub(crate) mod redirects;
pub(crate) mod retries;
pub(crate) mod rewrites;
pub(crate) mod timeouts;

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use contour_tests::proxy::{Ports, Proxy, Request, Response, until};
use contour_tests::server::Server;
use contour_xds::resource::Dialect;

use crate::manifests::Manifests;

/// An Envoy that serves a directory of manifests, and the facts that were found with it.
struct Stage {
    envoy: Proxy,
    server: Server,
    shown: Cell<usize>,
    broken: RefCell<Vec<String>>,
}

impl Stage {
    /// Serves what the manifests say, and waits until Envoy does.
    async fn start(binary: &Path, manifests: &Manifests) -> Stage {
        let ports = Ports::free();
        Stage::start_with(binary, manifests, ports, ports.config()).await
    }

    /// The same with a configuration, in which these ports are.
    async fn start_with(
        binary: &Path,
        manifests: &Manifests,
        ports: Ports,
        config: Arc<contour_envoy::Config>,
    ) -> Stage {
        let server = Server::start(manifests.path(), config).await;
        let envoy = Proxy::start(binary, server.xds, Dialect::Aggregated, ports);
        let stage = Stage { envoy, server, shown: Cell::default(), broken: RefCell::default() };
        stage.settle().await;
        stage
    }

    /// Waits until Envoy serves all that it is told.
    async fn settle(&self) {
        until("Envoy serves what it is told", async || {
            self.server.hub.settled() && self.envoy.get("none.test", "/").await.is_ok()
        })
        .await;
    }

    /// The response to a request.
    async fn send(&self, request: Request) -> Response {
        request.send(self.envoy.http).await.expect("a response")
    }

    async fn get(&self, host: &str, path: &str) -> Response {
        self.send(Request::get(host, path)).await
    }

    /// Notes whether something is as expected. What is not is told at the end, all at once.
    fn fact<T: Debug + PartialEq>(&self, name: &str, found: T, expect: T) {
        self.shown.set(self.shown.get() + 1);
        if found != expect {
            let mut broken = self.broken.borrow_mut();
            broken.push(format!("{name}\n    found    {found:?}\n    expected {expect:?}"));
        }
    }

    /// Waits until something holds, which is a fact then.
    async fn becomes(&self, name: &str, holds: impl AsyncFnMut() -> bool) {
        until(name, holds).await;
        self.shown.set(self.shown.get() + 1);
    }

    /// The last fact of all is that Envoy refused nothing.
    async fn end(self) {
        self.fact("Envoy has refused nothing", self.envoy.rejected().await, 0);
        let broken = self.broken.into_inner();
        println!("{} facts", self.shown.get());
        assert!(broken.is_empty(), "not so:\n- {}", broken.join("\n- "));
    }
}

/// Manifests with these HTTPProxies, in YAML.
fn manifests(proxies: &str) -> Manifests {
    let manifests = Manifests::new();
    manifests.write("proxies.yaml", proxies);
    manifests
}
