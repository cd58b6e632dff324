//! Bootstrap results as tables and sentences.

use super::documents::BootstrapDocument;
use super::figures::interval_name;
use super::methods::capitalised;
use super::model::{Analysis, Fact};
use super::number_format::{
    NOT_AVAILABLE, NOT_ESTIMABLE, Rounding, count, count_of, fixed, level, ratio, ratio_limits,
};
use super::result_table::ResultTable;

/// `Bootstrap: hazard ratio, HER2+ CTC vs none`.
pub(crate) fn bootstrap_title(analysis: &Analysis, document: &BootstrapDocument) -> String {
    let statistic = document.statistic.replace('-', " ");
    match document.term.as_deref() {
        Some(term) => format!("Bootstrap: {statistic}, {}", analysis.term_label(term)),
        None => format!("Bootstrap: {statistic}"),
    }
}

/// One line for the main results: BCa if asked for, else percentile, else none.
pub(crate) fn bootstrap_line(document: &BootstrapDocument) -> Option<String> {
    let preferred = |kind: &str| document.intervals.iter().find(|interval| interval.kind == kind);
    let interval = preferred("bca").or_else(|| preferred("percentile"))?;
    Some(format!(
        "Bootstrap {} {} interval {} ({} of {} replicates estimable).",
        level(document.conf_level),
        interval_name(&interval.kind),
        statistic_limits(document, interval.lower, interval.upper),
        count(document.replicates.estimable),
        count(document.replicates.requested),
    ))
}

fn is_ratio(document: &BootstrapDocument) -> bool {
    document.statistic == "hazard-ratio"
}

pub(crate) fn statistic_limits(
    document: &BootstrapDocument,
    lower: Option<f64>,
    upper: Option<f64>,
) -> String {
    if is_ratio(document) {
        ratio_limits(document.estimate.hazard_ratio, lower, upper)
    } else {
        let text = |limit: Option<f64>| {
            limit.map_or_else(|| NOT_ESTIMABLE.to_owned(), |v| fixed(v, 1, Rounding::HalfUp))
        };
        format!("{} to {}", text(lower), text(upper))
    }
}

pub(crate) fn bootstrap_settings(document: &BootstrapDocument) -> Vec<Fact> {
    let replicates = &document.replicates;
    let value = |value: Option<f64>, error: Option<f64>| {
        let text = |v: f64| fixed(v, 4, Rounding::HalfUp);
        match (value, error) {
            (Some(value), Some(error)) => {
                format!("{} (Monte-Carlo error {})", text(value), text(error))
            }
            (Some(value), None) => text(value),
            (None, _) => NOT_AVAILABLE.to_owned(),
        }
    };
    let scale = if is_ratio(document) { ", log scale" } else { "" };
    let mut facts = vec![
        Fact::new("Subjects, events", format!("{}, {}", document.n, document.n_events)),
        Fact::new("Resampling", &document.resample),
        Fact::new("Replicates asked for", count(replicates.requested)),
        Fact::new("Estimable", count_of(replicates.estimable, replicates.requested)),
    ];
    for (reason, number) in &replicates.inestimable {
        let label = format!("Inestimable: {}", reason.replace('_', " "));
        facts.push(Fact::new(label, count(*number)));
    }
    facts.push(Fact::new(format!("Bias{scale}"), value(document.bias, document.mcse_bias)));
    facts.push(Fact::new(
        format!("Standard error{scale}"),
        value(document.std_err, document.mcse_std_err),
    ));
    facts.push(Fact::new("Seed", document.seed.to_string()));
    if let Some(ties) = &document.ties {
        facts.push(Fact::new("Ties", capitalised(ties)));
    }
    if let Some(device) = &document.device {
        facts.push(Fact::new("Device", format!("{} ({})", device.name, device.backend)));
    }
    if let Some(digest) = &document.draws_sha256 {
        facts.push(Fact::new("Digest of the draws (SHA-256)", digest));
    }
    facts
}

pub(crate) fn intervals_table(document: &BootstrapDocument) -> ResultTable {
    let heading = format!("{} interval", level(document.conf_level));
    let headings = ["Kind", heading.as_str(), "Monte-Carlo error, log scale"];
    let headings: &[&str] = if is_ratio(document) { &headings } else { &headings[..2] };
    let estimate = if is_ratio(document) {
        format!("Estimate {}", ratio(document.estimate.hazard_ratio))
    } else {
        let value = document.estimate.value.map(|value| fixed(value, 1, Rounding::HalfUp));
        format!("Estimate {}", value.unwrap_or_else(|| NOT_AVAILABLE.to_owned()))
    };
    let mut table = ResultTable::new(estimate, headings);
    for interval in &document.intervals {
        let error = |error: Option<f64>| {
            error.map_or_else(|| "–".to_owned(), |e| fixed(e, 3, Rounding::HalfUp))
        };
        let limits = statistic_limits(document, interval.lower, interval.upper);
        let reason =
            interval.reason.as_ref().map(|reason| format!(" ({})", reason.replace('_', " ")));
        let mut cells =
            vec![interval_name(&interval.kind), format!("{limits}{}", reason.unwrap_or_default())];
        if is_ratio(document) {
            cells.push(format!("{}, {}", error(interval.mcse_lower), error(interval.mcse_upper)));
        }
        table.push(cells);
    }
    table
}
