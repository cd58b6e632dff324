//! Intervals from replicates of a log hazard ratio.
//!
//! # Source
//! Davison and Hinkley, Bootstrap Methods and their Application (1997), chapter 5. Quantiles
//! interpolate order statistics `k` and `k + 1` of `(R + 1) alpha` on the normal-quantile scale.

use super::bootstrap::IntervalBlock;
use super::order_statistics::order_statistics;
use crate::Error;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};
use std::str::FromStr;

/// A kind of bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalKind {
    /// Quantiles of the estimable replicates.
    Percentile,
    /// Quantiles with the monotone replicates as -inf and +inf.
    PercentileKeepInf,
    /// Twice the estimate less the percentile limits.
    Basic,
    /// Estimate less bias, plus and minus normal quantiles of the standard error.
    Normal,
    /// Bias-corrected and accelerated.
    Bca,
}

impl IntervalKind {
    /// Printed unless others are asked for.
    pub const DEFAULT: [Self; 4] = [Self::Percentile, Self::Basic, Self::Normal, Self::Bca];

    /// Its name in documents and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Percentile => "percentile",
            Self::PercentileKeepInf => "percentile_keepinf",
            Self::Basic => "basic",
            Self::Normal => "normal",
            Self::Bca => "bca",
        }
    }
}

impl FromStr for IntervalKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let all = [Self::Percentile, Self::PercentileKeepInf, Self::Basic, Self::Normal, Self::Bca];
        all.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            Error::usage("reading --intervals").found(format!("{text:?}")).expected(
                "percentile, percentile_keepinf, basic, normal or bca (studentized and calibrated are not available in this version)",
            )
        })
    }
}

/// Replicates and what is known of them.
pub(super) struct Sample<'a> {
    pub(super) finite: &'a [f64],
    pub(super) n_minus_inf: u64,
    pub(super) n_plus_inf: u64,
    pub(super) estimate: Option<f64>,
    pub(super) bias: Option<f64>,
    pub(super) std_err: Option<f64>,
    pub(super) mcse_bias: Option<f64>,
    pub(super) mcse_std_err: Option<f64>,
    pub(super) acceleration: Option<f64>,
    pub(super) conf_level: f64,
}

/// A limit with its Monte-Carlo standard error, on the log scale.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limit {
    value: f64,
    mcse: Option<f64>,
}

pub(super) fn interval_blocks(kinds: &[IntervalKind], sample: &Sample<'_>) -> Vec<IntervalBlock> {
    kinds.iter().map(|&kind| interval(kind, sample)).collect()
}

fn interval(kind: IntervalKind, sample: &Sample<'_>) -> IntervalBlock {
    let tail = 0.5 * (1.0 - sample.conf_level);
    let alphas = [tail, 1.0 - tail];
    let limits = match kind {
        IntervalKind::Percentile => sample.quantiles(alphas, false),
        IntervalKind::PercentileKeepInf => sample.quantiles(alphas, true),
        IntervalKind::Basic => sample.basic(alphas),
        IntervalKind::Normal => sample.normal(tail),
        IntervalKind::Bca => sample.bca(alphas),
    };
    let reason = match limits {
        Some(limits) if limits.iter().any(|limit| limit.value.is_infinite()) => Some("infinite"),
        Some(_) => None,
        None if sample.finite.is_empty() => Some("no_estimable_replicate"),
        None if kind == IntervalKind::Bca && sample.estimate.is_some() => {
            Some("jackknife_not_estimable")
        }
        None => Some("estimate_not_finite"),
    };
    let part = |side: usize| limits.map(|limits| limits[side]).filter(|l| l.value.is_finite());
    let (lower, upper) = (part(0), part(1));
    IntervalBlock {
        kind: kind.name(),
        lower: lower.map(|limit| limit.value.exp()),
        upper: upper.map(|limit| limit.value.exp()),
        mcse_lower: lower.and_then(|limit| limit.mcse),
        mcse_upper: upper.and_then(|limit| limit.mcse),
        log_lower: lower.map(|limit| limit.value),
        log_upper: upper.map(|limit| limit.value),
        reason,
    }
}

/// Standard normal quantile.
fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

