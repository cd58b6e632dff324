//! The document beside R 4.2.2: every value of `tests/data/survival/table1.expected.json` that the
//! command prints. (Its one-sided, uncorrected and continuity-corrected variants are not printed.)
//!
//! The file has 12 significant digits; 1e-9 is held relative to the value, or absolute below one.
//! R finds the odds ratio and its limits by root searches 1.2e-4 wide.

use crate::{json_file, settings, tested, variable};
use herscope::pipeline::tabulate::{
    CorrelationChoice, ShareInterval, TabulateSettings, TestChoice,
};
use herscope::report::{SummaryValues, TabulateVariable};
use serde_json::Value;

const TOLERANCE: f64 = 1e-9;
const ROOT_SEARCH: f64 = 1.3e-4;

/// Counts comparisons, so that a skipped block is noticed.
#[derive(Default)]
struct Comparison {
    compared: usize,
}

impl Comparison {
    fn close(&mut self, what: &str, found: Option<f64>, expected: &Value, tolerance: f64) {
        self.compared += 1;
        if expected == "Inf" {
            return assert_eq!(found, None, "{what}: R has infinity, the document null");
        }
        let expected = expected.as_f64().unwrap_or_else(|| panic!("{what}: {expected}"));
        let found = found.unwrap_or_else(|| panic!("{what}: null beside {expected}"));
        let bound = tolerance * expected.abs().max(1.0);
        assert!((found - expected).abs() <= bound, "{what}: {found} beside {expected}");
    }

    fn test(&mut self, what: &str, found: &TabulateVariable, name: &str, expected: &Value) {
        assert_eq!(found.test, Some(name), "{what}");
        for (key, value) in [("statistic", found.statistic), ("df", found.df), ("p", found.p)] {
            if let Some(expected) = expected.get(key) {
                self.close(&format!("{what} {key}"), value, expected, TOLERANCE);
            }
        }
        if let Some(expected) = expected.get("W") {
            self.close(&format!("{what} W"), found.statistic, expected, TOLERANCE);
        }
    }
}

