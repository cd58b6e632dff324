//! The document of `herscope joint`.

use serde::Serialize;

use super::comparison::ComparisonBlock;
use super::extras::{PredictionBlock, ProfileBlock};
use super::resampling::{JointBootstrap, JointPermutation};
use crate::Warning;
use crate::joint::{Baseline, Family, JointFit, JointModel, JointParameter};
use crate::survival::{ChiSquaredTest, normal_quantile};

/// What `joint --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct JointDocument {
    pub schema_version: u32,
    pub command: &'static str,
    pub warnings: Vec<Warning>,
    pub n: usize,
    pub n_events: usize,
    pub n_observations: usize,
    pub n_subjects_dropped: usize,
    pub n_visits_dropped: usize,
    pub marker: String,
    pub time_unit: &'static str,
    pub conf_level: f64,
    /// Of all draws of the run.
    pub seed: u64,
    pub log_likelihood: Option<f64>,
    pub aic: Option<f64>,
    /// With the number of subjects.
    pub bic: Option<f64>,
    pub n_parameters: usize,
    pub nodes: usize,
    pub status: &'static str,
    /// In words.
    pub status_reason: String,
    pub starts: StartsBlock,
    pub longitudinal: LongitudinalBlock,
    pub survival: SurvivalBlock,
    pub association_tests: AssociationBlock,
    /// On the scale the likelihood is maximised on.
    pub parameters: Vec<ParameterBlock>,
    /// Covariance of `parameters`, row by row.
    pub variance: Option<Vec<Vec<f64>>>,
    /// Null unless asked for.
    pub profile: Option<Vec<ProfileBlock>>,
    /// Null unless asked for, or without a converged fit.
    pub bootstrap: Option<JointBootstrap>,
    /// Null unless asked for, or where no permutation changes the score.
    pub permutation: Option<JointPermutation>,
    /// Null unless asked for.
    pub predictions: Option<Vec<PredictionBlock>>,
    pub comparison: ComparisonBlock,
    pub method: &'static str,
    pub version: String,
}

/// Starts of the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct StartsBlock {
    pub tried: usize,
    /// Ended at the maximum reported.
    pub agreed: usize,
}

/// One coefficient of the marker.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct CoefBlock {
    pub name: String,
    pub coef: Option<f64>,
    pub se: Option<f64>,
    pub z: Option<f64>,
    pub p: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

/// One coefficient of the hazard; limits are of the hazard ratio.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct HazardBlock {
    pub name: String,
    pub coef: Option<f64>,
    pub se: Option<f64>,
    pub z: Option<f64>,
    pub p: Option<f64>,
    pub hazard_ratio: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

/// The marker's submodel.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct LongitudinalBlock {
    pub family: &'static str,
    pub link: &'static str,
    pub terms: Vec<CoefBlock>,
    pub random_effects: RandomBlock,
    pub residual_sd: Option<f64>,
    /// Variance of a count: mean + mean^2 / dispersion.
    pub dispersion: Option<f64>,
}

/// Random effects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RandomBlock {
    pub sd: RandomSd,
    pub correlation: Option<f64>,
}

/// Standard deviations of the random effects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RandomSd {
    pub intercept: Option<f64>,
    pub slope: Option<f64>,
}

/// The hazard's submodel.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct SurvivalBlock {
    pub baseline: &'static str,
    /// Inner knots of the baseline.
    pub knots: Option<Vec<f64>>,
    pub baseline_parameters: serde_json::Map<String, serde_json::Value>,
    pub terms: Vec<HazardBlock>,
    pub association: Vec<HazardBlock>,
}

/// A chi-squared test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TestBlock {
    pub chisq: f64,
    pub df: usize,
    pub p: f64,
}

/// Tests of no association.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct AssociationBlock {
    pub wald: Option<TestBlock>,
    pub likelihood_ratio: Option<TestBlock>,
    pub score: Option<TestBlock>,
    /// Log likelihood of the model without association.
    pub null_log_likelihood: Option<f64>,
    /// How to read the three beside each other.
    pub note: String,
}

/// One parameter on the scale of the search.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ParameterBlock {
    pub name: String,
    pub estimate: Option<f64>,
    pub se: Option<f64>,
}

/// How the estimates were found.
pub(super) const METHOD: &str = "maximum likelihood; adaptive Gauss-Hermite quadrature over the \
    random effects, Gauss-Legendre over time; standard errors from the observed information; Wald \
    limits";

/// Blocks of a fit at one confidence level.
pub(super) struct Blocks<'a> {
    pub(super) fit: &'a JointFit,
    pub(super) model: &'a JointModel,
    pub(super) conf_level: f64,
}

