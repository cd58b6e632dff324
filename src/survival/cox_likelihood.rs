//! The log partial likelihood with its derivatives, and its maximisation.

use nalgebra::{DMatrix, DVector};

use super::cox::Ties;
use super::exact_ties::add_exact_terms;
use super::risk_set::{Moments, RiskSets, dot, quadratic_form};

/// Value, gradient and negative Hessian at one point, on the standardised scale.
#[derive(Clone, Debug)]
pub(super) struct Derivatives {
    pub(super) value: f64,
    pub(super) score: DVector<f64>,
    pub(super) information: DMatrix<f64>,
}

/// A smooth function that Newton's steps climb.
pub(super) trait Objective {
    fn derivatives(&self, beta: &[f64]) -> Derivatives;

    /// The negative Hessian at `beta`, where `at` was evaluated, for the columns marked in `free`.
    fn curvature(&self, _beta: &[f64], at: &Derivatives, _free: &[bool]) -> DMatrix<f64> {
        at.information.clone()
    }
}

/// The log partial likelihood.
pub(super) struct PartialLikelihood<'a> {
    pub(super) sets: &'a RiskSets,
    pub(super) ties: Ties,
}

/// The log partial likelihood with half the log determinant of the information added.
///
/// # Source
/// Heinze and Schemper 2001, Biometrics 57:114, equation 2 (Firth's penalty for Cox regression).
/// The determinant is over the columns marked in `active`.
pub(super) struct PenalizedLikelihood<'a> {
    pub(super) likelihood: PartialLikelihood<'a>,
    pub(super) active: Vec<bool>,
}

impl Objective for PartialLikelihood<'_> {
    /// # Source
    /// Therneau and Grambsch 2000, equations 3.3 to 3.6 (Breslow) and section 3.3 (Efron); with
    /// weights Efron's terms use the mean weight of the failing rows, as R's `coxph` does.
    fn derivatives(&self, beta: &[f64]) -> Derivatives {
        let p = self.sets.p;
        let mut value = 0.0;
        let mut score = DVector::zeros(p);
        if self.ties == Ties::Exact {
            let mut information = DMatrix::zeros(p, p);
            add_exact_terms(self.sets, beta, &mut value, Some((&mut score, &mut information)));
            return Derivatives { value, score, information };
        }
        let mut mean = vec![0.0; p];
        let mut information = vec![0.0; p * (p + 1) / 2];
        self.sets.visit_event_times(beta, Moments::Second, self.ties, |at| {
            value += at.event_eta;
            score.iter_mut().zip(at.event_x).for_each(|(sum, x)| *sum += x);
            for (share, weight) in at.steps(self.ties) {
                let sum = at.at_risk.s0 - share * at.failing.s0;
                value -= weight * (sum.ln() + at.offset);
                at.add_covariance(share, weight, &mut mean, &mut information);
                for (score, mean) in score.iter_mut().zip(&mean) {
                    *score -= weight * mean;
                }
            }
        });
        Derivatives { value, score, information: unpack(p, &information) }
    }
}

impl PenalizedLikelihood<'_> {
    /// Inverse of the information over the active columns `[p x p]`, zero elsewhere, and the log
    /// determinant; `None` where it is not positive definite but for rounding.
    pub(super) fn inverse_and_log_det(
        &self,
        information: &DMatrix<f64>,
    ) -> Option<(DMatrix<f64>, f64)> {
        let factor = sub_matrix(information, &self.active).cholesky()?;
        if factor.l_dirty().diagonal().min().powi(2) < SINGULAR_PIVOT {
            return None;
        }
        let log_det = 2.0 * factor.l_dirty().diagonal().iter().map(|d| d.ln()).sum::<f64>();
        Some((embed(&factor.inverse(), &self.active), log_det))
    }
}

