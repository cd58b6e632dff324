//! `herscope coverage`: its document, its determinism, its refusals.

use crate::{cohort, herscope, run};
use serde_json::Value;

const COLUMNS: [&str; 6] =
    ["--time", "pfs_months", "--event", "pfs_event", "--group", "her2_ctc_pos"];

fn coverage(extra: &[&str]) -> (i32, String, String) {
    run(herscope().arg("coverage").arg(cohort()).args(COLUMNS).args(extra))
}

fn document(extra: &[&str]) -> Value {
    let (code, out, err) = coverage(&[&["--json", "--seed", "5"], extra].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("one JSON document on stdout")
}

/// Without the fields that may differ between two runs.
fn comparable(mut document: Value) -> Value {
    let fields = document.as_object_mut().expect("an object");
    for name in ["elapsed_seconds", "simulations_per_second"] {
        assert!(fields.remove(name).is_some(), "the document has {name}");
    }
    document
}

/// Runs on a table of this text with columns `t`, `e` and `g`.
fn on_table(text: &str, extra: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("cohort.csv");
    std::fs::write(&file, text).expect("the file is written");
    run(herscope()
        .arg("coverage")
        .arg(&file)
        .args(["--time", "t", "--event", "e", "--group", "g", "--simulations", "20"])
        .args(["--replicates", "99", "--json"])
        .args(extra))
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name} is a number in {value}"))
}

#[test]
fn every_trial_of_every_method_is_counted_once() {
    let document =
        document(&["--simulations", "60", "--replicates", "199", "--calibrate", "20x20"]);
    assert_eq!(document["schema_version"], 1, "schema");
    assert_eq!(document["command"], "coverage", "command");
    assert_eq!(document["arm_sizes"], serde_json::json!([53, 7]), "the cohort's arms");
    assert_eq!(document["n_events"], 28, "the cohort's events");
    assert_eq!(document["device"]["backend"], "cpu", "the CPU engine");
    let scenarios = document["scenarios"].as_array().expect("scenarios");
    let sources: Vec<&Value> = scenarios.iter().map(|scenario| &scenario["source"]).collect();
    assert_eq!(sources, ["given", "estimate"], "by default 1 and the estimate");
    for scenario in scenarios {
        // Bisection ends at the last bits of the scale.
        assert!((number(scenario, "expected_events") - 28.0).abs() < 1e-9, "as observed");
        let methods = scenario["methods"].as_array().expect("methods");
        let names: Vec<&str> =
            methods.iter().map(|one| one["method"].as_str().expect("a name")).collect();
        let expected = [
            "wald",
            "profile_likelihood",
            "firth",
            "percentile",
            "percentile_keepinf",
            "basic",
            "normal",
            "bca",
            "studentized",
            "calibrated",
        ];
        assert_eq!(names, expected, "every method");
        for one in methods {
            let parts = ["coverage", "truth_below", "truth_above", "share_unavailable"];
            let sum: f64 = parts.iter().map(|part| number(one, part)).sum();
            assert!((sum - 1.0).abs() < 1e-12, "shares of {} sum to {sum}", one["method"]);
            let reasons = one["unavailable"].as_object().expect("counts by reason");
            let lost: f64 = reasons.values().filter_map(Value::as_f64).sum();
            assert_eq!(lost + number(one, "n_available"), 60.0, "trials of {}", one["method"]);
            let no_width = one["median_width_log"].is_null();
            assert_eq!(no_width, one["median_width_reason"].is_string(), "null has its reason");
        }
        let n_monotone = number(scenario, "n_monotone");
        let wald = &methods[0]["unavailable"]["monotone_likelihood"];
        assert_eq!(wald.as_f64().unwrap_or(0.0), n_monotone, "Wald lacks the monotone trials");
        assert_eq!(number(&methods[2], "share_unavailable"), 0.0, "Firth always exists here");
    }
}

