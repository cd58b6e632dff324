//! The synthetic T-DXd cohort: every survival figure and golden value of its expected file.

use herscope::association::{median, rank_sum_test};
use herscope::survival::{
    ConfType, CovariateColumn, CoxData, CoxOptions, KaplanMeier, Outcome, QuantileEstimate, Ties,
    fit_cox, fit_logrank,
};
use herscope::units::DAYS_PER_MONTH;

use crate::ledger::Ledger;
use crate::quantities::{
    COUNTS, COX_ESTIMATE, COX_LOGLIK, COX_NULL, COX_P, COX_SCORE_P, COX_VARIANCE, FOLLOW_UP,
    KM_LIMITS, KM_QUANTILES, KM_STD_ERR, KM_SURVIVAL, LOGRANK, LOGRANK_P, RANK_P, RANK_TESTS,
};
use crate::reference::{Place, Reference};
use crate::survival_sets::{Rows, confidence};

const SET: &str = "tdxd-cohort";

struct Cohort {
    rows: Rows,
    months: Outcome,
}

impl Cohort {
    fn read() -> Self {
        let rows = Rows::read("tdxd-cohort/patients.csv");
        let months = outcome(&rows, DAYS_PER_MONTH);
        Self { rows, months }
    }

    fn codes(&self, column: &str) -> Vec<usize> {
        self.rows.text(column).iter().map(|value| usize::from(value == "1")).collect()
    }

    /// The outcome of a group as the expected file calls it.
    fn group(&self, name: &str) -> Option<Outcome> {
        let (column, code) = match name {
            "all" => return Some(self.months.clone()),
            "ctc_pos" => ("ctc_pos_t1", 1),
            "ctc_neg" => ("ctc_pos_t1", 0),
            "her2ctc_pos" => ("her2_ctc_pos", 1),
            "her2ctc_neg" => ("her2_ctc_pos", 0),
            _ => return None,
        };
        let codes = self.codes(column);
        let members: Vec<usize> = (0..codes.len()).filter(|&row| codes[row] == code).collect();
        Some(self.months.select(&members))
    }

    fn curve(&self, name: &str) -> KaplanMeier {
        match name {
            "followup" | "followup_reverse_km" => KaplanMeier::fit_reverse(&self.months),
            _ => KaplanMeier::fit(&self.group(name).expect("a group of the cohort")),
        }
    }

    /// Previous treatments of patients with, and without, HER2+ CTC.
    fn prior_treatments(&self) -> [Vec<f64>; 2] {
        let prior = self.rows.number("prior_cytotoxic_mbc");
        let codes = self.codes("her2_ctc_pos");
        [1, 0].map(|code| {
            let members = (0..codes.len()).filter(|&row| codes[row] == code);
            members.map(|row| prior[row].expect("no missing value")).collect()
        })
    }
}

/// Follow-up in units of `days`.
fn outcome(rows: &Rows, days: f64) -> Outcome {
    let time = rows.number("pfs_days");
    Outcome::right_censored(
        time.into_iter().map(|t| t.expect("days") / days).collect(),
        rows.text("pfs_event").iter().map(|event| event == "1").collect(),
    )
    .expect("valid rows")
}

pub(crate) fn compare(ledger: &mut Ledger) {
    let reference = Reference::read(SET, "tdxd-cohort/expected.json");
    let root = reference.root();
    let cohort = Cohort::read();
    for target in root.at("targets").items() {
        compare_target(ledger, &cohort, target.at("id").text(), &target.at("value"));
    }
    let extra = root.at("extra");
    for (name, place) in extra.at("km_curves").entries() {
        compare_curve(ledger, &cohort.group(&name).expect("a group"), &place);
    }
    for kind in [ConfType::Log, ConfType::LogLog, ConfType::Plain] {
        for (name, place) in extra.at("ci_by_type").at(kind.name()).entries() {
            let median = cohort.curve(&name).median(confidence(kind));
            for part in ["median", "lower95", "upper95"] {
                ledger.value(&KM_QUANTILES, &place.at(part), of(median, part));
            }
        }
    }
    for (column, place) in extra.at("logrank").entries() {
        let test = fit_logrank(&cohort.months, &cohort.codes(&column), None, 0.0).expect("valid");
        ledger.value(&LOGRANK, &place.at("chisq"), test.chisq);
        ledger.value(&LOGRANK_P, &place.at("p"), test.p);
        for g in 0..2 {
            ledger.value(&LOGRANK, &place.at("observed").index(g), Some(test.observed[g]));
            ledger.value(&LOGRANK, &place.at("expected").index(g), Some(test.expected[g]));
        }
    }
    for (column, by_ties) in extra.at("cox").entries() {
        for (ties, place) in by_ties.entries() {
            let ties = if ties == "efron" { Ties::Efron } else { Ties::Breslow };
            compare_cox(ledger, &cohort, &column, ties, &place);
        }
    }
    let [her2, others] = cohort.prior_treatments();
    // As R's formula orders the samples: without HER2+ CTC first.
    let test = rank_sum_test(&others, &her2).expect("two samples");
    let place = extra.at("wilcoxon_prior_cytotoxic");
    ledger.value(&RANK_TESTS, &place.at("W"), Some(test.w));
    ledger.value(&RANK_P, &place.at("p"), test.p);
    ledger.close(&reference, left_out);
}

