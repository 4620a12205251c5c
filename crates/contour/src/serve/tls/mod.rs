//! TLS for the ports of this process: certificates from files, read again when the files change.
//!
//! Kubernetes replaces the files of a Secret by swapping a symbolic link; others write them in place. So before each
//! handshake it is looked whether the files are still those that were read. A set that is not complete, because it is just
//! being written or because somebody made a mistake, is told once, and the last good one stays in use. Connections that
//! are open are not touched.

mod expiry;
mod files;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;
use tokio::time::{Instant, MissedTickBehavior, interval};

pub use self::expiry::{Remaining, remaining};
pub use self::files::{Clients, Files};
use self::files::{Read, Stamp};
use super::metrics::Metrics;

/// How often it is looked whether files have changed though nobody connects.
const LOOK: Duration = Duration::from_mins(1);

/// How long until a certificate that expires soon is told again.
const DAY: Duration = Duration::from_hours(24);

/// How often files are read anew that change while they are read.
const ATTEMPTS: usize = 3;

/// What is spoken once the handshake is over. Becomes: the protocol that ALPN offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `http/1.1`
    Http1,
    /// `h2`
    Http2,
}

/// Why files cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Read {
        /// Which.
        path: std::path::PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} holds no {what} in PEM format", path = .path.display())]
    Missing {
        /// Which file.
        path: std::path::PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Certificate and key cannot be used, alone or together.
    #[error("{path} cannot be used with its key: {source}; give the key that the certificate was made for", path = .path.display())]
    Identity {
        /// The certificate's file.
        path: std::path::PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The certificates that sign clients cannot be used.
    #[error("{path} cannot verify clients: {reason}", path = .path.display())]
    Clients {
        /// Their file.
        path: std::path::PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// They change all the time.
    #[error("{path} and its key change while they are read", path = .path.display())]
    Unsteady {
        /// The certificate's file.
        path: std::path::PathBuf,
    },
}

/// TLS of one port: version 1.3 and nothing older.
#[derive(Debug)]
pub struct Tls {
    name: &'static str,
    files: Files,
    protocol: Protocol,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    good: Loaded,
    /// Files that were found to be of no use, so that this is told once.
    bad: Option<Stamp>,
}

/// What is in use.
#[derive(Debug)]
struct Loaded {
    stamp: Stamp,
    config: Arc<ServerConfig>,
    /// When which certificate expires, in seconds since 1970.
    expiries: Vec<(String, i64)>,
}

impl Tls {
    /// TLS with these files. The name stands in metrics and logs: `xds`, `metrics`.
    ///
    /// # Errors
    /// If the files cannot serve now.
    pub fn new(
        name: &'static str,
        files: Files,
        protocol: Protocol,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Tls>, Error> {
        let good = load(name, &files, protocol)?;
        tell(&good, &metrics);
        let state = Mutex::new(State { good, bad: None });
        Ok(Arc::new(Tls { name, files, protocol, metrics, state }))
    }

    /// What the next handshake uses. Looks at the files, elsewhere than on the thread that waits.
    pub async fn config(self: &Arc<Tls>) -> Arc<ServerConfig> {
        let this = Arc::clone(self);
        let refreshed = tokio::task::spawn_blocking(move || this.refresh()).await;
        refreshed.unwrap_or_else(|_| Arc::clone(&self.state().good.config))
    }

    /// Reads the files if they are not those that were read last.
    fn refresh(&self) -> Arc<ServerConfig> {
        let stamp = self.files.stamp();
        let mut state = self.state();
        if state.good.stamp == stamp {
            state.bad = None;
        } else if state.bad.as_ref() != Some(&stamp) {
            match load(self.name, &self.files, self.protocol) {
                Ok(good) => {
                    tracing::info!(name = self.name, "certificates were replaced");
                    tell(&good, &self.metrics);
                    *state = State { good, bad: None };
                }
                Err(error) => {
                    tracing::warn!(
                        name = self.name, %error,
                        "new certificates cannot be used; the ones before stay in use"
                    );
                    state.bad = Some(stamp);
                }
            }
        }
        Arc::clone(&state.good.config)
    }

    /// Looks at the files when nobody connects, and warns once a day of a certificate that expires within 30 days. Never
    /// ends.
    pub async fn watch(self: Arc<Tls>) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut warn_from = Instant::now();
        loop {
            looks.tick().await;
            self.config().await;
            if Instant::now() >= warn_from && self.warn(SystemTime::now()) {
                warn_from = Instant::now() + DAY;
            }
        }
    }

    /// Warns of what expires soon. Answers whether there was anything.
    fn warn(&self, now: SystemTime) -> bool {
        let state = self.state();
        let mut warned = false;
        for (name, expiry) in &state.good.expiries {
            match expiry::remaining(*expiry, now) {
                Remaining::Long => continue,
                Remaining::Days(days) => {
                    tracing::warn!(certificate = %name, days, "a certificate expires soon; replace its files");
                }
                Remaining::Expired => {
                    tracing::error!(certificate = %name, "a certificate has expired; replace its files");
                }
            }
            warned = true;
        }
        warned
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(loaded: &Loaded, metrics: &Metrics) {
    for (name, expiry) in &loaded.expiries {
        metrics.certificate(name, *expiry);
    }
}

/// When the certificates in these files expire, each by its name, in seconds since 1970.
///
/// # Errors
/// If the files cannot serve.
pub fn expiries(name: &'static str, files: &Files) -> Result<Vec<(String, i64)>, Error> {
    load(name, files, Protocol::Http1).map(|loaded| loaded.expiries)
}

/// Reads the files such that all are of one moment.
fn load(name: &str, files: &Files, protocol: Protocol) -> Result<Loaded, Error> {
    for _ in 0..ATTEMPTS {
        let stamp = files.stamp();
        let read = files.read();
        if files.stamp() == stamp {
            return loaded(name, files, protocol, read?, stamp);
        }
    }
    Err(Error::Unsteady { path: files.certificate.clone() })
}

fn loaded(
    name: &str,
    files: &Files,
    protocol: Protocol,
    read: Read,
    stamp: Stamp,
) -> Result<Loaded, Error> {
    let certificate = expiry::of(&read.chain[..1]);
    let signers = expiry::of(&read.signers);
    let named = [(name.to_owned(), certificate), (format!("{name}-ca"), signers)];
    let expiries = named.into_iter().filter_map(|(name, expiry)| Some((name, expiry?))).collect();
    let config = Arc::new(server_config(files, protocol, read)?);
    Ok(Loaded { stamp, config, expiries })
}

fn server_config(files: &Files, protocol: Protocol, read: Read) -> Result<ServerConfig, Error> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let identity = |source| Error::Identity { path: files.certificate.clone(), source };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(identity)?;
    let builder = match &files.clients {
        Clients::Anyone => builder.with_no_client_auth(),
        Clients::SignedBy(path) => {
            let clients = |reason: String| Error::Clients { path: path.clone(), reason };
            let mut roots = rustls::RootCertStore::empty();
            for signer in read.signers {
                roots.add(signer).map_err(|error| clients(error.to_string()))?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let verifier = verifier.build().map_err(|error| clients(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let certified = rustls::sign::CertifiedKey::from_der(read.chain, read.key, &provider);
    let resolver = SingleCertAndKey::from(certified.map_err(identity)?);
    let mut config = builder.with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![match protocol {
        Protocol::Http1 => b"http/1.1".to_vec(),
        Protocol::Http2 => b"h2".to_vec(),
    }];
    Ok(config)
}
