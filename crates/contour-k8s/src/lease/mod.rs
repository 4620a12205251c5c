//! Leader election: of several replicas, one writes.
//!
//! The lock is a Lease that candidates get, create and update; they need no other verb. Losing it ends nothing but
//! leadership: the candidate goes on.

mod durations;
mod event;
mod state;

use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::client;
use crate::told::{Recovered, Told, say};

pub use durations::{Durations, InvalidDurations};
use state::{Observed, Step, decide, held, released};

const BECAME: &str = "became leader";
const STOPPED: &str = "stopped leading";

/// How long giving up the Lease may take in all, and telling so: less than a server that stops gives its clients.
const END_WITHIN: Duration = Duration::from_secs(4);

/// How often a release is tried when somebody writes the Lease meanwhile.
const RELEASE_ATTEMPTS: usize = 3;

/// Which Lease to compete for, as whom, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The Lease's name (`--leader-election-resource-name`).
    pub name: String,
    /// Its namespace, which is also that of the Events (`--leader-election-resource-namespace`).
    pub namespace: String,
    /// Who we are: unique among the candidates, see [`identity`].
    pub identity: String,
    /// The times.
    pub durations: Durations,
}

/// A name for this process: `<hostname>_<uuid>`. In a pod the host's name is the pod's.
pub fn identity() -> String {
    let host = rustix::system::uname();
    format!("{}_{}", host.nodename().to_string_lossy(), uuid::Uuid::new_v4())
}

/// Leadership without an election: it is had from the beginning, and stays.
pub fn always() -> watch::Receiver<bool> {
    let (sender, leading) = watch::channel(true);
    // A receiver whose sender is gone would seem to change all the time.
    std::mem::forget(sender);
    leading
}

/// A candidate.
#[derive(Debug)]
pub struct Election {
    settings: Settings,
    leases: Api<Lease>,
    events: Api<Event>,
    leading: watch::Sender<bool>,
    /// The Lease as it was read or written last. `None`: unknown, or there is none.
    lease: Option<Lease>,
    observed: Option<Observed>,
    /// When the last request was sent that made or kept us leader.
    renewed: Option<Instant>,
    /// What to tell people, with the next pause.
    news: Vec<&'static str>,
    reported: Reported,
}

/// What was logged already, so that it is not logged every other second.
#[derive(Debug, Default)]
struct Reported {
    leader: Option<String>,
    /// The Lease cannot be read or written.
    failures: Told<()>,
    /// Events cannot be written.
    events: bool,
}

/// Why a request changed nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Somebody wrote the Lease meanwhile.
    #[error("written by someone else meanwhile")]
    Conflict,
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// The API server said no, or there was none.
    #[error(transparent)]
    Api(kube::Error),
}

impl Election {
    /// A candidate, and whether it leads, which is false until [`Election::run`] says otherwise. Only the newest value
    /// counts.
    pub fn new(client: Client, settings: Settings) -> (Election, watch::Receiver<bool>) {
        let (leading, receiver) = watch::channel(false);
        let client = client::for_election(&client);
        let election = Election {
            leases: Api::namespaced(client.clone(), &settings.namespace),
            events: Api::namespaced(client, &settings.namespace),
            settings,
            leading,
            lease: None,
            observed: None,
            renewed: None,
            news: Vec::new(),
            reported: Reported::default(),
        };
        (election, receiver)
    }

