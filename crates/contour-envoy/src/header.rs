//! `envoy.config.core.v3.HeaderValueOption`: what is done with headers.

use std::sync::Arc;

use contour_dag::{HeaderPart, HeaderValue};
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{
    HeaderValue as EnvoyHeaderValue, HeaderValueOption,
};

/// Headers that get a value instead of those they have.
pub(crate) fn set(headers: &[(Arc<str>, HeaderValue)]) -> Vec<HeaderValueOption> {
    headers.iter().map(|(name, value)| option(name, value)).collect()
}

/// Headers that are taken out.
pub(crate) fn remove(names: &[Arc<str>]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn option(name: &str, value: &HeaderValue) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(EnvoyHeaderValue {
            key: name.to_owned(),
            value: format(value),
            ..Default::default()
        }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..Default::default()
    }
}

/// A value in Envoy's format language, in which `%` begins a command and `%%` is the sign itself. Nothing else writes
/// values that somebody gave: an unknown command in one header, and Envoy refuses the routes of all hosts.
fn format(value: &HeaderValue) -> String {
    let mut format = String::new();
    for part in &value.0 {
        match part {
            HeaderPart::Text(text) => format.push_str(&text.replace('%', "%%")),
            HeaderPart::Variable(name) => format.extend(["%", name, "%"]),
        }
    }
    format
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::json::show;

    fn text(text: &str) -> HeaderPart {
        HeaderPart::Text(text.into())
    }

    fn variable(name: &str) -> HeaderPart {
        HeaderPart::Variable(name.into())
    }

    #[track_caller]
    fn check(parts: Vec<HeaderPart>, expect: &str) {
        assert_eq!(format(&HeaderValue(parts)), expect);
    }

    #[test]
    fn percent_signs_of_a_text_are_doubled() {
        check(vec![text("100% sure")], "100%% sure");
        check(vec![text("%REQ(x)%")], "%%REQ(x)%%");
        check(vec![text("%%")], "%%%%");
        check(vec![], "");
    }

    #[test]
    fn variables_are_commands() {
        check(vec![variable("HOSTNAME")], "%HOSTNAME%");
        check(
            vec![text("a%"), variable("REQ(x-id?x-other):8"), variable("PROTOCOL"), text("%b")],
            "a%%%REQ(x-id?x-other):8%%PROTOCOL%%%b",
        );
    }

    #[test]
    fn a_header_that_is_set_loses_its_values() {
        let headers =
            [("x-a".into(), HeaderValue(vec![text("1")])), ("x-b".into(), HeaderValue(vec![]))];
        let shown: Vec<_> = set(&headers).iter().map(show).collect();
        let overwrite = "OVERWRITE_IF_EXISTS_OR_ADD";
        let expect = [
            json!({ "header": { "key": "x-a", "value": "1" }, "append_action": overwrite }),
            json!({ "header": { "key": "x-b" }, "append_action": overwrite }),
        ];
        assert_eq!(shown, expect);
    }

    /// What Envoy reads in a format: texts and commands in turn, neighbouring texts as one.
    fn read(format: &str) -> Vec<HeaderPart> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), format);
        while let Some((before, behind)) = rest.split_once('%') {
            literal.push_str(before);
            rest = if let Some(behind) = behind.strip_prefix('%') {
                literal.push('%');
                behind
            } else {
                let (command, behind) = behind.split_once('%').expect("a command ends");
                parts.extend((!literal.is_empty()).then(|| text(&literal)));
                literal.clear();
                parts.push(variable(command));
                behind
            };
        }
        literal.push_str(rest);
        parts.extend((!literal.is_empty()).then(|| text(&literal)));
        parts
    }

    /// The same value with as few texts as possible.
    fn merged(parts: &[HeaderPart]) -> Vec<HeaderPart> {
        let mut merged: Vec<HeaderPart> = Vec::new();
        for part in parts {
            match (merged.last_mut(), part) {
                (_, HeaderPart::Text(each)) if each.is_empty() => {}
                (Some(HeaderPart::Text(last)), HeaderPart::Text(each)) => {
                    *last = format!("{last}{each}").into();
                }
                _ => merged.push(part.clone()),
            }
        }
        merged
    }

    fn any_part() -> impl Strategy<Value = HeaderPart> {
        prop_oneof![
            "[%A-C()]{0,6}".prop_map(|each| text(&each)),
            ".{0,6}".prop_map(|each| text(&each)),
            "[A-Z_]{1,3}(\\([a-z?-]{1,3}\\)(:[0-9])?)?".prop_map(|each| variable(&each)),
        ]
    }

    proptest! {
        #[test]
        fn envoy_reads_what_was_meant(parts in prop::collection::vec(any_part(), 0..6)) {
            let expect = merged(&parts);
            prop_assert_eq!(read(&format(&HeaderValue(parts))), expect);
        }

        #[test]
        fn no_text_is_a_command(given in ".{0,20}|[%A-C()]{0,20}") {
            let format = format(&HeaderValue(vec![text(&given)]));
            prop_assert!(read(&format).iter().all(|part| matches!(part, HeaderPart::Text(_))));
            prop_assert_eq!(format.replace("%%", "%"), given);
        }
    }
}
