//! Checks a tree against a schema, as the API server does when it is asked to be strict.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::schema::{Keys, Schema, Shape, Text};
use crate::yaml::fault::{Faults, FieldPath, Position};
use crate::yaml::scalar::{self, Scalar};
use crate::yaml::suggest;
use crate::yaml::tree::{Entry, Node, Value};

/// So many known names are listed when none resembles an unknown one.
const NAMES_LISTED: usize = 12;

/// Whether a fault may say which value it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    Values,
    /// No: the object may hold keys and passwords.
    Nothing,
}

/// Adds to `faults` everything in `node`, which stands at `path`, that `schema` does not allow.
pub(super) fn check(
    schema: &Schema,
    node: &Node<'_>,
    path: FieldPath,
    quoting: Quoting,
    faults: &mut Faults,
) {
    Checker { quoting, path, faults }.value(schema, node);
}

struct Checker<'f> {
    quoting: Quoting,
    path: FieldPath,
    faults: &'f mut Faults,
}

impl Checker<'_> {
    fn fault(&mut self, at: Position, message: impl Into<String>) {
        self.faults.push(at, self.path.as_str(), message);
    }

    fn value(&mut self, schema: &Schema, node: &Node<'_>) {
        if node.is_null() && schema.nullable {
            return;
        }
        match &schema.shape {
            Shape::Any | Shape::Ignored => {}
            Shape::Boolean => self.boolean(node),
            Shape::Integer { minimum, maximum, allowed } => {
                self.integer(node, *minimum, *maximum, allowed);
            }
            Shape::Number { minimum, maximum } => self.number(node, *minimum, *maximum),
            Shape::Text(text) => self.text(node, text),
            Shape::IntOrString { pattern } => self.int_or_string(node, pattern.as_ref()),
            Shape::List { items, least, most, keys } => {
                self.list(node, items, (*least, *most), keys);
            }
            Shape::Map { values, least, most } => self.map(node, values, (*least, *most)),
            Shape::Object { fields, required } => self.object(node, fields, required),
        }
    }

    fn wrong_type(&mut self, node: &Node<'_>, expected: &str, mend: &str) {
        let mend = if mend.is_empty() { String::new() } else { format!("; {mend}") };
        let found = match self.quoting {
            Quoting::Values => format!(", found {}", node.described()),
            Quoting::Nothing => String::new(),
        };
        self.fault(node.at, format!("expected {expected}{found}{mend}"));
    }

    fn boolean(&mut self, node: &Node<'_>) {
        match &node.value {
            Value::Scalar(Scalar::Boolean(_)) => {}
            Value::Scalar(Scalar::Text(text)) if matches!(text.as_ref(), "true" | "false") => {
                self.wrong_type(node, "a boolean", "remove the quotes");
            }
            _ => self.wrong_type(node, "a boolean", "write true or false"),
        }
    }

    fn integer(&mut self, node: &Node<'_>, minimum: i64, maximum: i64, allowed: &[i64]) {
        match &node.value {
            Value::Scalar(Scalar::Integer(value)) => {
                if !allowed.is_empty() && !allowed.contains(value) {
                    let allowed: Vec<_> = allowed.iter().map(i64::to_string).collect();
                    self.fault(node.at, format!("{value} is not one of {}", allowed.join(", ")));
                } else if *value < minimum {
                    self.fault(node.at, format!("{value} is too small; the least is {minimum}"));
                } else if *value > maximum {
                    self.fault(node.at, format!("{value} is too large; the most is {maximum}"));
                }
            }
            Value::Scalar(Scalar::Text(text)) if scalar::is_integer(text) => {
                self.wrong_type(node, "an integer", "remove the quotes");
            }
            _ => self.wrong_type(node, "an integer", ""),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "compared with bounds that are floats themselves"
    )]
    fn number(&mut self, node: &Node<'_>, minimum: f64, maximum: f64) {
        let value = match node.value {
            Value::Scalar(Scalar::Integer(value)) => value as f64,
            Value::Scalar(Scalar::Float(value)) => value,
            _ => return self.wrong_type(node, "a number", ""),
        };
        if value < minimum {
            self.fault(node.at, format!("{value} is too small; the least is {minimum}"));
        } else if value > maximum {
            self.fault(node.at, format!("{value} is too large; the most is {maximum}"));
        }
    }

    fn text(&mut self, node: &Node<'_>, schema: &Text) {
        let text = match &node.value {
            Value::Scalar(Scalar::Text(text)) => text.as_ref(),
            Value::Scalar(Scalar::Null) | Value::List(_) | Value::Map(_) => {
                return self.wrong_type(node, "text", "");
            }
            Value::Scalar(_) => return self.wrong_type(node, "text", "put it in quotes"),
        };
        if !schema.allowed.is_empty() && !schema.allowed.iter().any(|allowed| allowed == text) {
            return self.fault(
                node.at,
                suggest::not_one_of(text, schema.allowed.iter().map(String::as_str)),
            );
        }
        let length = text.chars().count();
        if length < schema.least {
            let message = match length {
                0 => "must not be empty".to_owned(),
                _ => format!("has {length} characters; the least is {}", schema.least),
            };
            self.fault(node.at, message);
        } else if length > schema.most {
            self.fault(node.at, format!("has {length} characters; the most is {}", schema.most));
        }
        if let Some(pattern) = schema.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            self.fault(node.at, format!("{text:?} does not match the pattern {pattern}"));
        }
        if schema.timestamp && text.parse::<jiff::Timestamp>().is_err() {
            let message = format!("{text:?} is not a time; write it as in 2006-01-02T15:04:05Z");
            self.fault(node.at, message);
        }
    }

    fn int_or_string(&mut self, node: &Node<'_>, pattern: Option<&Regex>) {
        match &node.value {
            Value::Scalar(Scalar::Integer(value)) if i32::try_from(*value).is_err() => {
                self.fault(node.at, format!("{value} does not fit 32 bits"));
            }
            Value::Scalar(Scalar::Integer(_)) => {}
            Value::Scalar(Scalar::Text(text)) => {
                if let Some(pattern) = pattern.filter(|pattern| !pattern.is_match(text)) {
                    self.fault(node.at, format!("{text:?} does not match the pattern {pattern}"));
                }
            }
            _ => self.wrong_type(node, "an integer or text", ""),
        }
    }

    fn list(&mut self, node: &Node<'_>, schema: &Schema, bounds: (usize, usize), keys: &Keys) {
        let Value::List(items) = &node.value else {
            return self.wrong_type(node, "a list", "");
        };
        self.count(node.at, items.len(), bounds, "items");
        for (index, item) in items.iter().enumerate() {
            let mark = self.path.enter_index(index);
            self.value(schema, item);
            self.path.leave(&mark);
        }
        self.repeated_items(items, keys);
    }

    fn count(&mut self, at: Position, count: usize, (least, most): (usize, usize), what: &str) {
        if count < least {
            self.fault(at, format!("has {count} {what}; the least is {least}"));
        } else if count > most {
            self.fault(at, format!("has {count} {what}; the most is {most}"));
        }
    }

    fn repeated_items(&mut self, items: &[Node<'_>], keys: &Keys) {
        let mut first = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            let Some(identity) = identity(item, keys) else { continue };
            if let Some(earlier) = first.insert(identity.clone(), index) {
                let mark = self.path.enter_index(index);
                self.fault(item.at, format!("repeats item {earlier}: {identity} must be unique"));
                self.path.leave(&mark);
                first.insert(identity, earlier);
            }
        }
    }

    fn map(&mut self, node: &Node<'_>, values: &Schema, bounds: (usize, usize)) {
        let Value::Map(entries) = &node.value else {
            return self.wrong_type(node, "a mapping", "");
        };
        self.count(node.at, entries.len(), bounds, "entries");
        self.repeated_keys(entries);
        for entry in entries.iter().filter(|entry| !entry.node.is_null()) {
            let mark = self.path.enter(&entry.key);
            self.value(values, &entry.node);
            self.path.leave(&mark);
        }
    }

    fn object(&mut self, node: &Node<'_>, fields: &BTreeMap<String, Schema>, required: &[String]) {
        let Value::Map(entries) = &node.value else {
            return self.wrong_type(node, "a mapping", "");
        };
        self.repeated_keys(entries);
        for entry in entries.iter() {
            let mark = self.path.enter(&entry.key);
            match fields.get(entry.key.as_ref()) {
                None => self.fault(entry.at, unknown_field(&entry.key, fields)),
                // Null means absent, unless the schema says otherwise.
                Some(_) if entry.node.is_null() => {}
                Some(schema) => self.value(schema, &entry.node),
            }
            self.path.leave(&mark);
        }
        for name in required {
            let defaulted = fields.get(name).is_some_and(|field| field.default.is_some());
            if !defaulted && !present(entries, name, fields) {
                let mark = self.path.enter(name);
                self.fault(node.at, "required, but missing");
                self.path.leave(&mark);
            }
        }
    }

    fn repeated_keys(&mut self, entries: &[Entry<'_>]) {
        let mut seen = BTreeSet::new();
        for entry in entries {
            if !seen.insert(entry.key.as_ref()) {
                let mark = self.path.enter(&entry.key);
                self.fault(entry.at, "the same key stands here twice; keep one");
                self.path.leave(&mark);
            }
        }
    }
}

