//! Every hard file under every combination of options: a typed status, finite numbers, and the
//! order that limits, probabilities and counts must keep.

use herscope::pipeline::survive::{SurviveSettings, run_survive};
use herscope::survival::{ConfLevel, ConfType, Confidence, Ties, TimeTransform};
use serde_json::Value;

use crate::hard::cohort;
use crate::reference::data_path;

/// Terms that grow without bound, and where to.
type Limits = &'static [(&'static str, &'static str)];

/// What must become of each file's Cox model, and the limits of its terms. By hand: see the README
/// of the folder for what each file holds.
const STATUS: [(&str, &str, Limits); 24] = [
    ("all_censored", "not_identified", &[]),
    ("arm_without_event", "monotone_likelihood", &[("arm=b", "-inf")]),
    ("complete_ties", "converged", &[]),
    ("constant_covariate", "not_identified", &[]),
    ("covariate_1e-6", "converged", &[]),
    ("covariate_1e6", "converged", &[]),
    ("empty_risk_sets", "converged", &[]),
    ("events_at_zero", "converged", &[]),
    ("extreme_weights", "converged", &[]),
    ("four_arms", "not_identified", &[]),
    ("huge_ties", "converged", &[]),
    ("identical_covariates", "singular", &[]),
    ("late_arm", "not_identified", &[]),
    ("level_without_event", "monotone_likelihood", &[("xsite=south", "-inf")]),
    ("monotone_one_of_two", "monotone_likelihood", &[("x", "+inf")]),
    ("one_event", "monotone_likelihood", &[("arm=b", "-inf"), ("x", "-inf")]),
    ("one_subject", "not_identified", &[]),
    ("perfect_separation", "monotone_likelihood", &[("x", "+inf")]),
    ("rounded_times", "converged", &[]),
    ("strata_and_clusters", "converged", &[]),
    ("text_levels", "converged", &[]),
    ("times_1e-12", "converged", &[]),
    ("times_1e12", "converged", &[]),
    ("two_subjects", "monotone_likelihood", &[("arm=b", "-inf")]),
];

/// All combinations of the command's options.
fn every_setting(tau: f64) -> Vec<SurviveSettings> {
    let mut settings = Vec::new();
    for kind in [ConfType::Log, ConfType::LogLog, ConfType::Plain, ConfType::Logit] {
        for ties in [Ties::Efron, Ties::Breslow] {
            for rho in [0.0, 0.5, 1.0] {
                for rmst_tau in [None, Some(tau)] {
                    for zph in [
                        TimeTransform::KaplanMeier,
                        TimeTransform::Identity,
                        TimeTransform::Rank,
                        TimeTransform::Log,
                    ] {
                        for firth in [false, true] {
                            let confidence = Confidence { level: ConfLevel::DEFAULT, kind };
                            settings.push(SurviveSettings {
                                confidence,
                                ties,
                                rho,
                                rmst_tau,
                                zph,
                                firth,
                                ..SurviveSettings::default()
                            });
                        }
                    }
                }
            }
        }
    }
    settings
}

/// A horizon inside the follow-up of `name`.
fn horizon(name: &str) -> f64 {
    match name {
        "times_1e12" => 9e12,
        "times_1e-12" => 9e-12,
        _ => 7.5,
    }
}

/// Files in which nothing identifies a term.
fn firthless(name: &str) -> bool {
    ["all_censored", "one_subject"].contains(&name)
}

/// JSON has no NaN, and serde writes null for it: the document's own numbers are looked at.
fn assert_finite(what: &str, document: &impl std::fmt::Debug) {
    let text = format!("{document:?}");
    for bad in [": NaN", "(NaN", ": inf", "(inf", ": -inf", "(-inf"] {
        assert!(!text.contains(bad), "{what}: a number is not finite in {text}");
    }
}

/// What holds of every object of a document, whatever the data.
fn assert_sane(what: &str, value: &Value) {
    let Value::Object(fields) = value else {
        if let Value::Array(items) = value {
            items.iter().for_each(|item| assert_sane(what, item));
        }
        return;
    };
    let number = |key: &str| fields.get(key).and_then(Value::as_f64);
    for key in ["p", "survival"] {
        assert!(number(key).is_none_or(|p| (0.0..=1.0).contains(&p)), "{what}: {key} of {value}");
    }
    for key in ["se", "std_err", "chisq", "n_at_risk", "n_events", "n_censored", "hazard_ratio"] {
        assert!(number(key).is_none_or(|v| v >= 0.0), "{what}: {key} of {value}");
    }
    let between = ["median", "estimate", "hazard_ratio", "survival"].into_iter().find_map(number);
    let (lower, upper) = (number("lower"), number("upper"));
    if let (Some(lower), Some(upper)) = (lower, upper) {
        assert!(lower <= upper, "{what}: limits of {value}");
        let inside = between.is_none_or(|v| {
            let slack = 1e-12 * v.abs();
            lower - slack <= v && v <= upper + slack
        });
        assert!(inside, "{what}: limits of {value}");
    }
    fields.values().for_each(|field| assert_sane(what, field));
}

#[test]
fn every_hard_file_has_its_status_under_every_combination_of_options() {
    let mut documents = 0;
    for (name, status, limits) in STATUS {
        let cohort = cohort(name, true);
        // Of the 500 rows one combination in 11: each option still takes each of its values.
        let step = if cohort.n() > 100 { 11 } else { 1 };
        for settings in every_setting(horizon(name)).into_iter().step_by(step) {
            let what = format!("{name} {settings:?}");
            let document = run_survive(&cohort, &settings).expect("valid settings");
            assert_finite(&what, &document);
            let text = serde_json::to_string(&document).expect("a document is JSON");
            let json: Value = serde_json::from_str(&text).expect("and reads back");
            assert_sane(&what, &json);
            let cox = &json["cox"];
            assert_eq!(cox["status"], status, "{what}");
            let found: Vec<(&str, &str)> = document
                .cox
                .iter()
                .flat_map(|cox| &cox.terms)
                .filter_map(|term| Some((term.name.as_str(), term.limit.as_deref()?)))
                .collect();
            assert_eq!(found, limits, "{what}: limits");
            assert_eq!(
                json["firth"].is_null(),
                !settings.firth || firthless(name),
                "{what}: firth"
            );
            let unfinished =
                document.warnings.iter().find(|warning| warning.code.ends_with("max_iterations"));
            assert_eq!(unfinished, None, "{what}: every search ends");
            documents += 1;
        }
    }
    assert_eq!(documents, 23 * 384 + 35, "files and combinations");
}

#[test]
fn the_table_of_statuses_names_every_hard_file() {
    let folder = std::fs::read_dir(data_path("survival/hard")).expect("the folder is there");
    let mut files: Vec<String> = folder
        .filter_map(|entry| entry.expect("readable").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".csv").map(str::to_owned))
        .collect();
    files.sort();
    assert_eq!(files, STATUS.map(|(name, ..)| name), "files in the folder");
}

#[test]
fn one_time_of_events_leaves_nothing_to_test_about_time() {
    // Every event at one time: no function of time varies, so there is no test of its effect.
    for name in ["complete_ties", "times_1e-12"] {
        for settings in every_setting(horizon(name)) {
            let document = run_survive(&cohort(name, true), &settings).expect("valid settings");
            assert_eq!(document.ph_test, None, "{name} {settings:?}");
        }
    }
}
