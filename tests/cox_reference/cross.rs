//! Strata, weights, left truncation, clusters and exact ties, with every quantity derived from a
//! fit, beside survival 3.5-3: `tests/data/cox_cross/make_expected.R`.

use herscope::survival::{
    CovariateColumn, CoxData, CoxFit, CoxOptions, Outcome, TieRepair, Ties, TimeTransform,
    baseline_hazard, cox_residuals, cox_zph, fit_cox,
};
use serde_json::Value;

use crate::support::{Comparison, DataSet, entries, json_at};

/// The veteran rows with the columns that the R script derives from the row number.
fn veteran(kind: &str) -> CoxData {
    let set = DataSet::read("veteran");
    let column = |name: &str| -> Vec<f64> {
        set.column(name).iter().map(|value| value.expect("veteran has no missing value")).collect()
    };
    let id: Vec<usize> = (1..=137).collect();
    let time = column("time");
    let everything = kind == "everything";
    let entry: Vec<f64> =
        id.iter().zip(&time).map(|(id, time)| (time * (id % 4) as f64 / 8.0).floor()).collect();
    let weight: Vec<f64> = id.iter().map(|id| 1.0 + (id % 3) as f64 / 2.0).collect();
    let has = |what: &str| kind.contains(what);
    CoxData {
        outcome: Outcome::new(
            time,
            column("event").iter().map(|event| *event == 1.0).collect(),
            (everything || has("entry")).then_some(entry),
            (everything || has("weights")).then_some(weight),
            TieRepair::Merge,
        )
        .expect("veteran rows are valid"),
        covariates: ["arm01", "karno", "age"]
            .map(|name| CovariateColumn { name: name.into(), values: column(name) })
            .to_vec(),
        strata: (everything || has("strata")).then(|| id.iter().map(|id| id % 5).collect()),
        cluster: (has("cluster") || has("robust")).then(|| id.iter().map(|id| id % 30).collect()),
    }
}

#[test]
fn strata_weights_entries_and_clusters_equal_coxph() {
    let expected = json_at("cox_cross/expected.json");
    let mut comparison = Comparison::default();
    for (label, of) in entries(&expected) {
        let (kind, ties) = label.rsplit_once('_').expect("labels end in the ties");
        let ties = match ties {
            "efron" => Ties::Efron,
            "breslow" => Ties::Breslow,
            _ => continue,
        };
        let data = veteran(kind);
        // R takes the sandwich by itself when a weight is not a whole number.
        let robust = data.outcome.weight().is_some();
        let fit = fit_cox(&data, &CoxOptions { ties, robust, ..CoxOptions::default() })
            .expect("veteran rows are valid");
        if kind == "curve" {
            compare_curve(&mut comparison, &data, &fit, of);
        } else {
            compare_fit(&mut comparison, label, &fit, of);
            compare_derived(&mut comparison, label, &data, &fit, of);
        }
    }
    comparison.finish(9000);
}

fn each(
    comparison: &mut Comparison,
    what: &str,
    found: impl IntoIterator<Item = f64>,
    expected: &Value,
    tolerance: f64,
) {
    let expected = expected.as_array().expect("an array of numbers");
    let found: Vec<f64> = found.into_iter().collect();
    comparison.equal(&format!("{what} length"), found.len(), expected.len());
    for (i, (found, expected)) in found.into_iter().zip(expected).enumerate() {
        comparison.relative(&format!("{what}[{i}]"), found, expected, tolerance);
    }
}

fn compare_fit(comparison: &mut Comparison, label: &str, fit: &CoxFit, of: &Value) {
    let finite = "a finite estimate";
    let what = |key: &str| format!("{label} {key}");
    let terms = &fit.terms;
    let column = |pick: fn(&herscope::survival::CoxTerm) -> Option<f64>| -> Vec<f64> {
        terms.iter().map(|term| pick(term).expect(finite)).collect()
    };
    each(comparison, &what("coef"), column(|t| t.coef), &of["coef"], 1e-7);
    each(comparison, &what("se"), column(|t| t.se), &of["se"], 1e-7);
    each(comparison, &what("naive_se"), column(|t| t.naive_se), &of["naive_se"], 1e-7);
    let logliks = [fit.partial_log_likelihood_null, fit.partial_log_likelihood];
    each(comparison, &what("loglik"), logliks, &of["loglik"], 1e-9);
    comparison.relative(&what("score"), fit.score.chisq, &of["score"], 1e-8);
    let wald = fit.wald.expect("a finite fit has a Wald test");
    comparison.relative(&what("wald"), wald.chisq, &of["wald"], 1e-7);
}

