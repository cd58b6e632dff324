//! What a joint model claims: equal to references, and, on simulated cohorts, to the truth.

#[path = "../sweep/docs_block.rs"]
mod docs_block;
mod recovery;
mod reference;

use std::path::PathBuf;

use herscope::io::cohort::CohortRequest;
use herscope::io::joint_tables::{JointRequest, JointTables, read_joint_tables};
use herscope::joint::{Association, Family, RandomEffects};
use herscope::pipeline::joint::{BaselineKind, JointSettings};
use herscope::units::TimeUnit;

pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Poisson, a random intercept and slope, value, Weibull, 15 nodes.
pub(crate) fn settings() -> JointSettings {
    JointSettings {
        family: Family::Poisson,
        random: RandomEffects::InterceptSlope,
        association: Association::Value,
        baseline: BaselineKind::Weibull,
        knots: None,
        nodes: 15,
        conf_level: 0.95,
        marker: "ctc".into(),
        time_unit: TimeUnit::Months,
        profile: false,
        bootstrap: None,
        permutations: None,
        prediction: None,
        seed: 1,
    }
}

fn subjects(id: &str, time: &str, event: &str, covariates: &[&str]) -> CohortRequest {
    CohortRequest {
        id: Some(id.into()),
        time: Some(time.into()),
        event: Some(event.into()),
        covariates: covariates.iter().map(|name| (*name).to_owned()).collect(),
        ..CohortRequest::default()
    }
}

/// 300 simulated patients with counts at up to three visits.
pub(crate) fn ctcjm() -> JointTables {
    let request = JointRequest {
        id: "id".into(),
        visit_time: "month".into(),
        marker: "ctc".into(),
        fixed: vec!["month".into(), "her2".into()],
        subjects: subjects("id", "time", "event", &["her2"]),
        ..JointRequest::default()
    };
    let folder = repository("tests/data/joint");
    let (long, short) = (folder.join("ctcjm_longitudinal.csv"), folder.join("ctcjm_survival.csv"));
    read_joint_tables(&long, &short, &request).expect("the reference tables")
}

/// 312 patients with primary biliary cirrhosis, log bilirubin.
pub(crate) fn pbcseq() -> JointTables {
    let request = JointRequest {
        id: "id".into(),
        visit_time: "year".into(),
        marker: "log(bili)".into(),
        subjects: subjects("id", "time", "event", &["trt"]),
        ..JointRequest::default()
    };
    let folder = repository("tests/data/joint");
    let (long, short) =
        (folder.join("pbcseq_longitudinal.csv"), folder.join("pbcseq_survival.csv"));
    read_joint_tables(&long, &short, &request).expect("the reference tables")
}

/// The golden cohort; `marker` as on the command line.
pub(crate) fn golden(marker: &str, timepoints: &[&str]) -> JointTables {
    let request = JointRequest {
        id: "patient_id".into(),
        visit_time: "days_from_enrolment".into(),
        visit_unit: Some(TimeUnit::Days),
        marker: marker.into(),
        only: Some((
            "timepoint".into(),
            timepoints.iter().map(|name| (*name).to_owned()).collect(),
        )),
        subjects: subjects("patient_id", "pfs_months", "pfs_event", &[]),
        ..JointRequest::default()
    };
    let folder = repository("tests/data/tdxd-cohort");
    read_joint_tables(&folder.join("samples.csv"), &folder.join("patients.csv"), &request)
        .expect("the golden tables")
}
