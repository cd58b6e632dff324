//! Densities of a marker given its linear predictor.

use super::model::Family;
use super::prepared::Visits;
use statrs::function::gamma::{digamma, ln_gamma};

/// Sums that give the marker's log density as a polynomial (or an exponential) of b.
pub(super) struct MarkerSums {
    pub(super) sum: f64,
    pub(super) residual: f64,
    pub(super) residual_time: f64,
    /// 1 / (2 residual variance)
    half_precision: f64,
}

impl MarkerSums {
    pub(super) fn of(family: Family, visits: &Visits, predictor: &[f64], scale: f64) -> Self {
        let mut sums =
            Self { sum: 0.0, residual: 0.0, residual_time: 0.0, half_precision: 0.5 / scale };
        for (j, (&t, &y)) in visits.time.iter().zip(&visits.marker).enumerate() {
            match family {
                Family::Gaussian => {
                    let r = y - predictor[j];
                    sums.sum += r * r;
                    sums.residual += r;
                    sums.residual_time += r * t;
                }
                Family::Poisson => {
                    sums.sum += y * predictor[j];
                    sums.residual += y;
                    sums.residual_time += y * t;
                }
                Family::NegativeBinomial => {}
            }
        }
        if family == Family::Gaussian {
            // of the constant: -n log(2 pi variance) / 2
            let n = visits.time.len() as f64;
            let log_constant = -0.5 * n * (std::f64::consts::TAU * scale).ln();
            sums.sum -= log_constant / sums.half_precision;
        }
        sums
    }

    /// Log density of normal markers of a subject.
    pub(super) fn gaussian(&self, b0: f64, b1: f64, visits: &Visits) -> f64 {
        let n = visits.time.len() as f64;
        let squares = self.sum - 2.0 * (b0 * self.residual + b1 * self.residual_time)
            + b0 * b0 * n
            + 2.0 * b0 * b1 * visits.sum_time
            + b1 * b1 * visits.sum_time_squared;
        -self.half_precision * squares
    }
}

/// Log density of a marker, its slope and its negative curvature in the linear predictor. For Poisson
/// without -log(y!).
pub(super) fn marker(family: Family, y: f64, eta: f64, scale: f64) -> (f64, f64, f64) {
    match family {
        Family::Gaussian => {
            let r = y - eta;
            let density = -0.5 * ((std::f64::consts::TAU * scale).ln() + r * r / scale);
            (density, r / scale, 1.0 / scale)
        }
        Family::Poisson => {
            let mean = eta.exp();
            (y * eta - mean, y - mean, mean)
        }
        Family::NegativeBinomial => {
            // share of the mean in mean + dispersion, written so that neither end overflows
            let share = 1.0 / (1.0 + scale * (-eta).exp());
            let log_odds = eta - scale.ln();
            let log_one_plus = if log_odds > 0.0 {
                log_odds + (-log_odds).exp().ln_1p()
            } else {
                log_odds.exp().ln_1p()
            };
            let binomial = ln_gamma(y + scale) - ln_gamma(scale) - ln_gamma(y + 1.0);
            let density = binomial + y * log_odds - (y + scale) * log_one_plus;
            (density, y - (y + scale) * share, (y + scale) * share * (1.0 - share))
        }
    }
}

/// Slope of a negative binomial log density in the log of its dispersion.
pub(super) fn dispersion_slope(y: f64, eta: f64, scale: f64) -> f64 {
    let mean = eta.exp();
    scale
        * (digamma(y + scale) - digamma(scale) - (mean / scale).ln_1p()
            + (mean - y) / (mean + scale))
}
