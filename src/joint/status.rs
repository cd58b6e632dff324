//! What became of a fit, and why, in words.

use super::fit::{Problem, weakest_direction};
use super::maximise::Maximum;
use super::model::{Baseline, Family, RandomEffects};

/// Scaled to a unit diagonal, an information matrix with a smaller eigenvalue says nothing of some
/// combination of parameters that its differences (good to about 1e-8) could tell from nothing.
const FLAT: f64 = 1e-7;

/// A random effect whose SD is below this share of the marker's spread has none that shows.
const NO_SPREAD: f64 = 1e-3;

/// Effects correlated more than this move as one.
const ONE_EFFECT: f64 = 0.9999;

/// Counts with a larger dispersion parameter vary as Poisson counts do.
const POISSON_DISPERSION: f64 = 1e5;

/// A log hazard ratio of a standard deviation beyond this is on its way to infinity.
const ENDLESS: f64 = 15.0;

/// What became of a fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JointStatus {
    /// A finite maximum was found.
    Converged,
    /// The maximum lies on the edge of what a parameter can be.
    Boundary {
        /// In words.
        reason: String,
    },
    /// The likelihood rises for ever in these parameters.
    MonotoneLikelihood {
        /// Their names.
        terms: Vec<String>,
    },
    /// The data say nothing of some parameter.
    NotIdentified {
        /// In words.
        reason: String,
    },
    /// The search ran out of steps.
    MaxIterations,
}

impl JointStatus {
    /// As the documents name it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Boundary { .. } => "boundary",
            Self::MonotoneLikelihood { .. } => "monotone_likelihood",
            Self::NotIdentified { .. } => "not_identified",
            Self::MaxIterations => "max_iterations",
        }
    }

    /// Why, in a sentence.
    pub fn reason(&self) -> String {
        match self {
            Self::Converged => "a finite maximum of the likelihood was found".into(),
            Self::Boundary { reason } | Self::NotIdentified { reason } => reason.clone(),
            Self::MonotoneLikelihood { terms } => {
                format!("the likelihood rises for ever in {}", terms.join(", "))
            }
            Self::MaxIterations => {
                "the search for the maximum ran out of steps; its last point is not reported".into()
            }
        }
    }

    pub(super) fn has_estimates(&self) -> bool {
        matches!(self, Self::Converged | Self::Boundary { .. })
    }

    pub(super) fn has_standard_errors(&self) -> bool {
        *self == Self::Converged
    }
}

/// The status of a search that ended at `theta`.
pub(super) fn judge(
    problem: &Problem<'_>,
    theta: &[f64],
    maximum: &Maximum,
    names: &[String],
) -> JointStatus {
    let (model, data, layout) = (problem.model, problem.data, &problem.layout);
    if let Some(reason) = nothing_to_learn(problem) {
        return JointStatus::NotIdentified { reason };
    }
    let spread = spread_of(&data.marker);
    let sd = theta[layout.covariance.start].exp();
    let floor = NO_SPREAD * if model.family == Family::Gaussian { spread } else { 1.0 };
    if sd < floor {
        return JointStatus::Boundary {
            reason: format!(
                "the SD of the random intercept goes to 0 (now {sd:.2e}): subjects differ no more than \
                 their visits do, so nothing is shared with the hazard"
            ),
        };
    }
    if model.random == RandomEffects::InterceptSlope {
        let slope = theta[layout.covariance.start + 1].exp();
        let times = spread_of(&data.visit_time);
        if slope * times < floor {
            return JointStatus::Boundary {
                reason: format!(
                    "the SD of the random slope goes to 0 (now {slope:.2e}): --random intercept says \
                     the same with fewer parameters"
                ),
            };
        }
        let correlation = theta[layout.covariance.start + 2].tanh();
        if correlation.abs() > ONE_EFFECT {
            return JointStatus::Boundary {
                reason: format!(
                    "the correlation of the random effects goes to {correlation:+.5}: intercept and \
                     slope are one effect"
                ),
            };
        }
    }
    if model.family == Family::NegativeBinomial {
        let dispersion = theta[layout.scale.start].exp();
        if dispersion > POISSON_DISPERSION {
            return JointStatus::Boundary {
                reason: format!(
                    "the dispersion goes to infinity (now {dispersion:.1e}): given the random effects \
                     the counts vary as Poisson counts do; --family poisson says the same"
                ),
            };
        }
    }
    if !maximum.converged {
        let endless = endless_terms(problem, theta, names);
        if !endless.is_empty() {
            return JointStatus::MonotoneLikelihood { terms: endless };
        }
    }
    let finite = maximum.information.iter().all(|value| value.is_finite());
    let weakest = if finite { weakest_direction(&maximum.information) } else { None };
    if let Some((eigenvalue, direction)) = weakest
        && eigenvalue < FLAT
    {
        let in_it: Vec<&str> = (names.iter().zip(&direction))
            .filter(|(_, share)| share.abs() > 0.1)
            .map(|(name, _)| name.as_str())
            .collect();
        return JointStatus::NotIdentified {
            reason: format!("the likelihood is flat along a combination of {}", in_it.join(", ")),
        };
    }
    if maximum.converged { JointStatus::Converged } else { JointStatus::MaxIterations }
}

/// Data that cannot say anything, seen without a search.
fn nothing_to_learn(problem: &Problem<'_>) -> Option<String> {
    let data = problem.data;
    if data.n_events() == 0 {
        return Some("no subject has an event".into());
    }
    if spread_of(&data.marker) == 0.0 {
        return Some(format!("the marker is {} at every visit", data.marker[0]));
    }
    if let Some(column) = data.covariates.iter().find(|column| spread_of(&column.values) == 0.0) {
        return Some(format!("the covariate {} is the same in every subject", column.name));
    }
    if let Baseline::Piecewise { knots } = &problem.model.baseline {
        let piece_of = |time: f64| knots.partition_point(|&knot| knot < time);
        for piece in 0..=knots.len() {
            let has_event =
                (0..data.n_subjects()).any(|i| data.event[i] && piece_of(data.time[i]) == piece);
            if !has_event {
                return Some(format!("piece {} of the baseline has no event", piece + 1));
            }
        }
    }
    None
}

/// Terms of the hazard whose coefficients have run away.
fn endless_terms(problem: &Problem<'_>, theta: &[f64], names: &[String]) -> Vec<String> {
    let layout = &problem.layout;
    let covariates = layout.gamma.clone().zip(&problem.data.covariates);
    let covariates = covariates.map(|(k, column)| (k, spread_of(&column.values)));
    let sd = theta[layout.covariance.start].exp();
    covariates
        .chain(layout.alpha.clone().map(|k| (k, sd)))
        .filter(|&(k, spread)| (theta[k] * spread).abs() > ENDLESS || !theta[k].is_finite())
        .map(|(k, _)| names[k].clone())
        .collect()
}

fn spread_of(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt()
}
