//! The parts of the `survive` document that are there only when asked for, as plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::survive_document::whole_if_whole;

/// A quantile of survival time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// Share that has had the event by then.
    pub probability: f64,
    /// The time; null where the curve does not come down that far.
    pub time: Option<f64>,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
}

/// Survival at a chosen time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurvivalAtTime {
    /// The time.
    pub time: f64,
    /// At risk just before it, in weights.
    #[serde(serialize_with = "whole_if_whole")]
    pub n_at_risk: f64,
    /// Survival; null after the last follow-up.
    pub survival: Option<f64>,
    /// Greenwood's standard error.
    pub std_err: Option<f64>,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
}

/// One step of a cumulative hazard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HazardStep {
    /// A distinct time of follow-up, or an event time of a model.
    pub time: f64,
    /// Cumulative hazard through it.
    pub cumulative_hazard: f64,
    /// Its standard error.
    pub std_err: f64,
}

/// The test of two groups alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairwiseTest {
    /// The levels compared.
    pub levels: [String; 2],
    /// The statistic; null where the two were never compared.
    pub chisq: Option<f64>,
    /// Degrees of freedom.
    pub df: usize,
    /// Its p-value.
    pub p: Option<f64>,
    /// After Holm's correction over all pairs.
    pub p_holm: Option<f64>,
}

/// A ratio of restricted means, second level over reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RmstRatio {
    /// The horizon.
    pub tau: f64,
    /// The ratio.
    pub estimate: f64,
    /// Standard error of its logarithm.
    pub std_err_log: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
    /// Wald p-value; null when both standard errors are 0.
    pub p: Option<f64>,
}

/// Limits of a hazard ratio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HazardRatioLimits {
    /// Lower limit; null where it is unbounded.
    pub lower: Option<f64>,
    /// Upper limit; null where it is unbounded.
    pub upper: Option<f64>,
}

/// Who takes part in a landmark analysis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LandmarkCounts {
    /// The landmark; times of the document are counted from it.
    pub time: f64,
    /// Rows before.
    pub n: usize,
    /// Left out: event at or before the landmark.
    pub n_events_before: usize,
    /// Left out: censored at or before the landmark.
    pub n_censored_before: usize,
    /// Left out: under observation only later.
    pub n_not_entered: usize,
    /// Left out: group or marker not known by the landmark.
    pub n_unknown: usize,
}

/// How visits of a marker were used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkerUse {
    /// Name of the term it became.
    pub term: String,
    /// `group`, `covariate` or `time_dependent`.
    pub used_as: String,
    /// `last` or `ever`.
    pub carry: String,
    /// The value from which it counts as positive; null where the value itself is used.
    pub from: Option<f64>,
    /// Visits in the long table.
    pub n_visits: usize,
    /// Visits in time to say something.
    pub n_visits_used: usize,
    /// Visits too late: after the landmark, or at or after the end of follow-up.
    pub n_visits_late: usize,
    /// Rows of the cohort without a visit in time.
    pub n_without_visit: usize,
}

/// A curve that a Cox model predicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedCurve {
    /// The stratum, where there are strata.
    pub stratum: Option<String>,
    /// Line of the table of new subjects; null for the baseline.
    pub line: Option<u64>,
    /// Value of each term; all 0 for the baseline.
    pub terms: BTreeMap<String, f64>,
    /// One step an event time.
    pub steps: Vec<PredictedPoint>,
}

/// One step of a predicted curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedPoint {
    /// Event time.
    pub time: f64,
    /// Cumulative hazard through it.
    pub cumulative_hazard: f64,
    /// Its standard error, equally of -log survival.
    pub std_err: f64,
    /// exp(-cumulative hazard).
    pub survival: f64,
    /// Lower limit of survival, symmetric on the log scale.
    pub lower: f64,
    /// Upper limit of survival, at most 1.
    pub upper: f64,
}

/// Residuals of a Cox model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    /// Names of the terms, the order of all vectors below.
    pub terms: Vec<String>,
    /// One a row of the model.
    pub rows: Vec<RowResidual>,
    /// One an event, in time.
    pub schoenfeld: Vec<EventResidual>,
}

/// The residuals of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowResidual {
    /// Line of the cohort file.
    pub line: u64,
    /// Observed less expected events.
    pub martingale: f64,
    /// The same made symmetric.
    pub deviance: f64,
    /// Share in the score, by term.
    pub score: Vec<f64>,
}

/// The Schoenfeld residuals of one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventResidual {
    /// Line of the cohort file.
    pub line: u64,
    /// Event time.
    pub time: f64,
    /// Covariates less their risk-set mean, by term.
    pub schoenfeld: Vec<f64>,
    /// Scaled: scattered about the coefficient as a function of time, by term.
    pub scaled: Vec<f64>,
}