fn left_out(pointer: &str) -> Option<&'static str> {
    let segments: Vec<&str> = pointer.split('/').collect();
    let has = |part: &str| segments.contains(&part);
    if has("joint_models") {
        Some("joint models of the T-DXd cohort")
    } else if has("targets")
        && ["published", "rounded", "digits", "confidence"].into_iter().any(has)
    {
        Some("the abstract's printed figures, which tests/reference compares as printed")
    } else if has("targets") || has("statements") {
        Some("counts and baseline tests of the T-DXd cohort, not of survival")
    } else if has("cells") || has("samples") || has("confidence") {
        Some("sizes of the T-DXd cohort's other tables")
    } else {
        None
    }
}

fn of(quantile: QuantileEstimate, part: &str) -> Option<f64> {
    match part {
        "median" => quantile.estimate,
        "lower95" => quantile.lower,
        _ => quantile.upper,
    }
}

/// Follow-up, medians, log-rank p and hazard ratio; targets of another kind are left out.
fn compare_target(ledger: &mut Ledger, cohort: &Cohort, id: &str, place: &Place<'_>) {
    let logrank = |column: &str| {
        fit_logrank(&cohort.months, &cohort.codes(column), None, 0.0).expect("valid")
    };
    match id {
        "n_patients" => ledger.value(&COUNTS, place, Some(cohort.months.len() as f64)),
        "n_progressions" => ledger.value(&COUNTS, place, Some(cohort.months.n_events() as f64)),
        "pfs_ctc_logrank_p" => ledger.value(&LOGRANK_P, place, logrank("ctc_pos_t1").p),
        "pfs_her2ctc_logrank_p" => ledger.value(&LOGRANK_P, place, logrank("her2_ctc_pos").p),
        "pfs_her2ctc_hr" => {
            let fit = fit_cox(&cox_data(cohort, "her2_ctc_pos"), &CoxOptions::default());
            let term = &fit.expect("valid rows").terms[0];
            ledger.value(&COX_ESTIMATE, place, term.hazard_ratio());
        }
        "prior_cyto_wilcoxon_p" => {
            let [her2, others] = cohort.prior_treatments();
            ledger.value(&RANK_P, place, rank_sum_test(&her2, &others).expect("two samples").p);
        }
        "prior_cyto_median_her2" | "prior_cyto_median_other" => {
            let sample = usize::from(id.ends_with("other"));
            ledger.value(&COUNTS, place, median(&cohort.prior_treatments()[sample]));
        }
        _ => {
            let Some((name, part)) = id.split_once('.') else { return };
            let name = name.strip_prefix("pfs_").unwrap_or(name);
            let quantity = if name == "followup" { &FOLLOW_UP } else { &KM_QUANTILES };
            let median = cohort.curve(name).median(confidence(ConfType::LogLog));
            ledger.value(quantity, place, of(median, part));
        }
    }
}

fn compare_curve(ledger: &mut Ledger, outcome: &Outcome, place: &Place<'_>) {
    ledger.value(&COUNTS, &place.at("n"), Some(outcome.len() as f64));
    ledger.value(&COUNTS, &place.at("events"), Some(outcome.n_events() as f64));
    let curve = KaplanMeier::fit(outcome);
    let rows: Vec<_> = curve.rows().iter().filter(|row| row.n_events > 0.0).collect();
    assert_eq!(rows.len(), place.at("surv").items().len(), "{}: event times", place.what());
    for (i, row) in rows.iter().enumerate() {
        let limits = row.limits(confidence(ConfType::LogLog));
        let cells = [
            (&COUNTS, "time_months", Some(row.time)),
            (&COUNTS, "days", Some(row.time * DAYS_PER_MONTH)),
            (&COUNTS, "n_risk", Some(row.n_at_risk)),
            (&COUNTS, "n_event", Some(row.n_events)),
            (&KM_SURVIVAL, "surv", Some(row.survival)),
            (&KM_STD_ERR, "std_err_log_surv", row.std_err_log),
            (&KM_LIMITS, "lower95", limits.map(|limits| limits.0)),
            (&KM_LIMITS, "upper95", limits.map(|limits| limits.1)),
        ];
        for (quantity, column, value) in cells {
            ledger.value(quantity, &place.at(column).index(i), value);
        }
    }
}

fn cox_data(cohort: &Cohort, column: &str) -> CoxData {
    let values = cohort.codes(column).iter().map(|code| *code as f64).collect();
    CoxData {
        outcome: outcome(&cohort.rows, 1.0),
        covariates: vec![CovariateColumn { name: column.to_owned(), values }],
        strata: None,
        cluster: None,
    }
}

fn compare_cox(ledger: &mut Ledger, cohort: &Cohort, column: &str, ties: Ties, place: &Place<'_>) {
    let options = CoxOptions { ties, ..CoxOptions::default() };
    let fit = fit_cox(&cox_data(cohort, column), &options).expect("valid rows");
    let term = &fit.terms[0];
    let limits = term.hazard_ratio_limits(0.95);
    let values = [
        (&COX_ESTIMATE, "coef", term.coef),
        (&COX_VARIANCE, "se", term.se),
        (&COX_ESTIMATE, "hr", term.hazard_ratio()),
        (&COX_ESTIMATE, "hr_lower95", limits.map(|limits| limits.0)),
        (&COX_ESTIMATE, "hr_upper95", limits.map(|limits| limits.1)),
        (&COX_P, "p_wald", term.p()),
        (&COX_P, "p_lrt", Some(fit.likelihood_ratio.p)),
        (&COX_SCORE_P, "p_score", Some(fit.score.p)),
    ];
    for (quantity, key, value) in values {
        ledger.value(quantity, &place.at(key), value);
    }
    let loglik = place.at("loglik");
    ledger.value(&COX_NULL, &loglik.index(0), Some(fit.partial_log_likelihood_null));
    ledger.value(&COX_LOGLIK, &loglik.index(1), Some(fit.partial_log_likelihood));
}
