//! Residuals of a fitted Cox model, from one table of hazard steps.

use super::cox::{CoxData, CoxFit, Ties};
use super::risk_set::{Moments, RiskSets, dot};

/// Residuals of a Cox fit, by row of the data as given, on the covariates' own scale.
#[derive(Clone, Debug, PartialEq)]
pub struct CoxResiduals {
    /// Observed less expected events `[n]`.
    pub martingale: Vec<f64>,
    /// Martingale residuals made symmetric `[n]`.
    pub deviance: Vec<f64>,
    /// Share of each row in the score `[n x p]`, row-major; weighted, they add up to zero.
    pub score: Vec<f64>,
    /// One an event: covariates less their mean in the risk set.
    pub schoenfeld: Vec<SchoenfeldResidual>,
}

/// The Schoenfeld residual of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct SchoenfeldResidual {
    /// Row of the data.
    pub row: usize,
    /// Event time.
    pub time: f64,
    /// Covariates less their risk-set mean `[p]`.
    pub residual: Vec<f64>,
    /// Coefficients plus variance * residual * number of events `[p]`: scattered about the
    /// coefficient as a function of time.
    pub scaled: Vec<f64>,
}

/// Martingale, deviance, score and Schoenfeld residuals; `None` without a finite estimate, for
/// exact ties, or if `data` is not what was fitted.
///
/// # Source
/// Therneau and Grambsch 2000, chapter 4 (martingale 4.2, deviance 4.3, score 4.6) and section 6.2
/// (scaled Schoenfeld). With Efron's ties a failing row is exposed to the part of each hazard step
/// that it had not left, as in R's `residuals.coxph`.
pub fn cox_residuals(data: &CoxData, fit: &CoxFit) -> Option<CoxResiduals> {
    let (sets, beta) = fitted_sets(data, fit)?;
    let table = HazardTable::new(&sets, &beta, fit.ties);
    let (n, p) = (sets.n(), sets.p);
    let by_position = table.score_residuals(&sets, &beta);
    let mut residuals = CoxResiduals {
        martingale: vec![0.0; n],
        deviance: vec![0.0; n],
        score: vec![0.0; n * p],
        schoenfeld: Vec::new(),
    };
    let coefs = fit.finite_coefs()?;
    for (position, row) in sets.order.iter().map(|&row| row as usize).enumerate() {
        let event = f64::from(u8::from(sets.event[position]));
        let expected = table.expected_events(&sets, &beta, position);
        let martingale = event - expected;
        residuals.martingale[row] = martingale;
        residuals.deviance[row] = deviance(martingale, expected, sets.event[position]);
        for k in 0..p {
            residuals.score[row * p + k] = by_position[position * p + k] * sets.scale[k];
        }
        if sets.event[position] {
            let mean = table.event_mean(&sets, position);
            let residual: Vec<f64> =
                (0..p).map(|k| (sets.row(position)[k] - mean[k]) * sets.scale[k]).collect();
            let scaled = fit
                .naive_variance
                .chunks_exact(p)
                .zip(&coefs)
                .map(|(row, coef)| coef + fit.n_events as f64 * dot(row, &residual))
                .collect();
            let time = sets.time[position];
            residuals.schoenfeld.push(SchoenfeldResidual { row, time, residual, scaled });
        }
    }
    residuals.schoenfeld.sort_by(|a, b| a.time.total_cmp(&b.time).then(a.row.cmp(&b.row)));
    Some(residuals)
}

fn deviance(martingale: f64, expected: f64, event: bool) -> f64 {
    // log(event - martingale) = log(expected); without an event the term is absent.
    let log_term = if event && expected > 0.0 { expected.ln() } else { 0.0 };
    martingale.signum() * (-2.0 * (martingale + log_term)).max(0.0).sqrt()
}

/// The sorted rows of `data` and the standardised coefficients of `fit`.
pub(super) fn fitted_sets(data: &CoxData, fit: &CoxFit) -> Option<(RiskSets, Vec<f64>)> {
    let coefs = fit.finite_coefs()?;
    let fits = data.validate("using the Cox fit").is_ok()
        && data.outcome.len() == fit.n
        && data.covariates.len() == coefs.len();
    if !fits || fit.ties == Ties::Exact {
        return None;
    }
    let sets = RiskSets::new(data);
    let beta = coefs.iter().zip(&sets.scale).map(|(coef, scale)| coef * scale).collect();
    Some((sets, beta))
}

/// Score residuals by position `[n x p]` on the standardised scale.
pub(super) fn score_residuals(sets: &RiskSets, beta: &[f64], ties: Ties) -> Vec<f64> {
    HazardTable::new(sets, beta, ties).score_residuals(sets, beta)
}

/// Hazard steps at the event times, ascending within each stratum, for a subject whose
/// standardised covariates are all zero.
pub(super) struct HazardTable {
    p: usize,
    /// First index of each stratum, and one past the last.
    first: Vec<usize>,
    pub(super) time: Vec<f64>,
    /// Cumulative hazard through each event time.
    pub(super) hazard: Vec<f64>,
    /// Cumulative sum of step / risk-set sum: the variance of the hazard at known coefficients.
    pub(super) hazard_variance: Vec<f64>,
    /// Cumulative integral of the risk-set mean `[times x p]`.
    pub(super) mean_hazard: Vec<f64>,
    /// Part of the step that a row failing at that time is not exposed to (Efron), and its
    /// integral of the mean.
    spared: Vec<f64>,
    spared_mean: Vec<f64>,
    /// Risk-set mean averaged over the tied events `[times x p]`.
    event_mean: Vec<f64>,
    /// Stratum of each position.
    stratum_of: Vec<usize>,
}

