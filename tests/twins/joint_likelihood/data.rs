//! Data sets for joint models: a made-up one, two reference sets, and the demo's cohort.

use herscope::joint::{
    Association, Baseline, CubicSplines, Family, FixedTerm, JointData, JointModel, RandomEffects,
    TimeShape,
};
use herscope::survival::CovariateColumn;
use serde_json::Value;
use std::path::Path;

/// A model with data, a reference vector, and how far candidates lie from it in each parameter.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) model: JointModel,
    pub(super) data: JointData,
    pub(super) reference: Vec<f64>,
    pub(super) spreads: Vec<f64>,
}

/// Twelve subjects, some followed from later than 0: levels, or counts. Times run to `span`.
fn made_up(family: Family, span: f64) -> JointData {
    let n = 12;
    let ages: Vec<f64> = (0..n).map(|i| 0.1 * i as f64).collect();
    let mut visits = (Vec::new(), Vec::new(), Vec::new());
    let mut visit_begin = vec![0];
    for (i, &of_subject) in ages.iter().enumerate() {
        for visit in 0..1 + i % 3 {
            let t = 0.5 * visit as f64;
            let level = 0.8 + 0.15 * ((i * 5) % 12) as f64 - 0.2 * t;
            visits.0.push(t * span / 3.0);
            visits.1.push(match family {
                Family::Gaussian => level + 0.1 * ((i + 3 * visit) % 5) as f64,
                _ => (level * 3.0).round() + ((i + visit) % 3) as f64,
            });
            visits.2.push(of_subject);
        }
        visit_begin.push(visits.0.len());
    }
    let (visit_time, marker, age) = visits;
    let n_visits = marker.len();
    let term = |name: &str, power, at_visits: Vec<f64>, of_subjects: Vec<f64>| FixedTerm {
        name: name.into(),
        shape: TimeShape::Power(power),
        at_visits,
        of_subjects: Some(of_subjects),
    };
    JointData {
        visit_begin,
        visit_time,
        marker,
        offset: Some((0..n_visits).map(|j| 0.05 * (j % 3) as f64).collect()),
        fixed: vec![
            term("(Intercept)", 0, vec![1.0; n_visits], vec![1.0; n]),
            term("t", 1, vec![1.0; n_visits], vec![1.0; n]),
            term("t:age", 1, age, ages),
        ],
        entry: None,
        time: (0..n).map(|i| (0.5 + 0.2 * ((i * 7) % 12) as f64) * span / 3.0).collect(),
        event: (0..n).map(|i| i % 3 != 1).collect(),
        covariates: vec![CovariateColumn {
            name: "her2".into(),
            values: (0..n).map(|i| f64::from(u8::from(i % 2 == 0))).collect(),
        }],
    }
}

/// Every combination of a family the kernel takes, random effects, association and baseline.
pub(super) fn made_up_cases() -> Vec<Case> {
    use Association::{Shared, Slope, Value, ValueAndSlope};
    let mut cases = Vec::new();
    for family in [Family::Gaussian, Family::Poisson] {
        for random in [RandomEffects::Intercept, RandomEffects::InterceptSlope] {
            for association in [Value, Slope, ValueAndSlope, Shared] {
                for baseline in [
                    Baseline::Weibull,
                    Baseline::Piecewise { knots: vec![0.9, 1.8] },
                    Baseline::Spline { basis: CubicSplines::new((0.0, 3.0), &[1.2]) },
                ] {
                    let name = format!("{family:?} {random:?} {association:?} {}", baseline.name());
                    let model = JointModel { family, random, association, baseline };
                    let data = made_up(family, 3.0);
                    cases.push(of_length(name, model, data));
                }
            }
        }
    }
    cases
}

/// The made-up counts with times in days, where slopes are small and the log hazard is far below 0.
pub(super) fn in_days() -> Case {
    let model = JointModel {
        family: Family::Poisson,
        random: RandomEffects::InterceptSlope,
        association: Association::Value,
        baseline: Baseline::Weibull,
    };
    let days = 300.0_f64;
    let data = made_up(Family::Poisson, 3.0 * days);
    let mut case = of_length("in days".into(), model, data);
    let (reference, spreads) = (&mut case.reference, &mut case.spreads);
    for slope in [1, 2] {
        reference[slope] /= days;
        spreads[slope] /= days;
    }
    // of the random slope, and of the hazard
    reference[4] -= days.ln();
    reference[7] -= reference[6].exp() * days.ln();
    case
}

