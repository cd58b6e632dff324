//! Profile likelihood limits: the values of a coefficient that a likelihood ratio test keeps.

use super::cox::{CoefLimit, CoxData, CoxFit};
use super::cox_likelihood::{Ending, Limits, LongSteps, Objective, PartialLikelihood, maximise};
use super::risk_set::RiskSets;
use super::tails::{chi_squared_upper, normal_quantile};

/// Limits of a coefficient by the profile likelihood, on the log hazard ratio scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProfileLimits {
    /// Lower limit; `None` if unbounded.
    pub lower: Option<f64>,
    /// Upper limit; `None` if unbounded.
    pub upper: Option<f64>,
}

/// Profile likelihood limits of term `term` at `conf_level`.
///
/// A monotone term has one finite limit. `None` if the term has neither estimate nor limit, if a
/// search does not end, or if `data` is not what was fitted.
///
/// # Source
/// Venzon and Moolgavkar 1988, Applied Statistics 37:87 (the definition); the limit is found by
/// safeguarded Newton steps, since the profile's slope is the score at the constrained maximum.
pub fn profile_limits(
    data: &CoxData,
    fit: &CoxFit,
    term: usize,
    conf_level: f64,
) -> Option<ProfileLimits> {
    let fits = data.validate("profiling the Cox fit").is_ok()
        && data.outcome.len() == fit.n
        && data.covariates.len() == fit.terms.len();
    if !fits || term >= fit.terms.len() {
        return None;
    }
    let sets = RiskSets::new(data);
    let free: Vec<bool> =
        fit.terms.iter().map(|term| term.coef.is_some() || term.limit.is_some()).collect();
    if !free[term] {
        return None;
    }
    let objective = PartialLikelihood { sets: &sets, ties: fit.ties };
    let start: Vec<f64> =
        fit.terms.iter().zip(&sets.scale).map(|(t, scale)| t.coef.unwrap_or(0.0) * scale).collect();
    let profile = Profile {
        objective: &objective,
        free: &free,
        term,
        top: fit.partial_log_likelihood,
        start: &start,
        limits: Limits { max_iterations: 100, tolerance: 1e-9 },
    };
    let scale = sets.scale[term];
    let limit = fit.terms[term].limit;
    // A monotone term has no standard error to measure steps in; one standardised unit will do.
    let step = fit.terms[term].naive_se.map_or(1.0, |se| se * scale);
    let side = |side, unbounded| {
        if limit == Some(unbounded) {
            return Some(None);
        }
        let found = profile.limit(side, step, conf_level).ok()?;
        Some(found.map(|limit| limit / scale))
    };
    Some(ProfileLimits {
        lower: side(Side::Lower, CoefLimit::MinusInfinity)?,
        upper: side(Side::Upper, CoefLimit::PlusInfinity)?,
    })
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Lower,
    Upper,
}

/// A maximum over the other coefficients was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfinished;

/// The likelihood of one coefficient with the other free ones maximised out.
pub(super) struct Profile<'a, O: Objective> {
    pub(super) objective: &'a O,
    pub(super) free: &'a [bool],
    pub(super) term: usize,
    /// The likelihood's maximum, or its limit.
    pub(super) top: f64,
    /// Coefficients to start from: the maximum, where it is finite.
    pub(super) start: &'a [f64],
    pub(super) limits: Limits,
}

/// A limit further out than this many doublings of the first step is called unbounded.
const MOST_DOUBLINGS: usize = 24;

/// How often a step outwards may be halved because the other coefficients did not follow.
const MOST_HALVINGS: usize = 16;

/// Width in standardised units to which a limit is found.
const LIMIT_WIDTH: f64 = 1e-9;

impl<O: Objective> Profile<'_, O> {
    /// Likelihood drop 2 (top - profile) at `value` and its slope; `others` is where the other
    /// coefficients start and are left.
    fn drop_at(&self, value: f64, others: &mut Vec<f64>) -> Result<(f64, f64), Unfinished> {
        others[self.term] = value;
        let mut free = self.free.to_vec();
        free[self.term] = false;
        let constrained = maximise(self.objective, others, &free, self.limits, LongSteps::Accept);
        if constrained.ending == Ending::MaxIterations || !constrained.at.value.is_finite() {
            return Err(Unfinished);
        }
        *others = constrained.beta;
        let slope = -2.0 * constrained.at.score[self.term];
        Ok((2.0 * (self.top - constrained.at.value), slope))
    }

    /// p of the likelihood ratio test that the coefficient is zero.
    pub(super) fn test_of_zero(&self) -> Result<f64, Unfinished> {
        let (drop, _) = self.drop_at(0.0, &mut self.start.to_vec())?;
        Ok(chi_squared_upper(drop, 1))
    }

    /// The limit on `side`, standardised, `None` if unbounded; `step` is about one standard error.
    pub(super) fn limit(
        &self,
        side: Side,
        step: f64,
        conf_level: f64,
    ) -> Result<Option<f64>, Unfinished> {
        let quantile = normal_quantile(0.5 + conf_level / 2.0);
        let critical = quantile * quantile;
        let outward = if side == Side::Upper { step } else { -step };
        let mut others = self.start.to_vec();
        let mut inside = self.start[self.term];
        // A monotone term starts at zero, which may lie outside: walk towards its limit first.
        let mut reach = 1.0;
        for _ in 0..MOST_DOUBLINGS {
            if self.drop_at(inside, &mut others)?.0 < critical {
                break;
            }
            inside -= reach * outward;
            reach *= 2.0;
        }
        let mut reach = quantile;
        let mut shorter = 0;
        for _ in 0..MOST_DOUBLINGS + MOST_HALVINGS {
            let outside = inside + reach * outward;
            let mut start = others.clone();
            match self.drop_at(outside, &mut start) {
                Ok((drop, slope)) if drop >= critical => {
                    return self.refine(inside, outside, (drop, slope), critical, start).map(Some);
                }
                Ok(_) => {
                    (inside, others) = (outside, start);
                    reach *= 2.0;
                }
                // Too far for the other coefficients to follow at once.
                Err(Unfinished) if shorter < MOST_HALVINGS => {
                    shorter += 1;
                    reach *= 0.5;
                }
                Err(unfinished) => return Err(unfinished),
            }
        }
        Ok(None)
    }

    /// Newton steps on drop - critical, kept between `inside` (below) and `outside` (above).
    fn refine(
        &self,
        mut inside: f64,
        mut outside: f64,
        (mut drop, mut slope): (f64, f64),
        critical: f64,
        mut others: Vec<f64>,
    ) -> Result<f64, Unfinished> {
        let mut at = outside;
        for _ in 0..200 {
            let newton = at - (drop - critical) / slope;
            let (low, high) = (inside.min(outside), inside.max(outside));
            let next =
                if newton > low && newton < high { newton } else { 0.5 * (inside + outside) };
            if (next - at).abs() <= LIMIT_WIDTH || high - low <= LIMIT_WIDTH {
                return Ok(next);
            }
            at = next;
            (drop, slope) = self.drop_at(at, &mut others)?;
            if drop < critical {
                inside = at;
            } else {
                outside = at;
            }
        }
        Ok(at)
    }
}
