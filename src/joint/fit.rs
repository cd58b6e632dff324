//! Fitting: starts, the maximum, what became of it, and the tests of the association.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::likelihood::{Free, Likelihood};
use super::maximise::{
    Curvature, Maximum, Objective, QUASI_GAIN, newton, positive_inverse, quasi_newton,
};
use super::model::{Baseline, DOING, Family, JointData, JointModel, RandomEffects};
use super::parameters::Layout;
use super::prepared::Prepared;
use super::quadrature::{Rule, gauss_hermite};
use super::status::{JointStatus, judge, nothing_to_learn};
use crate::Error;
use crate::survival::{ChiSquaredTest, normal_two_sided};

/// Two maxima are one when their log likelihoods are this near.
const SAME_MAXIMUM: f64 = 1e-4;

/// Choices of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JointOptions {
    /// Nodes of Gauss and Hermite's rule a random effect.
    pub nodes: usize,
}

impl Default for JointOptions {
    fn default() -> Self {
        Self { nodes: 15 }
    }
}

/// Most nodes a random effect: with more, the outer ones add nothing a double can hold.
pub const MOST_NODES: usize = 101;

/// One parameter on the scale the likelihood is maximised on.
#[derive(Clone, Debug, PartialEq)]
pub struct JointParameter {
    /// Its name; logs of scales and of the shape begin with `log_`.
    pub name: String,
    /// Maximum likelihood estimate; `None` where there is none.
    pub estimate: Option<f64>,
    /// From the observed information; `None` on a boundary or without an estimate.
    pub se: Option<f64>,
}

impl JointParameter {
    /// Wald's statistic.
    pub fn z(&self) -> Option<f64> {
        Some(self.estimate? / self.se?)
    }

    /// Two-sided p of the Wald statistic.
    pub fn p(&self) -> Option<f64> {
        self.z().map(normal_two_sided)
    }
}

/// Tests of no association. `None` where a test has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct AssociationTests {
    /// Of the estimate by its information.
    pub wald: Option<ChiSquaredTest>,
    /// Twice the gain in log likelihood over the fit without association.
    pub likelihood_ratio: Option<ChiSquaredTest>,
    /// Slope of the log likelihood at the fit without association.
    pub score: Option<ChiSquaredTest>,
}

/// Random effects of a subject given its data and the estimates.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectEffects {
    /// Posterior means.
    pub mean: Vec<f64>,
    /// Posterior standard deviations.
    pub sd: Vec<f64>,
}

/// A fitted joint model.
#[derive(Clone, Debug)]
pub struct JointFit {
    /// What became of the search.
    pub status: JointStatus,
    /// All parameters in the order of the vector they were maximised in.
    pub parameters: Vec<JointParameter>,
    /// Covariance of the estimates, row by row; `None` where the information has no inverse.
    pub variance: Option<Vec<f64>>,
    /// With all constants.
    pub log_likelihood: f64,
    /// Of the model without association.
    pub null_log_likelihood: Option<f64>,
    /// Tests of no association.
    pub tests: AssociationTests,
    /// Starts of the search, and how many of them ended at the maximum reported.
    pub starts: (usize, usize),
    /// Nodes a random effect.
    pub nodes: usize,
    /// Empirical-Bayes random effects `[n_subjects]`.
    pub effects: Vec<SubjectEffects>,
    /// Places of the parameters.
    pub(super) layout: Layout,
    /// The maximum as a vector, whatever its status.
    pub(super) theta: Vec<f64>,
    pub(super) information: DMatrix<f64>,
}

impl JointFit {
    /// The log likelihood is that of a maximum, if one on a boundary.
    pub fn has_estimates(&self) -> bool {
        self.status.has_estimates()
    }

    /// Parameters of the fixed effects of the marker.
    pub fn fixed(&self) -> &[JointParameter] {
        &self.parameters[self.layout.beta.clone()]
    }

    /// Log residual SD or log dispersion, where the family has one.
    pub fn scale(&self) -> Option<&JointParameter> {
        self.parameters[self.layout.scale.clone()].first()
    }

    /// Log SDs of the random effects, then the inverse hyperbolic tangent of their correlation.
    pub fn covariance(&self) -> &[JointParameter] {
        &self.parameters[self.layout.covariance.clone()]
    }

