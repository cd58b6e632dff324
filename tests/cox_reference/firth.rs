//! `firth.MODEL.breslow` and `.efron` of every set.

use herscope::survival::{CoxData, Ties, fit_firth};

use crate::coxph::each_model;
use crate::hard::data;
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

#[test]
fn separated_rows_have_profile_limits() {
    // Ten rows that fail in the order of x, arms alternating; and eight rows with one event. Drops
    // of twice the penalised likelihood from its maximum, by a scan of the other coefficient in
    // Python (no derivative, no code of this crate): the limits lie between these coefficients.
    type Drop = (f64, f64);
    let cases: [(&str, &str, Drop, Drop); 6] = [
        ("perfect_separation", "x0", (-3.0, 4.16253), (-2.0, 2.2256)),
        ("perfect_separation", "x0", (3.0, 4.55375), (2.0, 2.59667)),
        ("perfect_separation", "x1", (6.0, 5.5488), (4.0, 1.84091)),
        ("one_event", "x0", (-20.0, 7.90086), (-10.0, 2.9583)),
        ("one_event", "x0", (2.0, 4.207), (1.0, 2.54652)),
        ("one_event", "x1", (-6.0, 4.65009), (-4.0, 2.69491)),
    ];
    for (name, term, (outside, beyond), (inside, within)) in cases {
        let fit = fit_firth(&hard_data(name), Ties::Efron, 0.95).expect("valid rows");
        let fit = fit.expect("both terms are identified");
        assert!(fit.converged, "{name}: every limit was found");
        let found = fit.terms.iter().find(|found| found.name == term).expect("a term");
        let limit = if outside < inside { found.lower } else { found.upper };
        let limit = limit.unwrap_or_else(|| panic!("{name} {term} has a limit towards {outside}"));
        let between = (outside.min(inside)..outside.max(inside)).contains(&limit);
        assert!(between && within < 3.8415 && beyond > 3.8415, "{name} {term}: {limit}");
    }
}

/// The arm (b against a) and x of a hard file, as `x0` and `x1`.
fn hard_data(name: &str) -> CoxData {
    let path = format!("{}/tests/data/survival/hard/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let mut reader = csv::Reader::from_path(path).expect("the file is there");
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let number = |column: usize| -> Vec<f64> {
        rows.iter().map(|row| row[column].parse().expect("a number")).collect()
    };
    let arm: Vec<f64> = rows.iter().map(|row| f64::from(&row[3] == "b")).collect();
    let event: Vec<u8> = rows.iter().map(|row| u8::from(&row[2] == "1")).collect();
    data(&number(1), &event, &[&arm, &number(4)])
}
