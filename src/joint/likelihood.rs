//! The marginal log likelihood of all subjects.

use nalgebra::DMatrix;

use super::maximise::Objective;
use super::model::{JointModel, Link};
use super::parameters::{Layout, Point};
use super::prepared::Prepared;
use super::quadrature::Rule;
use super::subject::{Mode, Posterior, Scratch, Subject};

/// The log likelihood of some subjects, each as often as its weight says.
pub(super) struct Likelihood<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) model: &'a JointModel,
    pub(super) layout: &'a Layout,
    pub(super) rule: &'a Rule,
    /// `[n_subjects]`; 1 each without.
    pub(super) weights: Option<&'a [f64]>,
    /// Where each subject's search for its mode begins: where the last one ended `[n_subjects]`.
    pub(super) modes: Vec<Mode>,
    /// The same given survival to entry alone.
    entry_modes: Vec<Mode>,
    scratch: Scratch,
}

impl<'a> Likelihood<'a> {
    pub(super) fn new(
        prepared: &'a Prepared,
        model: &'a JointModel,
        layout: &'a Layout,
        rule: &'a Rule,
    ) -> Self {
        Self {
            prepared,
            model,
            layout,
            rule,
            weights: None,
            modes: vec![Mode::default(); prepared.n_subjects()],
            entry_modes: vec![Mode::default(); prepared.n_subjects()],
            scratch: Scratch::default(),
        }
    }

    /// Log likelihood at `theta`; fills `gradient` if there is one.
    pub(super) fn at(&mut self, theta: &[f64], mut gradient: Option<&mut [f64]>) -> f64 {
        if let Some(gradient) = &mut gradient {
            gradient.fill(0.0);
        }
        let point = Point::of(theta, self.layout, self.model);
        let mut sum = 0.0;
        for i in 0..self.prepared.n_subjects() {
            let weight = self.weights.map_or(1.0, |weights| weights[i]);
            if weight != 0.0 {
                let slope = gradient.as_mut().map(|gradient| (weight, &mut **gradient));
                sum += weight * self.of_subject(i, &point, slope);
            }
        }
        sum
    }

    /// Log likelihood of each subject.
    pub(super) fn by_subject(&mut self, theta: &[f64]) -> Vec<f64> {
        let point = Point::of(theta, self.layout, self.model);
        (0..self.prepared.n_subjects()).map(|i| self.of_subject(i, &point, None)).collect()
    }

    /// Log likelihood of subject `i`; adds its gradient as often as the weight beside it says.
    fn of_subject(
        &mut self,
        i: usize,
        point: &Point<'_>,
        mut gradient: Option<(f64, &mut [f64])>,
    ) -> f64 {
        let (prepared, model, layout) = (self.prepared, self.model, self.layout);
        let (mode, scratch) = (&mut self.modes[i], &mut self.scratch);
        let slope = gradient.as_mut().map(|(weight, gradient)| (*weight, &mut **gradient));
        let subject = Subject::of(prepared, model, layout, point, i);
        let whole = subject.evaluate(self.rule, mode, scratch, slope);
        let Some(entrant) = Subject::until_entry(prepared, model, layout, point, i) else {
            return whole;
        };
        let slope = gradient.as_mut().map(|(weight, gradient)| (-*weight, &mut **gradient));
        whole - entrant.evaluate(self.rule, &mut self.entry_modes[i], scratch, slope)
    }

    /// Posterior moments of each subject's random effects.
    pub(super) fn posteriors(&mut self, theta: &[f64]) -> Vec<Posterior> {
        let point = Point::of(theta, self.layout, self.model);
        (0..self.prepared.n_subjects())
            .map(|i| {
                let subject = Subject::of(self.prepared, self.model, self.layout, &point, i);
                subject.posterior(self.rule, &mut self.modes[i], &mut self.scratch)
            })
            .collect()
    }
}