/// Moderate values with a correlation and an association in them, candidates up to 0.4 away.
fn of_length(name: String, model: JointModel, data: JointData) -> Case {
    let scale = usize::from(model.family == Family::Gaussian);
    let covariance = if model.random == RandomEffects::Intercept { 1 } else { 3 };
    let baseline = match &model.baseline {
        Baseline::Weibull => 2,
        Baseline::Piecewise { knots } => knots.len() + 1,
        Baseline::Spline { basis } => basis.len(),
    };
    let shared_slope =
        model.association == Association::Shared && model.random == RandomEffects::InterceptSlope;
    let links = 1 + usize::from(model.association == Association::ValueAndSlope || shared_slope);
    let n = data.fixed.len() + scale + covariance + baseline + data.covariates.len() + links;
    let value = |k: usize| [0.3, -0.2, 0.15, -0.4, -0.6, 0.25][k % 6] - 0.02 * k as f64;
    Case { name, model, data, reference: (0..n).map(value).collect(), spreads: vec![0.4; n] }
}

fn read(file: &str) -> csv::Reader<std::fs::File> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A column of a table; empty fields are NaN.
fn column(file: &str, name: &str) -> Vec<f64> {
    let mut reader = read(file);
    let at = reader.headers().expect("a header").iter().position(|header| header == name);
    let at = at.unwrap_or_else(|| panic!("{file} has no column {name}"));
    let number = |field: &str| if field.is_empty() { f64::NAN } else { field.parse().expect(name) };
    reader.records().map(|record| number(&record.expect("a row")[at])).collect()
}

/// Visits by subject `[n_subjects + 1]`, for subjects numbered from 1 in order.
fn visits_begin(id: &[f64], n: usize) -> Vec<usize> {
    (0..=n).map(|i| id.partition_point(|&id| id <= i as f64)).collect()
}

fn term(name: &str, power: u32, at_visits: Vec<f64>, of_subjects: Vec<f64>) -> FixedTerm {
    FixedTerm {
        name: name.into(),
        shape: TimeShape::Power(power),
        at_visits,
        of_subjects: Some(of_subjects),
    }
}

/// Estimates and standard errors of a block of a JSON of expected values, in its order, and its log
/// likelihood.
fn estimates(file: &str, block: &str) -> (Vec<f64>, Vec<f64>, f64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(path).expect("the file is part of the package");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let block = all.pointer(block).expect("the block");
    let numbers = |name: &str| {
        let values = block[name].as_object().expect("numbers by name").values();
        values.map(|value| value.as_f64().expect("a number")).collect()
    };
    (numbers("parameters"), numbers("se"), block["logLik"].as_f64().expect("a number"))
}

/// 312 subjects with up to 16 visits and a normal marker; a log likelihood from elsewhere.
pub(super) fn pbcseq() -> (Case, f64) {
    let folder = "tests/data/joint";
    let visits = format!("{folder}/pbcseq_longitudinal.csv");
    let subjects = format!("{folder}/pbcseq_survival.csv");
    let (visit_time, bilirubin) = (column(&visits, "year"), column(&visits, "bili"));
    let (n, n_visits) = (column(&subjects, "id").len(), visit_time.len());
    let data = JointData {
        visit_begin: visits_begin(&column(&visits, "id"), n),
        visit_time,
        marker: bilirubin.iter().map(|x| x.ln()).collect(),
        offset: None,
        fixed: vec![
            term("(Intercept)", 0, vec![1.0; n_visits], vec![1.0; n]),
            term("year", 1, vec![1.0; n_visits], vec![1.0; n]),
        ],
        entry: None,
        time: column(&subjects, "time"),
        event: column(&subjects, "event").iter().map(|&event| event == 1.0).collect(),
        covariates: vec![CovariateColumn { name: "trt".into(), values: column(&subjects, "trt") }],
    };
    let model = JointModel {
        family: Family::Gaussian,
        random: RandomEffects::InterceptSlope,
        association: Association::Value,
        baseline: Baseline::Weibull,
    };
    let (reference, se, value) =
        estimates(&format!("{folder}/pbcseq_joint.expected.json"), "/exact_ml");
    let spreads = se.iter().map(|se| 4.0 * se).collect();
    (Case { name: "pbcseq".into(), model, data, reference, spreads }, value)
}

