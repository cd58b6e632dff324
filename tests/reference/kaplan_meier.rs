//! Kaplan-Meier curves, limits, quantiles and follow-up against R survival 3.5-3 `survfit`.

use herscope::survival::{
    ConfLevel, ConfType, Confidence, KaplanMeier, KaplanMeierRow, QuantileEstimate, nelson_aalen,
};
use serde_json::Value;

use crate::reference_set::{Comparisons, ReferenceSet, SETS};

/// The README of the sets: absolute 1e-9.
const TOLERANCE: (f64, f64) = (1e-9, 0.0);
const CONF_TYPES: [ConfType; 3] = [ConfType::Log, ConfType::LogLog, ConfType::Plain];

fn confidence(kind: ConfType) -> Confidence {
    Confidence { level: ConfLevel::default(), kind }
}

/// The curve's rows that the expected table lists: all, or those with an event.
fn listed_rows(curve: &KaplanMeier, expected: &Value) -> Vec<KaplanMeierRow> {
    let all = expected["rows"] == "all";
    curve.rows().iter().filter(|row| all || row.n_events > 0.0).copied().collect()
}

fn check_quantile(
    compared: &mut Comparisons,
    what: &str,
    quantile: QuantileEstimate,
    expected: &Value,
) {
    assert!(expected.is_object(), "{what}: the expected file has this quantile");
    compared.check(
        &format!("{what} estimate"),
        quantile.estimate,
        &expected["estimate"],
        TOLERANCE,
    );
    compared.check(&format!("{what} lower"), quantile.lower, &expected["lower"], TOLERANCE);
    compared.check(&format!("{what} upper"), quantile.upper, &expected["upper"], TOLERANCE);
}

#[test]
fn every_table_value_equals_survfit() {
    let mut compared = Comparisons::default();
    for name in SETS {
        let set = ReferenceSet::read(name);
        for (level, expected) in set.expected["km"].as_object().expect("a km block") {
            let curve = KaplanMeier::fit(&set.outcome.select(&set.arm_rows(level)));
            assert_eq!(Some(curve.n() as u64), expected["n"].as_u64(), "{name} {level}: n");
            let rows = listed_rows(&curve, expected);
            let table = &expected["table"];
            let n_expected = table["time"].as_array().map(Vec::len);
            assert_eq!(Some(rows.len()), n_expected, "{name} {level}: number of rows");
            for (i, row) in rows.iter().enumerate() {
                let columns = [
                    ("time", Some(row.time)),
                    ("n_risk", Some(row.n_at_risk)),
                    ("n_event", Some(row.n_events)),
                    ("n_censor", Some(row.n_censored)),
                    ("surv", Some(row.survival)),
                    ("se_log_surv", row.std_err_log),
                    ("se_surv", row.std_err()),
                ];
                for (column, value) in columns {
                    let what = format!("{name} {level} {column} at {}", row.time);
                    compared.check(&what, value, &table[column][i], TOLERANCE);
                }
            }
        }
    }
    assert_eq!(compared.count, TABLE_VALUES, "values compared");
}

#[test]
fn every_limit_of_every_curve_equals_survfit() {
    let mut compared = Comparisons::default();
    for name in SETS {
        let set = ReferenceSet::read(name);
        for (level, expected) in set.expected["km"].as_object().expect("a km block") {
            let curve = KaplanMeier::fit(&set.outcome.select(&set.arm_rows(level)));
            for kind in CONF_TYPES {
                let limits = &expected["ci"][kind.name()];
                for (i, row) in listed_rows(&curve, expected).iter().enumerate() {
                    let what = format!("{name} {level} {kind} at {}", row.time);
                    let value = row.limits(confidence(kind));
                    let (lower, upper) = (&limits["lower"][i], &limits["upper"][i]);
                    compared.check(&what, value.map(|limits| limits.0), lower, TOLERANCE);
                    compared.check(&what, value.map(|limits| limits.1), upper, TOLERANCE);
                }
            }
        }
    }
    assert_eq!(compared.count, LIMIT_VALUES, "values compared");
}

#[test]
fn medians_and_quartiles_and_their_limits_equal_survfit() {
    let mut compared = Comparisons::default();
    for name in SETS {
        let set = ReferenceSet::read(name);
        for (level, expected) in set.expected["km"].as_object().expect("a km block") {
            let curve = KaplanMeier::fit(&set.outcome.select(&set.arm_rows(level)));
            for kind in CONF_TYPES {
                for (block, p) in [("median", 0.5), ("q25", 0.25), ("q75", 0.75)] {
                    let quantile = curve.quantile(p, confidence(kind)).expect("p is a fraction");
                    let what = format!("{name} {level} {block} {kind}");
                    check_quantile(&mut compared, &what, quantile, &expected[block][kind.name()]);
                }
            }
        }
    }
    // 11 sets, 3 curves each, 3 types, 3 quantiles, 3 values.
    assert_eq!(compared.count, 11 * 3 * 27, "values compared");
}

#[test]
fn median_follow_up_keeps_events_at_risk_for_censorings_of_the_same_time() {
    let mut compared = Comparisons::default();
    for name in SETS {
        let set = ReferenceSet::read(name);
        let blocks = set.expected["reverse_km_median_followup"].as_object().expect("a block");
        for (level, expected) in blocks {
            let curve = KaplanMeier::fit_reverse(&set.outcome.select(&set.arm_rows(level)));
            for kind in CONF_TYPES {
                let what = format!("{name} {level} follow-up {kind}");
                let median = curve.median(confidence(kind));
                check_quantile(&mut compared, &what, median, &expected[kind.name()]);
            }
        }
    }
    assert_eq!(compared.count, 11 * 3 * 9, "values compared");
}

#[test]
fn the_cumulative_hazard_is_the_sum_of_events_over_number_at_risk() {
    // ties60, all 60: 23/60 + 13/37 + 5/18 + 4/10 + 2/5 + 1/1 from the counts in the file.
    let hazard = nelson_aalen(&ReferenceSet::read("ties60").outcome);
    let expected = 23.0 / 60.0 + 13.0 / 37.0 + 5.0 / 18.0 + 4.0 / 10.0 + 2.0 / 5.0 + 1.0;
    let last = hazard.last().expect("six times");
    assert!((last.cumulative_hazard - expected).abs() < 1e-14, "{last:?}");
}

/// Values in all `table` blocks: seven columns a listed row.
const TABLE_VALUES: usize = 7 * 1110;
/// Values in all `ci` blocks: three types, two limits a listed row.
const LIMIT_VALUES: usize = 6 * 1110;
