//! `survive` as a user meets it: a document of strict types, files that appear whole, refusals.

use crate::{cohort, herscope, run};
use serde::Deserialize;
use std::path::{Path, PathBuf};

fn samples() -> PathBuf {
    cohort().with_file_name("samples.csv")
}

/// `survive` of the golden cohort on its dates.
fn survive(extra: &[&str]) -> (i32, String, String) {
    let dates = ["--start-date", "enrolment_date", "--end-date", "pfs_end_date"];
    run(herscope()
        .arg("survive")
        .arg(cohort())
        .args(dates)
        .args(["--id", "patient_id", "--event", "pfs_event"])
        .args(extra))
}

/// The promised document; a field more or less is a failure.
#[expect(dead_code, reason = "the fields are there to be read by serde")]
mod promised {
    use super::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Document {
        pub(super) schema_version: u32,
        pub(super) command: String,
        pub(super) warnings: Vec<Warning>,
        n: u64,
        n_events: u64,
        n_dropped: u64,
        conf_level: f64,
        conf_type: String,
        follow_up: Median,
        pub(super) groups: Vec<Group>,
        logrank: Option<LogRank>,
        rmst_difference: Option<Difference>,
        cox: Option<Cox>,
        ph_test: Option<PhTest>,
        firth: Option<Firth>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Warning {
        code: String,
        message: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Median {
        median: Option<f64>,
        lower: Option<f64>,
        upper: Option<f64>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Group {
        level: String,
        n: u64,
        n_events: u64,
        median: Option<f64>,
        lower: Option<f64>,
        upper: Option<f64>,
        rmst: Option<Rmst>,
        curve: Vec<Point>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rmst {
        tau: f64,
        estimate: f64,
        std_err: f64,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Point {
        time: f64,
        n_at_risk: u64,
        n_events: u64,
        n_censored: u64,
        survival: f64,
        std_err: Option<f64>,
        lower: Option<f64>,
        upper: Option<f64>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct LogRank {
        rho: f64,
        chisq: f64,
        df: u64,
        p: Option<f64>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Difference {
        tau: f64,
        estimate: f64,
        std_err: f64,
        lower: f64,
        upper: f64,
        p: Option<f64>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Cox {
        ties: String,
        n: u64,
        n_events: u64,
        status: String,
        partial_log_likelihood_null: Option<f64>,
        partial_log_likelihood: Option<f64>,
        terms: Vec<Term>,
        tests: Tests,
        concordance: Concordance,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Term {
        name: String,
        coef: Option<f64>,
        se: Option<f64>,
        z: Option<f64>,
        p: Option<f64>,
        hazard_ratio: Option<f64>,
        lower: Option<f64>,
        upper: Option<f64>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tests {
        likelihood_ratio: Test,
        wald: Test,
        score: Test,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Test {
        chisq: f64,
        df: u64,
        p: f64,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Concordance {
        estimate: f64,
        std_err: f64,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct PhTest {
        transform: String,
        terms: Vec<PhTerm>,
        global: Test,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct PhTerm {
        name: String,
        chisq: f64,
        df: u64,
        p: f64,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Firth {
        terms: Vec<FirthTerm>,
        penalized_log_likelihood: f64,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct FirthTerm {
        name: String,
        coef: f64,
        se: f64,
        hazard_ratio: f64,
        lower: f64,
        upper: f64,
        p: f64,
    }
}

#[test]
fn the_document_has_the_promised_fields_and_no_others() {
    let (code, out, err) =
        survive(&["--group", "her2_ctc_pos", "--rmst", "12", "--firth", "--json"]);
    assert_eq!(code, 0, "{err}");
    let document: promised::Document = serde_json::from_str(&out).expect("the promised document");
    assert_eq!((document.schema_version, document.command.as_str()), (1, "survive"), "header");
    assert_eq!((document.groups.len(), document.warnings.len()), (2, 0), "two groups, no warning");
}

/// What was asked for and only that is added.
#[test]
fn extras_appear_when_asked_for() {
    let asked = [
        (vec!["--quantiles", "0.25"], "/groups/0/quantiles/0/probability"),
        (vec!["--times", "6,12"], "/groups/1/survival_at/1/survival"),
        (vec!["--nelson-aalen"], "/groups/0/cumulative_hazard/0/std_err"),
        (vec!["--pairwise"], "/pairwise/0/p_holm"),
        (vec!["--rmst", "12", "--rmst-ratio"], "/rmst_ratio/std_err_log"),
        (vec!["--robust"], "/cox/terms/0/naive_se"),
        (vec!["--profile"], "/cox/terms/0/profile/lower"),
        (vec!["--baseline"], "/baseline/0/steps/0/survival"),
        (vec!["--residuals"], "/residuals/schoenfeld/0/scaled/0"),
        (vec!["--landmark", "3"], "/landmark/n_events_before"),
    ];
    for (mut flags, pointer) in asked {
        flags.extend(["--group", "her2_ctc_pos", "--json"]);
        let (code, out, err) = survive(&flags);
        assert_eq!(code, 0, "{flags:?}: {err}");
        let document: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let found = document.pointer(pointer).and_then(serde_json::Value::as_f64);
        assert!(found.is_some(), "{flags:?}: {pointer} in {out}");
    }
}

#[test]
fn every_method_of_ties_and_interval_is_named_in_document_and_footnote() {
    for ties in ["efron", "breslow", "exact"] {
        for conf_type in ["log", "log-log", "plain", "logit"] {
            let flags = ["--group", "her2_ctc_pos", "--ties", ties, "--conf-type", conf_type];
            let (code, text, err) = survive(&flags);
            assert_eq!(code, 0, "{flags:?}: {err}");
            let named = if ties == "exact" { "discrete (exact)" } else { &ties[1..] };
            let text = text.replace('\n', " ");
            assert!(text.contains(named) && text.contains("herscope"), "{flags:?}: {text}");
            let (_, json, _) = survive(&[&flags[..], &["--json"]].concat());
            let document: serde_json::Value = serde_json::from_str(&json).expect("JSON");
            assert_eq!(document["cox"]["ties"], ties, "{flags:?}");
            assert_eq!(document["conf_type"], conf_type, "{flags:?}");
        }
    }
}

#[test]
fn an_output_folder_holds_tables_figures_and_a_manifest_that_fits_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("result");
    let flags = ["--group", "centre", "--residuals", "--baseline", "--out"];
    let (code, _, err) = survive(&[&flags[..], &[out.to_str().expect("a path")]].concat());
    assert_eq!(code, 0, "{err}");
    let manifest = std::fs::read_to_string(out.join("manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let outputs = manifest["outputs"].as_array().expect("a list");
    let names: Vec<&str> = outputs.iter().filter_map(|file| file["path"].as_str()).collect();
    let expected = [
        "baseline.csv",
        "cox.csv",
        "curves.csv",
        "figures/hazard_ratios.svg",
        "figures/survival.svg",
        "groups.csv",
        "residuals.csv",
        "schoenfeld.csv",
        "survive.json",
        "survive.txt",
    ];
    assert_eq!(names, expected, "what is written");
    for file in outputs {
        let path = out.join(file["path"].as_str().expect("a path"));
        let hash = herscope::io::hash::sha256_of_file(&path).expect("readable");
        assert_eq!(file["sha256"], hash, "{}", path.display());
    }
    assert_eq!(manifest["settings"]["cohort"]["time_unit"], "months", "defaults are settings too");
    assert_eq!(count_lines(&out.join("residuals.csv")), 61, "a header and sixty rows");
    assert_eq!(count_lines(&out.join("schoenfeld.csv")), 29, "a header and 28 events");
    let (code, _, err) = survive(&[&flags[..], &[out.to_str().expect("a path")]].concat());
    assert_eq!(code, 4, "an existing folder is not overwritten: {err}");
}

fn count_lines(path: &Path) -> usize {
    std::fs::read_to_string(path).expect("readable").lines().count()
}

#[test]
fn new_subjects_get_curves_and_an_unknown_level_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let new = folder.path().join("new.csv");
    let predict = |text: &str| {
        std::fs::write(&new, text).expect("written");
        let path = new.to_str().expect("a path");
        survive(&["--group", "centre", "--covariates", "age_years", "--json", "--predict", path])
    };
    let (code, out, err) = predict("age_years,centre\n60,B\n45,A\n");
    assert_eq!(code, 0, "{err}");
    let document: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(document["predictions"][1]["line"], 3, "the line of the table");
    assert_eq!(document["predictions"][0]["terms"]["centre=B"], 1.0, "coded as in the fit");
    let (code, _, err) = predict("age_years,centre\n60,D\n");
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("row 2, column centre") && err.contains("A, B, C"), "{err}");
    let (code, _, err) = predict("age_years,centre\n,A\n");
    assert_eq!((code, err.contains("column age_years")), (3, true), "a missing value: {err}");
}

#[test]
fn a_marker_of_strangers_and_half_a_request_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let long = folder.path().join("long.csv");
    std::fs::write(&long, "patient_id,day,ctc\nX1,0,3\n").expect("written");
    let path = long.to_str().expect("a path");
    let visits = ["--long", path, "--visit-time", "day", "--marker", "ctc"];
    let (code, _, err) = survive(&visits);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("none of 1 subjects"), "{err}");
    let (code, _, err) = survive(&["--long", path]);
    assert_eq!((code, err.contains("--visit-time")), (2, true), "{err}");
    let (code, _, err) = survive(&["--landmark", "1000"]);
    assert_eq!((code, err.contains("inside the follow-up")), (3, true), "{err}");
}

#[test]
fn a_group_that_became_known_late_is_warned_of_without_a_landmark() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("cohort.csv");
    std::fs::write(&file, "t,e,g,known\n5,1,a,0\n6,1,b,2\n7,0,b,2\n1,1,a,0\n").expect("written");
    let of = |extra: &[&str]| {
        let columns = ["--time", "t", "--event", "e", "--group", "g", "--known-at", "known"];
        run(herscope().arg("survive").arg(&file).args(columns).arg("--json").args(extra))
    };
    let (code, out, err) = of(&[]);
    assert_eq!((code, err.contains("[group_known_late]")), (0, true), "{err}");
    let document: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(document["warnings"][0]["code"], "group_known_late", "also in the document");
    let (_, out, err) = of(&["--landmark", "2"]);
    assert!(!err.contains("group_known_late"), "the landmark is late enough: {err}");
    let document: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(document["landmark"]["n_events_before"], 1, "the one at 1 is out");
}

#[test]
fn samples_of_the_golden_cohort_become_a_group_at_the_landmark() {
    let samples = samples();
    let visits = [
        "--long",
        samples.to_str().expect("a path"),
        "--visit-time",
        "days_from_enrolment",
        "--visit-unit",
        "days",
        "--marker",
        "n_her2pos_ctc",
        "--marker-from",
        "1",
        "--marker-carry",
        "ever",
        "--landmark",
        "3",
    ];
    let (code, text, err) = survive(&visits);
    assert_eq!(code, 0, "{err}");
    for part in ["Landmark at 3 months", "54 of 60 rows", "n_her2pos_ctc>=1 is the group"] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}
