//! The likelihood about a reference, taken apart for devices that know singles only: what is large is
//! said once in `f64`, what parameters change is small.

use super::fit::{JointOptions, Problem};
use super::likelihood::Likelihood;
use super::model::{Baseline, DOING, Family, JointData, JointModel, Link};
use super::parameters::{Layout, Point};
use super::prepared::{HazardTimes, Prepared};
use super::quadrature::Rule;
use super::subject::Mode;
use crate::Error;

/// A joint model with its data about a reference parameter vector.
///
/// The random effects are sd1 w1 (slope) and sd0 (rho w1 + left w0) (intercept) with w0 and w1
/// standard normal and left = sqrt(1 - rho^2): then no variance, however small, leaves the range of a
/// single. A linear predictor is the reference's at the reference's modes of w, plus a change.
#[derive(Clone, Debug)]
pub struct LikelihoodTable {
    model: JointModel,
    layout: Layout,
    prepared: Prepared,
    rule: Rule,
    /// Unit of the times beside the random slope.
    time_unit: f64,
    reference: Reference,
    subjects: Vec<SubjectTable>,
}

/// The reference parameters and what of them changes are taken from.
#[derive(Clone, Debug)]
struct Reference {
    theta: Vec<f64>,
    effects: Effects,
}

/// What multiplies w0, w1, and time times w1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effects {
    /// In the linear predictor of the marker.
    pub(crate) marker: [f64; 3],
    /// In the log hazard.
    pub(crate) hazard: [f64; 3],
}

/// What no parameter changes of a subject.
#[derive(Clone, Debug)]
pub(crate) struct SubjectTable {
    /// Reference modes of w0 and w1.
    pub(crate) mode: [f64; 2],
    pub(crate) event: bool,
    /// Log likelihood less what the device computes.
    pub(crate) base: f64,
    /// Covariates of the hazard.
    pub(crate) covariates: Vec<f64>,
    pub(crate) visits: Vec<VisitTable>,
    /// Times of the hazard's integral, then the end of follow-up.
    pub(crate) nodes: Vec<NodeTable>,
}

/// One visit at the reference.
#[derive(Clone, Debug)]
pub(crate) struct VisitTable {
    pub(crate) time: f64,
    /// Marker less its mean.
    pub(crate) residual: f64,
    /// Mean of a count; 1 for normal markers.
    pub(crate) mean: f64,
    pub(crate) design: Vec<f64>,
}

/// One time of the hazard at the reference.
#[derive(Clone, Debug)]
pub(crate) struct NodeTable {
    pub(crate) time: f64,
    /// Log of hazard times weight; 0 at the end of follow-up.
    pub(crate) log_mass: f64,
    /// First of the baseline's parameters that matter here, and what multiplies them.
    pub(crate) first: usize,
    pub(crate) basis: Vec<f64>,
    /// Value and design of each link to the trajectory.
    pub(crate) links: Vec<(f64, Vec<f64>)>,
}

/// A parameter vector, most of it as change from the reference.
#[derive(Clone, Debug)]
pub(crate) struct PointTable {
    pub(crate) effects: Effects,
    pub(crate) change: Effects,
    /// 1 / residual variance; 1 for counts.
    pub(crate) inverse_scale: f64,
    /// Change of the log density of a normal marker at its mean.
    pub(crate) log_scale: f64,
    pub(crate) fixed: Vec<f64>,
    pub(crate) covariates: Vec<f64>,
    /// Coefficient and its change of each link to the trajectory.
    pub(crate) links: Vec<(f64, f64)>,
    pub(crate) baseline: Vec<f64>,
}

