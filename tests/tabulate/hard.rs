//! Input that is legal, and awkward.

use crate::{settings, tabulate, tested, variable};
use herscope::pipeline::tabulate::{Adjustment, TabulateSettings, TestChoice, tabulate_csv};
use herscope::report::{Baseline, NoResult, SummaryValues, TabulateVariable, baseline_text};

/// 240 subjects in three groups with a factor of twelve levels: subject i is of group i mod 3 and of
/// level (i^3 + 11 i) mod 1009 mod 12.
fn twelve_levels() -> String {
    let mut text = "g,v\n".to_owned();
    for i in 0_u64..240 {
        text.push_str(&format!("g{},level {:02}\n", i % 3, (i.pow(3) + 11 * i) % 1009 % 12));
    }
    text
}

fn drawn(seed: u64) -> TabulateVariable {
    variable(&twelve_levels(), &TabulateSettings { seed, ..settings("g", "v") })
}

#[test]
fn a_factor_of_twelve_levels_is_tested_by_drawn_tables() {
    let first = drawn(7);
    assert_eq!(first.test, Some("fisher_monte_carlo"), "too many tables to count out");
    let how = first.drawn.expect("drawn");
    assert_eq!((how.seed, how.n_tables), (7, 100_000), "as it says");
    let p = first.p.expect("a p");
    let expected = (p * (1.0 - p) / 100_000.0).sqrt();
    assert!((how.mcse - expected).abs() < 1e-15, "binomial error: {} {expected}", how.mcse);
    let other = drawn(8);
    assert_ne!(other.p, first.p, "another seed draws other tables");
    // R 4.2.2: set.seed(1); fisher.test(simulate.p.value = TRUE, B = 1e5). Five standard errors of
    // a difference are passed once in two million pairs of seeds.
    let bound = 5.0 * std::f64::consts::SQRT_2 * how.mcse;
    for found in [first.p, other.p] {
        assert!((found.expect("a p") - 0.8113619).abs() < bound, "{found:?} beside R");
    }
}

#[test]
fn drawn_p_values_depend_on_the_seed_alone() {
    let alone = drawn(7);
    let pool = |n| rayon_pool(n).install(|| drawn(7));
    assert_eq!(pool(1), alone, "one thread");
    assert_eq!(pool(5), alone, "five threads");
    // A second variable beside it, first in the table, changes nothing.
    let text = twelve_levels();
    let wider: String = text
        .lines()
        .enumerate()
        .map(|(i, line)| {
            format!("{},{line}\n", if i == 0 { "w".into() } else { (i % 7).to_string() })
        })
        .collect();
    let both =
        TabulateSettings { vars: vec!["w".into(), "v".into()], seed: 7, ..settings("g", "v") };
    let document = tabulate(&wider, &both).expect("both are there");
    assert_eq!(document.variables[1], alone, "beside another variable");
}

fn rayon_pool(n: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("a pool of threads")
}

#[test]
fn a_constant_column_has_summaries_and_no_p() {
    let text = "g,v\na,3\na,3\nb,3\nb,3\n";
    let found = variable(text, &settings("g", "v"));
    // Half of the four pairs, as ties count.
    assert_eq!((found.statistic, found.p), (Some(2.0), None), "W exists, its variance is 0");
    assert_eq!(found.reason, Some(NoResult::AllEqual), "said why");
    let adjusted =
        TabulateSettings { adjust: Some(Adjustment::Holm), smd: true, ..settings("g", "v") };
    let found = variable(text, &adjusted);
    assert_eq!(found.p_adjusted, Some(None), "null, not left out");
    assert_eq!(found.standardised_difference, Some(None), "no spread to measure in");
}

#[test]
fn infinite_values_are_refused_by_row_and_column() {
    for (text, row) in [("g,v\na,1\nb,inf\n", "row 3"), ("g,v\na,-1e999\nb,2\n", "row 2")] {
        let error = tabulate(text, &settings("g", "v")).expect_err("not finite");
        let message = error.to_string();
        assert!(error.is_input(), "{message}");
        for part in ["cohort.csv", row, "column v", "finite"] {
            assert!(message.contains(part), "{part:?} is in {message:?}");
        }
    }
}

#[test]
fn text_is_refused_where_numbers_were_asked_for() {
    let text = "g,v\na,1\nb,low\n";
    let error = tabulate(text, &tested(settings("g", "v"), TestChoice::Wilcoxon));
    let message = error.expect_err("text").to_string();
    assert!(message.contains("row 3") && message.contains("\"low\""), "{message}");
}

