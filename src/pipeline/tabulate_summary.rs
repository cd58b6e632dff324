//! What a baseline table shows of a variable in each group.

use super::tabulate::ALL;
use super::tabulate_columns::{By, Values};
use super::tabulate_settings::{ShareInterval, TabulateSettings};
use crate::association::{Summary, clopper_pearson, wilson};
use crate::report::{Moments, OrderedMap, SummaryValues, TabulateShare, TabulateSummary};

/// One summary a group, in the order of the groups.
pub(super) fn summaries_of(
    values: &Values,
    by: &By,
    settings: &TabulateSettings,
) -> Vec<TabulateSummary> {
    match by {
        By::Numbers(_) => vec![summary_of(values, ALL, |_| true, settings)],
        By::Groups { levels, codes } => levels
            .iter()
            .enumerate()
            .map(|(group, level)| summary_of(values, level, |row| codes[row] == group, settings))
            .collect(),
    }
}

/// The rows for which `is_in` holds.
pub(super) fn summary_of(
    values: &Values,
    level: &str,
    is_in: impl Fn(usize) -> bool,
    settings: &TabulateSettings,
) -> TabulateSummary {
    let (n_rows, n, values) = match values {
        Values::Continuous(values) => {
            let rows: Vec<&Option<f64>> = picked(values, is_in).collect();
            let present: Vec<f64> = rows.iter().filter_map(|value| **value).collect();
            (rows.len(), present.len(), SummaryValues::Continuous(moments(&present)))
        }
        Values::Categorical { levels, codes } => {
            let rows: Vec<&Option<usize>> = picked(codes, is_in).collect();
            let counts = count(rows.iter().filter_map(|code| **code), levels.len());
            let n: u64 = counts.iter().sum();
            let shares = settings.ci.map(|interval| {
                let share = |&count: &u64| share(count, n, interval, settings.conf_level);
                named(levels, counts.iter().map(share))
            });
            let counts = named(levels, counts.iter().copied());
            (rows.len(), n as usize, SummaryValues::Categorical { counts, shares })
        }
    };
    TabulateSummary { level: level.to_owned(), n: n as u64, n_missing: (n_rows - n) as u64, values }
}

fn picked<T>(values: &[T], is_in: impl Fn(usize) -> bool) -> impl Iterator<Item = &T> {
    values.iter().enumerate().filter(move |(row, _)| is_in(*row)).map(|(_, value)| value)
}

fn named<V>(levels: &[String], values: impl Iterator<Item = V>) -> OrderedMap<V> {
    OrderedMap(levels.iter().cloned().zip(values).collect())
}

fn count(codes: impl Iterator<Item = usize>, n_levels: usize) -> Vec<u64> {
    let mut counts = vec![0; n_levels];
    codes.for_each(|code| counts[code] += 1);
    counts
}

/// Counts of a categorical variable, `[groups x values]`; empty for another, or without groups.
pub(super) fn group_counts(values: &Values, by: &By) -> Vec<Vec<u64>> {
    let (Values::Categorical { levels, codes }, By::Groups { levels: groups, codes: group_of }) =
        (values, by)
    else {
        return Vec::new();
    };
    let in_group = |group: usize| {
        let rows = codes.iter().zip(group_of).filter(move |(_, of)| **of == group);
        count(rows.filter_map(|(code, _)| *code), levels.len())
    };
    (0..groups.len()).map(in_group).collect()
}

fn moments(values: &[f64]) -> Moments {
    let Some(summary) = Summary::of(values) else { return Moments::default() };
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    Moments {
        median: finite(summary.median),
        q1: finite(summary.q1),
        q3: finite(summary.q3),
        mean: finite(summary.mean),
        sd: summary.sd.and_then(finite),
        min: values.iter().copied().reduce(f64::min),
        max: values.iter().copied().reduce(f64::max),
    }
}

fn share(count: u64, n: u64, interval: ShareInterval, conf_level: f64) -> TabulateShare {
    let limits = match interval {
        ShareInterval::ClopperPearson => clopper_pearson(count, n, conf_level),
        ShareInterval::Wilson => wilson(count, n, conf_level, false),
    };
    TabulateShare {
        share: (n > 0).then(|| count as f64 / n as f64),
        lower: limits.map(|limits| limits.lower),
        upper: limits.map(|limits| limits.upper),
    }
}
