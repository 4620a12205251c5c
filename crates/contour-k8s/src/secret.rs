//! Secrets that we write: made, read, and replaced as a whole.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use contour_builder::ObjectName;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1 as core;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::core::Status;
use kube::{Api, Client};
use serde_json::json;
use tokio::time::timeout;

/// How long one request may take.
pub const WITHIN: Duration = Duration::from_secs(10);

/// A Secret: what is in it and, if it was read, all that its reader does not know of.
#[derive(Clone, PartialEq)]
pub struct Secret(core::Secret);

/// Which keys there are. What is behind them is nobody's business.
impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.0.data.iter().flat_map(BTreeMap::keys).collect();
        let metadata = &self.0.metadata;
        out.debug_struct("Secret")
            .field("name", &metadata.name)
            .field("version", &metadata.resource_version)
            .field("keys", &keys)
            .finish_non_exhaustive()
    }
}

impl Secret {
    /// One with this type and these labels, and nothing in it.
    pub fn new<const N: usize>(
        name: &ObjectName,
        type_: &str,
        labels: [(&str, &str); N],
    ) -> Secret {
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let metadata = ObjectMeta {
            name: Some(name.name.to_string()),
            namespace: Some(name.namespace.to_string()),
            labels: Some(BTreeMap::from(labels)),
            ..ObjectMeta::default()
        };
        Secret(core::Secret { metadata, type_: Some(type_.to_owned()), ..core::Secret::default() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its type.
    pub fn type_(&self) -> &str {
        self.0.type_.as_deref().unwrap_or_default()
    }

    /// What is behind a key.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        Some(&self.0.data.as_ref()?.get(key)?.0)
    }

    /// Puts something behind a key.
    pub fn set(&mut self, key: &str, content: impl Into<Vec<u8>>) {
        let data = self.0.data.get_or_insert_default();
        data.insert(key.to_owned(), ByteString(content.into()));
    }

    /// Removes a key, and answers what was behind it.
    pub fn take(&mut self, key: &str) -> Option<Vec<u8>> {
        Some(self.0.data.as_mut()?.remove(key)?.0)
    }

    /// An annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        Some(self.0.metadata.annotations.as_ref()?.get(key)?.as_str())
    }

    /// Sets an annotation; `None` takes it away.
    pub fn annotate(&mut self, key: &str, value: Option<String>) {
        let annotations = self.0.metadata.annotations.get_or_insert_default();
        match value {
            Some(value) => annotations.insert(key.to_owned(), value),
            None => annotations.remove(key),
        };
    }

    /// A manifest for it.
    pub fn manifest(&self) -> String {
        // A string of JSON is one of YAML: a namespace may be called `1`, or `true`.
        let quoted = |text: &str| json!(text).to_string();
        let metadata = &self.0.metadata;
        let mut text = "apiVersion: v1\nkind: Secret\nmetadata:\n".to_owned();
        // Writing to a String cannot fail.
        for (key, value) in [("name", &metadata.name), ("namespace", &metadata.namespace)] {
            let _ = writeln!(text, "  {key}: {}", quoted(value.as_deref().unwrap_or_default()));
        }
        text += "  labels:\n";
        for (key, value) in metadata.labels.iter().flatten() {
            let _ = writeln!(text, "    {key}: {}", quoted(value));
        }
        let _ = writeln!(text, "type: {}\ndata:", quoted(self.type_()));
        for (key, content) in self.0.data.iter().flatten() {
            let _ = writeln!(text, "  {key}: {}", json!(content)); // base64 in quotes
        }
        text
    }
}

/// Why a Secret was not read, or not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is one of that name.
    #[error("it exists already")]
    Exists,
    /// It is not the one that was read any more.
    #[error("it was changed by someone else meanwhile")]
    Conflict,
    /// There is none of that name.
    #[error("it is gone")]
    Gone,
    /// The type of a Secret stays what it was when it was made.
    #[error("it has another type, which cannot be changed")]
    OtherType,
    /// The rules of the cluster do not let us.
    #[error("not allowed to {verb} secrets: {reason}")]
    Forbidden {
        /// What was tried.
        verb: &'static str,
        /// The API server's words.
        reason: String,
    },
    /// The API server did not answer in time.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// Another answer, or none.
    #[error("{0}")]
    Api(#[source] Box<kube::Error>),
}

/// The Secrets of one namespace.
#[derive(Clone, Debug)]
pub struct Secrets(Api<core::Secret>);

impl Secrets {
    /// Those of this namespace.
    pub fn new(client: &Client, namespace: &str) -> Secrets {
        Secrets(Api::namespaced(client.clone(), namespace))
    }

