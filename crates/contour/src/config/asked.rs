//! Settings, asked one by one, with what is wrong with the answers.

use std::net::IpAddr;
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};
use std::time::Duration;

use contour_envoy::config::{Bind, Timeout};

use super::key::Key;
use super::problem::Problem;
use super::settings::{Item, Origin, Setting, Settings, Value};
use contour_builder::duration;

/// Settings, and what was found wrong with them.
pub(super) struct Asked<'s> {
    settings: &'s Settings,
    pub(super) problems: Vec<Problem>,
}

/// The name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl<'s> Asked<'s> {
    pub(super) fn new(settings: &'s Settings) -> Asked<'s> {
        Asked { settings, problems: Vec::new() }
    }

    fn get(&self, key: &Key) -> Option<&'s Setting> {
        self.settings.get(key)
    }

    /// Says that something is wrong with a setting.
    pub(super) fn refuse(&mut self, key: &Key, message: impl Into<String>) {
        let origin = self.get(key).map_or(&Origin::Default, |setting| &setting.origin);
        self.problems.push(Problem::of(key, origin, message));
    }

    /// Whether somebody said so.
    pub(super) fn is_given(&self, key: &Key) -> bool {
        self.get(key).is_some_and(|setting| setting.origin != Origin::Default)
    }

    pub(super) fn is_present(&self, key: &Key) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn boolean(&self, key: &Key) -> bool {
        matches!(self.get(key), Some(Setting { value: Value::Boolean(true), .. }))
    }

    pub(super) fn integer(&self, key: &Key) -> Option<i64> {
        match self.get(key)?.value {
            Value::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// A number that fits, as its key says. 0 if there is none.
    pub(super) fn count(&self, key: &Key) -> u32 {
        self.integer(key).and_then(|number| number.try_into().ok()).unwrap_or(0)
    }

    /// Not 0.
    pub(super) fn positive(&self, key: &Key) -> Option<NonZeroU32> {
        NonZeroU32::new(self.count(key))
    }

    pub(super) fn positive_octet(&self, key: &Key) -> Option<NonZeroU8> {
        self.integer(key).and_then(|number| number.try_into().ok()).and_then(NonZeroU8::new)
    }

    pub(super) fn port(&self, key: &Key) -> u16 {
        self.integer(key).and_then(|number| number.try_into().ok()).unwrap_or(0)
    }

    pub(super) fn positive_port(&self, key: &Key) -> Option<NonZeroU16> {
        NonZeroU16::new(self.port(key))
    }

    pub(super) fn number(&self, key: &Key) -> f64 {
        match self.get(key).map(|setting| &setting.value) {
            Some(Value::Number(number)) => *number,
            _ => 0.0,
        }
    }

    pub(super) fn duration(&self, key: &Key) -> Duration {
        match self.get(key).map(|setting| &setting.value) {
            Some(Value::Duration(duration)) => *duration,
            _ => Duration::ZERO,
        }
    }

    /// The text of a setting; what holds by default if it is empty.
    pub(super) fn text(&self, key: &Key) -> Option<&'s str> {
        match &self.get(key)?.value {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub(super) fn texts(&self, key: &Key) -> &'s [Item] {
        match self.get(key).map(|setting| &setting.value) {
            Some(Value::Texts(items)) => items,
            _ => &[],
        }
    }

    /// The same, without the places.
    pub(super) fn strings(&self, key: &Key) -> Vec<String> {
        self.texts(key).iter().map(|item| item.text.clone()).collect()
    }

    pub(super) fn map(&self, key: &Key) -> impl Iterator<Item = (&'s str, &'s Item)> + use<'s> {
        let map = match self.get(key).map(|setting| &setting.value) {
            Some(Value::Map(map)) => Some(map),
            _ => None,
        };
        map.into_iter().flatten().map(|(name, item)| (name.as_str(), item))
    }

    pub(super) fn blocks(&self, key: &Key) -> &'s [Settings] {
        match self.get(key).map(|setting| &setting.value) {
            Some(Value::Blocks(blocks)) => blocks,
            _ => &[],
        }
    }

    /// Reads a text further. What cannot be read is a problem, and nothing; so is what was not given, which is none.
    pub(super) fn parse<T>(
        &mut self,
        key: &Key,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(self.text(key)?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.refuse(key, message);
                None
            }
        }
    }

    /// Reads each text of a list further.
    pub(super) fn parse_each<T>(
        &mut self,
        key: &Key,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for (at, item) in self.texts(key).iter().enumerate() {
            match parse(&item.text) {
                Ok(value) => values.push(value),
                Err(message) => self.refuse_item(key, at, item, message),
            }
        }
        values
    }

    /// Says that something is wrong with a text of a list.
    pub(super) fn refuse_item(&mut self, key: &Key, at: usize, item: &Item, message: String) {
        let name = item.origin.name_of(key);
        let field = if name.is_empty() { name } else { format!("{name}[{at}]") };
        self.problems.push(Problem::new(&item.origin, field, message));
    }

    pub(super) fn timeout(&mut self, key: &Key) -> Timeout {
        self.parse(key, duration::timeout).unwrap_or_default()
    }

    /// An address of Envoy's.
    pub(super) fn bind(&mut self, address: &Key, port: &Key) -> Option<Bind> {
        let parse = |text: &str| {
            let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
            bare.unwrap_or(text)
                .parse::<IpAddr>()
                .map_err(|_| format!("{text:?} is no IP address; Envoy listens on none by name"))
        };
        let address = self.parse(address, parse)?;
        Some(Bind { address, port: self.positive_port(port)? })
    }

    /// An object that is named by two settings, or none.
    pub(super) fn object(&mut self, namespace: &Key, name: &Key) -> Option<ObjectName> {
        match (self.text(namespace), self.text(name)) {
            (Some(namespace), Some(name)) => {
                Some(ObjectName { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            (None, None) => None,
            (Some(_), None) => {
                self.refuse(
                    namespace,
                    "names a namespace, and nothing names the object in it; give both",
                );
                None
            }
            (None, Some(_)) => {
                self.refuse(name, "names an object, and nothing names its namespace; give both");
                None
            }
        }
    }

    /// An `ExtensionService`.
    pub(super) fn extension_service(&self, key: &Key) -> Option<ObjectName> {
        let (namespace, name) = self.text(key)?.split_once('/')?;
        Some(ObjectName { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}