impl LikelihoodTable {
    /// Of `data` about `reference`, a parameter vector in the order of
    /// [`JointFit::parameters`](super::JointFit). `None` for the negative binomial, whose density has
    /// a gamma function, and for late entries, whose likelihood has a second integral.
    ///
    /// # Errors
    /// As [`fit_joint`](super::fit_joint); an input error for a reference of another length, or where
    /// the likelihood of a subject is not above 0.
    pub fn new(
        model: &JointModel,
        data: &JointData,
        options: &JointOptions,
        reference: &[f64],
    ) -> Result<Option<Self>, Error> {
        let problem = Problem::new(model, data, options)?;
        if model.family == Family::NegativeBinomial || data.entry.is_some() {
            return Ok(None);
        }
        if reference.len() != problem.layout.len() {
            return Err(Error::input(DOING)
                .found(format!("a reference of {} parameters", reference.len()))
                .expected(format!("{}", problem.layout.len())));
        }
        let mut likelihood = problem.likelihood();
        let contributions = likelihood.by_subject(reference);
        if let Some(i) = contributions.iter().position(|value| !value.is_finite()) {
            return Err(Error::input(DOING)
                .found(format!("a reference under which subject {} is impossible", i + 1))
                .expected("parameters near a maximum"));
        }
        let modes = likelihood.modes;
        let Problem { layout, prepared, rule, .. } = problem;
        let times = prepared.hazards.iter().flat_map(|hazard| &hazard.time);
        let times = times.chain(prepared.visits.iter().flat_map(|visits| &visits.time));
        let time_unit = times.copied().fold(0.0, f64::max);
        let effects = Effects::of(&Point::of(reference, &layout, model), time_unit);
        let mut table = Self {
            model: model.clone(),
            layout,
            prepared,
            rule,
            time_unit,
            reference: Reference { theta: reference.to_vec(), effects },
            subjects: Vec::new(),
        };
        table.subjects = modes.iter().enumerate().map(|(i, mode)| table.subject(i, mode)).collect();
        Ok(Some(table))
    }

    /// Number of parameters.
    pub fn n_parameters(&self) -> usize {
        self.layout.len()
    }

    /// Number of subjects.
    pub fn n_subjects(&self) -> usize {
        self.subjects.len()
    }

    /// Log likelihood of each subject at `theta` `[n_parameters]`, in `f64` and with its own search
    /// for the modes `[n_subjects]`.
    pub fn by_subject(&self, theta: &[f64]) -> Vec<f64> {
        Likelihood::new(&self.prepared, &self.model, &self.layout, &self.rule).by_subject(theta)
    }

    pub(crate) fn subjects(&self) -> &[SubjectTable] {
        &self.subjects
    }

    /// Nodes a random effect, and their weights.
    pub(crate) fn rule(&self) -> (&[f64], &[f64]) {
        (&self.rule.nodes, &self.rule.weights)
    }

    pub(crate) fn n_effects(&self) -> usize {
        self.model.random.len()
    }

    pub(crate) fn is_poisson(&self) -> bool {
        self.model.family == Family::Poisson
    }

    /// The random slope's part of the log hazard grows with time.
    pub(crate) fn has_timed_slope(&self) -> bool {
        self.n_effects() == 2 && self.trajectory_links().any(|(_, link)| link == Link::Value)
    }

    /// Links that need the trajectory, with their place among all.
    fn trajectory_links(&self) -> impl Iterator<Item = (usize, Link)> {
        let links = self.model.association.links(self.model.random);
        links.into_iter().enumerate().filter(|(_, link)| matches!(link, Link::Value | Link::Slope))
    }

    /// `theta` as changes from the reference.
    pub(crate) fn point(&self, theta: &[f64]) -> PointTable {
        let here = Point::of(theta, &self.layout, &self.model);
        let there = Point::of(&self.reference.theta, &self.layout, &self.model);
        let change = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
        let effects = Effects::of(&here, self.time_unit);
        PointTable {
            change: effects.less(&self.reference.effects),
            effects,
            inverse_scale: 1.0 / here.scale,
            log_scale: -0.5 * (here.scale / there.scale).ln(),
            fixed: change(here.beta, there.beta),
            covariates: change(here.gamma, there.gamma),
            links: (self.trajectory_links())
                .map(|(k, _)| (here.alpha[k], here.alpha[k] - there.alpha[k]))
                .collect(),
            baseline: match self.model.baseline {
                // of 1 and of log time
                Baseline::Weibull => {
                    let (here, there) = (here.baseline, there.baseline);
                    vec![here[0] - there[0] + (here[1] - there[1]), here[0].exp() - there[0].exp()]
                }
                Baseline::Piecewise { .. } | Baseline::Spline { .. } => {
                    change(here.baseline, there.baseline)
                }
            },
        }
    }