fn cases(block: &str) -> Vec<Value> {
    let expected = json_file("tests/data/survival/table1.expected.json");
    expected[block].as_array().expect("an array of cases").clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    let array = value.as_array().expect("an array of numbers");
    array.iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// One row a value, under `g` the number of its sample.
fn sample_file(samples: &[Vec<f64>]) -> String {
    let mut text = "g,v\n".to_owned();
    for (group, sample) in samples.iter().enumerate() {
        sample.iter().for_each(|value| text.push_str(&format!("{group},{value}\n")));
    }
    text
}

/// One row a subject of a table of counts, under `g` its row and `v` its column.
fn count_file(table: &Value) -> String {
    let mut text = "g,v\n".to_owned();
    for (row, counts) in table.as_array().expect("rows").iter().enumerate() {
        for (column, count) in numbers(counts).into_iter().enumerate() {
            text.push_str(&format!("{row},c{column}\n").repeat(count as usize));
        }
    }
    text
}

#[test]
fn counts_of_two_by_two_are_tested_as_r_does() {
    let mut comparison = Comparison::default();
    for case in cases("fisher_2x2") {
        let (what, text) = (case["table"].to_string(), count_file(&case["table"]));
        let fisher = variable(&text, &settings("g", "v"));
        assert_eq!((fisher.test, fisher.statistic), (Some("fisher"), None), "{what}");
        let expected = &case["fisher"];
        let odds = fisher.odds_ratio.expect("a 2x2 table has an odds ratio");
        comparison.close(&what, fisher.p, &expected["p_two_sided"], TOLERANCE);
        let estimate = &expected["odds_ratio_conditional_mle"];
        comparison.close(&what, odds.estimate, estimate, ROOT_SEARCH);
        comparison.close(&what, Some(odds.lower), &expected["ci_lower"], ROOT_SEARCH);
        // Above one R searches for the reciprocal.
        let reciprocal = expected["ci_upper"].as_f64().map(|upper| Value::from(1.0 / upper));
        let reciprocal = reciprocal.unwrap_or_else(|| expected["ci_upper"].clone());
        comparison.close(&what, odds.upper.map(|upper| 1.0 / upper), &reciprocal, ROOT_SEARCH);
        for (choice, name, key) in [
            (TestChoice::Chisq, "chisq", "chisq_no_correction"),
            (TestChoice::ChisqYates, "chisq_yates", "chisq_yates"),
        ] {
            let found = variable(&text, &tested(settings("g", "v"), choice));
            comparison.test(&what, &found, name, &case[key]);
        }
    }
    assert_eq!(comparison.compared, 8 * (4 + 2 * 3), "every value of every table");
}

#[test]
fn larger_tables_are_tested_as_r_does() {
    let mut comparison = Comparison::default();
    for case in cases("fisher_rxc") {
        let (what, text) = (case["table"].to_string(), count_file(&case["table"]));
        let fisher = variable(&text, &settings("g", "v"));
        assert_eq!((fisher.test, fisher.odds_ratio), (Some("fisher"), None), "{what}");
        comparison.close(&what, fisher.p, &case["fisher_p"], TOLERANCE);
        let found = variable(&text, &tested(settings("g", "v"), TestChoice::Chisq));
        comparison.test(&what, &found, "chisq", &case["chisq"]);
    }
    assert_eq!(comparison.compared, 5 * 4, "every value of every table");
}

#[test]
fn rank_sums_of_two_groups_equal_r() {
    let mut comparison = Comparison::default();
    let mut exact_by_default = 0;
    for (i, case) in cases("wilcoxon").into_iter().enumerate() {
        let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
        let is_exact = x.len() < 50 && y.len() < 50 && case["has_ties"] == false;
        exact_by_default += usize::from(is_exact);
        let text = sample_file(&[x, y]);
        let of = |choice| {
            let continuous = vec!["v".to_owned()];
            tested(TabulateSettings { continuous, ..settings("g", "v") }, choice)
        };
        let default = if is_exact { "wilcoxon_exact" } else { "wilcoxon_normal" };
        let found = variable(&text, &of(TestChoice::Wilcoxon));
        comparison.test(&format!("case {i}"), &found, default, &case["r_default"]);
        let found = variable(&text, &of(TestChoice::WilcoxonNormal));
        comparison.test(&format!("case {i}"), &found, "wilcoxon_normal", &case["normal_corrected"]);
        let found = variable(&text, &of(TestChoice::WilcoxonExact));
        if let Some(exact) = case.get("exact") {
            comparison.test(&format!("case {i}"), &found, "wilcoxon_exact", exact);
        }
        if let Some(ranked) = case.get("exact_permutation_midranks") {
            let expected = &ranked["p_two_sided"];
            comparison.close(&format!("case {i} mid-ranks"), found.p, expected, TOLERANCE);
        }
    }
    assert_eq!(exact_by_default, 3, "cases without ties and with fewer than 50 a side");
    assert_eq!(comparison.compared, 7 * 4 + 4 * 2 + 5, "every two-sided test");
}

#[test]
fn three_and_more_groups_are_ranked_as_in_r() {
    let mut comparison = Comparison::default();
    for case in cases("kruskal") {
        let samples: Vec<Vec<f64>> =
            case["groups"].as_array().expect("groups").iter().map(numbers).collect();
        let found = variable(&sample_file(&samples), &settings("g", "v"));
        comparison.test("kruskal", &found, "kruskal", &case);
    }
    assert_eq!(comparison.compared, 2 * 3, "both cases");
}

#[test]
fn correlations_with_a_number_equal_cor_test() {
    let mut comparison = Comparison::default();
    for (i, case) in cases("correlation").into_iter().enumerate() {
        let pairs = numbers(&case["x"]).into_iter().zip(numbers(&case["y"]));
        let mut text = "x,y\n".to_owned();
        pairs.for_each(|(x, y)| text.push_str(&format!("{x},{y}\n")));
        let ties = case["has_ties"] == true;
        let spearman = if ties { "spearman_t_approx" } else { "spearman_exact_or_edgeworth" };
        let is_exact = !ties && case["n"].as_u64().expect("a count") < 50;
        let kendall = if is_exact { "kendall_exact" } else { "kendall_normal" };
        for (choice, key) in [
            (CorrelationChoice::Pearson, "pearson"),
            (CorrelationChoice::Spearman, spearman),
            (CorrelationChoice::Kendall, kendall),
        ] {
            let settings = TabulateSettings { correlate: Some(choice), ..settings("x", "y") };
            let found = variable(&text, &settings);
            let (what, expected) = (format!("case {i} {key}"), &case[key]);
            comparison.test(&what, &found, choice.name(), expected);
            let correlation = found.correlation.expect("asked for");
            comparison.close(&what, correlation.estimate, &expected["estimate"], TOLERANCE);
            assert_eq!(correlation.statistic_name, expected["statistic_name"].as_str(), "{what}");
        }
    }
    assert_eq!(comparison.compared, 4 * 3 * 3, "estimate, statistic and p of every correlation");
}

#[test]
fn limits_of_shares_equal_r() {
    let mut comparison = Comparison::default();
    for case in cases("binomial") {
        let count = |key: &str| case[key].as_u64().expect("a count") as usize;
        let (x, n) = (count("x"), count("n"));
        // The second group has both values, so that both are levels.
        let text = format!("g,v\n{}{}b,yes\nb,no\n", "a,yes\n".repeat(x), "a,no\n".repeat(n - x));
        for (interval, key) in
            [(ShareInterval::ClopperPearson, "clopper_pearson"), (ShareInterval::Wilson, "wilson")]
        {
            let settings = TabulateSettings { ci: Some(interval), ..settings("g", "v") };
            let found = variable(&text, &settings);
            let SummaryValues::Categorical { counts, shares } = &found.summaries[0].values else {
                panic!("text is categorical")
            };
            assert_eq!(counts.get("yes"), Some(&(x as u64)), "{x} of {n}");
            let share = shares.as_ref().and_then(|shares| shares.get("yes")).expect("asked for");
            let what = format!("{x} of {n} {key}");
            comparison.close(&what, share.share, &case["estimate"], TOLERANCE);
            comparison.close(&what, share.lower, &case[key]["lower"], TOLERANCE);
            comparison.close(&what, share.upper, &case[key]["upper"], TOLERANCE);
        }
    }
    assert_eq!(comparison.compared, 6 * 2 * 3, "every proportion");
}
