//! Maximising a smooth function with a gradient: quasi-Newton steps, then Newton's.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// A function to maximise.
pub(super) trait Objective {
    /// Value at `theta`, and its gradient. Not finite where the function is not defined.
    fn evaluate(&mut self, theta: &[f64], gradient: &mut [f64]) -> f64;
}

/// Quasi-Newton steps before giving up.
const QUASI_STEPS: usize = 300;

/// Newton steps afterwards.
const NEWTON_STEPS: usize = 20;

/// Quasi-Newton steps end when the next would gain less than this in log likelihood.
pub(super) const QUASI_GAIN: f64 = 1e-5;

/// A maximum is found when a Newton step would gain less than this: 1e-6 of a standard error.
const NEWTON_GAIN: f64 = 1e-12;

/// Largest step of the quasi-Newton phase, in standard errors along it as the curvature has them.
const LONGEST_STEP: f64 = 10.0;

/// Steps in a row that gain less than asked although the gradient promises more: value and gradient are
/// then at odds, as they are where the quadrature no longer resolves the random effects.
const IDLE_STEPS: usize = 4;

/// What the gradient may still promise then if the search is to count as converged: a twentieth of a
/// standard error.
const IDLE_GAIN: f64 = 1e-3;

/// Differences of the gradient are taken over this share of a standard error to either side.
const DIFFERENCE: f64 = 3e-3;

/// Where the search ended.
#[derive(Clone, Debug)]
pub(super) struct Maximum {
    pub(super) theta: Vec<f64>,
    pub(super) value: f64,
    /// Negative second derivatives.
    pub(super) information: DMatrix<f64>,
    /// A Newton step would gain next to nothing.
    pub(super) converged: bool,
}

/// What a search knows of the curvature before it begins.
#[derive(Clone, Copy)]
pub(super) enum Curvature<'a> {
    /// Nothing: differences of the gradient at the start.
    Unknown,
    /// The information of a similar problem near its maximum.
    Like(&'a DMatrix<f64>),
}

/// The maximum uphill of `start`, by quasi-Newton steps and then Newton's.
pub(super) fn maximise(
    objective: &mut impl Objective,
    start: &[f64],
    curvature: Curvature<'_>,
) -> Maximum {
    let near = quasi_newton(objective, start, curvature, QUASI_GAIN);
    newton(objective, near.theta)
}

/// Where quasi-Newton steps ended.
#[derive(Clone, Debug)]
pub(super) struct Near {
    pub(super) theta: Vec<f64>,
    pub(super) value: f64,
    /// The next step would gain less than asked.
    pub(super) converged: bool,
}

/// Quasi-Newton steps (Broyden, Fletcher, Goldfarb, Shanno) until the next would gain less than
/// `gain`.
pub(super) fn quasi_newton(
    objective: &mut impl Objective,
    start: &[f64],
    curvature: Curvature<'_>,
    gain: f64,
) -> Near {
    let p = start.len();
    let mut theta = DVector::from_column_slice(start);
    let mut gradient = DVector::zeros(p);
    let mut value = objective.evaluate(theta.as_slice(), gradient.as_mut_slice());
    let mut metric = match curvature {
        Curvature::Like(information) => positive_inverse(information),
        Curvature::Unknown => {
            let rough: Vec<f64> = start.iter().map(|x| 1e-4 * x.abs().max(1.0)).collect();
            positive_inverse(&differences(objective, start, &rough))
        }
    };
    let mut converged = false;
    let mut idle = 0;
    for _ in 0..QUASI_STEPS {
        let mut step = &metric * &gradient;
        let mut rise = step.dot(&gradient);
        if rise <= 0.0 || !rise.is_finite() {
            metric = DMatrix::identity(p, p);
            step = gradient.clone();
            rise = step.dot(&gradient);
        }
        if 0.5 * rise < gain {
            converged = value.is_finite();
            break;
        }
        if rise.sqrt() > LONGEST_STEP {
            step *= LONGEST_STEP / rise.sqrt();
            rise = step.dot(&gradient);
        }
        let Some((next, next_value, next_gradient, share)) =
            search_line(objective, &theta, value, &step, rise)
        else {
            break;
        };
        let moved = step * share;
        let bend = &gradient - &next_gradient;
        let curvature = moved.dot(&bend);
        if curvature > 1e-12 * moved.norm() * bend.norm() {
            let smoothed = &metric * &bend;
            let factor = (1.0 + bend.dot(&smoothed) / curvature) / curvature;
            metric += factor * &moved * moved.transpose()
                - (&smoothed * moved.transpose() + &moved * smoothed.transpose()) / curvature;
        }
        idle = if next_value - value < gain { idle + 1 } else { 0 };
        (theta, value, gradient) = (next, next_value, next_gradient);
        if idle == IDLE_STEPS {
            converged = 0.5 * rise < IDLE_GAIN;
            break;
        }
    }
    Near { theta: theta.as_slice().to_vec(), value, converged }
}

