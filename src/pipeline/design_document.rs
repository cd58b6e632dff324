//! The document of `herscope design`.

use serde::Serialize;

use crate::Warning;
use crate::compute::DeviceInfo;

/// What `design --json` prints.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct DesignDocument {
    pub schema_version: u32,
    pub command: &'static str,
    pub warnings: Vec<Warning>,
    pub n: usize,
    pub n_events: usize,
    pub n_dropped: usize,
    pub term: String,
    /// Of the reference and of the other arm, in the cohort.
    pub arm_sizes: [usize; 2],
    pub ties: &'static str,
    pub conf_level: f64,
    pub alpha: f64,
    pub followup_factor: f64,
    pub seed: u64,
    pub simulations: u64,
    pub cells: Vec<DesignCell>,
    pub draw_layout: u32,
    pub device: DeviceInfo,
    pub version: String,
    pub elapsed_seconds: f64,
    pub simulations_per_second: f64,
}

/// One study: a hazard ratio, a size, a prevalence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct DesignCell {
    pub hazard_ratio: f64,
    pub n: usize,
    /// As asked for; `arm_sizes` are rounded.
    pub prevalence: f64,
    pub arm_sizes: [usize; 2],
    pub baseline_scale: f64,
    pub expected_events: f64,
    pub mean_events: f64,
    pub share_monotone: f64,
    pub power: Vec<PowerBlock>,
    /// By the closed formula, with the expected events.
    pub schoenfeld_power: f64,
    pub widths: Vec<WidthBlock>,
}

/// Share of all trials in which a test rejects; one that does not exist rejects nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PowerBlock {
    pub test: &'static str,
    pub power: f64,
    pub mcse: f64,
    pub n_available: u64,
}

/// Width of an interval for the log hazard ratio, infinite ones sorted in; null with a reason where
/// the median is infinite or no trial has the interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct WidthBlock {
    pub method: &'static str,
    pub n_available: u64,
    pub median_width_log: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}
