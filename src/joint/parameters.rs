//! Where each parameter lies in the vector that the likelihood is maximised over.

use std::ops::Range;

use super::model::{Baseline, Family, JointData, JointModel, Link, RandomEffects};

/// Places of the parameters, in their order: fixed effects; log residual SD or log dispersion; log SDs
/// of the random effects and the inverse hyperbolic tangent of their correlation; baseline; covariates
/// of the hazard; association.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) beta: Range<usize>,
    /// Empty or one.
    pub(super) scale: Range<usize>,
    pub(super) covariance: Range<usize>,
    pub(super) baseline: Range<usize>,
    pub(super) gamma: Range<usize>,
    pub(super) alpha: Range<usize>,
}

impl Layout {
    pub(super) fn of(model: &JointModel, n_fixed: usize, n_covariates: usize) -> Self {
        let mut end = 0;
        let mut next = |n: usize| {
            let begin = end;
            end += n;
            begin..end
        };
        Self {
            beta: next(n_fixed),
            scale: next(usize::from(model.family.has_scale())),
            covariance: next(model.random.n_parameters()),
            baseline: next(model.baseline.n_parameters()),
            gamma: next(n_covariates),
            alpha: next(model.association.links(model.random).len()),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.alpha.end
    }

    /// Names of all parameters.
    pub(super) fn names(&self, model: &JointModel, data: &JointData) -> Vec<String> {
        let mut names: Vec<String> = data.fixed.iter().map(|term| term.name.clone()).collect();
        match model.family {
            Family::Gaussian => names.push("log_residual_sd".into()),
            Family::Poisson => {}
            Family::NegativeBinomial => names.push("log_dispersion".into()),
        }
        names.push("log_sd_intercept".into());
        if model.random == RandomEffects::InterceptSlope {
            names.extend(["log_sd_slope".into(), "atanh_correlation".into()]);
        }
        match &model.baseline {
            Baseline::Weibull => names.extend(["log_shape".into(), "hazard_intercept".into()]),
            Baseline::Piecewise { .. } => names.extend(
                (1..=model.baseline.n_parameters()).map(|piece| format!("log_hazard_{piece}")),
            ),
            Baseline::Spline { .. } => names.extend(
                (1..=model.baseline.n_parameters()).map(|function| format!("spline_{function}")),
            ),
        }
        names.extend(data.covariates.iter().map(|column| format!("hazard:{}", column.name)));
        let links = model.association.links(model.random);
        names.extend(links.iter().map(|link| format!("association:{}", link.name())));
        names
    }
}

/// A parameter vector taken apart.
pub(super) struct Point<'a> {
    pub(super) beta: &'a [f64],
    /// Residual variance or dispersion; 1 where the family has none.
    pub(super) scale: f64,
    pub(super) random: Covariance,
    pub(super) baseline: &'a [f64],
    pub(super) gamma: &'a [f64],
    pub(super) alpha: &'a [f64],
    /// What multiplies the random intercept, the random slope, and time times the random slope in the
    /// log hazard.
    pub(super) on_intercept: f64,
    pub(super) on_slope: f64,
    pub(super) on_slope_time: f64,
}

impl<'a> Point<'a> {
    pub(super) fn of(theta: &'a [f64], layout: &Layout, model: &JointModel) -> Self {
        let alpha = &theta[layout.alpha.clone()];
        let (mut on_intercept, mut on_slope, mut on_slope_time) = (0.0, 0.0, 0.0);
        for (link, alpha) in model.association.links(model.random).iter().zip(alpha) {
            match link {
                Link::Value => (on_intercept, on_slope_time) = (on_intercept + alpha, *alpha),
                Link::Slope | Link::RandomSlope => on_slope += alpha,
                Link::Intercept => on_intercept += alpha,
            }
        }
        if model.random == RandomEffects::Intercept {
            (on_slope, on_slope_time) = (0.0, 0.0);
        }
        let scale = match (model.family, layout.scale.is_empty()) {
            (Family::Gaussian, false) => (2.0 * theta[layout.scale.start]).exp(),
            (_, false) => theta[layout.scale.start].exp(),
            (_, true) => 1.0,
        };
        Self {
            beta: &theta[layout.beta.clone()],
            scale,
            random: Covariance::of(&theta[layout.covariance.clone()]),
            baseline: &theta[layout.baseline.clone()],
            gamma: &theta[layout.gamma.clone()],
            alpha,
            on_intercept,
            on_slope,
            on_slope_time,
        }
    }
}

/// Covariance of one or two random effects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Covariance {
    pub(super) sd: [f64; 2],
    pub(super) correlation: f64,
    pub(super) n: usize,
    /// Its inverse: intercept, cross term, slope. With one effect the slope's is 1, so that a mode of
    /// 0 has curvature.
    pub(super) precision: [f64; 3],
    /// Log of the density at 0.
    pub(super) log_peak: f64,
}

const LOG_TWO_PI: f64 = 1.837_877_066_409_345_5;

impl Covariance {
    /// From log SDs and the inverse hyperbolic tangent of the correlation.
    pub(super) fn of(parameters: &[f64]) -> Self {
        let intercept = parameters[0].exp();
        if parameters.len() == 1 {
            return Self {
                sd: [intercept, 0.0],
                correlation: 0.0,
                n: 1,
                precision: [1.0 / (intercept * intercept), 0.0, 1.0],
                log_peak: -0.5 * LOG_TWO_PI - parameters[0],
            };
        }
        let (slope, correlation) = (parameters[1].exp(), parameters[2].tanh());
        // 1 - tanh(z)^2 without cancellation
        let left = parameters[2].cosh().powi(-2);
        Self {
            sd: [intercept, slope],
            correlation,
            n: 2,
            precision: [
                1.0 / (left * intercept * intercept),
                -correlation / (left * intercept * slope),
                1.0 / (left * slope * slope),
            ],
            log_peak: -LOG_TWO_PI - parameters[0] - parameters[1] - 0.5 * left.ln(),
        }
    }

    /// The quadratic form of the inverse at `b`.
    pub(super) fn form(&self, [b0, b1]: [f64; 2]) -> f64 {
        let [p00, p01, p11] = self.precision;
        p00 * b0 * b0 + 2.0 * p01 * b0 * b1 + p11 * b1 * b1
    }

    /// Gradient of the log density in the parameters, given the second moments of the effects:
    /// of the intercept, their product, of the slope.
    pub(super) fn gradient(&self, moments: [f64; 3], gradient: &mut [f64]) {
        if self.n == 1 {
            gradient[0] = moments[0] * self.precision[0] - 1.0;
            return;
        }
        let [p00, p01, p11] = self.precision;
        let cross = p01 * moments[1];
        gradient[0] = p00 * moments[0] + cross - 1.0;
        gradient[1] = p11 * moments[2] + cross - 1.0;
        // with z = atanh(rho), of -log(1 - rho^2)/2 - (u0^2 - 2 rho u0 u1 + u1^2)/(2 (1 - rho^2))
        let rho = self.correlation;
        let product = moments[1] / (self.sd[0] * self.sd[1]);
        let form = p00 * moments[0] + 2.0 * cross + p11 * moments[2];
        gradient[2] = rho + product - rho * form;
    }
}
