//! The text of a manifest: YAML or JSON in, objects and findings out.
//!
//! Text is cut into documents ([`split`]), each becomes a tree with positions ([`tree`]), which says what it is
//! ([`identity`]), is checked against the schema of its kind ([`schema`], [`check`]) and the API server's other rules
//! ([`rules`]), and is then decoded ([`decode`]).

mod check;
mod decode;
mod identity;
mod kinds;
mod rules;
mod schema;
mod split;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use contour_builder::{Kind, Object, ObjectRef};

use self::check::Quoting;
use self::identity::{Identity, Version};
use crate::yaml::fault::{Fault, Faults, FieldPath, Position};
use crate::yaml::tree::{self, Node, Value};

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The objects of kinds that are read, in the order of the text.
    pub(crate) objects: Vec<Stated>,
    /// How many documents of each other kind there are.
    pub(crate) skipped: BTreeMap<String, usize>,
    /// What is wrong, in the order of the text.
    pub(crate) faults: Vec<Fault>,
    /// Whether a part of the text could not be told to be, or not to be, a certain object. What is missing from
    /// `objects` is then perhaps not gone.
    pub(crate) incomplete: bool,
}

/// One object of a file.
#[derive(Debug)]
pub(crate) struct Stated {
    pub(crate) reference: ObjectRef,
    pub(crate) at: Position,
    pub(crate) form: Form,
}

/// What became of an object.
#[derive(Debug)]
pub(crate) enum Form {
    /// It is good. Equal objects have equal digests.
    Good { object: Object, digest: u64 },
    /// It is not: the first fault, and how many there are.
    Broken { first: Fault, count: usize },
}

/// Reads the text of a file.
pub(crate) fn read(text: &str) -> Contents {
    let mut contents = Contents::default();
    for chunk in split::chunks(text) {
        let joined = split::joined_surrogates(chunk.text);
        let (documents, broken) = tree::parse(&joined, chunk.lines_before);
        for document in documents.iter().filter(|document| !document.is_null()) {
            contents.add(document, None, &FieldPath::default());
        }
        if let Some(fault) = broken {
            contents.incomplete = true;
            contents.faults.push(fault);
        }
    }
    contents
}

impl Contents {
    fn add(&mut self, node: &Node<'_>, listed: Option<Kind>, path: &FieldPath) {
        let mut faults = Faults::default();
        match identity::identify(node, listed, path, &mut faults) {
            Identity::Object { kind, reference, version } => {
                let object = match version {
                    Version::Read => object(kind, node, path, &mut faults),
                    Version::Other => None,
                };
                self.state(node.at, reference, object, faults.into_sorted());
            }
            Identity::List(kind) => self.add_list(node, kind, path, faults),
            Identity::Foreign(kind) => *self.skipped.entry(kind).or_default() += 1,
            Identity::Unknown => {
                self.incomplete = true;
                self.faults.extend(faults.into_sorted());
            }
        }
    }

    fn add_list(
        &mut self,
        node: &Node<'_>,
        kind: Option<Kind>,
        path: &FieldPath,
        mut faults: Faults,
    ) {
        match node.get("items") {
            Some(Node { value: Value::List(items), .. }) => {
                for (index, item) in items.iter().enumerate() {
                    self.add(item, kind, &path.item(index));
                }
            }
            // An empty list may be written as null.
            None => {}
            Some(other) => {
                self.incomplete = true;
                faults.push(other.at, path.to("items"), "expected a list");
                self.faults.extend(faults.into_sorted());
            }
        }
    }

    fn state(
        &mut self,
        at: Position,
        reference: Option<ObjectRef>,
        object: Option<(Object, u64)>,
        faults: Vec<Fault>,
    ) {
        let form = match (faults.first(), object) {
            (None, Some((object, digest))) => Form::Good { object, digest },
            (Some(first), _) => Form::Broken { first: first.clone(), count: faults.len() },
            (None, None) => unreachable!("an object that is not decoded has a fault"),
        };
        self.faults.extend(faults);
        match reference {
            Some(reference) => self.objects.push(Stated { reference, at, form }),
            None => self.incomplete = true,
        }
    }
}

/// Checks and decodes an object. Without faults there is one.
fn object(
    kind: Kind,
    node: &Node<'_>,
    path: &FieldPath,
    faults: &mut Faults,
) -> Option<(Object, u64)> {
    let schema = kinds::schema(kind);
    let quoting = if kind == Kind::Secret { Quoting::Nothing } else { Quoting::Values };
    check::check(schema, node, path.clone(), quoting, faults);
    rules::check(kind, node, path, faults);
    if !faults.is_empty() {
        return None;
    }
    let mut json = decode::json(schema, node);
    kinds::complete(&mut json);
    let mut hasher = DefaultHasher::new();
    json.hash(&mut hasher);
    match kinds::decode(kind, json) {
        Ok(object) => Some((object, hasher.finish())),
        Err(error) => {
            let error = if kind == Kind::Secret { String::new() } else { format!(": {error}") };
            faults.push(node.at, path.as_str(), format!("cannot be decoded{error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
