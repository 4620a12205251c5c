//! The `ContourConfiguration` that a process goes by.

use contour_api::v1alpha1::ContourConfiguration;
use contour_builder::ObjectName;
use futures_util::{Stream, StreamExt as _};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher;
use kube::{Api, Client};
use tokio::time::sleep;

use crate::source::cluster::Pause;

fn api(client: &Client, name: &ObjectName) -> Api<ContourConfiguration> {
    Api::namespaced(client.clone(), &name.namespace)
}

/// Reads it. An API server that does not answer, or does not let us, is waited for. `None` if there is none.
pub async fn wait(client: &Client, name: &ObjectName) -> Option<ContourConfiguration> {
    let mut pause = Pause::default();
    loop {
        match api(client, name).get_opt(&name.name).await {
            Ok(found) => return found,
            Err(error) => {
                tracing::warn!(%name, %error, "the ContourConfiguration cannot be read; it is tried again");
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
    let shown = name.clone();
    let watched = watcher::watch_object(api(client, name), &name.name);
    watched.default_backoff().filter_map(move |read| {
        let read = read.map_err(|error| {
            tracing::warn!(name = %shown, %error, "the ContourConfiguration cannot be watched; it is tried again");
        });
        std::future::ready(read.ok())
    })
}
