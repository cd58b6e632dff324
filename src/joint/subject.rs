//! The marginal likelihood of one subject and its gradient, by adaptive quadrature over the random
//! effects.
//!
//! The log hazard is linear in the effects b0 and b1, so that the cumulative hazard is
//! exp(a b0 + c b1) A(b1) with A a sum over the times of the integral; a Poisson mean is likewise
//! exp(b0) B(b1). The nodes are laid so that b1 does not depend on the second coordinate: A and B are
//! evaluated once a value of b1, not once a node.

use super::marker::{MarkerSums, dispersion_slope, marker};
use super::model::{Family, JointModel, Link};
use super::parameters::{Layout, Point};
use super::prepared::{HazardTimes, Prepared, Visits};
use super::quadrature::Rule;

/// Largest Newton steps to a subject's mode; the function is strictly concave.
const MODE_STEPS: usize = 100;

/// The mode is found when the next step would gain less than this in log density: the nodes then lie
/// within 1e-6 of their spread, far below what the quadrature resolves.
const MODE_GAIN: f64 = 1e-12;

/// Room for one subject's sums, kept from subject to subject.
#[derive(Default)]
pub(super) struct Scratch {
    /// Linear predictor at visits, with the offset, without random effects.
    pub(super) predictor: Vec<f64>,
    /// Hazard mass at the times of the integral at b = 0, then the log hazard at the end.
    pub(super) mass: Vec<f64>,
    /// The same at the current b1.
    mass_at: Vec<f64>,
    /// Poisson means at the current b1.
    means_at: Vec<f64>,
    /// Expected mass, and times b0, and times b1.
    pub(super) expected_mass: [Vec<f64>; 3],
    /// Expected residual at visits on the scale of the linear predictor.
    expected_mean: Vec<f64>,
    /// Gradient of the log baseline at each time `[n_nodes + 1 x n_baseline]`.
    baseline: Vec<f64>,
    /// Value of each link at each time without random effects `[n_links x n_nodes + 1]`.
    links: Vec<Vec<f64>>,
    b0: Vec<f64>,
    exp_hazard: Vec<f64>,
    exp_mean: Vec<f64>,
}

/// Posterior of the random effects, approximately normal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Mode {
    pub(super) at: [f64; 2],
    /// Inverse of the curvature: intercept, cross term, slope.
    pub(super) covariance: [f64; 3],
}

/// Posterior mean and covariance of the random effects by the same quadrature.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Posterior {
    pub(super) mean: [f64; 2],
    /// Second moments: intercept, cross term, slope.
    pub(super) second: [f64; 3],
}

/// One subject under one parameter vector.
pub(super) struct Subject<'a> {
    pub(super) model: &'a JointModel,
    pub(super) layout: &'a Layout,
    pub(super) point: &'a Point<'a>,
    pub(super) visits: &'a Visits,
    pub(super) hazard: &'a HazardTimes,
    pub(super) covariates: &'a [f64],
}

/// First and second derivatives of the log density in b: value, gradient, negative curvature.
struct Derivatives {
    value: f64,
    gradient: [f64; 2],
    curvature: [f64; 3],
}

impl<'a> Subject<'a> {
    pub(super) fn of(
        prepared: &'a Prepared,
        model: &'a JointModel,
        layout: &'a Layout,
        point: &'a Point<'a>,
        i: usize,
    ) -> Self {
        Self {
            model,
            layout,
            point,
            visits: &prepared.visits[i],
            hazard: &prepared.hazards[i],
            covariates: prepared.covariates_of(i),
        }
    }

    /// A subject who entered late as far as survival to entry goes, without markers: the likelihood is
    /// divided by that of having been there to enter.
    pub(super) fn until_entry(
        prepared: &'a Prepared,
        model: &'a JointModel,
        layout: &'a Layout,
        point: &'a Point<'a>,
        i: usize,
    ) -> Option<Self> {
        let hazard = prepared.until_entry[i].as_ref()?;
        let whole = Self::of(prepared, model, layout, point, i);
        Some(Self { visits: &prepared.no_visits, hazard, ..whole })
    }

    /// Log likelihood; adds `weight` times its gradient to `gradient` if there is one. `mode` is where
    /// the search for the mode begins, and then the mode.
    pub(super) fn evaluate(
        &self,
        rule: &Rule,
        mode: &mut Mode,
        scratch: &mut Scratch,
        gradient: Option<(f64, &mut [f64])>,
    ) -> f64 {
        self.fill(scratch);
        self.find_mode(mode, scratch);
        let (log_likelihood, posterior, scale_slope) = self.integrate(rule, mode, scratch);
        if let Some((weight, gradient)) = gradient {
            self.add_gradient(&posterior, scale_slope, weight, scratch, gradient);
        }
        log_likelihood
    }

