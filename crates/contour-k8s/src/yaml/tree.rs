//! YAML and JSON text as a tree in which each value knows where it stands.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::slice;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};

use super::fault::{Fault, Position};
use super::scalar::{self, Scalar};

/// How deep lists and mappings may be nested. Kubernetes objects stay below 20.
const DEPTH_LIMIT: usize = 100;

/// How many values the aliases of one document may stand for together. Nine lines can ask for a billion.
const ALIAS_LIMIT: usize = 100_000;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'t> {
    /// Where it begins.
    pub at: Position,
    /// What it is.
    pub value: Value<'t>,
    /// How the text spells a scalar that is not text, where that matters: `0x10`, `yes`, `1.20`. Empty of all else.
    pub spelled: Cow<'t, str>,
}

/// A value. Lists and mappings are shared, so that an alias costs nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'t> {
    /// Neither a list nor a mapping.
    Scalar(Scalar<'t>),
    /// In the order of the text.
    List(Rc<[Node<'t>]>),
    /// In the order of the text; merged entries (`<<`) follow. A key that the text repeats is there repeatedly.
    Map(Rc<[Entry<'t>]>),
}

/// One key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<'t> {
    /// The key; one that is not text by itself (`80`, `yes`) is what the text has.
    pub key: Cow<'t, str>,
    /// Where the key stands.
    pub at: Position,
    /// Its value.
    pub node: Node<'t>,
}

impl<'t> Node<'t> {
    fn scalar(at: Position, scalar: Scalar<'t>, text: Cow<'t, str>) -> Node<'t> {
        let spelled = if matches!(scalar, Scalar::Text(_)) { Cow::Borrowed("") } else { text };
        Node { at, value: Value::Scalar(scalar), spelled }
    }

    /// The value of `key`, if this is a mapping that has one other than null: null means absent, as to the API server.
    pub fn get(&self, key: &str) -> Option<&Node<'t>> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
            .filter(|node| !node.is_null())
    }

    /// The value below `keys`.
    pub fn find(&self, keys: &[&str]) -> Option<&Node<'t>> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a mapping; none if it is something else.
    pub fn entries(&self) -> &[Entry<'t>] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a list; none if it is something else.
    pub fn items(&self) -> &[Node<'t>] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Value::Scalar(Scalar::Text(text)) = &self.value { Some(text) } else { None }
    }

    /// The integer, if it is one.
    pub fn integer(&self) -> Option<i64> {
        if let Value::Scalar(Scalar::Integer(integer)) = self.value { Some(integer) } else { None }
    }

    /// What it is, in words: `the integer 7`.
    pub fn described(&self) -> String {
        match &self.value {
            Value::Scalar(Scalar::Null) => "null".to_owned(),
            Value::Scalar(Scalar::Boolean(value)) => format!("the boolean {value}"),
            Value::Scalar(Scalar::Integer(value)) => format!("the integer {value}"),
            Value::Scalar(Scalar::Float(value)) => format!("the number {value}"),
            Value::Scalar(Scalar::Text(text)) => format!("the text {text:?}"),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }

    /// Whether it is null, which means absent.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Scalar(Scalar::Null))
    }
}

/// Reads the documents of `text`, which `lines_before` lines precede in its file. Documents without content are null.
///
/// # Errors
/// What makes the text, from the place named on, no YAML. The documents before it are good.
pub fn parse(text: &str, lines_before: usize) -> (Vec<Node<'_>>, Option<Fault>) {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        lines_before,
        anchors: BTreeMap::new(),
        expanded: 0,
    };
    let mut documents = Vec::new();
    loop {
        match reader.document() {
            Ok(Some(document)) => documents.push(document),
            Ok(None) => return (documents, None),
            Err(fault) => return (documents, Some(fault)),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    lines_before: usize,
    anchors: BTreeMap<usize, Sized<'t>>,
    /// How many values the aliases so far stand for.
    expanded: usize,
}

/// A node and how much hangs below it.
#[derive(Clone)]
struct Sized<'t> {
    node: Node<'t>,
    /// Values in it, itself included.
    size: usize,
    /// Levels of lists and mappings in it, itself included.
    height: usize,
}

/// A list or mapping whose end is not read yet.
struct Open<'t> {
    at: Position,
    anchor: usize,
    size: usize,
    height: usize,
    content: Content<'t>,
}

enum Content<'t> {
    List(Vec<Node<'t>>),
    Map(OpenMap<'t>),
}

#[derive(Default)]
struct OpenMap<'t> {
    entries: Vec<Entry<'t>>,
    /// What `<<` names, and where it does so.
    merged: Vec<(Position, Node<'t>)>,
    /// A key whose value is not read yet.
    key: Option<(Position, Key<'t>)>,
}

enum Key<'t> {
    Field(Cow<'t, str>),
    Merge,
}

impl<'t> Reader<'t> {
    /// The next document; `None` at the end of the text.
    fn document(&mut self) -> Result<Option<Node<'t>>, Fault> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(None),
                (Event::DocumentStart(_), _) => {
                    self.anchors.clear();
                    self.expanded = 0;
                    return self.root().map(Some);
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Position), Fault> {
        match self.parser.next_event() {
            None => Ok((Event::StreamEnd, Position { line: self.lines_before + 1, column: 1 })),
            Some(Ok((event, span))) => Ok((event, self.position(span.start))),
            Some(Err(error)) => {
                let at = self.position(*error.marker());
                Err(Fault::new(at, "", format!("this is not YAML: {}", error.info())))
            }
        }
    }

    fn position(&self, marker: Marker) -> Position {
        Position { line: self.lines_before + marker.line(), column: marker.col() + 1 }
    }

    fn root(&mut self) -> Result<Node<'t>, Fault> {
        let mut open: Vec<Open<'t>> = Vec::new();
        loop {
            let (event, at) = self.next()?;
            let done = match event {
                Event::MappingStart(anchor, _) => {
                    push(&mut open, at, anchor, Content::Map(OpenMap::default()))?;
                    continue;
                }
                Event::SequenceStart(anchor, _) => {
                    push(&mut open, at, anchor, Content::List(Vec::new()))?;
                    continue;
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    let closed = open.pop().expect("the parser closes what it opened");
                    let anchor = closed.anchor;
                    self.anchored(anchor, closed.close()?)
                }
                Event::Scalar(text, style, anchor, tag) => {
                    if anchor == 0
                        && let Some(map) = awaiting_key(&mut open)
                    {
                        map.key = Some((at, Key::new(text, style)));
                        continue;
                    }
                    let scalar = scalar::resolve(text.clone(), style, tag.as_deref())
                        .ok_or_else(|| Fault::new(at, "", "the value is not what its tag says"))?;
                    let node = Node::scalar(at, scalar, text);
                    self.anchored(anchor, Sized { node, size: 1, height: 0 })
                }
                Event::Alias(anchor) => self.alias(anchor, at, open.len())?,
                // Nothing else can stand between the start of a document and its end.
                _ => return Ok(Node::scalar(at, Scalar::Null, Cow::Borrowed(""))),
            };
            match open.last_mut() {
                None => return Ok(done.node),
                Some(parent) => parent.add(done, at)?,
            }
        }
    }

    fn anchored(&mut self, anchor: usize, sized: Sized<'t>) -> Sized<'t> {
        // Anchors are numbered from one.
        if anchor > 0 {
            self.anchors.insert(anchor, sized.clone());
        }
        sized
    }

    fn alias(&mut self, anchor: usize, at: Position, depth: usize) -> Result<Sized<'t>, Fault> {
        let target = self.anchors.get(&anchor).ok_or_else(|| {
            Fault::new(at, "", "this alias names a value that is not complete here")
        })?;
        self.expanded += target.size;
        if self.expanded > ALIAS_LIMIT {
            let message =
                format!("the aliases of this document stand for more than {ALIAS_LIMIT} values");
            return Err(Fault::new(at, "", message));
        }
        if depth + target.height > DEPTH_LIMIT {
            return Err(too_deep(at));
        }
        Ok(target.clone())
    }
}

fn push<'t>(
    open: &mut Vec<Open<'t>>,
    at: Position,
    anchor: usize,
    content: Content<'t>,
) -> Result<(), Fault> {
    if awaiting_key(open).is_some() {
        return Err(Fault::new(at, "", "a key must be text, not a list or mapping"));
    }
    if open.len() == DEPTH_LIMIT {
        return Err(too_deep(at));
    }
    open.push(Open { at, anchor, size: 1, height: 1, content });
    Ok(())
}

fn too_deep(at: Position) -> Fault {
    Fault::new(at, "", format!("lists and mappings are nested deeper than {DEPTH_LIMIT} levels"))
}

/// The innermost mapping, if what comes next is a key of it.
fn awaiting_key<'o, 't>(open: &'o mut [Open<'t>]) -> Option<&'o mut OpenMap<'t>> {
    match &mut open.last_mut()?.content {
        Content::Map(map) if map.key.is_none() => Some(map),
        _ => None,
    }
}

