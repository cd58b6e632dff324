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
    n: usize,
    n_links: usize,
    /// Contribution to the score of link k if subject i had the markers of subject j
    /// `[n_links x n x n]`, i fastest.
    contributions: Vec<f64>,
    /// Mean of each score over all permutations.
    mean: Vec<f64>,
    /// Inverse of their covariance over all permutations.
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
        let mut contributions = vec![0.0; links.len() * n * n];
        let mut scratch = Scratch::default();
        for i in 0..n {
            let subject = Subject::of(&problem.prepared, model, &problem.layout, &point, i);
            for (k, outcome) in outcome_part(&subject, &links, &mut scratch).iter().enumerate() {
                for (j, posterior) in posteriors.iter().enumerate() {
                    contributions[(k * n + j) * n + i] = dot(&posterior.mean, outcome);
                }
            }
        }
        Ok(Self::of(n, links.len(), contributions))
    }

    fn of(n: usize, n_links: usize, contributions: Vec<f64>) -> Option<Self> {
        if n < 2 {
            return None;
        }
        let of_link = |k: usize| &contributions[k * n * n..(k + 1) * n * n];
        let mut mean = Vec::new();
        let mut centred = Vec::new();
        for k in 0..n_links {
            let table = DMatrix::from_column_slice(n, n, of_link(k));
            let total = table.sum() / (n * n) as f64;
            let rows: Vec<f64> = (0..n).map(|i| table.row(i).sum() / n as f64).collect();
            let columns: Vec<f64> = (0..n).map(|j| table.column(j).sum() / n as f64).collect();
            mean.push(total * n as f64);
            centred
                .push(DMatrix::from_fn(n, n, |i, j| table[(i, j)] - rows[i] - columns[j] + total));
        }
        let covariance =
            DMatrix::from_fn(n_links, n_links, |k, l| centred[k].dot(&centred[l]) / (n - 1) as f64);
        let precision = covariance.cholesky()?.inverse();
        Some(Self { n, n_links, contributions, mean, precision })
    }

    /// Number of subjects.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Number of links, each with a score of its own.
    pub fn n_links(&self) -> usize {
        self.n_links
    }

    /// The standardised statistic if subject i had the markers of subject `markers_of[i]`: the squared
    /// distance of the scores from their mean over permutations, in units of their covariance.
    pub fn statistic(&self, markers_of: &[usize]) -> f64 {
        let score = |k: usize| {
            let table = &self.contributions[k * self.n * self.n..];
            let sum: f64 = markers_of.iter().enumerate().map(|(i, &j)| table[j * self.n + i]).sum();
            sum - self.mean[k]
        };
        let scores = DVector::from_fn(self.n_links, |k, _| score(k));
        scores.dot(&(&self.precision * &scores))
    }

    /// The statistic of the data as they are.
    pub fn observed(&self) -> f64 {
        self.statistic(&(0..self.n).collect::<Vec<_>>())
    }
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
