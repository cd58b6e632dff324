//! `tests/data/survival/table1.expected.json`: the tests and intervals of a baseline table.

use herscope::association::{
    Contingency, Correlation, binomial_test, clopper_pearson, fisher_2x2, fisher_exact,
    hodges_lehmann, kendall_exact, kendall_normal, kruskal_wallis, pearson, pearson_chi_squared,
    rank_sum, rank_sum_exact, rank_sum_test, spearman, spearman_t, wilson,
};

use crate::ledger::Ledger;
use crate::quantities::{
    CHI_SQUARED, COUNTS, FISHER_ODDS, FISHER_P, FISHER_UPPER, PROPORTIONS, RANK_P, RANK_TESTS,
    SHIFT,
};
use crate::reference::{Place, Reference};

pub(crate) fn compare(ledger: &mut Ledger) {
    let reference = Reference::read("table1", "survival/table1.expected.json");
    let root = reference.root();
    for case in root.at("fisher_2x2").items() {
        compare_2x2(ledger, &case);
    }
    for case in root.at("fisher_rxc").items() {
        let table = contingency(&counts(&case));
        ledger.value(&FISHER_P, &case.at("fisher_p"), Some(fisher_exact(&table, 1).p));
        compare_chi_squared(ledger, &table, true, &case.at("chisq"));
        compare_expected(ledger, &table, &case.at("expected"));
    }
    for case in root.at("wilcoxon").items() {
        compare_rank_sums(ledger, &case);
    }
    for case in root.at("kruskal").items() {
        let groups: Vec<Vec<f64>> = case.at("groups").items().iter().map(Place::numbers).collect();
        let groups: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
        let found = kruskal_wallis(&groups).expect("several samples");
        ledger.value(&RANK_TESTS, &case.at("statistic"), Some(found.statistic));
        ledger.value(&COUNTS, &case.at("df"), Some(found.df as f64));
        ledger.value(&RANK_P, &case.at("p"), Some(found.p));
    }
    for case in root.at("correlation").items() {
        compare_correlations(ledger, &case);
    }
    for case in root.at("binomial").items() {
        compare_proportion(ledger, &case);
    }
    ledger.close(&reference, left_out);
}

fn left_out(pointer: &str) -> Option<&'static str> {
    let segments: Vec<&str> = pointer.split('/').collect();
    let has = |part: &str| segments.contains(&part);
    if ["x", "y", "table", "groups"].into_iter().any(has) || segments.last() == Some(&"n") {
        Some("data of a case of table1, not results")
    } else if has("normal_uncorrected") {
        Some("Wilcoxon without continuity correction, which herscope does not offer")
    } else if has("sample_odds_ratio") {
        Some("the odds ratio a d / (b c), which herscope does not report")
    } else {
        None
    }
}

fn counts(case: &Place<'_>) -> Vec<Vec<u64>> {
    let row = |row: &Place<'_>| row.numbers().iter().map(|count| *count as u64).collect();
    case.at("table").items().iter().map(row).collect()
}

fn contingency(rows: &[Vec<u64>]) -> Contingency {
    let rows: Vec<&[u64]> = rows.iter().map(Vec::as_slice).collect();
    Contingency::new(&rows).expect("a reference table has counts")
}

fn compare_expected(ledger: &mut Ledger, table: &Contingency, place: &Place<'_>) {
    let columns = table.n_columns();
    for (i, expected) in table.expected().iter().enumerate() {
        let cell = place.index(i / columns).index(i % columns);
        ledger.value(&CHI_SQUARED, &cell, Some(*expected));
    }
}

fn compare_chi_squared(ledger: &mut Ledger, table: &Contingency, yates: bool, place: &Place<'_>) {
    let (statistic, df, p) = pearson_chi_squared(table, yates).expect("rows and columns");
    ledger.value(&CHI_SQUARED, &place.at("statistic"), Some(statistic));
    ledger.value(&COUNTS, &place.at("df"), Some(df as f64));
    ledger.value(&CHI_SQUARED, &place.at("p"), Some(p));
}

