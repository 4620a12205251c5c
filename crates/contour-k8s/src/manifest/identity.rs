//! What a document claims to be: its kind, version, namespace and name.

use contour_builder::{Kind, ObjectName, ObjectRef};

use crate::yaml::fault::{Faults, FieldPath};
use crate::yaml::suggest;
use crate::yaml::tree::{Node, Value};

/// What a document is.
#[derive(Debug)]
pub(super) enum Identity {
    /// An object of a kind that is read.
    Object {
        kind: Kind,
        /// None if its namespace or name is missing or malformed.
        reference: Option<ObjectRef>,
        /// Whether it is of the version that is read, so that its schema is known.
        version: Version,
    },
    /// A list of objects. Its items may leave out what it says of them.
    List(Option<Kind>),
    /// Something that is not read, under the name to count it by.
    Foreign(String),
    /// Nothing that could be told.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Read,
    Other,
}

/// Says what `node` is; `listed` is the kind that the list around it gives to items without one.
pub(super) fn identify(
    node: &Node<'_>,
    listed: Option<Kind>,
    path: &FieldPath,
    faults: &mut Faults,
) -> Identity {
    if !matches!(node.value, Value::Map(_)) {
        faults.push(node.at, path.as_str(), "this is not a Kubernetes object: expected a mapping");
        return Identity::Unknown;
    }
    let api_version = text(node, "apiVersion", path, faults);
    let kind = text(node, "kind", path, faults);
    let (Ok(api_version), Ok(kind)) = (api_version, kind) else { return Identity::Unknown };
    let kind = match (kind, listed) {
        (Some(kind), _) => kind,
        (None, Some(kind)) => kind.as_str(),
        (None, None) => {
            faults.push(node.at, path.to("kind"), "required, but missing");
            return Identity::Unknown;
        }
    };
    if kind == "List" && matches!(api_version, Some("v1") | None) {
        return Identity::List(None);
    }
    let singular = kind.strip_suffix("List").unwrap_or(kind);
    let known = Kind::ALL.into_iter().find(|known| known.as_str() == singular);
    match known {
        Some(known) if api_version.is_some_and(|version| !is_group_of(known, version)) => {
            Identity::Foreign(foreign(kind, api_version))
        }
        Some(known) if singular != kind => Identity::List(Some(known)),
        Some(kind) => {
            let inherited = listed.map(Kind::api_version);
            let version = version(node, kind, api_version.or(inherited), path, faults);
            Identity::Object { kind, reference: reference(node, kind, path, faults), version }
        }
        None => misspelled_or_foreign(node, kind, api_version, path, faults),
    }
}

/// The text of a field; `Err` if it is something else.
fn text<'n>(
    node: &'n Node<'_>,
    name: &str,
    path: &FieldPath,
    faults: &mut Faults,
) -> Result<Option<&'n str>, ()> {
    let Some(value) = node.get(name) else { return Ok(None) };
    value.text().map(Some).ok_or_else(|| faults.push(value.at, path.to(name), "expected text"))
}

/// Whether `version` is one of `kind`'s API group, past or present. Others have kinds of the same name (Knative's
/// `Service`), which are none of ours.
fn is_group_of(kind: Kind, version: &str) -> bool {
    let group = group(version);
    group == group_of(kind) || (kind == Kind::Ingress && group == "extensions")
}

fn group_of(kind: Kind) -> &'static str {
    group(kind.api_version())
}

/// Empty for the core group, whose versions have no slash.
fn group(version: &str) -> &str {
    version.split_once('/').map_or("", |(group, _)| group)
}

/// As `kubectl` writes kinds of other groups, if the name alone would be taken for one of ours.
fn foreign(kind: &str, version: Option<&str>) -> String {
    match version.map(group) {
        Some(group) if !group.is_empty() => printable(&format!("{kind}.{group}")),
        _ => printable(kind),
    }
}

/// Without characters that a terminal would take for commands.
fn printable(text: &str) -> String {
    text.escape_debug().to_string()
}

fn misspelled_or_foreign(
    node: &Node<'_>,
    kind: &str,
    version: Option<&str>,
    path: &FieldPath,
    faults: &mut Faults,
) -> Identity {
    let siblings = Kind::ALL.into_iter().filter(|sibling| Some(sibling.api_version()) == version);
    let Some(meant) = suggest::closest(kind, siblings.map(Kind::as_str)) else {
        return Identity::Foreign(printable(kind));
    };
    let at = node.get("kind").map_or(node.at, |node| node.at);
    faults.push(at, path.to("kind"), format!("{kind:?} is no known kind; did you mean {meant:?}?"));
    Identity::Unknown
}

fn version(
    node: &Node<'_>,
    kind: Kind,
    version: Option<&str>,
    path: &FieldPath,
    faults: &mut Faults,
) -> Version {
    let field = path.to("apiVersion");
    let read = kind.api_version();
    match version {
        Some(version) if version == read => return Version::Read,
        Some(version) => {
            let at = node.get("apiVersion").map_or(node.at, |node| node.at);
            faults.push(at, field, format!("{version:?} of {kind} is not read; write {read}"));
        }
        None => {
            faults.push(node.at, field, format!("required, but missing; {kind} is read as {read}"));
        }
    }
    Version::Other
}

fn reference(
    node: &Node<'_>,
    kind: Kind,
    path: &FieldPath,
    faults: &mut Faults,
) -> Option<ObjectRef> {
    let name = node.find(&["metadata", "name"]);
    let namespace = node.find(&["metadata", "namespace"]);
    let checked_name = match name {
        None => {
            let at = node.get("metadata").map_or(node.at, |metadata| metadata.at);
            faults.push(at, path.to("metadata.name"), "required, but missing");
            None
        }
        Some(name) => {
            // Names of Services become labels of DNS names.
            let form = if kind == Kind::Service { &LABEL } else { &SUBDOMAIN };
            dns_name(name, &path.to("metadata.name"), form, faults)
        }
    };
    let checked_namespace = match namespace.filter(|namespace| namespace.text() != Some("")) {
        None => Some("default"),
        Some(namespace) => dns_name(namespace, &path.to("metadata.namespace"), &LABEL, faults),
    };
    Some(ObjectRef { kind, name: ObjectName::new(checked_namespace?, checked_name?) })
}

fn dns_name<'n>(
    node: &'n Node<'_>,
    field: &str,
    form: &NameForm,
    faults: &mut Faults,
) -> Option<&'n str> {
    // Other than text is reported by the schema.
    let text = node.text()?;
    if (form.holds)(text) {
        return Some(text);
    }
    faults.push(node.at, field, format!("{text:?} is not {}", form.wanted));
    None
}

/// One of the forms of names that Kubernetes has.
struct NameForm {
    holds: fn(&str) -> bool,
    wanted: &'static str,
}

const LABEL: NameForm = NameForm {
    holds: is_label,
    wanted: "a DNS label: write up to 63 lower-case letters, digits and, within, dashes",
};

const SUBDOMAIN: NameForm = NameForm {
    holds: is_subdomain,
    wanted: "a DNS name: write lower-case letters, digits, dots and, within, dashes",
};

/// A label of a DNS name (RFC 1123): up to 63 lower-case letters, digits and, within, dashes.
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_dns_word(text)
}

/// A name of one or more labels (RFC 1123). Kubernetes limits the whole to 253 characters, and labels not on their own.
pub(super) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_word)
}

fn is_dns_word(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(allowed) && !text.starts_with('-') && !text.ends_with('-')
}