/// The log likelihood as a function of some parameters, the others held.
pub(super) struct Free<'a, 'b> {
    likelihood: &'a mut Likelihood<'b>,
    /// Places of the free parameters, ascending.
    free: &'a [usize],
    /// An association and the log SD of its effect, both free, as indices into `free`: the search sees
    /// the association of a standard deviation instead. Where few subjects tell effects apart, the
    /// likelihood is a ridge along which one grows as the other falls; so seen it is straight.
    pairs: Vec<(usize, usize)>,
    /// All parameters; the free ones are overwritten.
    theta: Vec<f64>,
    gradient: Vec<f64>,
}

impl<'a, 'b> Free<'a, 'b> {
    /// The parameters as they are.
    pub(super) fn new(
        likelihood: &'a mut Likelihood<'b>,
        free: &'a [usize],
        theta: &[f64],
    ) -> Self {
        let (theta, gradient) = (theta.to_vec(), vec![0.0; theta.len()]);
        Self { likelihood, free, pairs: Vec::new(), theta, gradient }
    }

    /// Associations of a standard deviation of their effect.
    pub(super) fn standardised(
        likelihood: &'a mut Likelihood<'b>,
        free: &'a [usize],
        theta: &[f64],
    ) -> Self {
        let (layout, model) = (likelihood.layout, likelihood.model);
        let index = |place: usize| free.iter().position(|&k| k == place);
        let links = model.association.links(model.random);
        let pairs = layout.alpha.clone().zip(links).filter_map(|(alpha, link)| {
            let effect = match link {
                Link::Value | Link::Intercept => 0,
                Link::Slope | Link::RandomSlope => model.random.len() - 1,
            };
            Some((index(alpha)?, index(layout.covariance.start + effect)?))
        });
        let pairs = pairs.collect();
        Self { pairs, ..Self::new(likelihood, free, theta) }
    }

    /// The free ones of `all`, as the search sees them.
    pub(super) fn pick(&self, all: &[f64]) -> Vec<f64> {
        let mut picked: Vec<f64> = self.free.iter().map(|&k| all[k]).collect();
        for &(alpha, log_sd) in &self.pairs {
            picked[alpha] *= picked[log_sd].exp();
        }
        picked
    }

    /// All parameters, with the free ones as the search has them.
    pub(super) fn put(&mut self, seen: &[f64]) -> Vec<f64> {
        for (&k, value) in self.free.iter().zip(seen) {
            self.theta[k] = *value;
        }
        for &(alpha, log_sd) in &self.pairs {
            self.theta[self.free[alpha]] = seen[alpha] * (-seen[log_sd]).exp();
        }
        self.theta.clone()
    }

    /// The information of all parameters at the maximum `all`, as the search sees it.
    pub(super) fn curvature(&self, information: &DMatrix<f64>, all: &[f64]) -> DMatrix<f64> {
        let n = self.free.len();
        let mut change = DMatrix::identity(n, n);
        for &(alpha, log_sd) in &self.pairs {
            change[(alpha, alpha)] = (-all[self.free[log_sd]]).exp();
            change[(alpha, log_sd)] = -all[self.free[alpha]];
        }
        let picked = DMatrix::from_fn(n, n, |j, k| information[(self.free[j], self.free[k])]);
        change.transpose() * picked * change
    }
}

impl Objective for Free<'_, '_> {
    fn evaluate(&mut self, seen: &[f64], gradient: &mut [f64]) -> f64 {
        self.put(seen);
        let value = self.likelihood.at(&self.theta, Some(&mut self.gradient));
        for (slot, &k) in gradient.iter_mut().zip(self.free) {
            *slot = self.gradient[k];
        }
        for &(alpha, log_sd) in &self.pairs {
            gradient[log_sd] -= self.theta[self.free[alpha]] * gradient[alpha];
            gradient[alpha] *= (-seen[log_sd]).exp();
        }
        value
    }
}
