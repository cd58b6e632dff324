//! Landmarks, changing markers, dates and predicted curves of the T-DXd cohort against R survival
//! 3.5-3 (`tests/data/survive_timing`).

use herscope::io::cohort::{CohortRequest, read_cohort, read_new_subjects};
use herscope::io::marker_table::{MarkerRequest, read_marker_series};
use herscope::pipeline::survive::{SurviveDocument, SurviveSettings, run_survive};
use herscope::pipeline::survive_timing::{Timing, run_survive_in_time};
use herscope::survival::{Carry, MarkerRule, MarkerSeries};
use herscope::units::TimeUnit;
use serde_json::Value;

use crate::reference_set::{Comparisons, data_path, read_json};

/// Both sides converge far beyond it; R's values have 14 digits.
const FITTED: (f64, f64) = (1e-9, 1e-9);
/// Sums of a few dozen terms, in another order than R's.
const CLOSED_FORM: (f64, f64) = (1e-11, 1e-11);

fn expected() -> Value {
    read_json("survive_timing/expected.json")
}

/// The cohort on its dates, in months.
fn request() -> CohortRequest {
    CohortRequest {
        id: Some("patient_id".into()),
        start_date: Some("enrolment_date".into()),
        end_date: Some("pfs_end_date".into()),
        event: Some("pfs_event".into()),
        ..CohortRequest::default()
    }
}

fn marker() -> MarkerSeries {
    let request = MarkerRequest {
        id: "patient_id".into(),
        visit_time: "days_from_enrolment".into(),
        visit_unit: Some(TimeUnit::Days),
        marker: "n_her2pos_ctc".into(),
    };
    let path = data_path("tdxd-cohort/samples.csv");
    let (series, warnings) =
        read_marker_series(&path, &request, TimeUnit::Months).expect("valid samples");
    assert!(warnings.is_empty(), "every sample is complete: {warnings:?}");
    series
}

fn survive(request: &CohortRequest, timing: &Timing) -> SurviveDocument {
    let cohort = read_cohort(&data_path("tdxd-cohort/patients.csv"), request).expect("valid");
    run_survive_in_time(&cohort, timing, &SurviveSettings::default()).expect("valid settings")
}

#[test]
fn status_at_a_landmark_is_what_was_known_by_then() {
    let mut compared = Comparisons::default();
    let ever = MarkerRule { carry: Carry::Ever, from: Some(1.0) };
    for expected in expected()["landmarks"].as_array().expect("a list of landmarks") {
        let time = expected["landmark"].as_f64().expect("a time");
        let timing = Timing { landmark: Some(time), marker: Some((marker(), ever)) };
        let document = survive(&request(), &timing);
        let [negative, positive] = document.groups.as_slice() else { panic!("two groups") };
        let counts = document.landmark.expect("a landmark");
        let n_out = counts.n_events_before
            + counts.n_censored_before
            + counts.n_not_entered
            + counts.n_unknown;
        assert_eq!(document.n as usize + n_out, counts.n, "everybody is counted once");
        let cox = document.cox.as_ref().expect("a model");
        let values = [
            ("n_used", Some(document.n as f64)),
            ("n_positive", Some(positive.n as f64)),
            ("median_negative", negative.median.median),
            ("median_positive", positive.median.median),
            ("logrank", document.logrank.and_then(|test| test.chisq)),
            ("coef", cox.terms[0].coef),
            ("se", cox.terms[0].se),
            ("loglik_null", cox.partial_log_likelihood_null),
            ("loglik", cox.partial_log_likelihood),
        ];
        for (field, value) in values {
            compared.check(&format!("landmark {time} {field}"), value, &expected[field], FITTED);
        }
    }
    assert_eq!(compared.count, 3 * 9, "values compared");
}

#[test]
fn a_marker_that_changes_is_followed_over_time() {
    let mut compared = Comparisons::default();
    for expected in expected()["changing"].as_array().expect("a list of rules") {
        let carry = if expected["ever"] == true { Carry::Ever } else { Carry::Last };
        let rule = MarkerRule { carry, from: expected["from"].as_f64() };
        let request = CohortRequest { covariates: vec!["age_years".into()], ..request() };
        let timing = Timing { landmark: None, marker: Some((marker(), rule)) };
        let document = survive(&request, &timing);
        let (fit, cox) = (&expected["fit"], document.cox.as_ref().expect("a model"));
        let what = format!("{rule:?}");
        compared.check(&what, cox.partial_log_likelihood_null, &fit["loglik_null"], FITTED);
        // R stops on the way to minus infinity, where its value has this distance left.
        let monotone = cox.status == "monotone_likelihood";
        assert_eq!(monotone, carry == Carry::Last, "R warns of it: {}", cox.status);
        let close = if monotone { (1e-7, 0.0) } else { FITTED };
        compared.check(&what, cox.partial_log_likelihood, &fit["loglik"], close);
        for (index, term) in cox.terms.iter().enumerate().filter(|(_, t)| t.coef.is_some()) {
            compared.check(&what, term.coef, &fit["coef"][index], FITTED);
            compared.check(&what, term.se, &fit["se"][index], FITTED);
        }
        let marker = document.marker.expect("a marker");
        assert_eq!((marker.used_as.as_str(), document.n), ("time_dependent", 60), "subjects");
    }
    assert_eq!(compared.count, 3 * 2 + 2 * 2 + 4, "values compared");
}

