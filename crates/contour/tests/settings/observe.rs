//! A setting, a value for it, and what that changes, wherever it is given.

use contour::config::key::{Flag, Key, Kind};
use contour::config::{Base, Environment, Resolved, Settings, file, resolve};
use contour_api::v1alpha1::ContourConfigurationSpec;
use serde_json::{Map, Value, json};

/// A setting, a value for it, and what that changes.
pub(crate) struct Row {
    pub(crate) key: &'static Key,
    /// As the configuration file has it.
    pub(crate) value: Value,
    /// Settings without which it means nothing.
    pub(crate) with: Vec<(&'static Key, Value)>,
    /// What shows it.
    pub(crate) view: fn(&Resolved) -> String,
    /// What is seen then, and not by default.
    pub(crate) expect: &'static str,
    pub(crate) stage: Stage,
}

/// Whether what a setting comes to has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Now,
    Later,
}

/// Says what a setting changes: `key, value, view of the configuration, what is seen`; behind `with`, what it needs.
macro_rules! row {
    ($stage:ident $key:ident, $value:tt, $config:ident $(. $view:ident $(($($argument:tt)*))?)*, $expect:expr $(, with $($other:ident = $given:tt),+)?) => {
        $crate::observe::Row {
            key: &contour::config::keys::$key,
            value: serde_json::json!($value),
            with: vec![$($((&contour::config::keys::$other, serde_json::json!($given))),+)?],
            view: |resolved| format!("{:?}", resolved.$config $(. $view $(($($argument)*))?)*),
            expect: $expect,
            stage: $crate::observe::Stage::$stage,
        }
    };
}
pub(crate) use row;

impl Row {
    /// Checks that the value is seen, and not by default, in each place where it can be given.
    #[track_caller]
    pub(crate) fn check(&self) {
        let this = [(self.key, self.value.clone())];
        let mut without = self.with.clone();
        if matches!(self.key.kind, Kind::Block) {
            // What is in a block makes it be there.
            let inside = format!("{}.", self.key.id());
            without.retain(|(other, _)| !other.id().starts_with(&inside));
        }
        let with: Vec<_> = self.with.iter().cloned().chain(this).collect();
        let all = |path: fn(&Key) -> Option<&'static str>| {
            with.iter().all(|(key, _)| path(key).is_some())
        };
        let mut places = 0;
        if all(|key| key.file) {
            self.compare("file", of_file(&without), of_file(&with));
            places += 1;
        }
        if all(|key| key.spec) {
            self.compare("ContourConfiguration", of_spec(&without), of_spec(&with));
            places += 1;
        }
        if all(|key| key.flag.map(|flag| flag.name)) {
            self.compare("flag", of_flags(&without), of_flags(&with));
            places += 1;
        }
        assert!(places > 0, "{} cannot be given together with what it needs", self.key.id());
        self.explained(&with);
    }

    #[track_caller]
    fn compare(
        &self,
        place: &str,
        without: Result<Resolved, String>,
        with: Result<Resolved, String>,
    ) {
        let id = self.key.id();
        let with = with.unwrap_or_else(|problems| panic!("{id} in {place}: {problems}"));
        assert_eq!((self.view)(&with), self.expect, "{id} in {place}");
        // Without it, that may not even be complete.
        if let Ok(without) = without {
            assert_ne!((self.view)(&without), self.expect, "{id} in {place} changes nothing");
        }
    }

    /// What is told of it names the place.
    #[track_caller]
    fn explained(&self, with: &[(&'static Key, Value)]) {
        if let (Some(name), Ok(resolved)) = (self.key.file, of_file(with)) {
            let explained = resolved.explain().into_iter().find(|each| each.key == name);
            let origin = explained.expect("each setting is explained").origin;
            assert!(origin.starts_with("test.yaml:"), "{name}: {origin}");
        }
    }
}

fn of_file(given: &[(&'static Key, Value)]) -> Result<Resolved, String> {
    let mut root = json!({});
    for (key, value) in given {
        put(&mut root, key.file.ok_or("no key")?, value.clone());
    }
    let settings =
        file::parse("test.yaml", &root.to_string()).map_err(|error| error.to_string())?;
    let environment = Environment::default();
    resolve(&Settings::default(), Base::File(&settings), &environment)
        .map_err(|error| error.to_string())
}

fn of_spec(given: &[(&'static Key, Value)]) -> Result<Resolved, String> {
    let mut root = json!({});
    for (key, value) in given {
        put(&mut root, key.spec.ok_or("no field")?, in_spec(key.kind, value));
    }
    let spec: ContourConfigurationSpec =
        serde_json::from_value(root).map_err(|error| error.to_string())?;
    let base = Base::Spec { name: "test/test", spec: &spec };
    resolve(&Settings::default(), base, &Environment::default()).map_err(|error| error.to_string())
}

fn of_flags(given: &[(&'static Key, Value)]) -> Result<Resolved, String> {
    let flags: Vec<String> = given
        .iter()
        .flat_map(|(key, value)| as_flags(key.flag.expect("a flag"), key.kind, value))
        .collect();
    let settings = contour::cli::settings(flags.iter().map(String::as_str));
    let settings = settings.map_err(|error| error.to_string())?;
    resolve(&settings, Base::Nothing, &Environment::default()).map_err(|error| error.to_string())
}

fn put(root: &mut Value, path: &str, value: Value) {
    let mut place = root;
    for name in path.split('.') {
        place = &mut place[name];
    }
    match (place, value) {
        (Value::Object(there), Value::Object(more)) => there.extend(more),
        (place, value) => *place = value,
    }
}

/// A value of the file as a `ContourConfiguration` has it.
fn in_spec(kind: Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Reference, Value::String(text)) => {
            let (namespace, name) = text.split_once('/').expect("namespace/name");
            json!({ "namespace": namespace, "name": name })
        }
        (Kind::Blocks(keys), Value::Array(items)) => {
            items.iter().map(|item| block_in_spec(keys, item)).collect()
        }
        _ => value.clone(),
    }
}

fn block_in_spec(keys: &[&'static Key], block: &Value) -> Value {
    let mut root = Value::Object(Map::new());
    for key in keys {
        let (file, spec) = (key.file.expect("a key"), key.spec.expect("a field"));
        let found = file.split('.').try_fold(block, |place, name| place.get(name));
        if let Some(found) =
            found.filter(|_| !matches!(key.kind, Kind::Block) || file == "remoteAddress")
        {
            put(&mut root, spec, in_spec(key.kind, found));
        }
    }
    root
}

fn as_flags(flag: Flag, kind: Kind, value: &Value) -> Vec<String> {
    let name = flag.name;
    match (kind, value) {
        (Kind::Boolean, Value::Bool(true)) => vec![format!("--{name}")],
        (Kind::Boolean, _) => vec![format!("--no-{name}")],
        (Kind::Words(_), Value::Array(items)) => {
            items.iter().map(|item| format!("--{name}={}", plain(item))).collect()
        }
        (_, Value::Array(items)) => {
            let texts: Vec<String> = items.iter().map(plain).collect();
            vec![format!("--{name}"), texts.join(",")]
        }
        (_, value) => vec![format!("--{name}"), plain(value)],
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