fn compare_derived(
    comparison: &mut Comparison,
    label: &str,
    data: &CoxData,
    fit: &CoxFit,
    of: &Value,
) {
    let what = |key: &str| format!("{label} {key}");
    let c = fit.concordance(data).expect("the fit's own data");
    let estimate = c.estimate.expect("comparable pairs");
    comparison.relative(&what("concordance"), estimate, &of["concordance"], 1e-9);
    let std_err = c.std_err.expect("comparable pairs");
    comparison.relative(&what("concordance_se"), std_err, &of["concordance_se"], 1e-8);
    let counts = [c.concordant, c.discordant, c.tied_risk, c.tied_time, c.tied_both];
    each(comparison, &what("counts"), counts, &of["counts"], 1e-9);
    for transform in [
        TimeTransform::KaplanMeier,
        TimeTransform::Identity,
        TimeTransform::Rank,
        TimeTransform::Log,
    ] {
        let test = cox_zph(data, fit, transform).expect("a finite fit");
        let found = test.terms.iter().map(|(_, test)| test.chisq).chain([test.global.chisq]);
        let name = transform.name();
        each(comparison, &what(&format!("zph {name}")), found, &of["zph"][name], 1e-6);
    }
    let residuals = cox_residuals(data, fit).expect("a finite fit");
    each(comparison, &what("martingale"), residuals.martingale, &of["martingale"], 1e-7);
    each(comparison, &what("deviance"), residuals.deviance, &of["deviance"], 1e-7);
    each(comparison, &what("score_residual"), residuals.score, &of["score_residual"], 1e-6);
    let squares = (0..3).map(|k| residuals.schoenfeld.iter().map(|r| r.residual[k].powi(2)).sum());
    each(comparison, &what("schoenfeld"), squares, &of["schoenfeld_square"], 1e-7);
}

fn compare_curve(comparison: &mut Comparison, data: &CoxData, fit: &CoxFit, of: &Value) {
    let baseline = baseline_hazard(data, fit).expect("a finite fit");
    let curve = baseline.predict(0, &[1.0, 50.0, 60.0]).expect("three covariates");
    each(comparison, "curve time", curve.iter().map(|s| s.time), &of["time"], 1e-12);
    let hazard = curve.iter().map(|step| step.cumulative_hazard);
    each(comparison, "curve hazard", hazard, &of["cumulative_hazard"], 1e-7);
    each(comparison, "curve error", curve.iter().map(|s| s.std_err), &of["std_err"], 1e-7);
}

#[test]
fn exact_ties_equal_coxph() {
    let expected = json_at("cox_cross/expected.json");
    let mut comparison = Comparison::default();
    let names = ["arm01", "age", "ecog"].map(str::to_owned);
    for (label, data) in [
        ("exact_ties60", DataSet::read("ties60").cox_data(&names)),
        ("exact_veteran", veteran("plain")),
    ] {
        let options = CoxOptions { ties: Ties::Exact, ..CoxOptions::default() };
        let fit = fit_cox(&data, &options).expect("reference rows are valid");
        let of = &expected[label];
        each(&mut comparison, label, fit.terms.iter().filter_map(|t| t.coef), &of["coef"], 1e-7);
        each(&mut comparison, label, fit.terms.iter().filter_map(|t| t.se), &of["se"], 1e-7);
        let logliks = [fit.partial_log_likelihood_null, fit.partial_log_likelihood];
        each(&mut comparison, label, logliks, &of["loglik"], 1e-9);
        comparison.relative(label, fit.score.chisq, &of["score"], 1e-8);
    }
    comparison.finish(20);
}