    /// Posterior moments of the random effects.
    pub(super) fn posterior(
        &self,
        rule: &Rule,
        mode: &mut Mode,
        scratch: &mut Scratch,
    ) -> Posterior {
        self.fill(scratch);
        self.find_mode(mode, scratch);
        self.integrate(rule, mode, scratch).1
    }

    /// `weight` times the log likelihood of the outcome given the random effects; adds that of its
    /// gradient in the parameters of the hazard to `gradient`.
    pub(super) fn hazard_given(
        &self,
        [b0, b1]: [f64; 2],
        weight: f64,
        scratch: &mut Scratch,
        gradient: &mut [f64],
    ) -> f64 {
        self.fill(scratch);
        let (point, n) = (self.point, self.hazard.n_nodes());
        let log_ratio =
            |t: f64| point.on_intercept * b0 + (point.on_slope + point.on_slope_time * t) * b1;
        let masses = scratch.mass[..n].iter().zip(&self.hazard.time);
        let masses: Vec<f64> = masses.map(|(mass, &t)| mass * log_ratio(t).exp()).collect();
        let mut sum = -masses.iter().sum::<f64>();
        if self.hazard.event {
            sum += scratch.mass[n] + log_ratio(self.hazard.time[n]);
        }
        let times = |b: f64| masses.iter().map(|mass| mass * b).collect();
        scratch.expected_mass = [times(1.0), times(b0), times(b1)];
        self.add_hazard_gradient([b0, b1], weight, scratch, gradient);
        weight * sum
    }

    /// What does not depend on the random effects.
    pub(super) fn fill(&self, scratch: &mut Scratch) {
        let (point, visits, hazard) = (self.point, self.visits, self.hazard);
        let p = point.beta.len();
        scratch.predictor.clear();
        scratch.predictor.extend(
            visits.design.chunks_exact(p).zip(&visits.offset).map(|(x, o)| o + dot(x, point.beta)),
        );
        let kinds = self.model.association.links(self.model.random);
        let n_times = hazard.time.len();
        scratch.links.resize(kinds.len(), Vec::new());
        for (values, kind) in scratch.links.iter_mut().zip(&kinds) {
            let design = hazard.design_of(*kind).unwrap_or(&[]);
            values.clear();
            values.extend(design.chunks_exact(p).map(|x| dot(x, point.beta)));
            values.resize(n_times, 0.0);
        }
        let n_baseline = point.baseline.len();
        scratch.baseline.resize(n_times * n_baseline, 0.0);
        let proportional = dot(self.covariates, point.gamma);
        scratch.mass.clear();
        for (q, &t) in hazard.time.iter().enumerate() {
            let slot = &mut scratch.baseline[q * n_baseline..(q + 1) * n_baseline];
            let mut log_hazard =
                proportional + self.model.baseline.log_hazard(t, point.baseline, slot);
            for (values, alpha) in scratch.links.iter().zip(point.alpha) {
                log_hazard += alpha * values[q];
            }
            // of the end of follow-up the log hazard itself is needed
            scratch.mass.push(match hazard.log_weight.get(q) {
                Some(log_weight) => (log_hazard + log_weight).exp(),
                None => log_hazard,
            });
        }
    }

    /// What multiplies b1 in the log hazard at the end of follow-up.
    fn on_slope_at_end(&self) -> f64 {
        let end = self.hazard.time[self.hazard.n_nodes()];
        self.point.on_slope + self.point.on_slope_time * end
    }

