//! Everything of the data that no parameter changes: designs at visits, at the end of follow-up and
//! at the times under the hazard's integral.

use super::model::{FixedTerm, JointData, JointModel, Link};
use super::quadrature::{Rule, gauss_legendre};

/// Times under the integral from 0 to the end of follow-up under Weibull's hazard.
pub(super) const TIME_NODES: usize = 16;

/// Which root of time is the variable of that integral.
const ROOT: f64 = 4.0;

/// Times between two knots of a baseline: the integrand is the exponential of a polynomial there.
pub(super) const PIECE_NODES: usize = 8;

/// The subjects, ready for the likelihood under any parameters.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) visits: Vec<Visits>,
    pub(super) hazards: Vec<HazardTimes>,
    /// From 0 to entry, of subjects who entered late.
    pub(super) until_entry: Vec<Option<HazardTimes>>,
    /// What is known of the marker of somebody who has only survived to entry.
    pub(super) no_visits: Visits,
    /// Covariates of the hazard, subject by subject `[n_subjects x n_covariates]`.
    pub(super) covariates: Vec<f64>,
    pub(super) n_covariates: usize,
}

/// Visits of one subject.
#[derive(Clone, Debug, Default)]
pub(super) struct Visits {
    pub(super) time: Vec<f64>,
    pub(super) marker: Vec<f64>,
    pub(super) offset: Vec<f64>,
    /// Fixed effects `[n_visits x n_fixed]`.
    pub(super) design: Vec<f64>,
    /// Sum of the times, and of their squares.
    pub(super) sum_time: f64,
    pub(super) sum_time_squared: f64,
    /// Sum of log(y!), for counts.
    pub(super) log_factorials: f64,
}

/// Times at which the hazard of one subject is evaluated: those of the integral, then the end.
#[derive(Clone, Debug)]
pub(super) struct HazardTimes {
    pub(super) event: bool,
    /// `[n_nodes + 1]`, the last is the end of follow-up.
    pub(super) time: Vec<f64>,
    /// Logs of the weights `[n_nodes]`.
    pub(super) log_weight: Vec<f64>,
    /// Fixed effects of the trajectory at each time `[n_nodes + 1 x n_fixed]`; empty if no link
    /// needs them.
    pub(super) value: Vec<f64>,
    /// Their slopes, likewise.
    pub(super) slope: Vec<f64>,
}

/// The rule in time for `model`, on [0, 1].
pub(super) fn time_rule(model: &JointModel, time_nodes: usize, piece_nodes: usize) -> Rule {
    let has_pieces = model.baseline.knots().is_some();
    gauss_legendre(if has_pieces { piece_nodes } else { time_nodes })
}

impl HazardTimes {
    /// Those of subject `i` from 0 to `end`, by a rule on [0, 1].
    pub(super) fn of(
        data: &JointData,
        model: &JointModel,
        rule: &Rule,
        i: usize,
        end: f64,
        event: bool,
    ) -> Self {
        let (mut time, log_weight) = match model.baseline.knots() {
            Some(knots) => {
                let mut ends: Vec<f64> = vec![0.0];
                ends.extend(knots.iter().filter(|&&knot| knot > 0.0 && knot < end));
                ends.push(end);
                pieces(&ends, &rule.nodes, &rule.weights)
            }
            None => by_root(end, &rule.nodes, &rule.weights),
        };
        time.push(end);
        let links = model.association.links(model.random);
        let design = |link: Link, pick: fn((f64, f64)) -> f64| {
            if !links.contains(&link) {
                return Vec::new();
            }
            time.iter().flat_map(|&t| trajectory_row(&data.fixed, i, t, pick)).collect()
        };
        let (value, slope) = (design(Link::Value, |at| at.0), design(Link::Slope, |at| at.1));
        Self { event, time, log_weight, value, slope }
    }

    /// Fixed effects that a link takes at each time; `None` where it takes none.
    pub(super) fn design_of(&self, link: Link) -> Option<&[f64]> {
        match link {
            Link::Value => Some(&self.value),
            Link::Slope => Some(&self.slope),
            Link::Intercept | Link::RandomSlope => None,
        }
    }