fn present(entries: &[Entry<'_>], name: &str, fields: &BTreeMap<String, Schema>) -> bool {
    let nullable = fields.get(name).is_some_and(|field| field.nullable);
    entries.iter().any(|entry| entry.key == name && (nullable || !entry.node.is_null()))
}

fn unknown_field(name: &str, fields: &BTreeMap<String, Schema>) -> String {
    let known = || fields.keys().map(String::as_str);
    if let Some(meant) = suggest::closest(name, known()) {
        return format!("unknown field; did you mean {meant:?}?");
    }
    // It may be known one level deeper: `spec.fqdn` for `spec.virtualhost.fqdn`.
    let parents = fields.iter().filter(|(_, field)| {
        matches!(&field.shape, Shape::Object { fields, .. } if fields.contains_key(name))
    });
    if let [(parent, _)] = parents.collect::<Vec<_>>()[..] {
        return format!("unknown field; did you mean \"{parent}.{name}\"?");
    }
    match fields.len() {
        0 => "unknown field; no field is known here".to_owned(),
        1..=NAMES_LISTED => {
            format!("unknown field; known here: {}", known().collect::<Vec<_>>().join(", "))
        }
        _ => "unknown field".to_owned(),
    }
}

/// What must be unique of an item: its value or its keys. `None` if there is nothing to compare.
fn identity(item: &Node<'_>, keys: &Keys) -> Option<String> {
    match keys {
        Keys::None => None,
        Keys::Item => scalar_text(item),
        Keys::Fields(names) => {
            let keys =
                names.iter().map(|name| Some(format!("{name} {}", scalar_text(item.get(name)?)?)));
            Some(keys.collect::<Option<Vec<_>>>()?.join(", "))
        }
    }
}

fn scalar_text(node: &Node<'_>) -> Option<String> {
    match &node.value {
        Value::Scalar(Scalar::Text(text)) => Some(format!("{text:?}")),
        Value::Scalar(Scalar::Integer(value)) => Some(value.to_string()),
        Value::Scalar(Scalar::Float(value)) => Some(value.to_string()),
        Value::Scalar(Scalar::Boolean(value)) => Some(value.to_string()),
        Value::Scalar(Scalar::Null) | Value::List(_) | Value::Map(_) => None,
    }
}
