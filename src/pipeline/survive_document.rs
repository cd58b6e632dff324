//! The document of `herscope survive`: what its JSON holds, in the order printed.

use serde::{Serialize, Serializer};

use super::survive_curve::Curve;
use crate::Warning;

/// Version of the documents' shape.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything `survive` reports. `None` is printed as `null` and means not available: a median
/// not reached, an unbounded limit, an analysis that was not asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SurviveDocument {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// `survive`.
    pub command: String,
    /// What the reader must know although the results stand.
    pub warnings: Vec<Warning>,
    /// Subjects in the curves.
    pub n: usize,
    /// Events among them.
    pub n_events: usize,
    /// Rows left out for a missing time, event, entry, group or weight.
    pub n_dropped: usize,
    /// Level of all intervals.
    pub conf_level: f64,
    /// Scale of the curves' limits.
    pub conf_type: String,
    /// Reverse Kaplan-Meier median follow-up.
    pub follow_up: MedianBlock,
    /// One curve a level of the group; one, named `all`, without a group.
    pub groups: Vec<GroupBlock>,
    /// Test between the groups.
    pub logrank: Option<LogRankBlock>,
    /// Restricted mean of the second level minus that of the reference.
    pub rmst_difference: Option<RmstDifferenceBlock>,
    /// Cox model of the group and the covariates.
    pub cox: Option<CoxBlock>,
    /// Test of proportional hazards.
    pub ph_test: Option<PhTestBlock>,
    /// Cox model with Firth's penalty.
    pub firth: Option<FirthBlock>,
}

/// A median with its limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MedianBlock {
    /// The median.
    pub median: Option<f64>,
    /// Its lower limit.
    pub lower: Option<f64>,
    /// Its upper limit.
    pub upper: Option<f64>,
}

/// Survival of one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupBlock {
    /// The text in the file, or `all`.
    pub level: String,
    /// Subjects.
    pub n: usize,
    /// Events.
    pub n_events: usize,
    /// Median survival.
    pub median: Option<f64>,
    /// Its lower limit.
    pub lower: Option<f64>,
    /// Its upper limit.
    pub upper: Option<f64>,
    /// Restricted mean, if a horizon was given.
    pub rmst: Option<RmstBlock>,
    /// One row a distinct time.
    pub curve: Curve,
}

/// A restricted mean survival time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RmstBlock {
    /// The horizon.
    pub tau: f64,
    /// Area under the curve up to the horizon.
    pub estimate: f64,
    /// Its standard error.
    pub std_err: f64,
}

/// One distinct time of a curve. Counts are sums of case weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CurveRow {
    /// The time.
    pub time: f64,
    /// At risk just before it.
    #[serde(serialize_with = "whole_if_whole")]
    pub n_at_risk: f64,
    /// Events at it.
    #[serde(serialize_with = "whole_if_whole")]
    pub n_events: f64,
    /// Censored at it.
    #[serde(serialize_with = "whole_if_whole")]
    pub n_censored: f64,
    /// Survival just after it.
    pub survival: f64,
    /// Greenwood's standard error of survival; null where survival is 0.
    pub std_err: Option<f64>,
    /// Lower limit; null where it is not defined.
    pub lower: Option<f64>,
    /// Upper limit; null where it is not defined.
    pub upper: Option<f64>,
}

/// A G-rho test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LogRankBlock {
    /// 0 for log-rank, 1 for Peto-Peto.
    pub rho: f64,
    /// The statistic.
    pub chisq: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// p-value.
    pub p: Option<f64>,
}

/// A difference of restricted means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RmstDifferenceBlock {
    /// The horizon.
    pub tau: f64,
    /// Second level minus reference.
    pub estimate: f64,
    /// Its standard error.
    pub std_err: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
    /// Wald p-value; null when both standard errors are 0.
    pub p: Option<f64>,
}

/// A chi-square test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChiSquareBlock {
    /// The statistic.
    pub chisq: Option<f64>,
    /// Degrees of freedom.
    pub df: usize,
    /// p-value.
    pub p: Option<f64>,
}

/// A Cox model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CoxBlock {
    /// `efron` or `breslow`.
    pub ties: String,
    /// Rows with every covariate.
    pub n: usize,
    /// Events among them.
    pub n_events: usize,
    /// `converged`, `monotone_likelihood`, `not_identified`, `singular` or `max_iterations`.
    pub status: String,
    /// At coefficients of 0.
    pub partial_log_likelihood_null: Option<f64>,
    /// At the maximum, or its limit when the likelihood is monotone.
    pub partial_log_likelihood: Option<f64>,
    /// The group's terms, then the covariates'.
    pub terms: Vec<CoxTermBlock>,
    /// Tests of all terms together.
    pub tests: CoxTestsBlock,
    /// Concordance of the linear predictor with survival.
    pub concordance: ConcordanceBlock,
}

/// One term of a Cox model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CoxTermBlock {
    /// `COL=LEVEL`, `COL` or `A:B`.
    pub name: String,
    /// Log hazard ratio.
    pub coef: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// `coef / se`.
    pub z: Option<f64>,
    /// Two-sided Wald p-value.
    pub p: Option<f64>,
    /// `exp(coef)`.
    pub hazard_ratio: Option<f64>,
    /// Lower limit of the hazard ratio.
    pub lower: Option<f64>,
    /// Upper limit of the hazard ratio.
    pub upper: Option<f64>,
    /// `+inf` or `-inf` for a coefficient that runs away; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

/// The three tests of a Cox model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CoxTestsBlock {
    /// Likelihood-ratio test.
    pub likelihood_ratio: Option<ChiSquareBlock>,
    /// Wald test.
    pub wald: Option<ChiSquareBlock>,
    /// Score test.
    pub score: Option<ChiSquareBlock>,
}

/// Harrell's concordance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ConcordanceBlock {
    /// Share of comparable pairs that the model orders rightly.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_err: Option<f64>,
}

/// A test of proportional hazards.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhTestBlock {
    /// `km`, `identity`, `rank` or `log`.
    pub transform: String,
    /// One test a term.
    pub terms: Vec<PhTermBlock>,
    /// All terms together.
    pub global: ChiSquareBlock,
}

/// One term of a test of proportional hazards.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhTermBlock {
    /// Name of the term.
    pub name: String,
    /// The statistic.
    pub chisq: Option<f64>,
    /// Degrees of freedom.
    pub df: usize,
    /// p-value.
    pub p: Option<f64>,
}

/// A Cox model with Firth's penalty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirthBlock {
    /// The terms.
    pub terms: Vec<FirthTermBlock>,
    /// Log partial likelihood plus half the log determinant of the information.
    pub penalized_log_likelihood: f64,
}

/// One term of a penalised Cox model; limits and p by the profile penalised likelihood.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirthTermBlock {
    /// Name of the term.
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
    /// p-value.
    pub p: Option<f64>,
}

/// Prints a count without a fraction as an integer: weights may make it fractional.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn whole_if_whole<S: Serializer>(count: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    /// Up to here every whole `f64` is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if count.fract() == 0.0 && (0.0..EXACT).contains(count) {
        serializer.serialize_u64(*count as u64)
    } else {
        serializer.serialize_f64(*count)
    }
}