/// Halves `step` until the value rises by a share of what the gradient promises.
fn search_line(
    objective: &mut impl Objective,
    theta: &DVector<f64>,
    value: f64,
    step: &DVector<f64>,
    rise: f64,
) -> Option<(DVector<f64>, f64, DVector<f64>, f64)> {
    let mut share = 1.0;
    let mut gradient = DVector::zeros(theta.len());
    // the gradient is that of the quadrature with its nodes held: near the maximum the value may fall
    // by what the quadrature is off
    let allowance = 1e-9 * value.abs().max(1.0);
    for _ in 0..40 {
        let next = theta + step * share;
        let next_value = objective.evaluate(next.as_slice(), gradient.as_mut_slice());
        let is_fine = next_value.is_finite() && gradient.iter().all(|g| g.is_finite());
        if is_fine && next_value >= value + 1e-4 * share * rise - allowance {
            return Some((next, next_value, gradient, share));
        }
        share *= 0.5;
    }
    None
}

/// Newton's method on the gradient, from near the maximum.
pub(super) fn newton(objective: &mut impl Objective, start: Vec<f64>) -> Maximum {
    let mut theta = start;
    let mut gradient = vec![0.0; theta.len()];
    let mut value = objective.evaluate(&theta, &mut gradient);
    let mut information = information_at(objective, &theta);
    for _ in 0..NEWTON_STEPS {
        let is_definite = information.clone().cholesky().is_some();
        let inverse = positive_inverse(&information);
        let score = DVector::from_column_slice(&gradient);
        let mut step = &inverse * &score;
        let gain = 0.5 * step.dot(&score);
        if gain < NEWTON_GAIN {
            return Maximum { theta, value, information, converged: is_definite };
        }
        if (2.0 * gain).sqrt() > LONGEST_STEP {
            step *= LONGEST_STEP / (2.0 * gain).sqrt();
        }
        let mut next_gradient = vec![0.0; theta.len()];
        let mut share = 1.0;
        let next = loop {
            let next: Vec<f64> =
                theta.iter().zip(step.iter()).map(|(x, step)| x + share * step).collect();
            let next_value = objective.evaluate(&next, &mut next_gradient);
            let fell = value - next_value;
            if fell.is_finite() && fell <= 1e-9 * value.abs().max(1.0) {
                value = next_value;
                break Some(next);
            }
            share *= 0.5;
            if share < 1e-6 {
                break None;
            }
        };
        let Some(next) = next else { break };
        theta = next;
        gradient = next_gradient;
        let inverse = positive_inverse(&information);
        let spreads: Vec<f64> =
            theta.iter().enumerate().map(|(k, &x)| spread(inverse[(k, k)], x)).collect();
        information = differences(objective, &theta, &spreads);
    }
    Maximum { theta, value, information, converged: false }
}

