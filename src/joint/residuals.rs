//! Residuals of a fitted joint model.

use super::fit::{JointFit, JointOptions, Problem};
use super::model::{Family, JointData, JointModel};
use super::parameters::Point;
use super::subject::{Scratch, Subject};
use crate::Error;

/// Residuals of the markers `[n_visits]` and of the outcomes `[n_subjects]`.
#[derive(Clone, Debug, PartialEq)]
pub struct JointResiduals {
    /// Mean of the marker given the subject's random effects (posterior means).
    pub fitted: Vec<f64>,
    /// (marker - fitted) / SD of the marker about it: Pearson's.
    pub marker: Vec<f64>,
    /// Cumulative hazard from entry to the end of follow-up given the random effects: Cox and Snell's.
    pub cox_snell: Vec<f64>,
    /// 1 for an event, less that.
    pub martingale: Vec<f64>,
}

/// Residuals at the estimates; `None` without estimates of the association.
///
/// # Errors
/// As [`fit_joint`](super::fit_joint).
///
/// # Source
/// Rizopoulos, Joint Models for Longitudinal and Time-to-Event Data (2012), chapter 6.
pub fn joint_residuals(
    model: &JointModel,
    data: &JointData,
    fit: &JointFit,
) -> Result<Option<JointResiduals>, Error> {
    if !fit.status.has_association() {
        return Ok(None);
    }
    let problem = Problem::new(model, data, &JointOptions { nodes: fit.nodes })?;
    let point = Point::of(&fit.theta, &problem.layout, model);
    let mut scratch = Scratch::default();
    let mut none = vec![0.0; fit.theta.len()];
    let mut residuals = JointResiduals {
        fitted: Vec::new(),
        marker: Vec::new(),
        cox_snell: Vec::new(),
        martingale: Vec::new(),
    };
    for (i, effects) in fit.effects.iter().enumerate() {
        let b = [effects.mean[0], effects.mean.get(1).copied().unwrap_or(0.0)];
        let subject = Subject::of(&problem.prepared, model, &problem.layout, &point, i);
        let entrant = Subject::until_entry(&problem.prepared, model, &problem.layout, &point, i);
        let before = entrant.map_or(0.0, |entrant| {
            entrant.hazard_given(b, 1.0, &mut scratch, &mut none);
            scratch.expected_mass[0].iter().sum()
        });
        subject.hazard_given(b, 1.0, &mut scratch, &mut none);
        let hazard = scratch.expected_mass[0].iter().sum::<f64>() - before;
        residuals.cox_snell.push(hazard);
        residuals.martingale.push(f64::from(u8::from(data.event[i])) - hazard);
        for (j, visit) in data.visits(i).enumerate() {
            let eta = scratch.predictor[j] + b[0] + b[1] * data.visit_time[visit];
            let (mean, variance) = match model.family {
                Family::Gaussian => (eta, point.scale),
                Family::Poisson => (eta.exp(), eta.exp()),
                Family::NegativeBinomial => {
                    (eta.exp(), eta.exp() * (1.0 + eta.exp() / point.scale))
                }
            };
            residuals.fitted.push(mean);
            residuals.marker.push((data.marker[visit] - mean) / variance.sqrt());
        }
    }
    Ok(Some(residuals))
}
