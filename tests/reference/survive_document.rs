//! The `survive` document of the T-DXd cohort, from file to JSON.

use herscope::io::cohort::{CohortRequest, read_cohort};
use herscope::pipeline::survive::{SurviveDocument, SurviveSettings, run_survive};
use herscope::report::number_format::PStyle;
use herscope::report::{Analysis, survive_text};
use herscope::survival::{ConfLevel, ConfType, Confidence};
use serde_json::Value;

use crate::reference_set::data_path;

fn request() -> CohortRequest {
    CohortRequest {
        id: Some("patient_id".into()),
        time: Some("pfs_months".into()),
        event: Some("pfs_event".into()),
        group: Some("her2_ctc_pos".into()),
        ..CohortRequest::default()
    }
}

fn settings() -> SurviveSettings {
    let confidence = Confidence { level: ConfLevel::DEFAULT, kind: ConfType::LogLog };
    SurviveSettings { confidence, rmst_tau: Some(12.0), ..SurviveSettings::default() }
}

fn document() -> SurviveDocument {
    let cohort = read_cohort(&data_path("tdxd-cohort/patients.csv"), &request()).expect("valid");
    run_survive(&cohort, &settings()).expect("valid settings")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn the_json_has_the_promised_keys_in_the_promised_order() {
    let json = serde_json::to_value(document()).expect("a document is JSON");
    assert_eq!(
        keys(&json),
        [
            "schema_version",
            "command",
            "warnings",
            "n",
            "n_events",
            "n_dropped",
            "conf_level",
            "conf_type",
            "follow_up",
            "groups",
            "logrank",
            "rmst_difference",
            "cox",
            "ph_test",
            "firth"
        ],
        "the document"
    );
    assert_eq!(keys(&json["follow_up"]), ["median", "lower", "upper"], "follow_up");
    let group = &json["groups"][0];
    assert_eq!(
        keys(group),
        ["level", "n", "n_events", "median", "lower", "upper", "rmst", "curve"],
        "a group"
    );
    assert_eq!(keys(&group["rmst"]), ["tau", "estimate", "std_err"], "a restricted mean");
    assert_eq!(
        keys(&group["curve"][0]),
        ["time", "n_at_risk", "n_events", "n_censored", "survival", "std_err", "lower", "upper"],
        "a row of a curve"
    );
    assert_eq!(keys(&json["logrank"]), ["rho", "chisq", "df", "p"], "the log-rank test");
    assert_eq!(
        keys(&json["rmst_difference"]),
        ["tau", "estimate", "std_err", "lower", "upper", "p"],
        "the difference"
    );
    assert!(group["curve"][0]["n_at_risk"].is_u64(), "counts without weights are integers");
}

#[test]
fn levels_keep_the_text_of_the_file_and_the_reference_comes_first() {
    let document = document();
    let levels: Vec<_> =
        document.groups.iter().map(|group| (group.level.as_str(), group.n)).collect();
    assert_eq!(levels, [("0", 53), ("1", 7)], "HER2+ CTC patients against the rest");
    assert!(document.warnings.is_empty(), "{:?}", document.warnings);
}

#[test]
fn a_cohort_without_a_group_has_one_curve_named_all_and_no_test() {
    let request = CohortRequest { group: None, ..request() };
    let cohort = read_cohort(&data_path("tdxd-cohort/patients.csv"), &request).expect("valid");
    let document = run_survive(&cohort, &settings()).expect("valid settings");
    let [group] = document.groups.as_slice() else {
        panic!("one curve: {}", document.groups.len())
    };
    assert_eq!((group.level.as_str(), group.n, group.n_events), ("all", 60, 28), "the cohort");
    assert!(document.logrank.is_none() && document.rmst_difference.is_none(), "nothing to compare");
}

#[test]
fn the_text_prints_the_medians_of_the_abstract() {
    let document = document();
    let analysis =
        Analysis { survive: document, time_unit: "months".into(), ..Analysis::default() };
    let text = survive_text(&analysis, PStyle::default());
    for part in ["17.2 (95% CI 11.6–21.7)", "13.6 (8.7–21.7)", "25.3 (8.1–not reached)", "p = 0.22"]
    {
        assert!(text.contains(part), "{part} is in\n{text}");
    }
}

/// The same shape and values; numbers to 1e-14 relative, since serde_json reads floats to the last
/// bit only with a feature that is off.
fn agree(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| agree(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b))
        }
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-14 * a.abs(),
            _ => false,
        },
        _ => a == b,
    }
}

#[test]
fn a_document_written_as_json_reads_back_the_same() {
    let document = document();
    let json = serde_json::to_string(&document).expect("a document is JSON");
    let read: SurviveDocument = serde_json::from_str(&json).expect("it reads");
    let value = |report: &SurviveDocument| serde_json::to_value(report).expect("it is JSON");
    let (written, read) = (value(&document), value(&read));
    assert!(agree(&written, &read), "field by field: {written} and {read}");
}
