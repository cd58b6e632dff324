//! The result documents a report is made from, as plain data.
//!
//! Field for field the JSON documents of the command line (`survive`, `bootstrap`, `joint`; schema
//! version 1), so that a document read back from a file and one still in memory
//! make the same report. Unknown fields are ignored; `null` and absent both mean not available.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One distinct time of a Kaplan-Meier curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurvePoint {
    /// In the unit of the analysis.
    pub time: f64,
    /// Just before `time`.
    pub n_at_risk: u64,
    /// At `time`.
    pub n_events: u64,
    /// At `time`, after its events.
    pub n_censored: u64,
    /// After the events at `time`, in [0, 1].
    pub survival: f64,
    /// Greenwood's, of survival itself.
    pub std_err: Option<f64>,
    /// Lower pointwise limit.
    pub lower: Option<f64>,
    /// Upper pointwise limit.
    pub upper: Option<f64>,
}

/// A median with its limits; each `None` where it is not reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Median {
    /// First time the curve is at or below one half.
    pub median: Option<f64>,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
}

/// A chi-squared test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChiSquared {
    /// Statistic.
    pub chisq: Option<f64>,
    /// Degrees of freedom.
    pub df: f64,
    /// Upper tail.
    pub p: Option<f64>,
}

/// The log-rank family test of equal curves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogRank {
    /// Exponent of the Fleming-Harrington weight; 0 is the log-rank test.
    pub rho: f64,
    /// Statistic.
    pub chisq: Option<f64>,
    /// Degrees of freedom.
    pub df: f64,
    /// Upper tail.
    pub p: Option<f64>,
}

/// Restricted mean survival time of one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rmst {
    /// Horizon.
    pub tau: f64,
    /// Area under the curve up to the horizon.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_err: Option<f64>,
}

/// Difference of two restricted means, second level minus reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RmstDifference {
    /// Horizon.
    pub tau: f64,
    /// Difference.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_err: Option<f64>,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
    /// Two-sided.
    pub p: Option<f64>,
}

/// One level of the grouping column, or `all`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// As written in the cohort file.
    pub level: String,
    /// Subjects.
    pub n: u64,
    /// Events.
    pub n_events: u64,
    /// Median survival.
    #[serde(flatten)]
    pub median: Median,
    /// Restricted mean, where asked for.
    pub rmst: Option<Rmst>,
    /// One point a distinct time.
    pub curve: Vec<CurvePoint>,
}

/// One term of a Cox, Firth or joint model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Term {
    /// `COL`, `COL=LEVEL` or `A:B`.
    pub name: String,
    /// Log hazard ratio.
    pub coef: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Wald statistic.
    pub z: Option<f64>,
    /// Two-sided.
    pub p: Option<f64>,
    /// `exp(coef)`.
    pub hazard_ratio: Option<f64>,
    /// Lower limit of the hazard ratio (of the coefficient in a longitudinal model).
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
    /// `+inf` or `-inf` where the likelihood rises without bound in this term.
    pub limit: Option<String>,
}

/// The three tests of a Cox model against no effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CoxTests {
    /// Likelihood ratio.
    pub likelihood_ratio: Option<ChiSquared>,
    /// Wald.
    pub wald: Option<ChiSquared>,
    /// Score.
    pub score: Option<ChiSquared>,
}

/// Harrell's concordance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Concordance {
    /// In [0, 1].
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_err: Option<f64>,
}

/// A fitted proportional-hazards model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cox {
    /// `efron` or `breslow`.
    pub ties: String,
    /// Subjects in the fit.
    pub n: u64,
    /// Events in the fit.
    pub n_events: u64,
    /// `converged`, `monotone_likelihood`, `not_identified`, `singular` or `max_iterations`.
    pub status: String,
    /// In the order of the model.
    pub terms: Vec<Term>,
    /// Global tests.
    pub tests: CoxTests,
    /// Where computed.
    pub concordance: Option<Concordance>,
}

/// One row of the proportional-hazards check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PhTerm {
    /// Of the model.
    pub name: String,
    /// The test.
    #[serde(flatten)]
    pub test: ChiSquared,
}

/// Score test of proportional hazards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PhTest {
    /// `km`, `identity`, `rank` or `log`.
    pub transform: String,
    /// One a term.
    pub terms: Vec<PhTerm>,
    /// All together.
    pub global: Option<ChiSquared>,
}

/// Firth's penalised fit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Firth {
    /// Limits and p by profile penalised likelihood.
    pub terms: Vec<Term>,
}

/// The document of `herscope survive`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SurviveDocument {
    /// Subjects analysed.
    pub n: u64,
    /// Events among them.
    pub n_events: u64,
    /// Rows left out for missing values.
    pub n_dropped: u64,
    /// Of every interval in the document, for example 0.95.
    pub conf_level: f64,
    /// `log`, `log-log` or `plain`.
    pub conf_type: String,
    /// Reverse Kaplan-Meier median.
    pub follow_up: Option<Median>,
    /// One a level, the reference first.
    pub groups: Vec<Group>,
    /// Where there are at least two levels.
    pub logrank: Option<LogRank>,
    /// Where asked for.
    pub rmst_difference: Option<RmstDifference>,
    /// Where there is a group or a covariate.
    pub cox: Option<Cox>,
    /// Where there is a Cox model.
    pub ph_test: Option<PhTest>,
    /// Where asked for.
    pub firth: Option<Firth>,
}

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
    /// `hazard-ratio`, `median-difference` or `rmst-difference`.
    pub statistic: String,
    /// The Cox term, for a hazard ratio.
    pub term: Option<String>,
    /// `efron` or `breslow`.
    pub ties: Option<String>,
    /// `case`, `stratified` or `cluster`.
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
    /// In the order asked for.
    pub intervals: Vec<BootstrapInterval>,
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
