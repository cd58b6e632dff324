//! The marginal log likelihood of all subjects.

use super::maximise::Objective;
use super::model::JointModel;
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
            if weight == 0.0 {
                continue;
            }
            let subject = Subject::of(self.prepared, self.model, self.layout, &point, i);
            let slope = gradient.as_mut().map(|gradient| (weight, &mut **gradient));
            let (mode, scratch) = (&mut self.modes[i], &mut self.scratch);
            sum += weight * subject.evaluate(self.rule, mode, scratch, slope);
        }
        sum
    }

    /// Log likelihood of each subject.
    pub(super) fn by_subject(&mut self, theta: &[f64]) -> Vec<f64> {
        let point = Point::of(theta, self.layout, self.model);
        (0..self.prepared.n_subjects())
            .map(|i| {
                let subject = Subject::of(self.prepared, self.model, self.layout, &point, i);
                subject.evaluate(self.rule, &mut self.modes[i], &mut self.scratch, None)
            })
            .collect()
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
    pub(super) likelihood: &'a mut Likelihood<'b>,
    /// Places of the free parameters, ascending.
    pub(super) free: &'a [usize],
    /// All parameters; the free ones are overwritten.
    pub(super) theta: Vec<f64>,
    pub(super) gradient: Vec<f64>,
}

impl<'a, 'b> Free<'a, 'b> {
    pub(super) fn new(
        likelihood: &'a mut Likelihood<'b>,
        free: &'a [usize],
        theta: &[f64],
    ) -> Self {
        Self { likelihood, free, theta: theta.to_vec(), gradient: vec![0.0; theta.len()] }
    }

    /// The free ones of `all`.
    pub(super) fn pick(&self, all: &[f64]) -> Vec<f64> {
        self.free.iter().map(|&k| all[k]).collect()
    }
}

impl Objective for Free<'_, '_> {
    fn evaluate(&mut self, theta: &[f64], gradient: &mut [f64]) -> f64 {
        for (&k, value) in self.free.iter().zip(theta) {
            self.theta[k] = *value;
        }
        let value = self.likelihood.at(&self.theta, Some(&mut self.gradient));
        for (slot, &k) in gradient.iter_mut().zip(self.free) {
            *slot = self.gradient[k];
        }
        value
    }
}
