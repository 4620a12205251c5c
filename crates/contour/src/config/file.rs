//! The configuration file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use contour_k8s::yaml::fault::Position;
use contour_k8s::yaml::scalar::Scalar;
use contour_k8s::yaml::suggest;
use contour_k8s::yaml::tree::{self, Entry, Node, Value as Yaml};

use super::given;
use super::key::{Key, Kind};
use super::keys;
use super::problem::{Problem, Problems};
use super::settings::{Item, Origin, Settings, Value};

/// How many bytes a configuration file may have. A ConfigMap holds less.
const LIMIT: u64 = 4 << 20;

/// Reads a configuration file.
///
/// # Errors
/// That there is none, or all that is wrong with what it says.
pub fn read(path: &Path) -> Result<Settings, Problems> {
    let name: Arc<str> = path.display().to_string().into();
    let wrong = |message: String| Problem::new(&Origin::Flag("config-path"), "", message);
    let text = fs::metadata(path).and_then(|meta| {
        if meta.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if meta.len() > LIMIT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        fs::read(path)
    });
    let text = text.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => wrong(format!("there is no file {name}")),
        io::ErrorKind::IsADirectory => wrong(format!("{name} is a directory; give a file")),
        _ => wrong(format!("cannot read {name}: {error}")),
    })?;
    let text = String::from_utf8(text).map_err(|_| wrong(format!("{name} is not UTF-8")))?;
    parse(&name, &text)
}

/// Reads the text of the configuration file called `path`. Only its first document counts; an empty one says nothing.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(path: &str, text: &str) -> Result<Settings, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { path: path.into(), problems: Vec::new() };
    let (documents, fault) = tree::parse(text, 0);
    let mut settings = Settings::default();
    match (documents.first(), fault) {
        (Some(root), _) if root.is_null() => {}
        (Some(root), _) => {
            let all: Vec<&Key> = keys::all().collect();
            reader.block(root, "", &Table { keys: &all, outer: "" }, &mut settings);
        }
        (None, Some(fault)) => reader.wrong(fault.at, &fault.field, fault.message),
        (None, None) => {}
    }
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| match problem.origin {
        Origin::File { at, .. } => at,
        _ => Position { line: 0, column: 0 },
    });
    Problems::check(problems, settings)
}

struct Reader {
    path: Arc<str>,
    problems: Vec<Problem>,
}

/// The keys that may stand in a part of the file.
struct Table<'k> {
    keys: &'k [&'k Key],
    /// Where the part is, if it is an item of a list: `tracing.customTags[0]`.
    outer: &'k str,
}

