//! `survive`: follow-up, curves, tests and models of one cohort.

use super::cox_blocks::{CoxBlocks, fit_cox_blocks};
use super::curve_blocks::{group_block, median_block, pairwise_tests, rmst_contrasts};
use crate::report::LogRank as LogRankBlock;
pub use crate::report::{SCHEMA_VERSION, SurviveDocument};
use crate::survival::{
    Cohort, Confidence, KaplanMeier, LogRank, Outcome, QuantileEstimate, Ties, TimeTransform,
    fit_logrank, join_intervals,
};
use crate::{Error, Warning};

/// The level of the one curve of a cohort without groups.
const ALL: &str = "all";

/// Choices of a `survive` run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SurviveSettings {
    /// Level of all intervals and scale of the curves' limits.
    pub confidence: Confidence,
    /// Treatment of tied events in the Cox models.
    pub ties: Ties,
    /// Exponent of the log-rank weights.
    pub rho: f64,
    /// Horizon of the restricted means; none without it.
    pub rmst_tau: Option<f64>,
    /// Function of time in the test of proportional hazards.
    pub zph: TimeTransform,
    /// Whether to fit the Cox model with Firth's penalty too.
    pub firth: bool,
    /// Whether to give the ratio of restricted means beside their difference.
    pub rmst_ratio: bool,
    /// Quantiles of survival time: shares in (0, 1) that have had the event.
    pub quantiles: Vec<f64>,
    /// Times at which to read survival.
    pub times: Vec<f64>,
    /// Whether to give Nelson-Aalen's cumulative hazard.
    pub nelson_aalen: bool,
    /// Whether to test each pair of groups.
    pub pairwise: bool,
    /// Whether standard errors come from the sandwich variance; clusters imply it.
    pub robust: bool,
    /// Whether to give profile likelihood limits of hazard ratios.
    pub profile: bool,
    /// Whether to give the baseline curve of the Cox model.
    pub baseline: bool,
    /// Whether to give the residuals of the Cox model.
    pub residuals: bool,
    /// Subjects whose curves to predict: covariates and group as the cohort has them.
    pub new_subjects: Option<Cohort>,
}

/// The cohort as the curves see it: intervals of one subject joined, rows by ascending time.
pub(super) struct Curves {
    pub(super) outcome: Outcome,
    follow_up: QuantileEstimate,
    pub(super) levels: Vec<Level>,
    /// Group and stratum of the rows the log-rank test compares, where there is a group.
    pub(super) test: Option<TestRows>,
}

pub(super) struct Level {
    pub(super) name: String,
    pub(super) outcome: Outcome,
    pub(super) curve: KaplanMeier,
}

pub(super) struct TestRows {
    pub(super) outcome: Outcome,
    pub(super) groups: Vec<usize>,
    pub(super) strata: Option<Vec<usize>>,
}

/// Follow-up, curves, log-rank test, restricted means and Cox models of `cohort`.
///
/// Curves and tests use all its rows, the regression those with every covariate. Rows of one
/// subject that touch (`id` and `entry` given) count as one stretch of follow-up.
///
/// # Errors
/// A setting that cannot be right (a horizon <= 0, a rho that is not finite).
pub fn run_survive(cohort: &Cohort, settings: &SurviveSettings) -> Result<SurviveDocument, Error> {
    // The regression comes first: its columns are gone before the curves take their place.
    let mut cox_warnings = Vec::new();
    let CoxBlocks { cox, ph_test, firth, baseline, predictions, residuals } =
        fit_cox_blocks(cohort, settings, &mut cox_warnings)?;
    let mut warnings = cohort.warnings.clone();
    let curves = Curves::of(cohort, settings.confidence);
    warnings.extend(curve_warnings(cohort, &curves));
    let (rmst_difference, rmst_ratio) = rmst_contrasts(&curves, settings, &mut warnings)?;
    let test = curves.test.as_ref();
    let logrank = test.map(|test| logrank(test, settings)).transpose()?.flatten();
    let pairwise = test.filter(|_| settings.pairwise);
    let pairwise = pairwise.map(|test| pairwise_tests(test, &curves, settings)).transpose()?;
    warnings.extend(cox_warnings);
    let Curves { outcome, follow_up, levels, .. } = curves;
    let groups = levels
        .into_iter()
        .map(|level| group_block(level, settings))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(SurviveDocument {
        schema_version: SCHEMA_VERSION,
        command: "survive".to_owned(),
        warnings,
        n: outcome.len() as u64,
        n_events: outcome.n_events() as u64,
        n_dropped: cohort.n_dropped() as u64,
        conf_level: settings.confidence.level.get(),
        conf_type: settings.confidence.kind.name().to_owned(),
        landmark: None,
        marker: None,
        follow_up: Some(median_block(follow_up)),
        groups,
        logrank,
        pairwise,
        rmst_difference,
        rmst_ratio,
        cox,
        ph_test,
        firth,
        baseline,
        predictions,
        residuals,
    })
}

