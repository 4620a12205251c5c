//! How long edits of an endpoint take on their way.
//!
//! In a thread and a runtime of its own: what else this program does would make the moments late that are noted here.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use bytes::Bytes;
use contour_api::discovery::EndpointSlice;
use contour_tests::api_server::Account;
use contour_tests::grpc::Client;
use contour_tests::proxy::PATIENCE;
use contour_xds::resource::TypeUrl;
use contour_xds::wire::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use futures_util::TryStreamExt as _;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::json;
use tokio::runtime::Builder;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Error;

const DELTA_ENDPOINTS: &str = "envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints";

/// The slice that is edited.
const SLICE: &str = "web-1";

/// Edits of an endpoint; times in seconds.
#[derive(Default)]
pub(crate) struct Edits {
    /// Until the API server's answer.
    pub(crate) asking: Vec<f64>,
    /// From there until a plain watcher of the object has it.
    pub(crate) watching: Vec<f64>,
    /// From there until a client of `contour serve` has it.
    pub(crate) reaching: Vec<f64>,
    /// From when both the answer and the watcher's news were there.
    pub(crate) beyond: Vec<f64>,
}

/// Somebody who edits the endpoint again and again.
pub(crate) struct Editing {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<Edits, Error>>,
}

impl Editing {
    /// Begins. Returns when everyone has had the first edit, which does not count.
    pub(crate) fn begin(account: Account, server: SocketAddr) -> Result<Editing, Error> {
        let (stop, mut stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let edit = async move {
            let mut editor = Editor::connect(&account, server).await;
            editor.edit().await?;
            editor.edits = Edits::default();
            ready.send(())?;
            while stopped.try_recv() == Err(TryRecvError::Empty) {
                editor.edit().await?;
            }
            Ok(editor.edits)
        };
        let thread = thread::Builder::new().name("edits".to_owned());
        let editing = Editing { stop, thread: thread.spawn(move || runtime.block_on(edit))? };
        match is_ready.recv() {
            Ok(()) => Ok(editing),
            // It has ended.
            Err(_) => editing.end().and(Err("the endpoint cannot be edited".into())),
        }
    }

    /// Ends it with the edit that is under way.
    pub(crate) fn end(self) -> Result<Edits, Error> {
        let _ = self.stop.send(()); // it may have ended by itself
        match self.thread.join() {
            Ok(edits) => edits,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

struct Editor {
    slices: Api<EndpointSlice>,
    /// Which version of the slice a watcher saw last, and when.
    seen: watch::Receiver<(Option<String>, Instant)>,
    /// What a client that wants the endpoints of the service got last, and when.
    got: watch::Receiver<(Bytes, Instant)>,
    /// Those who note that. They end with it.
    _peers: JoinSet<()>,
    made: usize,
    edits: Edits,
}

impl Editor {
    async fn connect(account: &Account, server: SocketAddr) -> Editor {
        let slices = Api::namespaced(account.client().await, "default");
        let connection = Client::connect(server).await;
        let (see, seen) = watch::channel((None, Instant::now()));
        let (get, got) = watch::channel((Bytes::new(), Instant::now()));
        let mut peers = JoinSet::new();
        peers.spawn(watch_slice(slices.clone(), see));
        peers.spawn(subscribe(connection, get));
        Editor { slices, seen, got, _peers: peers, made: 0, edits: Edits::default() }
    }

    /// Edits it once, and waits until everyone has it.
    async fn edit(&mut self) -> Result<(), Error> {
        self.made += 1;
        let address = format!("198.18.1.{}", self.made % 250 + 1);
        let endpoint = json!({ "addresses": [&address], "conditions": { "ready": true } });
        let patch = Patch::Merge(json!({ "endpoints": [endpoint] }));
        let begin = Instant::now();
        let slice = self.slices.patch(SLICE, &PatchParams::default(), &patch).await?;
        let answered = Instant::now();
        let has_it = |(body, _): &(Bytes, _)| {
            body.windows(address.len()).any(|each| each == address.as_bytes())
        };
        let arrived = timeout(PATIENCE, self.got.wait_for(has_it)).await??.1;
        let is_it = |(version, _): &(_, _)| *version == slice.metadata.resource_version;
        let watched = timeout(PATIENCE, self.seen.wait_for(is_it)).await??.1;
        let after = |moment| arrived.saturating_duration_since(moment).as_secs_f64();
        self.edits.asking.push((answered - begin).as_secs_f64());
        self.edits.watching.push(watched.saturating_duration_since(answered).as_secs_f64());
        self.edits.reaching.push(after(answered));
        self.edits.beyond.push(after(answered.max(watched)));
        Ok(())
    }
}

/// Says which version of the slice a watcher saw last, and since when.
async fn watch_slice(slices: Api<EndpointSlice>, seen: watch::Sender<(Option<String>, Instant)>) {
    let watched = watcher(slices, watcher::Config::default()).applied_objects();
    let each = watched.try_for_each(|slice| {
        if slice.metadata.name.as_deref() == Some(SLICE) {
            seen.send_replace((slice.metadata.resource_version, Instant::now()));
        }
        std::future::ready(Ok(()))
    });
    if let Err(error) = each.await {
        eprintln!("the endpoints cannot be watched: {error}");
    }
}

/// Wants the endpoints of the service; takes what comes, and acknowledges it at once.
async fn subscribe(connection: Client, got: watch::Sender<(Bytes, Instant)>) {
    let Ok(mut call) = connection.call(DELTA_ENDPOINTS).await else { return };
    call.send(&DeltaDiscoveryRequest {
        type_url: TypeUrl::LoadAssignment.as_str().to_owned(),
        resource_names_subscribe: vec!["default/web/http".to_owned()],
        ..DeltaDiscoveryRequest::default()
    });
    while let Ok(answer) = call.try_next::<DeltaDiscoveryResponse>().await {
        call.send(&DeltaDiscoveryRequest {
            type_url: answer.type_url,
            response_nonce: answer.nonce,
            ..DeltaDiscoveryRequest::default()
        });
        for body in answer.resources.into_iter().filter_map(|each| each.resource) {
            got.send_replace((body.value, Instant::now()));
        }
    }
}
