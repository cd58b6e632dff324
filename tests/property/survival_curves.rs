//! Kaplan-Meier, log-rank and restricted means under changes of the data that must not matter.

use herscope::survival::{
    Confidence, KaplanMeier, Outcome, TieRepair, fit_logrank, fit_rmst, join_intervals,
};
use proptest::prelude::*;

/// Rows of time (on a grid coarse enough to tie), event and group.
fn rows() -> impl Strategy<Value = Vec<(u32, bool, usize)>> {
    prop::collection::vec((0_u32..40, any::<bool>(), 0_usize..3), 1..60)
}

fn outcome(rows: &[(u32, bool, usize)], unit: f64) -> Outcome {
    Outcome::right_censored(
        rows.iter().map(|row| f64::from(row.0) * unit).collect(),
        rows.iter().map(|row| row.1).collect(),
    )
    .expect("times on a grid are valid")
}

fn groups(rows: &[(u32, bool, usize)]) -> Vec<usize> {
    rows.iter().map(|row| row.2).collect()
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * (1.0 + a.abs()),
        (a, b) => a == b,
    }
}

proptest! {
    #[test]
    fn survival_stays_in_the_unit_interval_and_never_rises(rows in rows()) {
        let curve = KaplanMeier::fit(&outcome(&rows, 1.0));
        let mut last = 1.0;
        for row in curve.rows() {
            prop_assert!((0.0..=last).contains(&row.survival), "{row:?} after {last}");
            if let Some((lower, upper)) = row.limits(Confidence::default()) {
                prop_assert!(
                    0.0 <= lower && lower <= row.survival && row.survival <= upper && upper <= 1.0,
                    "{lower} {row:?} {upper}"
                );
            }
            last = row.survival;
        }
    }

    #[test]
    fn every_row_leaves_the_curve_once(rows in rows()) {
        let curve = KaplanMeier::fit(&outcome(&rows, 1.0));
        let left: f64 = curve.rows().iter().map(|row| row.n_events + row.n_censored).sum();
        prop_assert_eq!(left, rows.len() as f64, "events and censorings are all rows");
    }

    #[test]
    fn the_order_of_rows_does_not_matter(rows in rows(), seed in any::<u64>()) {
        let mut mixed = rows.clone();
        mixed.sort_by_key(|row| ((u64::from(row.0) + 7) * (row.2 as u64 + 3)) ^ seed);
        let (a, b) = (outcome(&rows, 1.0), outcome(&mixed, 1.0));
        prop_assert_eq!(KaplanMeier::fit(&a), KaplanMeier::fit(&b), "curves");
        let test = |outcome, rows: &[_]| fit_logrank(outcome, &groups(rows), None, 1.0);
        let (a, b) = (test(&a, &rows).expect("valid"), test(&b, &mixed).expect("valid"));
        prop_assert!(a.df == b.df && close(a.chisq, b.chisq), "{a:?} {b:?}");
    }

    #[test]
    fn another_unit_of_time_scales_times_and_nothing_else(rows in rows(), unit in 0.01_f64..100.0) {
        let (a, b) = (outcome(&rows, 1.0), outcome(&rows, unit));
        let (curve, scaled) = (KaplanMeier::fit(&a), KaplanMeier::fit(&b));
        for (row, scaled) in curve.rows().iter().zip(scaled.rows()) {
            prop_assert_eq!(row.survival, scaled.survival, "survival at {}", row.time);
        }
        let (median, scaled) =
            (curve.median(Confidence::default()), scaled.median(Confidence::default()));
        prop_assert!(close(median.estimate.map(|t| t * unit), scaled.estimate), "median");
        prop_assert!(close(median.lower.map(|t| t * unit), scaled.lower), "lower limit");
        let mean = fit_rmst(&a, 20.0).expect("a valid horizon").estimate * unit;
        let scaled = fit_rmst(&b, 20.0 * unit).expect("a valid horizon").estimate;
        prop_assert!(close(Some(mean), Some(scaled)), "{mean} {scaled}");
    }

    #[test]
    fn observed_and_expected_events_balance_and_p_is_a_probability(rows in rows()) {
        let test = fit_logrank(&outcome(&rows, 1.0), &groups(&rows), None, 0.0).expect("valid");
        let (observed, expected): (f64, f64) =
            (test.observed.iter().sum(), test.expected.iter().sum());
        prop_assert!((observed - expected).abs() < 1e-9, "{observed} {expected}");
        prop_assert!(test.p.is_none_or(|p| (0.0..=1.0).contains(&p)), "{test:?}");
        prop_assert!(test.df < 3, "{test:?}");
    }

    #[test]
    fn cutting_follow_up_and_joining_it_again_changes_nothing(rows in rows(), cut in 1_u32..40) {
        let (mut time, mut event, mut entry, mut subject) = (vec![], vec![], vec![], vec![]);
        let mut push = |from: u32, to: u32, ends: bool, who: usize| {
            entry.push(f64::from(from));
            time.push(f64::from(to) + 0.5);
            event.push(ends);
            subject.push(who);
        };
        for (who, row) in rows.iter().enumerate() {
            push(0, row.0, row.1, who);
        }
        let whole = Outcome::new(time.clone(), event.clone(), Some(entry.clone()), None, TieRepair::Merge)
            .expect("valid rows");
        let (mut time2, mut event2, mut entry2, mut subject2) = (vec![], vec![], vec![], vec![]);
        for i in 0..time.len() {
            let at = f64::from(cut);
            let pieces = if time[i] > at { vec![(0.0, at, false), (at, time[i], event[i])] }
                else { vec![(0.0, time[i], event[i])] };
            for (from, to, ends) in pieces {
                entry2.push(from);
                time2.push(to);
                event2.push(ends);
                subject2.push(subject[i]);
            }
        }
        let cut = Outcome::new(time2, event2, Some(entry2), None, TieRepair::Merge).expect("valid");
        let joined = join_intervals(&cut, &subject2).outcome;
        prop_assert_eq!(joined, whole, "the stretches are the rows");
    }
}
