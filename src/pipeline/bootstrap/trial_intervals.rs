//! The intervals of one small cohort among thousands: in memory, without files or documents.

use super::DOING;
use super::binary_source::BinarySource;
use super::calibration::calibrate;
use super::intervals::{Basis, IntervalKind, IntervalLimits, acceleration, interval_limits};
use super::replicate::{Reason, ReplicateValue};
use super::settings::BootstrapSettings;
use super::source::ReplicateSource;
use super::summary::Summary;
use crate::Error;
use crate::compute::Backend;
use crate::survival::Cohort;

/// Limits of `settings.intervals` of the hazard ratio of one 0/1 column, in order: those that a
/// `bootstrap` run with these settings prints, on the log scale.
///
/// # Errors
/// A cohort or settings that the kernel of 0/1 columns does not resample; a device that failed.
pub(crate) fn trial_intervals(
    cohort: &Cohort,
    settings: &BootstrapSettings,
    backend: &dyn Backend,
) -> Result<Vec<IntervalLimits>, Error> {
    let source = BinarySource::new(cohort, settings, backend)?;
    let kinds = &settings.intervals;
    let calibrated = if kinds.contains(&IntervalKind::Calibrated) {
        calibrate(&source, settings.calibration, settings.conf_level, &|_, _| true)?
    } else {
        None
    };
    let jackknife = kinds.contains(&IntervalKind::Bca).then(|| source.jackknife()).flatten();
    let basis = Basis {
        estimate: source.facts().estimate,
        std_err: source.facts().std_err,
        acceleration: jackknife
            .and_then(|(values, strata)| acceleration(&values, strata.as_deref())),
        calibrated: calibrated.map(|block| [block.lower_level, block.upper_level]),
        conf_level: settings.conf_level,
        is_log: true,
    };
    let with_pivots = kinds.contains(&IntervalKind::Studentized);
    let mut summary = Summary::new(basis.estimate, with_pivots).keeping_all();
    let lost = ReplicateValue::Lost(Reason::NotConverged);
    let n = usize::try_from(settings.replicates).unwrap_or(usize::MAX);
    let mut replicates = vec![lost; n];
    source.fill(0, &mut replicates)?;
    summary.push(&replicates, &|_| Vec::new());
    summary.values.sort_kept();
    if let Some(pivots) = &mut summary.pivots {
        pivots.sort_kept();
    }
    interval_limits(kinds, &summary, &basis)
        .map_err(|_| Error::numeric(DOING).found("a lost order statistic"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::CpuEngine;
    use crate::pipeline::bootstrap::run_bootstrap;
    use crate::survival::Outcome;

    #[test]
    fn the_limits_are_those_of_a_bootstrap_run() {
        let time: Vec<f64> = (1..=30).map(f64::from).collect();
        let event: Vec<bool> = (0..30).map(|i| i % 3 != 1).collect();
        let outcome = Outcome::right_censored(time, event).expect("valid rows");
        let mut cohort = Cohort::of_outcome(outcome);
        cohort.push_number("arm", (0..30).map(|i| Some(f64::from(u8::from(i % 5 < 2)))).collect());
        let settings = BootstrapSettings {
            replicates: 999,
            intervals: IntervalKind::ALL.to_vec(),
            calibration: crate::pipeline::bootstrap::Calibration { outer: 50, inner: 50 },
            ..BootstrapSettings::default()
        };
        let engine = CpuEngine::new();
        let limits = trial_intervals(&cohort, &settings, &engine).expect("intervals");
        let document =
            run_bootstrap(&cohort, &settings, &engine, &|_, _| true).expect("a document");
        assert_eq!(limits.len(), document.intervals.len(), "one of each kind");
        for (limits, block) in limits.iter().zip(&document.intervals) {
            let [lower, upper] = limits.expect("every kind exists here");
            assert_eq!(Some(lower), block.log_lower, "lower limit of {}", block.kind);
            assert_eq!(Some(upper), block.log_upper, "upper limit of {}", block.kind);
        }
    }
}
