//! The document of `herscope sweep`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Warning;
use crate::compute::DeviceInfo;

/// What `sweep --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct SweepDocument {
    pub schema_version: u32,
    pub command: &'static str,
    pub warnings: Vec<Warning>,
    pub n: usize,
    pub n_events: usize,
    pub n_dropped: usize,
    pub marker: String,
    /// Who is in the upper group.
    pub rule: &'static str,
    pub ties: &'static str,
    pub conf_level: f64,
    pub seed: u64,
    pub min_group: MinGroupBlock,
    pub selected: SelectedBlock,
    /// Ascending.
    pub cuts: Vec<CutBlock>,
    pub optimism: OptimismBlock,
    pub stability: StabilityBlock,
    pub draw_layout: u32,
    pub device: DeviceInfo,
    pub version: String,
    pub elapsed_seconds: f64,
}

/// Subjects on either side of a cut-off at least.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MinGroupBlock {
    pub n: usize,
    /// The share it was asked for as; null where it was a number.
    pub fraction: Option<f64>,
}

/// The cut-off with the largest standardised statistic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct SelectedBlock {
    pub cut: f64,
    /// Largest absolute standardised statistic.
    pub statistic: f64,
    pub adjusted: AdjustedTest,
    pub approximations: Approximations,
}

/// The permutation test of the largest statistic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct AdjustedTest {
    pub permutations: u64,
    pub n_exceeding: u64,
    pub p: f64,
    pub mcse: f64,
}

/// The same p-value by formula, for comparison.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct Approximations {
    pub miller_siegmund: f64,
    pub lausen: f64,
}

/// One cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct CutBlock {
    pub cut: f64,
    pub n_below: usize,
    pub n_from: usize,
    pub n_events_below: usize,
    pub n_events_from: usize,
    pub status: &'static str,
    /// Where a monotone likelihood sends the log hazard ratio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
    pub log_hazard_ratio: Option<f64>,
    pub se: Option<f64>,
    pub hazard_ratio: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub logrank: LogRankBlock,
    /// Standardised by the permutation variance; above 0 with more events than expected in the
    /// upper group.
    pub statistic: f64,
    pub band: Option<BandBlock>,
}

/// The ordinary log-rank test at a cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct LogRankBlock {
    pub chisq: Option<f64>,
    pub p: Option<f64>,
}

/// Percentile limits of the hazard ratio at one cut-off, infinite replicates sorted in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct BandBlock {
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// Replicates with a value, infinite ones too.
    pub n_replicates: usize,
    /// `infinite` where a limit is, `not_available` where too few replicates have a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// The hazard ratio at the chosen cut-off, less what choosing it added.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct OptimismBlock {
    pub replicates: u64,
    pub estimable: u64,
    pub inestimable: BTreeMap<&'static str, u64>,
    pub log_hazard_ratio: Option<f64>,
    pub optimism: Option<f64>,
    pub mcse: Option<f64>,
    pub corrected_log_hazard_ratio: Option<f64>,
    pub corrected_hazard_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// Which cut-offs the resamples choose.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct StabilityBlock {
    /// Resamples that choose a cut-off.
    pub n_choosing: u64,
    /// Share of those that choose the cut-off of the data.
    pub share_same: Option<f64>,
    pub median: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub distribution: Vec<ChosenCut>,
}

/// How often a cut-off is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ChosenCut {
    pub cut: f64,
    pub n: u64,
}