impl Sample<'_> {
    /// Number of replicates a quantile counts.
    fn size(&self, keep_infinite: bool) -> u64 {
        let infinite = if keep_infinite { self.n_minus_inf + self.n_plus_inf } else { 0 };
        self.finite.len() as u64 + infinite
    }

    fn quantiles(&self, alphas: [f64; 2], keep_infinite: bool) -> Option<[Limit; 2]> {
        let r = self.size(keep_infinite);
        if r == 0 || self.finite.is_empty() {
            return None;
        }
        // Ranks (1-based) each limit needs: k, k + 1, and one standard error to both sides.
        let ranks: Vec<[u64; 4]> = alphas
            .iter()
            .map(|&alpha| {
                let k = ((r + 1) as f64 * alpha).floor().clamp(1.0, r as f64) as u64;
                let reach = (r as f64 * alpha * (1.0 - alpha)).sqrt().round().max(1.0) as u64;
                [k, (k + 1).min(r), k.saturating_sub(reach).max(1), (k + reach).min(r)]
            })
            .collect();
        let values = self.values_of_ranks(&ranks.concat(), keep_infinite);
        let limit = |side: usize| {
            let [k, next, below, above] = ranks[side];
            let [x, x_next, x_below, x_above] =
                [0, 1, 2, 3].map(|offset| values[4 * side + offset]);
            let position = (r + 1) as f64 * alphas[side];
            let value = if k == next || position <= k as f64 {
                x
            } else if !(x.is_finite() && x_next.is_finite()) {
                if x.is_infinite() { x } else { x_next }
            } else {
                let scale = |rank: u64| normal_quantile(rank as f64 / (r + 1) as f64);
                let share = (normal_quantile(alphas[side]) - scale(k)) / (scale(next) - scale(k));
                x + share * (x_next - x)
            };
            let reach = (above - below) as f64
                / (r as f64 * alphas[side] * (1.0 - alphas[side])).sqrt().max(0.5);
            let mcse = (x_above - x_below) / reach;
            Limit { value, mcse: (mcse.is_finite() && above > below).then_some(mcse) }
        };
        Some([limit(0), limit(1)])
    }

    /// Values of 1-based ranks, infinities sorted in at both ends if they are kept.
    fn values_of_ranks(&self, ranks: &[u64], keep_infinite: bool) -> Vec<f64> {
        let before = if keep_infinite { self.n_minus_inf } else { 0 };
        let n = self.finite.len() as u64;
        let inside = |rank: u64| rank > before && rank <= before + n;
        let wanted: Vec<usize> =
            ranks.iter().filter(|&&r| inside(r)).map(|r| (r - before - 1) as usize).collect();
        let mut found = order_statistics(self.finite, &wanted).into_iter();
        ranks
            .iter()
            .map(|&rank| match rank {
                rank if rank <= before => f64::NEG_INFINITY,
                rank if rank > before + n => f64::INFINITY,
                _ => found.next().unwrap_or(f64::INFINITY),
            })
            .collect()
    }

    fn basic(&self, alphas: [f64; 2]) -> Option<[Limit; 2]> {
        let estimate = self.estimate?;
        let [lower, upper] = self.quantiles(alphas, false)?;
        let mirror = |limit: Limit| Limit { value: 2.0 * estimate - limit.value, ..limit };
        Some([mirror(upper), mirror(lower)])
    }

    fn normal(&self, tail: f64) -> Option<[Limit; 2]> {
        let centre = self.estimate? - self.bias?;
        let z = normal_quantile(1.0 - tail);
        let mcse = match (self.mcse_bias, self.mcse_std_err) {
            (Some(bias), Some(std_err)) => Some((bias * bias + (z * std_err).powi(2)).sqrt()),
            _ => None,
        };
        let half = z * self.std_err?;
        Some([Limit { value: centre - half, mcse }, Limit { value: centre + half, mcse }])
    }

    fn bca(&self, alphas: [f64; 2]) -> Option<[Limit; 2]> {
        let (estimate, acceleration) = (self.estimate?, self.acceleration?);
        let below = self.finite.par_iter().filter(|&&t| t < estimate).count() as f64;
        let share = below / self.finite.len() as f64;
        if share <= 0.0 || share >= 1.0 {
            return None;
        }
        let z0 = normal_quantile(share);
        let adjusted = alphas.map(|alpha| {
            let z = z0 + normal_quantile(alpha);
            Normal::standard().cdf(z0 + z / (1.0 - acceleration * z))
        });
        self.quantiles(adjusted, false)
    }
}
