//! Renews the certificates of xDS in their Secrets, as long as this replica leads.
//!
//! What is to be written is said by [`plan`]; here it is asked for, done, and told. Losing the lease ends it wherever it is:
//! a write that is lost, or done twice, harms nothing.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use contour_k8s::client::Client;
use contour_k8s::secret::{self, Secret, Secrets};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::certificates::renewal::{Change, Found, Plan, Settings, Write, apply, plan, read};
use crate::certificates::{self, KeyType, Request, Side, issue};

/// How often it is looked whether somebody else has changed or deleted a Secret.
const LOOK: Duration = Duration::from_mins(10);

/// How long to wait at least, and at most where something goes wrong.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

/// Why nothing was renewed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("secret/{name}: {source}")]
    Secret { name: &'static str, source: secret::Error },
    #[error(transparent)]
    Generate(#[from] certificates::Error),
}

/// Renews certificates whenever `leading` says so. Never ends.
pub async fn run(client: Client, settings: Settings, mut leading: watch::Receiver<bool>) {
    let secrets = Secrets::new(&client, settings.namespace.as_str());
    let mut renewal = Renewal { secrets, settings, told: Told::default() };
    loop {
        if leading.wait_for(|leads| *leads).await.is_err() {
            return std::future::pending().await; // the election has ended as it was told to
        }
        let lost = async {
            if leading.wait_for(|leads| !*leads).await.is_err() {
                std::future::pending::<()>().await; // nobody is left who could take it away
            }
        };
        tokio::select! {
            () = lost => {}
            () = renewal.lead() => {}
        }
    }
}

struct Renewal {
    secrets: Secrets,
    settings: Settings,
    told: Told,
}

/// What was said already.
#[derive(Default)]
struct Told {
    /// What is wrong with the Secrets.
    problem: Option<String>,
    /// Verbs that we are not allowed.
    forbidden: BTreeSet<&'static str>,
    /// What fails, until something does not.
    failure: Option<String>,
}

impl Renewal {
    /// Renews. Never ends.
    async fn lead(&mut self) {
        let mut failures = 0;
        loop {
            match self.round().await {
                Ok(wait) => {
                    failures = 0;
                    self.told.failure = None;
                    sleep(wait).await;
                }
                Err(error) => {
                    self.tell(&error);
                    sleep((SHORTEST * (1 << failures)).min(LONGEST)).await;
                    failures = (failures + 1).min(6);
                }
            }
        }
    }

    /// Reads both Secrets and does what is to be done. Answers how long nothing is.
    async fn round(&mut self) -> Result<Duration, Error> {
        let (contour, envoy) = (self.get(Side::Contour).await?, self.get(Side::Envoy).await?);
        let now = SystemTime::now();
        let plan = plan(now, &found(contour.as_ref()), &found(envoy.as_ref()), &self.settings);
        let problem = match plan {
            Plan::Write(writes) => {
                self.told.problem = None;
                self.write(&writes, contour.as_ref(), envoy.as_ref()).await?;
                return Ok(Duration::ZERO);
            }
            Plan::Wait(until) => {
                self.told.problem = None;
                let wait = until.duration_since(now).unwrap_or_default();
                return Ok(wait.clamp(SHORTEST, LOOK));
            }
            Plan::Leave(side, problem) => format!("secret/{}: {problem}", side.secret()),
            Plan::ClockBehind(side) => {
                format!("secret/{}: by this machine's clock it is not valid yet", side.secret())
            }
        };
        if self.told.problem.as_ref() != Some(&problem) {
            let namespace = &self.settings.namespace;
            tracing::warn!(%namespace, problem, "certificates are not renewed");
            self.told.problem = Some(problem);
        }
        Ok(LOOK)
    }

    async fn get(&self, side: Side) -> Result<Option<Secret>, Error> {
        let name = side.secret();
        self.secrets.get(name).await.map_err(|source| Error::Secret { name, source })
    }

    /// Writes one after the other, and nothing more after one that fails.
    async fn write(
        &self,
        writes: &[Write],
        contour: Option<&Secret>,
        envoy: Option<&Secret>,
    ) -> Result<(), Error> {
        let Settings { namespace, lifetime, .. } = &self.settings;
        // Some writes have no use for it; there are few.
        let request = Request {
            namespace,
            lifetime: *lifetime,
            key_type: KeyType::P256,
            now: SystemTime::now(),
        };
        let bundle = issue(&request)?;
        for write in writes {
            let before = match write.side {
                Side::Contour => contour,
                Side::Envoy => envoy,
            };
            let after = apply(write, before, &bundle, namespace, SystemTime::now());
            let written = match before {
                None => self.secrets.create(&after).await,
                Some(_) => self.secrets.replace(&after).await,
            };
            let name = write.side.secret();
            written.map_err(|source| Error::Secret { name, source })?;
            let what = words(&write.change);
            if write.change == Change::Replace {
                tracing::warn!(%namespace, name, "{what}");
            } else {
                tracing::info!(%namespace, name, "{what}");
            }
        }
        Ok(())
    }

    fn tell(&mut self, error: &Error) {
        let namespace = &self.settings.namespace;
        match error {
            // It is read again.
            Error::Secret {
                source: secret::Error::Conflict | secret::Error::Exists | secret::Error::Gone,
                ..
            } => {
                tracing::debug!(%namespace, %error, "somebody else writes certificates");
            }
            Error::Secret { source: secret::Error::Forbidden { verb, .. }, .. } => {
                if self.told.forbidden.insert(verb) {
                    let needs = format!("{verb} secrets in namespace {namespace}");
                    tracing::warn!(needs, %error, "not allowed to renew certificates");
                }
            }
            _ => {
                let words = Some(error.to_string());
                if self.told.failure == words {
                    tracing::debug!(%namespace, %error, "certificates are not renewed");
                } else {
                    tracing::warn!(%namespace, %error, "certificates are not renewed; it is tried again");
                    self.told.failure = words;
                }
            }
        }
    }
}

fn found(secret: Option<&Secret>) -> Found {
    match secret.map(read) {
        None => Found::Missing,
        Some(Ok(held)) => Found::Held(held),
        Some(Err(problem)) => Found::Strange(problem),
    }
}

const fn words(change: &Change) -> &'static str {
    match change {
        Change::Create { .. } => "the certificate of xDS was missing and is made",
        Change::Introduce { .. } => {
            "a new certificate of xDS is in reserve, and its authority is trusted beside the old one"
        }
        Change::Promote => {
            "the new certificate of xDS is in use, and the old authority still trusted"
        }
        Change::Retire { .. } => "the old authority of xDS is no longer trusted",
        Change::Replace => "the certificate of xDS had expired, and is replaced at once",
        Change::Restamp => "a clock was changed: the renewal of certificates waits once more",
    }
}