    /// Parameters of the baseline hazard.
    pub fn baseline(&self) -> &[JointParameter] {
        &self.parameters[self.layout.baseline.clone()]
    }

    /// Covariates of the hazard.
    pub fn covariates(&self) -> &[JointParameter] {
        &self.parameters[self.layout.gamma.clone()]
    }

    /// What ties marker and hazard.
    pub fn association(&self) -> &[JointParameter] {
        &self.parameters[self.layout.alpha.clone()]
    }
}

/// A model with its data, ready to be fitted.
pub(super) struct Problem<'a> {
    pub(super) model: &'a JointModel,
    pub(super) data: &'a JointData,
    pub(super) layout: Layout,
    pub(super) prepared: Prepared,
    pub(super) rule: Rule,
}

impl<'a> Problem<'a> {
    pub(super) fn new(
        model: &'a JointModel,
        data: &'a JointData,
        options: &JointOptions,
    ) -> Result<Self, Error> {
        data.validate(model)?;
        if !(1..=MOST_NODES).contains(&options.nodes) {
            return Err(Error::usage(DOING)
                .found(format!("{} nodes", options.nodes))
                .expected(format!("1 to {MOST_NODES}")));
        }
        Ok(Self {
            model,
            data,
            layout: Layout::of(model, data.fixed.len(), data.covariates.len()),
            prepared: Prepared::of(data, model),
            rule: gauss_hermite(options.nodes),
        })
    }

    pub(super) fn likelihood(&self) -> Likelihood<'_> {
        Likelihood::new(&self.prepared, self.model, &self.layout, &self.rule)
    }

    /// Places of all parameters but those of the association.
    pub(super) fn without_association(&self) -> Vec<usize> {
        (0..self.layout.alpha.start).collect()
    }

    /// The maximum over the parameters in `free`.
    pub(super) fn maximise(
        &self,
        likelihood: &mut Likelihood<'_>,
        free: &[usize],
        start: &[f64],
    ) -> (Vec<f64>, Maximum) {
        let (near, _) = self.approach(likelihood, free, start);
        let mut objective = Free::new(likelihood, free, &near);
        let begin = objective.pick(&near);
        let maximum = newton(&mut objective, begin);
        (objective.put(&maximum.theta), maximum)
    }

    /// Quasi-Newton steps from `start` to near the maximum over the parameters in `free`, and the log
    /// likelihood there.
    fn approach(
        &self,
        likelihood: &mut Likelihood<'_>,
        free: &[usize],
        start: &[f64],
    ) -> (Vec<f64>, f64) {
        let mut objective = Free::standardised(likelihood, free, start);
        let begin = objective.pick(start);
        let near = quasi_newton(&mut objective, &begin, Curvature::Unknown, QUASI_GAIN);
        let value = if near.value.is_finite() { near.value } else { f64::NEG_INFINITY };
        (objective.put(&near.theta), value)
    }

    /// Rough values: least squares for the marker (of its log, for counts), an exponential baseline.
    fn start(&self) -> Vec<f64> {
        let (data, layout) = (self.data, &self.layout);
        let mut theta = vec![0.0; layout.len()];
        let n_visits = data.marker.len();
        let p = data.fixed.len();
        let scaled = |y: f64, offset: f64| match self.model.family {
            Family::Gaussian => y - offset,
            Family::Poisson | Family::NegativeBinomial => (y + 0.5).ln() - offset,
        };
        let offset = |j: usize| data.offset.as_ref().map_or(0.0, |offset| offset[j]);
        let y = DVector::from_fn(n_visits, |j, _| scaled(data.marker[j], offset(j)));
        let x = DMatrix::from_row_iterator(
            n_visits,
            p,
            self.prepared.visits.iter().flat_map(|visits| visits.design.iter().copied()),
        );
        let normal = x.transpose() * &x;
        let beta = positive_inverse(&normal) * x.transpose() * &y;
        theta[layout.beta.clone()].copy_from_slice(beta.as_slice());
        let residual = (&y - &x * &beta).norm_squared() / n_visits as f64;
        let sd = residual.sqrt().max(1e-6);
        if !layout.scale.is_empty() {
            theta[layout.scale.start] = match self.model.family {
                Family::Gaussian => (0.7 * sd).ln(),
                _ => 0.0,
            };
        }
        theta[layout.covariance.start] = (0.6 * sd).ln();
        if self.model.random == RandomEffects::InterceptSlope {
            let mean = data.visit_time.iter().sum::<f64>() / n_visits as f64;
            let spread = data.visit_time.iter().map(|t| (t - mean).powi(2)).sum::<f64>();
            let spread = (spread / n_visits as f64).sqrt();
            theta[layout.covariance.start + 1] =
                if spread > 0.0 { (0.3 * sd / spread).ln() } else { (0.3 * sd).ln() };
        }
        let entry = |i: usize| data.entry.as_ref().map_or(0.0, |entry| entry[i]);
        let followed: f64 = (0..data.n_subjects()).map(|i| data.time[i] - entry(i)).sum();
        let rate = (data.n_events().max(1) as f64 / followed).ln();
        let baseline = &mut theta[layout.baseline.clone()];
        match self.model.baseline {
            Baseline::Weibull => baseline[1] = rate,
            Baseline::Piecewise { .. } | Baseline::Spline { .. } => baseline.fill(rate),
        }
        theta
    }

    /// Starts of the association beside none: the hazard doubles, or halves, with a standard deviation
    /// of the effects.
    fn association_starts(&self, null: &[f64]) -> Vec<Vec<f64>> {
        let sd = null[self.layout.covariance.start].exp();
        let mut starts = vec![null.to_vec()];
        for sign in [1.0, -1.0] {
            let mut start = null.to_vec();
            start[self.layout.alpha.start] = sign * std::f64::consts::LN_2 / sd.max(1e-3);
            starts.push(start);
        }
        starts
    }
}

