//! The formats of access-log lines that Envoy can be given.

use std::collections::BTreeMap;

/// What is wrong with a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A `%` that begins no operator.
    #[error(
        "`{0}` is no operator: it has to be `%NAME%`, `%NAME(argument)%` or `%NAME(argument):length%`"
    )]
    Syntax(String),
    /// Nothing that Envoy knows.
    #[error("`{0}` is no operator that Envoy knows")]
    UnknownOperator(String),
    /// `%REQ%`
    #[error("operator `{0}` needs an argument in parentheses")]
    ArgumentRequired(String),
    /// `%DURATION(x)%`
    #[error("operator `{0}` takes no argument")]
    ArgumentNotAllowed(String),
    /// `%REQ(a b)%`, `%REQ(a?b?c)%`
    #[error("`{0}` names no header: it has to be one name, or two with `?` between them")]
    NoHeader(String),
    /// `%START_TIME(%s):3%`
    #[error("operator `{0}` cannot be cut to a length")]
    LengthNotAllowed(String),
    /// Lines would run into one another.
    #[error("the format has to end in a newline")]
    NoNewline,
    /// Neither `name=format` nor a name with a format of its own.
    #[error("`{0}` is no field that has a format: write `{0}=` and the format")]
    UnknownField(String),
}

/// A line in Envoy's format language, with its newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFormat {
    text: String,         // private: `parse` is the only way in
    operators: Operators, // what `text` uses
}

impl TextFormat {
    /// Reads `accesslog-format-string`.
    ///
    /// # Errors
    /// [`Invalid`] says what is wrong with the first operator that Envoy would refuse, or that the newline is missing.
    pub fn parse(text: &str) -> Result<TextFormat, Invalid> {
        let operators = operators(text)?;
        if !text.ends_with('\n') {
            return Err(Invalid::NoNewline);
        }
        Ok(TextFormat { text: text.to_owned(), operators })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn operators(&self) -> Operators {
        self.operators
    }
}

/// The fields of a JSON line, by name. The default are those that upstream logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonFields {
    fields: BTreeMap<String, String>, // private: `parse` is the only way in
    operators: Operators,             // what `fields` use
}

/// Upstream's fields.
const DEFAULT_FIELDS: [&str; 23] = [
    "@timestamp",
    "authority",
    "bytes_received",
    "bytes_sent",
    "downstream_local_address",
    "downstream_remote_address",
    "duration",
    "method",
    "path",
    "protocol",
    "request_id",
    "requested_server_name",
    "response_code",
    "response_flags",
    "uber_trace_id",
    "upstream_cluster",
    "upstream_host",
    "upstream_local_address",
    "upstream_service_time",
    "user_agent",
    "x_forwarded_for",
    "grpc_status",
    "grpc_status_number",
];

impl JsonFields {
    /// Reads `json-fields`: each is a name that has a format of its own, or `name=format`.
    ///
    /// # Errors
    /// [`Invalid`] says what is wrong with the first field that is neither, or whose format Envoy would refuse.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<JsonFields, Invalid> {
        let mut fields = BTreeMap::new();
        let mut used = Operators::default();
        for entry in entries {
            let (name, format) = field(entry)?;
            used = used.and(operators(&format)?);
            fields.insert(name, format);
        }
        Ok(JsonFields { fields, operators: used })
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, format)| (&**name, &**format))
    }

    pub(super) fn operators(&self) -> Operators {
        self.operators
    }
}

impl Default for JsonFields {
    fn default() -> JsonFields {
        JsonFields::parse(DEFAULT_FIELDS).expect("each has a format of its own")
    }
}

fn field(entry: &str) -> Result<(String, String), Invalid> {
    if let Some((name, format)) = entry.split_once('=') {
        return Ok((name.to_owned(), format.to_owned()));
    }
    let format = match entry {
        "@timestamp" | "ts" => "%START_TIME%",
        "authority" => "%REQ(:AUTHORITY)%",
        "method" => "%REQ(:METHOD)%",
        "path" => "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
        "request_id" => "%REQ(X-REQUEST-ID)%",
        "uber_trace_id" => "%REQ(UBER-TRACE-ID)%",
        "upstream_service_time" => "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
        "user_agent" => "%REQ(USER-AGENT)%",
        "x_forwarded_for" => "%REQ(X-FORWARDED-FOR)%",
        "x_trace_id" => "%REQ(X-TRACE-ID)%",
        "tls_ja3_fingerprint" => "%TLS_JA3_FINGERPRINT%",
        "tls_ja4_fingerprint" => "%TLS_JA4_FINGERPRINT%",
        "contour_config_kind" => {
            "%METADATA(ROUTE:envoy.access_loggers.file:io.projectcontour.kind)%"
        }
        "contour_config_namespace" => {
            "%METADATA(ROUTE:envoy.access_loggers.file:io.projectcontour.namespace)%"
        }
        "contour_config_name" => {
            "%METADATA(ROUTE:envoy.access_loggers.file:io.projectcontour.name)%"
        }
        _ => {
            let operator = entry.to_ascii_uppercase();
            let alone = [&TAKES_NO_ARGUMENT[..], &MAY_HAVE_ARGUMENT].concat();
            if !alone.contains(&&*operator) {
                return Err(Invalid::UnknownField(entry.to_owned()));
            }
            return Ok((entry.to_owned(), format!("%{operator}%")));
        }
    };
    Ok((entry.to_owned(), format.to_owned()))
}

