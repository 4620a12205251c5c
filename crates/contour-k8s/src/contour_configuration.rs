//! The `ContourConfiguration` that a process goes by.

use contour_api::v1alpha1::ContourConfiguration;
use contour_builder::ObjectName;
use futures_util::{Stream, StreamExt as _};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher;
use kube::{Api, Client};
use tokio::time::{Instant, sleep};

use crate::client;
use crate::source::cluster::Pause;
use crate::told::{Recovered, Told, say};

fn api(client: &Client, name: &ObjectName) -> Api<ContourConfiguration> {
    Api::namespaced(client.clone(), &name.namespace)
}

/// Reads it. An API server that does not answer, or does not let us, is waited for. `None` if there is none.
///
/// # Errors
/// If it is none that we understand.
pub async fn wait(
    client: &Client,
    name: &ObjectName,
) -> Result<Option<ContourConfiguration>, serde_json::Error> {
    let (mut pause, mut told) = (Pause::default(), Told::default());
    loop {
        match api(client, name).get_opt(&name.name).await {
            Ok(found) => return Ok(found),
            Err(kube::Error::SerdeError(error)) => return Err(error),
            Err(error) => {
                let error = client::words(&error);
                let loudness = told.failed(&(), &error, Instant::now());
                say!(loudness, warn, %name, error, "the ContourConfiguration cannot be read; it is tried again");
                sleep(pause.next()).await;
            }
        }
    }
}

/// What it says, at first and whenever it changes; `None` if it is gone. Never ends.
pub fn follow(
    client: &Client,
    name: &ObjectName,
) -> impl Stream<Item = Option<ContourConfiguration>> + use<> {
    let (shown, mut told) = (name.clone(), Told::default());
    let watched = watcher::watch_object(api(client, name), &name.name);
    watched.default_backoff().filter_map(move |read| {
        match &read {
            Ok(_) => tell_recovered(&shown, told.went_well(&(), Instant::now())),
            Err(error) => {
                let error = client::words(error);
                let loudness = told.failed(&(), &error, Instant::now());
                say!(loudness, warn, name = %shown, error, "the ContourConfiguration cannot be watched; it is tried again");
            }
        }
        std::future::ready(read.ok())
    })
}

fn tell_recovered(name: &ObjectName, recovered: Option<Recovered>) {
    if let Some(Recovered { after, loudness }) = recovered {
        say!(loudness, info, %name, seconds = after.as_secs(), "the ContourConfiguration is watched again");
    }
}
