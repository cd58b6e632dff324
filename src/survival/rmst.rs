//! Restricted mean survival time: the area under the curve up to a horizon.

use super::confidence::ConfLevel;
use super::tails::normal_two_sided;
use super::{KaplanMeier, Outcome};
use crate::Error;

/// Area under a Kaplan-Meier curve from 0 to `tau`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rmst {
    /// The horizon, in the unit of the times.
    pub tau: f64,
    /// The area.
    pub estimate: f64,
    /// Its standard error.
    pub std_err: f64,
    /// True when `tau` lies after the last follow-up while S is above 0: the last step was
    /// carried on to `tau`.
    pub extrapolated: bool,
}

/// A comparison of two restricted means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmstContrast {
    /// Difference or ratio.
    pub estimate: f64,
    /// Standard error of the difference, or of the log ratio.
    pub std_err: f64,
    /// Lower limit, on the scale of `estimate`.
    pub lower: f64,
    /// Upper limit, on the scale of `estimate`.
    pub upper: f64,
    /// Two-sided Wald p-value; `None` when the standard error is 0.
    pub p: Option<f64>,
}

impl Rmst {
    /// The restricted mean up to `tau` and its standard error.
    ///
    /// # Errors
    /// A `tau` that is not finite and positive.
    ///
    /// # Source
    /// Area as in Royston and Parmar, BMC Medical Research Methodology 13 (2013) 152; variance the sum over event
    /// times t <= tau of (area from t to tau)^2 d / (n (n - d)), the Greenwood type of R
    /// survival's `rmean` and of survRM2.
    ///
    /// ```
    /// use herscope::survival::{KaplanMeier, Outcome, Rmst};
    /// // S is 1 on [0, 1), 1/2 on [1, 2): area up to 2 is 1.5, variance (1/2)^2 * 1 / (2 * 1).
    /// let outcome = Outcome::right_censored(vec![1.0, 3.0], vec![true, false])?;
    /// let rmst = Rmst::fit(&KaplanMeier::fit(&outcome), 2.0)?;
    /// assert_eq!((rmst.estimate, rmst.std_err), (1.5, 0.125_f64.sqrt()));
    /// # Ok::<(), herscope::Error>(())
    /// ```
    pub fn fit(curve: &KaplanMeier, tau: f64) -> Result<Self, Error> {
        if !(tau.is_finite() && tau > 0.0) {
            return Err(Error::usage("setting the horizon of the restricted mean survival time")
                .found(tau.to_string())
                .expected("a finite time above 0"));
        }
        let rows: Vec<_> = curve.rows().iter().take_while(|row| row.time <= tau).collect();
        let (mut area, mut variance) = (0.0, 0.0_f64);
        let mut next = tau;
        // From the last step back: `area` is always the area from the step's start to tau.
        for row in rows.iter().rev() {
            area += row.survival * (next - row.time);
            let left = row.n_at_risk - row.n_events;
            if row.n_events > 0.0 && row.survival > 0.0 {
                variance += area * area * row.n_events / (row.n_at_risk * left);
            }
            next = row.time;
        }
        let last_survival = rows.last().map_or(1.0, |row| row.survival);
        Ok(Self {
            tau,
            estimate: area + next,
            std_err: variance.sqrt(),
            extrapolated: last_survival > 0.0 && curve.last_time().is_none_or(|last| last < tau),
        })
    }

    /// Wald limits, not cut at 0 or tau.
    pub fn limits(&self, level: ConfLevel) -> (f64, f64) {
        let half = level.normal_quantile() * self.std_err;
        (self.estimate - half, self.estimate + half)
    }

    /// `self` minus `reference`, two independent groups with one horizon.
    pub fn difference(&self, reference: &Self, level: ConfLevel) -> RmstContrast {
        let estimate = self.estimate - reference.estimate;
        let std_err = self.std_err.hypot(reference.std_err);
        let half = level.normal_quantile() * std_err;
        RmstContrast {
            estimate,
            std_err,
            lower: estimate - half,
            upper: estimate + half,
            p: wald_p(estimate, std_err),
        }
    }

    /// `self` over `reference`, limits by the delta method on the log scale; `None` when a mean is 0.
    pub fn ratio(&self, reference: &Self, level: ConfLevel) -> Option<RmstContrast> {
        if self.estimate <= 0.0 || reference.estimate <= 0.0 {
            return None;
        }
        let log_ratio = (self.estimate / reference.estimate).ln();
        let std_err = (self.std_err / self.estimate).hypot(reference.std_err / reference.estimate);
        let half = level.normal_quantile() * std_err;
        Some(RmstContrast {
            estimate: log_ratio.exp(),
            std_err,
            lower: (log_ratio - half).exp(),
            upper: (log_ratio + half).exp(),
            p: wald_p(log_ratio, std_err),
        })
    }
}

/// The restricted mean of an outcome: [`Rmst::fit`] on its Kaplan-Meier curve.
///
/// # Errors
/// As [`Rmst::fit`].
pub fn fit_rmst(outcome: &Outcome, tau: f64) -> Result<Rmst, Error> {
    Rmst::fit(&KaplanMeier::fit(outcome), tau)
}

fn wald_p(estimate: f64, std_err: f64) -> Option<f64> {
    (std_err > 0.0).then(|| normal_two_sided(estimate / std_err))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_horizon_after_the_last_censoring_is_reported_as_extrapolated() {
        let outcome =
            Outcome::right_censored(vec![1.0, 3.0], vec![true, false]).expect("valid rows");
        let inside = fit_rmst(&outcome, 3.0).expect("a valid horizon");
        let beyond = fit_rmst(&outcome, 4.0).expect("a valid horizon");
        assert!(!inside.extrapolated && beyond.extrapolated, "{inside:?} {beyond:?}");
        assert_eq!(beyond.estimate, 2.5, "1 + 3 * 1/2: the last step is carried on");
    }

    #[test]
    fn a_curve_that_ends_at_zero_is_not_extrapolated() {
        let outcome = Outcome::right_censored(vec![1.0, 3.0], vec![true; 2]).expect("valid rows");
        let rmst = fit_rmst(&outcome, 9.0).expect("a valid horizon");
        assert_eq!((rmst.estimate, rmst.extrapolated), (2.0, false), "the mean of 1 and 3");
    }

    #[test]
    fn groups_without_events_differ_by_zero_and_have_no_p_value() {
        let outcome = Outcome::right_censored(vec![5.0], vec![false]).expect("valid rows");
        let rmst = fit_rmst(&outcome, 2.0).expect("a valid horizon");
        let difference = rmst.difference(&rmst, ConfLevel::default());
        assert_eq!((difference.estimate, difference.p), (0.0, None), "0/0 has no p");
    }
}
