//! Snapshots and the xDS protocol, without sockets.
//!
//! # What xDS is
//!
//! An Envoy opens gRPC streams to its control plane and asks for *resources* of certain *types*: clusters, listeners,
//! route configurations, load assignments, secrets, runtime layers. Each resource has a name, a version and an encoded
//! body. For each type the conversation is the same:
//!
//! 1. The client *subscribes*: to names, or to all there is (`*`; or, the older way, by naming nothing at first).
//! 2. The server answers with a response that has a *nonce*, a number that counts its responses.
//! 3. The client repeats the nonce: alone it means *accepted* (ACK), with an `error_detail` *refused* (NACK).
//! 4. Whenever something changes that the client is subscribed to, the server sends another response.
//!
//! There are two *variants*. In the incremental one ([`delta`]) each resource has its own version, a response contains
//! what changed and names what is gone, and a client that comes from another stream says which versions it holds. In
//! the older one ([`sotw`], "state of the world") a response has one version, and of listeners and clusters always
//! contains all: what is left out is gone. Each variant is served in two ways: all types on one *aggregated* stream, or
//! a stream for each type or even for each resource.
//!
//! # How it is done here
//!
//! **A snapshot is a value** ([`snapshot`]). The [`cache`] makes a new one from each change; they share all that did
//! not change, and comparing two costs what differs. A stream remembers the table that it looked at last; what moved
//! since is one comparison away, after one publication or after a thousand. There is no log of changes and no queue.
//!
//! **A stream is a state machine over values** ([`stream::Stream`]). It is told of requests, publications and time, and
//! returns responses. For each type it keeps what its Envoy does *not* have: names under which something else is held,
//! or nobody knows what. At rest that is nothing. A response takes names out of that set; a NACK puts them back.
//!
//! **Back-pressure.** One response of a type is under way at a time; what changes meanwhile goes into the next. If the
//! answer took t, the next response waits another t, half a second at most. What the client *asks* for is answered at
//! once. Clusters on an aggregated stream are the exception: Envoy keeps back every answer about clusters
//! while any cluster warms, for minutes if some author's server is dead; so several cluster responses may be
//! unanswered.
//!
//! **Refusals.** Envoy refuses a *response*. Of several resources in it none, some or most are in use afterwards, and
//! its words need not name the guilty one. So the resources of a refused response are sent again at once, each alone;
//! the nonce of the next NACK tells. Only a version that was refused alone is remembered and not sent again. (Listeners
//! and clusters in the state of the world cannot be sent alone; there the named ones are put back, or halves are
//! tried.) A client that reconnects reports the versions it *accepted* last, which after a NACK is not what it uses;
//! which reports are wrong outlives the stream, in [`refusals`]. A refused *secret* is replaced at once by the last
//! good one: sent again, Envoy would acknowledge it without using it.
//!
//! **Order.** On an aggregated stream: runtime, clusters, assignments, secrets, listeners, routes. A cluster is
//! followed at once by its load assignment, changed or not, because Envoy waits for one after each change of a cluster
//! and does not ask. Listeners and routes that lead to a new cluster wait for the answer to that assignment, a second
//! at most. What is removed waits until nothing that the Envoy may be using refers to it. A route configuration is
//! never answered as removed, and an unknown load assignment is answered empty. Streams of the separate dialect know
//! nothing of each other; there the cache publishes in stages ([`cache::Cache::retire`]).
//!
//! **Waking.** [`subscribers::Subscribers`] knows who follows what, so that of ten thousand streams of one assignment
//! each, a change of one assignment wakes one. [`progress::Progress`] knows what has been accepted by everybody;
//! [`awaited::Awaited`], how long ago what was awaited.
//!
//! # What the adapter does
//!
//! The code that knows sockets contains no protocol logic. For each dialect it shares the newest snapshot, the
//! [`refusals::Refusals`], the [`subscribers::Subscribers`] and the [`progress::Progress`] among its streams. For each
//! gRPC stream it makes a [`stream::Stream`] (aggregated streams belong to [`resource::Dialect::Aggregated`], typed
//! ones to [`resource::Dialect::Separate`]) and then, whatever happens:
//!
//! 1. **A request arrives:** [`stream::Stream::on_request`]. An error ends the gRPC stream.
//!    **The stream is woken:** [`stream::Stream::on_publish`].
//!    **[`stream::Stream::next_deadline`] is reached:** [`stream::Stream::on_time`].
//! 2. Then, in this order: notes the reply's interests in the subscribers and its marks in the refusals; reports
//!    [`stream::Stream::standing`] to the progress (and to what is awaited); encodes and sends the responses; logs the verdict.
//! 3. If the newest snapshot is no longer the one that the call saw, it calls `on_publish` at once: a publication
//!    between the call and the note of its interests did not wake it.
//! 4. When the gRPC stream ends, however it does: notes the marks of [`stream::Stream::on_close`], and takes the stream
//!    out of the subscribers ([`stream::Stream::interests`]) and the progress.
//!
//! Who publishes (the control loop) calls, for each [`cache::Publication`]: [`refusals::Refusals::published`]; makes
//! the snapshot the newest; [`progress::Progress::published`] with the streams that are concerned; wakes those. It
//! calls [`cache::Cache::retire`] at [`cache::Cache::next_deadline`].
//!
//! A [`stream::Stream`] must be shown snapshots in the order of their epochs, and moments that do not go back.

#![warn(missing_docs)]

pub mod awaited;
pub mod cache;
pub mod delta;
mod each;
pub mod exchange;
pub mod fetch;
mod horizon;
mod lane;
mod ledger;
mod order;
mod pace;
pub mod progress;
pub mod redact;
pub mod refusals;
pub mod resource;
pub mod sift;
pub mod snapshot;
pub mod sotw;
mod staging;
pub mod stream;
pub mod subscribers;
mod subscription;
pub mod time;
mod whole;
pub mod wire;

pub use lane::Outstanding;
