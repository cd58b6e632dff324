//! Bootstrap results as tables and sentences.

use super::documents::{BootstrapDocument, BootstrapInterval};
use super::figures::interval_name;
use super::methods::capitalised;
use super::model::{Analysis, Fact};
use super::number_format::{
    NOT_AVAILABLE, NOT_ESTIMABLE, Rounding, count, count_of, fixed, level, ratio, ratio_limits,
    significant,
};
use super::result_table::ResultTable;

/// `Bootstrap: hazard ratio, HER2+ CTC vs none`.
pub(crate) fn bootstrap_title(analysis: &Analysis, document: &BootstrapDocument) -> String {
    let kind = if document.permutation.is_some() { "Permutation test" } else { "Bootstrap" };
    let statistic = statistic_name(analysis, document);
    match document.term.as_deref() {
        Some(term) => format!("{kind}: {statistic}, {}", analysis.term_label(term)),
        None => format!("{kind}: {statistic}"),
    }
}

/// What was resampled, with its unit.
fn statistic_name(analysis: &Analysis, document: &BootstrapDocument) -> String {
    let unit = match analysis.time_unit.as_str() {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    let brackets = if unit.is_empty() { unit.clone() } else { format!(" ({})", unit.trim()) };
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!(" {value}"));
    match document.statistic.as_str() {
        "median-difference" => match document.quantile {
            Some(share) if share != 0.5 => {
                format!("difference of {}% quantiles{brackets}", significant(100.0 * share, 4))
            }
            _ => format!("difference of medians{brackets}"),
        },
        "rmst-difference" => {
            format!("difference of restricted means up to{}{unit}", number(document.tau))
        }
        "survival-difference" => {
            format!("difference of survival at{}{unit}", number(document.at))
        }
        "logrank" => "signed root of the log-rank chi-squared".to_owned(),
        other => other.replace('-', " "),
    }
}

/// One line for the main results: BCa if it exists, else percentile, else none; and the interval to
/// trust by default where it is another.
pub(crate) fn bootstrap_line(document: &BootstrapDocument) -> Option<String> {
    let preferred = |kind: &str| {
        let exists = |one: &&BootstrapInterval| one.lower.is_some() && one.upper.is_some();
        document.intervals.iter().filter(exists).find(|interval| interval.kind == kind)
    };
    let interval = preferred("bca").or_else(|| preferred("percentile"))?;
    let limits = |one: &BootstrapInterval| statistic_limits(document, one.lower, one.upper);
    let trusted = document.default_interval.as_ref().filter(|one| one.kind != interval.kind);
    let trusted = trusted.map(|one| format!(" {} {}.", interval_name(&one.kind), limits(one)));
    Some(format!(
        "Bootstrap {} {} interval {} ({} of {} replicates estimable).{}",
        level(document.conf_level),
        interval_name(&interval.kind),
        limits(interval),
        count(document.replicates.estimable),
        count(document.replicates.requested),
        trusted.unwrap_or_default(),
    ))
}

fn is_ratio(document: &BootstrapDocument) -> bool {
    document.statistic == "hazard-ratio"
}

/// A value of a statistic that is no ratio: shares to three decimals, others to two.
fn own_scale(document: &BootstrapDocument, value: f64) -> String {
    let is_share = ["survival-difference", "concordance"].contains(&document.statistic.as_str());
    fixed(value, if is_share { 3 } else { 2 }, Rounding::HalfUp)
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
            limit.map_or_else(|| NOT_ESTIMABLE.to_owned(), |v| own_scale(document, v))
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
    if let Some(test) = &document.permutation {
        facts.push(Fact::new("Statistic", value(test.statistic, None)));
        facts.push(Fact::new("At least as far from 0", count(test.n_as_extreme)));
        facts.push(Fact::new("p, two-sided", value(test.p, test.mcse)));
    } else {
        facts.push(Fact::new(format!("Bias{scale}"), value(document.bias, document.mcse_bias)));
        facts.push(Fact::new(
            format!("Standard error{scale}"),
            value(document.std_err, document.mcse_std_err),
        ));
    }
    facts.push(Fact::new("Seed", document.seed.to_string()));
    if let Some(ties) = &document.ties {
        facts.push(Fact::new("Ties", capitalised(ties)));
    }
    if let Some(penalty) = &document.penalty {
        facts.push(Fact::new("Likelihood penalised by", capitalised(penalty)));
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
    let error_heading =
        if is_ratio(document) { "Monte-Carlo error, log scale" } else { "Monte-Carlo error" };
    let headings = ["Kind", heading.as_str(), error_heading];
    let estimate = if is_ratio(document) {
        format!("Estimate {}", ratio(document.estimate.hazard_ratio))
    } else {
        let value = document.estimate.value.map(|value| own_scale(document, value));
        format!("Estimate {}", value.unwrap_or_else(|| NOT_AVAILABLE.to_owned()))
    };
    let mut table = ResultTable::new(estimate, &headings);
    let trusted = document.default_interval.iter();
    let beside = trusted.filter(|one| document.intervals.iter().all(|kind| kind.kind != one.kind));
    for interval in beside.chain(&document.intervals) {
        let error = |error: Option<f64>| {
            error.map_or_else(|| "–".to_owned(), |e| fixed(e, 3, Rounding::HalfUp))
        };
        let limits = statistic_limits(document, interval.lower, interval.upper);
        let reason =
            interval.reason.as_ref().map(|reason| format!(" ({})", reason.replace('_', " ")));
        table.push(vec![
            interval_name(&interval.kind),
            format!("{limits}{}", reason.unwrap_or_default()),
            format!("{}, {}", error(interval.mcse_lower), error(interval.mcse_upper)),
        ]);
    }
    table
}
