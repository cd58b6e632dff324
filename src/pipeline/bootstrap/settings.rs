//! Choices of a `bootstrap` run.

use super::intervals::IntervalKind;

/// How a replicate is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resample {
    /// `n` subjects of all.
    #[default]
    Case,
    /// As many of each arm as there are.
    Stratified,
}

impl Resample {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Stratified => "stratified",
        }
    }
}

/// Size of the bootstrap of the bootstrap that calibrates an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// Resamples that are resampled in turn.
    pub outer: u64,
    /// Resamples of each.
    pub inner: u32,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { outer: 10_000, inner: 1_000 }
    }
}

/// Choices of a `bootstrap` run.
#[derive(Clone, Debug, PartialEq)]
pub struct BootstrapSettings {
    /// Number of replicates asked for; with `until_mcse`, to begin with.
    pub replicates: u64,
    /// How a replicate is drawn.
    pub resample: Resample,
    /// Intervals in the order printed.
    pub intervals: Vec<IntervalKind>,
    /// Size of the second level, should a calibrated interval be asked for.
    pub calibration: Calibration,
    /// Double the replicates until no limit has a larger Monte-Carlo error, on the scale of the
    /// replicates.
    pub until_mcse: Option<f64>,
    /// Level of all intervals.
    pub conf_level: f64,
    /// Seed of all draws.
    pub seed: u64,
    /// Only these replicates, half open: a shard.
    pub range: Option<(u64, u64)>,
    /// Replicates of the whole run that the range is a part of, where they were given.
    pub whole: Option<u64>,
    /// Also hash the resample indices in order.
    pub hash_draws: bool,
}

impl Default for BootstrapSettings {
    fn default() -> Self {
        Self {
            replicates: 100_000,
            resample: Resample::Case,
            intervals: IntervalKind::DEFAULT.to_vec(),
            calibration: Calibration::default(),
            until_mcse: None,
            conf_level: 0.95,
            seed: 1,
            range: None,
            whole: None,
            hash_draws: false,
        }
    }
}
