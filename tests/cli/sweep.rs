//! `herscope sweep`: its document, its determinism, its folder, its refusals.

use crate::{cohort, herscope, run};
use serde_json::Value;

fn sweep(extra: &[&str]) -> (i32, String, String) {
    run(herscope()
        .arg("sweep")
        .arg(cohort())
        .args(["--id", "patient_id", "--time", "pfs_months", "--event", "pfs_event"])
        .args(["--cut-column", "age_years", "--permutations", "20000", "--replicates", "199"])
        .args(extra))
}

fn document(extra: &[&str]) -> Value {
    let (code, out, err) = sweep(&[&["--json", "--seed", "5"], extra].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("one JSON document on stdout")
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name} is a number in {value}"))
}

#[test]
fn the_document_holds_every_cut_off_and_the_price_of_the_best() {
    let document = document(&[]);
    assert_eq!(document["schema_version"], 1, "schema");
    assert_eq!(document["command"], "sweep", "command");
    assert_eq!((&document["n"], &document["n_events"]), (&60.into(), &28.into()), "the cohort");
    assert_eq!(document["min_group"]["n"], 6, "a tenth of 60");
    let cuts = document["cuts"].as_array().expect("cuts");
    let values: Vec<f64> = cuts.iter().map(|cut| number(cut, "cut")).collect();
    assert!(values.is_sorted() && values.len() > 10, "ascending: {values:?}");
    for cut in cuts {
        let (below, from) = (number(cut, "n_below"), number(cut, "n_from"));
        assert!(below >= 6.0 && from >= 6.0 && below + from == 60.0, "groups: {cut}");
        let events = number(cut, "n_events_below") + number(cut, "n_events_from");
        assert_eq!(events, 28.0, "events: {cut}");
        let (lower, ratio, upper) =
            (number(cut, "lower"), number(cut, "hazard_ratio"), number(cut, "upper"));
        assert!(lower < ratio && ratio < upper, "Wald limits: {cut}");
        let band = &cut["band"];
        if band["reason"].is_null() {
            assert!(number(band, "lower") < number(band, "upper"), "band: {cut}");
        } else {
            let missing = band["lower"].is_null() || band["upper"].is_null();
            assert!(missing && band["reason"] == "infinite", "band: {cut}");
        }
        // Both are the excess of events over its standard deviation, the one over permutations, the
        // other of the log-rank test: of one sign with the hazard ratio, and zero together.
        let (statistic, chisq) = (number(cut, "statistic"), number(&cut["logrank"], "chisq"));
        let of_one_sign = (statistic > 0.0) == (number(cut, "log_hazard_ratio") > 0.0);
        assert!(of_one_sign || chisq < 0.01, "sign: {cut}");
        let ratio = statistic * statistic / chisq;
        assert!((0.5..2.0).contains(&ratio), "variances within a factor of 2: {cut}");
    }
    let finite = cuts.iter().filter(|cut| cut["band"]["reason"].is_null()).count();
    assert!(2 * finite > cuts.len(), "most bands are finite: {finite} of {}", cuts.len());
    let selected = &document["selected"];
    let largest = cuts.iter().map(|cut| number(cut, "statistic").abs()).fold(0.0, f64::max);
    assert_eq!(number(selected, "statistic"), largest, "the best of them");
    let adjusted = &selected["adjusted"];
    let reached = number(adjusted, "n_exceeding");
    assert_eq!(number(adjusted, "p"), (reached + 1.0) / 20_001.0, "the share that reaches it");
    let best = cuts.iter().find(|cut| cut["cut"] == selected["cut"]).expect("among the cuts");
    assert!(number(adjusted, "p") > number(&best["logrank"], "p"), "choosing costs");
    let optimism = &document["optimism"];
    assert_eq!(optimism["log_hazard_ratio"], best["log_hazard_ratio"], "of the best");
    assert!(number(optimism, "optimism") > 0.0, "choosing promises too much");
    let counted = document["stability"]["distribution"].as_array().expect("a distribution");
    let total: f64 = counted.iter().map(|one| number(one, "n")).sum();
    assert_eq!(total, number(&document["stability"], "n_choosing"), "every choice is counted");
}

