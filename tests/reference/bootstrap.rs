//! The bootstrap through the Cox kernel against a million replicates in R and C.

use std::path::Path;

use herscope::compute::CpuEngine;
use herscope::io::cohort::{CohortRequest, read_cohort};
use herscope::pipeline::bootstrap::{
    BootstrapDocument, BootstrapSettings, IntervalKind, Resample, run_bootstrap,
};
use herscope::survival::Ties;
use serde_json::Value;

use super::reference_set::{data_path, read_json};

const REPLICATES: u64 = 20_000;

fn document(set: &str, settings: &BootstrapSettings) -> BootstrapDocument {
    let request = CohortRequest {
        time: Some("time".into()),
        event: Some("event".into()),
        covariates: vec!["arm01".into()],
        ..CohortRequest::default()
    };
    let path = data_path(&format!("survival/{set}.csv"));
    let cohort = read_cohort(Path::new(&path), &request).expect("the set is in the repository");
    run_bootstrap(&cohort, settings, &CpuEngine::new(), &|_, _| true).expect("a bootstrap")
}

/// Every value of a block that the document has, within the set's rule: four Monte-Carlo errors of
/// the difference of two runs. Returns how many were compared.
fn compare(what: &str, block: &Value, document: &BootstrapDocument) -> usize {
    let theirs = block["replicates"].as_f64().expect("a count");
    let mut compared = 0;
    let mut hold = |name: &str, ours: Option<f64>| {
        let value = block["value"][name].as_f64().unwrap_or_else(|| panic!("{name} in the data"));
        let mc_se = block["mc_se"][name].as_f64().unwrap_or_else(|| panic!("error of {name}"));
        let ours = ours.unwrap_or_else(|| panic!("{what}: {name} is a number"));
        let allowed = 4.0 * mc_se * (1.0 + theirs / REPLICATES as f64).sqrt();
        assert!((ours - value).abs() <= allowed, "{what}, {name}: {ours} against {value}");
        compared += 1;
    };
    hold("se", document.std_err);
    hold("bias", document.bias);
    for kind in ["percentile", "basic", "normal", "bca", "studentized"] {
        let found = document.intervals.iter().find(|interval| interval.kind == kind);
        let interval = found.unwrap_or_else(|| panic!("{kind} is there"));
        hold(&format!("{kind}_lower"), interval.log_lower);
        hold(&format!("{kind}_upper"), interval.log_upper);
    }
    compared
}

#[test]
fn breslow_replicates_and_stratified_ones_hold_the_reference_values() {
    let intervals = ["percentile", "basic", "normal", "bca", "studentized"]
        .map(|kind| kind.parse::<IntervalKind>().expect("a kind"));
    let mut compared = 0;
    for set in ["lung", "veteran", "ovarian", "kidney", "ties60", "ctc60"] {
        let expected = read_json(&format!("survival/{set}.expected.json"));
        let blocks = [
            ("case_efron", Ties::Efron, Resample::Case),
            ("case_breslow", Ties::Breslow, Resample::Case),
            ("stratified_efron", Ties::Efron, Resample::Stratified),
        ];
        for (name, ties, resample) in blocks {
            let block = &expected["bootstrap"][name];
            let settings = BootstrapSettings {
                replicates: REPLICATES,
                ties,
                resample,
                intervals: intervals.to_vec(),
                seed: 17,
                ..BootstrapSettings::default()
            };
            compared += compare(&format!("{set}, {name}"), block, &document(set, &settings));
        }
    }
    assert_eq!(compared, 6 * 3 * 12, "values compared");
}
