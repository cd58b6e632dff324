//! Kaplan-Meier, log-rank and restricted means under changes of the data that must not matter.

use herscope::survival::{
    ConfType, Confidence, KaplanMeier, Outcome, TieRepair, fit_logrank, fit_rmst, join_intervals,
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

/// The rows of `rows`, cut at `at` into stretches where they are longer.
fn cut_rows(rows: &[(u32, bool, usize)], at: f64) -> (Outcome, Vec<usize>) {
    let (mut time, mut event, mut entry, mut group) = (vec![], vec![], vec![], vec![]);
    for row in rows {
        // Half a unit later than the grid, so that every row lasts.
        let end = f64::from(row.0) + 0.5;
        let pieces = if end > at {
            vec![(0.0, at, false), (at, end, row.1)]
        } else {
            vec![(0.0, end, row.1)]
        };
        for (from, to, ends) in pieces {
            entry.push(from);
            time.push(to);
            event.push(ends);
            group.push(row.2);
        }
    }
    let outcome = Outcome::new(time, event, Some(entry), None, TieRepair::Merge);
    (outcome.expect("stretches are valid"), group)
}

proptest! {
    #![proptest_config(crate::cases(250))]

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

    #[test]
    fn stretches_of_a_row_are_the_row_in_curves_and_tests(rows in rows(), cut in 1_u32..40) {
        let (whole, groups) = cut_rows(&rows, f64::MAX);
        let (parts, part_groups) = cut_rows(&rows, f64::from(cut));
        let events = |outcome: &Outcome| -> Vec<_> {
            let curve = KaplanMeier::fit(outcome);
            let with_event = curve.rows().iter().filter(|row| row.n_events > 0.0);
            with_event.map(|row| (row.time, row.n_at_risk, row.survival, row.std_err_log)).collect()
        };
        prop_assert_eq!(events(&whole), events(&parts), "curves at the event times");
        for rho in [0.0, 1.0] {
            let a = fit_logrank(&whole, &groups, None, rho).expect("valid");
            let b = fit_logrank(&parts, &part_groups, None, rho).expect("valid");
            prop_assert!(a.df == b.df && close(a.chisq, b.chisq), "{a:?} {b:?}");
        }
    }

    #[test]
    fn two_copies_of_half_weight_are_one_row(rows in rows()) {
        let whole = outcome(&rows, 1.0);
        let twice: Vec<_> = rows.iter().flat_map(|row| [*row, *row]).collect();
        let copies = outcome(&twice, 1.0);
        let halves = Outcome::new(
            copies.time().to_vec(),
            copies.event().to_vec(),
            None,
            Some(vec![0.5; copies.len()]),
            TieRepair::Keep,
        )
        .expect("valid rows");
        let curves = [KaplanMeier::fit(&whole), KaplanMeier::fit(&halves)];
        prop_assert_eq!(curves[0].rows(), curves[1].rows(), "curves");
        let a = fit_logrank(&whole, &groups(&rows), None, 0.5).expect("valid");
        let b = fit_logrank(&halves, &groups(&twice), None, 0.5).expect("valid");
        prop_assert!(a.df == b.df && close(a.chisq, b.chisq), "{a:?} {b:?}");
    }

    #[test]
    fn the_names_of_groups_and_a_single_stratum_do_not_matter(rows in rows(), stratum in 0_usize..4) {
        let outcome = outcome(&rows, 1.0);
        let codes = groups(&rows);
        let renamed: Vec<usize> = codes.iter().map(|code| (code + 1) % 3).collect();
        let one = vec![stratum; rows.len()];
        let a = fit_logrank(&outcome, &codes, None, 0.0).expect("valid");
        let b = fit_logrank(&outcome, &renamed, None, 0.0).expect("valid");
        let c = fit_logrank(&outcome, &codes, Some(&one), 0.0).expect("valid");
        prop_assert!(a.df == b.df && close(a.chisq, b.chisq), "{a:?} {b:?}");
        prop_assert_eq!(a, c, "one stratum is none");
    }

    #[test]
    fn follow_up_is_the_curve_of_censorings(rows in rows()) {
        let relabelled: Vec<_> = rows.iter().map(|row| (row.0, !row.1, row.2)).collect();
        let (a, b) = (outcome(&rows, 1.0), outcome(&relabelled, 1.0));
        prop_assert_eq!(KaplanMeier::fit_reverse(&a), KaplanMeier::fit(&b), "curves");
        prop_assert_eq!(a.reversed().reversed(), a, "twice is once");
    }

    #[test]
    fn a_median_lies_between_its_limits(rows in rows()) {
        let curve = KaplanMeier::fit(&outcome(&rows, 1.0));
        for kind in [ConfType::Log, ConfType::LogLog, ConfType::Plain, ConfType::Logit] {
            let confidence = Confidence { kind, ..Confidence::default() };
            for p in [0.25, 0.5, 0.75] {
                let quantile = curve.quantile(p, confidence).expect("a fraction");
                let estimate = quantile.estimate.unwrap_or(f64::MAX);
                let ordered = quantile.lower.is_none_or(|lower| lower <= estimate)
                    && quantile.upper.is_none_or(|upper| estimate <= upper);
                prop_assert!(ordered, "{kind} {p}: {quantile:?}");
            }
        }
    }

    #[test]
    fn a_restricted_mean_grows_with_its_horizon_and_stays_below_it(rows in rows()) {
        let outcome = outcome(&rows, 1.0);
        let mut last = 0.0;
        for tau in [1.0, 7.5, 20.0, 39.0, 50.0] {
            let mean = fit_rmst(&outcome, tau).expect("a valid horizon");
            prop_assert!((last..=tau).contains(&mean.estimate), "{mean:?} after {last}");
            prop_assert!(mean.std_err >= 0.0, "{mean:?}");
            last = mean.estimate;
        }
    }
}