    fn derivatives(&self, b: [f64; 2], scratch: &Scratch) -> Derivatives {
        let point = self.point;
        let [p00, p01, p11] = point.random.precision;
        let (mut l0, mut l1) = (-p00 * b[0] - p01 * b[1], -p01 * b[0] - p11 * b[1]);
        let mut curvature = [p00, p01, p11];
        let mut value = -0.5 * point.random.form(b);
        // the marker
        let visits = self.visits;
        for (j, (&t, &y)) in visits.time.iter().zip(&visits.marker).enumerate() {
            let eta = scratch.predictor[j] + b[0] + b[1] * t;
            let (density, slope, bend) = marker(self.model.family, y, eta, point.scale);
            value += density;
            l0 += slope;
            l1 += slope * t;
            curvature[0] += bend;
            curvature[1] += bend * t;
            curvature[2] += bend * t * t;
        }
        // the hazard
        let (a, c, c_time) = (point.on_intercept, point.on_slope, point.on_slope_time);
        let n = self.hazard.n_nodes();
        let (mut h, mut h_s, mut h_ss) = (0.0, 0.0, 0.0);
        if c_time == 0.0 {
            h = scratch.mass[..n].iter().sum();
        } else {
            for (mass, s) in scratch.mass[..n].iter().zip(&self.hazard.time) {
                let mass = mass * (c_time * b[1] * s).exp();
                h += mass;
                h_s += mass * s;
                h_ss += mass * s * s;
            }
        }
        let factor = (a * b[0] + c * b[1]).exp();
        (h, h_s, h_ss) = (h * factor, h_s * factor, h_ss * factor);
        if self.hazard.event {
            let at_end = self.on_slope_at_end();
            value += a * b[0] + at_end * b[1];
            l0 += a;
            l1 += at_end;
        }
        value -= h;
        l0 -= a * h;
        l1 -= c * h + c_time * h_s;
        curvature[0] += a * a * h;
        curvature[1] += a * (c * h + c_time * h_s);
        curvature[2] += c * c * h + 2.0 * c * c_time * h_s + c_time * c_time * h_ss;
        if point.random.n == 1 {
            (l1, curvature[1], curvature[2]) = (0.0, 0.0, 1.0);
        }
        Derivatives { value, gradient: [l0, l1], curvature }
    }

    /// Newton's method with halved steps.
    fn find_mode(&self, mode: &mut Mode, scratch: &Scratch) {
        let mut here = self.derivatives(mode.at, scratch);
        if !here.value.is_finite() {
            mode.at = [0.0; 2];
            here = self.derivatives(mode.at, scratch);
        }
        for _ in 0..MODE_STEPS {
            let covariance = inverse(here.curvature);
            let [g0, g1] = here.gradient;
            let step =
                [covariance[0] * g0 + covariance[1] * g1, covariance[1] * g0 + covariance[2] * g1];
            let gain = 0.5 * (step[0] * g0 + step[1] * g1);
            let mut share = 1.0;
            let next = loop {
                let at = [mode.at[0] + share * step[0], mode.at[1] + share * step[1]];
                let next = self.derivatives(at, scratch);
                // a gain below the rounding of the value can show as a loss
                let rounding = 1e-13 * here.value.abs().max(1.0);
                if next.value >= here.value - rounding {
                    mode.at = at;
                    break Some(next);
                }
                share *= 0.5;
                if share < 1e-10 {
                    break None;
                }
            };
            match next {
                Some(next) => here = next,
                None => break,
            }
            if gain < MODE_GAIN {
                break;
            }
        }
        mode.covariance = inverse(here.curvature);
    }

