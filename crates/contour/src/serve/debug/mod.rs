//! `/debug`: what this process knows, for people who look for a cause. On loopback, and without any secret.

mod config;
mod dag;
mod envoys;
mod hosts;
mod memory;
mod pprof;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use tokio::sync::{mpsc, oneshot};

pub use self::config::{Row, Rows};
use super::control::Event;
use super::hub::Hub;
use super::question::{self, Question};

/// Where the answers come from.
#[derive(Clone)]
pub struct Sources {
    /// The control loop.
    pub control: mpsc::Sender<Event>,
    /// Who is connected, and what they are served.
    pub hub: Arc<Hub>,
    /// The configuration in effect, and where each value came from.
    pub config: Rows,
}

impl fmt::Debug for Sources {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// What there is to see.
const INDEX: &str = "\
/debug/dag         what is served, as a graph for Graphviz
/debug/hosts/NAME  what one host is made of, and what would have it built again
/debug/xds         who is connected, what they were sent, accepted and refused
/debug/config      the configuration in effect, and where each value came from
/debug/memory      how much there is of everything
/debug/pprof/      which profiles there are
";

/// The routes of `/debug`.
pub fn routes(sources: Sources) -> Router {
    Router::new()
        .route("/debug/", get(async || INDEX))
        .route("/debug/dag", get(show_dag))
        .route("/debug/hosts/{name}", get(show_host))
        .route("/debug/xds", get(show_envoys))
        .route("/debug/config", get(show_config))
        .route("/debug/memory", get(show_memory))
        .with_state(sources)
        .merge(pprof::routes())
}

async fn show_dag(State(sources): State<Sources>) -> Response {
    match sources.ask(Question::Graph).await {
        Ok(graph) => elsewhere(move || dag::text(&graph).into_response()).await,
        Err(ended) => ended,
    }
}

async fn show_host(State(sources): State<Sources>, Path(name): Path<String>) -> Response {
    let Some(unit) = hosts::unit(&name) else {
        return (StatusCode::NOT_FOUND, "give the name of a host\n").into_response();
    };
    match sources.ask(|reply| Question::Inspect(unit, reply)).await {
        Ok(Some(found)) => json(&hosts::shown(&name, &found)),
        Ok(None) => {
            (StatusCode::NOT_FOUND, format!("no object claims the host {name}\n")).into_response()
        }
        Err(ended) => ended,
    }
}

async fn show_envoys(State(sources): State<Sources>) -> Response {
    json(&envoys::shown(&sources.hub))
}

async fn show_config(State(sources): State<Sources>) -> Response {
    json(&config::shown((sources.config)()))
}

async fn show_memory(State(sources): State<Sources>) -> Response {
    match sources.ask(Question::Amounts).await {
        Ok(amounts) => elsewhere(move || json(&memory::shown(&amounts, &sources.hub))).await,
        Err(ended) => ended,
    }
}

impl Sources {
    /// Asks the control loop.
    ///
    /// # Errors
    /// What to answer if it has ended.
    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, Response> {
        let ended =
            || (StatusCode::SERVICE_UNAVAILABLE, "the control loop has ended\n").into_response();
        question::ask(&self.control, question).await.ok_or_else(ended)
    }
}

/// Computes an answer elsewhere than on the threads that serve: there may be a hundred thousand hosts.
async fn elsewhere(answer: impl FnOnce() -> Response + Send + 'static) -> Response {
    let answered = tokio::task::spawn_blocking(answer).await;
    answered.unwrap_or_else(|error| {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
    })
}

fn json(value: &serde_json::Value) -> Response {
    let content_type = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, content_type)], format!("{value:#}\n")).into_response()
}
