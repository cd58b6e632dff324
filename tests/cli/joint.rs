//! `herscope joint`: its document, its determinism, its folder, its refusals; `simulate joint`.

use std::path::PathBuf;

use serde_json::Value;

use crate::{herscope, run};

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The golden cohort, HER2-positive counts at T1 and T2.
fn golden(extra: &[&str]) -> (i32, String, String) {
    run(herscope()
        .arg("joint")
        .arg("--long")
        .arg(data("tdxd-cohort/samples.csv"))
        .arg("--subjects")
        .arg(data("tdxd-cohort/patients.csv"))
        .args(["--id", "patient_id", "--visit-time", "days_from_enrolment", "--visit-unit", "days"])
        .args(["--marker", "log1p(n_ctc)", "--only", "timepoint=T1,T2", "--family", "gaussian"])
        .args(["--random", "intercept", "--association", "shared"])
        .args(["--time", "pfs_months", "--event", "pfs_event"])
        .args(extra))
}

/// The simulated counts; as the contract has it.
fn counts(extra: &[&str]) -> (i32, String, String) {
    run(herscope()
        .arg("joint")
        .arg("--long")
        .arg(data("joint/ctcjm_longitudinal.csv"))
        .arg("--subjects")
        .arg(data("joint/ctcjm_survival.csv"))
        .args(["--id", "id", "--visit-time", "month", "--marker", "ctc"])
        .args(["--time", "time", "--event", "event"])
        .args(extra))
}

const POISSON: [&str; 10] = [
    "--family",
    "poisson",
    "--fixed",
    "month,her2",
    "--random",
    "intercept",
    "--covariates",
    "her2",
    "--association",
    "value",
];

fn document((code, out, err): (i32, String, String)) -> Value {
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("one JSON document on stdout")
}

#[test]
fn the_document_has_what_the_contract_names() {
    let document = document(counts(&[&POISSON[..], &["--json"]].concat()));
    for (name, value) in [("n", 300), ("n_events", 192), ("n_observations", 823), ("nodes", 15)] {
        assert_eq!(document[name], value, "{name}");
    }
    assert_eq!(document["status"], "converged", "{}", document["status_reason"]);
    for name in ["log_likelihood", "aic", "bic"] {
        assert!(document[name].is_f64(), "{name}");
    }
    let marker = &document["longitudinal"];
    let names: Vec<&str> = marker["terms"]
        .as_array()
        .expect("terms")
        .iter()
        .filter_map(|t| t["name"].as_str())
        .collect();
    assert_eq!(names, ["(Intercept)", "month", "her2"], "fixed effects");
    assert!(marker["random_effects"]["sd"]["intercept"].is_f64(), "{marker}");
    for absent in ["residual_sd", "dispersion"] {
        assert!(marker[absent].is_null(), "a Poisson marker has no {absent}");
    }
    assert!(marker["random_effects"]["sd"]["slope"].is_null(), "no random slope");
    let hazard = &document["survival"];
    for name in ["shape", "intercept"] {
        assert!(hazard["baseline_parameters"][name]["se"].is_f64(), "{name}");
    }
    let alpha = &hazard["association"][0];
    let (coef, ratio) = (alpha["coef"].as_f64(), alpha["hazard_ratio"].as_f64());
    assert_eq!(coef.map(f64::exp), ratio, "{alpha}");
    assert!(alpha["lower"].as_f64() < ratio && ratio < alpha["upper"].as_f64(), "{alpha}");
}

#[test]
fn all_draws_are_the_same_on_one_thread_and_on_two() {
    let extra = [
        "--json",
        "--seed",
        "3",
        "--replicates",
        "20",
        "--permutations",
        "2000",
        "--profile",
        "--predict",
        "P001,P004",
        "--landmark",
        "1",
        "--horizons",
        "6,12",
    ];
    let on = |threads: &str| golden(&[&extra[..], &["--threads", threads]].concat());
    let (one, two) = (on("1"), on("2"));
    assert_eq!(one, two, "the same bytes");
    let document = document(one);
    let bootstrap = &document["bootstrap"];
    let lost: u64 = bootstrap["inestimable"]
        .as_object()
        .expect("counts by status")
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(bootstrap["estimable"].as_u64().expect("a count") + lost, 20, "{bootstrap}");
    let p = document["permutation"]["p"].as_f64().expect("a p-value");
    assert!((0.1..0.5).contains(&p), "Wald and likelihood ratio say 0.16: {p}");
    let profile = &document["profile"][0];
    let limits = (profile["lower"].as_f64(), profile["upper"].as_f64());
    assert!(limits.0 < Some(0.68) && limits.1 > Some(0.69), "about 0.68: {profile}");
    for subject in document["predictions"].as_array().expect("two subjects") {
        let rows = subject["survival"].as_array().expect("two horizons");
        let at = |k: usize, name: &str| rows[k][name].as_f64().expect("a probability");
        assert!(at(1, "survival") < at(0, "survival"), "{subject}");
        assert!(at(0, "lower") < at(0, "survival"), "{subject}");
        assert!(at(0, "survival") < at(0, "upper") && at(0, "upper") <= 1.0, "{subject}");
    }
}

