//! `ph_test.MODEL.km` and `.identity` of every set.

use herscope::survival::{CoxOptions, TimeTransform, cox_zph, fit_cox};

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
fn a_monotone_fit_has_no_proportional_hazards_test() {
    let data = DataSet::read("tiny_zero_event").cox_data(&["arm01".to_owned()]);
    let fit = fit_cox(&data, &CoxOptions::default()).expect("reference data are valid");
    let test = cox_zph(&data, &fit, TimeTransform::KaplanMeier);
    assert_eq!(test, None, "there is no estimate to test about");
}