    fn subject(&self, i: usize, mode: &Mode) -> SubjectTable {
        let point = Point::of(&self.reference.theta, &self.layout, &self.model);
        let [b0, b1] = mode.at;
        let (visits, hazard) = (&self.prepared.visits[i], &self.prepared.hazards[i]);
        let p = point.beta.len();
        let mut base = -0.5 * self.n_effects() as f64 * std::f64::consts::PI.ln();
        let whitened = whitened(&point, mode.at);
        base -= 0.5 * (whitened[0] * whitened[0] + whitened[1] * whitened[1]);
        let visit_tables = (0..visits.time.len()).map(|j| {
            let design = &visits.design[j * p..(j + 1) * p];
            let predictor = visits.offset[j] + dot(design, point.beta) + b0 + b1 * visits.time[j];
            let mean = if self.is_poisson() { predictor.exp() } else { 1.0 };
            let expected = if self.is_poisson() { mean } else { predictor };
            base += if self.is_poisson() {
                visits.marker[j] * predictor - mean
            } else {
                -0.5 * (std::f64::consts::TAU * point.scale).ln()
            };
            VisitTable {
                time: visits.time[j] / self.time_unit,
                residual: visits.marker[j] - expected,
                mean,
                design: design.to_vec(),
            }
        });
        let visit_tables: Vec<VisitTable> = visit_tables.collect();
        if self.is_poisson() {
            base -= visits.log_factorials;
        }
        let covariates = self.prepared.covariates_of(i);
        let proportional = dot(covariates, point.gamma);
        let mut nodes: Vec<NodeTable> = (0..hazard.time.len())
            .map(|q| {
                let t = hazard.time[q];
                let (log_baseline, first, basis) = self.baseline_at(t, point.baseline);
                let links = self.links_at(hazard, q, point.beta);
                let linked: f64 = (self.trajectory_links().zip(&links))
                    .map(|((k, _), (value, _))| point.alpha[k] * value)
                    .sum();
                let on_slope = point.on_slope + point.on_slope_time * t;
                let log_hazard = proportional + log_baseline + linked;
                NodeTable {
                    time: t / self.time_unit,
                    log_mass: log_hazard
                        + (point.on_intercept * b0 + on_slope * b1)
                        + hazard.log_weight.get(q).unwrap_or(&0.0),
                    first,
                    basis,
                    links,
                }
            })
            .collect();
        let end = nodes.last_mut().expect("the end of follow-up is a time");
        if hazard.event {
            base += end.log_mass;
        }
        end.log_mass = 0.0;
        SubjectTable {
            mode: whitened,
            event: hazard.event,
            base,
            covariates: covariates.to_vec(),
            visits: visit_tables,
            nodes,
        }
    }

    /// Log baseline hazard at `t`, the first parameter it depends on there, and its slopes.
    fn baseline_at(&self, t: f64, parameters: &[f64]) -> (f64, usize, Vec<f64>) {
        let mut slopes = vec![0.0; parameters.len()];
        let log_hazard = self.model.baseline.log_hazard(t, parameters, &mut slopes);
        let (first, width) = match self.model.baseline {
            Baseline::Weibull => return (log_hazard, 0, vec![1.0, t.ln()]),
            Baseline::Piecewise { .. } => (slopes.iter().position(|&s| s != 0.0).unwrap_or(0), 1),
            Baseline::Spline { .. } => {
                let first = slopes.iter().position(|&s| s != 0.0).unwrap_or(0);
                (first.min(slopes.len() - 4), 4)
            }
        };
        (log_hazard, first, slopes[first..first + width].to_vec())
    }

    fn links_at(&self, hazard: &HazardTimes, q: usize, beta: &[f64]) -> Vec<(f64, Vec<f64>)> {
        let p = beta.len();
        (self.trajectory_links())
            .map(|(_, link)| {
                let design = if link == Link::Value { &hazard.value } else { &hazard.slope };
                let row = &design[q * p..(q + 1) * p];
                (dot(row, beta), row.to_vec())
            })
            .collect()
    }
}

impl Effects {
    fn of(point: &Point<'_>, time_unit: f64) -> Self {
        let [sd0, sd1] = point.random.sd;
        let rho = point.random.correlation;
        let left = left(point);
        let (a, c, c_time) = (point.on_intercept, point.on_slope, point.on_slope_time);
        Self {
            marker: [left * sd0, rho * sd0, sd1 * time_unit],
            hazard: [a * left * sd0, a * rho * sd0 + c * sd1, c_time * sd1 * time_unit],
        }
    }

    fn less(&self, other: &Self) -> Self {
        let less = |a: [f64; 3], b: [f64; 3]| std::array::from_fn(|k| a[k] - b[k]);
        Self { marker: less(self.marker, other.marker), hazard: less(self.hazard, other.hazard) }
    }
}

/// sqrt(1 - rho^2) without cancellation: the precision of the intercept is 1 / (left sd0)^2.
fn left(point: &Point<'_>) -> f64 {
    1.0 / (point.random.precision[0].sqrt() * point.random.sd[0])
}

/// The random effects as standard normal ones.
fn whitened(point: &Point<'_>, [b0, b1]: [f64; 2]) -> [f64; 2] {
    let [sd0, sd1] = point.random.sd;
    let w1 = if point.random.n == 2 { b1 / sd1 } else { 0.0 };
    [(b0 / sd0 - point.random.correlation * w1) / left(point), w1]
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
