//! What single words may say: values of flags and of the environment.

use contour_k8s::yaml::suggest;

use super::key::{Key, Kind};
use super::settings::{Item, Origin, Value};
use contour_builder::duration::{self, Units};

/// Reads the value of a flag.
///
/// # Errors
/// What is wrong with it, and what would mend it.
pub fn value(key: &Key, origin: &Origin, text: &str) -> Result<Value, String> {
    match key.kind {
        Kind::Boolean => match text {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            _ => Err("give true or false".to_owned()),
        },
        Kind::Integer { .. } => {
            let number = integer(text).ok_or_else(|| "give a whole number".to_owned())?;
            in_range(key.kind, number).map(Value::Integer)
        }
        Kind::Number => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            let number = number.filter(|number| *number >= 0.0);
            number.map(Value::Number).ok_or_else(|| "give a number that is not negative".to_owned())
        }
        Kind::Duration => duration::parse(text, Units::Days).map(Value::Duration),
        Kind::Word(words) => word(text, words).map(|()| Value::Text(text.to_owned())),
        Kind::Texts => {
            let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
            let item = |text: &str| Item { text: text.to_owned(), origin: origin.clone() };
            Ok(Value::Texts(texts.map(item).collect()))
        }
        Kind::Words(words) => {
            if words.contains(&text) {
                let item = Item { text: text.to_owned(), origin: origin.clone() };
                Ok(Value::Texts(vec![item]))
            } else {
                Err(suggest::not_one_of(text, words.iter().copied()))
            }
        }
        Kind::Text
        | Kind::Timeout
        | Kind::Reference
        | Kind::Map
        | Kind::Block
        | Kind::Blocks(_) => Ok(Value::Text(text.to_owned())),
    }
}

/// Whether a number is one of the kind.
///
/// # Errors
/// That it is not, and between what it has to be.
pub fn in_range(kind: Kind, number: i64) -> Result<i64, String> {
    let Kind::Integer { min, max } = kind else { return Ok(number) };
    if (min..=max).contains(&number) {
        Ok(number)
    } else {
        Err(format!("{number} is out of range; give a number from {min} to {max}"))
    }
}

/// Whether a word is one of these, or empty.
///
/// # Errors
/// That it is not, and which there are.
pub fn word(text: &str, words: &[&str]) -> Result<(), String> {
    if text.is_empty() || words.contains(&text) {
        Ok(())
    } else {
        Err(suggest::not_one_of(text, words.iter().copied()))
    }
}

/// A whole number in one of the notations that Go's flags take: `17`, `0x11`, `0o21`, `8e3`.
#[expect(clippy::cast_possible_truncation, reason = "guarded by the range")]
fn integer(text: &str) -> Option<i64> {
    let prefixed = |prefix, radix| {
        text.strip_prefix(prefix).and_then(|digits| i64::from_str_radix(digits, radix).ok())
    };
    let float = || {
        let number = text.parse::<f64>().ok()?;
        (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
    };
    text.parse().ok().or_else(|| prefixed("0x", 16)).or_else(|| prefixed("0o", 8)).or_else(float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_gos_notations() {
        let expect =
            [("17", Some(17)), ("0x11", Some(17)), ("0o21", Some(17)), ("8e3", Some(8000))];
        for (text, expect) in expect.into_iter().chain([("1.5", None), ("x", None), ("inf", None)])
        {
            assert_eq!(integer(text), expect, "{text}");
        }
    }
}