    /// Competes until `stop` is ready, then releases the Lease if it is ours, and ends: after four seconds at the latest,
    /// whatever the API server does.
    ///
    /// Leadership is lost, and may be had again, if another holds the Lease or it could not be renewed within the renew
    /// deadline. To be stopped after everything that only a leader does.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            let deadline = self.renewed.map(|at| at + self.settings.durations.renew_deadline());
            tokio::select! {
                // A process that was suspended must stop leading before it does anything else.
                biased;
                () = &mut stop => break,
                () = until(deadline) => self.step_down("it was not renewed in time"),
                () = self.round() => {}
            }
        }
        if timeout(END_WITHIN, self.end()).await.is_err() {
            let Settings { name, namespace, .. } = &self.settings;
            tracing::warn!(%namespace, %name, "no answer about the lease, which then expires");
        }
    }

    /// One attempt, and the pause after it.
    async fn round(&mut self) {
        match self.attempt().await {
            Ok(()) | Err(Failure::Conflict) => self.report_success(),
            Err(error) => self.report_failure(&error),
        }
        let pause = sleep(self.settings.durations.pause(fastrand::f64()));
        let news = self.tell();
        // Events must not delay a renewal.
        let mut pause = pin!(pause);
        tokio::select! {
            () = &mut pause => return,
            () = news => {}
        }
        pause.await;
    }

    async fn attempt(&mut self) -> Result<(), Failure> {
        let sent = Instant::now();
        if *self.leading.borrow() && self.lease.is_some() {
            // Nobody but us writes it while we lead: it need not be read.
            match self.write(Step::Renew, sent).await {
                Err(Failure::Conflict) => {}
                other => return other,
            }
        }
        self.read().await?;
        let now = Instant::now();
        let Settings { identity, durations, .. } = &self.settings;
        match decide(self.observed.as_ref(), now, identity, durations) {
            Step::Wait => {
                self.step_down("another holds it");
                self.report_leader();
                Ok(())
            }
            step => self.write(step, now).await,
        }
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let found = self.within(self.leases.get_opt(&self.settings.name)).await?;
        if let Some(lease) = found {
            self.observe(lease);
        } else {
            (self.lease, self.observed) = (None, None);
        }
        Ok(())
    }

    fn observe(&mut self, lease: Lease) {
        let spec = lease.spec.clone().unwrap_or_default();
        self.observed = Some(Observed::new(self.observed.take(), spec, Instant::now()));
        self.lease = Some(lease);
    }

    /// Writes the Lease as held by us; `sent` is the time from which on others may count.
    async fn write(&mut self, step: Step, sent: Instant) -> Result<(), Failure> {
        let Settings { identity, durations, .. } = &self.settings;
        let before = self.lease.as_ref().and_then(|lease| lease.spec.as_ref());
        let lease = self.lease_with(held(before, Timestamp::now(), identity, durations));
        let parameters = PostParams::default();
        let written = match step {
            Step::Create => self.within(self.leases.create(&parameters, &lease)).await,
            _ => self.replace(&lease).await,
        };
        match written {
            Ok(lease) => {
                self.observe(lease);
                self.renewed = Some(sent);
                self.step_up();
                Ok(())
            }
            Err(failure) => {
                // It may have been written all the same.
                self.lease = None;
                Err(failure)
            }
        }
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, Failure> {
        let parameters = PostParams::default();
        self.within(self.leases.replace(&self.settings.name, &parameters, lease)).await
    }

    /// The known Lease, or a new one, with another spec.
    fn lease_with(&self, spec: LeaseSpec) -> Lease {
        let metadata = match &self.lease {
            Some(lease) => lease.metadata.clone(),
            None => ObjectMeta {
                name: Some(self.settings.name.clone()),
                namespace: Some(self.settings.namespace.clone()),
                ..ObjectMeta::default()
            },
        };
        Lease { metadata, spec: Some(spec) }
    }

    /// Waits for an answer as long as a request may take.
    async fn within<T>(
        &self,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Failure> {
        let patience = self.settings.durations.patience();
        match timeout(patience, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => Err(Failure::Conflict),
            Ok(Err(error)) => Err(Failure::Api(error)),
            Err(_) => Err(Failure::Late(patience)),
        }
    }

    fn step_up(&mut self) {
        let Settings { name, namespace, identity, .. } = &self.settings;
        if self.leading.send_if_modified(|leading| !std::mem::replace(leading, true)) {
            tracing::info!(%namespace, %name, %identity, "became leader");
            self.reported.leader = Some(identity.clone());
            self.news.push(BECAME);
        }
    }

    fn step_down(&mut self, reason: &str) {
        self.renewed = None;
        let Settings { name, namespace, identity, .. } = &self.settings;
        if self.leading.send_if_modified(|leading| std::mem::replace(leading, false)) {
            tracing::warn!(%namespace, %name, %identity, reason, "lost the lease, statuses are not written until it is had again");
            self.news.push(STOPPED);
        }
    }

    /// Gives the Lease up if it is ours.
    async fn end(&mut self) {
        self.renewed = None;
        let led = self.leading.send_replace(false);
        let holder = self.observed.as_ref().and_then(Observed::holder);
        if led || holder.is_none_or(|holder| holder == self.settings.identity) {
            self.release().await;
        }
        if led {
            let Settings { name, namespace, identity, .. } = &self.settings;
            tracing::info!(%namespace, %name, %identity, "stopped leading");
            self.news.push(STOPPED);
            self.tell().await;
        }
    }

    async fn release(&mut self) {
        for _ in 0..RELEASE_ATTEMPTS {
            match self.try_release().await {
                Err(Failure::Conflict) => {}
                Ok(()) => return,
                Err(error) => {
                    let Settings { name, namespace, .. } = &self.settings;
                    tracing::warn!(%namespace, %name, %error, "cannot release the lease, which then expires");
                    return;
                }
            }
        }
    }

    async fn try_release(&mut self) -> Result<(), Failure> {
        // A request that was under way when we were told to stop may have changed it.
        self.read().await?;
        let Some(observed) = &self.observed else { return Ok(()) };
        if observed.holder() == Some(self.settings.identity.as_str()) {
            let lease = self.lease_with(released(&observed.spec, Timestamp::now()));
            let lease = self.replace(&lease).await?;
            self.observe(lease);
        }
        Ok(())
    }

    /// Writes Events, which nothing depends on.
    async fn tell(&mut self) {
        let known = self.lease.clone();
        let lease = known.unwrap_or_else(|| self.lease_with(LeaseSpec::default()));
        while let Some(what) = self.news.first() {
            let event = event::event(&lease, &self.settings.identity, what, Timestamp::now());
            let parameters = PostParams::default();
            match self.within(self.events.create(&parameters, &event)).await {
                Err(error) if !self.reported.events => {
                    self.reported.events = true;
                    let namespace = &self.settings.namespace;
                    tracing::warn!(%namespace, %error, "cannot write events about leadership, which is harmless");
                }
                _ => {}
            }
            self.news.remove(0);
        }
    }

    fn report_leader(&mut self) {
        let holder = self.observed.as_ref().and_then(Observed::holder);
        if holder != self.reported.leader.as_deref() {
            self.reported.leader = holder.map(str::to_owned);
            let Settings { name, namespace, .. } = &self.settings;
            tracing::info!(%namespace, %name, holder, "another replica leads");
        }
    }

    fn report_failure(&mut self, error: &Failure) {
        let Settings { name, namespace, .. } = &self.settings;
        let error = client::words(error);
        let loudness = self.reported.failures.failed(&(), &error, Instant::now());
        say!(loudness, warn, %namespace, %name, error, "cannot use the lease, trying on");
    }

    fn report_success(&mut self) {
        let recovered = self.reported.failures.went_well(&(), Instant::now());
        if let Some(Recovered { after, loudness }) = recovered {
            let Settings { name, namespace, .. } = &self.settings;
            let seconds = after.as_secs();
            say!(loudness, info, %namespace, %name, seconds, "the lease can be used again");
        }
    }
}

/// Waits until then; for ever if there is no such time.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
