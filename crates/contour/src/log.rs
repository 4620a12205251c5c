//! The log of this process, on standard error: one line for each event.
//!
//! As JSON an event is a flat object with upstream's keys `level`, `msg` and `time`, beside its fields. As text it is time,
//! level, message and fields. Lines are read by programs: fields keep their names.

use std::fmt::{self, Debug};
use std::io;

use clap::ValueEnum;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How an event is written: as text for people, or as JSON for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// Whether text may be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// A terminal shows them.
    Shown,
    /// They would only be in the way.
    None,
}

/// Logs events of this level and above, or as a filter of `tracing-subscriber` says, from now on.
pub fn start(format: Format, colours: Colours, level: &str) {
    subscriber(format, colours, level, io::stderr).init();
}

fn subscriber<W>(format: Format, colours: Colours, level: &str, writer: W) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter(level))
        .with_ansi(colours == Colours::Shown)
        // What cannot be written to standard error cannot be complained about there.
        .log_internal_errors(false)
        .event_format(Lines(format))
        .with_writer(writer)
        .finish()
}

/// What `level` says, but for one thing: a client of the API server that cannot make sense of an answer logs it whole, and
/// the answer may be a list of Secrets (I-18). We tell of it ourselves, without what it was.
fn filter(level: &str) -> EnvFilter {
    let silent = "kube_client::client=error".parse().expect("a directive");
    EnvFilter::new(level).add_directive(silent)
}

/// Writes events, each on a line of its own.
struct Lines(Format);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut told = Told::default();
        event.record(&mut told);
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        match self.0 {
            Format::Text => write_text(&mut writer, &time, *event.metadata().level(), &told),
            Format::Json => write_json(&mut writer, time, *event.metadata().level(), told),
        }
    }
}

/// What an event tells.
#[derive(Default)]
struct Told {
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl Told {
    fn put(&mut self, field: &Field, value: Value) {
        match field.name() {
            "message" => self.message = plain(&value),
            // Where an event of the crate `log` came from.
            name if name.starts_with("log.") => {}
            name => self.fields.push((name, value)),
        }
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::String(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put(
            field,
            u64::try_from(value).map_or_else(|_| json!(value.to_string()), Value::from),
        );
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }
}

/// A value without the quotes of a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn write_text(out: &mut Writer<'_>, time: &str, level: Level, told: &Told) -> fmt::Result {
    let (begin, end) = if out.has_ansi_escapes() { colour(level) } else { ("", "") };
    write!(out, "{time} {begin}{level:>5}{end} ")?;
    for each in told.message.chars() {
        match each {
            each if each.is_control() => write!(out, "{}", each.escape_default())?,
            each => out.write_char(each)?,
        }
    }
    for (name, value) in &told.fields {
        let value = plain(value);
        let quoted = value.is_empty()
            || value.chars().any(|each| each.is_whitespace() || each.is_control() || each == '"');
        if quoted {
            write!(out, " {name}={value:?}")?;
        } else {
            write!(out, " {name}={value}")?;
        }
    }
    writeln!(out)
}

/// What switches a level's colour on and off.
fn colour(level: Level) -> (&'static str, &'static str) {
    let begin = match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        _ => "\x1b[34m",
    };
    (begin, "\x1b[0m")
}

fn write_json(out: &mut Writer<'_>, time: String, level: Level, told: Told) -> fmt::Result {
    let mut object = Map::new();
    for (name, value) in told.fields {
        let name = match name {
            // A field must not take the place of what each line has.
            "level" | "msg" | "time" => format!("fields.{name}"),
            name => name.to_owned(),
        };
        object.insert(name, value);
    }
    object.insert("level".to_owned(), json!(word(level)));
    object.insert("msg".to_owned(), json!(told.message));
    object.insert("time".to_owned(), json!(time));
    writeln!(out, "{}", Value::Object(object))
}

/// A level in upstream's words.
fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was written, without a time before it.
    fn written(format: Format, colours: Colours, tell: impl FnOnce()) -> Vec<String> {
        #[derive(Clone, Default)]
        struct Captured(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Captured {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().expect("no panic").write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = subscriber(format, colours, "info", move || writer.clone());
        tracing::subscriber::with_default(subscriber, tell);
        let bytes = captured.0.lock().expect("no panic").clone();
        String::from_utf8(bytes).expect("text").lines().map(str::to_owned).collect()
    }

    fn tell_everything() {
        let error = "cannot open a file\nof two lines";
        tracing::debug!("not logged");
        tracing::info!(name = "xds", count = 2, took = 3_u128, good = true, "all is well");
        tracing::warn!(%error, empty = "", time = 1, "something\nis wrong");
    }

    #[test]
    fn text_is_time_level_message_and_fields_on_one_line() {
        let lines = written(Format::Text, Colours::None, tell_everything);
        let without_time: Vec<&str> =
            lines.iter().map(|line| line.split_once(' ').expect("a time").1).collect();
        let expect = [
            " INFO all is well name=xds count=2 took=3 good=true",
            r#" WARN something\nis wrong error="cannot open a file\nof two lines" empty="" time=1"#,
        ];
        assert_eq!(without_time, expect);
    }

    /// I-18: such an answer may be a list of Secrets.
    #[test]
    fn an_answer_of_the_api_server_is_not_logged() {
        let lines = written(Format::Text, Colours::None, || {
            tracing::warn!(target: "kube_client::client", "{{\"kind\": \"SecretList\"}}, no list");
            tracing::warn!("something else");
        });
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with("something else"), "{lines:?}");
    }

    #[test]
    fn a_terminal_shows_the_level_in_colour() {
        let lines = written(Format::Text, Colours::Shown, || tracing::error!("so"));
        assert!(lines[0].ends_with(" \x1b[31mERROR\x1b[0m so"), "{lines:?}");
    }

    #[test]
    fn json_is_flat_and_has_the_usual_keys() {
        let lines = written(Format::Json, Colours::None, tell_everything);
        let mut objects: Vec<Value> =
            lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        for object in &mut objects {
            let time = object["time"].take();
            let time = time.as_str().expect("a time");
            assert!(time.len() > 19 && time.ends_with('Z') && time.contains('T'), "{time}");
        }
        let expect = [
            json!({
                "level": "info", "msg": "all is well", "time": null,
                "name": "xds", "count": 2, "took": 3, "good": true,
            }),
            json!({
                "level": "warning", "msg": "something\nis wrong", "time": null,
                "error": "cannot open a file\nof two lines", "empty": "", "fields.time": 1,
            }),
        ];
        assert_eq!(objects, expect);
    }
}
