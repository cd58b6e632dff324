//! The sets of `tests/data/survival`: curves, follow-up, tests of groups, restricted means.

use herscope::survival::{
    ConfLevel, ConfType, Confidence, CovariateColumn, CoxData, KaplanMeier, KaplanMeierRow,
    Outcome, QuantileEstimate, Rmst, RmstContrast, fit_logrank, fit_rmst,
};

use crate::ledger::Ledger;
use crate::quantities::{
    COUNTS, FOLLOW_UP, KM_LIMITS, KM_QUANTILES, KM_STD_ERR, KM_SURVIVAL, LOGRANK, LOGRANK_P,
    Quantity, RMST,
};
use crate::reference::{Place, Reference, data_path};
use crate::survival_sets_cox;

const SETS: [&str; 11] = [
    "lung",
    "veteran",
    "ovarian",
    "kidney",
    "ties60",
    "ctc60",
    "ctc60few",
    "timefix",
    "medianhalf",
    "tiny_zero_event",
    "tiny_all_censored",
];

const CONF_TYPES: [ConfType; 3] = [ConfType::Log, ConfType::LogLog, ConfType::Plain];

pub(crate) fn confidence(kind: ConfType) -> Confidence {
    Confidence { level: ConfLevel::DEFAULT, kind }
}

/// The rows of a set.
pub(crate) struct Rows {
    columns: Vec<(String, Vec<String>)>,
}

impl Rows {
    pub(crate) fn read(file: &str) -> Self {
        let mut reader = csv::Reader::from_path(data_path(file)).expect("the file is there");
        let names = reader.headers().expect("a header").clone();
        let mut columns: Vec<(String, Vec<String>)> =
            names.iter().map(|name| (name.to_owned(), Vec::new())).collect();
        for record in reader.records() {
            let record = record.expect("a whole row");
            for (column, field) in columns.iter_mut().zip(&record) {
                column.1.push(field.to_owned());
            }
        }
        Self { columns }
    }

    pub(crate) fn text(&self, name: &str) -> &[String] {
        let found = self.columns.iter().find(|(other, _)| other == name);
        &found.unwrap_or_else(|| panic!("no column {name}")).1
    }

    pub(crate) fn number(&self, name: &str) -> Vec<Option<f64>> {
        self.text(name).iter().map(|field| field.parse().ok()).collect()
    }

    pub(crate) fn n(&self) -> usize {
        self.columns[0].1.len()
    }

    /// Time and event of the rows `keep`.
    pub(crate) fn outcome(&self, keep: &[usize]) -> Outcome {
        let (time, event) = (self.number("time"), self.text("event"));
        Outcome::right_censored(
            keep.iter().map(|&row| time[row].expect("a time")).collect(),
            keep.iter().map(|&row| event[row] == "1").collect(),
        )
        .expect("reference rows are valid")
    }

    /// The rows without a missing value in `covariates`.
    pub(crate) fn cox_data(&self, covariates: &[String]) -> CoxData {
        let columns: Vec<_> = covariates.iter().map(|name| self.number(name)).collect();
        let complete: Vec<usize> =
            (0..self.n()).filter(|&row| columns.iter().all(|c| c[row].is_some())).collect();
        let pick = |column: &Vec<Option<f64>>| {
            complete.iter().map(|&row| column[row].expect("a complete row")).collect()
        };
        let named = covariates.iter().zip(&columns);
        CoxData {
            outcome: self.outcome(&complete),
            covariates: named
                .map(|(name, column)| CovariateColumn { name: name.clone(), values: pick(column) })
                .collect(),
            strata: None,
            cluster: None,
        }
    }

    fn of_arm(&self, level: &str) -> Vec<usize> {
        let arm = self.text("arm");
        (0..self.n()).filter(|&row| level == "all" || arm[row] == level).collect()
    }
}

