//! The synthetic T-DXd cohort against every survival figure of the abstract it reconstructs.

use herscope::survival::{
    ConfLevel, ConfType, Confidence, KaplanMeier, Outcome, QuantileEstimate, fit_logrank,
};
use herscope::units::DAYS_PER_MONTH;
use serde_json::Value;

use crate::reference_set::{Comparisons, read_column, read_json};

const PATIENTS: &str = "tdxd-cohort/patients.csv";
/// The golden values are printed in full precision.
const TOLERANCE: (f64, f64) = (1e-8, 1e-8);
const LOG_LOG: Confidence = Confidence { level: ConfLevel::DEFAULT, kind: ConfType::LogLog };

fn outcome() -> Outcome {
    let months = |days: &String| days.parse::<f64>().expect("days") / DAYS_PER_MONTH;
    Outcome::right_censored(
        read_column(PATIENTS, "pfs_days").iter().map(months).collect(),
        read_column(PATIENTS, "pfs_event").iter().map(|event| event == "1").collect(),
    )
    .expect("valid rows")
}

fn codes(column: &str) -> Vec<usize> {
    read_column(PATIENTS, column).iter().map(|value| usize::from(value == "1")).collect()
}

/// The groups of the expected file: name, and whether each patient belongs to it.
fn groups() -> [(&'static str, Vec<bool>); 5] {
    let is = |column: &str, code: usize| codes(column).iter().map(|&c| c == code).collect();
    [
        ("all", vec![true; 60]),
        ("ctc_pos", is("ctc_pos_t1", 1)),
        ("ctc_neg", is("ctc_pos_t1", 0)),
        ("her2ctc_pos", is("her2_ctc_pos", 1)),
        ("her2ctc_neg", is("her2_ctc_pos", 0)),
    ]
}

fn members(outcome: &Outcome, member: &[bool]) -> Outcome {
    outcome.select(&(0..member.len()).filter(|&i| member[i]).collect::<Vec<_>>())
}

fn part(quantile: QuantileEstimate, which: &str) -> Option<f64> {
    match which {
        "median" => quantile.estimate,
        "lower95" => quantile.lower,
        "upper95" => quantile.upper,
        other => panic!("the expected file names a part {other}"),
    }
}

/// The value of a survival target, `None` in the outer option for targets of another kind.
fn target_value(id: &str) -> Option<Option<f64>> {
    let outcome = outcome();
    let logrank =
        |column| fit_logrank(&outcome, &codes(column), None, 0.0).expect("valid groups").p;
    match id {
        "n_patients" => return Some(Some(outcome.len() as f64)),
        "n_progressions" => return Some(Some(outcome.n_events() as f64)),
        "pfs_ctc_logrank_p" => return Some(logrank("ctc_pos_t1")),
        "pfs_her2ctc_logrank_p" => return Some(logrank("her2_ctc_pos")),
        _ => {}
    }
    let (name, which) = id.split_once('.')?;
    if name == "followup" {
        return Some(part(KaplanMeier::fit_reverse(&outcome).median(LOG_LOG), which));
    }
    let name = name.strip_prefix("pfs_")?;
    let (_, member) = groups().into_iter().find(|(group, _)| *group == name)?;
    Some(part(KaplanMeier::fit(&members(&outcome, &member)).median(LOG_LOG), which))
}

#[test]
fn every_survival_figure_of_the_abstract_is_reproduced_as_printed() {
    let mut compared = Comparisons::default();
    let expected = read_json("tdxd-cohort/expected.json");
    for target in expected["targets"].as_array().expect("a list of targets") {
        let id = target["id"].as_str().expect("an id");
        let Some(value) = target_value(id) else { continue };
        compared.check(id, value, &target["value"], TOLERANCE);
        let digits = target["digits"].as_u64().expect("a number of digits") as usize;
        let printed = value.map(|value| format!("{value:.digits$}"));
        let published = target["published"].as_f64().map(|value| format!("{value:.digits$}"));
        assert_eq!(printed, published, "{id} as printed");
    }
    // Two counts, five medians with two limits each, two log-rank p.
    assert_eq!(compared.count, 2 + 5 * 3 + 2, "targets compared");
}

fn check_curve(compared: &mut Comparisons, name: &str, outcome: &Outcome, expected: &Value) {
    let curve = KaplanMeier::fit(outcome);
    let rows: Vec<_> = curve.rows().iter().filter(|row| row.n_events > 0.0).collect();
    assert_eq!(Some(rows.len()), expected["surv"].as_array().map(Vec::len), "{name}: event times");
    for (i, row) in rows.iter().enumerate() {
        let limits = row.limits(LOG_LOG);
        let columns = [
            ("time_months", Some(row.time)),
            ("n_risk", Some(row.n_at_risk)),
            ("n_event", Some(row.n_events)),
            ("surv", Some(row.survival)),
            ("std_err_log_surv", row.std_err_log),
            ("lower95", limits.map(|limits| limits.0)),
            ("upper95", limits.map(|limits| limits.1)),
        ];
        for (column, value) in columns {
            compared.check(&format!("{name} {column}"), value, &expected[column][i], TOLERANCE);
        }
    }
}

#[test]
fn curves_medians_and_tests_equal_the_golden_values() {
    let mut compared = Comparisons::default();
    let outcome = outcome();
    let extra = &read_json("tdxd-cohort/expected.json")["extra"];
    for (name, member) in groups() {
        let group = members(&outcome, &member);
        check_curve(&mut compared, name, &group, &extra["km_curves"][name]);
    }
    // Event times of the five curves: 28, 13, 15, 3 and 25, with seven columns each.
    assert_eq!(compared.count, 7 * (28 + 13 + 15 + 3 + 25), "curve values compared");

    let mut compared = Comparisons::default();
    for kind in [ConfType::Log, ConfType::LogLog, ConfType::Plain] {
        let confidence = Confidence { level: ConfLevel::DEFAULT, kind };
        let expected = &extra["ci_by_type"][kind.name()];
        let mut medians: Vec<_> = groups()
            .into_iter()
            .map(|(name, member)| {
                (name, KaplanMeier::fit(&members(&outcome, &member)).median(confidence))
            })
            .collect();
        let follow_up = KaplanMeier::fit_reverse(&outcome).median(confidence);
        medians.push(("followup_reverse_km", follow_up));
        for (name, median) in medians {
            for which in ["median", "lower95", "upper95"] {
                let what = format!("{name} {kind} {which}");
                compared.check(&what, part(median, which), &expected[name][which], TOLERANCE);
            }
        }
    }
    assert_eq!(compared.count, 3 * 6 * 3, "medians compared");

    let mut compared = Comparisons::default();
    for column in ["ctc_pos_t1", "her2_ctc_pos"] {
        let expected = &extra["logrank"][column];
        let test = fit_logrank(&outcome, &codes(column), None, 0.0).expect("valid groups");
        compared.check(column, test.chisq, &expected["chisq"], TOLERANCE);
        compared.check(column, test.p, &expected["p"], TOLERANCE);
        for g in 0..2 {
            compared.check(column, Some(test.observed[g]), &expected["observed"][g], TOLERANCE);
            compared.check(column, Some(test.expected[g]), &expected["expected"][g], TOLERANCE);
        }
    }
    assert_eq!(compared.count, 2 * 6, "log-rank values compared");
}