/// Negative second derivatives at `theta`, the differences over shares of a standard error.
pub(super) fn information_at(objective: &mut impl Objective, theta: &[f64]) -> DMatrix<f64> {
    let rough: Vec<f64> = theta.iter().map(|x| 1e-4 * x.abs().max(1.0)).collect();
    let inverse = positive_inverse(&differences(objective, theta, &rough));
    let spreads: Vec<f64> =
        theta.iter().enumerate().map(|(k, &x)| spread(inverse[(k, k)], x)).collect();
    differences(objective, theta, &spreads)
}

/// A step of the differences for a parameter with this variance.
fn spread(variance: f64, x: f64) -> f64 {
    if variance > 0.0 && variance.is_finite() {
        DIFFERENCE * variance.sqrt().min(x.abs().max(1.0))
    } else {
        1e-4 * x.abs().max(1.0)
    }
}

/// Negative second derivatives by central differences of the gradient over `spreads`.
fn differences(objective: &mut impl Objective, theta: &[f64], spreads: &[f64]) -> DMatrix<f64> {
    let p = theta.len();
    let mut information = DMatrix::zeros(p, p);
    let (mut above, mut below) = (vec![0.0; p], vec![0.0; p]);
    let mut at = theta.to_vec();
    for k in 0..p {
        at[k] = theta[k] + spreads[k];
        objective.evaluate(&at, &mut above);
        at[k] = theta[k] - spreads[k];
        objective.evaluate(&at, &mut below);
        at[k] = theta[k];
        for j in 0..p {
            information[(j, k)] = (below[j] - above[j]) / (2.0 * spreads[k]);
        }
    }
    0.5 * (&information + information.transpose())
}

/// Inverse of a symmetric matrix, its eigenvalues (scaled to a unit diagonal) made positive.
pub(super) fn positive_inverse(information: &DMatrix<f64>) -> DMatrix<f64> {
    let p = information.nrows();
    if let Some(cholesky) = information.clone().cholesky() {
        return cholesky.inverse();
    }
    let scale = DVector::from_fn(p, |k, _| {
        let diagonal = information[(k, k)].abs();
        if diagonal > 0.0 && diagonal.is_finite() { 1.0 / diagonal.sqrt() } else { 1.0 }
    });
    let scaled = DMatrix::from_fn(p, p, |j, k| {
        let value = information[(j, k)] * scale[j] * scale[k];
        if value.is_finite() { value } else { f64::from(u8::from(j == k)) }
    });
    let eigen = SymmetricEigen::new(scaled);
    let inverted = eigen.eigenvalues.map(|value| 1.0 / value.abs().max(1e-3));
    let inverse =
        &eigen.eigenvectors * DMatrix::from_diagonal(&inverted) * eigen.eigenvectors.transpose();
    DMatrix::from_fn(p, p, |j, k| inverse[(j, k)] * scale[j] * scale[k])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minus Rosenbrock's function: a curved ridge with its top, 0, at (1, 1).
    struct Ridge;

    impl Objective for Ridge {
        fn evaluate(&mut self, theta: &[f64], gradient: &mut [f64]) -> f64 {
            let (x, y) = (theta[0], theta[1]);
            let off = y - x * x;
            gradient[0] = 400.0 * off * x + 2.0 * (1.0 - x);
            gradient[1] = -200.0 * off;
            -100.0 * off * off - (1.0 - x).powi(2)
        }
    }

    #[test]
    fn a_curved_ridge_is_climbed_to_its_top() {
        let maximum = maximise(&mut Ridge, &[-1.2, 1.0], Curvature::Unknown);
        assert!(maximum.converged, "{maximum:?}");
        assert!(maximum.theta.iter().all(|x| (x - 1.0).abs() < 1e-5), "{:?}", maximum.theta);
        // second derivatives of Rosenbrock's function at its minimum: 802, -400, 200
        let expected = [802.0, -400.0, -400.0, 200.0];
        for (found, expected) in maximum.information.iter().zip(expected) {
            assert!((found - expected).abs() < 0.1, "{}", maximum.information);
        }
    }
}