#[test]
fn quotes_commas_and_any_script_survive_in_levels() {
    let text = "g,v\n\"x, \"\"y\"\"\",中村\n\"x, \"\"y\"\"\",Amélie\nβ,中村\nβ,\"a\nb\"\n";
    let document = tabulate(text, &settings("g", "v")).expect("legal text");
    let levels: Vec<&str> = document.groups.iter().map(|group| group.level.as_str()).collect();
    assert_eq!(levels, ["x, \"y\"", "β"], "as in the file");
    let SummaryValues::Categorical { counts, .. } = &document.variables[0].summaries[1].values
    else {
        panic!("text is categorical")
    };
    let counted: Vec<(&str, u64)> = counts.0.iter().map(|(v, n)| (v.as_str(), *n)).collect();
    assert_eq!(counted, [("Amélie", 0), ("a\nb", 1), ("中村", 1)], "in order of code points");

    let csv = String::from_utf8(tabulate_csv(&document)).expect("text");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let cells: Vec<(String, String)> = reader
        .records()
        .map(|record| record.expect("whole rows"))
        .map(|record| (record[4].to_owned(), record[2].to_owned()))
        .collect();
    assert!(cells.contains(&("x, \"y\"".into(), "a\nb".into())), "read back: {cells:?}");

    let printed = baseline_text(&Baseline { document, ..Baseline::default() }, Default::default());
    assert!(!printed.contains("a\nb"), "a line break in a level does not break the table");
    let columns: Vec<usize> = printed
        .lines()
        .filter(|line| line.contains("(50.0)"))
        .map(|line| {
            let shares = [line.find("1 (50.0)"), line.find("0 (0.0)")];
            let first = shares.into_iter().flatten().min().expect("a share");
            herscope::report::display_width(&line[..first])
        })
        .collect();
    assert_eq!(columns.len(), 3, "one line a value:\n{printed}");
    assert!(columns.iter().all(|at| *at == columns[0]), "one column:\n{printed}");
}

#[test]
fn rows_without_a_group_are_dropped_and_missing_values_are_counted_by_group() {
    let text = "g,v\na,1\na,\nNA,5\nb,NA\nb,2\nb,7\n,8\n";
    let document = tabulate(text, &settings("g", "v")).expect("two groups");
    assert_eq!((document.n, document.n_dropped), (5, 2), "rows with and without group");
    assert_eq!(document.warnings[0].code, "rows_dropped", "{:?}", document.warnings);
    assert!(document.warnings[0].message.contains("2 without g"), "{:?}", document.warnings);
    let variable = &document.variables[0];
    assert_eq!(variable.n_missing, 2, "in both groups");
    let missing: Vec<(u64, u64)> =
        variable.summaries.iter().map(|summary| (summary.n, summary.n_missing)).collect();
    assert_eq!(missing, [(1, 1), (2, 1)], "by group");
}

#[test]
fn quantiles_are_of_type_7() {
    // R: quantile(c(1, 2, 4, 8)) is 1, 1.75, 3, 5, 8.
    let found = variable("g,v\na,1\na,2\na,4\na,8\n", &settings("g", "v"));
    let SummaryValues::Continuous(shown) = found.summaries[0].values else {
        panic!("four numbers are continuous")
    };
    let quantiles = [shown.min, shown.q1, shown.median, shown.q3, shown.max];
    assert_eq!(quantiles, [1.0, 1.75, 3.0, 5.0, 8.0].map(Some), "type 7");
    assert_eq!(shown.mean, Some(3.75), "15 / 4");
    assert_eq!(found.reason, Some(NoResult::SingleGroup), "one group only");
}

#[test]
fn adjustment_spans_the_variables_that_have_a_p() {
    let text = "g,a,b,c\nx,1,1,3\nx,2,5,3\nx,3,2,3\ny,4,4,3\ny,5,3,3\ny,6,6,3\n";
    let of = |adjustment| TabulateSettings {
        by: "g".into(),
        vars: vec!["a".into(), "c".into(), "b".into()],
        adjust: Some(adjustment),
        ..TabulateSettings::default()
    };
    // a is as far apart as can be: 2 of 20 orders. b has W = 2 of 9 pairs: p 0.4.
    let holm = tabulate(text, &of(Adjustment::Holm)).expect("two groups");
    let p = |document: &herscope::report::TabulateDocument| -> Vec<Option<f64>> {
        document.variables.iter().map(|variable| variable.p_adjusted.expect("asked for")).collect()
    };
    let close = |found: Vec<Option<f64>>, expected: [Option<f64>; 3]| {
        for (found, expected) in found.iter().zip(expected) {
            let same = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
                (found, expected) => *found == expected,
            };
            assert!(same, "{found:?} beside {expected:?}");
        }
    };
    close(p(&holm), [Some(0.2), None, Some(0.4)]);
    let bh = tabulate(text, &of(Adjustment::Bh)).expect("two groups");
    close(p(&bh), [Some(0.2), None, Some(0.4)]);
}
