//! Tests of association beside R 4.2.2: `tests/data/survival/table1.expected.json`.
//!
//! Held to 1e-8 for p-values and statistics, 1e-4 for the conditional odds ratio and its limits,
//! which R finds by root searches of that width (for limits above one, in the reciprocal).

use herscope::association::{
    Contingency, Variances, binomial_test, clopper_pearson, fisher_2x2, fisher_exact,
    hodges_lehmann, kendall, kendall_exact, kendall_normal, kruskal_wallis, pearson,
    pearson_chi_squared, rank_sum, rank_sum_exact, rank_sum_test, spearman, spearman_t, t_test,
    wilson,
};
use serde_json::Value;

/// Counts comparisons, so that a skipped block is noticed.
struct Comparison {
    compared: usize,
}

impl Comparison {
    fn close(&mut self, what: &str, found: Option<f64>, expected: &Value, tolerance: f64) {
        self.compared += 1;
        match expected {
            Value::String(text) => {
                assert_eq!(text, "Inf", "{what}: the only text is R's infinity");
                assert_eq!(found, None, "{what}: R has infinity");
            }
            _ => {
                let expected = expected.as_f64().unwrap_or_else(|| panic!("{what}: {expected}"));
                let found = found.unwrap_or_else(|| panic!("{what}: nothing found"));
                let bound = tolerance * expected.abs().max(1.0);
                assert!((found - expected).abs() <= bound, "{what}: {found} beside {expected}");
            }
        }
    }
}

impl Comparison {
    /// Compares 1 / found with 1 / expected.
    fn reciprocal(&mut self, what: &str, found: Option<f64>, expected: &Value, tolerance: f64) {
        let inverse = expected.as_f64().map_or_else(|| expected.clone(), |v| (1.0 / v).into());
        self.close(what, found.map(|v| 1.0 / v), &inverse, tolerance);
    }
}

fn table_one() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/survival/table1.expected.json");
    let text = std::fs::read_to_string(path).expect("the reference file is in the repository");
    serde_json::from_str(&text).expect("the reference file is JSON")
}

fn cases<'a>(expected: &'a Value, block: &str) -> impl Iterator<Item = &'a Value> {
    expected[block].as_array().expect("an array of cases").iter()
}

fn numbers(value: &Value) -> Vec<f64> {
    let array = value.as_array().expect("an array of numbers");
    array.iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn counts(value: &Value) -> Vec<Vec<u64>> {
    let row = |row: &Value| numbers(row).iter().map(|v| *v as u64).collect();
    value.as_array().expect("an array of rows").iter().map(row).collect()
}

fn contingency(rows: &[Vec<u64>]) -> Contingency {
    let rows: Vec<&[u64]> = rows.iter().map(Vec::as_slice).collect();
    Contingency::new(&rows).expect("a reference table has counts")
}

#[test]
fn fishers_test_of_2x2_tables_equals_r() {
    let expected = table_one();
    let mut comparison = Comparison { compared: 0 };
    for case in cases(&expected, "fisher_2x2") {
        let rows = counts(&case["table"]);
        let what = format!("{rows:?}");
        let found = fisher_2x2([[rows[0][0], rows[0][1]], [rows[1][0], rows[1][1]]], 0.95);
        let fisher = &case["fisher"];
        let mut close = |key: &str, value, tolerance| {
            comparison.close(&format!("{what} {key}"), value, &fisher[key], tolerance);
        };
        close("p_two_sided", Some(found.two_sided), 1e-8);
        close("p_less", Some(found.less), 1e-8);
        close("p_greater", Some(found.greater), 1e-8);
        close("odds_ratio_conditional_mle", found.odds_ratio, 1e-4);
        close("ci_lower", Some(found.lower), 1e-4);
        // Above one R's root search is in the reciprocal, with an absolute tolerance of 1.2e-4, so
        // large limits are rough (621.93 for 626.24); the next test holds ours to their equation.
        comparison.reciprocal(
            &format!("{what} ci_upper"),
            found.upper,
            &fisher["ci_upper"],
            1.3e-4,
        );
        let table = contingency(&rows);
        let same = fisher_exact(&table, 1);
        comparison.close(&what, Some(same.p), &fisher["p_two_sided"], 1e-8);
        for (key, yates) in [("chisq_no_correction", false), ("chisq_yates", true)] {
            let (statistic, df, p) = pearson_chi_squared(&table, yates).expect("a 2x2 table");
            comparison.close(&what, Some(statistic), &case[key]["statistic"], 1e-8);
            comparison.close(&what, Some(df as f64), &case[key]["df"], 0.0);
            comparison.close(&what, Some(p), &case[key]["p"], 1e-8);
        }
        let columns = rows[0].len();
        for (i, e) in table.expected().iter().enumerate() {
            let reference = &case["expected"][i / columns][i % columns];
            comparison.close(&what, Some(*e), reference, 1e-8);
        }
    }
    assert_eq!(comparison.compared, 8 * 17, "every value of every table");
}

/// Chance of a first cell of `keep` given the margins of `[[a, b], [c, d]]` at an odds ratio, from
/// binomial coefficients multiplied out.
fn cell_chance(table: &[Vec<u64>], odds_ratio: f64, keep: impl Fn(u64) -> bool) -> f64 {
    let choose = |n: u64, k: u64| -> f64 {
        if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (k - i) as f64).product() }
    };
    let (a, b, c, d) = (table[0][0], table[0][1], table[1][0], table[1][1]);
    let cells = (a + c).saturating_sub(c + d)..=(a + b).min(a + c);
    let weight = |cell: u64| {
        choose(a + b, cell) * choose(c + d, a + c - cell) * odds_ratio.powf(cell as f64)
    };
    let total: f64 = cells.clone().map(weight).sum();
    cells.filter(|cell| keep(*cell)).map(weight).sum::<f64>() / total
}

