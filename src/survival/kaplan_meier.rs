//! The Kaplan-Meier estimate of survival, its variance, limits and quantiles.

use super::Outcome;
use super::confidence::{ConfType, Confidence};
use super::risk_table::visit_risk_times;
use crate::Error;

/// Tolerance with which a curve "equals" a level: the product of fractions that should be 0.5 may
/// miss it in the last bits. The square root of the `f64` epsilon, as R's `quantile.survfit` uses.
const LEVEL_TOLERANCE: f64 = 1.490_116_119_384_765_6e-8;

/// A right-continuous estimate of S(t), one row a distinct follow-up time.
///
/// Six subjects, the third censored at 4 (Kaplan-Meier by hand: 5/6, 4/6, 4/6, 4/6 x 2/3, ...):
///
/// ```
/// use herscope::survival::{Confidence, KaplanMeier, Outcome};
///
/// let outcome = Outcome::right_censored(
///     vec![2.0, 3.0, 4.0, 6.0, 7.0, 9.0],
///     vec![true, true, false, true, true, false],
/// )?;
/// let curve = KaplanMeier::fit(&outcome);
/// assert!((curve.rows()[3].survival - 4.0 / 9.0).abs() < 1e-15);
/// assert_eq!(curve.median(Confidence::default()).estimate, Some(6.0));
/// # Ok::<(), herscope::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KaplanMeier {
    n: usize,
    rows: Vec<KaplanMeierRow>,
}

/// One distinct follow-up time of a [`KaplanMeier`] curve. Counts are sums of case weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KaplanMeierRow {
    /// The time.
    pub time: f64,
    /// At risk just before `time`.
    pub n_at_risk: f64,
    /// Events at `time`.
    pub n_events: f64,
    /// Censored at `time`, after its events.
    pub n_censored: f64,
    /// S just after `time`, in [0, 1].
    pub survival: f64,
    /// Greenwood's standard error of log S; `None` where S is 0.
    pub std_err_log: Option<f64>,
}

impl KaplanMeierRow {
    /// Greenwood's standard error of S itself; `None` where S is 0.
    pub fn std_err(&self) -> Option<f64> {
        self.std_err_log.map(|se| se * self.survival)
    }

    /// Confidence limits of S, `None` where they are not defined (S is 0; log-log and logit also
    /// while S is 1).
    pub fn limits(&self, confidence: Confidence) -> Option<(f64, f64)> {
        self.limits_at(confidence.kind, confidence.level.normal_quantile())
    }

    /// [`limits`](Self::limits) `z` standard errors away, for a caller that has many rows.
    pub(crate) fn limits_at(&self, kind: ConfType, z: f64) -> Option<(f64, f64)> {
        kind.limits(self.survival, self.std_err_log?, z)
    }
}

/// A time at which a curve passes a level, with limits; `None` where that is not reached.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QuantileEstimate {
    /// The quantile.
    pub estimate: Option<f64>,
    /// Where the lower limit of the curve passes the level.
    pub lower: Option<f64>,
    /// Where the upper limit of the curve passes the level.
    pub upper: Option<f64>,
}

/// Survival at a time of choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurvivalAt {
    /// The time asked for.
    pub time: f64,
    /// S at `time`; `None` after the last follow-up while S is above 0.
    pub survival: Option<f64>,
    /// Greenwood's standard error of S.
    pub std_err: Option<f64>,
    /// Lower limit of S.
    pub lower: Option<f64>,
    /// Upper limit of S.
    pub upper: Option<f64>,
}

impl KaplanMeier {
    /// The product-limit estimate with Greenwood's variance.
    ///
    /// Left truncation and case weights are honoured: a row counts as at risk in (entry, time], and
    /// a weight of 2 equals two copies of the row, in the variance too. An outcome without rows
    /// gives a curve without rows.
    ///
    /// # Source
    /// Kaplan and Meier, JASA 53 (1958) 457; Greenwood's variance sum d / (n (n - d)). Equals
    /// R survival 3.5 `survfit` to 1e-9 on the reference sets in `tests/data/survival`.
    pub fn fit(outcome: &Outcome) -> Self {
        let mut rows = Vec::with_capacity(outcome.n_distinct_times());
        visit_risk_times(
            outcome,
            outcome.rows_by_time(),
            1,
            |_| 0,
            |time, groups| {
                let counts = groups[0];
                let all_fail = counts.event_rows == counts.rows_at_risk;
                rows.push(KaplanMeierRow {
                    time,
                    n_at_risk: counts.at_risk,
                    n_events: counts.events,
                    n_censored: counts.censored,
                    survival: if all_fail { 0.0 } else { 1.0 },
                    std_err_log: None,
                });
            },
        );
        rows.reverse();
        let (mut survival, mut variance) = (1.0_f64, 0.0_f64);
        for row in &mut rows {
            if row.survival == 0.0 {
                survival = 0.0;
            } else if survival > 0.0 && row.n_events > 0.0 {
                let left = row.n_at_risk - row.n_events;
                survival *= left / row.n_at_risk;
                variance += row.n_events / (row.n_at_risk * left);
            }
            row.survival = survival;
            row.std_err_log = (survival > 0.0).then(|| variance.sqrt());
        }
        Self { n: outcome.len(), rows }
    }

