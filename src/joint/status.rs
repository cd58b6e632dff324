//! What became of a fit, and why, in words.

use super::fit::{Problem, weakest_direction};
use super::maximise::Maximum;
use super::model::{Baseline, Family, RandomEffects};
use crate::survival::CovariateColumn;

/// Scaled to a unit diagonal, an information matrix with a smaller eigenvalue says nothing of some
/// combination of parameters that its differences (good to about 1e-8) could tell from nothing.
const FLAT: f64 = 1e-7;

/// A random effect whose SD is below this share of the marker's spread has none that shows.
const NO_SPREAD: f64 = 1e-3;

/// Effects correlated more than this move as one.
const ONE_EFFECT: f64 = 0.9999;

/// Counts with a larger dispersion parameter vary as Poisson counts do.
const POISSON_DISPERSION: f64 = 1e5;

/// The log of a Weibull shape beyond this is on its way to infinity: all events come at one time.
const ENDLESS_LOG_SHAPE: f64 = 5.0;

/// No data have a log likelihood as large as this: the search has run away.
const SENSELESS: f64 = 1e12;

/// A search that did not end, with a log hazard ratio of a standard deviation beyond this, was on its
/// way to infinity: a standard deviation then multiplies the hazard by more than 50.
const ENDLESS: f64 = 4.0;

/// What became of a fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JointStatus {
    /// A finite maximum was found.
    Converged,
    /// The maximum lies on the edge of what a parameter can be.
    Boundary {
        /// In words.
        reason: String,
        /// The random intercept is gone: there is no association to speak of.
        nothing_shared: bool,
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
            Self::Boundary { reason, .. } | Self::NotIdentified { reason } => reason.clone(),
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

    pub(super) fn has_association(&self) -> bool {
        let nothing_shared = matches!(self, Self::Boundary { nothing_shared: true, .. });
        self.has_estimates() && !nothing_shared
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
    if let Some(reason) = nothing_to_learn(problem, None) {
        return JointStatus::NotIdentified { reason };
    }
    if !(maximum.value.is_finite() && maximum.value.abs() < SENSELESS) {
        return JointStatus::MaxIterations;
    }
    if let Some(status) = edge(problem, theta) {
        return status;
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

/// The status of a quick search without second derivatives, subjects counting `weights` times.
pub(super) fn judge_search(
    problem: &Problem<'_>,
    theta: &[f64],
    weights: Option<&[f64]>,
    converged: bool,
) -> JointStatus {
    if let Some(reason) = nothing_to_learn(problem, weights) {
        return JointStatus::NotIdentified { reason };
    }
    if let Some(status) = edge(problem, theta) {
        return status;
    }
    if converged {
        return JointStatus::Converged;
    }
    let names = problem.layout.names(problem.model, problem.data);
    let terms = endless_terms(problem, theta, &names);
    if terms.is_empty() {
        JointStatus::MaxIterations
    } else {
        JointStatus::MonotoneLikelihood { terms }
    }
}

/// The edge of what the parameters can be that `theta` lies on.
fn edge(problem: &Problem<'_>, theta: &[f64]) -> Option<JointStatus> {
    let (model, data, layout) = (problem.model, problem.data, &problem.layout);
    if model.baseline == Baseline::Weibull && theta[layout.baseline.start] > ENDLESS_LOG_SHAPE {
        let terms = vec!["log_shape".to_owned()];
        return Some(JointStatus::MonotoneLikelihood { terms });
    }
    let boundary = |reason| Some(JointStatus::Boundary { reason, nothing_shared: false });
    let spread = spread_of(&data.marker);
    if model.family == Family::Gaussian && theta[layout.scale.start].exp() < 1e-6 * spread {
        return Some(JointStatus::MonotoneLikelihood { terms: vec!["log_residual_sd".to_owned()] });
    }
    let sd = theta[layout.covariance.start].exp();
    let floor = NO_SPREAD * if model.family == Family::Gaussian { spread } else { 1.0 };
    if sd < floor {
        let reason = format!(
            "the SD of the random intercept goes to 0 (now {sd:.2e}): subjects differ no more than \
             their visits do, so nothing is shared with the hazard"
        );
        return Some(JointStatus::Boundary { reason, nothing_shared: true });
    }
    if model.random == RandomEffects::InterceptSlope {
        let slope = theta[layout.covariance.start + 1].exp();
        let times = spread_of(&data.visit_time);
        if slope * times < floor {
            return boundary(format!(
                "the SD of the random slope goes to 0 (now {slope:.2e}): --random intercept says \
                     the same with fewer parameters"
            ));
        }
        let correlation = theta[layout.covariance.start + 2].tanh();
        if correlation.abs() > ONE_EFFECT {
            return boundary(format!(
                "the correlation of the random effects goes to {correlation:+.5}: intercept and \
                     slope are one effect"
            ));
        }
    }
    if model.family == Family::NegativeBinomial {
        let dispersion = theta[layout.scale.start].exp();
        if dispersion > POISSON_DISPERSION {
            return boundary(format!(
                "the dispersion goes to infinity (now {dispersion:.1e}): given the random effects \
                     the counts vary as Poisson counts do; --family poisson says the same"
            ));
        }
    }
    None
}

/// Data that cannot say anything, seen without a search.
pub(super) fn nothing_to_learn(problem: &Problem<'_>, weights: Option<&[f64]>) -> Option<String> {
    let data = problem.data;
    let counts = |i: usize| weights.is_none_or(|weights| weights[i] > 0.0);
    let subjects: Vec<usize> = (0..data.n_subjects()).filter(|&i| counts(i)).collect();
    if !subjects.iter().any(|&i| data.event[i]) {
        return Some("no subject has an event".into());
    }
    let mut markers = subjects.iter().flat_map(|&i| &data.marker[data.visits(i)]);
    let first = markers.next().copied();
    if let Some(first) = first.filter(|first| markers.all(|y| y == first)) {
        return Some(format!("the marker is {first} at every visit"));
    }
    let model = problem.model;
    let two_visits = |&i: &usize| data.visits(i).len() > 1;
    if model.family == Family::Gaussian && !subjects.iter().any(two_visits) {
        return Some("no subject has two visits, so residual and random effect are one".into());
    }
    let times = subjects.iter().flat_map(|&i| &data.visit_time[data.visits(i)]);
    let first_time = data.visit_time[0];
    if model.random == RandomEffects::InterceptSlope && times.clone().all(|&t| t == first_time) {
        return Some(format!("all visits are at time {first_time}, so there are no slopes"));
    }
    if subjects.len() <= model.random.len() {
        return Some("there are no more subjects than random effects".into());
    }
    let is_constant = |column: &&CovariateColumn| {
        subjects.iter().all(|&i| column.values[i] == column.values[subjects[0]])
    };
    if let Some(column) = data.covariates.iter().find(is_constant) {
        return Some(format!("the covariate {} is the same in every subject", column.name));
    }
    if let Baseline::Piecewise { knots } = &problem.model.baseline {
        let piece_of = |time: f64| knots.partition_point(|&knot| knot < time);
        for piece in 0..=knots.len() {
            let has_event =
                subjects.iter().any(|&i| data.event[i] && piece_of(data.time[i]) == piece);
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
