//! The hard files: what R gives for them beside the `survive` document and the library.

use herscope::io::cohort::{CohortRequest, read_cohort};
use herscope::pipeline::survive::{SurviveDocument, SurviveSettings, run_survive};
use herscope::report::{ChiSquared, Cox, Group};
use herscope::survival::{
    Cohort, ConfType, CoxData, CoxFit, CoxOptions, KaplanMeier, Ties, TimeTransform, design_matrix,
    fit_cox, fit_pairwise_logrank,
};

use crate::ledger::Ledger;
use crate::quantities::{
    CONCORDANCE, COUNTS, COX_ESTIMATE, COX_LIMIT, COX_LOGLIK, COX_NONE, COX_NULL, COX_SCORE,
    COX_VARIANCE, COX_WALD, FOLLOW_UP, KM_LIMITS, KM_QUANTILES, KM_STD_ERR, KM_SURVIVAL, LOGRANK,
    LOGRANK_P, PH_TEST, RMST,
};
use crate::reference::{Place, Reference, data_path};
use crate::survival_sets::{Rows, compare_quantile, confidence};

const CONF_TYPES: [ConfType; 4] =
    [ConfType::Log, ConfType::LogLog, ConfType::Plain, ConfType::Logit];
const TRANSFORMS: [TimeTransform; 4] =
    [TimeTransform::KaplanMeier, TimeTransform::Identity, TimeTransform::Rank, TimeTransform::Log];