    pub(super) fn n_nodes(&self) -> usize {
        self.log_weight.len()
    }
}

impl Prepared {
    /// Of valid data.
    pub(super) fn of(data: &JointData, model: &JointModel) -> Self {
        Self::with_time_nodes(data, model, TIME_NODES, PIECE_NODES)
    }

    pub(super) fn with_time_nodes(
        data: &JointData,
        model: &JointModel,
        time_nodes: usize,
        piece_nodes: usize,
    ) -> Self {
        let n = data.n_subjects();
        let rule = time_rule(model, time_nodes, piece_nodes);
        let times =
            |i: usize, end: f64, event: bool| HazardTimes::of(data, model, &rule, i, end, event);
        let hazards = (0..n).map(|i| times(i, data.time[i], data.event[i]));
        let until_entry = |i: usize| {
            let entry = data.entry.as_ref().map_or(0.0, |entry| entry[i]);
            (entry > 0.0).then(|| times(i, entry, false))
        };
        let covariates = (0..n)
            .flat_map(|i| data.covariates.iter().map(move |column| column.values[i]))
            .collect();
        Self {
            visits: (0..n).map(|i| visits(data, i)).collect(),
            hazards: hazards.collect(),
            until_entry: (0..n).map(until_entry).collect(),
            no_visits: Visits::default(),
            covariates,
            n_covariates: data.covariates.len(),
        }
    }

    pub(super) fn n_subjects(&self) -> usize {
        self.visits.len()
    }

    pub(super) fn covariates_of(&self, i: usize) -> &[f64] {
        &self.covariates[i * self.n_covariates..(i + 1) * self.n_covariates]
    }
}

/// The fixed effects (or their slopes) of subject `i` at `t`.
pub(super) fn trajectory_row(
    fixed: &[FixedTerm],
    i: usize,
    t: f64,
    pick: fn((f64, f64)) -> f64,
) -> Vec<f64> {
    let of = |term: &FixedTerm| {
        let covariate = term.of_subjects.as_ref().expect("validated: constant within subjects");
        covariate[i] * pick(term.shape.at(t))
    };
    fixed.iter().map(of).collect()
}

fn visits(data: &JointData, i: usize) -> Visits {
    let range = data.visits(i);
    let time = data.visit_time[range.clone()].to_vec();
    let marker = data.marker[range.clone()].to_vec();
    let design = range.clone().flat_map(|visit| {
        let t = data.visit_time[visit];
        data.fixed.iter().map(move |term| term.at_visits[visit] * term.shape.at(t).0)
    });
    let log_factorial = |&y: &f64| {
        if y > 1.0 { statrs::function::gamma::ln_gamma(y + 1.0) } else { 0.0 }
    };
    Visits {
        design: design.collect(),
        offset: match &data.offset {
            Some(offset) => offset[range].to_vec(),
            None => vec![0.0; time.len()],
        },
        sum_time: time.iter().sum(),
        sum_time_squared: time.iter().map(|t| t * t).sum(),
        log_factorials: marker.iter().map(log_factorial).sum(),
        time,
        marker,
    }
}

/// Nodes and log weights with a root of time as variable, t = x^4: t^(shape - 1) dt is then
/// x^(4 shape - 1) dx, smooth enough at 0 for a rule of Gauss down to shapes of a half.
fn by_root(end: f64, nodes: &[f64], weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let root = end.powf(1.0 / ROOT);
    let log_weight = |(x, w): (&f64, &f64)| (ROOT * w * root).ln() + (ROOT - 1.0) * (root * x).ln();
    (
        nodes.iter().map(|x| (root * x).powf(ROOT)).collect(),
        nodes.iter().zip(weights).map(log_weight).collect(),
    )
}

/// Nodes and log weights piece by piece.
fn pieces(ends: &[f64], nodes: &[f64], weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut all = (Vec::new(), Vec::new());
    for pair in ends.windows(2) {
        let width = pair[1] - pair[0];
        all.0.extend(nodes.iter().map(|x| pair[0] + width * x));
        all.1.extend(weights.iter().map(|w| (w * width).ln()));
    }
    all
}