pub(crate) fn compare(ledger: &mut Ledger) {
    for name in SETS {
        let reference = Reference::read(name, &format!("survival/{name}.expected.json"));
        let rows = Rows::read(&format!("survival/{name}.csv"));
        let root = reference.root();
        let all = rows.outcome(&(0..rows.n()).collect::<Vec<_>>());
        ledger.value(&COUNTS, &root.at("n"), Some(all.len() as f64));
        ledger.value(&COUNTS, &root.at("events"), Some(all.n_events() as f64));
        for (level, place) in root.at("km").entries() {
            compare_curve(ledger, &rows.outcome(&rows.of_arm(&level)), &place);
        }
        for (level, place) in root.at("reverse_km_median_followup").entries() {
            let curve = KaplanMeier::fit_reverse(&rows.outcome(&rows.of_arm(&level)));
            for kind in CONF_TYPES {
                let median = curve.median(confidence(kind));
                compare_quantile(ledger, &FOLLOW_UP, median, &place.at(kind.name()));
            }
        }
        compare_logrank(ledger, &rows, &all, &root);
        compare_means(ledger, &rows, &root);
        survival_sets_cox::compare(ledger, &rows, &root);
        ledger.close(&reference, left_out);
    }
}

fn left_out(pointer: &str) -> Option<&'static str> {
    let has = |part: &str| pointer.split('/').any(|segment| segment == part);
    let begins = |part: &str| pointer.split('/').any(|segment| segment.starts_with(part));
    if has("bootstrap") {
        Some("bootstrap: compared statistically, by the tests of the bootstrap")
    } else if begins("check_") || begins("maxdiff_") {
        Some("how far two programs agree with each other")
    } else if has("coxphf") && begins("penalized_loglik") {
        Some("coxphf's penalised log likelihood, which holds a constant of its own scale")
    } else {
        None
    }
}

pub(crate) fn compare_quantile(
    ledger: &mut Ledger,
    quantity: &'static Quantity,
    quantile: QuantileEstimate,
    place: &Place<'_>,
) {
    ledger.value(quantity, &place.at("estimate"), quantile.estimate);
    ledger.value(quantity, &place.at("lower"), quantile.lower);
    ledger.value(quantity, &place.at("upper"), quantile.upper);
}

fn compare_curve(ledger: &mut Ledger, outcome: &Outcome, place: &Place<'_>) {
    let curve = KaplanMeier::fit(outcome);
    ledger.value(&COUNTS, &place.at("n"), Some(outcome.len() as f64));
    ledger.value(&COUNTS, &place.at("events"), Some(outcome.n_events() as f64));
    let every = place.at("rows").text() == "all";
    let listed: Vec<KaplanMeierRow> =
        curve.rows().iter().filter(|row| every || row.n_events > 0.0).copied().collect();
    let table = place.at("table");
    assert_eq!(table.at("time").items().len(), listed.len(), "{}: rows", place.what());
    for (i, row) in listed.iter().enumerate() {
        let cells = [
            (&COUNTS, "time", Some(row.time)),
            (&COUNTS, "n_risk", Some(row.n_at_risk)),
            (&COUNTS, "n_event", Some(row.n_events)),
            (&COUNTS, "n_censor", Some(row.n_censored)),
            (&KM_SURVIVAL, "surv", Some(row.survival)),
            (&KM_STD_ERR, "se_log_surv", row.std_err_log),
            (&KM_STD_ERR, "se_surv", row.std_err()),
        ];
        for (quantity, column, value) in cells {
            ledger.value(quantity, &table.at(column).index(i), value);
        }
        for kind in CONF_TYPES {
            let (limits, ci) = (row.limits(confidence(kind)), place.at("ci").at(kind.name()));
            ledger.value(&KM_LIMITS, &ci.at("lower").index(i), limits.map(|limits| limits.0));
            ledger.value(&KM_LIMITS, &ci.at("upper").index(i), limits.map(|limits| limits.1));
        }
    }
    for kind in CONF_TYPES {
        for (block, p) in [("q25", 0.25), ("median", 0.5), ("q75", 0.75)] {
            let quantile = curve.quantile(p, confidence(kind)).expect("a fraction");
            compare_quantile(ledger, &KM_QUANTILES, quantile, &place.at(block).at(kind.name()));
        }
    }
}