/// Which operators with a formatter of their own a format uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Operators {
    pub(super) metadata: bool,
    pub(super) req_without_query: bool,
}

impl Operators {
    fn and(self, other: Operators) -> Operators {
        Operators {
            metadata: self.metadata || other.metadata,
            req_without_query: self.req_without_query || other.req_without_query,
        }
    }
}

/// Checks every operator of `format`.
fn operators(format: &str) -> Result<Operators, Invalid> {
    let mut used = Operators::default();
    let mut rest = format;
    while let Some(start) = rest.find('%') {
        let token = Token::read(&rest[start..])?;
        token.check()?;
        used.metadata |= token.name == "METADATA";
        used.req_without_query |= token.name == "REQ_WITHOUT_QUERY";
        rest = &rest[start + token.text.len()..];
    }
    Ok(used)
}

/// `%NAME%`, `%NAME(argument)%` or `%NAME(argument):length%`.
struct Token<'a> {
    text: &'a str,
    name: &'a str,
    argument: Option<&'a str>,
    length: Option<&'a str>,
}

impl<'a> Token<'a> {
    /// The token at the beginning of `text`, which begins with `%`.
    fn read(text: &'a str) -> Result<Token<'a>, Invalid> {
        let syntax = || Invalid::Syntax(text.chars().take(40).collect());
        let inner = &text[1..];
        let name_end = inner
            .find(|each: char| !matches!(each, 'A'..='Z' | '0'..='9' | '_'))
            .ok_or_else(syntax)?;
        let (name, mut rest) = inner.split_at(name_end);
        let (mut argument, mut length) = (None, None);
        if let Some(inside) = rest.strip_prefix('(') {
            let (text, after) = inside.split_once(')').ok_or_else(syntax)?;
            (argument, rest) = (Some(text), after);
            if let Some(after) = rest.strip_prefix(':') {
                let digits = after.find(|each: char| !each.is_ascii_digit()).ok_or_else(syntax)?;
                (length, rest) = (Some(&after[..digits]), &after[digits..]);
            }
        }
        let well_formed =
            !name.is_empty() && argument != Some("") && length != Some("") && rest.starts_with('%');
        if !well_formed {
            return Err(syntax());
        }
        let end = text.len() - rest.len() + 1;
        Ok(Token { text: &text[..end], name, argument, length })
    }

    fn check(&self) -> Result<(), Invalid> {
        let name = || self.name.to_owned();
        let listed = |names: &[&str]| names.contains(&self.name);
        if listed(&NAMES_HEADERS) {
            let headers = self.argument.ok_or_else(|| Invalid::ArgumentRequired(name()))?;
            let well_formed = names_headers(headers);
            return well_formed.then_some(()).ok_or_else(|| Invalid::NoHeader(headers.to_owned()));
        }
        if listed(&NEEDS_ARGUMENT) {
            return self.argument.map(|_| ()).ok_or_else(|| Invalid::ArgumentRequired(name()));
        }
        if self.name == "START_TIME" && self.length.is_some() {
            return Err(Invalid::LengthNotAllowed(name()));
        }
        if listed(&TAKES_NO_ARGUMENT) && self.argument.is_some() {
            return Err(Invalid::ArgumentNotAllowed(name()));
        }
        if listed(&TAKES_NO_ARGUMENT) || listed(&MAY_HAVE_ARGUMENT) {
            return Ok(());
        }
        Err(Invalid::UnknownOperator(name()))
    }
}

/// Whether Envoy takes `argument` for the name of a header, perhaps with one alternative.
fn names_headers(argument: &str) -> bool {
    let names: Vec<&str> = argument.split('?').collect();
    let is_name = |name: &&str| {
        let name = name.strip_prefix(':').unwrap_or(name);
        !name.is_empty() && name.bytes().all(|each| each.is_ascii_graphic() && each != b':')
    };
    names.len() <= 2 && names.iter().all(is_name)
}

/// Operators whose argument names a header, or two: `X-A?X-B`.
const NAMES_HEADERS: [&str; 4] = ["REQ", "REQ_WITHOUT_QUERY", "RESP", "TRAILER"];

/// Others that mean nothing without an argument.
const NEEDS_ARGUMENT: [&str; 3] = ["ENVIRONMENT", "METADATA", "UPSTREAM_FILTER_STATE"];

/// Operators that may have one.
const MAY_HAVE_ARGUMENT: [&str; 13] = [
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_PEER_CERT_V_END",
    "DOWNSTREAM_PEER_CERT_V_START",
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
    "GRPC_STATUS",
    "REQUESTED_SERVER_NAME",
    "RESPONSE_CODE_DETAILS",
    "START_TIME",
    "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
    "UPSTREAM_PEER_CERT_V_END",
    "UPSTREAM_PEER_CERT_V_START",
    "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
];

/// Operators that Envoy refuses with one.
const TAKES_NO_ARGUMENT: [&str; 64] = [
    "BYTES_RECEIVED",
    "BYTES_SENT",
    "CONNECTION_ID",
    "CONNECTION_TERMINATION_DETAILS",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS",
    "DOWNSTREAM_DIRECT_REMOTE_PORT",
    "DOWNSTREAM_HEADER_BYTES_RECEIVED",
    "DOWNSTREAM_HEADER_BYTES_SENT",
    "DOWNSTREAM_LOCAL_ADDRESS",
    "DOWNSTREAM_LOCAL_PORT",
    "DOWNSTREAM_LOCAL_SUBJECT",
    "DOWNSTREAM_LOCAL_URI_SAN",
    "DOWNSTREAM_PEER_CERT",
    "DOWNSTREAM_PEER_FINGERPRINT_1",
    "DOWNSTREAM_PEER_FINGERPRINT_256",
    "DOWNSTREAM_PEER_ISSUER",
    "DOWNSTREAM_PEER_SERIAL",
    "DOWNSTREAM_PEER_SUBJECT",
    "DOWNSTREAM_PEER_URI_SAN",
    "DOWNSTREAM_REMOTE_ADDRESS",
    "DOWNSTREAM_REMOTE_PORT",
    "DOWNSTREAM_TLS_CIPHER",
    "DOWNSTREAM_TLS_SESSION_ID",
    "DOWNSTREAM_TLS_VERSION",
    "DOWNSTREAM_WIRE_BYTES_RECEIVED",
    "DOWNSTREAM_WIRE_BYTES_SENT",
    "DURATION",
    "FILTER_CHAIN_NAME",
    "GRPC_STATUS_NUMBER",
    "HOSTNAME",
    "LOCAL_REPLY_BODY",
    "PROTOCOL",
    "REQUEST_DURATION",
    "REQUEST_HEADERS_BYTES",
    "REQUEST_TX_DURATION",
    "RESPONSE_CODE",
    "RESPONSE_DURATION",
    "RESPONSE_FLAGS",
    "RESPONSE_HEADERS_BYTES",
    "RESPONSE_TRAILERS_BYTES",
    "RESPONSE_TX_DURATION",
    "ROUTE_NAME",
    "TLS_JA3_FINGERPRINT",
    "TLS_JA4_FINGERPRINT",
    "UPSTREAM_CLUSTER",
    "UPSTREAM_HEADER_BYTES_RECEIVED",
    "UPSTREAM_HEADER_BYTES_SENT",
    "UPSTREAM_HOST",
    "UPSTREAM_LOCAL_ADDRESS",
    "UPSTREAM_LOCAL_PORT",
    "UPSTREAM_PEER_CERT",
    "UPSTREAM_PEER_ISSUER",
    "UPSTREAM_PEER_SUBJECT",
    "UPSTREAM_PROTOCOL",
    "UPSTREAM_REMOTE_ADDRESS",
    "UPSTREAM_REMOTE_PORT",
    "UPSTREAM_REQUEST_ATTEMPT_COUNT",
    "UPSTREAM_TLS_CIPHER",
    "UPSTREAM_TLS_SESSION_ID",
    "UPSTREAM_TLS_VERSION",
    "UPSTREAM_TRANSPORT_FAILURE_REASON",
    "UPSTREAM_WIRE_BYTES_RECEIVED",
    "UPSTREAM_WIRE_BYTES_SENT",
    "VIRTUAL_CLUSTER_NAME",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(text: &str, expect: Result<(), Invalid>) {
        assert_eq!(TextFormat::parse(text).map(|_| ()), expect);
    }

    #[test]
    fn text_with_operators_is_a_format() {
        check_text("[%START_TIME%] %REQ(:METHOD)% %REQ(X?Y):10% %RESPONSE_CODE%\n", Ok(()));
        check_text("%START_TIME(%s.%3f)%\n", Ok(()));
        check_text("no operators\n", Ok(()));
        check_text("%REQUESTED_SERVER_NAME(SNI_FIRST)% %UPSTREAM_FILTER_STATE(a)%\n", Ok(()));
    }

    #[test]
    fn text_ends_in_a_newline() {
        check_text("%PROTOCOL%", Err(Invalid::NoNewline));
    }

    #[test]
    fn every_percent_begins_an_operator() {
        for text in ["%\n", "%%\n", "%req(x)%\n", "%REQ(x\n", "%REQ()%\n", "%REQ(x):%\n", "%A"] {
            check_text(text, Err(Invalid::Syntax(text.to_owned())));
            check_text(&format!("100 {text}"), Err(Invalid::Syntax(text.to_owned())));
        }
        check_text("a %REQ(x)y\n", Err(Invalid::Syntax("%REQ(x)y\n".to_owned())));
    }

    #[test]
    fn operators_are_known() {
        check_text("%NO_SUCH%\n", Err(Invalid::UnknownOperator("NO_SUCH".to_owned())));
    }

    #[test]
    fn some_operators_need_an_argument() {
        for name in [&NAMES_HEADERS[..], &NEEDS_ARGUMENT].concat() {
            let expect = Err(Invalid::ArgumentRequired(name.to_owned()));
            check_text(&format!("%{name}%\n"), expect);
        }
    }

    #[test]
    fn most_operators_take_none() {
        let expect = Err(Invalid::ArgumentNotAllowed("DURATION".to_owned()));
        check_text("%DURATION(x)%\n", expect);
    }

    #[test]
    fn an_argument_names_a_header_and_an_alternative() {
        check_text("%REQ(:PATH?X-PATH)%\n", Ok(()));
        for headers in ["a b", "a?b?c", "a?", ":", "a:b"] {
            let expect = Err(Invalid::NoHeader(headers.to_owned()));
            check_text(&format!("%REQ({headers})%\n"), expect);
        }
    }

    #[test]
    fn a_time_has_no_length() {
        let expect = Err(Invalid::LengthNotAllowed("START_TIME".to_owned()));
        check_text("%START_TIME(%s):3%\n", expect);
    }

    #[track_caller]
    fn check_field(entry: &str, expect: Result<(&str, &str), Invalid>) {
        let fields = JsonFields::parse([entry]);
        let fields = fields.as_ref().map(|fields| fields.fields().next().unwrap());
        assert_eq!(fields.map_err(Clone::clone), expect);
    }

    #[test]
    fn a_field_has_its_own_format_or_a_given_one() {
        check_field("@timestamp", Ok(("@timestamp", "%START_TIME%")));
        check_field("path", Ok(("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%")));
        check_field("duration", Ok(("duration", "%DURATION%")));
        check_field("a=%REQ(x)%=b", Ok(("a", "%REQ(x)%=b")));
        check_field("fixed=text", Ok(("fixed", "text")));
    }

    #[test]
    fn a_field_without_a_format_is_refused() {
        check_field("nonsense", Err(Invalid::UnknownField("nonsense".to_owned())));
        check_field("x=%NO%", Err(Invalid::UnknownOperator("NO".to_owned())));
        check_field("req", Err(Invalid::UnknownField("req".to_owned())));
    }

    #[test]
    fn the_default_has_all_of_upstreams_fields() {
        let default = JsonFields::default();
        let names: Vec<_> = default.fields().map(|(name, _)| name).collect();
        let mut expect = DEFAULT_FIELDS;
        expect.sort_unstable();
        assert_eq!(names, expect);
    }

    #[test]
    fn operators_with_formatters_are_noticed() {
        let fields = JsonFields::parse(["contour_config_kind", "x=%REQ_WITHOUT_QUERY(:PATH)%"]);
        let expect = Operators { metadata: true, req_without_query: true };
        assert_eq!(fields.unwrap().operators(), expect);
        assert_eq!(JsonFields::default().operators(), Operators::default());
    }
}
