//! Where traces of requests are sent.

use std::collections::BTreeMap;

use super::super::asked::{Asked, ObjectName};
use super::super::keys;
use super::super::settings::Settings;

/// Where traces of requests are sent. Becomes: `HttpConnectionManager.tracing`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracing {
    /// The `ExtensionService`. Source: `tracing.extensionService`.
    pub service: ObjectName,
    /// The name under which spans are reported; default `contour`. Source: `tracing.serviceName`.
    pub name: String,
    /// Whether each span is tagged with Envoy's pod; default yes. Source: `tracing.includePodDetail`.
    pub pod_detail: bool,
    /// Requests that are traced at most; default all. Source: `tracing.overallSampling`.
    pub overall: Percentage,
    /// Requests that are traced if the client asks for it; default all. Source: `tracing.clientSampling`.
    pub client: Percentage,
    /// Requests that are traced by chance; default all. Source: `tracing.randomSampling`.
    pub random: Percentage,
    /// Bytes of a path that are put into a span; default 256. Source: `tracing.maxPathTagLength`.
    pub max_path_bytes: u32,
    /// What is added to each span, by name. Source: `tracing.customTags`.
    pub tags: BTreeMap<String, TagValue>,
}

/// A part of a hundred: 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percentage(f64); // private: `parse` keeps it in range

/// The value of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagValue {
    /// Always the same.
    Literal(String),
    /// That of this header of the request.
    RequestHeader(String),
}

impl Percentage {
    /// All of it.
    const ALL: Percentage = Percentage(100.0);

    /// How many of a hundred.
    pub fn get(self) -> f64 {
        self.0
    }

    fn parse(text: &str) -> Result<Percentage, String> {
        let number = text.parse::<f64>().ok().filter(|number| (0.0..=100.0).contains(number));
        let number =
            number.ok_or_else(|| format!("{text:?} is no percentage; give a number from 0 to 100"));
        number.map(Percentage)
    }
}

pub(super) fn tracing(asked: &mut Asked<'_>) -> Option<Tracing> {
    if !asked.is_present(&keys::TRACING) {
        return None;
    }
    let overall = asked.parse(&keys::TRACING_OVERALL, Percentage::parse);
    let client = asked.parse(&keys::TRACING_CLIENT, Percentage::parse);
    let random = asked.parse(&keys::TRACING_RANDOM, Percentage::parse);
    let tags = tags(asked);
    let Some(service) = asked.extension_service(&keys::TRACING_SERVICE) else {
        if !asked.is_present(&keys::TRACING_SERVICE) {
            asked.refuse(&keys::TRACING, "needs an extensionService: the one that gets the traces");
        }
        return None;
    };
    Some(Tracing {
        service,
        name: asked.text(&keys::TRACING_NAME).unwrap_or_default().to_owned(),
        pod_detail: asked.boolean(&keys::TRACING_POD_DETAIL),
        overall: overall.unwrap_or(Percentage::ALL),
        client: client.unwrap_or(Percentage::ALL),
        random: random.unwrap_or(Percentage::ALL),
        max_path_bytes: asked.count(&keys::TRACING_PATH_LENGTH),
        tags,
    })
}

fn tags(asked: &mut Asked<'_>) -> BTreeMap<String, TagValue> {
    let mut tags = BTreeMap::new();
    for (at, block) in asked.blocks(&keys::TRACING_TAGS).iter().enumerate() {
        match tag(block) {
            Ok((name, _)) if tags.contains_key(&name) => asked.refuse(
                &keys::TRACING_TAGS,
                format!("tag {at}: there is a tag {name:?} before; a name is used once"),
            ),
            Ok((name, value)) => {
                tags.insert(name, value);
            }
            Err(message) => asked.refuse(&keys::TRACING_TAGS, format!("tag {at}: {message}")),
        }
    }
    tags
}

fn tag(block: &Settings) -> Result<(String, TagValue), String> {
    let inner = Asked::new(block);
    let text = |key| inner.text(key).map(str::to_owned);
    let name = text(&keys::TAG_NAME).ok_or("needs a tagName")?;
    match (text(&keys::TAG_LITERAL), text(&keys::TAG_HEADER)) {
        (Some(literal), None) => Ok((name, TagValue::Literal(literal))),
        (None, Some(header)) => Ok((name, TagValue::RequestHeader(header))),
        _ => Err("needs exactly one of literal and requestHeaderName".to_owned()),
    }
}