    /// Reads one. `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Late`], [`Error::Api`].
    pub async fn get(&self, name: &str) -> Result<Option<Secret>, Error> {
        Ok(within("get", self.0.get_opt(name)).await?.map(Secret))
    }

    /// Makes one.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Forbidden`], [`Error::Late`], [`Error::Api`].
    pub async fn create(&self, secret: &Secret) -> Result<(), Error> {
        within("create", self.0.create(&PostParams::default(), &secret.0)).await.map(|_| ())
    }

    /// Whether [`Secrets::create`] would make it. Needs no other permission than that.
    ///
    /// # Errors
    /// What making it would end in.
    pub async fn could_create(&self, secret: &Secret) -> Result<(), Error> {
        let parameters = PostParams { dry_run: true, ..PostParams::default() };
        within("create", self.0.create(&parameters, &secret.0)).await.map(|_| ())
    }

    /// Writes one in the place of the one that is there: of the very one that was read, if it was read.
    ///
    /// # Errors
    /// All but [`Error::Exists`].
    pub async fn replace(&self, secret: &Secret) -> Result<(), Error> {
        let parameters = PostParams::default();
        let replacing = self.0.replace(secret.name(), &parameters, &secret.0);
        within("update", replacing).await.map(|_| ())
    }

    /// Deletes one. That there is none is as good.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Late`], [`Error::Api`].
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        match within("delete", self.0.delete(name, &DeleteParams::default())).await {
            Ok(_) | Err(Error::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

async fn within<T>(
    verb: &'static str,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Error> {
    let answer = timeout(WITHIN, request).await.map_err(|_| Error::Late(WITHIN))?;
    answer.map_err(|error| match &error {
        kube::Error::Api(status) => match status.code {
            403 => Error::Forbidden { verb, reason: status.message.clone() },
            404 if verb != "create" => Error::Gone,
            409 if verb == "create" => Error::Exists,
            409 => Error::Conflict,
            422 if is_of_type(status) => Error::OtherType,
            _ => Error::Api(Box::new(error)),
        },
        _ => Error::Api(Box::new(error)),
    })
}

/// Whether what is wrong is the field `type`.
fn is_of_type(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.field == "type")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        let name = ObjectName::new("1", "contourcert");
        let mut secret = Secret::new(&name, "kubernetes.io/tls", [("app", "contour")]);
        secret.set("tls.key", "of nobody's business");
        secret
    }

    #[test]
    fn its_content_is_in_no_debug_output() {
        let shown = format!("{:?}", secret());
        assert!(shown.contains("tls.key") && !shown.contains("business"), "{shown}");
        let bytes = format!("{:?}", b"business").trim_matches(['[', ']']).to_owned();
        assert!(!shown.contains(&bytes), "{shown}");
    }

    #[test]
    fn a_manifest_says_strings_where_yaml_would_see_numbers() {
        let expect = "apiVersion: v1
kind: Secret
metadata:
  name: \"contourcert\"
  namespace: \"1\"
  labels:
    app: \"contour\"
type: \"kubernetes.io/tls\"
data:
  tls.key: \"b2Ygbm9ib2R5J3MgYnVzaW5lc3M=\"
";
        assert_eq!(secret().manifest(), expect);
    }

    #[test]
    fn what_is_taken_is_no_longer_there() {
        let mut secret = secret();
        assert_eq!(secret.take("tls.key").as_deref(), Some(&b"of nobody's business"[..]));
        assert_eq!(secret.get("tls.key"), None);
        assert_eq!(secret.take("tls.key"), None);
        secret.annotate("a", Some("b".to_owned()));
        assert_eq!(secret.annotation("a"), Some("b"));
        secret.annotate("a", None);
        assert_eq!(secret.annotation("a"), None);
    }
}
