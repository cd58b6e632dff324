//! `firth.MODEL.breslow` and `.efron` of every set.

use herscope::survival::fit_firth;

use crate::coxph::each_model;
use crate::support::Comparison;

#[test]
fn every_penalised_model_equals_the_reference() {
    let mut comparison = Comparison::default();
    each_model("firth", |label, set, covariates, ties, expected| {
        let data = set.cox_data(&covariates);
        let fit = fit_firth(&data, ties, 0.95).expect("reference data are valid");
        let undefined = expected["undefined"].as_bool().unwrap_or(false);
        comparison.equal(label, fit.is_none(), undefined);
        let Some(fit) = fit else { return };
        comparison.equal(label, fit.converged, true);
        for term in &fit.terms {
            let of = |key: &str| &expected[key][&term.name];
            let what = |key: &str| format!("{label} {key} {}", term.name);
            let mut absolute = |key: &str, found: Option<f64>, tolerance| {
                let found = found.expect("every reference term is identified");
                comparison.absolute(&what(key), found, of(key), tolerance);
            };
            absolute("coef", term.coef, 5e-6);
            absolute("se_wald", term.se, 5e-6);
            absolute("profile_lower_coef", term.lower, 1e-5);
            absolute("profile_upper_coef", term.upper, 1e-5);
            let p = term.p.expect("every reference term has a test");
            comparison.relative(&what("p"), p, of("p_profile_lr"), 1e-4);
        }
        let top = fit.penalized_log_likelihood;
        comparison.absolute(label, top, &expected["penalized_loglik"], 1e-6);
        let null = fit.penalized_log_likelihood_null;
        comparison.absolute(label, null, &expected["penalized_loglik_null"], 1e-6);
        let test = fit.likelihood_ratio;
        comparison.relative(label, test.chisq, &expected["plr_chisq"], 1e-5);
        comparison.relative(label, test.p, &expected["plr_p"], 1e-4);
        let df = expected["plr_df"].as_u64().expect("degrees of freedom");
        comparison.equal(label, test.df as u64, df);
    });
    comparison.finish(400);
}
