//! Profile likelihood limits of data that were hard to climb.

use herscope::survival::{
    CovariateColumn, CoxData, CoxOptions, Outcome, TieRepair, fit_cox, profile_limits,
};

/// Entry, time, event, weight, stratum and two covariates of a row.
type Row = [f64; 7];

fn data(rows: &[Row]) -> CoxData {
    let column = |k: usize| rows.iter().map(|row| row[k]).collect::<Vec<f64>>();
    let event = rows.iter().map(|row| row[2] == 1.0).collect();
    CoxData {
        outcome: Outcome::new(column(1), event, Some(column(0)), Some(column(3)), TieRepair::Keep)
            .expect("valid rows"),
        covariates: [5, 6]
            .map(|k| CovariateColumn { name: format!("x{}", k - 5), values: column(k) })
            .to_vec(),
        strata: Some(rows.iter().map(|row| row[4] as usize).collect()),
        cluster: None,
    }
}

/// Limits by golden sections and bisection of the Efron likelihood, in Python, without derivatives.
fn assert_limits(rows: &[Row], expected: [[f64; 2]; 2]) {
    let data = data(rows);
    let fit = fit_cox(&data, &CoxOptions::default()).expect("valid rows");
    for (term, expected) in expected.into_iter().enumerate() {
        let found = profile_limits(&data, &fit, term, 0.95).expect("both searches end");
        for (found, expected) in [found.lower, found.upper].into_iter().zip(expected) {
            let found = found.unwrap_or_else(|| panic!("x{term}: no limit near {expected}"));
            assert!((found - expected).abs() < 1e-6, "x{term}: {found} beside {expected}");
        }
    }
}

#[test]
fn late_entries_leave_digits_enough_to_end_the_climb() {
    // At the lower limit of x0 a risk set holds a millionth of the one before it.
    let rows: [Row; 17] = [
        [0.0, 1.0, 0.0, 1.0, 0.0, 1.5, 1.0],
        [4.0, 13.0, 1.0, 2.0, 1.0, -2.0, 0.0],
        [4.0, 5.0, 0.0, 1.0, 0.0, -1.75, 0.0],
        [0.0, 6.0, 0.0, 2.0, 0.0, -1.5, 0.0],
        [0.0, 5.0, 0.0, 2.0, 0.0, 1.5, 1.0],
        [2.0, 5.0, 0.0, 3.0, 1.0, -1.5, 0.0],
        [0.0, 7.0, 0.0, 1.0, 1.0, -1.75, 1.0],
        [2.0, 12.0, 1.0, 3.0, 0.0, 1.5, 0.0],
        [3.0, 12.0, 1.0, 1.0, 0.0, 1.75, 0.0],
        [4.0, 7.0, 1.0, 2.0, 1.0, 0.75, 0.0],
        [1.0, 4.0, 0.0, 1.0, 0.0, 1.25, 1.0],
        [4.0, 12.0, 0.0, 1.0, 0.0, 1.0, 1.0],
        [0.0, 2.0, 1.0, 3.0, 1.0, -2.0, 1.0],
        [4.0, 7.0, 1.0, 3.0, 1.0, 1.0, 1.0],
        [1.0, 3.0, 1.0, 1.0, 0.0, 1.5, 0.0],
        [0.0, 3.0, 0.0, 2.0, 0.0, -0.75, 0.0],
        [0.0, 1.0, 0.0, 1.0, 0.0, 0.75, 0.0],
    ];
    assert_limits(
        &rows,
        [[0.361_888_672_058, 6.008_580_852_677], [-2.574_708_005_391, 0.704_634_086_603]],
    );
}

#[test]
fn a_step_past_the_maximum_into_a_straight_fall_is_taken_back() {
    let rows: [Row; 12] = [
        [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 2.0, 1.0, 1.0, 0.0, -1.0, 0.0],
        [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [5.0, 9.0, 1.0, 1.0, 0.0, 1.5, 0.0],
        [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [2.0, 10.0, 0.0, 1.0, 0.0, 0.75, 0.0],
        [1.0, 12.0, 0.0, 2.0, 1.0, 1.5, 0.0],
        [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [4.0, 9.0, 1.0, 3.0, 0.0, 0.0, 1.0],
        [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 2.0, 1.0, 1.0, 1.0, 1.25, 0.0],
    ];
    assert_limits(
        &rows,
        [[-3.492_396_682_236, 11.788_851_845_363], [-2.640_755_259_343, 17.795_983_593_475]],
    );
}
