//! What was measured, beside what it may be.

use std::fmt;

use contour_tests::budget::{Figure, Line};

use crate::{edits, memory, streams};

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
        self.lines.iter_mut().for_each(|line| *line = line.without_budget());
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
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

fn count(what: &'static str, is: usize, may: usize) -> Line {
    Line::bound(what, Figure::Count(is), Figure::Count(may))
}

fn of_edits(manifests: usize, edits: &edits::Figures) -> Vec<Line> {
    use Figure::{Milliseconds, Seconds};
    let edits::Figures { proxy, endpoint_slice, no_op, unrelated, .. } = edits;
    let ms = |seconds: f64| Milliseconds(seconds * 1e3);
    vec![
        Line::free("manifests", megabytes(manifests as u64)),
        Line::free("reading and parsing them", Seconds(edits.parsing)),
        Line::bound("first build, objects to snapshot", Seconds(edits.first), Seconds(1.0)),
        Line::free("route configuration of all hosts", megabytes(edits.routes as u64)),
        Line::bound(
            "a proxy edited, to the snapshot: median",
            ms(proxy.times.median),
            Milliseconds(5.0),
        ),
        Line::free("  longest", ms(proxy.times.max)),
        count("  hosts built", proxy.work.hosts, 1),
        count("  units built", proxy.work.units, 1),
        count("  resources changed", proxy.work.resources, 1),
        Line::free("an endpoint slice edited: median", ms(endpoint_slice.times.median)),
        Line::free("  longest", ms(endpoint_slice.times.max)),
        count("  units built", endpoint_slice.work.units, 1),
        count("  resources changed", endpoint_slice.work.resources, 1),
        Line::free("an edit that means nothing: median", ms(no_op.times.median)),
        count("  units built", no_op.work.units, 0),
        count("  resources changed", no_op.work.resources, 0),
        Line::free("an unrelated service: median", ms(unrelated.times.median)),
        count("  units built", unrelated.work.units, 0),
        count("  resources changed", unrelated.work.resources, 0),
    ]
}

fn of_memory(memory: &memory::Figures) -> Vec<Line> {
    vec![
        Line::free("memory of an empty process", megabytes(memory.empty)),
        Line::bound(
            "memory of a serving process",
            megabytes(memory.serving),
            Figure::Megabytes(150.0),
        ),
        Line::free("  the most it ever was", megabytes(memory.peak)),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, of three digits")]
fn of_streams(size: usize, streams: &streams::Figures) -> Vec<Line> {
    let each = streams.idle.saturating_sub(streams.before) as f64 / size as f64 / 1e3;
    let ms = |seconds: f64| Figure::Milliseconds(seconds * 1e3);
    vec![
        Line::free("streams opened, answered and acknowledged", Figure::Seconds(streams.opening)),
        Line::free("server memory without a client", megabytes(streams.before)),
        Line::free("server memory with all streams idle", megabytes(streams.idle)),
        Line::free("  the most it ever was", megabytes(streams.peak)),
        Line::bound("memory of an idle stream", Figure::Kilobytes(each), Figure::Kilobytes(12.0)),
        Line::bound("an update to the client: median", ms(streams.update.median), ms(1e-3)),
        Line::free("  longest", ms(streams.update.max)),
        count("  streams woken", streams.woken, 1),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, of three digits")]
fn megabytes(bytes: u64) -> Figure {
    Figure::Megabytes(bytes as f64 / 1e6)
}