#[test]
fn profile_limits_and_robust_errors_reach_the_document() {
    let mut compared = Comparisons::default();
    let request = CohortRequest { covariates: vec!["her2_ctc_pos".into()], ..request() };
    let cohort = read_cohort(&data_path("tdxd-cohort/patients.csv"), &request).expect("valid");
    let settings = SurviveSettings { profile: true, robust: true, ..SurviveSettings::default() };
    let document = run_survive(&cohort, &settings).expect("valid settings");
    let (term, expected) = (&document.cox.expect("a model").terms[0], expected());
    let limits = term.profile.expect("asked for");
    // R's root is bracketed to 1e-12.
    let log = |limit: Option<f64>| limit.map(f64::ln);
    compared.check("lower", log(limits.lower), &expected["profile"]["lower"], (1e-8, 0.0));
    compared.check("upper", log(limits.upper), &expected["profile"]["upper"], (1e-8, 0.0));
    compared.check("robust", term.se, &expected["robust_se"], FITTED);
    assert!(term.naive_se.is_some_and(|naive| Some(naive) != term.se), "both errors are given");
    assert_eq!(compared.count, 3, "values compared");
}

#[test]
fn baseline_and_new_subjects_have_the_curves_that_r_predicts() {
    let mut compared = Comparisons::default();
    let covariates = ["her2_ctc_pos", "age_years", "hr_status"].map(str::to_owned).to_vec();
    let request = CohortRequest { covariates, ..request() };
    let cohort = read_cohort(&data_path("tdxd-cohort/patients.csv"), &request).expect("valid");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("new.csv");
    let new = "hr_status,age_years,her2_ctc_pos\nnegative,50,0\npositive,70,1\n";
    std::fs::write(&path, new).expect("written");
    let settings = SurviveSettings {
        baseline: true,
        new_subjects: Some(read_new_subjects(&path, &cohort).expect("valid subjects")),
        ..SurviveSettings::default()
    };
    let document = run_survive(&cohort, &settings).expect("valid settings");
    let expected = expected();

    // R's table has every distinct time; ours the steps, at event times.
    let baseline = &document.baseline.expect("asked for")[0].steps;
    let times = expected["baseline"]["time"].as_array().expect("times");
    for (index, time) in times.iter().enumerate() {
        let time = time.as_f64().expect("a time");
        let step = baseline.iter().rev().find(|step| step.time <= time + 1e-9);
        let hazard = step.map_or(0.0, |step| step.cumulative_hazard);
        let what = format!("baseline at {time}");
        compared.check(&what, Some(hazard), &expected["baseline"]["hazard"][index], FITTED);
    }

    let predictions = document.predictions.expect("asked for");
    assert_eq!(predictions.iter().map(|p| p.line).collect::<Vec<_>>(), [Some(2), Some(3)], "lines");
    for (subject, curve) in predictions.iter().enumerate() {
        for (index, step) in curve.steps.iter().enumerate() {
            let of = |field: &str| expected["predicted"][field][index][subject].clone();
            let what = format!("subject {subject} step {index}");
            compared.check(&what, Some(step.survival), &of("survival"), FITTED);
            let std_err = step.survival * step.std_err;
            compared.check(&what, Some(std_err), &of("std_err"), FITTED);
            compared.check(&what, Some(step.lower), &of("lower"), FITTED);
            compared.check(&what, Some(step.upper), &of("upper"), FITTED);
        }
    }
    let n_steps = expected["predicted"]["time"].as_array().expect("times").len();
    assert_eq!(compared.count, times.len() + n_steps * 2 * 4, "values compared");
}

#[test]
fn months_from_dates_are_the_months_of_the_table() {
    let mut compared = Comparisons::default();
    let path = data_path("tdxd-cohort/patients.csv");
    let dated = read_cohort(&path, &request()).expect("valid");
    let days = CohortRequest {
        start_date: None,
        end_date: None,
        time: Some("pfs_days".into()),
        ..request()
    };
    let days = read_cohort(&path, &days).expect("valid");
    for (months, days) in dated.outcome.time().iter().zip(days.outcome.time()) {
        compared.check("months", Some(*months), &Value::from(days / 30.4375), CLOSED_FORM);
    }
    assert_eq!(compared.count, 60, "values compared");
}