#[test]
fn the_limits_of_an_odds_ratio_leave_their_tails() {
    for case in cases(&table_one(), "fisher_2x2") {
        let rows = counts(&case["table"]);
        let seen = rows[0][0];
        let found = fisher_2x2([[rows[0][0], rows[0][1]], [rows[1][0], rows[1][1]]], 0.95);
        if let Some(upper) = found.upper {
            let tail = cell_chance(&rows, upper, |cell| cell <= seen);
            assert!((tail - 0.025).abs() < 1e-11, "{rows:?} at {upper}: {tail}");
        }
        if found.lower > 0.0 {
            let tail = cell_chance(&rows, found.lower, |cell| cell >= seen);
            assert!((tail - 0.025).abs() < 1e-11, "{rows:?} at {}: {tail}", found.lower);
        }
    }
}

#[test]
fn tests_of_larger_tables_equal_r() {
    let expected = table_one();
    let mut comparison = Comparison { compared: 0 };
    for case in cases(&expected, "fisher_rxc") {
        let rows = counts(&case["table"]);
        let (what, table) = (format!("{rows:?}"), contingency(&rows));
        let found = fisher_exact(&table, 1);
        assert_eq!(found.monte_carlo, None, "{what} is small enough for the exact method");
        comparison.close(&what, Some(found.p), &case["fisher_p"], 1e-8);
        let (statistic, df, p) = pearson_chi_squared(&table, true).expect("rows and columns");
        comparison.close(&what, Some(statistic), &case["chisq"]["statistic"], 1e-8);
        comparison.close(&what, Some(df as f64), &case["chisq"]["df"], 0.0);
        comparison.close(&what, Some(p), &case["chisq"]["p"], 1e-8);
    }
    assert_eq!(comparison.compared, 5 * 4, "every value of every table");
}

#[test]
fn rank_sum_tests_equal_r() {
    let expected = table_one();
    let mut comparison = Comparison { compared: 0 };
    for (i, case) in cases(&expected, "wilcoxon").enumerate() {
        let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
        let what = |key: &str| format!("case {i} {key}");
        for (key, test) in
            [("r_default", rank_sum(&x, &y)), ("normal_corrected", rank_sum_test(&x, &y))]
        {
            let test = test.expect("two samples");
            comparison.close(&what(key), Some(test.w), &case[key]["W"], 1e-8);
            comparison.close(&what(key), test.p, &case[key]["p"], 1e-8);
        }
        let exact = rank_sum_exact(&x, &y).expect("small samples");
        let sides = [
            ("exact", exact.two_sided),
            ("exact_less", exact.less),
            ("exact_greater", exact.greater),
        ];
        for (key, p) in sides.into_iter().filter(|(key, _)| case.get(*key).is_some()) {
            comparison.close(&what(key), Some(p), &case[key]["p"], 1e-8);
        }
        if let Some(permutation) = case.get("exact_permutation_midranks") {
            let reference = &permutation["p_two_sided"];
            comparison.close(&what("mid-ranks"), Some(exact.two_sided), reference, 1e-8);
        }
        if let Some(reference) = case.get("hodges_lehmann")
            && x.len() < 50
        {
            let found = hodges_lehmann(&x, &y, 0.95).expect("two samples");
            let shift = &reference["shift_x_minus_y"];
            comparison.close(&what("shift"), Some(found.shift), shift, 1e-8);
            comparison.close(&what("lower"), Some(found.lower), &reference["lower"], 1e-8);
            comparison.close(&what("upper"), Some(found.upper), &reference["upper"], 1e-8);
        }
    }
    assert!(comparison.compared >= 50, "only {} values compared", comparison.compared);
}

