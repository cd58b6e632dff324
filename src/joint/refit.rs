//! Fitting the same model many times: resampled, redrawn, or with the association held.

use nalgebra::{DMatrix, DVector};

use super::fit::{JointFit, JointOptions, MOST_NODES, Problem};
use super::likelihood::{Free, Likelihood};
use super::maximise::{Curvature, Near, positive_inverse, quasi_newton};
use super::model::{JointData, JointModel};
use super::quadrature::{Rule, gauss_hermite};
use super::random::Words;
use super::status::{JointStatus, judge_search};
use super::subject::Mode;
use crate::Error;

/// A refit ends when its next quasi-Newton step would gain less than this: a thousandth of a standard
/// error, far below what resampling moves.
const GAIN: f64 = 1e-6;

/// The cohort number whose draws make the cloud of starts; simulated cohorts count from 0.
const CLOUD: u64 = u64::MAX;

/// A fit whose model and data are at hand, to be fitted again from where it ended.
pub struct Refitter<'a> {
    problem: Problem<'a>,
    start: Vec<f64>,
    information: DMatrix<f64>,
    modes: Vec<Mode>,
    /// For searches that end where the rule of the fit no longer resolves the random effects.
    finer: Rule,
}

/// One refit.
#[derive(Clone, Debug, PartialEq)]
pub struct Refit {
    /// Parameters in the order of [`JointFit::parameters`]; `None` unless a finite maximum was found.
    pub estimate: Option<Vec<f64>>,
    /// Log likelihood where the search ended.
    pub log_likelihood: f64,
    /// What became of it.
    pub status: JointStatus,
    /// Where the search ended, whatever its status.
    pub(super) theta: Vec<f64>,
    /// The next step would have gained next to nothing.
    pub(super) reached: bool,
}

impl<'a> Refitter<'a> {
    /// Of `fit`, which must be of this model and these data.
    ///
    /// # Errors
    /// As [`fit_joint`](super::fit_joint).
    pub fn new(model: &'a JointModel, data: &'a JointData, fit: &JointFit) -> Result<Self, Error> {
        let problem = Problem::new(model, data, &JointOptions { nodes: fit.nodes })?;
        let mut likelihood = problem.likelihood();
        likelihood.at(&fit.theta, None);
        let modes = std::mem::take(&mut likelihood.modes);
        drop(likelihood);
        let (start, information) = (fit.theta.clone(), fit.information.clone());
        Ok(Self { finer: finer(&problem.rule), problem, start, information, modes })
    }

    fn likelihood<'s>(&'s self, weights: Option<&'s [f64]>) -> Likelihood<'s> {
        let mut likelihood = self.problem.likelihood();
        likelihood.modes.clone_from(&self.modes);
        likelihood.weights = weights;
        likelihood
    }

    /// Number of parameters.
    pub fn n_parameters(&self) -> usize {
        self.start.len()
    }

    /// Places of the association among the parameters.
    pub fn association(&self) -> std::ops::Range<usize> {
        self.problem.layout.alpha.clone()
    }

    /// Parameter vectors about the estimates: these first, then `n - 1` drawn from the normal
    /// distribution that the information gives, with the association of a standard deviation in the
    /// place of the association. Resamples of the data have their maxima among such vectors.
    pub fn cloud(&self, n: usize, seed: u64) -> Vec<Vec<f64>> {
        let all: Vec<usize> = (0..self.start.len()).collect();
        let mut likelihood = self.likelihood(None);
        let mut seen = Free::standardised(&mut likelihood, &all, &self.start);
        let middle = DVector::from_vec(seen.pick(&self.start));
        let information = seen.curvature(&self.information, &self.start);
        let Some(factor) = positive_inverse(&information).cholesky() else {
            return vec![self.start.clone(); n.min(1)];
        };
        let one = |k: usize| {
            let mut words = Words::new(seed, CLOUD, k);
            let z = DVector::from_fn(all.len(), |_, _| words.normal());
            seen.put((&middle + factor.l() * z).as_slice())
        };
        std::iter::once(self.start.clone()).chain((1..n).map(one)).collect()
    }

    /// The fit in which subject i counts `weights[i]` times, from `start` or the estimates.
    pub fn weighted(&self, weights: &[f64], start: Option<&[f64]>) -> Refit {
        let all: Vec<usize> = (0..self.start.len()).collect();
        self.search(Some(weights), &all, start.unwrap_or(&self.start))
    }

    /// The fit with parameter `place` held at `value`, from `start`.
    pub fn held(&self, place: usize, value: f64, start: &[f64]) -> Refit {
        let free: Vec<usize> = (0..self.start.len()).filter(|&k| k != place).collect();
        let mut start = start.to_vec();
        start[place] = value;
        self.search(None, &free, &start)
    }

    fn search(&self, weights: Option<&[f64]>, free: &[usize], start: &[f64]) -> Refit {
        let mut likelihood = self.likelihood(weights);
        let (mut theta, mut end) = self.climb(&mut likelihood, free, start);
        if !end.converged {
            likelihood.rule = &self.finer;
            (theta, end) = self.climb(&mut likelihood, free, &theta);
        }
        let status = judge_search(&self.problem, &theta, weights, end.converged);
        let log_likelihood = end.value;
        let estimate = (status == JointStatus::Converged).then(|| theta.clone());
        Refit { estimate, log_likelihood, status, theta, reached: end.converged }
    }

    fn climb(
        &self,
        likelihood: &mut Likelihood<'_>,
        free: &[usize],
        start: &[f64],
    ) -> (Vec<f64>, Near) {
        let mut objective = Free::standardised(likelihood, free, start);
        let begin = objective.pick(start);
        let information = objective.curvature(&self.information, &self.start);
        let end = quasi_newton(&mut objective, &begin, Curvature::Like(&information), GAIN);
        (objective.put(&end.theta), end)
    }
}

/// A rule with about three times as many nodes.
fn finer(rule: &Rule) -> Rule {
    gauss_hermite((3 * rule.nodes.len() + 1).min(MOST_NODES))
}

/// The fit of other data of the same layout, such as a drawn cohort, from `start` alone.
///
/// # Errors
/// As [`fit_joint`](super::fit_joint).
pub fn refit_data(
    model: &JointModel,
    data: &JointData,
    nodes: usize,
    like: &JointFit,
) -> Result<Refit, Error> {
    let problem = Problem::new(model, data, &JointOptions { nodes })?;
    let modes = vec![Mode::default(); data.n_subjects()];
    let (start, information) = (like.theta.clone(), like.information.clone());
    let finer = finer(&problem.rule);
    let refitter = Refitter { problem, start, information, modes, finer };
    let all: Vec<usize> = (0..refitter.start.len()).collect();
    Ok(refitter.search(None, &all, &refitter.start))
}
