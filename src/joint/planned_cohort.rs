//! A cohort as a study plans it, before anything is measured.

use super::model::{FixedTerm, JointData, TimeShape};
use super::random::Words;
use crate::survival::CovariateColumn;

/// Subjects with planned visits, one covariate of 0 and 1 in marker and hazard, and follow-up that ends
/// at a uniform time without an event.
#[derive(Clone, Debug, PartialEq)]
pub struct CohortPlan {
    /// Subjects.
    pub n: usize,
    /// Planned times of visits, from 0, ascending.
    pub visits: Vec<f64>,
    /// Share of subjects whose covariate is 1.
    pub prevalence: f64,
    /// Follow-up without an event ends between these times.
    pub follow_up: (f64, f64),
}

/// Draws of covariates and follow-up lie far from those of markers and events.
const PLAN_SUBJECTS: usize = 1 << 21;

impl CohortPlan {
    /// The plan of cohort `cohort`: covariate `her2`, fixed effects (Intercept), month and her2.
    ///
    /// A pure function of (`seed`, `cohort`); at most 2^21 subjects.
    pub fn draw(&self, seed: u64, cohort: u64) -> JointData {
        let mut covariate = Vec::with_capacity(self.n);
        let mut time = Vec::with_capacity(self.n);
        for i in 0..self.n {
            let mut words = Words::new(seed, cohort, PLAN_SUBJECTS + i);
            covariate.push(f64::from(u8::from(words.uniform() < self.prevalence)));
            time.push(self.follow_up.0 + words.uniform() * (self.follow_up.1 - self.follow_up.0));
        }
        let per_subject = self.visits.len();
        let n_visits = self.n * per_subject;
        let term = |name: &str, shape, of: &[f64]| FixedTerm {
            name: name.to_owned(),
            shape,
            at_visits: of.iter().flat_map(|&value| vec![value; per_subject]).collect(),
            of_subjects: Some(of.to_vec()),
        };
        let ones = vec![1.0; self.n];
        JointData {
            visit_begin: (0..=self.n).map(|i| i * per_subject).collect(),
            visit_time: (0..self.n).flat_map(|_| self.visits.iter().copied()).collect(),
            marker: vec![0.0; n_visits],
            offset: None,
            fixed: vec![
                term("(Intercept)", TimeShape::Power(0), &ones),
                term("month", TimeShape::Power(1), &ones),
                term("her2", TimeShape::Power(0), &covariate),
            ],
            entry: None,
            event: vec![false; self.n],
            time,
            covariates: vec![CovariateColumn { name: "her2".into(), values: covariate }],
        }
    }
}
