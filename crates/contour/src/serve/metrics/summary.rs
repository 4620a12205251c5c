//! Summaries: quantiles over a sliding window, as Prometheus' client for Go computes them. The client for Rust has none.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily, MetricType, Quantile, Summary as Proto};
use sketches_ddsketch::{Config, DDSketch};
use tokio::time::Instant;

use super::family::{desc, family, labels};

/// How long an observation counts for the quantiles; the Go client's default.
const WINDOW: Duration = Duration::from_mins(10);

/// In how many steps the window moves on; the Go client's default.
const STEPS: u32 = 5;

/// By how much of its value a quantile may be wrong.
const ACCURACY: f64 = 0.01;

/// How many different values, as far as [`ACCURACY`] tells them apart, are kept of a step. What is beyond is counted with
/// the smallest.
const BINS: u32 = 1024;

/// What is shorter counts as nothing, in seconds.
const SHORTEST: f64 = 1e-9;

/// A summary with labels. Clones are the same summary.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    desc: Arc<Desc>,
    quantiles: &'static [f64],
    series: Arc<Mutex<BTreeMap<Vec<String>, Series>>>,
}

impl Summary {
    /// A summary whose series appear with their first observation; without labels its one series is there from the
    /// beginning.
    pub(super) fn new(
        name: &str,
        help: &str,
        quantiles: &'static [f64],
        labels: &[&str],
    ) -> Summary {
        let mut series = BTreeMap::new();
        if labels.is_empty() {
            series.insert(Vec::new(), Series::default());
        }
        Summary {
            desc: Arc::new(desc(name, help, labels)),
            quantiles,
            series: Arc::new(Mutex::new(series)),
        }
    }

    /// Notes that something took so long.
    pub(super) fn observe(&self, labels: &[&str], took: Duration) {
        let labels: Vec<String> = labels.iter().map(|&each| each.to_owned()).collect();
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.entry(labels).or_default().observe(took.as_secs_f64(), Instant::now());
    }
}

impl Collector for Summary {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let metrics = series.iter_mut().map(|(values, series)| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let mut metric = Metric::default();
            metric.set_label(labels(&self.desc, &values));
            metric.set_summary(series.read(self.quantiles, now));
            metric
        });
        vec![family(&self.desc, MetricType::SUMMARY, metrics.collect())]
    }
}

/// The observations with one set of labels.
#[derive(Default)]
struct Series {
    /// Of all time.
    count: u64,
    /// Of all time.
    sum: f64,
    /// What was observed in each step of the window, and when the step began; the newest last.
    steps: VecDeque<(Instant, DDSketch)>,
}

impl fmt::Debug for Series {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Series").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Series {
    fn observe(&mut self, value: f64, now: Instant) {
        self.count += 1;
        self.sum += value;
        self.forget(now);
        match self.steps.back_mut() {
            Some((begun, sketch)) if now.duration_since(*begun) < WINDOW / STEPS => {
                sketch.add(value);
            }
            _ => {
                let mut sketch = sketch();
                sketch.add(value);
                self.steps.push_back((now, sketch));
            }
        }
    }

    fn forget(&mut self, now: Instant) {
        while self.steps.front().is_some_and(|(begun, _)| now.duration_since(*begun) >= WINDOW) {
            self.steps.pop_front();
        }
    }

    fn read(&mut self, quantiles: &[f64], now: Instant) -> Proto {
        self.forget(now);
        let mut window = sketch();
        for (_, step) in &self.steps {
            window.merge(step).expect("all sketches are alike");
        }
        let quantiles = quantiles.iter().map(|&quantile| {
            let mut read = Quantile::default();
            read.set_quantile(quantile);
            let value = window.quantile(quantile).expect("between 0 and 1");
            read.set_value(value.unwrap_or(f64::NAN));
            read
        });
        let mut summary = Proto::default();
        summary.set_sample_count(self.count);
        summary.set_sample_sum(self.sum);
        summary.set_quantile(quantiles.collect());
        summary
    }
}

fn sketch() -> DDSketch {
    DDSketch::new(Config::new(ACCURACY, BINS, SHORTEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUANTILES: &[f64] = &[0.0, 0.5, 1.0];

    /// The quantiles now.
    fn read(series: &mut Series, now: Instant) -> Vec<f64> {
        series.read(QUANTILES, now).get_quantile().iter().map(Quantile::value).collect()
    }

    #[track_caller]
    fn check(found: &[f64], expect: &[f64]) {
        assert_eq!(found.len(), expect.len());
        for (found, expect) in found.iter().zip(expect) {
            let error = (found - expect).abs();
            assert!(error <= expect * (1.001 * ACCURACY), "{found} is not {expect}");
        }
    }

    #[test]
    fn without_observations_a_quantile_is_no_number() {
        let mut series = Series::default();
        assert!(read(&mut series, Instant::now()).iter().all(|each| each.is_nan()));
    }

    #[test]
    fn quantiles_are_those_of_what_was_observed() {
        let (mut series, now) = (Series::default(), Instant::now());
        for value in 1..=999 {
            series.observe(f64::from(value) / 1000.0, now);
        }
        check(&read(&mut series, now), &[0.001, 0.5, 0.999]);
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten_but_for_count_and_sum() {
        let (mut series, now) = (Series::default(), Instant::now());
        series.observe(100.0, now);
        let later = now + WINDOW - Duration::from_secs(1);
        series.observe(1.0, later);
        check(&read(&mut series, later), &[1.0, 1.0, 100.0]);
        let later = now + WINDOW;
        check(&read(&mut series, later), &[1.0, 1.0, 1.0]);
        assert!(read(&mut series, later + WINDOW)[0].is_nan());
        let read = series.read(QUANTILES, later);
        assert_eq!(read.sample_count(), 2);
        check(&[read.sample_sum()], &[101.0]);
    }

    #[test]
    fn memory_is_bounded_by_the_steps_of_the_window() {
        let (mut series, now) = (Series::default(), Instant::now());
        for second in 0..2_000 {
            series.observe(1.0, now + Duration::from_secs(second));
        }
        assert!(series.steps.len() <= STEPS as usize, "{}", series.steps.len());
    }
}
