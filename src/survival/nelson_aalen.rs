//! The Nelson-Aalen estimate of the cumulative hazard.

use super::Outcome;
use super::risk_table::visit_risk_times;

/// One distinct follow-up time of a Nelson-Aalen estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NelsonAalenRow {
    /// The time.
    pub time: f64,
    /// Cumulative hazard just after `time`.
    pub cumulative_hazard: f64,
    /// Its standard error, the root of the sum of d / n^2.
    pub std_err: f64,
}

/// The cumulative hazard, sum of d / n over the event times so far; one row a distinct time.
///
/// # Source
/// Aalen, Annals of Statistics 6 (1978) 701, with the variance sum of d / n^2 that R survival's
/// `survfit` reports.
///
/// ```
/// use herscope::survival::{Outcome, nelson_aalen};
/// let outcome = Outcome::right_censored(vec![1.0, 2.0], vec![true, true])?;
/// assert_eq!(nelson_aalen(&outcome)[1].cumulative_hazard, 1.0 / 2.0 + 1.0);
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn nelson_aalen(outcome: &Outcome) -> Vec<NelsonAalenRow> {
    let mut counts_at = Vec::new();
    visit_risk_times(
        outcome,
        outcome.rows_by_time(),
        1,
        |_| 0,
        |time, groups| {
            counts_at.push((time, groups[0]));
        },
    );
    let (mut cumulative_hazard, mut variance) = (0.0, 0.0_f64);
    counts_at
        .into_iter()
        .rev()
        .map(|(time, counts)| {
            cumulative_hazard += counts.events / counts.at_risk;
            variance += counts.events / (counts.at_risk * counts.at_risk);
            NelsonAalenRow { time, cumulative_hazard, std_err: variance.sqrt() }
        })
        .collect()
}
