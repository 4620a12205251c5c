//! What was measured, beside what it may be.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{edits, memory, streams};

/// Measurements of one thing, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Half took less.
    pub median: f64,
    /// None took more.
    pub max: f64,
}

impl Times {
    /// Of at least one measurement.
    pub fn of(mut each: Vec<f64>) -> Times {
        each.sort_unstable_by(f64::total_cmp);
        let median = each.get(each.len() / 2).copied().unwrap_or_default();
        Times { median, max: each.last().copied().unwrap_or_default() }
    }
}

/// A figure, in the unit in which its budget is written.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Figure {
    Seconds(f64),
    Milliseconds(f64),
    Megabytes(f64),
    Kilobytes(f64),
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

/// One line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line {
    what: &'static str,
    is: Figure,
    /// The most it may be.
    may: Option<Figure>,
}

impl Line {
    fn is_within_budget(&self) -> bool {
        self.may.is_none_or(|may| self.is <= may)
    }
}

/// What was measured, beside what it may be.
#[derive(Debug)]
pub struct Report {
    size: usize,
    lines: Vec<Line>,
}

impl Report {
    /// Of all parts, for `size` hosts and streams, whose manifests have so many bytes.
    pub fn new(
        size: usize,
        manifests: usize,
        edits: &edits::Figures,
        memory: &memory::Figures,
        streams: &streams::Figures,
    ) -> Report {
        let mut lines = of_edits(manifests, edits);
        lines.extend(of_memory(memory));
        lines.extend(of_streams(size, streams));
        Report { size, lines }
    }

    /// Whether nothing is more than it may be.
    pub fn is_within_budget(&self) -> bool {
        self.lines.iter().all(Line::is_within_budget)
    }

    /// The same without the budgets.
    pub fn without_budgets(mut self) -> Report {
        self.lines.iter_mut().for_each(|line| line.may = None);
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size;
        writeln!(
            out,
            "{size} proxies of one route, their services and endpoint slices; {size} streams"
        )?;
        for line in &self.lines {
            let is = line.is.to_string();
            write!(out, "  {:58} {is:>12}", line.what)?;
            if let Some(may) = line.may {
                let verdict = if line.is_within_budget() { "kept" } else { "MISSED" };
                write!(out, "   {verdict}, at most {may}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

fn free(what: &'static str, is: Figure) -> Line {
    Line { what, is, may: None }
}

fn bound(what: &'static str, is: Figure, may: Figure) -> Line {
    Line { what, is, may: Some(may) }
}

fn count(what: &'static str, is: usize, may: usize) -> Line {
    bound(what, Figure::Count(is), Figure::Count(may))
}

fn of_edits(manifests: usize, edits: &edits::Figures) -> Vec<Line> {
    use Figure::{Milliseconds, Seconds};
    let edits::Figures { proxy, endpoint_slice, no_op, unrelated, .. } = edits;
    let ms = |seconds: f64| Milliseconds(seconds * 1e3);
    vec![
        free("manifests", megabytes(manifests as u64)),
        free("reading and parsing them", Seconds(edits.parsing)),
        bound("first build, objects to snapshot", Seconds(edits.first), Seconds(1.0)),
        free("route configuration of all hosts", megabytes(edits.routes as u64)),
        bound("a proxy edited, to the snapshot: median", ms(proxy.times.median), Milliseconds(5.0)),
        free("  longest", ms(proxy.times.max)),
        count("  hosts built", proxy.work.hosts, 1),
        count("  units built", proxy.work.units, 1),
        count("  resources changed", proxy.work.resources, 1),
        free("an endpoint slice edited: median", ms(endpoint_slice.times.median)),
        free("  longest", ms(endpoint_slice.times.max)),
        count("  units built", endpoint_slice.work.units, 1),
        count("  resources changed", endpoint_slice.work.resources, 1),
        free("an edit that means nothing: median", ms(no_op.times.median)),
        count("  units built", no_op.work.units, 0),
        count("  resources changed", no_op.work.resources, 0),
        free("an unrelated service: median", ms(unrelated.times.median)),
        count("  units built", unrelated.work.units, 0),
        count("  resources changed", unrelated.work.resources, 0),
    ]
}

fn of_memory(memory: &memory::Figures) -> Vec<Line> {
    vec![
        free("memory of an empty process", megabytes(memory.empty)),
        bound("memory of a serving process", megabytes(memory.serving), Figure::Megabytes(150.0)),
        free("  the most it ever was", megabytes(memory.peak)),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, of three digits")]
fn of_streams(size: usize, streams: &streams::Figures) -> Vec<Line> {
    let each = streams.idle.saturating_sub(streams.before) as f64 / size as f64 / 1e3;
    let ms = |seconds: f64| Figure::Milliseconds(seconds * 1e3);
    vec![
        free("streams opened, answered and acknowledged", Figure::Seconds(streams.opening)),
        free("server memory without a client", megabytes(streams.before)),
        free("server memory with all streams idle", megabytes(streams.idle)),
        free("  the most it ever was", megabytes(streams.peak)),
        bound("memory of an idle stream", Figure::Kilobytes(each), Figure::Kilobytes(12.0)),
        bound("an update to the client: median", ms(streams.update.median), ms(1e-3)),
        free("  longest", ms(streams.update.max)),
        count("  streams woken", streams.woken, 1),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, of three digits")]
fn megabytes(bytes: u64) -> Figure {
    Figure::Megabytes(bytes as f64 / 1e6)
}
