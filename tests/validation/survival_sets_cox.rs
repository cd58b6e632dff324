//! The sets of `tests/data/survival`: Cox models, their checks, penalised models.

use herscope::survival::{
    ChiSquaredTest, CoxData, CoxFit, CoxOptions, CoxStatus, FirthFit, FirthTerm, Ties,
    TimeTransform, cox_zph, fit_cox, fit_firth,
};

use crate::ledger::Ledger;
use crate::quantities::{
    CONCORDANCE, COUNTS, COX_ESTIMATE, COX_LIMIT, COX_LOGLIK, COX_NONE, COX_NULL, COX_P, COX_SCORE,
    COX_SCORE_P, COX_VARIANCE, COX_WALD, COXPHF_ESTIMATE, FIRTH_ESTIMATE, FIRTH_LIMITS,
    FIRTH_LOGLIK, FIRTH_P, PH_TEST, Quantity,
};
use crate::reference::Place;
use crate::survival_sets::Rows;

const TIES: [(&str, Ties); 2] = [("efron", Ties::Efron), ("breslow", Ties::Breslow)];

pub(crate) fn compare(ledger: &mut Ledger, rows: &Rows, root: &Place<'_>) {
    for (model, by_ties) in root.at("cox").entries() {
        for (name, ties) in TIES {
            let place = by_ties.at(name);
            let covariates: Vec<String> =
                place.at("covariates").items().iter().map(|c| c.text().to_owned()).collect();
            let data = rows.cox_data(&covariates);
            let fit = fit_cox(&data, &CoxOptions { ties, ..CoxOptions::default() })
                .expect("reference data are valid");
            compare_fit(ledger, rows.n(), &data, &fit, &place);
            if ties == Ties::Efron {
                compare_ph_tests(ledger, &data, &fit, &root.at("ph_test").at(&model));
            }
            let penalised = root.at("firth").at(&model).at(name);
            if penalised.is_there() {
                let firth = fit_firth(&data, ties, 0.95).expect("reference data are valid");
                compare_firth(ledger, fit.n, firth, &penalised);
            }
        }
    }
}

fn compare_fit(
    ledger: &mut Ledger,
    n_rows: usize,
    data: &CoxData,
    fit: &CoxFit,
    place: &Place<'_>,
) {
    let status = place.at("status").text();
    let found = match (&fit.status, fit.terms[0].limit.map(|limit| limit.name())) {
        (CoxStatus::Converged, _) => "ok",
        (CoxStatus::NotIdentified { .. }, _) => "not_identified",
        (CoxStatus::MonotoneLikelihood { .. }, Some("+inf")) => "monotone_plus_inf",
        (CoxStatus::MonotoneLikelihood { .. }, Some("-inf")) => "monotone_minus_inf",
        _ => "another status",
    };
    assert_eq!(found, status, "{}: status", place.what());
    ledger.value(&COUNTS, &place.at("n"), Some(fit.n as f64));
    ledger.value(&COUNTS, &place.at("events"), Some(fit.n_events as f64));
    let dropped = Some((n_rows - fit.n) as f64);
    ledger.value(&COUNTS, &place.at("n_dropped_missing"), dropped);
    ledger.value(&COX_NULL, &place.at("loglik_null"), Some(fit.partial_log_likelihood_null));
    let monotone = status.starts_with("monotone");
    let loglik = if monotone { &COX_LIMIT } else { &COX_LOGLIK };
    ledger.value(loglik, &place.at("loglik"), Some(fit.partial_log_likelihood));
    let p = if monotone { &COX_LIMIT } else { &COX_P };
    compare_test(ledger, (loglik, p), fit.likelihood_ratio, &place.at("lr_test"));
    compare_test(ledger, (&COX_SCORE, &COX_SCORE_P), fit.score, &place.at("score_test"));
    compare_concordance(ledger, data, fit, &place.at("concordance"));
    if status == "ok" {
        let wald = fit.wald.expect("a finite fit has a Wald test");
        compare_test(ledger, (&COX_WALD, &COX_P), wald, &place.at("wald_test"));
        compare_terms(ledger, fit, place);
    } else {
        compare_without_estimate(ledger, fit, place);
    }
}

fn compare_test(
    ledger: &mut Ledger,
    (chisq, p): (&'static Quantity, &'static Quantity),
    test: ChiSquaredTest,
    place: &Place<'_>,
) {
    ledger.value(chisq, &place.at("chisq"), Some(test.chisq));
    ledger.value(&COUNTS, &place.at("df"), Some(test.df as f64));
    ledger.value(p, &place.at("p"), Some(test.p));
}

fn compare_terms(ledger: &mut Ledger, fit: &CoxFit, place: &Place<'_>) {
    let p = fit.terms.len();
    for (k, term) in fit.terms.iter().enumerate() {
        let limits = term.hazard_ratio_limits(0.95);
        let values = [
            (&COX_ESTIMATE, "coef", term.coef),
            (&COX_VARIANCE, "se", term.se),
            (&COX_ESTIMATE, "z", term.z()),
            (&COX_P, "p", term.p()),
            (&COX_ESTIMATE, "hr", term.hazard_ratio()),
            (&COX_ESTIMATE, "hr_lower", limits.map(|limits| limits.0)),
            (&COX_ESTIMATE, "hr_upper", limits.map(|limits| limits.1)),
        ];
        for (quantity, key, value) in values {
            ledger.value(quantity, &place.at(key).at(&term.name), value);
        }
        for other in 0..p {
            let row = if p == 1 { place.at("vcov") } else { place.at("vcov").index(k) };
            let cell = fit.variance()[k * p + other];
            ledger.value(&COX_VARIANCE, &row.index(other), Some(cell));
        }
    }
}

