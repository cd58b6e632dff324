//! `ph_test.MODEL.km` and `.identity` of every set.

use herscope::survival::{
    CovariateColumn, CoxData, CoxOptions, Outcome, TieRepair, TimeTransform, cox_zph, fit_cox,
};

use crate::support::{Comparison, DATA_SETS, DataSet, entries, strings};

#[test]
fn every_proportional_hazards_test_equals_cox_zph() {
    let mut comparison = Comparison::default();
    for name in DATA_SETS {
        let set = DataSet::read(name);
        for (model, by_transform) in entries(&set.expected["ph_test"]) {
            let covariates = strings(&set.expected["cox"][model]["efron"]["covariates"]);
            let data = set.cox_data(&covariates);
            let fit = fit_cox(&data, &CoxOptions::default()).expect("reference data are valid");
            for (transform, expected) in entries(by_transform) {
                let transform = match transform.as_str() {
                    "km" => TimeTransform::KaplanMeier,
                    _ => TimeTransform::Identity,
                };
                let test = cox_zph(&data, &fit, transform).expect("a finite fit");
                let global = [("GLOBAL".to_owned(), test.global)];
                for (term, found) in test.terms.iter().chain(&global) {
                    let what = format!("{name} {model} {} {term}", transform.name());
                    let of = |key: &str| &expected[key][term];
                    comparison.relative(&what, found.chisq, of("chisq"), 1e-5);
                    comparison.relative(&what, found.p, of("p"), 1e-5);
                    let df = of("df").as_u64().expect("degrees of freedom");
                    comparison.equal(&what, found.df as u64, df);
                }
            }
        }
    }
    comparison.finish(250);
}

#[test]
fn times_far_from_zero_keep_the_digits_of_the_test() {
    // Identity, rank and km do not change when the clock starts a million years earlier, and a shift
    // by a power of two changes no gap between whole times.
    let near = DataSet::read("veteran").cox_data(&["arm01".to_owned(), "karno".to_owned()]);
    let mut far = near.clone();
    let time = near.outcome.time().iter().map(|t| t + 2.0_f64.powi(30)).collect();
    far.outcome = Outcome::new(time, near.outcome.event().to_vec(), None, None, TieRepair::Keep)
        .expect("valid rows");
    let test = |data: &CoxData, transform| {
        let fit = fit_cox(data, &CoxOptions::default()).expect("reference data are valid");
        cox_zph(data, &fit, transform).expect("a finite fit")
    };
    for transform in [TimeTransform::KaplanMeier, TimeTransform::Identity, TimeTransform::Rank] {
        let (near, far) = (test(&near, transform), test(&far, transform));
        for ((name, near), (_, far)) in near.terms.iter().zip(&far.terms) {
            let error = (near.chisq - far.chisq).abs();
            assert!(error < 1e-9 * near.chisq, "{name}: {} and {}", near.chisq, far.chisq);
        }
    }
}

#[test]
fn events_of_one_time_leave_nothing_to_test() {
    // The variance left for the effect of time is zero; its rounding must not pass for a test.
    for time in [0.1, 1.0, 7.3, 1e6 / 3.0] {
        let n = 12;
        let data = CoxData {
            outcome: Outcome::right_censored(vec![time; n], (0..n).map(|i| i % 3 != 0).collect())
                .expect("valid rows"),
            covariates: [5, 7]
                .map(|m| CovariateColumn {
                    name: format!("x{m}"),
                    values: (0..n).map(|i| ((i * i) % m) as f64 / 3.0).collect(),
                })
                .to_vec(),
            strata: None,
            cluster: None,
        };
        let fit = fit_cox(&data, &CoxOptions::default()).expect("valid data");
        for transform in [TimeTransform::KaplanMeier, TimeTransform::Identity, TimeTransform::Rank]
        {
            assert_eq!(cox_zph(&data, &fit, transform), None, "{transform:?} at {time}");
        }
    }
}

#[test]
fn a_monotone_fit_has_no_proportional_hazards_test() {
    let data = DataSet::read("tiny_zero_event").cox_data(&["arm01".to_owned()]);
    let fit = fit_cox(&data, &CoxOptions::default()).expect("reference data are valid");
    let test = cox_zph(&data, &fit, TimeTransform::KaplanMeier);
    assert_eq!(test, None, "there is no estimate to test about");
}
