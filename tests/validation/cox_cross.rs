//! `tests/data/cox_cross`: strata, weights, entries, clusters, exact ties, and what is derived.

use herscope::survival::{
    CovariateColumn, CoxData, CoxFit, CoxOptions, Outcome, TieRepair, Ties, TimeTransform,
    baseline_hazard, cox_residuals, cox_zph, fit_cox,
};

use crate::ledger::Ledger;
use crate::quantities::{
    CONCORDANCE, COUNTS, COX_ESTIMATE, COX_LOGLIK, COX_NULL, COX_SCORE, COX_VARIANCE, COX_WALD,
    PH_TEST, PREDICTED, Quantity, RESIDUALS,
};
use crate::reference::{Place, Reference};
use crate::survival_sets::Rows;

pub(crate) fn compare(ledger: &mut Ledger) {
    let reference = Reference::read("cox_cross", "cox_cross/expected.json");
    for (label, place) in reference.root().entries() {
        match label.as_str() {
            "exact_ties60" => {
                let covariates = ["arm01", "age", "ecog"].map(str::to_owned);
                let data = Rows::read("survival/ties60.csv").cox_data(&covariates);
                compare_estimates(ledger, &fit(&data, Ties::Exact, false), &place);
            }
            "exact_veteran" => {
                let data = veteran("plain");
                compare_estimates(ledger, &fit(&data, Ties::Exact, false), &place);
            }
            _ => compare_model(ledger, &label, &place),
        }
    }
    ledger.close(&reference, |_| None);
}

fn fit(data: &CoxData, ties: Ties, robust: bool) -> CoxFit {
    fit_cox(data, &CoxOptions { ties, robust, ..CoxOptions::default() }).expect("valid rows")
}

fn compare_model(ledger: &mut Ledger, label: &str, place: &Place<'_>) {
    let (kind, ties) = label.rsplit_once('_').expect("labels end in the ties");
    let ties = if ties == "efron" { Ties::Efron } else { Ties::Breslow };
    let data = veteran(kind);
    // R takes the sandwich by itself when a weight is not a whole number.
    let fit = fit(&data, ties, data.outcome.weight().is_some());
    if kind == "curve" {
        let baseline = baseline_hazard(&data, &fit).expect("a finite fit");
        let curve = baseline.predict(0, &[1.0, 50.0, 60.0]).expect("three covariates");
        each(ledger, &COUNTS, &place.at("time"), curve.iter().map(|step| step.time));
        let hazard = curve.iter().map(|step| step.cumulative_hazard);
        each(ledger, &PREDICTED, &place.at("cumulative_hazard"), hazard);
        each(ledger, &PREDICTED, &place.at("std_err"), curve.iter().map(|step| step.std_err));
        return;
    }
    compare_estimates(ledger, &fit, place);
    let wald = fit.wald.expect("a finite fit");
    ledger.value(&COX_WALD, &place.at("wald"), Some(wald.chisq));
    let naive = fit.terms.iter().filter_map(|term| term.naive_se);
    each(ledger, &COX_VARIANCE, &place.at("naive_se"), naive);
    compare_checks(ledger, &data, &fit, place);
}

fn each(
    ledger: &mut Ledger,
    quantity: &'static Quantity,
    place: &Place<'_>,
    found: impl IntoIterator<Item = f64>,
) {
    let found: Vec<f64> = found.into_iter().collect();
    assert_eq!(found.len(), place.items().len(), "{}: length", place.what());
    for (i, value) in found.into_iter().enumerate() {
        ledger.value(quantity, &place.index(i), Some(value));
    }
}

fn compare_estimates(ledger: &mut Ledger, fit: &CoxFit, place: &Place<'_>) {
    let terms = &fit.terms;
    each(ledger, &COX_ESTIMATE, &place.at("coef"), terms.iter().filter_map(|term| term.coef));
    each(ledger, &COX_VARIANCE, &place.at("se"), terms.iter().filter_map(|term| term.se));
    let loglik = place.at("loglik");
    ledger.value(&COX_NULL, &loglik.index(0), Some(fit.partial_log_likelihood_null));
    ledger.value(&COX_LOGLIK, &loglik.index(1), Some(fit.partial_log_likelihood));
    ledger.value(&COX_SCORE, &place.at("score"), Some(fit.score.chisq));
}

fn compare_checks(ledger: &mut Ledger, data: &CoxData, fit: &CoxFit, place: &Place<'_>) {
    let found = fit.concordance(data).expect("the fit's own data");
    ledger.value(&CONCORDANCE, &place.at("concordance"), found.estimate);
    ledger.value(&CONCORDANCE, &place.at("concordance_se"), found.std_err);
    let counts =
        [found.concordant, found.discordant, found.tied_risk, found.tied_time, found.tied_both];
    each(ledger, &CONCORDANCE, &place.at("counts"), counts);
    for (name, place) in place.at("zph").entries() {
        let transform: TimeTransform = name.parse().expect("a known transform");
        let test = cox_zph(data, fit, transform).expect("a finite fit");
        let found = test.terms.iter().map(|(_, test)| test.chisq).chain([test.global.chisq]);
        each(ledger, &PH_TEST, &place, found);
    }
    let residuals = cox_residuals(data, fit).expect("a finite fit");
    each(ledger, &RESIDUALS, &place.at("martingale"), residuals.martingale);
    each(ledger, &RESIDUALS, &place.at("deviance"), residuals.deviance);
    each(ledger, &RESIDUALS, &place.at("score_residual"), residuals.score);
    let squares = (0..3).map(|k| residuals.schoenfeld.iter().map(|r| r.residual[k].powi(2)).sum());
    each(ledger, &RESIDUALS, &place.at("schoenfeld_square"), squares);
}

/// The veteran rows with the columns that the R script derives from the row number.
fn veteran(kind: &str) -> CoxData {
    let rows = Rows::read("survival/veteran.csv");
    let column = |name: &str| -> Vec<f64> {
        rows.number(name).into_iter().map(|value| value.expect("no missing value")).collect()
    };
    let id: Vec<usize> = (1..=rows.n()).collect();
    let time = column("time");
    let entry: Vec<f64> =
        id.iter().zip(&time).map(|(id, time)| (time * (id % 4) as f64 / 8.0).floor()).collect();
    let weight: Vec<f64> = id.iter().map(|id| 1.0 + (id % 3) as f64 / 2.0).collect();
    let has = |what: &str| kind == "everything" || kind.contains(what);
    CoxData {
        outcome: Outcome::new(
            time,
            column("event").iter().map(|event| *event == 1.0).collect(),
            has("entry").then_some(entry),
            has("weights").then_some(weight),
            TieRepair::Merge,
        )
        .expect("veteran rows are valid"),
        covariates: ["arm01", "karno", "age"]
            .map(|name| CovariateColumn { name: name.into(), values: column(name) })
            .to_vec(),
        strata: has("strata").then(|| id.iter().map(|id| id % 5).collect()),
        cluster: (kind == "cluster" || kind == "robust_weights")
            .then(|| id.iter().map(|id| id % 30).collect()),
    }
}