/// R prints where its iteration stood; we have nothing there.
fn compare_without_estimate(ledger: &mut Ledger, fit: &CoxFit, place: &Place<'_>) {
    let term = &fit.terms[0];
    let limits = term.hazard_ratio_limits(0.95).map(|limits| limits.0);
    let values = [
        ("coef", term.coef),
        ("se", term.se),
        ("z", term.z()),
        ("p", term.p()),
        ("hr", term.hazard_ratio()),
        ("hr_lower", limits),
        ("hr_upper", limits),
    ];
    for (key, ours) in values {
        let place = place.at(key).at(&term.name);
        place.take();
        ledger.compare(&COX_NONE, &place, ours, None);
    }
    place.at("vcov").index(0).take();
    let wald = place.at("wald_test");
    if fit.status.name() == "not_identified" {
        let test = fit.wald.expect("a test of no term");
        compare_test(ledger, (&COX_WALD, &COX_P), test, &wald);
        return;
    }
    for key in ["chisq", "df", "p"] {
        wald.at(key).take();
        ledger.compare(&COX_NONE, &wald.at(key), fit.wald.map(|test| test.chisq), None);
    }
}

fn compare_concordance(ledger: &mut Ledger, data: &CoxData, fit: &CoxFit, place: &Place<'_>) {
    let found = fit.concordance(data).expect("the fit's own data");
    let values = [
        ("c", found.estimate),
        ("se", found.std_err),
        ("concordant", Some(found.concordant)),
        ("discordant", Some(found.discordant)),
        ("tied_x", Some(found.tied_risk)),
        ("tied_time", Some(found.tied_time)),
        ("tied_both", Some(found.tied_both)),
    ];
    for (key, value) in values {
        ledger.value(&CONCORDANCE, &place.at(key), value);
    }
}

fn compare_ph_tests(ledger: &mut Ledger, data: &CoxData, fit: &CoxFit, place: &Place<'_>) {
    for (name, place) in place.entries() {
        let transform: TimeTransform = name.parse().expect("a known transform");
        let test = cox_zph(data, fit, transform).expect("a finite fit");
        let global = ("GLOBAL".to_owned(), test.global);
        for (term, test) in test.terms.into_iter().chain([global]) {
            ledger.value(&PH_TEST, &place.at("chisq").at(&term), Some(test.chisq));
            ledger.value(&COUNTS, &place.at("df").at(&term), Some(test.df as f64));
            ledger.value(&PH_TEST, &place.at("p").at(&term), Some(test.p));
        }
    }
}

fn compare_firth(ledger: &mut Ledger, n: usize, fit: Option<FirthFit>, place: &Place<'_>) {
    let Some(fit) = fit else {
        assert_eq!(*place.at("undefined").json(), true, "{}: R has a fit", place.what());
        return;
    };
    assert!(fit.converged, "{}: not converged", place.what());
    ledger.value(&COUNTS, &place.at("n"), Some(n as f64));
    for term in &fit.terms {
        compare_firth_term(ledger, term, place);
    }
    let coxphf = place.at("coxphf");
    if coxphf.is_there() {
        compare_coxphf(ledger, &fit, &coxphf);
    }
    let test = fit.likelihood_ratio;
    ledger.value(&FIRTH_LOGLIK, &place.at("penalized_loglik"), Some(fit.penalized_log_likelihood));
    let null = place.at("penalized_loglik_null");
    ledger.value(&FIRTH_LOGLIK, &null, Some(fit.penalized_log_likelihood_null));
    ledger.value(&FIRTH_LOGLIK, &place.at("plr_chisq"), Some(test.chisq));
    ledger.value(&COUNTS, &place.at("plr_df"), Some(test.df as f64));
    ledger.value(&FIRTH_P, &place.at("plr_p"), Some(test.p));
}

fn compare_firth_term(ledger: &mut Ledger, term: &FirthTerm, place: &Place<'_>) {
    let exp = |value: Option<f64>| value.map(f64::exp);
    let values = [
        (&FIRTH_ESTIMATE, "coef", term.coef),
        (&FIRTH_ESTIMATE, "se_wald", term.se),
        (&FIRTH_ESTIMATE, "hr", exp(term.coef)),
        (&FIRTH_LIMITS, "profile_lower_coef", term.lower),
        (&FIRTH_LIMITS, "profile_upper_coef", term.upper),
        (&FIRTH_LIMITS, "profile_lower_hr", exp(term.lower)),
        (&FIRTH_LIMITS, "profile_upper_hr", exp(term.upper)),
        (&FIRTH_P, "p_profile_lr", term.p),
    ];
    for (quantity, key, value) in values {
        ledger.value(quantity, &place.at(key).at(&term.name), value);
    }
}

fn compare_coxphf(ledger: &mut Ledger, fit: &FirthFit, place: &Place<'_>) {
    for term in &fit.terms {
        let values = [
            ("coef", term.coef),
            ("se_wald", term.se),
            ("lower_hr", term.lower.map(f64::exp)),
            ("upper_hr", term.upper.map(f64::exp)),
        ];
        for (key, value) in values {
            ledger.value(&COXPHF_ESTIMATE, &place.at(key).at(&term.name), value);
        }
    }
}
