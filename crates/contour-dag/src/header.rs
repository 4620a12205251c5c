//! What is done with headers and cookies.

use std::sync::Arc;

/// What is done with the headers of a message.
///
/// Becomes: `request_headers_to_add` and `…_remove`, `response_headers_to_add` and `…_remove`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeaderEdits {
    /// Headers that get this value instead of those they have. Sorted by name, each once.
    pub set: Vec<(Arc<str>, HeaderValue)>,
    /// Headers that are taken out. Sorted, each once.
    pub remove: Vec<Arc<str>>,
}

impl HeaderEdits {
    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

/// A header's value: what stands between variables is meant as it is written, whatever it looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeaderValue(pub Vec<HeaderPart>);

/// A part of a header's value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeaderPart {
    /// This text.
    Text(Arc<str>),
    /// What this says of the request or its connection: one of the commands that the API documents, without its percent
    /// signs (`HOSTNAME`, `REQ(x-id?x-other):8`).
    Variable(Arc<str>),
}

/// What is done with the attributes of a cookie that a service sets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CookieRewrite {
    /// The cookie's name.
    pub name: Arc<str>,
    /// Its attribute `Path`.
    pub path: Option<Arc<str>>,
    /// Its attribute `Domain`.
    pub domain: Option<Arc<str>>,
    /// Whether it has the attribute `Secure`.
    pub secure: Option<bool>,
    /// Its attribute `SameSite`.
    pub same_site: Option<SameSite>,
}

/// When a cookie is sent to a site that another one refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SameSite {
    /// Never.
    Strict,
    /// When its user goes there.
    Lax,
    /// Always.
    None,
}
