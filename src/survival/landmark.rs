//! Follow-up seen from a landmark: who is still under observation then, and what is known of them.

use super::cohort::Cohort;
use super::outcome::{Outcome, TieRepair};
use crate::Error;

/// A cohort from a landmark on, and what became of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmark {
    /// The rows under observation and event-free at the landmark, their time counted from it.
    pub cohort: Cohort,
    /// The row of the whole cohort each of them is.
    pub rows: Vec<usize>,
    /// Rows with their event at or before the landmark.
    pub n_events_before: usize,
    /// Rows censored at or before the landmark.
    pub n_censored_before: usize,
    /// Rows that come under observation after the landmark.
    pub n_not_entered: usize,
    /// Rows whose group was not known by the landmark.
    pub n_group_unknown: usize,
}

/// `cohort` from the landmark `time` on.
///
/// A row stays if its time lies after the landmark, its entry (if any) at or before it, and its
/// group, where [`Cohort::known_at`] says when that became known, was known by then. What is learnt
/// later may not be read backwards: whoever is grouped by a sample taken at month 3 has lived
/// without event to month 3.
///
/// # Source
/// Anderson, Cain and Gelber, Journal of Clinical Oncology 1 (1983) 710.
///
/// # Errors
/// A landmark that is negative or not finite; one that nobody passes; (entry, time] rows with two
/// rows of one subject, whose covariates belong to different times.
pub fn at_landmark(cohort: &Cohort, time: f64) -> Result<Landmark, Error> {
    let doing = "taking the cohort at the landmark";
    if !(time.is_finite() && time >= 0.0) {
        return Err(Error::usage(doing).found(time.to_string()).expected("a finite time >= 0"));
    }
    let outcome = &cohort.outcome;
    if outcome.entry().is_some() {
        cohort.require_one_row_a_subject(doing)?;
    }
    let mut landmark = Landmark {
        cohort: cohort.clone(),
        rows: Vec::new(),
        n_events_before: 0,
        n_censored_before: 0,
        n_not_entered: 0,
        n_group_unknown: 0,
    };
    for row in 0..cohort.n() {
        let known = |known: &Vec<Option<f64>>| known[row].is_some_and(|known| known <= time);
        if outcome.time()[row] <= time {
            *if outcome.event()[row] {
                &mut landmark.n_events_before
            } else {
                &mut landmark.n_censored_before
            } += 1;
        } else if outcome.entry().is_some_and(|entry| entry[row] > time) {
            landmark.n_not_entered += 1;
        } else if !cohort.known_at.as_ref().is_none_or(known) {
            landmark.n_group_unknown += 1;
        } else {
            landmark.rows.push(row);
        }
    }
    if landmark.rows.is_empty() {
        return Err(Error::input(doing)
            .found(format!(
                "none of {} rows under observation, event-free and of known group at {time}",
                cohort.n()
            ))
            .expected("a landmark inside the follow-up"));
    }
    let later = outcome.select(&landmark.rows);
    let since = later.time().iter().map(|end| end - time).collect();
    let weight = later.weight().map(<[f64]>::to_vec);
    let from_landmark = Outcome::new(since, later.event().to_vec(), None, weight, TieRepair::Merge);
    landmark.cohort = cohort.with_rows(&landmark.rows, from_landmark?);
    // Everybody's group is known at the start of this clock.
    landmark.cohort.known_at = None;
    Ok(landmark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cohort(rows: &[(f64, bool, f64)]) -> Cohort {
        let outcome = Outcome::new(
            rows.iter().map(|row| row.0).collect(),
            rows.iter().map(|row| row.1).collect(),
            Some(rows.iter().map(|row| row.2).collect()),
            None,
            TieRepair::Merge,
        );
        Cohort::of_outcome(outcome.expect("valid rows"))
    }

    #[test]
    fn only_those_still_at_risk_after_the_landmark_stay_and_the_others_are_counted() {
        let rows = [(2.0, true, 0.0), (2.0, false, 0.0), (5.0, true, 2.0), (7.0, false, 3.0)];
        let landmark = at_landmark(&cohort(&rows), 2.0).expect("one row is left");
        assert_eq!(landmark.rows, [2], "an entry at the landmark is in time, one after it late");
        assert_eq!(landmark.cohort.outcome.time(), [3.0], "counted from the landmark");
        let counts = (landmark.n_events_before, landmark.n_censored_before, landmark.n_not_entered);
        assert_eq!(counts, (1, 1, 1), "an event at the landmark is before it");
    }

    #[test]
    fn a_group_learnt_after_the_landmark_is_not_read_backwards() {
        let mut cohort = cohort(&[(5.0, true, 0.0), (6.0, true, 0.0), (7.0, true, 0.0)]);
        cohort.known_at = Some(vec![Some(0.0), Some(3.0), None]);
        let landmark = at_landmark(&cohort, 2.0).expect("one row is left");
        assert_eq!(
            (landmark.rows, landmark.n_group_unknown),
            (vec![0], 2),
            "known by the landmark"
        );
    }

    #[test]
    fn a_landmark_that_nobody_passes_is_refused() {
        let error = at_landmark(&cohort(&[(2.0, true, 0.0)]), 2.0).expect_err("nobody is left");
        assert!(error.is_input(), "{error}");
        assert!(at_landmark(&cohort(&[(2.0, true, 0.0)]), f64::NAN).is_err(), "no time");
    }
}
