//! One write of one status.

use contour_api::meta::{ObjectMeta, Time};
use contour_api::networking::IngressStatus;
use contour_api::v1::HTTPProxyStatus;
use contour_builder::status::render;
use contour_builder::{Addresses, Conditions, Kind, ObjectRef, Revision};
use kube::Client;
use kube::api::{GetParams, PostParams};
use kube::core::Request;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::observed::Seen;

/// Why a status was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Forget it.
    #[error("the object is gone")]
    Gone,
    /// Render again from what is there now.
    #[error("it was changed by someone else meanwhile")]
    Conflict,
    /// Back off.
    #[error("{0}")]
    Api(#[source] kube::Error),
}

impl From<kube::Error> for WriteError {
    fn from(error: kube::Error) -> WriteError {
        match &error {
            kube::Error::Api(status) if status.code == 404 => WriteError::Gone,
            kube::Error::Api(status) if status.code == 409 => WriteError::Conflict,
            _ => WriteError::Api(error),
        }
    }
}

/// The status that an object should have and does not, as JSON; `None` if it has it. `seen`: what it has, as JSON.
pub(super) fn due(
    object: &ObjectRef,
    conditions: &Conditions,
    addresses: Option<&Addresses>,
    seen: &[u8],
    now: &Time,
) -> Option<Value> {
    match object.kind {
        Kind::HttpProxy => {
            let observed: HTTPProxyStatus = read(seen);
            json(render::http_proxy(conditions, addresses, &observed, now))
        }
        Kind::Ingress => {
            let observed: IngressStatus = read(seen);
            json(render::ingress(addresses, &observed))
        }
        Kind::Service | Kind::EndpointSlice | Kind::Secret => None,
    }
}

/// A status that cannot be read is written anew.
fn read<T: DeserializeOwned + Default>(status: &[u8]) -> T {
    serde_json::from_slice(status).unwrap_or_default()
}

fn json(status: Option<impl Serialize>) -> Option<Value> {
    status.map(|status| serde_json::to_value(status).expect("a status is JSON"))
}

/// Writes a status over that of the version which was seen. Answers what was written.
///
/// # Errors
/// See [`WriteError`].
pub(super) async fn put(
    client: &Client,
    object: &ObjectRef,
    seen: &Seen,
    status: Value,
) -> Result<Seen, WriteError> {
    let body = match object.kind {
        Kind::Ingress => whole(client, object, seen, status).await?,
        Kind::HttpProxy | Kind::Service | Kind::EndpointSlice | Kind::Secret => {
            part(object, seen, &status)
        }
    };
    let body = serde_json::to_vec(&body).expect("it is JSON");
    let request = Request::new(path(object));
    let request = request
        .replace_subresource("status", &object.name.name, &PostParams::default(), body)
        .map_err(|error| WriteError::Api(kube::Error::BuildRequest(error)))?;
    Ok(client.request::<Answer>(request).await?.into())
}

/// What is put for a status of a kind that is defined by a resource: of that, nothing but the status is taken.
fn part(object: &ObjectRef, seen: &Seen, status: &Value) -> Value {
    json!({
        "apiVersion": object.kind.api_version(),
        "kind": object.kind.as_str(),
        "metadata": {
            "namespace": *object.name.namespace,
            "name": *object.name.name,
            "resourceVersion": seen.resource_version,
        },
        "spec": {}, // the schema wants it
        "status": status,
    })
}

/// The same for a kind of Kubernetes' own: of those, labels, annotations, owners and finalizers are taken as well, and what
/// is left out is lost. So it is the whole object as it is, with another status.
///
/// # Errors
/// [`WriteError::Conflict`] if it is not what was seen.
async fn whole(
    client: &Client,
    object: &ObjectRef,
    seen: &Seen,
    status: Value,
) -> Result<Value, WriteError> {
    let mut whole: Value = client.request(request(object)?).await?;
    if whole["metadata"]["resourceVersion"] != *seen.resource_version {
        return Err(WriteError::Conflict);
    }
    whole["status"] = status;
    Ok(whole)
}

/// What is there now.
///
/// # Errors
/// See [`WriteError`].
pub(super) async fn get(client: &Client, object: &ObjectRef) -> Result<Seen, WriteError> {
    Ok(client.request::<Answer>(request(object)?).await?.into())
}

fn request(object: &ObjectRef) -> Result<http::Request<Vec<u8>>, WriteError> {
    let request = Request::new(path(object)).get(&object.name.name, &GetParams::default());
    request.map_err(|error| WriteError::Api(kube::Error::BuildRequest(error)))
}

/// Where objects of a kind are, in one namespace.
fn path(object: &ObjectRef) -> String {
    let (kind, namespace) = (object.kind, &object.name.namespace);
    let version = kind.api_version();
    let root = if version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{version}/namespaces/{namespace}/{}", plural(kind))
}

fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::HttpProxy => "httpproxies",
        Kind::Ingress => "ingresses",
        Kind::Service => "services",
        Kind::EndpointSlice => "endpointslices",
        Kind::Secret => "secrets",
    }
}

/// What the API server answers, as far as it matters.
#[derive(Debug, Deserialize)]
struct Answer {
    metadata: ObjectMeta,
    #[serde(default)]
    status: Value,
}

impl From<Answer> for Seen {
    fn from(answer: Answer) -> Seen {
        let status = match answer.status {
            Value::Null => Vec::new(),
            status => serde_json::to_vec(&status).expect("it was JSON"),
        };
        Seen {
            revision: Revision::of(&answer.metadata),
            resource_version: answer.metadata.resource_version.unwrap_or_default().into(),
            status: Some(status.into()),
        }
    }
}
