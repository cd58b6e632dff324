//! Where replicates come from.

use super::replicate::ReplicateValue;
use crate::{Error, Warning};

/// A statistic of one cohort under one way of resampling: replicate `r` is a pure function of the
/// data, the seed and `r`.
pub(super) trait ReplicateSource: Sync {
    /// What is resampled, in words and numbers.
    fn facts(&self) -> &SourceFacts;

    /// Fills `out` with the replicates from number `first`.
    ///
    /// # Errors
    /// The device failed.
    fn fill(&self, first: u64, out: &mut [ReplicateValue]) -> Result<(), Error>;

    /// Replicates to ask for at once, `most` at most: a look at the progress every second or so.
    fn replicates_at_once(&self, most: u64) -> u64 {
        most
    }

    /// The statistic with each unit of resampling left out, and the stratum of each unit where they
    /// are resampled within strata; `None` where a value is not finite.
    fn jackknife(&self) -> Option<(Vec<f64>, Option<Vec<usize>>)>;

    /// Limits of the data as given by Firth's penalised profile; `None` where they are not for such
    /// a statistic or model.
    fn firth_limits(&self, _conf_level: f64) -> Option<[f64; 2]> {
        None
    }

    /// Units that replicates from `first` draw, `[replicates x n_draws]`, for hashing.
    ///
    /// # Errors
    /// The device failed, or the source draws no units (weights).
    fn draws(&self, first: u64, units: &mut [u32]) -> Result<(), Error>;

    /// Number of units a replicate draws.
    fn n_draws(&self) -> usize;

    /// For outer replicates `first ..`, the share of its own `inner` resamples whose value lies
    /// below `estimate`; `None` for an outer replicate none of whose resamples has a value.
    ///
    /// # Errors
    /// The device failed, or the source cannot resample its resamples.
    fn inner_shares(
        &self,
        first: u64,
        inner: u32,
        estimate: f64,
        shares: &mut [Option<f64>],
    ) -> Result<(), Error>;
}

/// What a document says of its source.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SourceFacts {
    pub(super) n: usize,
    pub(super) n_events: usize,
    pub(super) n_dropped: usize,
    /// Name of the statistic: `hazard-ratio`.
    pub(super) statistic: &'static str,
    /// What it is of: a term, or two levels.
    pub(super) term: String,
    pub(super) ties: Option<&'static str>,
    /// The penalty of the likelihood, where it has one: `firth`.
    pub(super) penalty: Option<&'static str>,
    /// The data as given, on the scale of the replicates.
    pub(super) estimate: Option<f64>,
    /// Its standard error by the model.
    pub(super) std_err: Option<f64>,
    /// Whether that scale is the log of what is printed.
    pub(super) is_log: bool,
    pub(super) warnings: Vec<Warning>,
}
