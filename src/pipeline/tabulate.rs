//! `tabulate`: the baseline table of a cohort, with tests between its groups.

use rayon::prelude::*;

use super::survive::SCHEMA_VERSION;
use super::tabulate_columns::{By, Rows, Values, read_variable};
use super::tabulate_comparison::{Tested, test_correlation, test_counts, test_numbers};
pub use super::tabulate_csv::tabulate_csv;
pub use super::tabulate_settings::*;
use super::tabulate_summary::{group_counts, summaries_of, summary_of};
use crate::association::{standardised_difference, standardised_difference_of_shares};
use crate::io::table::Table;
use crate::numeric::adjustment::{benjamini_hochberg, holm};
use crate::report::{
    Moments, NoResult, SummaryValues, TabulateDocument, TabulateGroup, TabulateVariable,
    VariableKind,
};
use crate::{Error, Warning};

/// The level of all rows together.
pub(super) const ALL: &str = "all";

/// Summaries and tests of the variables of `table` by the levels of a column, or their
/// correlations with a column of numbers.
///
/// Rows without a value of that column are dropped and counted; a variable is tested over the rows
/// that have a value of it. Drawn p-values depend on the seed and on nothing else: not on threads,
/// nor on the other variables.
///
/// # Errors
/// A usage error where settings cannot go together or a test does not suit the number of groups;
/// an input error where a column is not there, holds text or an infinite number where a number is
/// needed, or has no value at all to split by.
///
/// ```
/// use herscope::io::table::Table;
/// use herscope::pipeline::tabulate::{TabulateSettings, run_tabulate};
///
/// let text = b"arm,age\na,50\na,60\nb,70\nb,81\n";
/// let table = Table::parse(text, "c.csv", "reading the cohort")?;
/// let settings = TabulateSettings {
///     by: "arm".into(),
///     vars: vec!["age".into()],
///     ..TabulateSettings::default()
/// };
/// let document = run_tabulate(&table, &settings)?;
/// let age = &document.variables[0];
/// // Two of the six orders of two pairs are as extreme as a below b.
/// assert_eq!((age.test, age.statistic), (Some("wilcoxon_exact"), Some(0.0)));
/// assert!((age.p.expect("a test") - 2.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn run_tabulate(table: &Table, settings: &TabulateSettings) -> Result<TabulateDocument, Error> {
    settings.check()?;
    let rows = Rows::read(table, settings)?;
    check_group_tests(&rows.by, settings)?;
    let variables: Vec<(TabulateVariable, Vec<Warning>)> = settings
        .vars
        .par_iter()
        .map(|name| {
            let values = read_variable(table, &rows.rows, name, settings)?;
            Ok(variable(name, &values, &rows.by, settings))
        })
        .collect::<Result<_, Error>>()?;
    let mut warnings = row_warnings(table, &rows, settings);
    let mut kept = Vec::with_capacity(variables.len());
    for (variable, noticed) in variables {
        warnings.extend(noticed);
        kept.push(variable);
    }
    if let Some(adjustment) = settings.adjust {
        adjust(&mut kept, adjustment);
    }
    Ok(TabulateDocument {
        schema_version: SCHEMA_VERSION,
        command: "tabulate".to_owned(),
        warnings,
        by: settings.by.clone(),
        correlate: settings.correlate.map(|choice| choice.name().to_owned()),
        n: rows.rows.len() as u64,
        n_dropped: (table.n_rows() - rows.rows.len()) as u64,
        conf_level: settings.conf_level,
        ci: settings.ci.map(|interval| interval.name().to_owned()),
        adjust: settings.adjust.map(|adjustment| adjustment.name().to_owned()),
        groups: groups(&rows),
        variables: kept,
    })
}

/// Tests and differences of two groups are refused beside three, since they would have to leave
/// one out.
fn check_group_tests(by: &By, settings: &TabulateSettings) -> Result<(), Error> {
    let By::Groups { levels, .. } = by else { return Ok(()) };
    if levels.len() < 3 {
        return Ok(());
    }
    let found = format!("{} groups by {}", levels.len(), settings.by);
    let two = settings.tests.iter().find(|(_, test)| test.is_of_two_groups());
    if let Some((name, test)) = two {
        let asked = format!("--test {name}={} and {found}", test.name());
        return Err(usage(&asked, "kruskal, or two groups"));
    }
    if settings.smd {
        return Err(usage(&format!("--smd and {found}"), "two groups"));
    }
    Ok(())
}

fn groups(rows: &Rows) -> Vec<TabulateGroup> {
    match &rows.by {
        By::Numbers(_) => {
            vec![TabulateGroup { level: ALL.to_owned(), n: rows.rows.len() as u64 }]
        }
        By::Groups { levels, codes } => {
            let n = |group| codes.iter().filter(|&&code| code == group).count() as u64;
            let group = |(code, level): (usize, &String)| TabulateGroup {
                level: level.clone(),
                n: n(code),
            };
            levels.iter().enumerate().map(group).collect()
        }
    }
}

