//! `envoy.config.accesslog.v3.AccessLog`: what is logged of each request.

mod format;

use envoy_types::pb::envoy::config::accesslog::v3::access_log::ConfigType;
use envoy_types::pb::envoy::config::accesslog::v3::access_log_filter::FilterSpecifier;
use envoy_types::pb::envoy::config::accesslog::v3::comparison_filter::Op;
use envoy_types::pb::envoy::config::accesslog::v3::{
    AccessLog as EnvoyAccessLog, AccessLogFilter, ComparisonFilter, OrFilter, ResponseFlagFilter,
    StatusCodeFilter,
};
use envoy_types::pb::envoy::config::core::v3::substitution_format_string::Format as EnvoyFormat;
use envoy_types::pb::envoy::config::core::v3::{
    DataSource, RuntimeUInt32, SubstitutionFormatString, TypedExtensionConfig, data_source,
};
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::FileAccessLog;
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::file_access_log::AccessLogFormat;
use envoy_types::pb::envoy::extensions::formatter::metadata::v3::Metadata;
use envoy_types::pb::envoy::extensions::formatter::req_without_query::v3::ReqWithoutQuery;

use crate::protobuf::{Field, Maps, STRUCT_MAPS, any, any_with_maps, string, structure};

use format::Operators;
pub use format::{Invalid, JsonFields, TextFormat};

/// What is logged of each request to an ingress listener; default everything, in Envoy's own format, to standard
/// output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessLog {
    /// Source: `--envoy-http-access-log`. Becomes: `FileAccessLog.path`.
    pub path: LogPath,
    /// Source: `accesslog-level`. Becomes: `AccessLog.filter`.
    pub level: Level,
    /// Source: `accesslog-format`. Becomes: `FileAccessLog.log_format`.
    pub format: Format,
}

/// A file for the access log, as Envoy sees it; not empty. Default `/dev/stdout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPath(String); // private: `new` is the only way in

impl LogPath {
    /// `None` if `path` is empty.
    pub fn new(path: impl Into<String>) -> Option<LogPath> {
        let path = path.into();
        (!path.is_empty()).then_some(LogPath(path))
    }
}

impl Default for LogPath {
    fn default() -> LogPath {
        LogPath("/dev/stdout".to_owned())
    }
}

/// Which requests are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// All.
    #[default]
    Info,
    /// Those with a status of 300 or more, or with one of Envoy's response flags.
    Error,
    /// Those with a status of 500 or more, or with one of Envoy's response flags.
    Critical,
    /// None.
    Disabled,
}

/// What a line looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Envoy's own.
    #[default]
    Envoy,
    /// Source: `accesslog-format-string`.
    Text(TextFormat),
    /// Source: `json-fields`.
    Json(JsonFields),
}

/// Where a file access log keeps maps: the fields of its JSON format.
const FILE_ACCESS_LOG_MAPS: Maps = Maps(&[(5, Field::Message(&FORMAT_MAPS))]);
const FORMAT_MAPS: Maps = Maps(&[(2, Field::Message(&STRUCT_MAPS))]);

/// The access logs of a listener: one, or none.
pub(crate) fn access_log(config: &AccessLog) -> Vec<EnvoyAccessLog> {
    let filter = match config.level {
        Level::Info => None,
        Level::Error => Some(at_least(300)),
        Level::Critical => Some(at_least(500)),
        Level::Disabled => return Vec::new(),
    };
    let file = FileAccessLog {
        path: config.path.0.clone(),
        access_log_format: log_format(&config.format).map(AccessLogFormat::LogFormat),
    };
    vec![EnvoyAccessLog {
        name: "envoy.access_loggers.file".to_owned(),
        filter,
        config_type: Some(ConfigType::TypedConfig(any_with_maps(&file, &FILE_ACCESS_LOG_MAPS))),
    }]
}

/// Passes responses with this status or a greater one, and those that Envoy flagged.
fn at_least(status: u32) -> AccessLogFilter {
    let value = RuntimeUInt32 {
        default_value: status,
        runtime_key: "contour.accesslog.filter.status_code".to_owned(),
    };
    let comparison = ComparisonFilter { op: Op::Ge.into(), value: Some(value) };
    let status = StatusCodeFilter { comparison: Some(comparison) };
    let either = [
        FilterSpecifier::StatusCodeFilter(status),
        FilterSpecifier::ResponseFlagFilter(ResponseFlagFilter::default()),
    ];
    let filters =
        either.map(|specifier| AccessLogFilter { filter_specifier: Some(specifier) }).into();
    AccessLogFilter { filter_specifier: Some(FilterSpecifier::OrFilter(OrFilter { filters })) }
}