/// Fits a joint model by maximum likelihood.
///
/// The random effects are integrated out by Gauss and Hermite's rule, laid anew about each subject's
/// mode at each evaluation; the cumulative hazard by Gauss and Legendre's. The gradient is exact for
/// the rule with its nodes held (Fisher's identity). The model without association is fitted first
/// and is one of three starts; standard errors come from the observed information.
///
/// A model without a maximum is not an error: see [`JointFit::status`].
///
/// # Errors
/// As [`JointData::validate`]; a usage error for a number of nodes that cannot be used.
///
/// # Source
/// Wulfsohn and Tsiatis, Biometrics 53 (1997) 330; Rizopoulos, Joint Models for Longitudinal and
/// Time-to-Event Data (2012), chapter 4; adaptive quadrature: Pinheiro and Bates, Journal of
/// Computational and Graphical Statistics 4 (1995) 12.
pub fn fit_joint(
    model: &JointModel,
    data: &JointData,
    options: &JointOptions,
) -> Result<JointFit, Error> {
    let problem = Problem::new(model, data, options)?;
    let mut likelihood = problem.likelihood();
    let (null, null_maximum) = fit_null(&problem, &mut likelihood);
    let all: Vec<usize> = (0..problem.layout.len()).collect();
    let mut ends: Vec<(Vec<f64>, f64)> = Vec::new();
    for start in problem.association_starts(&null) {
        ends.push(problem.approach(&mut likelihood, &all, &start));
    }
    let best = ends.iter().map(|end| end.1).fold(f64::NEG_INFINITY, f64::max);
    let agreed = ends.iter().filter(|end| best - end.1 < SAME_MAXIMUM).count();
    let start = ends.iter().find(|end| end.1 == best).map_or(&null, |end| &end.0);
    let (theta, maximum) = problem.maximise(&mut likelihood, &all, start);
    let score = score_test(&problem, &mut likelihood, &null, null_maximum.converged);
    Ok(report(
        &problem,
        &mut likelihood,
        theta,
        maximum,
        (&null_maximum, score),
        (ends.len(), agreed),
    ))
}

/// The fit without association.
pub(super) fn fit_null(
    problem: &Problem<'_>,
    likelihood: &mut Likelihood<'_>,
) -> (Vec<f64>, Maximum) {
    let free = problem.without_association();
    problem.maximise(likelihood, &free, &problem.start())
}