/// 300 subjects with three counts, models A (shared intercept), B (intercept and slope, current value)
/// and C (intercept, current value); a log likelihood from elsewhere.
pub(super) fn ctcjm(which: &str) -> (Case, f64) {
    let folder = "tests/data/joint";
    let visits = format!("{folder}/ctcjm_longitudinal.csv");
    let subjects = format!("{folder}/ctcjm_survival.csv");
    let (id, her2) = (column(&visits, "id"), column(&subjects, "her2"));
    let (n, n_visits) = (her2.len(), id.len());
    let at_visits = id.iter().map(|&id| her2[id as usize - 1]).collect();
    let data = JointData {
        visit_begin: visits_begin(&id, n),
        visit_time: column(&visits, "month"),
        marker: column(&visits, "ctc"),
        offset: None,
        fixed: vec![
            term("(Intercept)", 0, vec![1.0; n_visits], vec![1.0; n]),
            term("month", 1, vec![1.0; n_visits], vec![1.0; n]),
            term("her2", 0, at_visits, her2.clone()),
        ],
        entry: None,
        time: column(&subjects, "time"),
        event: column(&subjects, "event").iter().map(|&event| event == 1.0).collect(),
        covariates: vec![CovariateColumn { name: "her2".into(), values: her2 }],
    };
    let model = JointModel {
        family: Family::Poisson,
        random: if which == "B" { RandomEffects::InterceptSlope } else { RandomEffects::Intercept },
        association: if which == "A" { Association::Shared } else { Association::Value },
        baseline: Baseline::Weibull,
    };
    let (reference, se, value) =
        estimates(&format!("{folder}/ctcjm.expected.json"), &format!("/models/{which}"));
    let spreads = se.iter().map(|se| 4.0 * se).collect();
    (Case { name: format!("ctcjm {which}"), model, data, reference, spreads }, value)
}

/// The demo's patients: counts of CTCs at up to three visits, by the days from enrolment.
pub(super) fn demo(random: RandomEffects, association: Association) -> Case {
    let ids = |file: &str| -> Vec<String> {
        read(file).records().map(|record| record.expect("a row")[0].to_owned()).collect()
    };
    let (patients, samples) = (ids("demo/patients.csv"), ids("demo/samples.csv"));
    let days = column("demo/samples.csv", "days_from_enrolment");
    let counts = column("demo/samples.csv", "n_ctc");
    let (mut visit_begin, mut visit_time, mut marker) = (vec![0], Vec::new(), Vec::new());
    for patient in &patients {
        let known = |j: &usize| samples[*j] == *patient && counts[*j].is_finite();
        for j in (0..samples.len()).filter(known) {
            visit_time.push(days[j] / 30.4375);
            marker.push(counts[j]);
        }
        visit_begin.push(marker.len());
    }
    let (n, n_visits) = (patients.len(), marker.len());
    let data = JointData {
        visit_begin,
        visit_time,
        marker,
        offset: None,
        fixed: vec![
            term("(Intercept)", 0, vec![1.0; n_visits], vec![1.0; n]),
            term("month", 1, vec![1.0; n_visits], vec![1.0; n]),
        ],
        entry: None,
        time: column("demo/patients.csv", "pfs_months"),
        event: column("demo/patients.csv", "pfs_event").iter().map(|&event| event == 1.0).collect(),
        covariates: vec![CovariateColumn {
            name: "visceral".into(),
            values: column("demo/patients.csv", "visceral"),
        }],
    };
    let name = format!("demo {random:?} {association:?}");
    let model =
        JointModel { family: Family::Poisson, random, association, baseline: Baseline::Weibull };
    // rough estimates of this cohort: level and its slope, effects of SD 1.5 (and 0.3 a month), an
    // event in a year or so
    let (covariance, spread): (&[f64], &[f64]) = match random {
        RandomEffects::Intercept => (&[0.4], &[0.4]),
        RandomEffects::InterceptSlope => (&[0.4, -1.2, -0.3], &[0.4, 0.6, 0.6]),
    };
    let reference = [&[0.5, -0.2], covariance, &[0.2, -2.6, 0.2, 0.15]].concat();
    let spreads = [&[0.5, 0.1], spread, &[0.3, 0.6, 0.6, 0.2]].concat();
    Case { name, model, data, reference, spreads }
}
