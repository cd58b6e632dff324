//! The result documents a report is made from, as plain data.
//!
//! Field for field the JSON documents of the command line (`bootstrap`, `joint`; schema version 1;
//! `survive` and `tabulate` have files of their own), so that a document read back from a file and
//! one still in memory make the same report. Unknown fields are ignored; `null` and absent both mean
//! not available.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::survive_document::Term;

/// What a bootstrap document estimates from the data as given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BootstrapEstimate {
    /// Log hazard ratio.
    pub log_hazard_ratio: Option<f64>,
    /// Hazard ratio.
    pub hazard_ratio: Option<f64>,
    /// Standard error of the log hazard ratio.
    pub se: Option<f64>,
    /// The value of any other statistic.
    pub value: Option<f64>,
}

/// What became of the replicates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replicates {
    /// Asked for.
    pub requested: u64,
    /// With a finite estimate.
    pub estimable: u64,
    /// Without one, by reason.
    pub inestimable: BTreeMap<String, u64>,
}

/// One bootstrap interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BootstrapInterval {
    /// `percentile`, `basic`, `normal`, `bca`, ...
    pub kind: String,
    /// On the hazard-ratio scale (that of the statistic otherwise).
    pub lower: Option<f64>,
    /// On the hazard-ratio scale (that of the statistic otherwise).
    pub upper: Option<f64>,
    /// Monte-Carlo error of the lower limit, log scale.
    pub mcse_lower: Option<f64>,
    /// Monte-Carlo error of the upper limit, log scale.
    pub mcse_upper: Option<f64>,
    /// Why a limit is missing.
    pub reason: Option<String>,
}

/// A two-sided permutation test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Permutation {
    /// Of the data as given.
    pub statistic: Option<f64>,
    /// Of replicates at least as far from 0, the data themselves among them.
    pub p: Option<f64>,
    /// Number of them without the data.
    pub n_as_extreme: u64,
    /// Monte-Carlo error of `p`.
    pub mcse: Option<f64>,
}

/// Where replicates were computed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// `cpu` or `gpu`.
    pub backend: String,
    /// As the driver or system names it.
    pub name: String,
}

/// The document of `herscope bootstrap`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BootstrapDocument {
    /// Subjects resampled.
    pub n: u64,
    /// Events among them.
    pub n_events: u64,
    /// `hazard-ratio`, `median-difference`, `rmst-difference`, `survival-difference`, `logrank` or
    /// `concordance`.
    pub statistic: String,
    /// Share with the event, of a difference of medians or other quantiles.
    pub quantile: Option<f64>,
    /// Horizon of restricted means.
    pub tau: Option<f64>,
    /// Time of a difference of survival.
    pub at: Option<f64>,
    /// The Cox term, for a hazard ratio.
    pub term: Option<String>,
    /// `efron` or `breslow`.
    pub ties: Option<String>,
    /// `firth`, where the likelihood is penalised.
    pub penalty: Option<String>,
    /// `case`, `stratified`, `cluster`, `bayesian` or `permutation`.
    pub resample: String,
    /// Of the counter-based generator.
    pub seed: u64,
    /// Of every interval.
    pub conf_level: f64,
    /// From the data as given.
    pub estimate: BootstrapEstimate,
    /// Counts.
    pub replicates: Replicates,
    /// Mean of the replicates minus the estimate, log scale for hazard ratios.
    pub bias: Option<f64>,
    /// Standard deviation of the replicates, log scale for hazard ratios.
    pub std_err: Option<f64>,
    /// Monte-Carlo error of `bias`.
    pub mcse_bias: Option<f64>,
    /// Monte-Carlo error of `std_err`.
    pub mcse_std_err: Option<f64>,
    /// The one to trust by default.
    pub default_interval: Option<BootstrapInterval>,
    /// In the order asked for.
    pub intervals: Vec<BootstrapInterval>,
    /// The test, where groups were shuffled.
    pub permutation: Option<Permutation>,
    /// Digest of the resample indices, where asked for.
    pub draws_sha256: Option<String>,
    /// Where it ran.
    pub device: Option<Device>,
}

/// The event part of a joint model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JointSurvival {
    /// `weibull` or `piecewise`.
    pub baseline: String,
    /// Baseline covariates.
    pub terms: Vec<Term>,
    /// Links to the marker.
    pub association: Vec<Term>,
}

/// The marker part of a joint model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JointLongitudinal {
    /// `gaussian`, `poisson` or `negbin`.
    pub family: String,
    /// The first is `(Intercept)`.
    pub terms: Vec<Term>,
}

/// The document of `herscope joint`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JointDocument {
    /// Subjects.
    pub n: u64,
    /// Events.
    pub n_events: u64,
    /// Marker values.
    pub n_observations: u64,
    /// Of every interval, where the document says so.
    pub conf_level: Option<f64>,
    /// With all constants.
    pub log_likelihood: Option<f64>,
    /// Quadrature nodes.
    pub nodes: u64,
    /// As for Cox.
    pub status: String,
    /// Marker model.
    pub longitudinal: JointLongitudinal,
    /// Event model.
    pub survival: JointSurvival,
}