    /// Log likelihood, posterior moments, and the expected slope in the log of the dispersion of
    /// counts; leaves expected hazard masses and means in `scratch`, all divided by the likelihood.
    fn integrate(&self, rule: &Rule, mode: &Mode, scratch: &mut Scratch) -> (f64, Posterior, f64) {
        let (point, family) = (self.point, self.model.family);
        let (visits, n) = (self.visits, self.hazard.n_nodes());
        let (a, c, c_time) = (point.on_intercept, point.on_slope, point.on_slope_time);
        let two = point.random.n == 2;
        let at_end = if self.hazard.event { (a, self.on_slope_at_end()) } else { (0.0, 0.0) };
        let peak = self.derivatives(mode.at, scratch).value;
        let [v00, v01, v11] = mode.covariance;
        let (spread1, along, spread0) = if two {
            let spread1 = v11.sqrt();
            (spread1, v01 / spread1, (v00 - v01 * v01 / v11).sqrt())
        } else {
            (0.0, 0.0, v00.sqrt())
        };
        let root2 = std::f64::consts::SQRT_2;
        for expected in &mut scratch.expected_mass {
            expected.clear();
            expected.resize(n, 0.0);
        }
        scratch.expected_mean.clear();
        scratch.expected_mean.resize(visits.time.len(), 0.0);
        let marker_sums = MarkerSums::of(family, visits, &scratch.predictor, point.scale);
        let (mut total, mut first, mut second) = (0.0, [0.0; 2], [0.0; 3]);
        let mut scale_slope = 0.0;
        let outer = if two { rule.nodes.len() } else { 1 };
        for k1 in 0..outer {
            let (z1, weight1) = if two { (rule.nodes[k1], rule.weights[k1]) } else { (0.0, 1.0) };
            let b1 = mode.at[1] + root2 * spread1 * z1;
            let middle = mode.at[0] + root2 * along * z1;
            // A and B of the module's description
            let slope_factor = (c * b1).exp();
            scratch.mass_at.clear();
            if c_time == 0.0 {
                scratch.mass_at.extend(scratch.mass[..n].iter().map(|mass| mass * slope_factor));
            } else {
                scratch.mass_at.extend(
                    (scratch.mass[..n].iter().zip(&self.hazard.time))
                        .map(|(mass, s)| mass * slope_factor * (c_time * b1 * s).exp()),
                );
            }
            let hazard_at: f64 = scratch.mass_at.iter().sum();
            let mut mean_at = 0.0;
            if family == Family::Poisson {
                scratch.means_at.clear();
                scratch.means_at.extend(
                    (scratch.predictor.iter().zip(&visits.time)).map(|(x, t)| (x + b1 * t).exp()),
                );
                mean_at = scratch.means_at.iter().sum();
            }
            scratch.b0.clear();
            scratch.b0.extend(rule.nodes.iter().map(|z| middle + root2 * spread0 * z));
            scratch.exp_hazard.clear();
            scratch.exp_hazard.extend(scratch.b0.iter().map(|b0| (a * b0).exp()));
            scratch.exp_mean.clear();
            if family == Family::Poisson {
                scratch.exp_mean.extend(scratch.b0.iter().map(|b0| b0.exp()));
            }
            let (mut sum, mut sum_b, mut sum_bb) = (0.0, 0.0, 0.0);
            let (mut hazard_sum, mut hazard_b, mut mean_sum) = (0.0, 0.0, 0.0);
            for (k0, &b0) in scratch.b0.iter().enumerate() {
                let hazard = scratch.exp_hazard[k0] * hazard_at;
                let mut log_density =
                    at_end.0 * b0 + at_end.1 * b1 - hazard - 0.5 * point.random.form([b0, b1]);
                log_density += match family {
                    Family::Gaussian => marker_sums.gaussian(b0, b1, visits),
                    Family::Poisson => {
                        marker_sums.sum + b0 * marker_sums.residual + b1 * marker_sums.residual_time
                            - scratch.exp_mean[k0] * mean_at
                    }
                    Family::NegativeBinomial => {
                        let eta = |j: usize| scratch.predictor[j] + b0 + b1 * visits.time[j];
                        (0..visits.time.len())
                            .map(|j| marker(family, visits.marker[j], eta(j), point.scale).0)
                            .sum()
                    }
                };
                let weight = weight1 * rule.weights[k0] * (log_density - peak).exp();
                sum += weight;
                sum_b += weight * b0;
                sum_bb += weight * b0 * b0;
                hazard_sum += weight * scratch.exp_hazard[k0];
                hazard_b += weight * b0 * scratch.exp_hazard[k0];
                match family {
                    Family::Gaussian => {}
                    Family::Poisson => mean_sum += weight * scratch.exp_mean[k0],
                    Family::NegativeBinomial => {
                        for j in 0..visits.time.len() {
                            let (y, theta) = (visits.marker[j], point.scale);
                            let eta = scratch.predictor[j] + b0 + b1 * visits.time[j];
                            scratch.expected_mean[j] += weight * marker(family, y, eta, theta).1;
                            scale_slope += weight * dispersion_slope(y, eta, theta);
                        }
                    }
                }
            }
            total += sum;
            first[0] += sum_b;
            first[1] += sum * b1;
            second[0] += sum_bb;
            second[1] += sum_b * b1;
            second[2] += sum * b1 * b1;
            let [plain, by0, by1] = &mut scratch.expected_mass;
            for (q, &mass) in scratch.mass_at.iter().enumerate() {
                plain[q] += hazard_sum * mass;
                by0[q] += hazard_b * mass;
                by1[q] += hazard_sum * b1 * mass;
            }
            if family == Family::Poisson {
                for (expected, mean) in scratch.expected_mean.iter_mut().zip(&scratch.means_at) {
                    *expected += mean_sum * mean;
                }
            }
        }
        let share = 1.0 / total;
        for expected in scratch.expected_mass.iter_mut().flatten() {
            *expected *= share;
        }
        for expected in &mut scratch.expected_mean {
            *expected *= share;
        }
        let log_area = if two { (2.0 * spread1 * spread0).ln() } else { (root2 * spread0).ln() };
        let log_at_end = if self.hazard.event { scratch.mass[n] } else { 0.0 };
        let constant = match family {
            Family::Poisson => -visits.log_factorials,
            // in the density of each visit
            Family::Gaussian | Family::NegativeBinomial => 0.0,
        };
        let log_likelihood =
            peak + total.ln() + log_area + point.random.log_peak + log_at_end + constant;
        let posterior =
            Posterior { mean: first.map(|sum| sum * share), second: second.map(|sum| sum * share) };
        (log_likelihood, posterior, scale_slope * share)
    }

