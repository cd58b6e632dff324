//! Cohorts drawn from a joint model whose parameters are known.

use super::fit::JointFit;
use super::model::{Family, JointData, JointModel};
use super::parameters::{Layout, Point};
use super::prepared::{HazardTimes, PIECE_NODES, TIME_NODES, time_rule};
use super::quadrature::Rule;
use super::random::Words;
use super::subject::dot;
use crate::Error;

/// Halvings and secant steps until an event time is known to the last bits.
const TIME_STEPS: usize = 100;

/// Draws of a subject who enters late before its entry counts as never reached.
const ENTRY_DRAWS: usize = 600;

/// A joint model with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct JointTruth {
    /// The model.
    pub model: JointModel,
    /// Its parameters on the scale the likelihood is maximised on, in the order of
    /// [`JointFit::parameters`].
    pub parameters: Vec<f64>,
}

impl JointFit {
    /// The estimates as a truth to draw from; `None` without estimates.
    pub fn as_truth(&self, model: &JointModel) -> Option<JointTruth> {
        let has_estimates = self.parameters.iter().all(|parameter| parameter.estimate.is_some());
        has_estimates.then(|| JointTruth { model: model.clone(), parameters: self.theta.clone() })
    }
}

impl JointTruth {
    /// Draws markers and events for the subjects of `plan`: their covariates, entries and visits are
    /// kept, `plan.time` is when follow-up would end without an event. Visits after the event do not
    /// take place.
    ///
    /// A pure function of (`seed`, `cohort`).
    ///
    /// # Errors
    /// As [`JointData::validate`]; a number of parameters that is not the model's.
    ///
    /// # Source
    /// Event times by inverting the cumulative hazard at a standard exponential: Bender, Augustin and
    /// Blettner, Statistics in Medicine 24 (2005) 1713.
    pub fn draw(&self, plan: &JointData, seed: u64, cohort: u64) -> Result<JointData, Error> {
        // the plan's markers are not looked at: a plan for counts may hold zeros
        plan.validate(&self.model)?;
        let layout = Layout::of(&self.model, plan.fixed.len(), plan.covariates.len());
        if layout.len() != self.parameters.len() {
            return Err(Error::usage("simulating a joint model")
                .found(format!("{} parameters", self.parameters.len()))
                .expected(format!("{}, as the model has", layout.len())));
        }
        let point = Point::of(&self.parameters, &layout, &self.model);
        let rule = time_rule(&self.model, TIME_NODES, PIECE_NODES);
        let mut drawn = JointData {
            visit_begin: vec![0],
            visit_time: Vec::new(),
            marker: Vec::new(),
            offset: plan.offset.as_ref().map(|_| Vec::new()),
            fixed: plan.fixed.clone(),
            time: Vec::with_capacity(plan.n_subjects()),
            event: Vec::with_capacity(plan.n_subjects()),
            entry: plan.entry.clone(),
            covariates: plan.covariates.clone(),
        };
        let mut kept = Vec::new();
        for i in 0..plan.n_subjects() {
            let mut words = Words::new(seed, cohort, i);
            let entry = plan.entry.as_ref().map_or(0.0, |entry| entry[i]);
            let mut drawn_before = 0;
            // whoever has an event before entry does not enter: somebody else does
            let (subject, time, event) = loop {
                let b = self.effects(&point, &mut words);
                let subject = Simulated { truth: self, plan, point: &point, rule: &rule, i, b };
                let (time, event) = subject.event_time(-words.uniform().ln());
                if time > entry {
                    break (subject, time, event);
                }
                drawn_before += 1;
                if drawn_before == ENTRY_DRAWS {
                    return Err(Error::input("simulating a joint model")
                        .found(format!(
                            "{ENTRY_DRAWS} draws of a subject, all with an event by {entry}"
                        ))
                        .expected("an entry that somebody lives to see"));
                }
            };
            drawn.time.push(time);
            drawn.event.push(event);
            for visit in plan.visits(i) {
                // drawn for all, so that a visit's number does not depend on the event time
                let y = subject.marker(visit, &mut words);
                if plan.visit_time[visit] <= time {
                    kept.push(visit);
                    drawn.visit_time.push(plan.visit_time[visit]);
                    drawn.marker.push(y);
                    if let (Some(to), Some(from)) = (&mut drawn.offset, &plan.offset) {
                        to.push(from[visit]);
                    }
                }
            }
            drawn.visit_begin.push(kept.len());
        }
        for (term, planned) in drawn.fixed.iter_mut().zip(&plan.fixed) {
            term.at_visits = kept.iter().map(|&visit| planned.at_visits[visit]).collect();
        }
        Ok(drawn)
    }