    /// The curve of follow-up: events and censorings exchanged.
    ///
    /// Subjects with an event at t are still at risk for the censorings at t, as in R's `survfit` on
    /// `1 - event`; software that removes them first gives shorter medians when times are shared.
    ///
    /// # Source
    /// Schemper and Smith, Controlled Clinical Trials 17 (1996) 343.
    pub fn fit_reverse(outcome: &Outcome) -> Self {
        Self::fit(&outcome.reversed())
    }

    /// Number of rows of the outcome.
    pub fn n(&self) -> usize {
        self.n
    }

    /// One row a distinct time, ascending; none added.
    pub fn rows(&self) -> &[KaplanMeierRow] {
        &self.rows
    }

    /// The last follow-up time, `None` without rows.
    pub fn last_time(&self) -> Option<f64> {
        self.rows.last().map(|row| row.time)
    }

    /// Survival at `times`, each on the step that holds there.
    pub fn survival_at(&self, times: &[f64], confidence: Confidence) -> Vec<SurvivalAt> {
        times.iter().map(|&time| self.survival_at_one(time, confidence)).collect()
    }

    fn survival_at_one(&self, time: f64, confidence: Confidence) -> SurvivalAt {
        let before_any = KaplanMeierRow {
            time,
            n_at_risk: 0.0,
            n_events: 0.0,
            n_censored: 0.0,
            survival: 1.0,
            std_err_log: Some(0.0),
        };
        let n_before = self.rows.partition_point(|row| row.time <= time);
        let row = n_before.checked_sub(1).map_or(before_any, |i| self.rows[i]);
        let known = self.last_time().is_some_and(|last| time <= last)
            || (row.survival == 0.0 && n_before > 0);
        let limits = if known { row.limits(confidence) } else { None };
        SurvivalAt {
            time,
            survival: known.then_some(row.survival),
            std_err: if known { row.std_err() } else { None },
            lower: limits.map(|(lower, _)| lower),
            upper: limits.map(|(_, upper)| upper),
        }
    }

    /// The median: [`quantile`](Self::quantile) at 0.5.
    pub fn median(&self, confidence: Confidence) -> QuantileEstimate {
        self.quantile_unchecked(0.5, confidence)
    }

    /// The time by which a fraction `p` has had the event, with limits by inverting the pointwise
    /// limits of the curve. Where the curve (or a limit) equals 1 - p over an interval, its midpoint;
    /// at the end of the curve that interval ends with the last follow-up.
    ///
    /// # Errors
    /// `p` outside (0, 1).
    ///
    /// # Source
    /// Brookmeyer and Crowley, Biometrics 38 (1982) 29; midpoint and tolerance as R survival's
    /// `quantile.survfit`.
    pub fn quantile(&self, p: f64, confidence: Confidence) -> Result<QuantileEstimate, Error> {
        if p > 0.0 && p < 1.0 {
            return Ok(self.quantile_unchecked(p, confidence));
        }
        Err(Error::usage("reading a quantile off a survival curve")
            .found(p.to_string())
            .expected("a fraction above 0 and below 1"))
    }

    fn quantile_unchecked(&self, p: f64, confidence: Confidence) -> QuantileEstimate {
        let level = 1.0 - p;
        let z = confidence.level.normal_quantile();
        let limits = |i: usize| self.rows[i].limits_at(confidence.kind, z);
        QuantileEstimate {
            estimate: self.crossing(level, |i| Some(self.rows[i].survival)),
            lower: self.crossing(level, |i| limits(i).map(|(lower, _)| lower)),
            upper: self.crossing(level, |i| limits(i).map(|(_, upper)| upper)),
        }
    }

