//! Watches that the API server refuses.
//!
//! `kube` reads the answer to a watch as events whatever its status says: a refusal in plain text, as servers and proxies give
//! it, would look like a broken connection.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, Limited};
use kube::core::Status;
use tower::{BoxError, Layer, Service};

/// How much of a refusal is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// Makes refusals of watches errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct RefusalLayer;

impl<S> Layer<S> for RefusalLayer {
    type Service = Refusals<S>;

    fn layer(&self, inner: S) -> Refusals<S> {
        Refusals(inner)
    }
}

/// A service whose refusals of watches are errors.
#[derive(Clone, Debug)]
pub(super) struct Refusals<S>(S);

impl<S, B, R> Service<Request<B>> for Refusals<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = BoxError, Future: Send + 'static>,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let watches = request.uri().query().is_some_and(is_of_watch);
        let answer = self.0.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            if !watches || answer.status().is_success() {
                return Ok(answer);
            }
            let code = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), LONGEST).collect().await?.to_bytes();
            Err(kube::Error::Api(Box::new(status(code, &body))).into())
        })
    }
}

fn is_of_watch(query: &str) -> bool {
    query.split('&').any(|pair| matches!(pair.split_once('='), Some(("watch", "true" | "1"))))
}

/// What the server says; in its own words, if it has no form for them.
fn status(code: u16, body: &[u8]) -> Status {
    match serde_json::from_slice::<Status>(body) {
        Ok(status) if status.code == code => status,
        _ => Status::failure(String::from_utf8_lossy(body).trim(), "").with_code(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watches_are_known_by_their_query() {
        assert!(is_of_watch("allowWatchBookmarks=true&watch=true"));
        assert!(!is_of_watch("limit=500"));
        assert!(!is_of_watch("fieldSelector=watch%3Dtrue&watch=false"));
    }

    #[test]
    fn a_refusal_in_plain_text_has_its_code_and_words() {
        let refused = status(404, b"404 page not found\n");
        assert_eq!((refused.code, refused.message.as_str()), (404, "404 page not found"));
    }

    #[test]
    fn a_refusal_in_the_servers_form_is_taken_as_it_is() {
        let text = br#"{"kind":"Status","status":"Failure","message":"no","reason":"Forbidden","code":403}"#;
        let refused = status(403, text);
        assert_eq!((refused.code, refused.reason.as_str()), (403, "Forbidden"));
    }
}