/// `None` for Envoy's own format.
fn log_format(format: &Format) -> Option<SubstitutionFormatString> {
    let (written, operators, omit_empty_values) = match format {
        Format::Envoy => return None,
        Format::Text(text) => {
            let inline = data_source::Specifier::InlineString(text.as_str().to_owned());
            let source = DataSource { specifier: Some(inline), ..Default::default() };
            (EnvoyFormat::TextFormatSource(source), text.operators(), false)
        }
        Format::Json(json) => {
            let fields = json.fields().map(|(name, value)| (name.to_owned(), string(value)));
            (EnvoyFormat::JsonFormat(structure(fields)), json.operators(), true)
        }
    };
    Some(SubstitutionFormatString {
        omit_empty_values,
        formatters: formatters(operators),
        format: Some(written),
        ..Default::default()
    })
}

/// The extensions that implement operators which Envoy does not know by itself.
fn formatters(operators: Operators) -> Vec<TypedExtensionConfig> {
    let metadata = operators.metadata.then(|| TypedExtensionConfig {
        name: "envoy.formatter.metadata".to_owned(),
        typed_config: Some(any(&Metadata {})),
    });
    let req_without_query = operators.req_without_query.then(|| TypedExtensionConfig {
        name: "envoy.formatter.req_without_query".to_owned(),
        typed_config: Some(any(&ReqWithoutQuery {})),
    });
    metadata.into_iter().chain(req_without_query).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(config: &AccessLog, expect: &serde_json::Value) {
        let logs: Vec<_> = access_log(config).iter().map(show).collect();
        assert_eq!(serde_json::Value::from(logs), *expect);
    }

    fn file(format: &serde_json::Value) -> serde_json::Value {
        let mut config = json!({
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": "/dev/stdout",
        });
        if !format.is_null() {
            config["log_format"] = format.clone();
        }
        json!([{ "name": "envoy.access_loggers.file", "typed_config": config }])
    }

    #[test]
    fn the_default_is_everything_in_envoys_format() {
        check(&AccessLog::default(), &file(&json!(null)));
    }

    #[test]
    fn a_disabled_log_is_none() {
        check(&AccessLog { level: Level::Disabled, ..Default::default() }, &json!([]));
    }

    #[track_caller]
    fn check_filter(level: Level, status: u32) {
        let mut expect = file(&json!(null));
        expect[0]["filter"] = json!({ "or_filter": { "filters": [
            { "status_code_filter": { "comparison": { "op": "GE", "value": {
                "default_value": status, "runtime_key": "contour.accesslog.filter.status_code",
            } } } },
            { "response_flag_filter": {} },
        ] } });
        check(&AccessLog { level, ..Default::default() }, &expect);
    }

    #[test]
    fn levels_select_by_status_or_flag() {
        check_filter(Level::Error, 300);
        check_filter(Level::Critical, 500);
    }

    #[track_caller]
    fn check_format(format: Format, expect: &serde_json::Value) {
        check(&AccessLog { format, ..Default::default() }, &file(expect));
    }

    #[test]
    fn text_is_inline() {
        let text = TextFormat::parse("%PROTOCOL%\n").unwrap();
        let expect = json!({ "text_format_source": { "inline_string": "%PROTOCOL%\n" } });
        check_format(Format::Text(text), &expect);
    }

    #[test]
    fn json_leaves_empty_values_out() {
        let fields = JsonFields::parse(["ts", "kind=x"]).unwrap();
        let expect = json!({
            "json_format": { "kind": "x", "ts": "%START_TIME%" },
            "omit_empty_values": true,
        });
        check_format(Format::Json(fields), &expect);
    }

    #[test]
    fn formatters_follow_from_operators() {
        let text = "%REQ_WITHOUT_QUERY(:PATH)% %METADATA(ROUTE:a:b)%\n";
        let expect = json!({
            "text_format_source": { "inline_string": text },
            "formatters": [
                {
                    "name": "envoy.formatter.metadata",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.formatter.metadata.v3.Metadata",
                    },
                },
                {
                    "name": "envoy.formatter.req_without_query",
                    "typed_config": {
                        "@type":
                            "type.googleapis.com/envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery",
                    },
                },
            ],
        });
        check_format(Format::Text(TextFormat::parse(text).unwrap()), &expect);
    }
}