impl Objective for PenalizedLikelihood<'_> {
    /// The gradient adds half the trace of `inverse information * d information / d beta`: the
    /// third cumulants of the covariates in each risk set, contracted with the inverse.
    fn derivatives(&self, beta: &[f64]) -> Derivatives {
        let mut at_beta = self.likelihood.derivatives(beta);
        let Some((inverse, log_det)) = self.inverse_and_log_det(&at_beta.information) else {
            at_beta.value = f64::NEG_INFINITY;
            return at_beta;
        };
        at_beta.value += 0.5 * log_det;
        let (p, ties) = (self.likelihood.sets.p, self.likelihood.ties);
        let metric = inverse.as_slice();
        let moments = Moments::Quadratic(metric);
        let (mut mean, mut turned) = (vec![0.0; p], vec![0.0; p]);
        self.likelihood.sets.visit_event_times(beta, moments, ties, |at| {
            for (share, weight) in at.steps(ties) {
                let less = |all: f64, failing: f64| all - share * failing;
                let sum = less(at.at_risk.s0, at.failing.s0);
                let mean_q = less(at.at_risk.q0, at.failing.q0) / sum;
                for (a, mean) in mean.iter_mut().enumerate() {
                    *mean = less(at.at_risk.s1[a], at.failing.s1[a]) / sum;
                }
                for (a, row) in turned.iter_mut().zip(metric.chunks_exact(p)) {
                    *a = dot(row, &mean);
                }
                let form = quadratic_form(metric, &mean);
                for (c, &mean_c) in mean.iter().enumerate() {
                    let crossed: f64 = (0..p)
                        .map(|b| {
                            let k = packed_index(p, b.min(c), b.max(c));
                            less(at.at_risk.s2[k], at.failing.s2[k]) / sum * turned[b]
                        })
                        .sum();
                    let mean_qx = less(at.at_risk.q1[c], at.failing.q1[c]) / sum;
                    let third = mean_qx - mean_q * mean_c - 2.0 * crossed + 2.0 * form * mean_c;
                    at_beta.score[c] += 0.5 * weight * third;
                }
            }
        });
        at_beta
    }

    /// The information leaves out the penalty, which far out, where the likelihood is flat, is all
    /// that bends: steps by it would shrink the distance by ever less. So the gradient's change.
    fn curvature(&self, beta: &[f64], at: &Derivatives, free: &[bool]) -> DMatrix<f64> {
        let mut curvature = at.information.clone();
        let mut moved = beta.to_vec();
        for k in (0..beta.len()).filter(|&k| free[k]) {
            moved[k] = beta[k] + GRADIENT_STEP;
            let there = self.derivatives(&moved);
            moved[k] = beta[k];
            if !there.value.is_finite() {
                return at.information.clone();
            }
            curvature.set_column(k, &((&at.score - there.score) / GRADIENT_STEP));
        }
        (&curvature + curvature.transpose()) * 0.5
    }
}

/// Information of standardised columns below this is the rounding of none: a difference of two
/// numbers of order one for each event.
const SINGULAR_PIVOT: f64 = 1e-13;

/// Step of a standardised coefficient in the difference of two gradients: an error of about 1e-5 of
/// the curvature, so that steps shrink the distance by as much.
const GRADIENT_STEP: f64 = 1e-5;

/// The symmetric `[p x p]` matrix of a packed upper triangle.
pub(super) fn unpack(p: usize, packed: &[f64]) -> DMatrix<f64> {
    DMatrix::from_fn(p, p, |a, b| packed[packed_index(p, a.min(b), a.max(b))])
}

/// Position of element `(a, b)`, a <= b, in a packed upper triangle of a `[p x p]` matrix.
fn packed_index(p: usize, a: usize, b: usize) -> usize {
    a * p - a * (a + 1) / 2 + b
}

/// The rows and columns marked in `keep`.
pub(super) fn sub_matrix(matrix: &DMatrix<f64>, keep: &[bool]) -> DMatrix<f64> {
    let kept: Vec<usize> = (0..keep.len()).filter(|&k| keep[k]).collect();
    matrix.select_rows(&kept).select_columns(&kept)
}

/// The inverse of [`sub_matrix`]: back at full size, zero outside `keep`.
pub(super) fn embed(small: &DMatrix<f64>, keep: &[bool]) -> DMatrix<f64> {
    let kept: Vec<usize> = (0..keep.len()).filter(|&k| keep[k]).collect();
    let mut full = DMatrix::zeros(keep.len(), keep.len());
    for (a, &row) in kept.iter().enumerate() {
        for (b, &column) in kept.iter().enumerate() {
            full[(row, column)] = small[(a, b)];
        }
    }
    full
}

/// When to stop climbing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max_iterations: usize,
    /// Largest distance to the maximum, in standard errors, that counts as there.
    pub(super) tolerance: f64,
}

/// How a maximisation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Converged,
    /// The value has stopped rising but the steps have not become short.
    Diverging,
    MaxIterations,
}

/// The point reached.
#[derive(Clone, Debug)]
pub(super) struct Maximum {
    pub(super) beta: Vec<f64>,
    pub(super) at: Derivatives,
    pub(super) ending: Ending,
    /// The last Newton step: the direction of divergence.
    pub(super) step: Vec<f64>,
    pub(super) iterations: usize,
}

/// A step this short in every standardised coefficient is short; a finite maximum is approached
/// with quadratically shrinking steps, a maximum at infinity with steps of about 1/(smallest gap).
const SHORT_STEP: f64 = 1e-4;

