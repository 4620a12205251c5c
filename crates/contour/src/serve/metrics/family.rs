//! Families of metrics that are computed when they are asked for.

use std::collections::HashMap;

use prometheus::core::Desc;
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// A description; names, help and labels are constants of this program.
pub(super) fn desc(name: &str, help: &str, labels: &[&str]) -> Desc {
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    let desc = Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::default());
    desc.expect("a valid name and valid labels")
}

/// A family with these series.
pub(super) fn family(desc: &Desc, kind: MetricType, series: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(desc.fq_name.clone());
    family.set_help(desc.help.clone());
    family.set_field_type(kind);
    family.set_metric(series);
    family
}

/// A series' labels, in the order of its description.
pub(super) fn labels(desc: &Desc, values: &[&str]) -> Vec<LabelPair> {
    let pairs = desc.variable_labels.iter().zip(values);
    pairs
        .map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name(name.clone());
            pair.set_value((*value).to_owned());
            pair
        })
        .collect()
}

/// One series of a gauge.
pub(super) fn gauge(desc: &Desc, values: &[&str], value: usize) -> Metric {
    let mut gauge = Gauge::default();
    #[expect(clippy::cast_precision_loss, reason = "counts of objects are far below 2^52")]
    gauge.set_value(value as f64);
    let mut metric = Metric::from_gauge(gauge);
    metric.set_label(labels(desc, values));
    metric
}
