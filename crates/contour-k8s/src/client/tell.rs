//! Who hears what became of each request.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use tower::{Layer, Service};

/// A request to the API server that is over, as far as it is known what the server says to it. Each attempt is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// How it was answered; `None` if it was not, or if nobody waited for the answer any longer.
    pub code: Option<StatusCode>,
    /// Its method.
    pub method: &'a Method,
    /// Its path.
    pub path: &'a str,
    /// The server's address, with the port if that is not the scheme's own.
    pub host: &'a str,
}

/// Tells somebody of each request.
#[derive(Clone)]
pub(super) struct TellLayer(Arc<dyn Fn(&Asked<'_>) + Send + Sync>);

impl TellLayer {
    pub(super) fn new(tell: impl Fn(&Asked<'_>) + Send + Sync + 'static) -> TellLayer {
        TellLayer(Arc::new(tell))
    }
}

impl fmt::Debug for TellLayer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TellLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for TellLayer {
    type Service = Telling<S>;

    fn layer(&self, inner: S) -> Telling<S> {
        Telling { inner, tell: self.clone() }
    }
}

/// A service of whose requests somebody is told.
#[derive(Clone, Debug)]
pub(super) struct Telling<S> {
    inner: S,
    tell: TellLayer,
}

impl<S, B, R> Service<Request<B>> for Telling<S>
where
    S: Service<Request<B>, Response = Response<R>, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let host = request.uri().authority().map_or_else(String::new, ToString::to_string);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let mut pending = Pending { code: None, method, path, host, tell: self.tell.clone() };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            if let Ok(answer) = &answer {
                pending.answered(answer.status());
            }
            answer
        })
    }
}

/// A request under way. It is told of when this is dropped: also of one that nobody waits for any longer.
struct Pending {
    code: Option<StatusCode>,
    method: Method,
    path: String,
    host: String,
    tell: TellLayer,
}

impl Pending {
    fn answered(&mut self, code: StatusCode) {
        self.code = Some(code);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Pending { code, method, path, host, tell: TellLayer(tell) } = self;
        tell(&Asked { code: *code, method, path, host });
    }
}