/// Below this squared distance to the maximum the value no longer rises. While steps stay long it
/// means divergence: on exp(-b) the squared distance is exp(-b), about 1e-9 at b = 20.
const FLAT_DECREMENT: f64 = 1e-9;

/// Where rounding hides any further rise of the value, a squared distance below this is arrival:
/// a thousandth of a standard error.
const NOISE_DECREMENT: f64 = 1e-6;

/// A squared distance below this that no longer shrinks is as near as rounding lets the climb come:
/// a millionth of a standard error. Newton's steps square a distance that is not rounding.
const STALLED_DECREMENT: f64 = 1e-12;

/// The same far out, where the caller knows of large standard errors and the penalty's determinant
/// loses digits.
const STALLED_FAR_OUT: f64 = 1e-9;

/// What a flat value with long steps means to [`maximise`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LongSteps {
    /// Perhaps a maximum at infinity: stop and let the caller look.
    Stop,
    /// The caller has looked: it is a finite one with large standard errors.
    Accept,
}

/// Climbs from `start` over the coefficients marked `free`, halving steps that do not rise.
///
/// # Source
/// Newton-Raphson with step halving, as in Therneau and Grambsch 2000, section 3.1. Stops by
/// Newton's decrement u' I^-1 u, the squared distance to the maximum in standard errors.
pub(super) fn maximise(
    objective: &impl Objective,
    start: &[f64],
    free: &[bool],
    limits: Limits,
    long_steps: LongSteps,
) -> Maximum {
    maximise_from(objective, (start, objective.derivatives(start)), free, limits, long_steps)
}

/// [`maximise`] with the derivatives at the start known.
pub(super) fn maximise_from(
    objective: &impl Objective,
    (start, at_start): (&[f64], Derivatives),
    free: &[bool],
    limits: Limits,
    long_steps: LongSteps,
) -> Maximum {
    let (mut beta, mut at) = (start.to_vec(), at_start);
    let mut step = vec![0.0; beta.len()];
    let mut last_decrement = f64::INFINITY;
    let mut last_move = DVector::zeros(beta.len());
    for iteration in 0..=limits.max_iterations {
        // A long step may pass the maximum and end where the objective falls in a straight line, too
        // flat to step back from: then half of the step is taken back.
        let passed = long_steps == LongSteps::Accept
            && iteration < limits.max_iterations
            && last_move.dot(&at.score) < -FLAT_DECREMENT;
        let Some(newton) = newton_step(objective, &beta, &at, free) else {
            if passed {
                at = take_back_half(objective, &mut beta, &mut last_move);
                continue;
            }
            let ending = if iteration > 0 { Ending::Diverging } else { Ending::MaxIterations };
            return Maximum { beta, at, ending, step, iterations: iteration };
        };
        let decrement = dot(newton.as_slice(), at.score.as_slice());
        let longest = newton.amax();
        step.copy_from_slice(newton.as_slice());
        let short = longest <= SHORT_STEP || long_steps == LongSteps::Accept;
        let stall = match long_steps {
            LongSteps::Stop => STALLED_DECREMENT,
            LongSteps::Accept => STALLED_FAR_OUT,
        };
        let stalled = decrement <= stall && decrement >= 0.5 * last_decrement;
        last_decrement = decrement;
        let ending = if (decrement <= limits.tolerance.powi(2) || stalled) && short {
            Some(Ending::Converged)
        } else if decrement <= FLAT_DECREMENT && !short {
            Some(Ending::Diverging)
        } else if iteration == limits.max_iterations {
            Some(Ending::MaxIterations)
        } else {
            None
        };
        if let Some(ending) = ending {
            return Maximum { beta, at, ending, step, iterations: iteration };
        }
        let Some(next) = halved_step(objective, &beta, &step, at.value) else {
            if passed {
                at = take_back_half(objective, &mut beta, &mut last_move);
                continue;
            }
            // No step rises although the distance is not zero: rounding has the last word.
            let close = decrement <= NOISE_DECREMENT && short;
            let ending = if close { Ending::Converged } else { Ending::MaxIterations };
            return Maximum { beta, at, ending, step, iterations: iteration };
        };
        last_move = DVector::from_fn(beta.len(), |k, _| next.0[k] - beta[k]);
        (beta, at) = next;
    }
    unreachable!("the loop returns at its last iteration")
}

/// Moves `beta` half of `last_move` back, and halves that.
fn take_back_half(
    objective: &impl Objective,
    beta: &mut [f64],
    last_move: &mut DVector<f64>,
) -> Derivatives {
    *last_move *= 0.5;
    beta.iter_mut().zip(last_move.iter()).for_each(|(b, half)| *b -= half);
    objective.derivatives(beta)
}