    /// First time at which the step function `value(row)` is at or below `level`; rows without a
    /// value are passed over.
    fn crossing(&self, level: f64, value: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let below = |i: &usize, bound: f64| value(*i).is_some_and(|v| v <= bound);
        let n = self.rows.len();
        let first = (0..n).find(|i| below(i, level + LEVEL_TOLERANCE))?;
        if below(&first, level - LEVEL_TOLERANCE) {
            return Some(self.rows[first].time);
        }
        let end = (first + 1..n).find(|i| below(i, level - LEVEL_TOLERANCE)).unwrap_or(n - 1);
        Some((self.rows[first].time + self.rows[end].time) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survival::ConfLevel;

    /// Two deaths at 1; a death with a censoring at 2; a lone death at 3; a lone censoring at 4.
    fn four_hard_cases() -> Outcome {
        Outcome::right_censored(
            vec![4.0, 1.0, 2.0, 1.0, 3.0, 2.0],
            vec![false, true, true, true, true, false],
        )
        .expect("valid rows")
    }

    fn close(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 1e-14
    }

    #[test]
    fn tied_deaths_shared_times_and_lone_rows_follow_the_hand_calculation() {
        let curve = KaplanMeier::fit(&four_hard_cases());
        // at risk 6, 4, 2, 1; S = 4/6, 4/6*3/4 = 1/2, 1/2*1/2 = 1/4, 1/4.
        // Greenwood: 2/(6*4) = 1/12; + 1/(4*3) = 1/6; + 1/(2*1) = 2/3; + 0.
        let expected = [
            (1.0, 6.0, 2.0, 0.0, 2.0 / 3.0, 1.0 / 12.0),
            (2.0, 4.0, 1.0, 1.0, 0.5, 1.0 / 6.0),
            (3.0, 2.0, 1.0, 0.0, 0.25, 2.0 / 3.0),
            (4.0, 1.0, 0.0, 1.0, 0.25, 2.0 / 3.0),
        ];
        assert_eq!(curve.rows().len(), expected.len(), "one row a distinct time, none added");
        for (row, (time, n_at_risk, n_events, n_censored, survival, variance)) in
            curve.rows().iter().zip(expected)
        {
            assert_eq!(
                (row.time, row.n_at_risk, row.n_events, row.n_censored),
                (time, n_at_risk, n_events, n_censored),
                "counts at {time}"
            );
            assert!(close(row.survival, survival), "S({time}) = {}", row.survival);
            let se = row.std_err_log.expect("S is above 0");
            assert!(close(se * se, variance), "Greenwood at {time}: {}", se * se);
        }
    }

    #[test]
    fn a_curve_that_sits_on_one_half_has_its_median_in_the_middle() {
        let median = KaplanMeier::fit(&four_hard_cases()).median(Confidence::default());
        assert_eq!(median.estimate, Some(2.5), "S is exactly 0.5 on [2, 3)");
    }

    #[test]
    fn weights_of_two_equal_two_copies() {
        let once = four_hard_cases();
        let weighted = Outcome::new(
            once.time().to_vec(),
            once.event().to_vec(),
            None,
            Some(vec![2.0; 6]),
            super::super::TieRepair::Merge,
        )
        .expect("valid rows");
        let copies = once.select(&[0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(
            KaplanMeier::fit(&weighted).rows(),
            KaplanMeier::fit(&copies).rows(),
            "counts, survival and variance agree"
        );
    }

    #[test]
    fn a_subject_is_at_risk_only_after_its_entry() {
        // Entries 0, 1, 2; exits 2 (event), 3 (event), 4 (event). At 2 the third has not entered.
        let outcome = Outcome::new(
            vec![2.0, 3.0, 4.0],
            vec![true; 3],
            Some(vec![0.0, 1.0, 2.0]),
            None,
            super::super::TieRepair::Merge,
        )
        .expect("valid rows");
        let curve = KaplanMeier::fit(&outcome);
        let at_risk: Vec<f64> = curve.rows().iter().map(|row| row.n_at_risk).collect();
        assert_eq!(at_risk, [2.0, 2.0, 1.0], "entry is exclusive, exit inclusive");
        assert_eq!(curve.rows()[1].survival, 0.25, "1/2 * 1/2");
        assert_eq!(curve.rows()[2].survival, 0.0, "the last one dies");
    }

    #[test]
    fn survival_beyond_the_last_follow_up_is_not_known() {
        let curve = KaplanMeier::fit(&four_hard_cases());
        let at = curve.survival_at(&[0.0, 2.9, 4.0, 4.1], Confidence::default());
        let survival: Vec<_> = at.iter().map(|at| at.survival).collect();
        assert_eq!(survival, [Some(1.0), Some(0.5), Some(0.25), None], "steps, then nothing");
    }

    #[test]
    fn limits_on_each_scale_follow_their_formula() {
        // S = 1/2, se(log S) = sqrt(1/6), z = 1.959964; logit by hand: logit(1/2) = 0, half-width
        // z * se / (1 - S) = 1.6003039, 1 / (1 + exp(1.6003039)) = 0.16793.
        let row = KaplanMeier::fit(&four_hard_cases()).rows()[1];
        let limits =
            |kind| row.limits(Confidence { level: ConfLevel::default(), kind }).expect("0 < S < 1");
        let (lower, upper) = limits(ConfType::Logit);
        assert!((lower - 0.167_93).abs() < 1e-5 && (lower + upper - 1.0).abs() < 1e-12, "{lower}");
        let (lower, upper) = limits(ConfType::Plain);
        assert!((lower - (0.5 - 1.959_964 * 0.5 / 6.0_f64.sqrt())).abs() < 1e-6, "{lower}");
        assert!((lower + upper - 1.0).abs() < 1e-12, "plain limits are symmetric: {upper}");
    }

    #[test]
    fn an_empty_outcome_has_an_empty_curve_and_no_median() {
        let outcome = Outcome::right_censored(vec![], vec![]).expect("no rows are valid");
        let curve = KaplanMeier::fit(&outcome);
        assert!(curve.rows().is_empty(), "no row without a time");
        assert_eq!(curve.median(Confidence::default()), QuantileEstimate::default(), "not reached");
    }
}