impl Blocks<'_> {
    fn limits(&self, parameter: &JointParameter) -> Option<(f64, f64)> {
        let half = normal_quantile(0.5 + self.conf_level / 2.0) * parameter.se?;
        let estimate = parameter.estimate?;
        Some((estimate - half, estimate + half))
    }

    fn coef(&self, parameter: &JointParameter) -> CoefBlock {
        let limits = self.limits(parameter);
        CoefBlock {
            name: parameter.name.clone(),
            coef: parameter.estimate,
            se: parameter.se,
            z: parameter.z(),
            p: parameter.p(),
            lower: limits.map(|limits| limits.0),
            upper: limits.map(|limits| limits.1),
        }
    }

    fn hazard(&self, parameter: &JointParameter) -> HazardBlock {
        let limits = self.limits(parameter);
        let name = parameter.name.split_once(':').map_or(&*parameter.name, |(_, name)| name);
        HazardBlock {
            name: name.to_owned(),
            coef: parameter.estimate,
            se: parameter.se,
            z: parameter.z(),
            p: parameter.p(),
            hazard_ratio: parameter.estimate.map(f64::exp),
            lower: limits.map(|limits| limits.0.exp()),
            upper: limits.map(|limits| limits.1.exp()),
        }
    }

    pub(super) fn longitudinal(&self) -> LongitudinalBlock {
        let exp = |parameter: Option<&JointParameter>| Some(parameter?.estimate?.exp());
        let covariance = self.fit.covariance();
        let scale = exp(self.fit.scale());
        let family = self.model.family;
        LongitudinalBlock {
            family: family.name(),
            link: if family == Family::Gaussian { "identity" } else { "log" },
            terms: self.fit.fixed().iter().map(|parameter| self.coef(parameter)).collect(),
            random_effects: RandomBlock {
                sd: RandomSd { intercept: exp(covariance.first()), slope: exp(covariance.get(1)) },
                correlation: covariance.get(2).and_then(|p| p.estimate.map(f64::tanh)),
            },
            residual_sd: scale.filter(|_| family == Family::Gaussian),
            dispersion: scale.filter(|_| family == Family::NegativeBinomial),
        }
    }

    pub(super) fn survival(&self) -> SurvivalBlock {
        let hazard = |parameters: &[JointParameter]| {
            parameters.iter().map(|parameter| self.hazard(parameter)).collect()
        };
        SurvivalBlock {
            baseline: self.model.baseline.name(),
            knots: self.model.baseline.knots().map(<[f64]>::to_vec),
            baseline_parameters: self.baseline_parameters(),
            terms: hazard(self.fit.covariates()),
            association: hazard(self.fit.association()),
        }
    }

    /// Weibull's shape with its standard error by the delta method; the others as they are.
    fn baseline_parameters(&self) -> serde_json::Map<String, serde_json::Value> {
        let block = |estimate: Option<f64>, se: Option<f64>| serde_json::json!({ "estimate": estimate, "se": se });
        let parameters = self.fit.baseline();
        if self.model.baseline == Baseline::Weibull {
            let (log_shape, intercept) = (&parameters[0], &parameters[1]);
            let shape = log_shape.estimate.map(f64::exp);
            let se = log_shape.se.zip(shape).map(|(se, shape)| se * shape);
            return [
                ("shape".to_owned(), block(shape, se)),
                ("intercept".to_owned(), block(intercept.estimate, intercept.se)),
            ]
            .into_iter()
            .collect();
        }
        let named = |parameter: &JointParameter| {
            (parameter.name.clone(), block(parameter.estimate, parameter.se))
        };
        parameters.iter().map(named).collect()
    }

    pub(super) fn association(&self, note: String) -> AssociationBlock {
        let block = |test: Option<ChiSquaredTest>| {
            test.map(|test| TestBlock { chisq: test.chisq, df: test.df, p: test.p })
        };
        let tests = &self.fit.tests;
        AssociationBlock {
            wald: block(tests.wald),
            likelihood_ratio: block(tests.likelihood_ratio),
            score: block(tests.score),
            null_log_likelihood: self.fit.null_log_likelihood,
            note,
        }
    }

    pub(super) fn parameters(&self) -> Vec<ParameterBlock> {
        let block = |parameter: &JointParameter| ParameterBlock {
            name: parameter.name.clone(),
            estimate: parameter.estimate,
            se: parameter.se,
        };
        self.fit.parameters.iter().map(block).collect()
    }

    pub(super) fn variance(&self) -> Option<Vec<Vec<f64>>> {
        let n = self.fit.parameters.len();
        self.fit.variance.as_ref().map(|all| all.chunks(n).map(<[f64]>::to_vec).collect())
    }
}