impl<'t> Key<'t> {
    fn new(text: Cow<'t, str>, style: ScalarStyle) -> Key<'t> {
        if style == ScalarStyle::Plain && text == "<<" { Key::Merge } else { Key::Field(text) }
    }
}

impl<'t> Open<'t> {
    /// Adds a complete value that was read at `at` (which for an alias is not where the value stands).
    fn add(&mut self, sized: Sized<'t>, at: Position) -> Result<(), Fault> {
        self.size += sized.size;
        self.height = self.height.max(sized.height + 1);
        let map = match &mut self.content {
            Content::List(items) => {
                items.push(sized.node);
                return Ok(());
            }
            Content::Map(map) => map,
        };
        match map.key.take() {
            // A key with an anchor, or an alias as key.
            None => match sized.node.value {
                Value::Scalar(Scalar::Text(text)) => map.key = Some((at, Key::Field(text))),
                _ => return Err(Fault::new(at, "", "this key must be text; put it in quotes")),
            },
            Some((at, Key::Field(key))) => map.entries.push(Entry { key, at, node: sized.node }),
            Some((_, Key::Merge)) => map.merged.push((at, sized.node)),
        }
        Ok(())
    }

    fn close(self) -> Result<Sized<'t>, Fault> {
        let value = match self.content {
            Content::List(items) => Value::List(items.into()),
            Content::Map(map) => Value::Map(map.close()?.into()),
        };
        let node = Node { at: self.at, value, spelled: Cow::Borrowed("") };
        Ok(Sized { node, size: self.size, height: self.height })
    }
}

impl<'t> OpenMap<'t> {
    /// Adds what `<<` names: own keys come before merged ones, earlier merged ones before later.
    fn close(self) -> Result<Vec<Entry<'t>>, Fault> {
        let mut entries = self.entries;
        if self.merged.is_empty() {
            return Ok(entries);
        }
        let mut seen: BTreeSet<Cow<'t, str>> =
            entries.iter().map(|entry| entry.key.clone()).collect();
        for (at, merged) in &self.merged {
            let sources = match &merged.value {
                Value::List(sources) => sources,
                _ => slice::from_ref(merged),
            };
            for source in sources {
                let Value::Map(source) = &source.value else {
                    return Err(Fault::new(*at, "", "`<<` merges mappings, and this is none"));
                };
                let new = source.iter().filter(|entry| seen.insert(entry.key.clone()));
                entries.extend(new.cloned());
            }
        }
        Ok(entries)
    }
}