/// The cohort of a file: its columns' names say which part they play.
pub(crate) fn cohort(name: &str, with_group: bool) -> Cohort {
    let file = format!("survival/hard/{name}.csv");
    let columns = csv::Reader::from_path(data_path(&file))
        .expect("the file is there")
        .headers()
        .expect("a header")
        .clone();
    let named = |wanted: &str| columns.iter().any(|c| c == wanted).then(|| wanted.to_owned());
    let request = CohortRequest {
        id: named("id"),
        time: named("time"),
        event: named("event"),
        entry: named("entry"),
        group: with_group.then(|| "arm".to_owned()),
        covariates: columns.iter().filter(|c| c.starts_with('x')).map(str::to_owned).collect(),
        strata: named("stratum"),
        weights: named("weight"),
        cluster: named("cluster"),
        ..CohortRequest::default()
    };
    read_cohort(&data_path(&file), &request).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn survive(cohort: &Cohort, settings: &SurviveSettings) -> SurviveDocument {
    run_survive(cohort, settings).expect("valid settings")
}

pub(crate) fn compare(ledger: &mut Ledger) {
    let reference = Reference::read("hard", "survival/hard/expected.json");
    for (name, place) in reference.root().entries() {
        let n = Rows::read(&format!("survival/hard/{name}.csv")).n();
        ledger.value(&COUNTS, &place.at("n"), Some(n as f64));
        let by_arm = cohort(&name, true);
        compare_curves(ledger, &by_arm, &cohort(&name, false), &place);
        compare_groups(ledger, &by_arm, &place);
        for (ties, place) in place.at("cox").entries() {
            compare_regression(ledger, &by_arm, &ties, &place);
        }
    }
    ledger.close(&reference, |pointer| {
        let no_zph = pointer.contains("/zph/");
        no_zph.then_some("proportional hazards tests of the hard files that R cannot do either")
    });
}

fn compare_curves(ledger: &mut Ledger, by_arm: &Cohort, whole: &Cohort, place: &Place<'_>) {
    let tau = place.at("tau").take();
    for kind in CONF_TYPES {
        let confidence = confidence(kind);
        let settings = SurviveSettings { confidence, rmst_tau: tau, ..SurviveSettings::default() };
        let (arms, all) = (survive(by_arm, &settings), survive(whole, &settings));
        ledger_events(ledger, kind, &all, place);
        for group in all.groups.iter().chain(&arms.groups) {
            let place = place.at("km").at(&group.level);
            compare_limits(ledger, group, kind, &place);
            if kind == ConfType::Log {
                compare_curve(ledger, group, &place);
            }
        }
        let follow_up = place.at("follow_up").at(kind.name());
        let found = all.follow_up.unwrap_or_default();
        ledger.value(&FOLLOW_UP, &follow_up.at("estimate"), found.median);
        ledger.value(&FOLLOW_UP, &follow_up.at("lower"), found.lower);
        ledger.value(&FOLLOW_UP, &follow_up.at("upper"), found.upper);
        compare_quartiles(ledger, by_arm, kind, &place.at("km"));
    }
}

fn ledger_events(ledger: &mut Ledger, kind: ConfType, all: &SurviveDocument, place: &Place<'_>) {
    if kind == ConfType::Log {
        ledger.value(&COUNTS, &place.at("events"), Some(all.n_events as f64));
    }
}

fn compare_curve(ledger: &mut Ledger, group: &Group, place: &Place<'_>) {
    ledger.value(&COUNTS, &place.at("n"), Some(group.n as f64));
    assert_eq!(group.curve.len(), place.at("time").items().len(), "{}: rows", place.what());
    for (i, row) in group.curve.points().enumerate() {
        let cells = [
            ("time", row.time),
            ("n_risk", row.n_at_risk),
            ("n_event", row.n_events),
            ("n_censor", row.n_censored),
        ];
        for (column, value) in cells {
            ledger.value(&COUNTS, &place.at(column).index(i), Some(value));
        }
        ledger.value(&KM_SURVIVAL, &place.at("surv").index(i), Some(row.survival));
        // The document prints the standard error of S, R that of log S.
        let log_scale = row.std_err.map(|se| se / row.survival);
        ledger.value(&KM_STD_ERR, &place.at("se_log_surv").index(i), log_scale);
    }
    if let Some(mean) = &group.rmst {
        ledger.value(&RMST, &place.at("rmst").at("estimate"), mean.estimate);
        ledger.value(&RMST, &place.at("rmst").at("se"), mean.std_err);
    } else {
        ledger.value(&RMST, &place.at("rmst").at("estimate"), None);
        ledger.value(&RMST, &place.at("rmst").at("se"), None);
    }
}

fn compare_limits(ledger: &mut Ledger, group: &Group, kind: ConfType, place: &Place<'_>) {
    let limits = place.at("limits").at(kind.name());
    for (i, row) in group.curve.points().enumerate() {
        ledger.value(&KM_LIMITS, &limits.at("lower").index(i), row.lower);
        ledger.value(&KM_LIMITS, &limits.at("upper").index(i), row.upper);
    }
    let median = place.at("median").at(kind.name());
    ledger.value(&KM_QUANTILES, &median.at("estimate"), group.median.median);
    ledger.value(&KM_QUANTILES, &median.at("lower"), group.median.lower);
    ledger.value(&KM_QUANTILES, &median.at("upper"), group.median.upper);
}

fn compare_quartiles(ledger: &mut Ledger, cohort: &Cohort, kind: ConfType, place: &Place<'_>) {
    let group = cohort.group.as_ref().expect("the arm");
    for (level, place) in place.entries() {
        let code = group.levels.iter().position(|other| *other == level);
        let rows: Vec<usize> =
            (0..cohort.n()).filter(|&row| level == "all" || group.codes[row] == code).collect();
        let curve = KaplanMeier::fit(&cohort.outcome.select(&rows));
        for (block, p) in [("q25", 0.25), ("q75", 0.75)] {
            let quantile = curve.quantile(p, confidence(kind)).expect("a fraction");
            compare_quantile(ledger, &KM_QUANTILES, quantile, &place.at(block).at(kind.name()));
        }
    }
}

fn compare_groups(ledger: &mut Ledger, cohort: &Cohort, place: &Place<'_>) {
    for (rho, place) in place.at("logrank").entries() {
        let settings =
            SurviveSettings { rho: rho.parse().expect("a power"), ..SurviveSettings::default() };
        let test = survive(cohort, &settings).logrank;
        ledger.value(&LOGRANK, &place.at("chisq"), test.and_then(|test| test.chisq));
        ledger.value(&COUNTS, &place.at("df"), test.map(|test| test.df as f64));
        ledger.value(&LOGRANK_P, &place.at("p"), test.and_then(|test| test.p));
    }
    let group = cohort.group.as_ref().expect("the arm");
    let codes: Vec<usize> = group.codes.iter().map(|code| code.expect("no row lacks it")).collect();
    let pairs = fit_pairwise_logrank(&cohort.outcome, &codes, None, 0.0).expect("valid codes");
    for pair in pairs.iter().filter(|_| place.at("pairwise").is_there()) {
        let name = format!("{} {}", group.levels[pair.first], group.levels[pair.second]);
        let place = place.at("pairwise").at(&name);
        let df = pair.test.chisq.map(|_| pair.test.df as f64);
        ledger.value(&LOGRANK, &place.at("chisq"), pair.test.chisq);
        ledger.value(&COUNTS, &place.at("df"), df);
        ledger.value(&LOGRANK_P, &place.at("p"), pair.test.p);
    }
}

fn compare_regression(ledger: &mut Ledger, cohort: &Cohort, ties: &str, place: &Place<'_>) {
    let ties = match ties {
        "efron" => Ties::Efron,
        "breslow" => Ties::Breslow,
        _ => return compare_exact(ledger, cohort, place),
    };
    let settings = SurviveSettings { ties, ..SurviveSettings::default() };
    let cox = survive(cohort, &settings).cox.expect("a group and covariates make a model");
    compare_cox_block(ledger, &cox, place);
    let data = cox_data(cohort);
    let fit = fit_cox(&data, &CoxOptions { ties, ..CoxOptions::default() }).expect("valid rows");
    compare_naive_errors(ledger, &fit, place);
    for transform in TRANSFORMS {
        let settings = SurviveSettings { ties, zph: transform, ..SurviveSettings::default() };
        let place = place.at("zph").at(transform.name());
        if !place.is_there() {
            continue;
        }
        let test = survive(cohort, &settings).ph_test;
        let test = test.unwrap_or_else(|| panic!("{}: no test", place.what()));
        for term in &test.terms {
            ledger.value(&PH_TEST, &place.at(&term.name), term.test.chisq);
        }
        ledger.value(&PH_TEST, &place.at("GLOBAL"), test.global.and_then(|test| test.chisq));
    }
}

fn compare_cox_block(ledger: &mut Ledger, cox: &Cox, place: &Place<'_>) {
    let monotone = cox.status == "monotone_likelihood";
    ledger.value(&COX_NULL, &place.at("loglik_null"), cox.partial_log_likelihood_null);
    let loglik = if monotone { &COX_LIMIT } else { &COX_LOGLIK };
    ledger.value(loglik, &place.at("loglik"), cox.partial_log_likelihood);
    for term in &cox.terms {
        let coef = place.at("coef").at(&term.name);
        // R's infinities are typed limits of ours.
        let limit = match coef.json().as_str() {
            Some("Inf") => Some("+inf"),
            Some("-Inf") => Some("-inf"),
            _ => None,
        };
        assert_eq!(term.limit.as_deref(), limit, "{}: limit", coef.what());
        let known = if coef.json().is_number() { &COX_ESTIMATE } else { &COX_NONE };
        ledger.value(known, &coef, term.coef);
        ledger.value(&COX_VARIANCE, &place.at("se").at(&term.name), term.se);
    }
    let chisq = |test: Option<ChiSquared>| test.and_then(|test| test.chisq);
    let concordance = cox.concordance.unwrap_or_default();
    let tests = &cox.tests;
    for (key, quantity, value) in [
        ("score", &COX_SCORE, chisq(tests.score)),
        ("lr", loglik, chisq(tests.likelihood_ratio)),
        ("wald", &COX_WALD, chisq(tests.wald)),
        ("concordance", &CONCORDANCE, concordance.estimate),
        ("concordance_se", &CONCORDANCE, concordance.std_err),
    ] {
        if place.at(key).is_there() {
            ledger.value(quantity, &place.at(key), value);
        }
    }
}

fn cox_data(cohort: &Cohort) -> CoxData {
    let rows = cohort.complete_rows();
    CoxData {
        outcome: cohort.outcome.select(&rows),
        covariates: design_matrix(cohort, &rows).columns,
        strata: cohort.strata.as_ref().and_then(|strata| strata.codes_of(&rows)),
        cluster: cohort.cluster.as_ref().and_then(|cluster| cluster.codes_of(&rows)),
    }
}

fn compare_naive_errors(ledger: &mut Ledger, fit: &CoxFit, place: &Place<'_>) {
    for term in &fit.terms {
        ledger.value(&COX_VARIANCE, &place.at("naive_se").at(&term.name), term.naive_se);
    }
}

/// Exact ties are not on the command line.
fn compare_exact(ledger: &mut Ledger, cohort: &Cohort, place: &Place<'_>) {
    let options = CoxOptions { ties: Ties::Exact, ..CoxOptions::default() };
    let fit = fit_cox(&cox_data(cohort), &options).expect("few ties");
    let monotone = fit.status.name() == "monotone_likelihood";
    let loglik = if monotone { &COX_LIMIT } else { &COX_LOGLIK };
    ledger.value(&COX_NULL, &place.at("loglik_null"), Some(fit.partial_log_likelihood_null));
    ledger.value(loglik, &place.at("loglik"), Some(fit.partial_log_likelihood));
    if place.at("coef").is_there() {
        for term in &fit.terms {
            ledger.value(&COX_ESTIMATE, &place.at("coef").at(&term.name), term.coef);
            ledger.value(&COX_VARIANCE, &place.at("se").at(&term.name), term.se);
        }
        compare_naive_errors(ledger, &fit, place);
    }
    let wald = fit.wald.map(|test| test.chisq);
    for (key, quantity, value) in [
        ("score", &COX_SCORE, Some(fit.score.chisq)),
        ("lr", loglik, Some(fit.likelihood_ratio.chisq)),
        ("wald", &COX_WALD, wald),
    ] {
        if place.at(key).is_there() {
            ledger.value(quantity, &place.at(key), value);
        }
    }
}