fn compare_2x2(ledger: &mut Ledger, case: &Place<'_>) {
    let rows = counts(case);
    let found = fisher_2x2([[rows[0][0], rows[0][1]], [rows[1][0], rows[1][1]]], 0.95);
    let fisher = case.at("fisher");
    ledger.value(&FISHER_P, &fisher.at("p_two_sided"), Some(found.two_sided));
    ledger.value(&FISHER_P, &fisher.at("p_less"), Some(found.less));
    ledger.value(&FISHER_P, &fisher.at("p_greater"), Some(found.greater));
    ledger.value(&FISHER_ODDS, &fisher.at("odds_ratio_conditional_mle"), found.odds_ratio);
    ledger.value(&FISHER_ODDS, &fisher.at("ci_lower"), Some(found.lower));
    ledger.value(&FISHER_UPPER, &fisher.at("ci_upper"), found.upper);
    let table = contingency(&rows);
    compare_chi_squared(ledger, &table, false, &case.at("chisq_no_correction"));
    compare_chi_squared(ledger, &table, true, &case.at("chisq_yates"));
    compare_expected(ledger, &table, &case.at("expected"));
}

fn compare_rank_sums(ledger: &mut Ledger, case: &Place<'_>) {
    let (x, y) = (case.at("x").numbers(), case.at("y").numbers());
    for (key, test) in
        [("r_default", rank_sum(&x, &y)), ("normal_corrected", rank_sum_test(&x, &y))]
    {
        let test = test.expect("two samples");
        ledger.value(&RANK_TESTS, &case.at(key).at("W"), Some(test.w));
        ledger.value(&RANK_P, &case.at(key).at("p"), test.p);
    }
    let exact = rank_sum_exact(&x, &y).expect("small samples");
    let sides =
        [("exact", exact.two_sided), ("exact_less", exact.less), ("exact_greater", exact.greater)];
    for (key, p) in sides.into_iter().filter(|(key, _)| case.at(key).is_there()) {
        ledger.value(&RANK_TESTS, &case.at(key).at("W"), Some(exact.w));
        ledger.value(&RANK_P, &case.at(key).at("p"), Some(p));
    }
    let enumerated = case.at("exact_permutation_midranks");
    for key in ["p_two_sided", "exactRankTests_p"] {
        if enumerated.at(key).is_there() {
            ledger.value(&RANK_P, &enumerated.at(key), Some(exact.two_sided));
        }
    }
    let shift = case.at("hodges_lehmann");
    if shift.is_there() {
        let found = hodges_lehmann(&x, &y, 0.95).expect("two samples");
        ledger.value(&SHIFT, &shift.at("shift_x_minus_y"), Some(found.shift));
        ledger.value(&SHIFT, &shift.at("lower"), Some(found.lower));
        ledger.value(&SHIFT, &shift.at("upper"), Some(found.upper));
    }
}

fn compare_correlations(ledger: &mut Ledger, case: &Place<'_>) {
    let (x, y) = (case.at("x").numbers(), case.at("y").numbers());
    let found: [(&str, Option<Correlation>); 7] = [
        ("pearson", pearson(&x, &y)),
        ("spearman_t_approx", spearman_t(&x, &y, false)),
        ("spearman_t_approx_continuity", spearman_t(&x, &y, true)),
        ("kendall_normal", kendall_normal(&x, &y, false)),
        ("kendall_normal_continuity", kendall_normal(&x, &y, true)),
        ("spearman_exact_or_edgeworth", spearman(&x, &y)),
        ("kendall_exact", kendall_exact(&x, &y)),
    ];
    for (key, found) in found.into_iter().filter(|(key, _)| case.at(key).is_there()) {
        let (place, found) = (case.at(key), found.expect("both columns have spread"));
        ledger.value(&RANK_TESTS, &place.at("estimate"), Some(found.estimate));
        ledger.value(&RANK_TESTS, &place.at("statistic"), Some(found.statistic));
        ledger.value(&RANK_P, &place.at("p"), found.p);
    }
}

fn compare_proportion(ledger: &mut Ledger, case: &Place<'_>) {
    let count = |key: &str| case.at(key).take().expect("a count") as u64;
    let (x, n) = (count("x"), count("n"));
    ledger.value(&PROPORTIONS, &case.at("estimate"), Some(x as f64 / n as f64));
    let p = case.at("clopper_pearson").at("p_vs_half");
    ledger.value(&PROPORTIONS, &p, binomial_test(x, n, 0.5));
    for (key, found) in [
        ("clopper_pearson", clopper_pearson(x, n, 0.95)),
        ("wilson", wilson(x, n, 0.95, false)),
        ("wilson_continuity", wilson(x, n, 0.95, true)),
    ] {
        let found = found.expect("trials");
        ledger.value(&PROPORTIONS, &case.at(key).at("lower"), Some(found.lower));
        ledger.value(&PROPORTIONS, &case.at(key).at("upper"), Some(found.upper));
    }
}