#[test]
fn threads_and_further_hazard_ratios_do_not_change_an_answer() {
    let base = ["--simulations", "40", "--replicates", "199", "--calibrate", "10x10"];
    let with = |extra: &[&str]| document(&[&base[..], extra].concat());
    let one = with(&["--true-hr", "1,2", "--threads", "1"]);
    let three = with(&["--true-hr", "1,2", "--threads", "3"]);
    assert_eq!(comparable(one.clone()), comparable(three), "threads 1 and 3");
    let alone = with(&["--true-hr", "2"]);
    assert_eq!(alone["scenarios"][0], one["scenarios"][1], "hazard ratio 2 alone");
    let seeded = with(&["--true-hr", "2", "--seed", "6"]);
    assert_ne!(alone["scenarios"], seeded["scenarios"], "another seed, other trials");
}

#[test]
fn an_infinite_estimate_is_said_and_one_takes_its_place() {
    // No event in group b.
    let text = "t,e,g\n1,1,a\n2,1,a\n3,1,a\n4,0,a\n5,1,a\n3,0,b\n6,0,b\n7,0,b\n";
    let (code, out, err) = on_table(text, &["--true-hr", "estimate", "--seed", "1"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("[estimate_not_finite]"), "{err}");
    let document: Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!(document["scenarios"][0]["true_hazard_ratio"], 1.0, "1 in its place");
    assert_eq!(document["scenarios"][0]["source"], "estimate_not_finite", "and why");
    assert_eq!(document["estimate"]["hazard_ratio"], Value::Null, "no number");
    assert_eq!(document["estimate"]["reason"], "estimate_not_finite", "with its reason");
}

#[test]
fn a_folder_holds_document_table_text_and_manifest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let path = out.to_str().expect("a path of text");
    let small = ["--simulations", "10", "--intervals", "none", "--true-hr", "1", "--out", path];
    let (code, text, err) = coverage(&small);
    assert_eq!(code, 0, "{err}");
    assert!(text.contains("True hazard ratio 1") && text.contains("firth"), "{text}");
    assert!(!text.contains("percentile"), "--intervals none leaves the bootstrap out: {text}");
    for name in ["coverage.json", "coverage.csv", "coverage.txt", "manifest.json"] {
        assert!(out.join(name).is_file(), "{name} is written");
    }
    let (code, _, err) = coverage(&small);
    assert_eq!(code, 4, "an existing folder stays: {err}");
}

#[test]
fn requests_that_cannot_be_right_are_usage_errors() {
    let cases: [(&[&str], &str); 8] = [
        (&["--true-hr", "0"], "from 0.0001 to 10000"),
        (&["--true-hr", "two"], "estimate"),
        (&["--simulations", "0"], "from 1"),
        (&["--replicates", "1"], "from 2"),
        (&["--intervals", "wald"], "percentile"),
        (&["--calibrate", "10"], "10000x1000"),
        (&["--conf-level", "95"], "0.95"),
        (&["--strata", "ctc_pos_t1"], "two arms"),
    ];
    for (extra, mentioned) in cases {
        let (code, out, err) = coverage(extra);
        assert_eq!((code, out.as_str()), (2, ""), "{extra:?}: {err}");
        assert!(err.contains(mentioned), "{mentioned:?} is in {err}");
    }
    let (code, _, err) = coverage(&["--device", "gpu"]);
    assert_eq!(code, 5, "{err}");
}

#[test]
fn cohorts_without_two_arms_or_without_events_are_bad_input() {
    let cases = [
        ("t,e,g\n1,1,a\n2,0,b\n3,1,c\n", "two values"),
        ("t,e,g\n1,1,a\n2,0,a\n", "no column that varies"),
        ("t,e,g\n1,0,a\n2,0,b\n", "no event"),
        ("t,e,g\n0,1,a\n2,0,b\n", "no event after time 0"),
        ("t,e,h\n1,1,a\n", "g"),
    ];
    for (text, mentioned) in cases {
        let (code, out, err) = on_table(text, &[]);
        assert_eq!((code, out.as_str()), (3, ""), "{text:?}: {err}");
        assert!(err.contains(mentioned), "{mentioned:?} is in {err}");
    }
}
