//! Figures of benchmarks, and what they may be.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Measurements of one thing, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Half took less.
    pub median: f64,
    /// None took more.
    pub max: f64,
}

impl Times {
    /// Of at least one measurement: without any, there is nothing that could be within a budget.
    pub fn of(mut each: Vec<f64>) -> Option<Times> {
        each.sort_unstable_by(f64::total_cmp);
        Some(Times { median: *each.get(each.len() / 2)?, max: *each.last()? })
    }
}

/// A figure, in the unit in which its budget is written.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Figure {
    /// Seconds.
    Seconds(f64),
    /// Thousandths of a second.
    Milliseconds(f64),
    /// Millions of bytes.
    Megabytes(f64),
    /// Thousands of bytes.
    Kilobytes(f64),
    /// A number of things.
    Count(usize),
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Figure::Seconds(value) => write!(out, "{value:.2} s"),
            Figure::Milliseconds(value) => write!(out, "{value:.3} ms"),
            Figure::Megabytes(value) => write!(out, "{value:.1} MB"),
            Figure::Kilobytes(value) => write!(out, "{value:.1} kB"),
            Figure::Count(value) => write!(out, "{value}"),
        }
    }
}

/// One line of a report. Prints what is measured, the figure, and the verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    what: &'static str,
    is: Figure,
    /// The most it may be.
    may: Option<Figure>,
}

impl Line {
    /// A figure without a budget.
    pub fn free(what: &'static str, is: Figure) -> Line {
        Line { what, is, may: None }
    }

    /// A figure, and the most it may be.
    pub fn bound(what: &'static str, is: Figure, may: Figure) -> Line {
        Line { what, is, may: Some(may) }
    }

    /// The same without the budget.
    #[must_use]
    pub fn without_budget(self) -> Line {
        Line { may: None, ..self }
    }

    /// Whether it is no more than it may be.
    pub fn is_within_budget(&self) -> bool {
        self.may.is_none_or(|may| self.is <= may)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = self.is.to_string();
        write!(out, "  {:58} {is:>12}", self.what)?;
        match self.may {
            Some(may) if self.is_within_budget() => write!(out, "   kept, at most {may}"),
            Some(may) => write!(out, "   MISSED, at most {may}"),
            None => Ok(()),
        }
    }
}
