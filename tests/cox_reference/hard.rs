//! Data that break a careless maximiser: the right answer or a typed status, never a NaN.

use herscope::survival::{
    CoefLimit, CovariateColumn, CoxData, CoxFit, CoxOptions, CoxStatus, Outcome, Ties,
    TimeTransform, baseline_hazard, cox_residuals, cox_zph, fit_cox, fit_firth, profile_limits,
};

use crate::support::DataSet;

pub(crate) fn data(time: &[f64], event: &[u8], columns: &[&[f64]]) -> CoxData {
    let outcome = Outcome::right_censored(time.to_vec(), event.iter().map(|e| *e == 1).collect())
        .expect("valid rows");
    let covariates = columns
        .iter()
        .enumerate()
        .map(|(k, values)| CovariateColumn { name: format!("x{k}"), values: values.to_vec() })
        .collect();
    CoxData { outcome, covariates, strata: None, cluster: None }
}

pub(crate) fn fit(data: &CoxData, ties: Ties) -> CoxFit {
    fit_cox(data, &CoxOptions { ties, ..CoxOptions::default() }).expect("valid data")
}

const ALL_TIES: [Ties; 3] = [Ties::Efron, Ties::Breslow, Ties::Exact];

/// Fits by every method and uses every derived quantity; panics on a number that is not finite.
fn fit_all(data: &CoxData) -> [CoxFit; 3] {
    ALL_TIES.map(|ties| {
        let fit = fit(data, ties);
        let mut numbers = vec![
            fit.partial_log_likelihood,
            fit.partial_log_likelihood_null,
            fit.likelihood_ratio.chisq,
            fit.likelihood_ratio.p,
            fit.score.chisq,
            fit.score.p,
        ];
        numbers.extend(fit.wald.map(|test| test.chisq));
        numbers.extend(
            fit.terms.iter().flat_map(|term| [term.coef, term.se, term.z(), term.p()]).flatten(),
        );
        numbers.extend_from_slice(fit.variance());
        numbers.extend_from_slice(&fit.information);
        let concordance = fit.concordance(data).expect("the fit's own data");
        numbers.extend([concordance.estimate, concordance.std_err].into_iter().flatten());
        if let Some(residuals) = cox_residuals(data, &fit) {
            numbers.extend(residuals.martingale.iter().chain(&residuals.deviance));
            numbers.extend(&residuals.score);
        }
        if let Some(curve) = baseline_hazard(data, &fit)
            .and_then(|baseline| baseline.predict(0, &vec![0.0; data.covariates.len()]))
        {
            numbers.extend(curve.iter().flat_map(|step| [step.cumulative_hazard, step.std_err]));
        }
        if let Some(test) = cox_zph(data, &fit, TimeTransform::Identity) {
            numbers.extend(test.terms.iter().map(|(_, test)| test.chisq));
        }
        for term in 0..data.covariates.len() {
            if let Some(limits) = profile_limits(data, &fit, term, 0.95) {
                numbers.extend([limits.lower, limits.upper].into_iter().flatten());
            }
        }
        if ties != Ties::Exact
            && let Some(firth) = fit_firth(data, ties, 0.95).expect("valid data")
        {
            numbers.push(firth.penalized_log_likelihood);
            numbers.extend(firth.terms.iter().filter_map(|term| term.coef));
        }
        assert!(numbers.iter().all(|v| v.is_finite()), "{ties:?}: {numbers:?} in {fit:?}");
        fit
    })
}

fn assert_close(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{what}: found {found}, expected {expected}");
}

