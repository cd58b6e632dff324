//! Baseline cumulative hazard of a Cox fit, and the survival curve it predicts.

use nalgebra::{DMatrix, DVector};

use super::cox::{CoxData, CoxFit};
use super::residuals::{HazardTable, fitted_sets};

/// The baseline of one fit: enough to predict the curve of any subject.
pub struct BaselineHazard {
    table: HazardTable,
    /// Label of each stratum in the table.
    strata: Vec<usize>,
    centre: Vec<f64>,
    scale: Vec<f64>,
    /// Standardised coefficients and their variance.
    beta: Vec<f64>,
    variance: DMatrix<f64>,
}

/// One step of a predicted curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PredictedStep {
    /// Event time.
    pub time: f64,
    /// Cumulative hazard through that time.
    pub cumulative_hazard: f64,
    /// Standard error of the cumulative hazard, equally of -log survival.
    pub std_err: f64,
    /// exp(-cumulative hazard).
    pub survival: f64,
}

/// The baseline of a fit; `None` without a finite estimate, for exact ties, or if `data` is not
/// what was fitted.
///
/// # Source
/// Breslow's estimator with Breslow's ties, and Efron's (each tied event against the part of the
/// tied rows still there) with Efron's, as R's `survfit.coxph` and `basehaz` use.
pub fn baseline_hazard(data: &CoxData, fit: &CoxFit) -> Option<BaselineHazard> {
    let (sets, beta) = fitted_sets(data, fit)?;
    let table = HazardTable::new(&sets, &beta, fit.ties);
    let label =
        |position: usize| data.strata.as_ref().map_or(0, |s| s[sets.order[position] as usize]);
    let p = sets.p;
    let variance =
        DMatrix::from_fn(p, p, |a, b| fit.variance()[a * p + b] * sets.scale[a] * sets.scale[b]);
    Some(BaselineHazard {
        table,
        strata: sets.strata.iter().map(|stratum| label(stratum.start)).collect(),
        centre: sets.centre,
        scale: sets.scale,
        beta,
        variance,
    })
}

impl BaselineHazard {
    /// Strata labels with a baseline of their own.
    pub fn strata(&self) -> &[usize] {
        &self.strata
    }

    /// The curve of a subject with covariates `x [p]` in the stratum labelled `stratum`, one step
    /// an event time; `None` for an unknown stratum or another number of covariates.
    ///
    /// With every covariate zero the cumulative hazard is the baseline of R's
    /// `basehaz(centered = FALSE)`.
    ///
    /// # Source
    /// Therneau and Grambsch 2000, section 10.2 (variance after Tsiatis 1981): the variance of the
    /// steps plus that of the coefficients.
    pub fn predict(&self, stratum: usize, x: &[f64]) -> Option<Vec<PredictedStep>> {
        let p = self.beta.len();
        let index = self.strata.iter().position(|label| *label == stratum)?;
        if x.len() != p {
            return None;
        }
        let z = DVector::from_fn(p, |k, _| (x[k] - self.centre[k]) / self.scale[k]);
        let risk = z.iter().zip(&self.beta).map(|(z, b)| z * b).sum::<f64>().exp();
        let table = &self.table;
        let steps = table.range(index).map(|i| {
            let hazard = table.hazard[i];
            let moved = DVector::from_fn(p, |k, _| z[k] * hazard - table.mean_hazard[i * p + k]);
            let spread = table.hazard_variance[i] + moved.dot(&(&self.variance * &moved));
            PredictedStep {
                time: table.time[i],
                cumulative_hazard: risk * hazard,
                std_err: risk * spread.max(0.0).sqrt(),
                survival: (-risk * hazard).exp(),
            }
        });
        Some(steps.collect())
    }
}
