//! A `ContourConfiguration`.

use std::sync::Arc;

use contour_api::v1alpha1::ContourConfigurationSpec;
use serde_json::Value as Json;

use super::given;
use super::key::{Key, Kind};
use super::keys;
use super::problem::{Problem, Problems};
use super::settings::{Item, Origin, Settings, Value};

/// What a `ContourConfiguration` called `name` (`namespace/name`) says.
///
/// # Errors
/// All that is wrong with single fields.
pub fn read(name: &str, spec: &ContourConfigurationSpec) -> Result<Settings, Problems> {
    let origin = Origin::Spec(Arc::from(name));
    let mut reader = Reader { origin, problems: Vec::new() };
    let spec = serde_json::to_value(spec).map_err(|error| {
        Problem::new(&reader.origin, "spec", format!("cannot be read: {error}"))
    })?;
    let keys: Vec<&Key> = keys::all().collect();
    let settings = reader.settings(&spec, &keys, "spec");
    Problems::check(reader.problems, settings)
}

struct Reader {
    origin: Origin,
    problems: Vec<Problem>,
}

impl Reader {
    fn settings(&mut self, json: &Json, keys: &[&Key], path: &str) -> Settings {
        let mut settings = Settings::default();
        for key in keys {
            let Some(field) = key.spec else { continue };
            let found = field.split('.').try_fold(json, |json, name| json.get(name));
            let Some(found) = found.filter(|found| !found.is_null()) else { continue };
            let path = format!("{path}.{field}");
            if let Some(value) = self.value(found, key, &path) {
                settings.set(key, value, self.origin.clone());
            }
        }
        settings
    }

    fn value(&mut self, json: &Json, key: &Key, path: &str) -> Option<Value> {
        let value = match (key.kind, json) {
            (Kind::Boolean, Json::Bool(value)) => Ok(Value::Boolean(*value)),
            (kind @ Kind::Integer { .. }, Json::Number(number)) => {
                let number = number.as_i64().unwrap_or(i64::MAX);
                given::in_range(kind, number).map(Value::Integer)
            }
            (Kind::Text | Kind::Timeout, Json::String(text)) => Ok(Value::Text(text.clone())),
            (Kind::Word(words), Json::String(text)) => {
                given::word(text, words).map(|()| Value::Text(text.clone()))
            }
            (Kind::Texts, Json::Array(items)) => Ok(Value::Texts(self.items(items))),
            (Kind::Map, Json::Object(fields)) => {
                let items = self.items(fields.values());
                Ok(Value::Map(fields.keys().cloned().zip(items).collect()))
            }
            (Kind::Reference, Json::Object(fields)) => {
                let part = |name: &str| fields.get(name).and_then(Json::as_str).unwrap_or_default();
                reference(part("namespace"), part("name"))
            }
            (Kind::Block, Json::Object(_)) => Ok(Value::Present),
            (Kind::Blocks(keys), Json::Array(items)) => {
                let each = items.iter().enumerate();
                let each =
                    each.map(|(at, item)| self.settings(item, keys, &format!("{path}[{at}]")));
                Ok(Value::Blocks(each.collect()))
            }
            (kind, _) => Err(format!("expected {}", kind.expected())),
        };
        let wrong = |message| self.problems.push(Problem::new(&self.origin, path, message));
        value.map_err(wrong).ok()
    }

    fn items<'j>(&self, items: impl IntoIterator<Item = &'j Json>) -> Vec<Item> {
        let text = |item: &Json| item.as_str().unwrap_or_default().to_owned();
        let item = |item| Item { text: text(item), origin: self.origin.clone() };
        items.into_iter().map(item).collect()
    }
}

fn reference(namespace: &str, name: &str) -> Result<Value, String> {
    if namespace.is_empty() || name.is_empty() {
        return Err("an ExtensionService has a name and a namespace; give both".to_owned());
    }
    Ok(Value::Text(format!("{namespace}/{name}")))
}
