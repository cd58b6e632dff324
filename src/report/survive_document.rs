//! The document of `herscope survive`: what its JSON holds, in the order printed.
//!
//! One set of types for writing, for reading back and for the report. `null` and absent both mean
//! not available: a median not reached, an unbounded limit, an analysis that was not asked for.

use serde::{Deserialize, Serialize, Serializer};

use super::asked_for::{
    HazardRatioLimits, HazardStep, LandmarkCounts, MarkerUse, PairwiseTest, PredictedCurve,
    Quantile, Residuals, RmstRatio, SurvivalAtTime,
};
use super::curve::Curve;
use crate::Warning;

/// Version of the documents' shape.
pub const SCHEMA_VERSION: u32 = 1;

/// One distinct time of a Kaplan-Meier curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurvePoint {
    /// In the unit of the analysis.
    pub time: f64,
    /// Just before `time`; counts are sums of case weights.
    #[serde(serialize_with = "whole_if_whole")]
    pub n_at_risk: f64,
    /// At `time`.
    #[serde(serialize_with = "whole_if_whole")]
    pub n_events: f64,
    /// At `time`, after its events.
    #[serde(serialize_with = "whole_if_whole")]
    pub n_censored: f64,
    /// After the events at `time`, in [0, 1].
    pub survival: f64,
    /// Greenwood's, of survival itself; null where survival is 0.
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
    pub df: u64,
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
    pub df: u64,
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
    /// Quantiles, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<Vec<Quantile>>,
    /// Survival at chosen times, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub survival_at: Option<Vec<SurvivalAtTime>>,
    /// Nelson-Aalen's cumulative hazard, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cumulative_hazard: Option<Vec<HazardStep>>,
    /// One point a distinct time.
    pub curve: Curve,
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
    /// `+inf` or `-inf` where the likelihood rises without bound in this term; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Standard error from the information, where `se` is robust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub naive_se: Option<f64>,
    /// Limits of the hazard ratio by the profile likelihood, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<HazardRatioLimits>,
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
    /// `efron`, `breslow` or `exact`.
    pub ties: String,
    /// Rows with every covariate.
    pub n: u64,
    /// Events in the fit.
    pub n_events: u64,
    /// `converged`, `monotone_likelihood`, `not_identified`, `singular` or `max_iterations`.
    pub status: String,
    /// At coefficients of 0.
    pub partial_log_likelihood_null: Option<f64>,
    /// At the maximum, or its limit when the likelihood is monotone.
    pub partial_log_likelihood: Option<f64>,
    /// In the order of the model: the group's, then the covariates'.
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
    /// In the order of the model.
    pub terms: Vec<FirthTerm>,
    /// Log partial likelihood plus half the log determinant of the information.
    pub penalized_log_likelihood: Option<f64>,
}

/// One term of Firth's fit; limits and p by profile penalised likelihood.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FirthTerm {
    /// As in the Cox model.
    pub name: String,
    /// Log hazard ratio.
    pub coef: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// `exp(coef)`.
    pub hazard_ratio: Option<f64>,
    /// Lower limit of the hazard ratio.
    pub lower: Option<f64>,
    /// Upper limit of the hazard ratio.
    pub upper: Option<f64>,
    /// Two-sided.
    pub p: Option<f64>,
}

/// The document of `herscope survive`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SurviveDocument {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// `survive`.
    pub command: String,
    /// What the reader must know although the results stand.
    pub warnings: Vec<Warning>,
    /// Subjects in the curves.
    pub n: u64,
    /// Events among them.
    pub n_events: u64,
    /// Rows left out for a missing time, event, entry, group or weight.
    pub n_dropped: u64,
    /// Of every interval in the document, for example 0.95.
    pub conf_level: f64,
    /// `log`, `log-log` or `plain`.
    pub conf_type: String,
    /// The landmark, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landmark: Option<LandmarkCounts>,
    /// The marker joined from a long table, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<MarkerUse>,
    /// Reverse Kaplan-Meier median.
    pub follow_up: Option<Median>,
    /// One a level, the reference first.
    pub groups: Vec<Group>,
    /// Where there are at least two levels.
    pub logrank: Option<LogRank>,
    /// Each pair of groups, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairwise: Option<Vec<PairwiseTest>>,
    /// Where asked for.
    pub rmst_difference: Option<RmstDifference>,
    /// Beside the difference, where asked for and neither mean is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmst_ratio: Option<RmstRatio>,
    /// Where there is a group or a covariate.
    pub cox: Option<Cox>,
    /// Where there is a Cox model.
    pub ph_test: Option<PhTest>,
    /// Where asked for.
    pub firth: Option<Firth>,
    /// Curves of a subject with every covariate 0, one a stratum, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Vec<PredictedCurve>>,
    /// Curves of new subjects, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predictions: Option<Vec<PredictedCurve>>,
    /// Where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residuals: Option<Residuals>,
}

/// Prints a count without a fraction as an integer: weights may make it fractional.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
pub(super) fn whole_if_whole<S: Serializer>(count: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    /// Up to here every whole `f64` is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if count.fract() == 0.0 && (0.0..EXACT).contains(count) {
        serializer.serialize_u64(*count as u64)
    } else {
        serializer.serialize_f64(*count)
    }
}