#[test]
fn threads_do_not_change_the_document_and_the_seed_does() {
    let comparable = |extra: &[&str]| {
        let mut document = document(extra);
        let fields = document.as_object_mut().expect("an object");
        assert!(fields.remove("elapsed_seconds").is_some(), "the one field that may differ");
        document
    };
    let one = comparable(&["--threads", "1"]);
    assert_eq!(one, comparable(&["--threads", "3"]), "threads");
    let other = comparable(&["--seed", "6"]);
    assert_eq!(one["cuts"][0]["hazard_ratio"], other["cuts"][0]["hazard_ratio"], "the data");
    assert_ne!(one["optimism"], other["optimism"], "other resamples");
}

#[test]
fn a_folder_holds_document_text_table_figure_and_manifest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let (code, text, err) = sweep(&["--out", out.to_str().expect("a path")]);
    assert_eq!(code, 0, "{err}");
    assert!(text.contains("Best cut-off: age_years >= "), "{text}");
    assert!(text.contains("as if the cut-off had been fixed before"), "{text}");
    for name in ["sweep.json", "sweep.txt", "cuts.csv", "figures/sweep.svg", "manifest.json"] {
        assert!(out.join(name).is_file(), "{name} is written");
    }
    let svg = std::fs::read_to_string(out.join("figures/sweep.svg")).expect("readable");
    assert!(svg.contains("Number positive") && !svg.contains("NaN"), "a figure with two axes");
}

#[test]
fn what_cannot_be_swept_is_refused_with_its_category() {
    let cases: [(&[&str], i32, &str); 8] = [
        (&["--cut-column", "hr_status"], 3, "text in the column hr_status"),
        (&["--cut-column", "agee_years"], 3, "age_years"),
        (&["--min-group", "31"], 3, "--min-group"),
        (&["--min-group", "0.7"], 2, "at most 0.5"),
        (&["--min-group", "few"], 2, "--min-group"),
        (&["--permutations", "0"], 2, "--permutations"),
        (&["--covariates", "ecog"], 2, "--cut-column alone"),
        (&["--strata", "centre"], 2, "--strata"),
    ];
    for (extra, code, said) in cases {
        let (found, out, err) = sweep(extra);
        assert_eq!((found, out.as_str()), (code, ""), "{extra:?}: {err}");
        assert!(err.contains(said), "{extra:?}: {err}");
    }
}

#[test]
fn infinite_hazard_ratios_are_null_with_their_limit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("cohort.csv");
    let rows: String = (1..=12)
        .map(|i| format!("{i},{},{}\n", i32::from(i <= 6), if i <= 6 { 20 - i } else { i - 6 }))
        .collect();
    std::fs::write(&file, format!("t,e,m\n{rows}")).expect("the file is written");
    let (code, out, err) = run(herscope()
        .arg("sweep")
        .arg(&file)
        .args(["--time", "t", "--event", "e", "--cut-column", "m", "--min-group", "3", "--json"])
        .args(["--permutations", "1000", "--replicates", "99"]));
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("estimate_not_finite"), "{err}");
    let document: Value = serde_json::from_str(&out).expect("JSON");
    let cuts = document["cuts"].as_array().expect("cuts");
    let best = cuts.iter().find(|cut| cut["cut"] == document["selected"]["cut"]).expect("there");
    assert_eq!(best["status"], "monotone_likelihood", "{best}");
    assert_eq!((&best["hazard_ratio"], &best["limit"]), (&Value::Null, &"+inf".into()), "null");
    assert_eq!(document["optimism"]["reason"], "estimate_not_finite", "no correction");
}
