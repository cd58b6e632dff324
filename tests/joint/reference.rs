//! Estimates, standard errors and log likelihoods against independent programs.

use herscope::compute::CpuEngine;
use herscope::joint::{Association, Family, RandomEffects};
use herscope::pipeline::joint::{BaselineKind, JointDocument, JointSettings, Knots, run_joint};
use serde_json::Value;

use crate::{ctcjm, golden, pbcseq, repository, settings};

fn expected(path: &str) -> Value {
    let text = std::fs::read_to_string(repository(path)).expect("a file of the repository");
    serde_json::from_str(&text).expect("JSON")
}

/// Our names of the reference's parameters, in our order.
fn name_of(ours: &str) -> String {
    match ours {
        "(Intercept)" => "beta_intercept".into(),
        "log_residual_sd" => "log_sigma".into(),
        "log_sd_intercept" => "log_sd_b0".into(),
        "log_sd_slope" => "log_sd_b1".into(),
        "atanh_correlation" => "atanh_corr".into(),
        "hazard_intercept" => "gamma_intercept".into(),
        other => match other.split_once(':') {
            Some(("association", _)) => "alpha".into(),
            Some(("hazard", name)) => format!("gamma_{name}"),
            _ if other.starts_with("log_") => other.to_owned(),
            _ => format!("beta_{other}"),
        },
    }
}

/// Log likelihood within 0.01, parameters within 0.02 SE, SEs within 1 %, as the sets' README says.
fn assert_equal(document: &JointDocument, expected: &Value, what: &str) {
    assert_eq!(document.status, "converged", "{what}: {}", document.status_reason);
    let log_likelihood = document.log_likelihood.expect("converged");
    let reference = expected["logLik"].as_f64().expect("a number");
    assert!((log_likelihood - reference).abs() < 0.01, "{what}: {log_likelihood}");
    let parameters = expected["parameters"].as_object().expect("an object");
    assert_eq!(document.parameters.len(), parameters.len(), "{what}: {:?}", document.parameters);
    for parameter in &document.parameters {
        let name = name_of(&parameter.name);
        let value = parameters[&name].as_f64().expect("a number");
        let se = expected["se"][&name].as_f64().expect("a number");
        let (found, found_se) =
            (parameter.estimate.expect("converged"), parameter.se.expect("converged"));
        assert!((found - value).abs() < 0.02 * se, "{what}, {name}: {found} beside {value}");
        assert!((found_se / se - 1.0).abs() < 0.01, "{what}, SE of {name}: {found_se} beside {se}");
    }
}

#[test]
fn a_gaussian_marker_equals_exact_maximum_likelihood_and_jm() {
    let reference = expected("tests/data/joint/pbcseq_joint.expected.json");
    let settings = JointSettings { family: Family::Gaussian, ..settings() };
    let document = run_joint(&pbcseq(), &settings, &CpuEngine::new()).expect("a fit").document;
    assert_equal(&document, &reference["exact_ml"], "pbcseq");
    let package = &reference["jm_package"]["pbcseq_weibull_25"];
    let log_likelihood = document.log_likelihood.expect("converged");
    let jm = package["logLik"].as_f64().expect("a number");
    assert!((log_likelihood - jm).abs() < 0.1, "{log_likelihood} beside JM's {jm}");
    let alpha = &document.survival.association[0];
    let (coef, se) = (alpha.coef.expect("converged"), alpha.se.expect("converged"));
    let jm = package["event"]["coef"]["Assoct"].as_f64().expect("a number");
    assert!((coef - jm).abs() < 0.15 * se, "{coef} beside JM's {jm}");
}

#[test]
fn a_piecewise_baseline_equals_jm_on_its_knots() {
    let reference = expected("tests/data/joint/pbcseq_joint.expected.json");
    let package = &reference["jm_package"]["pbcseq_piecewise_15"];
    let knots = package["knots"].as_array().expect("knots");
    let knots = knots.iter().map(|knot| knot.as_f64().expect("a time")).collect();
    let settings = JointSettings {
        family: Family::Gaussian,
        baseline: BaselineKind::Piecewise,
        knots: Some(Knots::At(knots)),
        ..settings()
    };
    let document = run_joint(&pbcseq(), &settings, &CpuEngine::new()).expect("a fit").document;
    let jm = package["logLik"].as_f64().expect("a number");
    assert!((document.log_likelihood.expect("converged") - jm).abs() < 0.1, "{document:?}");
    for piece in 1..=7 {
        let (coef, se) = (&package["event"]["coef"], &package["event"]["se"]);
        let name = format!("log(xi.{piece})");
        let jm = coef[&name].as_f64().expect("a number");
        let se = se[&name].as_f64().expect("a number");
        let found = &document.survival.baseline_parameters[&format!("log_hazard_{piece}")];
        let found = found["estimate"].as_f64().expect("converged");
        assert!((found - jm).abs() < 0.15 * se, "piece {piece}: {found} beside JM's {jm}");
    }
}

#[test]
fn counts_equal_an_independent_quadrature_under_three_associations() {
    let reference = expected("tests/data/joint/ctcjm.expected.json");
    let tables = ctcjm();
    for (model, random, association) in [
        ("A", RandomEffects::Intercept, Association::Shared),
        ("B", RandomEffects::InterceptSlope, Association::Value),
        ("C", RandomEffects::Intercept, Association::Value),
    ] {
        let settings = JointSettings { random, association, ..settings() };
        let document = run_joint(&tables, &settings, &CpuEngine::new()).expect("a fit").document;
        assert_equal(&document, &reference["models"][model], model);
    }
}

#[test]
fn the_golden_cohort_has_the_four_published_answers_with_their_explanation() {
    let reference = expected("tests/data/tdxd-cohort/expected.json");
    let settings = JointSettings {
        family: Family::Gaussian,
        random: RandomEffects::Intercept,
        association: Association::Shared,
        nodes: 20,
        ..settings()
    };
    for marker in ["n_her2pos_ctc", "n_ctc"] {
        for (name, timepoints) in [("T1-T2", &["T1", "T2"][..]), ("T1-T3", &["T1", "T2", "T3"])] {
            let what = format!("{marker} {name}");
            let expected = &reference["extra"]["joint_models"][&what];
            let number = |field: &str| expected[field].as_f64().expect("a number");
            let tables = golden(&format!("log1p({marker})"), timepoints);
            let document =
                run_joint(&tables, &settings, &CpuEngine::new()).expect("a fit").document;
            assert_eq!(document.status, "converged", "{what}: {}", document.status_reason);
            let alpha = &document.survival.association[0];
            // R's search stops at a relative gain of 1e-13 and its standard errors are differences
            // of a likelihood: 1e-3 of each other
            let close = |found: Option<f64>, field: &str| {
                let found = found.expect("converged");
                let error = (found / number(field) - 1.0).abs();
                assert!(error < 1e-3, "{what}, {field}: {found} beside {}", number(field));
            };
            close(alpha.coef, "alpha");
            close(alpha.se, "se");
            close(alpha.p, "p_wald");
            let tests = &document.association_tests;
            close(tests.likelihood_ratio.map(|test| test.p), "p_lrt");
            close(document.log_likelihood, "loglik");
            close(document.longitudinal.residual_sd, "sd_residual");
            close(document.longitudinal.random_effects.sd.intercept, "sd_random_intercept");
            close(document.longitudinal.terms[1].coef, "slope_per_month");
            if marker == "n_her2pos_ctc" {
                assert!(tests.note.contains("differ"), "{what}: {}", tests.note);
                assert!(tests.note.contains("of 60 subjects ever have"), "{what}: {}", tests.note);
            }
        }
    }
}
