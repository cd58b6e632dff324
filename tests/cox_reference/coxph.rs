//! `cox.MODEL.efron` and `cox.MODEL.breslow` of every set.

use herscope::survival::{
    ChiSquaredTest, CoefLimit, CoxData, CoxFit, CoxOptions, CoxStatus, Ties, fit_cox,
};
use serde_json::Value;

use crate::support::{Comparison, DATA_SETS, DataSet, entries, strings};

/// Calls `visit` with each reference model: its label, data set, covariates, ties and values.
pub(crate) fn each_model(
    block: &str,
    mut visit: impl FnMut(&str, &DataSet, Vec<String>, Ties, &Value),
) {
    for name in DATA_SETS {
        let set = DataSet::read(name);
        for (model, by_ties) in entries(&set.expected[block]) {
            for (ties_name, expected) in entries(by_ties) {
                let ties = if ties_name == "efron" { Ties::Efron } else { Ties::Breslow };
                let covariates = strings(&set.expected["cox"][model][ties_name]["covariates"]);
                visit(&format!("{name} {model} {ties_name}"), &set, covariates, ties, expected);
            }
        }
    }
}

#[test]
fn every_cox_model_equals_coxph() {
    let mut comparison = Comparison::default();
    each_model("cox", |label, set, covariates, ties, expected| {
        let data = set.cox_data(&covariates);
        let fit = fit_cox(&data, &CoxOptions { ties, ..CoxOptions::default() })
            .expect("reference data are valid");
        comparison.equal(label, fit.n as u64, expected["n"].as_u64().expect("a count"));
        comparison.equal(label, fit.n_events as u64, expected["events"].as_u64().expect("a count"));
        compare_status(&mut comparison, label, &fit, expected);
        let monotone = matches!(fit.status, CoxStatus::MonotoneLikelihood { .. });
        // The limit itself was reached by R only to where its iterations stopped.
        let tolerance = if monotone { 1e-5 } else { 1e-6 };
        let mut absolute = |key: &str, found, tolerance| {
            comparison.absolute(&format!("{label} {key}"), found, &expected[key], tolerance);
        };
        absolute("loglik_null", fit.partial_log_likelihood_null, 1e-6);
        absolute("loglik", fit.partial_log_likelihood, tolerance);
        let mut test = |key: &str, found: ChiSquaredTest| {
            let what = format!("{label} {key}");
            comparison.relative(&what, found.chisq, &expected[key]["chisq"], 1e-5);
            comparison.relative(&what, found.p, &expected[key]["p"], 1e-5);
            comparison.equal(&what, found.df as u64, expected[key]["df"].as_u64().expect("df"));
        };
        test("lr_test", fit.likelihood_ratio);
        test("score_test", fit.score);
        if !monotone {
            let wald = fit.wald.unwrap_or_else(|| panic!("{label}: no Wald test, {fit:?}"));
            test("wald_test", wald);
        }
        compare_concordance(&mut comparison, label, &data, &fit, &expected["concordance"]);
        if fit.status == CoxStatus::Converged {
            compare_terms(&mut comparison, label, &fit, expected);
        }
    });
    comparison.finish(1200);
}

fn compare_status(comparison: &mut Comparison, label: &str, fit: &CoxFit, expected: &Value) {
    let limits: Vec<Option<CoefLimit>> = fit.terms.iter().map(|term| term.limit).collect();
    let found = match (&fit.status, limits.as_slice()) {
        (CoxStatus::Converged, _) => "ok",
        (CoxStatus::NotIdentified { .. }, _) => "not_identified",
        (CoxStatus::MonotoneLikelihood { .. }, [Some(CoefLimit::PlusInfinity)]) => {
            "monotone_plus_inf"
        }
        (CoxStatus::MonotoneLikelihood { .. }, [Some(CoefLimit::MinusInfinity)]) => {
            "monotone_minus_inf"
        }
        _ => "another status",
    };
    comparison.equal(label, found, expected["status"].as_str().expect("a status"));
    if found != "ok" {
        let empty = fit.terms.iter().all(|term| term.coef.is_none() && term.se.is_none());
        comparison.equal(label, empty, true);
    }
}

fn compare_concordance(
    comparison: &mut Comparison,
    label: &str,
    data: &CoxData,
    fit: &CoxFit,
    expected: &Value,
) {
    let found = fit.concordance(data).expect("the fit's own data");
    if expected["c"].is_null() {
        comparison.equal(label, found.estimate.is_none() && found.std_err.is_none(), true);
    } else {
        let some = "R has a concordance here";
        let mut absolute = |key: &str, found: Option<f64>, tolerance| {
            let what = format!("{label} concordance {key}");
            comparison.absolute(&what, found.expect(some), &expected[key], tolerance);
        };
        absolute("c", found.estimate, 1e-8);
        absolute("se", found.std_err, 1e-6);
    }
    for (key, found) in [
        ("concordant", found.concordant),
        ("discordant", found.discordant),
        ("tied_x", found.tied_risk),
        ("tied_time", found.tied_time),
        ("tied_both", found.tied_both),
    ] {
        comparison.absolute(&format!("{label} {key}"), found, &expected[key], 1e-9);
    }
}

fn compare_terms(comparison: &mut Comparison, label: &str, fit: &CoxFit, expected: &Value) {
    let p = fit.terms.len();
    for (k, term) in fit.terms.iter().enumerate() {
        let name = &term.name;
        let what = |key: &str| format!("{label} {key} {name}");
        let of = |key: &str| &expected[key][name];
        let finite = "a converged fit has an estimate";
        comparison.absolute(&what("coef"), term.coef.expect(finite), of("coef"), 1e-6);
        comparison.absolute(&what("se"), term.se.expect(finite), of("se"), 1e-6);
        comparison.relative(&what("z"), term.z().expect(finite), of("z"), 1e-5);
        comparison.relative(&what("p"), term.p().expect(finite), of("p"), 1e-5);
        comparison.relative(&what("hr"), term.hazard_ratio().expect(finite), of("hr"), 1e-6);
        let (lower, upper) = term.hazard_ratio_limits(0.95).expect(finite);
        comparison.relative(&what("hr_lower"), lower, of("hr_lower"), 1e-5);
        comparison.relative(&what("hr_upper"), upper, of("hr_upper"), 1e-5);
        for other in 0..p {
            let vcov = &expected["vcov"];
            let cell = if p == 1 { &vcov[0] } else { &vcov[k][other] };
            comparison.absolute(&what("vcov"), fit.variance()[k * p + other], cell, 1e-6);
        }
    }
}
