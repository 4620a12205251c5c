//! The Envoys that are connected to a Contour, by what it says itself.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::finding::{Finding, State};
use crate::config::edges::Endpoint;

const ABOUT: &str = "Envoy";
const PAGE: &str = "/debug/xds";

/// How long the answer may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Asks the Contour that shows debug pages here.
pub(super) async fn findings(debug: &Endpoint) -> Vec<Finding> {
    let reason = match timeout(WITHIN, page(debug)).await {
        Ok(Ok(page)) => return of_page(&page),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", WITHIN.as_secs()),
    };
    let says = format!("unknown: no Contour shows debug pages on {debug} ({reason})");
    let port = debug.port;
    let advice = format!(
        "run this in Contour's pod, or beside kubectl port-forward deploy/contour {port}; --debug-http-port says which port"
    );
    vec![Finding::other(State::Unknown, ABOUT, says, advice)]
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn page(debug: &Endpoint) -> Result<Value, Failure> {
    let stream = TcpStream::connect((debug.host.as_str(), debug.port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(PAGE).header(HOST, debug.to_string()).body(Empty::<Bytes>::new())?;
    let asking = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(format!("{PAGE} answered {status}").into());
        }
        let body = response.into_body().collect().await?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    };
    tokio::pin!(asking);
    tokio::select! {
        answer = &mut asking => answer,
        ended = connection => {
            ended?;
            asking.await
        }
    }
}

fn of_page(page: &Value) -> Vec<Finding> {
    let envoys = page["envoys"].as_array().map_or(&[][..], Vec::as_slice);
    if envoys.is_empty() {
        return vec![Finding::other(
            State::Doubtful,
            ABOUT,
            "none is connected to this Contour",
            "Envoys may be connected to another replica; else see their logs, and whether their certificates are of the same authority",
        )];
    }
    envoys.iter().flat_map(of_envoy).collect()
}

fn of_envoy(envoy: &Value) -> Vec<Finding> {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let (node, version) = (text(&envoy["node"]), text(&envoy["version"]));
    let mut findings =
        vec![Finding::good(ABOUT, format!("{node} is connected, version {version}"))];
    for standing in envoy["types"].as_array().into_iter().flatten() {
        let last = &standing["refused"]["last"];
        if last.is_null() {
            continue;
        }
        let (type_url, message) = (text(&standing["type"]), text(&last["message"]));
        let ago = last["secondsAgo"].as_u64().unwrap_or_default();
        let kind = type_url.rsplit('.').next().unwrap_or(&type_url);
        findings.push(Finding::other(
            State::Doubtful,
            ABOUT,
            format!("{node} refused a {kind} {ago} s ago: {message}"),
            "the object that it comes from says more, and so does /debug/xds",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_envoy_refused_is_told_in_its_words() {
        let refused = json!({ "secondsAgo": 7, "message": "no such cluster" });
        let types = json!([
            { "type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "refused": { "last": null } },
            { "type": "type.googleapis.com/envoy.config.listener.v3.Listener", "refused": { "last": refused } },
        ]);
        let page =
            json!({ "envoys": [{ "node": "envoy-1", "version": "1.40.0", "types": types }] });
        let found = of_page(&page);
        let expect = Finding::good(ABOUT, "envoy-1 is connected, version 1.40.0");
        assert_eq!(found[0], expect);
        assert_eq!(found[1].state, State::Doubtful);
        let text = super::super::finding::table(&found);
        assert!(text.contains("envoy-1 refused a Listener 7 s ago: no such cluster"), "{text}");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn without_any_a_person_should_look() {
        let found = of_page(&json!({ "envoys": [] }));
        assert_eq!(found.iter().map(|found| found.state).collect::<Vec<_>>(), [State::Doubtful]);
    }
}
