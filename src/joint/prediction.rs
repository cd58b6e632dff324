//! Dynamic prediction: the survival of one subject given its markers so far.

use nalgebra::{DMatrix, DVector};

use super::fit::{JointFit, JointOptions, Problem};
use super::model::{JointData, JointModel};
use super::random::Words;
use crate::Error;

/// Conditional survival at one horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PredictedSurvival {
    /// Time.
    pub time: f64,
    /// Probability of no event by then, given none by the landmark and the markers up to it.
    pub survival: f64,
    /// Limits over draws of the parameters.
    pub limits: Option<(f64, f64)>,
}

/// How limits of a prediction are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PredictionDraws {
    /// Draws of the parameters.
    pub n: usize,
    /// Seed.
    pub seed: u64,
    /// Level of the limits.
    pub conf_level: f64,
}

/// Conditional survival of subject `i` of `data` at `horizons` given its visits up to `landmark` and no
/// event until then.
///
/// It is the ratio of two marginal likelihoods: of the markers with survival to the horizon, and of the
/// markers with survival to the landmark. Limits are quantiles of the same ratio over parameters drawn
/// from the normal distribution of the estimates.
///
/// # Errors
/// A usage error: a subject that is not there, without a visit up to the landmark, horizons not after
/// the landmark; a fit without estimates.
///
/// # Source
/// Rizopoulos, Biometrics 67 (2011) 819, with the quadrature of the likelihood in the place of his
/// draws of random effects.
pub fn predict_survival(
    model: &JointModel,
    data: &JointData,
    fit: &JointFit,
    i: usize,
    landmark: f64,
    horizons: &[f64],
    draws: &PredictionDraws,
) -> Result<Vec<PredictedSurvival>, Error> {
    let wrong = |found: String, expected: &str| {
        Err(Error::usage("predicting survival").found(found).expected(expected))
    };
    if !fit.status.has_association() {
        return wrong(format!("a fit that is {}", fit.status.name()), "a converged fit");
    }
    let entry = data.entry.as_ref().map_or(0.0, |entry| entry[i]);
    if !(landmark > entry && horizons.iter().all(|&horizon| horizon > landmark)) {
        return wrong(
            format!("landmark {landmark}, horizons {horizons:?}, entry {entry}"),
            "a landmark after entry and horizons after the landmark",
        );
    }
    let known = visits_until(data, i, landmark);
    if known.visit_time.is_empty() {
        return wrong(format!("no visit up to {landmark}"), "a landmark after the first visit");
    }
    let options = JointOptions { nodes: fit.nodes };
    // the subject once for the landmark, then once a horizon
    let mut times = vec![landmark];
    times.extend_from_slice(horizons);
    let subjects: Vec<JointData> =
        times.iter().map(|&time| JointData { time: vec![time], ..known.clone() }).collect();
    let problems: Vec<Problem<'_>> = subjects
        .iter()
        .map(|subject| Problem::new(model, subject, &options))
        .collect::<Result<_, _>>()?;
    let survivals = |theta: &[f64]| -> Vec<f64> {
        let logs: Vec<f64> =
            problems.iter().map(|problem| problem.likelihood().at(theta, None)).collect();
        logs[1..].iter().map(|log| (log - logs[0]).exp()).collect()
    };
    let estimate = survivals(&fit.theta);
    let factor = fit.variance.as_ref().filter(|_| draws.n > 1).and_then(|variance| {
        let p = fit.theta.len();
        DMatrix::from_column_slice(p, p, variance).cholesky().map(|factor| factor.unpack())
    });
    let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); horizons.len()];
    if let Some(factor) = &factor {
        for draw in 0..draws.n {
            let mut words = Words::new(draws.seed, draw as u64, i);
            let z = DVector::from_fn(fit.theta.len(), |_, _| words.normal());
            let theta = DVector::from_column_slice(&fit.theta) + factor * z;
            for (all, survival) in drawn.iter_mut().zip(survivals(theta.as_slice())) {
                if survival.is_finite() {
                    all.push(survival);
                }
            }
        }
    }
    let tail = (1.0 - draws.conf_level) / 2.0;
    let limits = drawn.into_iter().map(|mut all| {
        all.sort_by(f64::total_cmp);
        let at = |share: f64| all[(share * (all.len() - 1) as f64).round() as usize];
        (!all.is_empty()).then(|| (at(tail), at(1.0 - tail)))
    });
    Ok((horizons.iter().zip(estimate).zip(limits))
        .map(|((&time, survival), limits)| PredictedSurvival { time, survival, limits })
        .collect())
}

/// Subject `i` alone, censored, with its visits up to `landmark`.
fn visits_until(data: &JointData, i: usize, landmark: f64) -> JointData {
    let visits: Vec<usize> =
        data.visits(i).filter(|&visit| data.visit_time[visit] <= landmark).collect();
    let pick = |values: &[f64]| visits.iter().map(|&visit| values[visit]).collect::<Vec<f64>>();
    let mut fixed = data.fixed.clone();
    for term in &mut fixed {
        term.at_visits = pick(&term.at_visits);
        term.of_subjects = term.of_subjects.as_ref().map(|values| vec![values[i]]);
    }
    let mut covariates = data.covariates.clone();
    for column in &mut covariates {
        column.values = vec![column.values[i]];
    }
    JointData {
        visit_begin: vec![0, visits.len()],
        visit_time: pick(&data.visit_time),
        marker: pick(&data.marker),
        offset: data.offset.as_deref().map(pick),
        fixed,
        entry: data.entry.as_ref().map(|entry| vec![entry[i]]),
        time: vec![landmark],
        event: vec![false],
        covariates,
    }
}