fn variable(
    name: &str,
    values: &Values,
    by: &By,
    settings: &TabulateSettings,
) -> (TabulateVariable, Vec<Warning>) {
    let tested = test(name, values, by, settings);
    let summaries = summaries_of(values, by, settings);
    let n_missing = summaries.iter().map(|summary| summary.n_missing).sum();
    let variable = TabulateVariable {
        name: name.to_owned(),
        kind: match values {
            Values::Continuous(_) => VariableKind::Continuous,
            Values::Categorical { .. } => VariableKind::Categorical,
        },
        test: tested.test,
        statistic: tested.statistic,
        p: tested.p,
        p_adjusted: None,
        reason: tested.reason,
        df: tested.df,
        drawn: tested.drawn,
        correlation: tested.correlation,
        odds_ratio: tested.odds_ratio,
        standardised_difference: settings.smd.then(|| difference(values, by)),
        n_missing,
        summaries,
        overall: settings.overall.then(|| summary_of(values, ALL, |_| true, settings)),
    };
    let warnings = variable_warnings(&variable, tested.n_small_expected);
    (variable, warnings)
}

fn test(name: &str, values: &Values, by: &By, settings: &TabulateSettings) -> Tested {
    let choice = settings.tests.get(name).copied();
    match (values, by) {
        (Values::Continuous(values), By::Groups { levels, codes }) => {
            test_numbers(&samples(values, codes, levels.len()), choice)
        }
        (Values::Categorical { .. }, By::Groups { .. }) => {
            test_counts(&group_counts(values, by), choice, settings.conf_level, settings.seed)
        }
        (Values::Continuous(values), By::Numbers(by)) => {
            let pairs = values.iter().zip(by).filter_map(|(x, y)| Some(((*x)?, *y)));
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.unzip();
            test_correlation(&x, &y, settings.correlate.unwrap_or(CorrelationChoice::Spearman))
        }
        (Values::Categorical { .. }, By::Numbers(_)) => {
            unreachable!("beside a column of numbers every variable is read as numbers")
        }
    }
}

/// The values of each group.
fn samples(values: &[Option<f64>], codes: &[usize], n_groups: usize) -> Vec<Vec<f64>> {
    let mut samples = vec![Vec::new(); n_groups];
    for (value, &code) in values.iter().zip(codes) {
        samples[code].extend(value);
    }
    samples
}

fn difference(values: &Values, by: &By) -> Option<f64> {
    let By::Groups { levels, codes } = by else { return None };
    let found = match values {
        Values::Continuous(values) => {
            let samples = samples(values, codes, levels.len());
            let [x, y] = samples.as_slice() else { return None };
            standardised_difference(x, y)
        }
        Values::Categorical { .. } => {
            let counts = group_counts(values, by);
            let [x, y] = counts.as_slice() else { return None };
            standardised_difference_of_shares(x, y)
        }
    };
    found.filter(|difference| difference.is_finite())
}

fn adjust(variables: &mut [TabulateVariable], adjustment: Adjustment) {
    let p: Vec<f64> = variables.iter().filter_map(|variable| variable.p).collect();
    let adjusted = match adjustment {
        Adjustment::Holm => holm(&p),
        Adjustment::Bh => benjamini_hochberg(&p),
    };
    let mut adjusted = adjusted.into_iter();
    for variable in variables {
        variable.p_adjusted = Some(variable.p.and_then(|_| adjusted.next()));
    }
}

fn row_warnings(table: &Table, rows: &Rows, settings: &TabulateSettings) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let n_dropped = table.n_rows() - rows.rows.len();
    if n_dropped > 0 {
        let message = format!(
            "{} has rows that were not used: {n_dropped} without {}",
            table.source(),
            settings.by
        );
        warnings.push(Warning::new("rows_dropped", message));
    }
    if let By::Groups { levels, .. } = &rows.by
        && let [only] = levels.as_slice()
    {
        let message = format!("column {} has one level, {only}: no test", settings.by);
        warnings.push(Warning::new("single_group", message));
    }
    warnings
}

fn variable_warnings(variable: &TabulateVariable, n_small_expected: usize) -> Vec<Warning> {
    let name = &variable.name;
    let mut warnings = Vec::new();
    let mut warn = |code: &str, message: String| warnings.push(Warning::new(code, message));
    match variable.reason {
        Some(NoResult::NoValues) => warn("no_values", format!("column {name} has no value")),
        Some(NoResult::EmptyGroup) => {
            warn("empty_group", format!("column {name} has values in one group only: no test"));
        }
        Some(NoResult::TooLargeForExact) => warn(
            "too_large_for_exact",
            format!("column {name} has too many values for the exact test; wilcoxon_normal suits"),
        ),
        _ => {}
    }
    if n_small_expected > 0 {
        warn(
            "small_expected_counts",
            format!(
                "column {name}: {n_small_expected} expected counts are below 5, where chi-squared \
                 is rough; fisher is exact"
            ),
        );
    }
    let overflows = |summary: &crate::report::TabulateSummary| match &summary.values {
        SummaryValues::Continuous(Moments { mean, sd, median, .. }) => {
            summary.n > 0 && (mean.is_none() || median.is_none() || (summary.n > 1 && sd.is_none()))
        }
        SummaryValues::Categorical { .. } => false,
    };
    if variable.summaries.iter().chain(&variable.overall).any(overflows) {
        warn(
            "not_finite",
            format!("column {name}: values are too large for sums in double precision"),
        );
    }
    warnings
}