    fn effects(&self, point: &Point<'_>, words: &mut Words) -> [f64; 2] {
        let covariance = &point.random;
        let (z0, z1) = (words.normal(), words.normal());
        let rho = covariance.correlation;
        let slope = rho * z0 + (1.0 - rho * rho).sqrt() * z1;
        [covariance.sd[0] * z0, covariance.sd[1] * slope]
    }
}

/// A subject whose random effects are known.
struct Simulated<'a> {
    truth: &'a JointTruth,
    plan: &'a JointData,
    point: &'a Point<'a>,
    rule: &'a Rule,
    i: usize,
    b: [f64; 2],
}

impl Simulated<'_> {
    /// Cumulative hazard from 0 to `end`.
    fn cumulative(&self, end: f64) -> f64 {
        let model = &self.truth.model;
        let times = HazardTimes::of(self.plan, model, self.rule, self.i, end, false);
        let mut gradient = vec![0.0; self.point.baseline.len()];
        let covariates = self.plan.covariates.iter().map(|column| column.values[self.i]);
        let proportional: f64 =
            covariates.zip(self.point.gamma).map(|(value, gamma)| value * gamma).sum();
        let links = model.association.links(model.random);
        let p = self.point.beta.len();
        (times.log_weight.iter().enumerate())
            .map(|(q, log_weight)| {
                let t = times.time[q];
                let mut log_hazard = proportional
                    + model.baseline.log_hazard(t, self.point.baseline, &mut gradient)
                    + self.point.on_intercept * self.b[0]
                    + (self.point.on_slope + self.point.on_slope_time * t) * self.b[1];
                for (link, alpha) in links.iter().zip(self.point.alpha) {
                    if let Some(design) = times.design_of(*link) {
                        log_hazard += alpha * dot(&design[q * p..(q + 1) * p], self.point.beta);
                    }
                }
                (log_weight + log_hazard).exp()
            })
            .sum()
    }

    /// When the cumulative hazard reaches `level`, or the planned end before that.
    fn event_time(&self, level: f64) -> (f64, bool) {
        let end = self.plan.time[self.i];
        let (mut low, mut high) = (0.0, end);
        let mut above = self.cumulative(high) - level;
        if above <= 0.0 {
            return (end, false);
        }
        let mut below = -level;
        for step in 0..TIME_STEPS {
            // every third step halves, so that the secant cannot creep
            let share = if step % 3 == 2 { 0.5 } else { -below / (above - below) };
            let middle = low + share.clamp(0.01, 0.99) * (high - low);
            let value = self.cumulative(middle) - level;
            if value > 0.0 {
                (high, above) = (middle, value);
            } else {
                (low, below) = (middle, value);
            }
            if high - low <= 1e-10 * end {
                break;
            }
        }
        (0.5 * (low + high), true)
    }

    fn marker(&self, visit: usize, words: &mut Words) -> f64 {
        let (plan, point) = (self.plan, self.point);
        let t = plan.visit_time[visit];
        let fixed = plan.fixed.iter().zip(point.beta);
        let mut eta: f64 =
            fixed.map(|(term, beta)| beta * term.at_visits[visit] * term.shape.at(t).0).sum();
        eta += plan.offset.as_ref().map_or(0.0, |offset| offset[visit]);
        eta += self.b[0] + self.b[1] * t;
        match self.truth.model.family {
            Family::Gaussian => eta + point.scale.sqrt() * words.normal(),
            Family::Poisson => words.poisson(eta.exp()),
            Family::NegativeBinomial => {
                let mean = eta.exp() * words.gamma(point.scale) / point.scale;
                words.poisson(mean)
            }
        }
    }
}