fn compare_logrank(ledger: &mut Ledger, rows: &Rows, all: &Outcome, root: &Place<'_>) {
    let levels: Vec<&str> = root.at("arms").items().iter().map(Place::text).collect();
    let code = |arm: &String| levels.iter().position(|level| level == arm).expect("a known arm");
    let groups: Vec<usize> = rows.text("arm").iter().map(code).collect();
    for (block, rho) in [("rho0", 0.0), ("rho1", 1.0)] {
        let place = root.at("logrank").at(block);
        let test = fit_logrank(all, &groups, None, rho).expect("valid groups");
        if *place.at("undefined").json() == true {
            assert!(test.chisq.is_none() && test.p.is_none(), "{} is 0/0", place.what());
            continue;
        }
        ledger.value(&LOGRANK, &place.at("chisq"), test.chisq);
        ledger.value(&LOGRANK_P, &place.at("p"), test.p);
        ledger.value(&COUNTS, &place.at("df"), Some(test.df as f64));
        for g in 0..2 {
            ledger.value(&COUNTS, &place.at("n").index(g), Some(test.n[g] as f64));
            ledger.value(&LOGRANK, &place.at("observed").index(g), Some(test.observed[g]));
            ledger.value(&LOGRANK, &place.at("expected").index(g), Some(test.expected[g]));
            for h in 0..2 {
                let cell = place.at("var").index(g).index(h);
                ledger.value(&LOGRANK, &cell, Some(test.variance[g * 2 + h]));
            }
        }
    }
}

fn compare_means(ledger: &mut Ledger, rows: &Rows, root: &Place<'_>) {
    let place = root.at("rmst");
    let tau = place.at("tau").take().expect("a horizon");
    let arms: Vec<Place<'_>> = root.at("arms").items();
    let means: Vec<Rmst> = arms
        .iter()
        .map(|arm| rows.outcome(&rows.of_arm(arm.text())))
        .enumerate()
        .map(|(code, outcome)| {
            let place = place.at(&format!("arm01_{code}"));
            let mean = fit_rmst(&outcome, tau).expect("a valid horizon");
            let (lower, upper) = mean.limits(ConfLevel::DEFAULT);
            ledger.value(&RMST, &place.at("rmst"), Some(mean.estimate));
            ledger.value(&RMST, &place.at("se"), Some(mean.std_err));
            ledger.value(&RMST, &place.at("lower"), Some(lower));
            ledger.value(&RMST, &place.at("upper"), Some(upper));
            ledger.value(&RMST, &place.at("rmtl"), Some(tau - mean.estimate));
            ledger.value(&RMST, &place.at("max_time"), outcome.last_time());
            mean
        })
        .collect();
    let difference = means[1].difference(&means[0], ConfLevel::DEFAULT);
    compare_contrast(ledger, &difference, "se", &place.at("difference_1_minus_0"));
    ledger.value(&RMST, &place.at("difference_1_minus_0").at("p"), difference.p);
    let ratio = means[1].ratio(&means[0], ConfLevel::DEFAULT).expect("means above 0");
    compare_contrast(ledger, &ratio, "log_se", &place.at("ratio_1_over_0"));
}

fn compare_contrast(
    ledger: &mut Ledger,
    contrast: &RmstContrast,
    std_err: &str,
    place: &Place<'_>,
) {
    ledger.value(&RMST, &place.at("estimate"), Some(contrast.estimate));
    ledger.value(&RMST, &place.at(std_err), Some(contrast.std_err));
    ledger.value(&RMST, &place.at("lower"), Some(contrast.lower));
    ledger.value(&RMST, &place.at("upper"), Some(contrast.upper));
}