fn newton_step(
    objective: &impl Objective,
    beta: &[f64],
    at: &Derivatives,
    free: &[bool],
) -> Option<DVector<f64>> {
    let kept: Vec<usize> = (0..free.len()).filter(|&k| free[k]).collect();
    let mut full = DVector::zeros(free.len());
    if kept.is_empty() {
        return Some(full);
    }
    // Where the objective is not concave the information still points upwards.
    let factor = sub_matrix(&objective.curvature(beta, at, free), free)
        .cholesky()
        .or_else(|| sub_matrix(&at.information, free).cholesky())?;
    let small = factor.solve(&at.score.select_rows(&kept));
    for (value, &k) in small.iter().zip(&kept) {
        full[k] = *value;
    }
    full.iter().all(|v| v.is_finite()).then_some(full)
}

/// The first of the full, half, quarter ... step whose value is no lower than `value`.
fn halved_step(
    objective: &impl Objective,
    beta: &[f64],
    step: &[f64],
    value: f64,
) -> Option<(Vec<f64>, Derivatives)> {
    // Rounding of a sum of this size may hide a rise.
    let slack = 1e-12 * value.abs();
    let mut factor = 1.0;
    for _ in 0..40 {
        let next: Vec<f64> = beta.iter().zip(step).map(|(b, s)| b + factor * s).collect();
        let at = objective.derivatives(&next);
        if at.value.is_finite() && at.value >= value - slack {
            return Some((next, at));
        }
        factor *= 0.5;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survival::{CovariateColumn, CoxData, Outcome, TieRepair};

    /// Twelve rows with ties, entries, weights and two strata.
    fn sets(ties: Ties) -> RiskSets {
        let time: Vec<f64> = [3, 5, 5, 7, 7, 7, 9, 4, 5, 5, 8, 8].map(f64::from).to_vec();
        let event = [1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1].map(|e| e == 1).to_vec();
        let entry = [0, 1, 0, 4, 0, 2, 5, 0, 1, 0, 3, 5].map(f64::from).to_vec();
        let weight = [1, 2, 1, 1, 3, 1, 2, 1, 1, 2, 1, 1].map(f64::from).to_vec();
        let weight = (ties != Ties::Exact).then_some(weight);
        let columns = [
            [1, 5, 2, 8, 3, 1, 4, 2, 9, 5, 6, 2],
            [0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1],
            [7, 3, 3, 1, 5, 8, 2, 2, 1, 6, 4, 9],
        ];
        RiskSets::new(&CoxData {
            outcome: Outcome::new(time, event, Some(entry), weight, TieRepair::Keep)
                .expect("valid rows"),
            covariates: columns
                .iter()
                .enumerate()
                .map(|(k, values)| CovariateColumn {
                    name: format!("x{k}"),
                    values: values.map(f64::from).to_vec(),
                })
                .collect(),
            strata: Some([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1].to_vec()),
            cluster: None,
        })
    }

    /// Central differences: an error of about h^2 = 1e-10 from the third derivative.
    fn assert_derivatives(objective: &impl Objective, with_information: bool) {
        let beta = [0.3, -0.7, 0.2];
        let at = objective.derivatives(&beta);
        let h = 1e-5;
        for k in 0..3 {
            let moved = |by: f64| {
                let mut moved = beta;
                moved[k] += by;
                objective.derivatives(&moved)
            };
            let (up, down) = (moved(h), moved(-h));
            let slope = (up.value - down.value) / (2.0 * h);
            let error = (slope - at.score[k]).abs();
            assert!(error < 1e-7, "score {k}: {} beside {slope} by differences", at.score[k]);
            for other in (0..3).filter(|_| with_information) {
                let bend = -(up.score[other] - down.score[other]) / (2.0 * h);
                let found = at.information[(k, other)];
                assert!((bend - found).abs() < 1e-7, "information {k} {other}: {found}, {bend}");
            }
        }
    }

    #[test]
    fn scores_and_informations_are_the_derivatives_of_the_likelihoods() {
        for ties in [Ties::Efron, Ties::Breslow, Ties::Exact] {
            let sets = sets(ties);
            assert_derivatives(&PartialLikelihood { sets: &sets, ties }, true);
        }
    }

    #[test]
    fn the_penalised_score_is_the_derivative_of_the_penalised_likelihood() {
        for ties in [Ties::Efron, Ties::Breslow] {
            let sets = sets(ties);
            let likelihood = PartialLikelihood { sets: &sets, ties };
            assert_derivatives(&PenalizedLikelihood { likelihood, active: vec![true; 3] }, false);
        }
    }
}