#[test]
fn six_rows_have_the_closed_forms_of_breslow_and_efron() {
    // Test data 1 of survival's validation. With r = exp(beta) the likelihoods are
    // Breslow 2 log r - log(3r + 3) - 2 log(r + 3), maximal where r^2 - 3r - 6 = 0;
    // Efron 2 log r - log(3r + 3) - log(r + 3) - log((r + 5) / 2), maximal where
    // r^3 - 23r - 30 = 0, r = 2 sqrt(23/3) cos(acos(15 (3/23)^1.5) / 3).
    let six = data(
        &[9.0, 1.0, 1.0, 6.0, 6.0, 8.0],
        &[1, 1, 0, 1, 1, 0],
        &[&[0.0, 1.0, 1.0, 1.0, 0.0, 0.0]],
    );
    let breslow = fit(&six, Ties::Breslow);
    let r = 1.5 + 33.0_f64.sqrt() / 2.0;
    assert_close("Breslow", breslow.terms[0].coef.expect("finite"), r.ln(), 1e-9);
    let value = 2.0 * r.ln() - (3.0 * r + 3.0).ln() - 2.0 * (r + 3.0).ln();
    assert_close("Breslow's likelihood", breslow.partial_log_likelihood, value, 1e-12);
    let information = r / (1.0 + r).powi(2) + 2.0 * 3.0 * r / (r + 3.0).powi(2);
    assert_close("Breslow's information", breslow.information[0], information, 1e-9);
    let efron = fit(&six, Ties::Efron);
    let r =
        2.0 * (23.0_f64 / 3.0).sqrt() * ((15.0 * (3.0_f64 / 23.0).powf(1.5)).acos() / 3.0).cos();
    assert_close("Efron", efron.terms[0].coef.expect("finite"), r.ln(), 1e-9);
    // At zero Breslow's score is 1/2 + 1/2 with information 1/4 + 2 * 3/16; Efron's second tied
    // event has mean 1/6, so score 13/12 and information 1/4 + 3/16 + 5/36 = 83/144.
    assert_close("score", breslow.score.chisq, 1.0 / 0.625, 1e-12);
    assert_close("score", efron.score.chisq, 169.0 / 83.0, 1e-12);
    fit_all(&six);
}

#[test]
fn no_event_is_not_identified() {
    for fit in fit_all(&data(&[1.0, 2.0, 3.0], &[0, 0, 0], &[&[0.0, 1.0, 2.0]])) {
        let expected = CoxStatus::NotIdentified { terms: vec!["x0".into()] };
        assert_eq!(fit.status, expected, "without an event nothing is known");
        assert_eq!(fit.terms[0].coef, None, "no estimate");
        assert_eq!(fit.likelihood_ratio.df, 0, "no degree of freedom");
    }
}

#[test]
fn one_subject_and_two_subjects_are_answered() {
    for fit in fit_all(&data(&[4.0], &[1], &[&[1.0]])) {
        assert_eq!(fit.status.name(), "not_identified", "nobody to compare with");
    }
    for fit in fit_all(&data(&[1.0, 2.0], &[1, 1], &[&[1.0, 0.0]])) {
        assert_eq!(fit.terms[0].limit, Some(CoefLimit::PlusInfinity), "the exposed fails first");
        // log(1/2) rises to log(1) = 0.
        assert_close("limit", fit.partial_log_likelihood, 0.0, 1e-12);
        assert_close("null", fit.partial_log_likelihood_null, -(2.0_f64.ln()), 1e-12);
        assert_eq!(fit.wald, None, "no Wald test of an infinite estimate");
    }
}

#[test]
fn one_event_is_monotone_or_not_identified() {
    let one = |x: &[f64]| fit_all(&data(&[1.0, 2.0, 3.0], &[1, 0, 0], &[x]));
    for fit in one(&[0.0, 1.0, 1.0]) {
        assert_eq!(fit.terms[0].limit, Some(CoefLimit::MinusInfinity), "lowest of all fails");
    }
    for fit in one(&[1.0, 0.0, 2.0]) {
        // The middle value fails: 1/(1 + e^-b + e^b) is largest at b = 0.
        assert_eq!(fit.status, CoxStatus::Converged, "a finite maximum");
        assert_close("middle", fit.terms[0].coef.expect("finite"), 0.0, 1e-9);
    }
}

#[test]
fn an_arm_that_left_before_the_first_event_of_the_other_is_flat() {
    // Both arms have events, but never while the other is at risk.
    let late = data(&[1.0, 2.0, 3.0, 4.0], &[0, 0, 1, 1], &[&[0.0, 0.0, 1.0, 1.0]]);
    for fit in fit_all(&late) {
        assert_eq!(fit.status.name(), "not_identified", "no event time has both arms at risk");
    }
    let reversed = data(&[1.0, 2.0, 3.0, 4.0], &[1, 1, 1, 1], &[&[0.0, 0.0, 1.0, 1.0]]);
    for fit in fit_all(&reversed) {
        assert_eq!(fit.terms[0].limit, Some(CoefLimit::MinusInfinity), "arm 0 always first");
    }
}

