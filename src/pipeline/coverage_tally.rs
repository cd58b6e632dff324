//! Counts of what intervals did in simulated trials.

use std::collections::BTreeMap;

use super::bootstrap::IntervalLimits;
use super::coverage_document::{MethodBlock, ScenarioBlock};
use super::trial_cohort::{median_width, share_error, width};
use crate::survival::TrialDesign;

/// What became of one simulated trial.
pub(super) struct TrialResult {
    pub(super) n_events: usize,
    pub(super) is_monotone: bool,
    /// Whether the data say anything of the hazard ratio: an event while both arms are at risk.
    pub(super) is_identified: bool,
    /// Limits by method, log hazard ratio.
    pub(super) limits: Vec<IntervalLimits>,
}

/// Trials of one design, added up.
pub(super) struct Tally {
    /// The true log hazard ratio.
    truth: f64,
    n: u64,
    n_events: u64,
    n_monotone: u64,
    n_not_identified: u64,
    methods: Vec<MethodTally>,
}

#[derive(Default)]
struct MethodTally {
    method: &'static str,
    n_covered: u64,
    n_truth_below: u64,
    n_truth_above: u64,
    n_infinite: u64,
    unavailable: BTreeMap<&'static str, u64>,
    widths: Vec<f64>,
}

impl Tally {
    pub(super) fn new(truth: f64, methods: impl Iterator<Item = &'static str>) -> Self {
        let empty = |method| MethodTally { method, ..MethodTally::default() };
        let methods = methods.map(empty).collect();
        Self { truth, n: 0, n_events: 0, n_monotone: 0, n_not_identified: 0, methods }
    }

    pub(super) fn push(&mut self, trial: &TrialResult) {
        self.n += 1;
        self.n_events += trial.n_events as u64;
        self.n_monotone += u64::from(trial.is_monotone);
        self.n_not_identified += u64::from(!trial.is_identified);
        for (method, limits) in self.methods.iter_mut().zip(&trial.limits) {
            method.push(self.truth, limits);
        }
    }

    /// What was counted of the trials of `design`, whose ratio comes from `source`.
    pub(super) fn finish(
        self,
        design: &TrialDesign,
        source: &'static str,
        expected_events: f64,
    ) -> ScenarioBlock {
        let n = self.n;
        ScenarioBlock {
            true_hazard_ratio: design.hazard_ratio,
            source,
            baseline_scale: design.baseline_scale,
            expected_events,
            mean_events: self.n_events as f64 / n as f64,
            n_monotone: self.n_monotone,
            n_not_identified: self.n_not_identified,
            methods: self.methods.into_iter().map(|method| method.finish(n)).collect(),
        }
    }
}

impl MethodTally {
    fn push(&mut self, truth: f64, limits: &IntervalLimits) {
        let [lower, upper] = match limits {
            Ok(limits) => *limits,
            Err(reason) => {
                *self.unavailable.entry(reason).or_default() += 1;
                return;
            }
        };
        let width = width([lower, upper]);
        self.n_infinite += u64::from(width.is_infinite());
        self.widths.push(width);
        if truth < lower {
            self.n_truth_below += 1;
        } else if truth > upper {
            self.n_truth_above += 1;
        } else {
            self.n_covered += 1;
        }
    }

    fn finish(self, n: u64) -> MethodBlock {
        let n_available = self.widths.len() as u64;
        let of_all = |count: u64| count as f64 / n as f64;
        let coverage = of_all(self.n_covered);
        let available = (n_available > 0).then(|| self.n_covered as f64 / n_available as f64);
        let (median_width_log, median_width_reason) = median_width(self.widths);
        MethodBlock {
            method: self.method,
            n_available,
            coverage,
            mcse: share_error(coverage, n),
            coverage_available: available,
            mcse_available: available.map(|share| share_error(share, n_available)),
            truth_below: of_all(self.n_truth_below),
            truth_above: of_all(self.n_truth_above),
            median_width_log,
            median_width_reason,
            share_infinite: of_all(self.n_infinite),
            share_unavailable: of_all(n - n_available),
            unavailable: self.unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESIGN: TrialDesign = TrialDesign {
        arm_sizes: [3, 3],
        hazard_ratio: 1.0,
        baseline_scale: 1.0,
        follow_up_factor: 1.0,
    };

    #[test]
    fn an_infinite_limit_covers_on_its_side_and_a_missing_interval_covers_nothing() {
        let mut tally = Tally::new(0.5, ["one"].into_iter());
        let infinity = f64::INFINITY;
        let limits = [
            Ok([0.0, 1.0]),
            Ok([0.0, infinity]),
            Ok([0.6, infinity]),
            Ok([-infinity, 0.4]),
            Ok([0.7, 0.9]),
            Ok([-infinity, infinity]),
            Err("monotone_likelihood"),
            Err("monotone_likelihood"),
        ];
        for limits in limits {
            let (n_events, is_monotone, is_identified) = (5, limits.is_err(), true);
            tally.push(&TrialResult { n_events, is_monotone, is_identified, limits: vec![limits] });
        }
        let block = tally.finish(&DESIGN, "given", 5.0);
        assert_eq!((block.n_monotone, block.mean_events), (2, 5.0), "trials");
        let method = &block.methods[0];
        assert_eq!(method.coverage, 3.0 / 8.0, "finite, half-infinite, infinite");
        assert_eq!(method.coverage_available, Some(0.5), "of six");
        assert_eq!((method.truth_below, method.truth_above), (2.0 / 8.0, 1.0 / 8.0), "sides");
        assert_eq!((method.share_infinite, method.share_unavailable), (0.5, 0.25), "shares");
        assert_eq!(method.median_width_log, None, "four of six are infinite");
        assert_eq!(method.median_width_reason, Some("infinite"), "and it says so");
        assert_eq!(method.unavailable["monotone_likelihood"], 2, "why");
    }

    #[test]
    fn nothing_available_is_null_with_a_reason() {
        let mut tally = Tally::new(0.0, ["one"].into_iter());
        let limits = vec![Err("no_calibration")];
        tally.push(&TrialResult { n_events: 1, is_monotone: false, is_identified: true, limits });
        let method = &tally.finish(&DESIGN, "given", 5.0).methods[0];
        assert_eq!((method.coverage, method.coverage_available), (0.0, None), "none");
        assert_eq!(method.median_width_reason, Some("not_available"), "no width");
    }
}
