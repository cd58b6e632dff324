//! The golden cohort: baseline statements of `expected.json`, made by its R script.
//!
//! The file has 15 significant digits; both sides use the same formula in doubles, so 1e-11
//! leaves room for the rounding of sums and tails only.

use crate::{json_file, settings, tested, variable};
use herscope::pipeline::tabulate::{TabulateSettings, TestChoice};
use serde_json::Value;

const TOLERANCE: f64 = 1e-11;

fn patients() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tdxd-cohort/patients.csv");
    std::fs::read_to_string(path).expect("the cohort is in the repository")
}

fn entry(list: &str, id: &str) -> Value {
    let expected = json_file("tests/data/tdxd-cohort/expected.json");
    let entries = expected[list].as_array().expect("a list").clone();
    entries.into_iter().find(|entry| entry["id"] == id).unwrap_or_else(|| panic!("no {id}"))
}

fn assert_p(found: Option<f64>, expected: &Value, what: &str) {
    let (found, expected) = (found.expect("a p"), expected.as_f64().expect("a number"));
    assert!((found - expected).abs() <= TOLERANCE, "{what}: {found} beside {expected}");
}

#[test]
fn baseline_numbers_by_ctc_status_have_the_p_of_r() {
    for name in
        ["age_years", "ecog", "n_metastatic_sites", "prior_lines_mbc", "prior_cytotoxic_mbc"]
    {
        let found = variable(&patients(), &settings("ctc_pos_t1", name));
        assert_eq!(found.test, Some("wilcoxon_normal"), "{name} has ties");
        assert_p(found.p, &entry("statements", &format!("baseline_{name}"))["p"], name);
    }
}

#[test]
fn baseline_factors_by_ctc_status_have_the_p_of_r() {
    for name in ["ecog", "hr_status", "tissue_her2", "visceral", "cns", "centre"] {
        let by_default = settings("ctc_pos_t1", name);
        // ECOG is a number of three values, tested by Fisher's test on request.
        let settings =
            if name == "ecog" { tested(by_default, TestChoice::Fisher) } else { by_default };
        let found = variable(&patients(), &settings);
        assert_eq!(found.test, Some("fisher"), "{name}");
        assert_p(found.p, &entry("statements", &format!("baseline_{name}_fisher"))["p"], name);
    }
}

#[test]
fn earlier_cytotoxic_treatments_differ_by_her2_ctc_as_published() {
    let found = variable(&patients(), &settings("her2_ctc_pos", "prior_cytotoxic_mbc"));
    assert_p(found.p, &entry("targets", "prior_cyto_wilcoxon_p")["value"], "Wilcoxon p");
    let reference = json_file("tests/data/tdxd-cohort/expected.json");
    let w = &reference["extra"]["wilcoxon_prior_cytotoxic"]["W"];
    assert_eq!(found.statistic, w.as_f64(), "W of the first level against the second");
    let reversed = TabulateSettings {
        reference: Some("1".into()),
        ..settings("her2_ctc_pos", "prior_cytotoxic_mbc")
    };
    let reversed = variable(&patients(), &reversed);
    assert_eq!(reversed.p, found.p, "the test is two-sided");
    let sum = reversed.statistic.zip(found.statistic).map(|(a, b)| a + b);
    assert_eq!(sum, Some(7.0 * 53.0), "both W count each of the pairs once");
}

#[test]
fn ctc_number_among_positive_patients_by_her2_has_the_p_of_r() {
    let patients = patients();
    let header = patients.lines().next().expect("a header");
    let column = header.split(',').position(|name| name == "ctc_pos_t1").expect("a column");
    let positive = |line: &&str| line.split(',').nth(column) == Some("1");
    let rows: Vec<&str> = patients.lines().skip(1).filter(positive).collect();
    assert_eq!(rows.len(), 20, "CTC-positive patients");
    let text = format!("{header}\n{}\n", rows.join("\n"));
    let found =
        variable(&text, &tested(settings("her2_ctc_pos", "t1_ctc"), TestChoice::WilcoxonNormal));
    assert_p(found.p, &entry("statements", "ctc_number_vs_her2")["p"], "Wilcoxon p");
}
