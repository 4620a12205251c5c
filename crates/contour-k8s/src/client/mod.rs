//! The Kubernetes API server: where it is, who we are to it, and how a dead one is noticed.

mod refusals;
mod tell;
mod throttle;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderValue, Request, Uri, header};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioExecutor;
pub use kube::Client;
use kube::Config;
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ConfigExt as _};
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use tower::retry::RetryLayer;
use tower::timeout::TimeoutLayer;
use tower::{BoxError, Service, ServiceBuilder};

use refusals::RefusalLayer;
pub use tell::Asked;
use tell::TellLayer;
pub use throttle::Throttle;
use throttle::ThrottleLayer;

/// Who we are in the API server's logs.
const USER_AGENT: &str = concat!("contour/", env!("CARGO_PKG_VERSION"));

/// The same for who competes for a Lease: audit logs tell renewals, which come every other second, from the rest.
const ELECTION_USER_AGENT: &str =
    concat!("contour/", env!("CARGO_PKG_VERSION"), "/leader-election");

/// How long it may take until there is a connection, TLS included.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// How long an answer may take to begin. The API server itself gives up after 60 s on all that is not a watch, and
/// answers a watch at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(65);

/// How long a connection may be silent within an answer. Longer than any watch lasts (300 s at most, by the limit that
/// each of ours sets), so that an idle watch ends before this is up.
const SILENT_AT_MOST: Duration = Duration::from_secs(330);

/// When the kernel asks whether a silent peer is still there, how often then, and how often in vain.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(15), Duration::from_secs(5), 3);

/// How long what we sent may stay unacknowledged by the peer's kernel.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_AT_MOST: Duration = Duration::from_secs(30);

/// How to reach the API server.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where it is and who we are.
    pub access: Access,
    /// How often we may ask. `None`: as often as there is something to ask.
    ///
    /// Source: `--kubernetes-client-qps`, `--kubernetes-client-burst`.
    pub throttle: Option<Throttle>,
    /// Who we claim to be, if the API server lets us; `None`: who we are.
    ///
    /// Source: `contour check --as`.
    pub act_as: Option<String>,
}

impl Settings {
    /// Ourselves, as often as there is something to ask.
    pub fn new(access: Access) -> Settings {
        Settings { access, throttle: None, act_as: None }
    }
}

/// Where the API server is described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// The pod's environment and its service account.
    InCluster,
    /// The current context of this file.
    Kubeconfig(PathBuf),
}

impl Access {
    /// The file, if it is named and `in_cluster` is false; else the pod's. The variable `KUBECONFIG` is of no
    /// account.
    ///
    /// Source: `--incluster`, `--kubeconfig`.
    pub fn new(in_cluster: bool, kubeconfig: &Path) -> Access {
        if in_cluster || kubeconfig.as_os_str().is_empty() {
            Access::InCluster
        } else {
            Access::Kubeconfig(kubeconfig.to_owned())
        }
    }

    fn refused(&self, reason: impl fmt::Display) -> Error {
        let reason = one_line(&reason.to_string());
        match self {
            Access::InCluster => Error::InCluster { reason },
            Access::Kubeconfig(file) => Error::Kubeconfig { file: file.clone(), reason },
        }
    }
}

/// Why there is no client. Nothing was sent yet: whether somebody listens shows with the first request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A file cannot be read, or makes no sense.
    #[error("cannot use the kubeconfig {}: {reason}", file.display())]
    Kubeconfig {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// We do not run in a pod, or it has no service account.
    #[error("cannot use the configuration of the pod: {reason}")]
    InCluster {
        /// What is missing.
        reason: String,
    },
}