#[test]
fn an_arm_without_event_leaves_the_other_terms_their_limit_values() {
    // R: coxph(Surv(time, event) ~ b + x) of these rows warns; its x settles at the value of the
    // rows outside arm b, coxph(Surv(time, event) ~ x, subset = b == 0).
    let time: Vec<f64> = (1..=12).map(f64::from).collect();
    let event = [1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1];
    let arm = [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    let x = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 5.0, 8.0];
    let fits = fit_all(&data(&time, &event, &[&arm, &x]));
    let keep: Vec<usize> = (0..12).filter(|&i| arm[i] == 0.0).collect();
    let pick = |column: &[f64]| -> Vec<f64> { keep.iter().map(|&i| column[i]).collect() };
    let rest = data(&pick(&time), &[1; 8], &[&pick(&x)]);
    for (fit, rest) in fits.iter().zip(fit_all(&rest)) {
        assert_eq!(
            fit.status,
            CoxStatus::MonotoneLikelihood { terms: vec!["x0".into()] },
            "only the arm has no finite estimate"
        );
        assert_eq!(fit.terms[0].limit, Some(CoefLimit::MinusInfinity), "no event in the arm");
        let (found, expected) = (&fit.terms[1], &rest.terms[0]);
        assert_close("x", found.coef.expect("finite"), expected.coef.expect("finite"), 1e-9);
        assert_close("se", found.se.expect("finite"), expected.se.expect("finite"), 1e-9);
        assert_close("limit", fit.partial_log_likelihood, rest.partial_log_likelihood, 1e-10);
        assert_eq!(fit.likelihood_ratio.df, 2, "the arm counts in the test");
    }
}

#[test]
fn a_monotone_combination_is_found_though_no_column_is_monotone() {
    // The event always has the largest x0 + x1 at risk, while neither column orders the events.
    let x0 = [5.0, 1.0, 4.0, 0.0, 3.0, -1.0, 0.5, -2.0];
    let x1 = [1.0, 4.5, 1.0, 4.0, 0.0, 3.0, 0.5, 1.0];
    let time: Vec<f64> = (1..=8).map(f64::from).collect();
    for fit in fit_all(&data(&time, &[1; 8], &[&x0, &x1])) {
        assert_eq!(fit.status.name(), "monotone_likelihood", "x0 + x1 predicts every failure");
        assert_close("limit", fit.partial_log_likelihood, 0.0, 1e-9);
        for term in &fit.terms {
            assert_eq!(term.limit, Some(CoefLimit::PlusInfinity), "{} grows", term.name);
        }
    }
}

#[test]
fn a_monotone_combination_keeps_what_it_does_not_decide() {
    // As above, each failure doubled by a row of equal x0, x1: the pair competes on x2 alone.
    let x0 = [5.0, 5.0, 1.0, 1.0, 4.0, 4.0, 0.0, 0.0, 3.0, 3.0];
    let x1 = [1.0, 1.0, 4.5, 4.5, 1.0, 1.0, 4.0, 4.0, 0.0, 0.0];
    let x2 = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 2.0, 0.0, 1.0, 3.0];
    let time: Vec<f64> = (1..=10).map(f64::from).collect();
    let all = data(&time, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1], &[&x0, &x1, &x2]);
    // Pairs are strata in the limit; the second of a pair is alone when it fails.
    let mut pairs = data(&time, &[1; 10], &[&x2]);
    pairs.strata = Some((0..10).map(|i| i / 2).collect());
    for (fit, limit) in fit_all(&all).iter().zip(fit_all(&pairs)) {
        assert_eq!(fit.status.name(), "monotone_likelihood", "{fit:?}");
        let (found, expected) = (fit.terms[2].coef, limit.terms[0].coef);
        assert_close("x2", found.expect("finite"), expected.expect("finite"), 1e-6);
        assert_close("limit", fit.partial_log_likelihood, limit.partial_log_likelihood, 1e-8);
    }
}

#[test]
fn a_monotone_term_has_one_profile_limit() {
    let zero = DataSet::read("tiny_zero_event").cox_data(&["arm01".to_owned()]);
    let fit = fit(&zero, Ties::Efron);
    let limits = profile_limits(&zero, &fit, 0, 0.95).expect("a monotone term");
    assert_eq!(limits.lower, None, "unbounded below");
    // At the five events the arms have these many at risk; the limit is -log(7 * 6 * 4 * 3).
    let at_risk = [(7.0, 6.0), (6.0, 5.0), (4.0, 4.0), (3.0, 4.0), (1.0, 1.0)];
    let value = |b: f64| -at_risk.iter().map(|(a, o)| (a + o * b.exp()).ln()).sum::<f64>();
    let upper = limits.upper.expect("bounded above");
    let drop = 2.0 * (-(504.0_f64.ln()) - value(upper));
    assert_close("likelihood ratio at the limit", drop, 3.841_458_820_694_124, 1e-8);
}