impl Table<'_> {
    /// The whole path of what these keys call `path`.
    fn shown(&self, path: &str) -> String {
        match (self.outer, path) {
            ("", path) => path.to_owned(),
            (outer, "") => outer.to_owned(),
            (outer, path) => format!("{outer}.{path}"),
        }
    }

    fn find(&self, path: &str) -> Option<&Key> {
        let named = |key: &&&Key| key.file == Some(path) || key.file_alias == Some(path);
        self.keys.iter().find(named).copied()
    }

    /// The names that may stand below `path`.
    fn below(&self, path: &str) -> Vec<&'static str> {
        let below = self.keys.iter().filter_map(|key| below(key.file?, path));
        let mut names: Vec<&str> = below.filter_map(|rest| rest.split('.').next()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What of `key` is below `path`.
fn below(key: &'static str, path: &str) -> Option<&'static str> {
    if path.is_empty() { Some(key) } else { key.strip_prefix(path)?.strip_prefix('.') }
}

impl Reader {
    fn origin(&self, at: Position) -> Origin {
        Origin::File { path: Arc::clone(&self.path), at }
    }

    fn wrong(&mut self, at: Position, field: &str, message: impl Into<String>) {
        let origin = self.origin(at);
        self.problems.push(Problem::new(&origin, field, message));
    }

    /// Reads the mapping at `path`.
    fn block(&mut self, node: &Node<'_>, path: &str, table: &Table<'_>, settings: &mut Settings) {
        let Yaml::Map(entries) = &node.value else {
            let found = node.described();
            let message = format!("expected a mapping, found {found}");
            return self.wrong(node.at, &table.shown(path), message);
        };
        let mut seen: BTreeMap<Cow<'_, str>, Position> = BTreeMap::new();
        for entry in entries.iter() {
            let below = if path.is_empty() {
                entry.key.to_string()
            } else {
                format!("{path}.{}", entry.key)
            };
            let name = table.find(&below).and_then(|key| key.file).unwrap_or(&below).to_owned();
            if let Some(first) = seen.insert(name.into(), entry.at) {
                let message = format!("given before, in line {}; leave one of them", first.line);
                self.wrong(entry.at, &table.shown(&below), message);
                continue;
            }
            self.entry(entry, path, &below, table, settings);
        }
    }

    fn entry(
        &mut self,
        entry: &Entry<'_>,
        parent: &str,
        path: &str,
        table: &Table<'_>,
        settings: &mut Settings,
    ) {
        let key = table.find(path);
        let inner = table.below(path);
        if key.is_none() && inner.is_empty() {
            let message = unknown(&entry.key, table, parent);
            return self.wrong(entry.at, &table.shown(path), message);
        }
        if entry.node.is_null() {
            return;
        }
        match key {
            Some(Key { kind: Kind::Block, .. }) | None => {
                self.block(&entry.node, path, table, settings);
                if let Some(key) = key {
                    settings.set(key, Value::Present, self.origin(entry.node.at));
                }
            }
            Some(key) => {
                let shown = table.shown(path);
                if let Some(value) = self.value(&entry.node, key, &shown) {
                    settings.set(key, value, self.origin(entry.node.at));
                }
            }
        }
    }

    /// The value at `path`; `None`, and a problem, if it is no such value.
    fn value(&mut self, node: &Node<'_>, key: &Key, path: &str) -> Option<Value> {
        let kind = key.kind;
        let found = match (kind, &node.value) {
            (Kind::Boolean, Yaml::Scalar(Scalar::Boolean(value))) => Ok(Value::Boolean(*value)),
            (Kind::Integer { .. }, Yaml::Scalar(Scalar::Integer(value))) => {
                given::in_range(kind, *value).map(Value::Integer)
            }
            (Kind::Number, Yaml::Scalar(Scalar::Integer(_) | Scalar::Float(_))) => {
                given::value(key, &Origin::Default, &node.spelled)
            }
            (Kind::Text | Kind::Timeout, Yaml::Scalar(_)) => Ok(Value::Text(text(node))),
            (Kind::Word(words), Yaml::Scalar(_)) => {
                let text = text(node);
                given::word(&text, words).map(|()| Value::Text(text))
            }
            (Kind::Reference, Yaml::Scalar(_)) => reference(&text(node)).map(Value::Text),
            (Kind::Texts, Yaml::List(items)) => return Some(self.texts(items, path)),
            (Kind::Map, Yaml::Map(entries)) => return Some(self.map(entries, path)),
            (Kind::Blocks(keys), Yaml::List(items)) => return Some(self.blocks(items, keys, path)),
            _ => Err(mismatch(kind, node)),
        };
        found.map_err(|message| self.wrong(node.at, path, message)).ok()
    }

    fn texts(&mut self, items: &[Node<'_>], path: &str) -> Value {
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if let Some(item) = self.item(item, &format!("{path}[{index}]")) {
                texts.push(item);
            }
        }
        Value::Texts(texts)
    }

    fn map(&mut self, entries: &[Entry<'_>], path: &str) -> Value {
        let mut map = BTreeMap::new();
        for entry in entries {
            let shown = format!("{path}.{}", entry.key);
            let Some(item) = self.item(&entry.node, &shown) else { continue };
            if map.insert(entry.key.to_string(), item).is_some() {
                self.wrong(entry.at, &shown, "given before; leave one of them");
            }
        }
        Value::Map(map)
    }

    /// A text in a list or mapping. A null is an empty one.
    fn item(&mut self, node: &Node<'_>, path: &str) -> Option<Item> {
        if !matches!(node.value, Yaml::Scalar(_)) {
            self.wrong(node.at, path, mismatch(Kind::Text, node));
            return None;
        }
        Some(Item { text: text(node), origin: self.origin(node.at) })
    }

    fn blocks(&mut self, items: &[Node<'_>], keys: &[&Key], path: &str) -> Value {
        let mut blocks = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let mut settings = Settings::default();
            let outer = format!("{path}[{index}]");
            self.block(item, "", &Table { keys, outer: &outer }, &mut settings);
            blocks.push(settings);
        }
        Value::Blocks(blocks)
    }
}

/// A scalar as the text has it.
fn text(node: &Node<'_>) -> String {
    match (node.text(), node.is_null()) {
        (Some(text), _) => text.to_owned(),
        (None, true) => String::new(),
        (None, false) => node.spelled.to_string(),
    }
}

/// Reads `namespace/name`. Without a namespace it is `default`, as upstream has it.
fn reference(text: &str) -> Result<String, String> {
    let (namespace, name) = text.split_once('/').unwrap_or(("default", text));
    if namespace.is_empty() || name.is_empty() || name.contains('/') {
        return Err(format!("{text:?} is no ExtensionService; write namespace/name"));
    }
    Ok(format!("{namespace}/{name}"))
}

fn mismatch(kind: Kind, node: &Node<'_>) -> String {
    let message = format!("expected {}, found {}", kind.expected(), node.described());
    let unquoted = node.text().is_some_and(|text| match kind {
        Kind::Boolean => matches!(text, "true" | "false"),
        Kind::Integer { .. } => text.parse::<i64>().is_ok(),
        Kind::Number => text.parse::<f64>().is_ok(),
        _ => false,
    });
    if unquoted { message + "; take the quotes away" } else { message }
}

fn unknown(name: &str, table: &Table<'_>, parent: &str) -> String {
    let known = table.below(parent);
    if let Some(meant) = suggest::closest(name, known.iter().copied()) {
        return format!("unknown key; did you mean {meant:?}?");
    }
    // It may be known elsewhere: at the top, or one level deeper.
    let last = |key: &&&str| key.rsplit('.').next().is_some_and(|last| same(last, name));
    let files: Vec<&str> = table.keys.iter().filter_map(|key| key.file).collect();
    let elsewhere: Vec<String> =
        files.iter().filter(last).map(|path| format!("{:?}", table.shown(path))).collect();
    match &elsewhere[..] {
        [path] => format!("unknown key; did you mean {path}?"),
        [_, _] => format!("unknown key; did you mean one of {}?", elsewhere.join(", ")),
        _ if known.is_empty() => "unknown key; nothing may be here".to_owned(),
        _ => format!("unknown key; known here: {}", known.join(", ")),
    }
}

/// Whether two names are the same but for upper case and hyphens: `request-timeout` and `requestTimeout`.
fn same(one: &str, other: &str) -> bool {
    let bare = |name: &str| name.replace('-', "").to_ascii_lowercase();
    bare(one) == bare(other)
}
