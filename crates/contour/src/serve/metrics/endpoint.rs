//! `/metrics`.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use tower_http::compression::CompressionLayer;

use super::Metrics;

/// Prometheus' text format; `OpenMetrics` is not offered, as upstream does not.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Answers `/metrics`, compressed for who accepts gzip.
pub fn routes(metrics: Arc<Metrics>) -> Router {
    let show = move || {
        let metrics = Arc::clone(&metrics);
        async move { show(metrics).await }
    };
    Router::new().route("/metrics", get(show)).layer(CompressionLayer::new())
}

/// Elsewhere than on the thread that answers: ten thousand HTTPProxies are as many lines.
async fn show(metrics: Arc<Metrics>) -> Response {
    match tokio::task::spawn_blocking(move || metrics.render()).await {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
