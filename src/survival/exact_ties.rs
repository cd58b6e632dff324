//! The exact partial likelihood: each tied block conditions on how many of the risk set failed.

use nalgebra::{DMatrix, DVector};

use super::cox::Ties;
use super::risk_set::{Moments, RiskSets, dot};

/// Score and information to add to.
type Gradient<'a> = (&'a mut DVector<f64>, &'a mut DMatrix<f64>);

/// Number of elementary updates one evaluation takes: the sum over the event times of
/// rows at risk * events * derivatives.
pub(super) fn exact_work(sets: &RiskSets) -> f64 {
    let mut work = 0.0;
    let zero = vec![0.0; sets.p];
    let derivatives = ((sets.p + 1) * (sets.p + 2) / 2) as f64;
    sets.visit_event_times(&zero, Moments::Zeroth, Ties::Exact, |at| {
        let at_risk = (at.block.end - sets.strata[at.stratum].start) as f64;
        work += at_risk * at.n_events as f64 * derivatives;
    });
    work
}

/// Adds the exact log partial likelihood at `beta`, and its derivatives where wanted.
///
/// # Source
/// Cox 1972, section 6 (the discrete logistic likelihood); the sum over all subsets of the failing
/// size by the recursion of Gail, Lubin and Rubinstein 1981, Biometrika 68:703. The recursion is
/// run on the chances c u / (1 + c u) of independent draws that fail `d` times on average (Chen,
/// Dempster and Liu 1994, Biometrika 81:457), which keeps every term in the `f64` range.
pub(super) fn add_exact_terms(
    sets: &RiskSets,
    beta: &[f64],
    value: &mut f64,
    mut derivatives: Option<Gradient<'_>>,
) {
    sets.visit_event_times(beta, Moments::First, Ties::Exact, |at| {
        let stratum = &sets.strata[at.stratum];
        let rows: Vec<usize> =
            (stratum.start..at.block.end).filter(|&i| sets.has_entered(i, at.time)).collect();
        if at.n_events == rows.len() {
            return; // one subset only: it was certain
        }
        let eta: Vec<f64> = rows.iter().map(|&i| dot(sets.row(i), beta)).collect();
        let subsets = SubsetSum::new(sets, &rows, &eta, at.n_events, derivatives.is_some());
        *value += at.event_eta - subsets.log_sum;
        if let Some((score, information)) = derivatives.as_mut() {
            for (a, mean) in subsets.mean.iter().enumerate() {
                score[a] += at.event_x[a] - mean;
            }
            **information += subsets.covariance;
        }
    });
}

/// Log of the sum over all subsets of size d of exp(sum of eta), with the mean and covariance of
/// the subset's sum of x under those weights.
struct SubsetSum {
    log_sum: f64,
    mean: Vec<f64>,
    covariance: DMatrix<f64>,
}

impl SubsetSum {
    fn new(sets: &RiskSets, rows: &[usize], eta: &[f64], d: usize, derivatives: bool) -> Self {
        let p = if derivatives { sets.p } else { 0 };
        let log_c = tilt(eta, d);
        // Each size k holds its sum, the sums of x, and the packed sums of x x'.
        let width = 1 + p + p * (p + 1) / 2;
        let mut table = vec![0.0; (d + 1) * width];
        table[0] = 1.0;
        let mut log_sum = -(d as f64) * log_c;
        for (&row, eta) in rows.iter().zip(eta) {
            let odds = eta + log_c;
            let chance = 1.0 / (1.0 + (-odds).exp());
            let rest = 1.0 / (1.0 + odds.exp());
            log_sum += odds.max(0.0) + (-odds.abs()).exp().ln_1p();
            let x = &sets.row(row)[..p];
            for k in (0..=d).rev() {
                let (below, own) = table.split_at_mut(k * width);
                let own = &mut own[..width];
                own.iter_mut().for_each(|sum| *sum *= rest);
                if k > 0 {
                    add_member(own, &below[(k - 1) * width..], x, chance);
                }
            }
        }
        let top = &table[d * width..];
        let mean: Vec<f64> = top[1..=p].iter().map(|sum| sum / top[0]).collect();
        let mut covariance = DMatrix::zeros(p, p);
        let mut packed = 1 + p;
        for a in 0..p {
            for b in a..p {
                covariance[(a, b)] = top[packed] / top[0] - mean[a] * mean[b];
                covariance[(b, a)] = covariance[(a, b)];
                packed += 1;
            }
        }
        Self { log_sum: log_sum + top[0].ln(), mean, covariance }
    }
}

/// Adds to `own` (subsets of size k) those of size k - 1 in `below` with a row `x` put in.
fn add_member(own: &mut [f64], below: &[f64], x: &[f64], chance: f64) {
    let p = x.len();
    own[0] += chance * below[0];
    for a in 0..p {
        own[1 + a] += chance * (below[1 + a] + x[a] * below[0]);
    }
    let mut packed = 1 + p;
    for a in 0..p {
        for b in a..p {
            own[packed] += chance
                * (below[packed]
                    + x[a] * below[1 + b]
                    + x[b] * below[1 + a]
                    + x[a] * x[b] * below[0]);
            packed += 1;
        }
    }
}

/// The log of c for which the chances c u / (1 + c u), u = exp(eta), add up to `d`, by bisection;
/// 0 < d < number of rows. A rough solution is enough: it only places the recursion in range.
fn tilt(eta: &[f64], d: usize) -> f64 {
    let (low, high) =
        eta.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &e| (l.min(e), h.max(e)));
    let n = eta.len() as f64;
    let logit = (d as f64 / (n - d as f64)).ln();
    let (mut left, mut right) = (logit - high, logit - low);
    for _ in 0..60 {
        let middle = 0.5 * (left + right);
        let expected: f64 = eta.iter().map(|e| 1.0 / (1.0 + (-(e + middle)).exp())).sum();
        if expected < d as f64 {
            left = middle;
        } else {
            right = middle;
        }
    }
    0.5 * (left + right)
}
