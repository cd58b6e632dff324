//! What a study asks of pairs of patient columns: agreement of two readings, rank correlation.

use serde::Serialize;

use super::study_analysis::decide;
use super::study_data::PatientColumns;
use super::study_file::{Agreement, Correlation, Grouping, StudyFile};
use crate::Error;
use crate::association::{CorrelationMethod, cohen_kappa, spearman};
use crate::io::table::Table;

/// Two readings of the patients: a grouping, and a column of which one text is positive.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgreementResult {
    /// Its name.
    pub name: String,
    /// What agrees with what.
    pub title: String,
    /// The grouping: the first reading.
    pub grouping: String,
    /// The column: the second reading.
    pub column: String,
    /// Who is looked at; null for all.
    pub among: Option<String>,
    /// Levels of the first reading, the negative one first.
    pub first_levels: [String; 2],
    /// Levels of the second: `other`, and the positive text.
    pub second_levels: [String; 2],
    /// Patients by first reading (rows) and second (columns).
    pub counts: [[u64; 2]; 2],
    /// Patients with both readings.
    pub n: u64,
    /// Share of equal readings; `None` without patients.
    pub observed: Option<f64>,
    /// Share expected of independent readings with these margins.
    pub expected: Option<f64>,
    /// Cohen's kappa.
    pub kappa: Option<f64>,
    /// Its standard error.
    pub std_err: Option<f64>,
    /// Lower limit, normal.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
    /// Two-sided p of no agreement beyond chance.
    pub p: Option<f64>,
    /// Why there is no kappa: `no_patients`, or `one_class` where both readings know one only.
    pub reason: Option<&'static str>,
}

/// Spearman's rank correlation of two columns of numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorrelationResult {
    /// Its name.
    pub name: String,
    /// What is correlated.
    pub title: String,
    /// One column.
    pub x: String,
    /// The other.
    pub y: String,
    /// Who is looked at; null for all.
    pub among: Option<String>,
    /// Patients with both numbers.
    pub n: usize,
    /// Spearman's rho; `None` where a column has no spread.
    pub rho: Option<f64>,
    /// Two-sided p; `None` without rho or with fewer than three patients.
    pub p: Option<f64>,
    /// How p was found: `exact`, `edgeworth` or `t`.
    pub method: Option<&'static str>,
    /// Why there is no rho: `no_spread`.
    pub reason: Option<&'static str>,
}

/// Whether each patient is looked at: those for whom the rule holds, all without one.
///
/// # Errors
/// A rule over a column that is not there.
pub(crate) fn looked_at(
    among: Option<&String>,
    columns: &PatientColumns,
) -> Result<Vec<bool>, Error> {
    let Some(rule) = among else { return Ok(vec![true; columns.n_rows()]) };
    Ok(decide(rule, columns)?.into_iter().map(|holds| holds == Some(true)).collect())
}

/// Cross table and kappa.
///
/// # Errors
/// A column that is not in the patient table; a rule over one.
pub(crate) fn agreement(
    asked: &Agreement,
    study: &StudyFile,
    table: &Table,
    columns: &PatientColumns,
) -> Result<AgreementResult, Error> {
    let (first, second) = (table.column(&asked.grouping)?, table.column(&asked.column)?);
    let levels = |one: &Grouping| [one.negative.clone(), one.positive.clone()];
    let grouping = study.groupings.iter().find(|one| one.name == asked.grouping);
    let first_levels = grouping.map(levels).unwrap_or_default();
    let looked_at = looked_at(asked.among.as_ref(), columns)?;
    let mut counts = [[0_u64; 2]; 2];
    for row in (0..table.n_rows()).filter(|&row| looked_at[row]) {
        let group = table.value(row, first);
        let group = group.and_then(|group| first_levels.iter().position(|level| level == group));
        if let (Some(group), Some(reading)) = (group, table.value(row, second)) {
            counts[group][usize::from(reading == asked.positive)] += 1;
        }
    }
    let n: u64 = counts.iter().flatten().sum();
    let found = cohen_kappa(&counts.map(|row| row.to_vec()), study.analysis.conf_level);
    let equal = (n > 0).then(|| (counts[0][0] + counts[1][1]) as f64 / n as f64);
    let reason = match (n, &found) {
        (0, _) => Some("no_patients"),
        (_, None) => Some("one_class"),
        _ => None,
    };
    Ok(AgreementResult {
        name: asked.name.clone(),
        title: asked.title.clone(),
        grouping: asked.grouping.clone(),
        column: asked.column.clone(),
        among: asked.among.clone(),
        first_levels,
        second_levels: ["other".to_owned(), asked.positive.clone()],
        counts,
        n,
        observed: equal,
        expected: found.map(|kappa| kappa.expected),
        kappa: found.map(|kappa| kappa.kappa),
        std_err: found.and_then(|kappa| kappa.std_err),
        lower: found.and_then(|kappa| kappa.lower),
        upper: found.and_then(|kappa| kappa.upper),
        p: found.and_then(|kappa| kappa.p),
        reason,
    })
}

/// Spearman's correlation.
///
/// # Errors
/// A column that is not in the patient table, or holds text; a rule over one.
pub(crate) fn correlation(
    asked: &Correlation,
    table: &Table,
    columns: &PatientColumns,
) -> Result<CorrelationResult, Error> {
    let (x, y) = (table.column(&asked.x)?, table.column(&asked.y)?);
    let looked_at = looked_at(asked.among.as_ref(), columns)?;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for row in (0..table.n_rows()).filter(|&row| looked_at[row]) {
        let number = |column| table.number(row, column, "a number, since it is correlated by rank");
        if let (Some(x), Some(y)) = (number(x)?, number(y)?) {
            first.push(x);
            second.push(y);
        }
    }
    let found = spearman(&first, &second);
    Ok(CorrelationResult {
        name: asked.name.clone(),
        title: asked.title.clone(),
        x: asked.x.clone(),
        y: asked.y.clone(),
        among: asked.among.clone(),
        n: first.len(),
        rho: found.map(|one| one.estimate),
        p: found.and_then(|one| one.p),
        method: found.map(|one| match one.method {
            CorrelationMethod::Exact => "exact",
            CorrelationMethod::Edgeworth => "edgeworth",
            _ => "t",
        }),
        reason: found.is_none().then_some("no_spread"),
    })
}