    /// Fisher's identity: the gradient is the posterior mean of the gradient given the effects.
    fn add_gradient(
        &self,
        posterior: &Posterior,
        scale_slope: f64,
        weight: f64,
        scratch: &Scratch,
        gradient: &mut [f64],
    ) {
        let (point, layout) = (self.point, self.layout);
        let visits = self.visits;
        let [mean0, mean1] = posterior.mean;
        let [second0, cross, second1] = posterior.second;
        let p = point.beta.len();
        // residuals of the marker
        let family = self.model.family;
        let mut squares = 0.0;
        for j in 0..visits.time.len() {
            let (y, t) = (visits.marker[j], visits.time[j]);
            let slope = match family {
                Family::Gaussian => {
                    let r = y - scratch.predictor[j];
                    squares += r * r - 2.0 * r * (mean0 + t * mean1)
                        + second0
                        + 2.0 * t * cross
                        + t * t * second1;
                    (r - mean0 - t * mean1) / point.scale
                }
                Family::Poisson => y - scratch.expected_mean[j],
                Family::NegativeBinomial => scratch.expected_mean[j],
            };
            for (g, x) in gradient[layout.beta.clone()].iter_mut().zip(&visits.design[j * p..]) {
                *g += weight * slope * x;
            }
        }
        if !layout.scale.is_empty() {
            gradient[layout.scale.start] += weight
                * match family {
                    Family::Gaussian => squares / point.scale - visits.time.len() as f64,
                    Family::Poisson | Family::NegativeBinomial => scale_slope,
                };
        }
        let mut covariance = [0.0; 3];
        point.random.gradient(posterior.second, &mut covariance);
        for (g, value) in gradient[layout.covariance.clone()].iter_mut().zip(covariance) {
            *g += weight * value;
        }
        self.add_hazard_gradient(posterior.mean, weight, scratch, gradient);
    }

    /// The outcome's part: what happened at the end less what was expected on the way.
    fn add_hazard_gradient(
        &self,
        [mean0, mean1]: [f64; 2],
        weight: f64,
        scratch: &Scratch,
        gradient: &mut [f64],
    ) {
        let (point, layout, hazard) = (self.point, self.layout, self.hazard);
        let p = point.beta.len();
        let n = hazard.n_nodes();
        let event = f64::from(u8::from(hazard.event));
        let [plain, by0, by1] = &scratch.expected_mass;
        let expected: f64 = plain.iter().sum();
        let n_baseline = point.baseline.len();
        let of_baseline = &mut gradient[layout.baseline.clone()];
        for (q, row) in scratch.baseline.chunks_exact(n_baseline).enumerate() {
            let mass = if q < n { -plain[q] } else { event };
            for (g, value) in of_baseline.iter_mut().zip(row) {
                *g += weight * mass * value;
            }
        }
        for (g, w) in gradient[layout.gamma.clone()].iter_mut().zip(self.covariates) {
            *g += weight * w * (event - expected);
        }
        let kinds = self.model.association.links(self.model.random);
        let effects = |q: usize, kind: Link| match kind {
            Link::Value => (1.0, hazard.time[q]),
            Link::Slope | Link::RandomSlope => (0.0, 1.0),
            Link::Intercept => (1.0, 0.0),
        };
        for (k, &kind) in kinds.iter().enumerate() {
            let values = &scratch.links[k];
            let (on0, on1) = effects(n, kind);
            let mut slope = event * (values[n] + on0 * mean0 + on1 * mean1);
            for q in 0..n {
                let (on0, on1) = effects(q, kind);
                slope -= plain[q] * values[q] + on0 * by0[q] + on1 * by1[q];
            }
            gradient[layout.alpha.start + k] += weight * slope;
            let Some(design) = hazard.design_of(kind) else { continue };
            for (q, row) in design.chunks_exact(p).enumerate() {
                let mass = weight * point.alpha[k] * if q < n { -plain[q] } else { event };
                for (g, x) in gradient[layout.beta.clone()].iter_mut().zip(row) {
                    *g += mass * x;
                }
            }
        }
    }
}

/// Inverse of a symmetric positive definite 2 x 2 matrix.
fn inverse([a, b, d]: [f64; 3]) -> [f64; 3] {
    let determinant = a * d - b * b;
    [d / determinant, -b / determinant, a / determinant]
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