impl Curves {
    fn of(cohort: &Cohort, confidence: Confidence) -> Self {
        let subject = cohort.outcome.entry().map(|_| subject_codes(cohort));
        let joined = |rows: &[usize]| joined(cohort, rows, subject.as_deref());
        let by_time = cohort.outcome.rows_in_time_order(|_| true);
        let outcome = joined(&by_time);
        let follow_up = KaplanMeier::fit_reverse(&outcome).median(confidence);
        let level = |name: &str, outcome: Outcome| {
            let curve = KaplanMeier::fit(&outcome);
            Level { name: name.to_owned(), outcome, curve }
        };
        let Some(group) = &cohort.group else {
            drop(by_time);
            let levels = vec![level(ALL, outcome.clone())];
            return Self { outcome, follow_up, levels, test: None };
        };
        let mut rows_of = vec![Vec::new(); group.levels.len()];
        for row in by_time {
            if let Some(code) = group.codes[row] {
                rows_of[code].push(row);
            }
        }
        let levels = group.levels.iter().zip(&rows_of);
        let levels = levels.map(|(name, rows)| level(name, joined(rows))).collect();
        let rows = cohort.outcome.rows_in_time_order(|row| cohort.has_stratum(row));
        let test = group.codes_of(&rows).map(|groups| TestRows {
            outcome: cohort.outcome.select(&rows),
            groups,
            strata: cohort.strata.as_ref().and_then(|strata| strata.codes_of(&rows)),
        });
        Self { outcome, follow_up, levels, test }
    }
}

/// A code a subject: rows of one identifier share it, a row without one has its own.
fn subject_codes(cohort: &Cohort) -> Vec<usize> {
    let Some(ids) = &cohort.ids else { return (0..cohort.n()).collect() };
    let mut first_row = std::collections::HashMap::new();
    ids.iter()
        .enumerate()
        .map(|(row, id)| match id {
            Some(id) => *first_row.entry(id.as_str()).or_insert(row),
            None => row,
        })
        .collect()
}

/// The rows `rows`, those of one subject joined; `subject` is needed only with entries.
fn joined(cohort: &Cohort, rows: &[usize], subject: Option<&[usize]>) -> Outcome {
    let outcome = cohort.outcome.select(rows);
    let Some(subject) = subject else { return outcome };
    let subject: Vec<usize> = rows.iter().map(|&row| subject[row]).collect();
    join_intervals(&outcome, &subject).outcome
}

/// The test between the groups, `None` where there is nothing to compare.
fn logrank(test: &TestRows, settings: &SurviveSettings) -> Result<Option<LogRankBlock>, Error> {
    let LogRank { rho, chisq, df, p, .. } =
        fit_logrank(&test.outcome, &test.groups, test.strata.as_deref(), settings.rho)?;
    Ok(chisq.map(|chisq| LogRankBlock { rho, chisq: Some(chisq), df: df as u64, p }))
}

fn curve_warnings(cohort: &Cohort, curves: &Curves) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(group) = &cohort.group
        && let [only] = group.levels.as_slice()
    {
        let message = format!("column {} has one level, {only}: no test", group.name);
        warnings.push(Warning::new("single_group", message));
    }
    let n_without_stratum = (0..cohort.n()).filter(|&row| !cohort.has_stratum(row)).count();
    if n_without_stratum > 0 {
        let message =
            format!("{n_without_stratum} rows without stratum are not in the log-rank test");
        warnings.push(Warning::new("rows_dropped_logrank", message));
    }
    if cohort.outcome.weight().is_some() {
        let message = "weights count as copies of a row in curves, tests and restricted means; \
                       with other weights their standard errors are not valid";
        warnings.push(Warning::new("weights_are_copies", message));
    }
    warnings.extend(warn_of_immortal_time(cohort));
    warnings.extend(curves.levels.iter().filter_map(warn_of_early_zero));
    warnings
}

/// With late entries the first few at risk may all have the event; the curve then stays at 0
/// although others follow.
fn warn_of_early_zero(level: &Level) -> Option<Warning> {
    let curve = &level.curve;
    let zero = curve.rows().iter().find(|row| row.survival == 0.0)?;
    (curve.last_time()? > zero.time).then(|| {
        let message = format!(
            "group {}: everybody at risk at {} had the event, so survival is 0 although subjects \
             enter later",
            level.name, zero.time
        );
        Warning::new("survival_zero_early", message)
    })
}

/// A group that becomes known after the clock starts is read backwards: its members cannot have
/// had the event before.
fn warn_of_immortal_time(cohort: &Cohort) -> Option<Warning> {
    let late = cohort.known_at.iter().flatten().flatten().filter(|known| **known > 0.0);
    let (n, last) = late.fold((0, 0.0_f64), |(n, last), known| (n + 1, last.max(*known)));
    (n > 0).then(|| {
        let message = format!(
            "the group of {n} rows became known after the clock started (up to {last}); they \
             cannot have had the event before: a landmark at or after {last} avoids that bias"
        );
        Warning::new("group_known_late", message)
    })
}
