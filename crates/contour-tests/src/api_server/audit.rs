//! What the account of Contour asks for, by the API server's own log.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Only of this account, and not what is asked.
const POLICY: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  users: [\"system:serviceaccount:projectcontour:contour\"]
- level: None
";

/// A request that was answered. One that lasts, such as a watch, is there when it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `get`, `watch`, `update` and so on.
    pub verb: String,
    /// The plural name of the resource, with its subresource: `httpproxies/status`. Empty: none is asked for.
    pub resource: String,
    /// The status of the answer.
    pub code: u16,
    /// Who asked, in the words of the client.
    pub user_agent: String,
}

/// An event of the log, as far as it matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    verb: String,
    #[serde(default)]
    user_agent: String,
    object_ref: Option<ObjectRef>,
    response_status: Option<ResponseStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRef {
    #[serde(default)]
    resource: String,
    subresource: Option<String>,
}

#[derive(Deserialize)]
struct ResponseStatus {
    code: u16,
}

impl Request {
    fn of(event: Event) -> Request {
        let resource = event.object_ref.map(|object| match object.subresource {
            Some(part) => format!("{}/{part}", object.resource),
            None => object.resource,
        });
        Request {
            verb: event.verb,
            resource: resource.unwrap_or_default(),
            code: event.response_status.map_or(0, |status| status.code),
            user_agent: event.user_agent,
        }
    }

    /// Whether it changes something.
    pub fn writes(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

pub(super) fn policy(directory: &Path) -> PathBuf {
    directory.join("audit-policy.yaml")
}

pub(super) fn log(directory: &Path) -> PathBuf {
    directory.join("audit.log")
}

pub(super) fn write_policy(directory: &Path) {
    std::fs::write(policy(directory), POLICY).expect("a file to write");
}

/// Everything that the log has so far.
pub(super) fn read(directory: &Path) -> Vec<Request> {
    let text = std::fs::read_to_string(log(directory)).unwrap_or_default(); // nothing asked yet
    // The last line may be under way.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let event = |line| serde_json::from_str(line).expect("an event of the audit log");
    whole.lines().map(event).map(Request::of).collect()
}
