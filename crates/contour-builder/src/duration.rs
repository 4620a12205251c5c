//! Durations as Go writes them.

use std::time::Duration;

use contour_dag::{Interval, Timeout};

/// Which units there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// Those of Go: `ns`, `us`, `ms`, `s`, `m`, `h`.
    Go,
    /// Days and weeks as well: `d`, `w`. In flags.
    Days,
}

/// Reads a duration such as `1h30m`, `1.5s` or `0`.
///
/// # Errors
/// That it is none, and what one looks like; or that it is longer than Go can count, 292 years.
pub fn parse(text: &str, units: Units) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let none = || format!("{text:?} is no duration; write numbers with units, as in \"1m30s\"");
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if let Some(positive) = rest.strip_prefix('-') {
        let nanos = nanos(positive, units).ok_or_else(none)?;
        return if nanos == 0 {
            Ok(Duration::ZERO)
        } else {
            Err(format!("{text:?} is less than nothing"))
        };
    }
    if rest.is_empty() {
        return Err(none());
    }
    let total = nanos(std::mem::take(&mut rest), units).ok_or_else(none)?;
    let nanos = i64::try_from(total).map_err(|_| format!("{text:?} is longer than 292 years"))?;
    Ok(Duration::from_nanos(nanos.unsigned_abs()))
}

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

/// A duration as Go reads it.
pub fn text(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    if nanos == 0 {
        return match (seconds % 3600, seconds % 60) {
            (0, _) if seconds > 0 => format!("{}h", seconds / 3600),
            (_, 0) if seconds > 0 => format!("{}m", seconds / 60),
            _ => format!("{seconds}s"),
        };
    }
    let text = format!("{seconds}.{nanos:09}");
    format!("{}s", text.trim_end_matches('0'))
}

/// The sum of `number unit` pairs.
fn nanos(mut rest: &str, units: Units) -> Option<u128> {
    let mut total = 0_u128;
    while !rest.is_empty() {
        let end = rest.find(|each: char| !each.is_ascii_digit() && each != '.')?;
        let (number, after) = rest.split_at(end);
        let end = after.find(|each: char| each.is_ascii_digit() || each == '.');
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        total = total.checked_add(part(number, unit_nanos(unit, units)?)?)?;
        rest = after;
    }
    Some(total)
}

fn unit_nanos(unit: &str, units: Units) -> Option<u128> {
    const HOUR: u128 = 3_600_000_000_000;
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => HOUR,
        "d" if units == Units::Days => 24 * HOUR,
        "w" if units == Units::Days => 7 * 24 * HOUR,
        _ => return None,
    })
}

/// `number`, which may have a fraction, times `unit`.
fn part(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = whole.checked_mul(unit)?;
    let mut scale = unit;
    for digit in fraction.bytes() {
        scale /= 10;
        nanos = nanos.checked_add(u128::from(digit - b'0').checked_mul(scale)?)?;
    }
    Some(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<Duration>) {
        assert_eq!(parse(text, Units::Go).ok(), expect);
    }

    #[test]
    fn a_duration_is_numbers_with_units() {
        check("1m30s", Some(Duration::from_secs(90)));
        check("1.5s", Some(Duration::from_millis(1500)));
        check(".5s", Some(Duration::from_millis(500)));
        check("+2h", Some(Duration::from_hours(2)));
        check("1us2ns", Some(Duration::from_nanos(1002)));
        check("1h1h", Some(Duration::from_hours(2)));
        check("0", Some(Duration::ZERO));
        check("-0s", Some(Duration::ZERO));
    }

    #[test]
    fn anything_else_is_none() {
        for text in
            ["", "5", "s", "1 s", "1s ", "-1s", ".s", "1.2.3s", "1d", "infinity", "300y", "--1s"]
        {
            check(text, None);
        }
        check("2562048h", None);
    }

    #[test]
    fn flags_know_days_and_weeks() {
        assert_eq!(parse("1w1d", Units::Days), Ok(Duration::from_hours(192)));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["2h", "90s", "1m", "0s", "1.5s"] {
            let duration = parse(text, Units::Go).expect("a duration");
            assert_eq!(parse(&super::text(duration), Units::Go), Ok(duration));
        }
    }

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
