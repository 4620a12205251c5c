//! What was given for settings, and by whom. The one form of configuration file, `ContourConfiguration`, environment,
//! flags and defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use contour_k8s::yaml::fault::Position;
use serde_json::{Map, Value as Json};

use super::key::{Key, Kind, Literal, Variable};
use super::keys;
use contour_builder::duration;

/// Values of settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(BTreeMap<&'static str, Setting>);

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// What was given.
    pub value: Value,
    /// By whom.
    pub origin: Origin,
}

/// What was given for a setting. Which variant it is follows from its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of [`Kind::Boolean`].
    Boolean(bool),
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Number`].
    Number(f64),
    /// Of [`Kind::Duration`].
    Duration(Duration),
    /// Of [`Kind::Text`], [`Kind::Timeout`], [`Kind::Word`] and [`Kind::Reference`], which is `namespace/name`.
    Text(String),
    /// Of [`Kind::Texts`] and [`Kind::Words`].
    Texts(Vec<Item>),
    /// Of [`Kind::Map`].
    Map(BTreeMap<String, Item>),
    /// Of [`Kind::Block`]: it is there.
    Present,
    /// Of [`Kind::Blocks`].
    Blocks(Vec<Settings>),
}

/// A text in a list or mapping, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The text.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Who gave a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody.
    Default,
    /// This variable of the environment.
    Environment(&'static str),
    /// The configuration file.
    File {
        /// The file, as it was named.
        path: Arc<str>,
        /// The place in it.
        at: Position,
    },
    /// This flag.
    Flag(&'static str),
    /// This `ContourConfiguration`, `namespace/name`.
    Spec(Arc<str>),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => out.write_str("default"),
            Origin::Environment(name) => write!(out, "environment {name}"),
            Origin::File { path, at } => write!(out, "{path}:{at}"),
            Origin::Flag(name) => write!(out, "--{name}"),
            Origin::Spec(name) => write!(out, "ContourConfiguration {name}"),
        }
    }
}

impl Origin {
    /// What `key` is called by whoever gave it.
    pub fn name_of(&self, key: &Key) -> String {
        let id = || key.id().to_owned();
        match self {
            Origin::Default | Origin::Environment(_) | Origin::Flag(_) => String::new(),
            Origin::File { .. } => key.file.map_or_else(id, str::to_owned),
            Origin::Spec(_) => key.spec.map_or_else(id, |path| format!("spec.{path}")),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Boolean(value) => value.fmt(out),
            Value::Integer(value) => value.fmt(out),
            Value::Number(value) => value.fmt(out),
            Value::Duration(value) => out.write_str(&duration::text(*value)),
            Value::Text(value) => value.fmt(out),
            Value::Texts(items) => {
                let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
                out.write_str(&texts.join(","))
            }
            Value::Map(items) => {
                let texts: Vec<String> =
                    items.iter().map(|(name, item)| format!("{name}={}", item.text)).collect();
                out.write_str(&texts.join(","))
            }
            Value::Present => out.write_str("{}"),
            Value::Blocks(blocks) => {
                Json::Array(blocks.iter().map(Settings::to_json).collect()).fmt(out)
            }
        }
    }
}

/// What a process finds in its environment, of what settings ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<&'static str, String>);

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Environment {
        Environment::new(|name| std::env::var(name).ok())
    }

    /// Asks `get` for every variable that matters.
    pub fn new(get: impl Fn(&str) -> Option<String>) -> Environment {
        let names = keys::all().filter_map(|key| key.environment).map(Variable::name);
        Environment(names.filter_map(|name| Some((name, get(name)?))).collect())
    }

    /// The value of a variable, unless it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Contour's own namespace: that of the Lease, and that in which a `ContourConfiguration` is looked for.
    pub fn namespace(&self) -> &str {
        self.get("CONTOUR_NAMESPACE").unwrap_or("projectcontour")
    }
}

/// Whether a configuration file or a `ContourConfiguration` is what the process goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A file, or none.
    File,
    /// A `ContourConfiguration`: what it can say, flags and environment cannot.
    Spec,
}

impl Settings {
    /// What holds if nobody says otherwise.
    pub fn defaults(mode: Mode) -> Settings {
        let mut settings = Settings::default();
        for key in keys::all() {
            let literal = match mode {
                Mode::File => key.default,
                Mode::Spec => key.spec_default.unwrap_or(key.default),
            };
            if let Some(value) = Value::of(literal) {
                settings.set(key, value, Origin::Default);
            }
        }
        settings
    }

    /// What the environment says.
    pub fn of_environment(environment: &Environment, mode: Mode) -> Settings {
        let mut settings = Settings::default();
        for key in keys::all().filter(|key| mode == Mode::File || key.spec.is_none()) {
            let Some(variable) = key.environment else { continue };
            let Some(value) = environment.get(variable.name()) else { continue };
            let text = match variable {
                Variable::Value(_) => value.to_owned(),
                Variable::Home => format!("{value}/.kube/config"),
            };
            settings.set(key, Value::Text(text), Origin::Environment(variable.name()));
        }
        settings
    }

    /// Says what a setting is. What is empty is as good as not said, but for timeouts.
    pub fn set(&mut self, key: &Key, value: Value, origin: Origin) {
        let empty = match &value {
            Value::Text(text) => text.is_empty() && !matches!(key.kind, Kind::Timeout),
            Value::Texts(items) => items.is_empty(),
            Value::Map(items) => items.is_empty(),
            _ => false,
        };
        if empty {
            return;
        }
        self.0.insert(key.id(), Setting { value, origin });
    }

    /// What was said of a setting.
    pub fn get(&self, key: &Key) -> Option<&Setting> {
        self.0.get(key.id())
    }

    /// Takes over what `upper` says.
    pub fn overlay(&mut self, upper: &Settings) {
        self.0.extend(upper.0.iter().map(|(id, setting)| (*id, setting.clone())));
    }

    /// What is left of these settings without some.
    #[must_use]
    pub fn without(&self, goes: impl Fn(&Key) -> bool) -> Settings {
        let gone: Vec<&str> = keys::all().filter(|key| goes(key)).map(Key::id).collect();
        let left = self.0.iter().filter(|(id, _)| !gone.contains(id));
        Settings(left.map(|(id, setting)| (*id, setting.clone())).collect())
    }

    /// As the object that a `ContourConfiguration` has.
    pub fn to_json(&self) -> Json {
        let mut root = Map::new();
        for (id, setting) in &self.0 {
            let mut place = &mut root;
            let mut names: Vec<&str> = id.split('.').collect();
            let last = names.pop().unwrap_or_default();
            for name in names {
                let below = place.entry(name).or_insert_with(|| Json::Object(Map::new()));
                let Json::Object(below) = below else { unreachable!("only leaves are no objects") };
                place = below;
            }
            // A block comes before what is in it, in the order of names.
            place.insert(last.to_owned(), setting.value.to_json());
        }
        Json::Object(root)
    }
}

impl Value {
    fn of(literal: Literal) -> Option<Value> {
        Some(match literal {
            Literal::Unset => return None,
            Literal::Boolean(value) => Value::Boolean(value),
            Literal::Integer(value) => Value::Integer(value),
            Literal::Seconds(seconds) => Value::Duration(Duration::from_secs(seconds)),
            Literal::Text(text) => Value::Text(text.to_owned()),
            Literal::Texts(texts) => {
                let item = |text: &&str| Item { text: (*text).to_owned(), origin: Origin::Default };
                Value::Texts(texts.iter().map(item).collect())
            }
        })
    }

    fn to_json(&self) -> Json {
        match self {
            Value::Boolean(value) => Json::Bool(*value),
            Value::Integer(value) => Json::Number((*value).into()),
            Value::Number(value) => (*value).into(),
            Value::Duration(value) => duration::text(*value).into(),
            Value::Text(text) => text.as_str().into(),
            Value::Texts(items) => items.iter().map(|item| item.text.as_str()).collect(),
            Value::Map(items) => {
                items.iter().map(|(name, item)| (name.clone(), item.text.as_str())).collect()
            }
            Value::Present => Json::Object(Map::new()),
            Value::Blocks(blocks) => blocks.iter().map(Settings::to_json).collect(),
        }
    }
}

impl Kind {
    /// What is expected, in words.
    pub fn expected(self) -> &'static str {
        match self {
            Kind::Boolean => "true or false",
            Kind::Integer { .. } => "a whole number",
            Kind::Number => "a number that is not negative",
            Kind::Duration => "a duration such as 1m30s",
            Kind::Text | Kind::Timeout | Kind::Word(_) => "text",
            Kind::Texts | Kind::Words(_) => "a list of texts",
            Kind::Map => "a mapping of names to texts",
            Kind::Reference => "the name of an ExtensionService as `namespace/name`",
            Kind::Block => "a mapping",
            Kind::Blocks(_) => "a list of mappings",
        }
    }
}
