//! Choices of a `bootstrap` run.

use super::intervals::IntervalKind;
use crate::Error;
use crate::survival::Ties;

/// How a replicate is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resample {
    /// `n` subjects of all.
    #[default]
    Case,
    /// As many of each arm as there are.
    Stratified,
    /// Whole clusters, as many as there are.
    Cluster,
    /// Nobody is drawn: everybody gets a random weight.
    Bayesian,
    /// The arms shuffled among the subjects: a test, not an interval.
    Permutation,
}

impl Resample {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Stratified => "stratified",
            Self::Cluster => "cluster",
            Self::Bayesian => "bayesian",
            Self::Permutation => "permutation",
        }
    }
}

/// What is resampled. Differences are second level less reference; times are in the unit of the
/// follow-up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Statistic {
    /// Of one 0/1 column.
    #[default]
    HazardRatio,
    /// Of times by which `quantile` have had the event: 0.5 for medians.
    MedianDifference {
        /// Share with the event.
        quantile: f64,
    },
    /// Of restricted means.
    RmstDifference {
        /// The horizon.
        tau: f64,
    },
    /// Of survival.
    SurvivalDifference {
        /// The time.
        at: f64,
    },
    /// Signed root of the log-rank chi-squared, above 0 with more events than expected in the second
    /// level.
    Logrank,
    /// Harrell's C of the Cox linear predictor, held fixed.
    Concordance,
}

impl Statistic {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::HazardRatio => "hazard-ratio",
            Self::MedianDifference { .. } => "median-difference",
            Self::RmstDifference { .. } => "rmst-difference",
            Self::SurvivalDifference { .. } => "survival-difference",
            Self::Logrank => "logrank",
            Self::Concordance => "concordance",
        }
    }

    /// # Errors
    /// A time that is not finite and above 0, or a share outside [0.000001, 0.999999].
    pub(super) fn check(self, doing: &str) -> Result<(), Error> {
        let is_time = |time: f64| time.is_finite() && time > 0.0;
        let wrong = match self {
            Self::MedianDifference { quantile } if !(1e-6..=1.0 - 1e-6).contains(&quantile) => {
                Some((format!("--quantile {quantile}"), "a share above 0 and below 1"))
            }
            Self::RmstDifference { tau } if !is_time(tau) => {
                Some((format!("--rmst {tau}"), "a time above 0"))
            }
            Self::SurvivalDifference { at } if !is_time(at) => {
                Some((format!("--at {at}"), "a time above 0"))
            }
            _ => None,
        };
        wrong.map_or(Ok(()), |(found, right)| Err(Error::usage(doing).found(found).expected(right)))
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
    /// What is resampled.
    pub statistic: Statistic,
    /// How a replicate is drawn.
    pub resample: Resample,
    /// Treatment of tied events.
    pub ties: Ties,
    /// The Cox term of interest; the first one without a name.
    pub term: Option<String>,
    /// Fit every replicate by Firth's penalised likelihood.
    pub firth: bool,
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
            statistic: Statistic::HazardRatio,
            resample: Resample::Case,
            ties: Ties::Efron,
            term: None,
            firth: false,
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
