//! The models of the `survive` document, from CSV file to JSON, against R survival 3.5-3.

use herscope::io::cohort::{CohortRequest, read_cohort};
use herscope::pipeline::survive::{SurviveSettings, run_survive};
use herscope::survival::{Ties, TimeTransform};
use serde_json::Value;

use crate::reference_set::{Comparisons, ReferenceSet, SETS, data_path};

const TIES: [(Ties, &str); 2] = [(Ties::Efron, "efron"), (Ties::Breslow, "breslow")];
/// Coefficients and standard errors, of the sets' README.
const ABSOLUTE: (f64, f64) = (1e-6, 0.0);
/// The README's relative 1e-6 on the log scale; 1e-5 leaves room for exp of large coefficients.
const RATIO: (f64, f64) = (1e-6, 1e-5);
const TESTS: (f64, f64) = (1e-9, 1e-5);

/// The JSON of `survive` on a set with these covariates and no group.
fn json(name: &str, covariates: &Value, settings: &SurviveSettings) -> Value {
    let covariates = covariates.as_array().expect("a list of names");
    let request = CohortRequest {
        time: Some("time".into()),
        event: Some("event".into()),
        covariates: covariates.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        ..CohortRequest::default()
    };
    let cohort = read_cohort(&data_path(&format!("survival/{name}.csv")), &request).expect("valid");
    let document = run_survive(&cohort, settings).expect("valid settings");
    serde_json::to_value(document).expect("a document is JSON")
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

/// Compares a fit without a finite estimate: only what is defined in the limit.
fn check_limit(compared: &mut Comparisons, what: &str, cox: &Value, expected: &Value) {
    let status = expected["status"].as_str().expect("a status");
    let term = &cox["terms"][0];
    let (name, limit) = match status {
        "monotone_plus_inf" => ("monotone_likelihood", Value::from("+inf")),
        "monotone_minus_inf" => ("monotone_likelihood", Value::from("-inf")),
        _ => ("not_identified", Value::Null),
    };
    assert_eq!(cox["status"], name, "{what}: status");
    assert_eq!(term["limit"], limit, "{what}: limit");
    for field in ["coef", "se", "z", "p", "hazard_ratio", "lower", "upper"] {
        assert!(term[field].is_null(), "{what}: {field} has no value");
    }
    compared.check(what, number(&cox["partial_log_likelihood"]), &expected["loglik"], (1e-5, 0.0));
    for (test, reference) in [("likelihood_ratio", "lr_test"), ("score", "score_test")] {
        for field in ["chisq", "p"] {
            let what = format!("{what} {test} {field}");
            let value = number(&cox["tests"][test][field]);
            compared.check(&what, value, &expected[reference][field], (1e-5, 1e-5));
        }
    }
}

fn check_fit(compared: &mut Comparisons, what: &str, cox: &Value, expected: &Value) {
    assert_eq!(cox["status"], "converged", "{what}: status");
    for (field, reference) in
        [("partial_log_likelihood_null", "loglik_null"), ("partial_log_likelihood", "loglik")]
    {
        compared.check(
            &format!("{what} {field}"),
            number(&cox[field]),
            &expected[reference],
            ABSOLUTE,
        );
    }
    for term in cox["terms"].as_array().expect("a list of terms") {
        let name = term["name"].as_str().expect("a name");
        let fields = [
            ("coef", "coef", ABSOLUTE),
            ("se", "se", ABSOLUTE),
            ("z", "z", TESTS),
            ("p", "p", TESTS),
            ("hazard_ratio", "hr", RATIO),
            ("lower", "hr_lower", RATIO),
            ("upper", "hr_upper", RATIO),
        ];
        for (field, reference, tolerance) in fields {
            let what = format!("{what} {name} {field}");
            compared.check(&what, number(&term[field]), &expected[reference][name], tolerance);
        }
    }
    let concordance = [("estimate", "c", (1e-8, 0.0)), ("std_err", "se", ABSOLUTE)];
    for (field, reference, tolerance) in concordance {
        let what = format!("{what} concordance {field}");
        let expected = &expected["concordance"][reference];
        compared.check(&what, number(&cox["concordance"][field]), expected, tolerance);
    }
    for (test, reference) in
        [("likelihood_ratio", "lr_test"), ("wald", "wald_test"), ("score", "score_test")]
    {
        for field in ["chisq", "df", "p"] {
            let what = format!("{what} {test} {field}");
            let value = number(&cox["tests"][test][field]);
            compared.check(&what, value, &expected[reference][field], TESTS);
        }
    }
}

#[test]
fn every_cox_model_of_every_set_comes_through_the_document() {
    let mut compared = Comparisons::default();
    let mut n_models = 0;
    for name in SETS {
        let expected = ReferenceSet::read(name).expected;
        for (model, by_ties) in expected["cox"].as_object().expect("a cox block") {
            for (ties, ties_name) in TIES {
                let expected = &by_ties[ties_name];
                let what = format!("{name} {model} {ties_name}");
                let settings = SurviveSettings { ties, ..SurviveSettings::default() };
                let document = json(name, &expected["covariates"], &settings);
                let cox = &document["cox"];
                assert_eq!(cox["ties"], ties_name, "{what}: ties");
                assert_eq!(cox["n"], expected["n"], "{what}: complete rows");
                assert_eq!(cox["n_events"], expected["events"], "{what}: events");
                match expected["status"].as_str() {
                    Some("ok") => check_fit(&mut compared, &what, cox, expected),
                    _ => check_limit(&mut compared, &what, cox, expected),
                }
                n_models += 1;
            }
        }
    }
    // Each model under two treatments of ties.
    assert_eq!(n_models, 2 * N_MODELS, "models compared");
    // Two log likelihoods, nine test values, two of concordance and seven a term; five without an
    // estimate.
    let expected =
        2 * ((N_MODELS - N_WITHOUT_ESTIMATE) * 13 + 7 * N_TERMS + N_WITHOUT_ESTIMATE * 5);
    assert_eq!(compared.count, expected, "values compared");
}

const N_MODELS: usize = 21;
const N_WITHOUT_ESTIMATE: usize = 2;
/// Terms of the models with an estimate.
const N_TERMS: usize = 43;

#[test]
fn every_test_of_proportional_hazards_comes_through_the_document() {
    let mut compared = Comparisons::default();
    for name in SETS {
        let expected = ReferenceSet::read(name).expected;
        let Some(models) = expected["ph_test"].as_object() else { continue };
        for (model, by_transform) in models {
            for zph in [TimeTransform::KaplanMeier, TimeTransform::Identity] {
                let settings = SurviveSettings { zph, ..SurviveSettings::default() };
                let covariates = &expected["cox"][model]["efron"]["covariates"];
                let ph_test = &json(name, covariates, &settings)["ph_test"];
                let expected = &by_transform[zph.name()];
                assert_eq!(ph_test["transform"], zph.name(), "{name} {model}: transform");
                let terms = ph_test["terms"].as_array().expect("a list of terms");
                let named = terms.iter().map(|term| (term["name"].as_str(), term));
                for (term, test) in named.chain([(Some("GLOBAL"), &ph_test["global"])]) {
                    let term = term.expect("a name");
                    for field in ["chisq", "df", "p"] {
                        let what = format!("{name} {model} {} {term} {field}", zph.name());
                        compared.check(&what, number(&test[field]), &expected[field][term], TESTS);
                    }
                }
            }
        }
    }
    // Two time scales, three values a term and for all terms together.
    let n_models = N_MODELS - N_WITHOUT_ESTIMATE;
    assert_eq!(compared.count, 2 * 3 * (N_TERMS + n_models), "values compared");
}

#[test]
fn every_penalised_model_comes_through_the_document() {
    let mut compared = Comparisons::default();
    let mut n_undefined = 0;
    for name in SETS {
        let expected = ReferenceSet::read(name).expected;
        for (model, by_ties) in expected["firth"].as_object().expect("a firth block") {
            for (ties, ties_name) in TIES {
                let what = format!("{name} {model} {ties_name}");
                let settings = SurviveSettings { ties, firth: true, ..SurviveSettings::default() };
                let covariates = &expected["cox"][model][ties_name]["covariates"];
                let firth = &json(name, covariates, &settings)["firth"];
                let expected = &by_ties[ties_name];
                if expected["undefined"] == true {
                    assert!(firth.is_null(), "{what}: nothing is identified");
                    n_undefined += 1;
                    continue;
                }
                for term in firth["terms"].as_array().expect("a list of terms") {
                    let term_name = term["name"].as_str().expect("a name");
                    let fields = [
                        ("coef", "coef", (5e-6, 0.0)),
                        ("hazard_ratio", "hr", (0.0, 5e-6)),
                        ("lower", "profile_lower_hr", (0.0, 1e-5)),
                        ("upper", "profile_upper_hr", (0.0, 1e-5)),
                        ("p", "p_profile_lr", (0.0, 1e-4)),
                    ];
                    for (field, reference, tolerance) in fields {
                        let what = format!("{what} {term_name} {field}");
                        let expected = &expected[reference][term_name];
                        compared.check(&what, number(&term[field]), expected, tolerance);
                    }
                }
            }
        }
    }
    assert_eq!(n_undefined, 2, "the set without an event, under both treatments of ties");
    assert_eq!(compared.count, 2 * 5 * N_FIRTH_TERMS, "values compared");
}

/// Terms of the penalised models with an estimate.
const N_FIRTH_TERMS: usize = 39;

#[test]
fn a_group_gives_the_published_hazard_ratio_of_the_tdxd_cohort() {
    let mut compared = Comparisons::default();
    let extra = &crate::reference_set::read_json("tdxd-cohort/expected.json")["extra"]["cox"];
    for column in ["ctc_pos_t1", "her2_ctc_pos"] {
        for (ties, ties_name) in TIES {
            let request = CohortRequest {
                time: Some("pfs_days".into()),
                event: Some("pfs_event".into()),
                group: Some(column.into()),
                ..CohortRequest::default()
            };
            let path = data_path("tdxd-cohort/patients.csv");
            let cohort = read_cohort(&path, &request).expect("valid");
            let settings = SurviveSettings { ties, ..SurviveSettings::default() };
            let document = run_survive(&cohort, &settings).expect("valid settings");
            let cox = document.cox.expect("a group makes a model");
            let (term, expected) = (&cox.terms[0], &extra[column][ties_name]);
            assert_eq!(term.name, format!("{column}=1"), "1 against 0");
            let p = |test: Option<herscope::report::ChiSquared>| test.and_then(|t| t.p);
            let values = [
                ("coef", term.coef),
                ("se", term.se),
                ("hr", term.hazard_ratio),
                ("hr_lower95", term.lower),
                ("hr_upper95", term.upper),
                ("p_wald", term.p),
                ("p_lrt", p(cox.tests.likelihood_ratio)),
                ("p_score", p(cox.tests.score)),
            ];
            for (field, value) in values {
                // R's coxph stopped at its default tolerance of 1e-9 in the log likelihood.
                compared.check(&format!("{column} {field}"), value, &expected[field], (1e-8, 1e-6));
            }
        }
    }
    assert_eq!(compared.count, 2 * 2 * 8, "values compared");
}
