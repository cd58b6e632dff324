//! What a fitted Cox model says beyond its coefficients: curves and residuals.

use std::collections::BTreeMap;

use super::cox_blocks::Fitted;
use crate::Error;
use crate::report::{EventResidual, PredictedCurve, PredictedPoint, Residuals, RowResidual};
use crate::survival::{
    BaselineHazard, Cohort, ConfLevel, ConfType, PredictedStep, baseline_hazard, cox_residuals,
    design_of_new_subjects,
};

/// The curve of a subject with every covariate 0, in each stratum; `None` without a finite fit.
pub(super) fn baseline_curves(fitted: &Fitted<'_>, conf_level: f64) -> Option<Vec<PredictedCurve>> {
    let baseline = baseline_hazard(&fitted.data, &fitted.fit)?;
    let zero = vec![0.0; fitted.data.covariates.len()];
    let curve = |&stratum: &usize| {
        Some(PredictedCurve {
            stratum: stratum_name(fitted.cohort, stratum),
            line: None,
            terms: named(fitted, &zero),
            steps: points(baseline.predict(stratum, &zero)?, conf_level),
        })
    };
    baseline.strata().iter().map(curve).collect()
}

/// The curves of `subjects`, each in its stratum, or in every one where it names none; `None`
/// without a finite fit.
///
/// # Errors
/// A subject without a covariate, or in a stratum that no row of the model is in.
pub(super) fn predicted_curves(
    fitted: &Fitted<'_>,
    subjects: &Cohort,
    conf_level: f64,
) -> Result<Option<Vec<PredictedCurve>>, Error> {
    let Some(baseline) = baseline_hazard(&fitted.data, &fitted.fit) else { return Ok(None) };
    let columns = design_of_new_subjects(subjects, fitted.cohort, &fitted.rows());
    let mut curves = Vec::new();
    for subject in 0..subjects.n() {
        let x: Vec<f64> = columns.iter().map(|column| column.values[subject]).collect();
        for stratum in strata_of(subjects, subject, &baseline) {
            let steps = baseline.predict(stratum, &x).ok_or_else(|| {
                Error::input("predicting the curve of a new subject")
                    .at(format!("line {}", subjects.lines[subject]))
                    .found("a stratum without a row in the model")
                    .expected("a stratum of the cohort")
            })?;
            curves.push(PredictedCurve {
                stratum: stratum_name(fitted.cohort, stratum),
                line: Some(subjects.lines[subject]),
                terms: named(fitted, &x),
                steps: points(steps, conf_level),
            });
        }
    }
    Ok(Some(curves))
}

fn strata_of(subjects: &Cohort, subject: usize, baseline: &BaselineHazard) -> Vec<usize> {
    let own = subjects.strata.as_ref().and_then(|strata| strata.codes[subject]);
    own.map_or_else(|| baseline.strata().to_vec(), |stratum| vec![stratum])
}

fn stratum_name(cohort: &Cohort, stratum: usize) -> Option<String> {
    cohort.strata.as_ref().map(|strata| strata.levels[stratum].clone())
}

fn named(fitted: &Fitted<'_>, x: &[f64]) -> BTreeMap<String, f64> {
    let names = fitted.data.covariates.iter().map(|column| column.name.clone());
    names.zip(x.iter().copied()).collect()
}

/// Steps with limits of survival that are symmetric on its log scale, R's default.
fn points(steps: Vec<PredictedStep>, conf_level: f64) -> Vec<PredictedPoint> {
    let z = ConfLevel::new(conf_level).unwrap_or_default().normal_quantile();
    let point = |step: PredictedStep| {
        let limits = ConfType::Log.limits(step.survival, step.std_err, z);
        let (lower, upper) = limits.unwrap_or((0.0, 0.0));
        PredictedPoint {
            time: step.time,
            cumulative_hazard: step.cumulative_hazard,
            std_err: step.std_err,
            survival: step.survival,
            lower,
            upper,
        }
    };
    steps.into_iter().map(point).collect()
}

/// Every residual of the model's rows; `None` without a finite fit.
pub(super) fn residuals_block(fitted: &Fitted<'_>) -> Option<Residuals> {
    let residuals = cox_residuals(&fitted.data, &fitted.fit)?;
    let p = fitted.data.covariates.len();
    let model_rows = fitted.rows();
    let line = |row: usize| fitted.cohort.lines[model_rows[row]];
    // The model has its rows by time, the file does not.
    let mut by_line: Vec<usize> = (0..model_rows.len()).collect();
    by_line.sort_unstable_by_key(|&row| model_rows[row]);
    let rows = by_line.into_iter().map(|row| RowResidual {
        line: line(row),
        martingale: residuals.martingale[row],
        deviance: residuals.deviance[row],
        score: residuals.score[row * p..(row + 1) * p].to_vec(),
    });
    let rows = rows.collect();
    let events = residuals.schoenfeld.into_iter().map(|event| EventResidual {
        line: line(event.row),
        time: event.time,
        schoenfeld: event.residual,
        scaled: event.scaled,
    });
    Some(Residuals {
        terms: fitted.data.covariates.iter().map(|column| column.name.clone()).collect(),
        rows,
        schoenfeld: events.collect(),
    })
}