#[test]
fn kruskal_wallis_equals_r() {
    let expected = table_one();
    let mut comparison = Comparison { compared: 0 };
    for case in cases(&expected, "kruskal") {
        let groups: Vec<Vec<f64>> =
            case["groups"].as_array().expect("groups").iter().map(numbers).collect();
        let groups: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
        let found = kruskal_wallis(&groups).expect("several samples");
        comparison.close("H", Some(found.statistic), &case["statistic"], 1e-8);
        comparison.close("df", Some(found.df as f64), &case["df"], 0.0);
        comparison.close("p", Some(found.p), &case["p"], 1e-8);
    }
    assert_eq!(comparison.compared, 6, "both cases");
}

#[test]
fn correlations_equal_r() {
    let expected = table_one();
    let mut comparison = Comparison { compared: 0 };
    for (i, case) in cases(&expected, "correlation").enumerate() {
        let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
        let found = [
            ("pearson", pearson(&x, &y)),
            ("spearman_t_approx", spearman_t(&x, &y, false)),
            ("spearman_t_approx_continuity", spearman_t(&x, &y, true)),
            ("kendall_normal", kendall_normal(&x, &y, false)),
            ("kendall_normal_continuity", kendall_normal(&x, &y, true)),
            ("spearman_exact_or_edgeworth", spearman(&x, &y)),
            ("kendall_exact", kendall_exact(&x, &y)),
        ];
        for (key, found) in found {
            let Some(reference) = case.get(key) else { continue };
            let what = format!("case {i} {key}");
            let found = found.unwrap_or_else(|| panic!("{what}: both columns have spread"));
            comparison.close(&what, Some(found.estimate), &reference["estimate"], 1e-8);
            comparison.close(&what, Some(found.statistic), &reference["statistic"], 1e-8);
            comparison.close(&what, found.p, &reference["p"], 1e-8);
        }
        assert!(kendall(&x, &y).is_some(), "case {i} has a default Kendall test");
    }
    assert_eq!(comparison.compared, (3 * 7 + 5) * 3, "every correlation");
}

#[test]
fn proportions_equal_r() {
    let expected = table_one();
    let mut comparison = Comparison { compared: 0 };
    for case in cases(&expected, "binomial") {
        let count = |key: &str| case[key].as_u64().expect("a count");
        let (x, n) = (count("x"), count("n"));
        let what = format!("{x} of {n}");
        let p = binomial_test(x, n, 0.5);
        comparison.close(&what, p, &case["clopper_pearson"]["p_vs_half"], 1e-8);
        for (key, found) in [
            ("clopper_pearson", clopper_pearson(x, n, 0.95)),
            ("wilson", wilson(x, n, 0.95, false)),
            ("wilson_continuity", wilson(x, n, 0.95, true)),
        ] {
            let found = found.expect("trials");
            comparison.close(&what, Some(found.lower), &case[key]["lower"], 1e-8);
            comparison.close(&what, Some(found.upper), &case[key]["upper"], 1e-8);
        }
    }
    assert_eq!(comparison.compared, 6 * 7, "every value of every proportion");
}

#[test]
fn empty_and_constant_samples_have_no_test() {
    assert_eq!(rank_sum(&[], &[1.0]), None, "an empty sample");
    assert_eq!(kruskal_wallis(&[&[1.0], &[]]), None, "one sample");
    assert_eq!(kruskal_wallis(&[&[1.0, 1.0], &[1.0]]), None, "all equal");
    assert_eq!(t_test(&[], &[1.0], Variances::Separate), None, "an empty sample");
    assert_eq!(pearson(&[1.0], &[2.0]), None, "one pair");
    assert_eq!(clopper_pearson(2, 1, 0.95), None, "more events than trials");
    assert!(Contingency::new(&[&[0, 0]]).is_err(), "no count");
    let margin = fisher_2x2([[3, 4], [0, 0]], 0.95);
    assert_eq!(
        (margin.two_sided, margin.odds_ratio, margin.upper),
        (1.0, None, None),
        "{margin:?}"
    );
}