/// Rao's test at the fit without association.
fn score_test(
    problem: &Problem<'_>,
    likelihood: &mut Likelihood<'_>,
    null: &[f64],
    converged: bool,
) -> Option<ChiSquaredTest> {
    let all: Vec<usize> = (0..problem.layout.len()).collect();
    let mut objective = Free::new(likelihood, &all, null);
    let mut gradient = vec![0.0; null.len()];
    objective.evaluate(null, &mut gradient);
    let information = super::maximise::information_at(&mut objective, null);
    let inverse = information.cholesky()?.inverse();
    // but for the association the gradient is 0 at that fit
    gradient[..problem.layout.alpha.start].fill(0.0);
    let score = DVector::from_vec(gradient);
    let statistic = score.dot(&(inverse * &score));
    let has_value = converged && nothing_to_learn(problem, None).is_none();
    has_value.then(|| ChiSquaredTest::new(statistic, problem.layout.alpha.len()))
}

fn report(
    problem: &Problem<'_>,
    likelihood: &mut Likelihood<'_>,
    theta: Vec<f64>,
    maximum: Maximum,
    (null, score): (&Maximum, Option<ChiSquaredTest>),
    starts: (usize, usize),
) -> JointFit {
    let layout = &problem.layout;
    let names = layout.names(problem.model, problem.data);
    let status = judge(problem, &theta, &maximum, &names);
    let variance = maximum.information.clone().cholesky().map(|factor| factor.inverse());
    let variance = variance.filter(|_| status.has_standard_errors());
    let has_estimates = status.has_estimates();
    let has_association = status.has_association();
    let is_known = |k: usize| if k < layout.alpha.start { has_estimates } else { has_association };
    let parameters = names.into_iter().enumerate().map(|(k, name)| JointParameter {
        name,
        estimate: is_known(k).then_some(theta[k]),
        se: variance.as_ref().map(|variance| variance[(k, k)].sqrt()),
    });
    let df = layout.alpha.len();
    let wald = variance.as_ref().and_then(|variance| {
        let block = variance.view((layout.alpha.start, layout.alpha.start), (df, df));
        let alpha = DVector::from_column_slice(&theta[layout.alpha.clone()]);
        let inverse = block.clone_owned().cholesky()?.inverse();
        Some(ChiSquaredTest::new(alpha.dot(&(inverse * &alpha)), df))
    });
    let both = has_association && null.converged && maximum.value >= null.value - SAME_MAXIMUM;
    let likelihood_ratio =
        both.then(|| ChiSquaredTest::new(2.0 * (maximum.value - null.value), df));
    let effects = likelihood.posteriors(&theta).into_iter().map(|posterior| {
        let n = problem.model.random.len();
        let [second0, _, second1] = posterior.second;
        let sd = |second: f64, mean: f64| (second - mean * mean).max(0.0).sqrt();
        SubjectEffects {
            mean: posterior.mean[..n].to_vec(),
            sd: vec![sd(second0, posterior.mean[0]), sd(second1, posterior.mean[1])][..n].to_vec(),
        }
    });
    JointFit {
        parameters: parameters.collect(),
        variance: variance.map(|variance| variance.iter().copied().collect()),
        log_likelihood: maximum.value,
        null_log_likelihood: null.converged.then_some(null.value),
        tests: AssociationTests { wald, likelihood_ratio, score },
        starts,
        nodes: problem.rule.nodes.len(),
        effects: effects.collect(),
        layout: layout.clone(),
        information: maximum.information,
        theta,
        status,
    }
}

/// Smallest eigenvalue of an information matrix scaled to a unit diagonal, with its eigenvector.
pub(super) fn weakest_direction(information: &DMatrix<f64>) -> Option<(f64, Vec<f64>)> {
    let p = information.nrows();
    let scale: Vec<f64> = (0..p).map(|k| information[(k, k)].abs().sqrt()).collect();
    let is_flat = |scale: &f64| *scale == 0.0 || !scale.is_finite();
    if scale.iter().any(is_flat) {
        return Some((
            0.0,
            scale.iter().map(|scale| f64::from(u8::from(is_flat(scale)))).collect(),
        ));
    }
    let scaled = DMatrix::from_fn(p, p, |j, k| information[(j, k)] / (scale[j] * scale[k]));
    let eigen = SymmetricEigen::new(scaled);
    let at = eigen.eigenvalues.imin();
    Some((eigen.eigenvalues[at], eigen.eigenvectors.column(at).iter().copied().collect()))
}