impl HazardTable {
    pub(super) fn new(sets: &RiskSets, beta: &[f64], ties: Ties) -> Self {
        let p = sets.p;
        let mut table = Self {
            p,
            first: vec![0],
            time: Vec::new(),
            hazard: Vec::new(),
            hazard_variance: Vec::new(),
            mean_hazard: Vec::new(),
            spared: Vec::new(),
            spared_mean: Vec::new(),
            event_mean: Vec::new(),
            stratum_of: sets
                .strata
                .iter()
                .enumerate()
                .flat_map(|(index, stratum)| stratum.clone().map(move |_| index))
                .collect(),
        };
        let mut stratum_ends = vec![0; sets.strata.len()];
        sets.visit_event_times(beta, Moments::First, ties, |at| {
            let (mut step, mut variance, mut spared) = (0.0, 0.0, 0.0);
            let start = table.mean_hazard.len();
            for column in [&mut table.mean_hazard, &mut table.spared_mean, &mut table.event_mean] {
                column.resize(start + p, 0.0);
            }
            let share_of_event = 1.0 / at.event_weight;
            for (share, weight) in at.steps(ties) {
                let sum = at.at_risk.s0 - share * at.failing.s0;
                let increment = weight / sum * (-at.offset).exp();
                step += increment;
                variance += increment / sum * (-at.offset).exp();
                spared += share * increment;
                for k in 0..p {
                    let mean = (at.at_risk.s1[k] - share * at.failing.s1[k]) / sum;
                    table.mean_hazard[start + k] += increment * mean;
                    table.spared_mean[start + k] += share * increment * mean;
                    table.event_mean[start + k] += weight * share_of_event * mean;
                }
            }
            table.time.push(at.time);
            table.hazard.push(step);
            table.hazard_variance.push(variance);
            table.spared.push(spared);
            stratum_ends[at.stratum] = table.time.len();
        });
        for end in stratum_ends {
            let previous = table.first[table.first.len() - 1];
            table.first.push(end.max(previous));
        }
        table.ascend();
        table
    }

    /// Turns each stratum's descending steps into ascending cumulative sums.
    fn ascend(&mut self) {
        for stratum in self.first.clone().windows(2) {
            let (range, p) = (stratum[0]..stratum[1], self.p);
            for column in
                [&mut self.time, &mut self.hazard, &mut self.hazard_variance, &mut self.spared]
            {
                column[range.clone()].reverse();
            }
            for column in [&mut self.mean_hazard, &mut self.spared_mean, &mut self.event_mean] {
                let rows = &mut column[range.start * p..range.end * p];
                rows.reverse();
                rows.chunks_exact_mut(p).for_each(<[f64]>::reverse);
            }
            for i in range.clone().skip(1) {
                self.hazard[i] += self.hazard[i - 1];
                self.hazard_variance[i] += self.hazard_variance[i - 1];
                for k in 0..p {
                    self.mean_hazard[i * p + k] += self.mean_hazard[(i - 1) * p + k];
                }
            }
        }
    }

    /// Indices of the event times of a stratum.
    pub(super) fn range(&self, stratum: usize) -> std::ops::Range<usize> {
        self.first[stratum]..self.first[stratum + 1]
    }

    /// Index of the last event time at or before `time`.
    pub(super) fn last_at(&self, stratum: usize, time: f64) -> Option<usize> {
        let range = self.range(stratum);
        let before = self.time[range.clone()].partition_point(|t| *t <= time);
        (before > 0).then(|| range.start + before - 1)
    }

    /// Last event time before the row's exposure and the last in it.
    fn exposure(&self, sets: &RiskSets, position: usize) -> (Option<usize>, Option<usize>) {
        let stratum = self.stratum_of[position];
        let entry = sets.entry.as_ref().and_then(|entry| self.last_at(stratum, entry[position]));
        (entry, self.last_at(stratum, sets.time[position]))
    }

    fn expected_events(&self, sets: &RiskSets, beta: &[f64], position: usize) -> f64 {
        let (before, last) = self.exposure(sets, position);
        let at = |index: Option<usize>| index.map_or(0.0, |i| self.hazard[i]);
        let spared = match last {
            Some(i) if sets.event[position] => self.spared[i],
            _ => 0.0,
        };
        dot(sets.row(position), beta).exp() * (at(last) - at(before) - spared)
    }

    fn event_mean(&self, sets: &RiskSets, position: usize) -> &[f64] {
        let (_, last) = self.exposure(sets, position);
        let i = last.expect("an event's own time is in its stratum's table");
        &self.event_mean[i * self.p..(i + 1) * self.p]
    }

    fn score_residuals(&self, sets: &RiskSets, beta: &[f64]) -> Vec<f64> {
        let p = self.p;
        let mut residuals = vec![0.0; sets.n() * p];
        for (position, residual) in residuals.chunks_exact_mut(p).enumerate() {
            let x = sets.row(position);
            let risk = dot(x, beta).exp();
            let (before, last) = self.exposure(sets, position);
            let Some(last) = last else { continue };
            let failing = sets.event[position];
            let start = before.map_or(0.0, |i| self.hazard[i]);
            for k in 0..p {
                let start_mean = before.map_or(0.0, |i| self.mean_hazard[i * p + k]);
                let mut exposed = x[k] * (self.hazard[last] - start)
                    - (self.mean_hazard[last * p + k] - start_mean);
                if failing {
                    exposed -= x[k] * self.spared[last] - self.spared_mean[last * p + k];
                    residual[k] += x[k] - self.event_mean[last * p + k];
                }
                residual[k] -= risk * exposed;
            }
        }
        residuals
    }
}
