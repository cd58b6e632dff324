//! A permutation test of the association: what if markers and outcomes had nothing to do with each
//! other?

use nalgebra::{DMatrix, DVector};

use super::fit::{JointOptions, Problem, fit_null};
use super::model::{JointData, JointModel, Link};
use super::parameters::Point;
use super::status::nothing_to_learn;
use super::subject::{Scratch, Subject, dot};
use crate::Error;

/// The score of the association at the fit without association, as a bilinear form of what a subject's
/// markers say of its random effects and what its outcome says; the fixed effects stay with the outcome,
/// so that a covariate of both parts does not drown what the effects say: under that fit the two parts of the likelihood share no
/// parameter, so exchanging the markers of subjects changes nothing else.
#[derive(Clone, Debug)]
pub struct AssociationScore {
    /// Posterior means of the random effects of each subject, less their mean `[n]`.
    effects: Vec<[f64; 2]>,
    /// What each outcome says of them, less the mean `[n_links][n]`.
    outcomes: Vec<Vec<[f64; 2]>>,
    /// Inverse of the scores' covariance over all permutations; their mean is 0.
    precision: DMatrix<f64>,
}

impl AssociationScore {
    /// Fits the model without association and prepares the score. `None` where that fit has no
    /// maximum or no permutation changes the score.
    ///
    /// # Errors
    /// As [`fit_joint`](super::fit_joint).
    ///
    /// # Source
    /// The score of a shared random effect at no association is the sum of martingale residuals times
    /// posterior means of the effects. Its mean and covariance over permutations are those of a linear
    /// rank statistic: Hoeffding, Annals of Mathematical Statistics 22 (1951) 558.
    pub fn new(
        model: &JointModel,
        data: &JointData,
        options: &JointOptions,
    ) -> Result<Option<Self>, Error> {
        let problem = Problem::new(model, data, options)?;
        let mut likelihood = problem.likelihood();
        let (null, maximum) = fit_null(&problem, &mut likelihood);
        if !maximum.converged || nothing_to_learn(&problem, None).is_some() {
            return Ok(None);
        }
        let posteriors = likelihood.posteriors(&null);
        let point = Point::of(&null, &problem.layout, model);
        let links = model.association.links(model.random);
        let n = data.n_subjects();
        let mut outcomes = vec![Vec::with_capacity(n); links.len()];
        let mut scratch = Scratch::default();
        for i in 0..n {
            let subject = Subject::of(&problem.prepared, model, &problem.layout, &point, i);
            for (all, outcome) in
                outcomes.iter_mut().zip(outcome_part(&subject, &links, &mut scratch))
            {
                all.push(outcome);
            }
        }
        let effects = posteriors.iter().map(|posterior| posterior.mean).collect();
        Ok(Self::of(effects, outcomes))
    }

    fn of(mut effects: Vec<[f64; 2]>, mut outcomes: Vec<Vec<[f64; 2]>>) -> Option<Self> {
        let n = effects.len();
        if n < 2 {
            return None;
        }
        centre(&mut effects);
        outcomes.iter_mut().for_each(|all| centre(all));
        let spread = products(&effects, &effects);
        let n_links = outcomes.len();
        let covariance = DMatrix::from_fn(n_links, n_links, |k, l| {
            products(&outcomes[k], &outcomes[l]).dot(&spread) / (n - 1) as f64
        });
        let precision = covariance.cholesky()?.inverse();
        Some(Self { effects, outcomes, precision })
    }

    /// Number of subjects.
    pub fn n(&self) -> usize {
        self.effects.len()
    }

    /// Number of links, each with a score of its own.
    pub fn n_links(&self) -> usize {
        self.outcomes.len()
    }

    /// The standardised statistic if subject i had the markers of subject `markers_of[i]`: the squared
    /// distance of the scores from their mean over permutations, in units of their covariance.
    pub fn statistic(&self, markers_of: &[usize]) -> f64 {
        let score = |outcomes: &Vec<[f64; 2]>| -> f64 {
            outcomes
                .iter()
                .zip(markers_of)
                .map(|(outcome, &j)| dot(outcome, &self.effects[j]))
                .sum()
        };
        let scores = DVector::from_iterator(self.n_links(), self.outcomes.iter().map(score));
        scores.dot(&(&self.precision * &scores))
    }

    /// The statistic of the data as they are.
    pub fn observed(&self) -> f64 {
        self.statistic(&(0..self.n()).collect::<Vec<_>>())
    }
}

/// Takes the mean off.
fn centre(pairs: &mut [[f64; 2]]) {
    let n = pairs.len() as f64;
    for place in 0..2 {
        let mean = pairs.iter().map(|pair| pair[place]).sum::<f64>() / n;
        pairs.iter_mut().for_each(|pair| pair[place] -= mean);
    }
}

/// Sums of products of the members of two columns of pairs.
fn products(a: &[[f64; 2]], b: &[[f64; 2]]) -> DMatrix<f64> {
    DMatrix::from_fn(2, 2, |p, q| a.iter().zip(b).map(|(a, b)| a[p] * b[q]).sum())
}

/// What the outcome of a subject says, a row a link: a weight for each random effect. An event counts 1,
/// and what was expected on the way against it. Survival to a late entry says nothing: the effects of
/// all who might have entered have mean 0.
fn outcome_part(subject: &Subject<'_>, links: &[Link], scratch: &mut Scratch) -> Vec<[f64; 2]> {
    subject.fill(scratch);
    let times = subject.hazard;
    let n_nodes = times.n_nodes();
    let event = f64::from(u8::from(times.event));
    let of_link = |link: &Link| {
        let mut outcome = [0.0; 2];
        for (q, &t) in times.time.iter().enumerate() {
            let mass = if q < n_nodes { -scratch.mass[q] } else { event };
            match link {
                Link::Value => {
                    outcome[0] += mass;
                    outcome[1] += mass * t;
                }
                Link::Intercept => outcome[0] += mass,
                Link::Slope | Link::RandomSlope => outcome[1] += mass,
            }
        }
        outcome
    };
    links.iter().map(of_link).collect()
}
