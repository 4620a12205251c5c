//! `/debug/pprof/`: an honest answer to who expects the profiles of a Go program.

use std::os::unix::ffi::OsStringExt;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;

const INDEX: &str = "\
cmdline  the command line of this process, its arguments separated by zero bytes

This is no Go program: there are no profiles of its runtime. /debug/memory has what heap would tell;
`perf record -g -p PID` on its machine has what profile would.
";

pub(super) fn routes() -> Router {
    Router::new()
        .route("/debug/pprof/", get(async || INDEX))
        .route("/debug/pprof/cmdline", get(command_line))
        .route("/debug/pprof/{profile}", get(absent))
}

async fn command_line() -> Vec<u8> {
    let arguments: Vec<Vec<u8>> = std::env::args_os().map(OsStringExt::into_vec).collect();
    arguments.join(&0)
}

async fn absent(Path(profile): Path<String>) -> Response {
    let why = format!(
        "there is no profile {profile:?}: this is no Go program; /debug/pprof/ says what there is instead\n"
    );
    (StatusCode::NOT_FOUND, why).into_response()
}