/// A client as `settings` describe it. To be called within a Tokio runtime. `tell` hears of each request, once it is answered
/// or is known not to be.
///
/// Token files and the pod's CA file are read again when they change. A request waits for the beginning of its answer
/// for 65 s at most, and is sent again up to three times if the server says that it is overloaded (429, 503, 504).
/// Connections to a server that is gone are noticed within half a minute, also those of idle watches; to one that
/// merely hangs, after five and a half minutes: who watches should expect bookmarks and lose patience earlier.
///
/// # Errors
/// If the file or the pod's configuration is missing or makes no sense.
pub async fn connect(
    settings: &Settings,
    tell: impl Fn(&Asked<'_>) + Send + Sync + 'static,
) -> Result<Client, Error> {
    let access = &settings.access;
    let mut config = match access {
        Access::InCluster => Config::incluster().map_err(|error| in_cluster(access, &error))?,
        Access::Kubeconfig(file) => {
            kubeconfig(file).await.map_err(|reason| access.refused(reason))?
        }
    };
    if settings.act_as.is_some() {
        config.auth_info.impersonate.clone_from(&settings.act_as);
    }
    let (connector, tell) = (connector(), TellLayer::new(tell));
    let client = match config.proxy_url.clone() {
        None => client(config, settings.throttle, tell, connector),
        Some(proxy) if proxy.scheme_str() == Some("http") => {
            client(config, settings.throttle, tell, Tunnel::new(proxy, connector))
        }
        Some(proxy) => {
            return Err(access.refused(format_args!(
                "proxies are spoken to by plain HTTP only, and {proxy} is another scheme"
            )));
        }
    };
    client.map_err(|error| access.refused(error))
}

fn in_cluster(access: &Access, error: &InClusterError) -> Error {
    match error {
        InClusterError::ReadEnvironmentVariable(_) => access.refused(
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set; outside of a pod, name a kubeconfig",
        ),
        other => access.refused(other),
    }
}

async fn kubeconfig(file: &Path) -> Result<Config, String> {
    let words = |error: KubeconfigError| match error {
        // Ours names the file already.
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        KubeconfigError::Parse(error) => error.to_string(),
        KubeconfigError::CurrentContextNotSet => "it has no current-context".to_owned(),
        KubeconfigError::LoadContext(name) => format!("it has no context {name:?}"),
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name:?}"),
        other => other.to_string(),
    };
    let contents = Kubeconfig::read_from(file).map_err(words)?;
    let named = proxy_of_current_context(&contents);
    let config = Config::from_custom_kubeconfig(contents, &KubeConfigOptions::default()).await;
    let mut config = config.map_err(words)?;
    if !named {
        // kube takes `HTTPS_PROXY` for every host; `NO_PROXY` counts as well.
        config.proxy_url = proxy_of_environment(&config.cluster_url);
    }
    Ok(config)
}

fn proxy_of_current_context(file: &Kubeconfig) -> bool {
    let current =
        file.contexts.iter().find(|each| Some(&each.name) == file.current_context.as_ref());
    let context = current.and_then(|each| each.context.as_ref());
    let clusters = file.clusters.iter();
    let mut named =
        clusters.filter(|each| context.is_some_and(|context| context.cluster == each.name));
    let cluster = named.next().and_then(|each| each.cluster.as_ref());
    cluster.and_then(|cluster| cluster.proxy_url.as_ref()).is_some_and(|url| !url.is_empty())
}

fn proxy_of_environment(server: &Uri) -> Option<Uri> {
    Matcher::from_env().intercept(server).map(|proxy| proxy.uri().clone())
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false); // the TLS connector around it takes https
    connector.set_nodelay(true);
    let (idle, interval, retries) = KEEPALIVE;
    connector.set_keepalive(Some(idle));
    connector.set_keepalive_interval(Some(interval));
    connector.set_keepalive_retries(Some(retries));
    #[cfg(target_os = "linux")]
    connector.set_tcp_user_timeout(Some(UNACKNOWLEDGED_AT_MOST));
    connector
}

fn client<C>(
    config: Config,
    throttle: Option<Throttle>,
    tell: TellLayer,
    connector: C,
) -> Result<Client, kube::Error>
where
    C: Service<Uri, Error: std::error::Error + Send + Sync> + Clone + Send + Sync + 'static,
    C::Response: Connection + hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
{
    let mut connector =
        TimeoutConnector::new(config.rustls_https_connector_with_connector(connector)?);
    connector.set_connect_timeout(Some(CONNECT_WITHIN));
    connector.set_read_timeout(Some(SILENT_AT_MOST));
    let http = hyper_util::client::legacy::Builder::new(TokioExecutor::new()).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(RefusalLayer)
        .layer(RetryLayer::new(retries()))
        .option_layer(throttle.map(ThrottleLayer::new))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_request(|request| signed(request, USER_AGENT))
        .layer(tell)
        .map_err(BoxError::from)
        .layer(TimeoutLayer::new(ANSWER_WITHIN))
        .service(http);
    Ok(Client::new(service, config.default_namespace))
}

/// The same client, by another name in the API server's logs.
pub(crate) fn for_election(client: &Client) -> Client {
    let named = client.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = named.clone();
        async move { client.send(signed(request, ELECTION_USER_AGENT)).await }
    });
    Client::new(service, client.default_namespace())
}

/// Says who asks, unless the request says so itself.
fn signed<B>(mut request: Request<B>, name: &'static str) -> Request<B> {
    let headers = request.headers_mut();
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(name));
    request
}

/// Few and short: who sends a request has a back-off of its own, and perhaps a deadline.
fn retries() -> RetryPolicy {
    RetryPolicy::new(Duration::from_millis(100), Duration::from_secs(5), 3, true)
        .expect("the least delay is not above the longest")
}

/// What went wrong, with its causes: an error of the transport says no more of itself than where it happened.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

/// Joins the lines of a message that was made for a terminal.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
