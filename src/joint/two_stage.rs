//! The two-stage estimate that a joint model replaces: random effects estimated from the markers alone,
//! then taken as known in the hazard.

use nalgebra::DMatrix;

use super::fit::{JointOptions, Problem, fit_null};
use super::maximise::{Curvature, Objective, maximise};
use super::model::{JointData, JointModel};
use super::parameters::Point;
use super::status::nothing_to_learn;
use super::subject::{Posterior, Scratch, Subject};
use crate::Error;

/// One coefficient of a two-stage fit.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoStageTerm {
    /// Log hazard ratio.
    pub coef: f64,
    /// Standard error, which takes the effects as known.
    pub se: f64,
}

/// The log likelihood of the hazard with the random effects held.
struct Known<'a, 'p> {
    problem: &'a Problem<'p>,
    effects: &'a [Posterior],
    /// All parameters; those of the hazard are overwritten.
    theta: Vec<f64>,
    gradient: Vec<f64>,
    first: usize,
    scratch: Scratch,
}

impl Objective for Known<'_, '_> {
    fn evaluate(&mut self, hazard: &[f64], gradient: &mut [f64]) -> f64 {
        self.theta[self.first..].copy_from_slice(hazard);
        self.gradient.fill(0.0);
        let problem = self.problem;
        let point = Point::of(&self.theta, &problem.layout, problem.model);
        let mut sum = 0.0;
        for (i, posterior) in self.effects.iter().enumerate() {
            let subject = Subject::of(&problem.prepared, problem.model, &problem.layout, &point, i);
            sum += subject.hazard_given(posterior.mean, 1.0, &mut self.scratch, &mut self.gradient);
            let parts = (&problem.prepared, problem.model, &problem.layout);
            if let Some(entrant) = Subject::until_entry(parts.0, parts.1, parts.2, &point, i) {
                let (scratch, gradient) = (&mut self.scratch, &mut self.gradient);
                sum += entrant.hazard_given(posterior.mean, -1.0, scratch, gradient);
            }
        }
        gradient.copy_from_slice(&self.gradient[self.first..]);
        sum
    }
}

/// Coefficients of the association by two stages; `None` where either has no maximum.
///
/// # Errors
/// As [`fit_joint`](super::fit_joint).
///
/// # Source
/// Self and Pawitan 1992; its bias, and why: Rizopoulos, Joint Models for Longitudinal and
/// Time-to-Event Data (2012), section 3.4.
pub fn two_stage(
    model: &JointModel,
    data: &JointData,
    options: &JointOptions,
) -> Result<Option<Vec<TwoStageTerm>>, Error> {
    let problem = Problem::new(model, data, options)?;
    let mut likelihood = problem.likelihood();
    let (null, maximum) = fit_null(&problem, &mut likelihood);
    if !maximum.converged || nothing_to_learn(&problem, None).is_some() {
        return Ok(None);
    }
    let effects = likelihood.posteriors(&null);
    let first = problem.layout.baseline.start;
    let mut known = Known {
        problem: &problem,
        effects: &effects,
        gradient: vec![0.0; null.len()],
        theta: null.clone(),
        first,
        scratch: Scratch::default(),
    };
    let end = maximise(&mut known, &null[first..], Curvature::Unknown);
    let variance: Option<DMatrix<f64>> =
        end.information.clone().cholesky().map(|factor| factor.inverse());
    Ok(variance.filter(|_| end.converged).map(|variance| {
        let term = |k: usize| TwoStageTerm {
            coef: end.theta[k - first],
            se: variance[(k - first, k - first)].sqrt(),
        };
        problem.layout.alpha.clone().map(term).collect()
    }))
}