#[test]
fn a_parametric_bootstrap_is_near_the_standard_error() {
    let extra =
        [&POISSON[..], &["--json", "--replicates", "40", "--resample", "parametric"]].concat();
    let document = document(counts(&[&extra[..], &["--nodes", "7"]].concat()));
    let bootstrap = &document["bootstrap"];
    assert_eq!(bootstrap["estimable"], 40, "{bootstrap}");
    let last = bootstrap["parameters"].as_array().and_then(|all| all.last()).expect("alpha");
    let (spread, se) =
        (last["std_err"].as_f64(), document["survival"]["association"][0]["se"].as_f64());
    let ratio = spread.zip(se).map(|(spread, se)| spread / se).expect("both are there");
    // an SD of 40 replicates is known to 11 %
    assert!((0.6..1.5).contains(&ratio), "{spread:?} beside {se:?}");
}

#[test]
fn the_folder_holds_tables_figure_and_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("joint");
    let out = out.to_str().expect("a path of text");
    let (code, _, err) = golden(&["--out", out, "--replicates", "5", "--seed", "1"]);
    assert_eq!(code, 0, "{err}");
    let read = |name: &str| {
        std::fs::read_to_string(PathBuf::from(out).join(name))
            .unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    assert_eq!(read("random_effects.csv").lines().count(), 61, "60 subjects");
    assert_eq!(read("marker_residuals.csv").lines().count(), 121, "120 visits");
    assert_eq!(read("survival_residuals.csv").lines().count(), 61, "60 subjects");
    assert_eq!(read("replicates.csv").lines().count(), 6, "5 replicates");
    assert!(read("figures/marker_paths.svg").contains("Event: 28 subjects"), "two panels");
    let manifest: Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
    assert_eq!(manifest["settings"]["nodes"], 15, "defaults are written down: {manifest}");
    // martingale residuals under a parametric baseline with an intercept add up to about 0
    let sum: f64 = read("survival_residuals.csv")
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().and_then(|x| x.parse::<f64>().ok()).expect("a number"))
        .sum();
    assert!(sum.abs() < 3.0, "martingale residuals add up to {sum} of 28 events");
}

#[test]
fn what_cannot_be_fitted_says_so_with_its_exit_code() {
    let cases: [(&[&str], i32, &str); 9] = [
        (&["--family", "poisson", "--marker", "nothing"], 3, "no column \"nothing\""),
        (&["--family", "poisson", "--marker", "log(ctc)"], 3, "its logarithm is the marker"),
        (&["--family", "poisson", "--marker", "log1p(ctc)"], 3, "whole numbers from 0"),
        (&["--family", "gaussian", "--exposure", "visit"], 2, "an exposure belongs to counts"),
        (&["--family", "poisson", "--knots", "3"], 2, "piecewise or bspline"),
        (&["--family", "poisson", "--baseline", "piecewise", "--knots", "9,4"], 2, "ascending"),
        (&["--family", "poisson", "--nodes", "0"], 2, "1 to 101"),
        (&["--family", "poisson", "--fixed", "visit"], 3, "visit changes within a subject"),
        (&["--family", "poisson", "--only", "visit=9"], 3, "no visit of a subject"),
    ];
    for (extra, expected, message) in cases {
        let (code, out, err) = counts(extra);
        assert_eq!(code, expected, "{extra:?}: {err}");
        assert!(err.contains(message), "{extra:?}: {err}");
        assert_eq!(out, "", "{extra:?}: nothing on stdout");
    }
}

#[test]
fn strict_refuses_a_fit_that_did_not_converge() {
    let folder = tempfile::tempdir().expect("a folder");
    let subjects = folder.path().join("subjects.csv");
    let text = std::fs::read_to_string(data("joint/ctcjm_survival.csv")).expect("the subjects");
    let without_events: String = text
        .lines()
        .map(|line| {
            let mut cells: Vec<&str> = line.split(',').collect();
            if cells[2] == "1" {
                cells[2] = "0";
            }
            cells.join(",") + "\n"
        })
        .collect();
    std::fs::write(&subjects, without_events).expect("a writable folder");
    let subjects = subjects.to_str().expect("a path of text");
    let extra = [&POISSON[..], &["--json", "--subjects", subjects]].concat();
    let document = document(counts(&extra));
    assert_eq!(document["status"], "not_identified", "{document}");
    assert!(document["log_likelihood"].is_null(), "no estimate, no likelihood");
    let (code, _, _) = counts(&[&extra[..], &["--strict"]].concat());
    assert_eq!(code, 6, "not trustworthy");
}

#[test]
fn a_simulated_cohort_is_read_back_by_joint() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("cohort");
    let (code, _, err) =
        run(herscope().args(["simulate", "joint", "--n", "150", "--seed", "4", "--out"]).arg(&out));
    assert_eq!(code, 0, "{err}");
    let fit = document(run(herscope()
        .arg("joint")
        .arg("--long")
        .arg(out.join("visits.csv"))
        .arg("--subjects")
        .arg(out.join("subjects.csv"))
        .args(["--id", "id", "--visit-time", "month", "--marker", "ctc", "--time", "time"])
        .args(["--event", "event", "--json"])
        .args(POISSON)));
    let truth: Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("truth.json")).expect("the truth"))
            .expect("JSON");
    for parameter in fit["parameters"].as_array().expect("parameters") {
        let name = parameter["name"].as_str().expect("a name");
        let number = |value: &Value| value.as_f64().expect("a number");
        let off = (number(&parameter["estimate"]) - number(&truth["truth"][name]))
            / number(&parameter["se"]);
        assert!(off.abs() < 4.0, "{name} is {off:.1} standard errors off");
    }
}
