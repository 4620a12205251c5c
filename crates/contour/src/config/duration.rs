//! Durations as Go writes them, as far as Envoy takes them.

use contour_builder::duration::{Units, parse};
use contour_envoy::config::{Interval, Timeout};

/// Reads a timeout: nothing or zero is Envoy's own, `infinity` none at all.
///
/// # Errors
/// Those of [`parse`]; or that it is longer than Envoy takes.
pub fn timeout(text: &str) -> Result<Timeout, String> {
    match text {
        "" => Ok(Timeout::Default),
        "infinity" | "infinite" => Ok(Timeout::Disabled),
        _ => Ok(interval(text)?.map_or(Timeout::Default, Timeout::After)),
    }
}

/// Reads a time that must end; `None` for zero.
///
/// # Errors
/// Those of [`parse`]; or that it is longer than Envoy takes.
pub fn interval(text: &str) -> Result<Option<Interval>, String> {
    let duration = parse(text, Units::Go)?;
    if duration.is_zero() {
        return Ok(None);
    }
    let interval = Interval::new(duration);
    interval.map(Some).ok_or_else(|| format!("{text:?} is longer than Envoy takes, 31 years"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_timeout_and_a_timeout_of_zero_are_envoys_own() {
        for text in ["", "0", "0s"] {
            assert_eq!(timeout(text), Ok(Timeout::Default));
        }
        assert_eq!(timeout("infinity"), Ok(Timeout::Disabled));
        assert_eq!(timeout("infinite"), Ok(Timeout::Disabled));
        let second = Interval::new(Duration::from_secs(1)).expect("not zero");
        assert_eq!(timeout("1s"), Ok(Timeout::After(second)));
        assert!(timeout("300000h").is_err());
    }
}