#[test]
fn complete_ties_and_time_zero_are_answered() {
    for fit in fit_all(&data(&[0.0; 4], &[1; 4], &[&[0.0, 1.0, 0.0, 1.0]])) {
        let expected = if fit.ties == Ties::Exact { "not_identified" } else { "converged" };
        assert_eq!(fit.status.name(), expected, "everybody fails at once");
    }
    let huge = data(
        &[vec![0.0; 300], vec![1.0; 300]].concat(),
        &[vec![1; 200], vec![0; 100], vec![1; 150], vec![0; 150]].concat(),
        &[&(0..600).map(|i| f64::from(i * 7 % 11)).collect::<Vec<_>>()],
    );
    for fit in fit_all(&huge) {
        assert_eq!(fit.status, CoxStatus::Converged, "{fit:?}");
    }
}

#[test]
fn constant_and_collinear_columns_are_named() {
    let time: Vec<f64> = (1..=8).map(f64::from).collect();
    let x = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
    let event = [1, 0, 1, 1, 1, 0, 1, 1];
    let alone = fit_all(&data(&time, &event, &[&x]));
    for (fit, alone) in fit_all(&data(&time, &event, &[&[2.0; 8], &x])).iter().zip(&alone) {
        assert_eq!(fit.status, CoxStatus::NotIdentified { terms: vec!["x0".into()] }, "constant");
        assert_eq!(fit.terms[0].coef, None, "no estimate of a constant");
        let (found, expected) = (fit.terms[1].coef, alone.terms[0].coef);
        assert_close("x", found.expect("finite"), expected.expect("finite"), 1e-9);
    }
    let affine = x.map(|v| 1e6 - 2.5 * v);
    for (fit, alone) in fit_all(&data(&time, &event, &[&x, &affine])).iter().zip(&alone) {
        assert_eq!(fit.status, CoxStatus::Singular { terms: vec!["x1".into()] }, "affine copy");
        let (found, expected) = (fit.terms[0].coef, alone.terms[0].coef);
        assert_close("x", found.expect("finite"), expected.expect("finite"), 1e-8);
        assert_eq!(fit.likelihood_ratio.df, 1, "one column of information");
    }
    let three = data(
        &time,
        &event,
        &[&x, &time, &x.iter().zip(&time).map(|(a, b)| a + b).collect::<Vec<_>>()],
    );
    let fit = fit(&three, Ties::Efron);
    assert!(!matches!(fit.status, CoxStatus::Converged), "a sum of two columns: {:?}", fit.status);
}

#[test]
fn the_scale_of_a_covariate_does_not_matter() {
    let time: Vec<f64> = (1..=8).map(f64::from).collect();
    let x = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
    let event = [1, 0, 1, 1, 1, 0, 1, 1];
    let plain = fit_all(&data(&time, &event, &[&x]));
    for factor in [1e6, 1e-6, 1e150, 1e-150, -1.0] {
        let scaled = x.map(|v| v * factor);
        for (fit, plain) in fit_all(&data(&time, &event, &[&scaled])).iter().zip(&plain) {
            let found = fit.terms[0].coef.expect("finite") * factor;
            assert_close("scaled", found, plain.terms[0].coef.expect("finite"), 1e-9);
        }
    }
}

#[test]
fn bad_requests_are_refused_with_their_place() {
    let mut bad = data(&[1.0, 2.0], &[1, 1], &[&[1.0, f64::NAN]]);
    let error = fit_cox(&bad, &CoxOptions::default()).expect_err("NaN is no covariate");
    assert!(error.is_input() && error.to_string().contains("x0, row 2"), "{error}");
    bad.covariates[0].values = vec![1.0];
    assert!(fit_cox(&bad, &CoxOptions::default()).is_err(), "a short column");
    bad.covariates.clear();
    let error = fit_cox(&bad, &CoxOptions::default()).expect_err("nothing to fit");
    assert!(error.is_usage(), "{error}");
}

#[test]
fn a_covariate_that_separates_widely_spaced_rows_neither_overflows_nor_stalls() {
    // Linear predictors of some hundreds at the maximum; late entries leave small risk sets.
    let time: Vec<f64> = (1..=40).map(f64::from).collect();
    let x: Vec<f64> =
        (0..40).map(|i| -f64::from(i) + if i % 13 == 5 { -1.5 } else { 0.0 }).collect();
    let mut steep = data(&time, &[1; 40], &[&x]);
    let fit_plain = fit(&steep, Ties::Efron);
    assert_eq!(fit_plain.status, CoxStatus::Converged, "{fit_plain:?}");
    let entry = time.iter().map(|t| (t - 6.0).max(0.0)).collect();
    steep.outcome = Outcome::new(
        time.clone(),
        vec![true; 40],
        Some(entry),
        None,
        herscope::survival::TieRepair::Keep,
    )
    .expect("valid rows");
    let truncated = fit(&steep, Ties::Efron);
    assert_eq!(truncated.status, CoxStatus::Converged, "{truncated:?}");
}
