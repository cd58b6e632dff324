//! The document of `herscope bootstrap`; the field names are the contract's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::histogram::ReplicateHistogram;
use super::propagation::PropagationBlock;
use crate::Warning;
use crate::compute::DeviceInfo;

/// What `bootstrap --json` prints.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the contract documents the fields by name")]
pub struct BootstrapDocument {
    pub schema_version: u32,
    pub command: &'static str,
    pub warnings: Vec<Warning>,
    pub n: usize,
    pub n_events: usize,
    pub n_dropped: usize,
    pub statistic: String,
    /// Share with the event, of a difference of medians or other quantiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantile: Option<f64>,
    /// Horizon of restricted means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tau: Option<f64>,
    /// Time of a difference of survival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<f64>,
    pub term: String,
    pub ties: Option<String>,
    /// `firth`, where replicates are fitted by the penalised likelihood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty: Option<String>,
    pub resample: String,
    pub seed: u64,
    pub conf_level: f64,
    pub estimate: EstimateBlock,
    /// The replicates that this shard holds, half open; absent for a whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<[u64; 2]>,
    pub replicates: ReplicatesBlock,
    pub bias: Option<f64>,
    pub std_err: Option<f64>,
    pub mcse_bias: Option<f64>,
    pub mcse_std_err: Option<f64>,
    /// The interval to trust by default.
    pub default_interval: Option<IntervalBlock>,
    pub intervals: Vec<IntervalBlock>,
    /// The test, where arms were shuffled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permutation: Option<PermutationBlock>,
    /// How the calibrated interval was calibrated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationBlock>,
    /// The same with the cells behind the group drawn too, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagation: Option<PropagationBlock>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draws_sha256: Option<String>,
    pub draw_layout: u32,
    pub device: DeviceInfo,
    pub version: String,
    pub elapsed_seconds: f64,
    pub replicates_per_second: f64,
    /// Counts of the replicates, for the figure.
    #[serde(skip)]
    pub histogram: Option<ReplicateHistogram>,
}

/// The estimate of the data as given; null where it is not finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "the contract documents the fields by name")]
pub enum EstimateBlock {
    /// Of a hazard ratio.
    HazardRatio { log_hazard_ratio: Option<f64>, hazard_ratio: Option<f64>, se: Option<f64> },
    /// Of any other statistic.
    Value { value: Option<f64>, se: Option<f64> },
}

impl EstimateBlock {
    /// The hazard ratio, where it is one and finite.
    pub fn hazard_ratio(&self) -> Option<f64> {
        match self {
            Self::HazardRatio { hazard_ratio, .. } => *hazard_ratio,
            Self::Value { .. } => None,
        }
    }

    /// Whether it is of a hazard ratio.
    pub fn is_ratio(&self) -> bool {
        matches!(self, Self::HazardRatio { .. })
    }

    /// Whether there is a finite estimate.
    pub fn is_finite(&self) -> bool {
        match self {
            Self::HazardRatio { log_hazard_ratio: value, .. } | Self::Value { value, .. } => {
                value.is_some()
            }
        }
    }
}

/// What became of the replicates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the contract documents the fields by name")]
pub struct ReplicatesBlock {
    pub requested: u64,
    pub estimable: u64,
    pub inestimable: BTreeMap<&'static str, u64>,
}

/// One interval; a limit that is not finite is null, with the reason beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the contract documents the fields by name")]
pub struct IntervalBlock {
    pub kind: &'static str,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub mcse_lower: Option<f64>,
    pub mcse_upper: Option<f64>,
    pub log_lower: Option<f64>,
    pub log_upper: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// A two-sided permutation test; null without an estimate of the data as given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PermutationBlock {
    /// The statistic of the data as given.
    pub statistic: Option<f64>,
    /// `(1 + n_as_extreme) / (1 + estimable replicates)`.
    pub p: Option<f64>,
    /// Replicates at least as far from 0.
    pub n_as_extreme: u64,
    /// Monte-Carlo standard error of p.
    pub mcse: Option<f64>,
}

impl PermutationBlock {
    /// The test of `statistic` from how many replicates have a value and are as extreme.
    pub(super) fn new(statistic: Option<f64>, estimable: u64, n_as_extreme: u64) -> Self {
        let p = statistic.map(|_| (1 + n_as_extreme) as f64 / (1 + estimable) as f64);
        let mcse = p.filter(|_| estimable > 0).map(|p| (p * (1.0 - p) / estimable as f64).sqrt());
        Self { statistic, p, n_as_extreme, mcse }
    }
}

/// How levels of the calibrated interval were found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBlock {
    /// Resamples that were resampled in turn.
    pub outer: u64,
    /// Resamples of each.
    pub inner: u32,
    /// Of the outer ones, those whose resamples have values.
    pub outer_used: u64,
    /// The level that the lower limit is read off at.
    pub lower_level: f64,
    /// The level that the upper limit is read off at.
    pub upper_level: f64,
}
