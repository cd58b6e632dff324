//! The document of `herscope coverage`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Warning;
use crate::compute::DeviceInfo;

/// What `coverage --json` prints. Shares are of all simulated trials unless their name says
/// otherwise.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct CoverageDocument {
    pub schema_version: u32,
    pub command: &'static str,
    pub warnings: Vec<Warning>,
    pub n: usize,
    pub n_events: usize,
    pub n_dropped: usize,
    pub term: String,
    /// Of the reference and of the other arm, in the cohort and in every simulated trial.
    pub arm_sizes: [usize; 2],
    pub ties: &'static str,
    pub estimate: CoverageEstimate,
    pub conf_level: f64,
    pub seed: u64,
    pub simulations: u64,
    pub replicates: u64,
    pub resample: &'static str,
    /// Size of the second level; absent without a calibrated interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationSize>,
    pub scenarios: Vec<ScenarioBlock>,
    pub draw_layout: u32,
    pub device: DeviceInfo,
    pub version: String,
    pub elapsed_seconds: f64,
    pub simulations_per_second: f64,
}

/// The cohort as given; null with a reason where it is not finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct CoverageEstimate {
    pub log_hazard_ratio: Option<f64>,
    pub hazard_ratio: Option<f64>,
    pub se: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// Resamples, and resamples of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CalibrationSize {
    pub outer: u64,
    pub inner: u32,
}

/// Trials under one true hazard ratio.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct ScenarioBlock {
    pub true_hazard_ratio: f64,
    /// `given`, `estimate`, or `estimate_not_finite` where 1 stands for it.
    pub source: &'static str,
    pub baseline_scale: f64,
    pub expected_events: f64,
    pub mean_events: f64,
    pub n_monotone: u64,
    pub n_not_identified: u64,
    pub methods: Vec<MethodBlock>,
}

/// One kind of interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct MethodBlock {
    pub method: &'static str,
    /// Trials in which the interval exists, infinite ones too.
    pub n_available: u64,
    pub coverage: f64,
    pub mcse: f64,
    /// Coverage among the trials in which it exists; null if there are none.
    pub coverage_available: Option<f64>,
    pub mcse_available: Option<f64>,
    /// The truth lies below the lower limit.
    pub truth_below: f64,
    /// The truth lies above the upper limit.
    pub truth_above: f64,
    /// Among the trials in which it exists, infinite widths sorted in.
    pub median_width_log: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_width_reason: Option<&'static str>,
    pub share_infinite: f64,
    pub share_unavailable: f64,
    /// Trials without the interval, by reason.
    pub unavailable: BTreeMap<&'static str, u64>,
}
