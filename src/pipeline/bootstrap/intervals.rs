//! Intervals from replicates of a statistic.
//!
//! # Source
//! Davison and Hinkley, Bootstrap Methods and their Application (1997), chapter 5. Quantiles
//! interpolate order statistics `k` and `k + 1` of `(R + 1) alpha` on the normal-quantile scale.

use std::str::FromStr;

use statrs::distribution::{ContinuousCDF, Normal};

use super::document::IntervalBlock;
use super::order_tracker::{Missed, OrderTracker};
use super::summary::{Counts, Moments, Summary};
use crate::Error;

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
    /// Quantiles of (replicate - estimate) / its own standard error.
    Studentized,
    /// Percentile limits at levels that a bootstrap of the bootstrap corrects.
    Calibrated,
}

impl IntervalKind {
    /// Printed unless others are asked for.
    pub const DEFAULT: [Self; 4] = [Self::Percentile, Self::Basic, Self::Normal, Self::Bca];

    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Percentile,
        Self::PercentileKeepInf,
        Self::Basic,
        Self::Normal,
        Self::Bca,
        Self::Studentized,
        Self::Calibrated,
    ];

    /// Its name in documents and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Percentile => "percentile",
            Self::PercentileKeepInf => "percentile_keepinf",
            Self::Basic => "basic",
            Self::Normal => "normal",
            Self::Bca => "bca",
            Self::Studentized => "studentized",
            Self::Calibrated => "calibrated",
        }
    }
}

impl FromStr for IntervalKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            Error::usage("reading --intervals")
                .found(format!("{text:?}"))
                .expected(names.join(", "))
        })
    }
}

/// What intervals need beside the replicates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Basis {
    /// The statistic of the data as given, on the scale of the replicates; `None` where not finite.
    pub(super) estimate: Option<f64>,
    /// Its standard error by the model.
    pub(super) std_err: Option<f64>,
    /// Acceleration by the jackknife, where it was asked for and exists.
    pub(super) acceleration: Option<f64>,
    /// Levels at which calibrated limits are read off.
    pub(super) calibrated: Option<[f64; 2]>,
    pub(super) conf_level: f64,
    /// Whether limits are printed as exponentials: log hazard ratios.
    pub(super) is_log: bool,
}

/// A limit with its Monte-Carlo standard error, on the scale of the replicates.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limit {
    value: f64,
    mcse: Option<f64>,
}

/// The intervals asked for, in order.
///
/// # Errors
/// An order statistic that was not kept: the stream must be read again.
pub(super) fn interval_blocks(
    kinds: &[IntervalKind],
    summary: &Summary,
    basis: &Basis,
) -> Result<Vec<IntervalBlock>, Missed> {
    let reader = Reader { summary, basis, moments: summary.moments() };
    kinds.iter().map(|&kind| reader.block(kind)).collect()
}

/// The two limits of an interval on the scale of the replicates, infinite ones as such; or why
/// there is no interval.
pub(crate) type IntervalLimits = Result<[f64; 2], &'static str>;

/// The limits of the intervals asked for, in order.
///
/// # Errors
/// As [`interval_blocks`].
pub(super) fn interval_limits(
    kinds: &[IntervalKind],
    summary: &Summary,
    basis: &Basis,
) -> Result<Vec<IntervalLimits>, Missed> {
    let reader = Reader { summary, basis, moments: summary.moments() };
    kinds
        .iter()
        .map(|&kind| {
            let limits = reader.limits(kind)?;
            Ok(match limits {
                Some(limits) => Ok(limits.map(|limit| limit.value)),
                None => Err(reader.reason(kind, None).unwrap_or("not_available")),
            })
        })
        .collect()
}

/// Shares of the finite values (and of the pivots) that `kinds` will be read off at, by the counts
/// so far.
pub(super) fn shares_of(kinds: &[IntervalKind], counts: &Counts, basis: &Basis) -> Vec<f64> {
    let alphas = basis.alphas();
    let mut shares = alphas.to_vec();
    for kind in kinds {
        match kind {
            IntervalKind::PercentileKeepInf => {
                let all = counts.finite + counts.minus_infinity + counts.plus_infinity;
                let inside =
                    |a: f64| (all as f64 * a - counts.minus_infinity as f64) / counts.finite as f64;
                shares.extend(alphas.map(inside));
            }
            IntervalKind::Bca => shares.extend(basis.bca_levels(counts).into_iter().flatten()),
            IntervalKind::Calibrated => shares.extend(basis.calibrated.into_iter().flatten()),
            _ => {}
        }
    }
    shares.retain(|share| (0.0..=1.0).contains(share));
    shares
}

/// Standard normal quantile.
fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

impl Basis {
    fn alphas(&self) -> [f64; 2] {
        let tail = 0.5 * (1.0 - self.conf_level);
        [tail, 1.0 - tail]
    }

    /// The levels that BCa reads percentiles off at; `None` without an acceleration, or when every
    /// replicate lies on one side of the estimate.
    fn bca_levels(&self, counts: &Counts) -> Option<[f64; 2]> {
        let acceleration = self.acceleration?;
        let share = counts.below_centre as f64 / counts.finite as f64;
        if !(share > 0.0 && share < 1.0) {
            return None;
        }
        let z0 = normal_quantile(share);
        Some(self.alphas().map(|alpha| {
            let z = z0 + normal_quantile(alpha);
            Normal::standard().cdf(z0 + z / (1.0 - acceleration * z))
        }))
    }
}

struct Reader<'a> {
    summary: &'a Summary,
    basis: &'a Basis,
    moments: Moments,
}

impl Reader<'_> {
    fn limits(&self, kind: IntervalKind) -> Result<Option<[Limit; 2]>, Missed> {
        let basis = self.basis;
        let alphas = basis.alphas();
        Ok(match kind {
            IntervalKind::Percentile => self.percentiles(alphas, false)?,
            IntervalKind::PercentileKeepInf => self.percentiles(alphas, true)?,
            IntervalKind::Basic => self.basic(alphas)?,
            IntervalKind::Normal => self.normal(alphas[0]),
            IntervalKind::Bca => match basis.bca_levels(&self.summary.counts) {
                Some(levels) => self.percentiles(levels, false)?,
                None => None,
            },
            IntervalKind::Studentized => self.studentized(alphas)?,
            IntervalKind::Calibrated => match basis.calibrated {
                Some(levels) => self.percentiles(levels, false)?,
                None => None,
            },
        })
    }

    fn block(&self, kind: IntervalKind) -> Result<IntervalBlock, Missed> {
        let basis = self.basis;
        let limits = self.limits(kind)?;
        let part = |side: usize| limits.map(|limits| limits[side]).filter(|l| l.value.is_finite());
        let (lower, upper) = (part(0), part(1));
        let shown = |value: f64| if basis.is_log { value.exp() } else { value };
        let log = |limit: Option<Limit>| limit.filter(|_| basis.is_log).map(|limit| limit.value);
        Ok(IntervalBlock {
            kind: kind.name(),
            lower: lower.map(|limit| shown(limit.value)),
            upper: upper.map(|limit| shown(limit.value)),
            mcse_lower: lower.and_then(|limit| limit.mcse),
            mcse_upper: upper.and_then(|limit| limit.mcse),
            log_lower: log(lower),
            log_upper: log(upper),
            reason: self.reason(kind, limits),
        })
    }

    fn reason(&self, kind: IntervalKind, limits: Option<[Limit; 2]>) -> Option<&'static str> {
        match limits {
            Some(limits) if limits.iter().any(|limit| limit.value.is_infinite()) => {
                Some("infinite")
            }
            Some(_) => None,
            None if self.summary.counts.finite == 0 => Some("no_estimable_replicate"),
            None if self.basis.estimate.is_none() => Some("estimate_not_finite"),
            None => match kind {
                IntervalKind::Bca => Some("jackknife_not_estimable"),
                IntervalKind::Studentized => Some("no_standard_error"),
                IntervalKind::Calibrated => Some("no_calibration"),
                _ => Some("not_available"),
            },
        }
    }

    /// Quantiles of the values at `levels`, the infinite ones sorted in if they are kept.
    fn percentiles(
        &self,
        levels: [f64; 2],
        keep_infinite: bool,
    ) -> Result<Option<[Limit; 2]>, Missed> {
        let counts = &self.summary.counts;
        let infinite =
            if keep_infinite { [counts.minus_infinity, counts.plus_infinity] } else { [0, 0] };
        quantiles(&self.summary.values, counts.finite, infinite, levels)
    }

    fn basic(&self, alphas: [f64; 2]) -> Result<Option<[Limit; 2]>, Missed> {
        let Some(estimate) = self.basis.estimate else { return Ok(None) };
        let mirror = |limit: Limit| Limit { value: 2.0 * estimate - limit.value, ..limit };
        let limits = self.percentiles(alphas, false)?;
        Ok(limits.map(|[lower, upper]| [mirror(upper), mirror(lower)]))
    }

    fn normal(&self, tail: f64) -> Option<[Limit; 2]> {
        let moments = self.moments;
        let centre = self.basis.estimate? - moments.bias?;
        let z = normal_quantile(1.0 - tail);
        let mcse = match (moments.mcse_bias, moments.mcse_std_err) {
            (Some(bias), Some(std_err)) => Some((bias * bias + (z * std_err).powi(2)).sqrt()),
            _ => None,
        };
        let half = z * moments.std_err?;
        Some([Limit { value: centre - half, mcse }, Limit { value: centre + half, mcse }])
    }

    fn studentized(&self, alphas: [f64; 2]) -> Result<Option<[Limit; 2]>, Missed> {
        let (Some(estimate), Some(std_err), Some(pivots)) =
            (self.basis.estimate, self.basis.std_err, &self.summary.pivots)
        else {
            return Ok(None);
        };
        let limit = |pivot: Limit| Limit {
            value: estimate - std_err * pivot.value,
            mcse: pivot.mcse.map(|mcse| std_err * mcse),
        };
        let found = quantiles(pivots, self.summary.counts.with_pivot, [0, 0], alphas)?;
        Ok(found.map(|[lower, upper]| [limit(upper), limit(lower)]))
    }
}

/// Quantiles of `n` tracked values with so many at minus and plus infinity beside them.
fn quantiles(
    tracker: &OrderTracker,
    n: u64,
    [n_minus, n_plus]: [u64; 2],
    levels: [f64; 2],
) -> Result<Option<[Limit; 2]>, Missed> {
    let r = n + n_minus + n_plus;
    if n == 0 {
        return Ok(None);
    }
    // Ranks (1-based) each limit needs: k, k + 1, and one standard error to both sides.
    let ranks: Vec<[u64; 4]> = levels
        .iter()
        .map(|&level| {
            let k = ((r + 1) as f64 * level).floor().clamp(1.0, r as f64) as u64;
            let reach = (r as f64 * level * (1.0 - level)).sqrt().round().max(1.0) as u64;
            [k, (k + 1).min(r), k.saturating_sub(reach).max(1), (k + reach).min(r)]
        })
        .collect();
    let values = values_of_ranks(tracker, n, n_minus, &ranks.concat())?;
    let limit = |side: usize| {
        let [k, next, below, above] = ranks[side];
        let [x, x_next, x_below, x_above] = [0, 1, 2, 3].map(|offset| values[4 * side + offset]);
        let position = (r + 1) as f64 * levels[side];
        let value = if k == next || position <= k as f64 {
            x
        } else if !(x.is_finite() && x_next.is_finite()) {
            if x.is_infinite() { x } else { x_next }
        } else {
            let scale = |rank: u64| normal_quantile(rank as f64 / (r + 1) as f64);
            let share = (normal_quantile(levels[side]) - scale(k)) / (scale(next) - scale(k));
            x + share * (x_next - x)
        };
        let reach = (above - below) as f64
            / (r as f64 * levels[side] * (1.0 - levels[side])).sqrt().max(0.5);
        let mcse = (x_above - x_below) / reach;
        Limit { value, mcse: (mcse.is_finite() && above > below).then_some(mcse) }
    };
    Ok(Some([limit(0), limit(1)]))
}

/// Values of 1-based ranks, `before` of them at minus infinity.
fn values_of_ranks(
    tracker: &OrderTracker,
    n: u64,
    before: u64,
    ranks: &[u64],
) -> Result<Vec<f64>, Missed> {
    let inside = |rank: u64| rank > before && rank <= before + n;
    let wanted: Vec<u64> =
        ranks.iter().filter(|&&rank| inside(rank)).map(|rank| rank - before - 1).collect();
    let mut found = tracker.find(&wanted)?.into_iter();
    let value = |rank: u64| match rank {
        rank if rank <= before => f64::NEG_INFINITY,
        rank if rank > before + n => f64::INFINITY,
        _ => found.next().unwrap_or(f64::INFINITY),
    };
    Ok(ranks.iter().copied().map(value).collect())
}

/// The acceleration of a BCa interval from leave-one-out values; `None` where they do not differ.
/// With `strata` (a code a value) influences are formed inside a stratum, times `(m - 1) / m`.
///
/// # Source
/// Efron, JASA 82 (1987) 171; `L = mean(t(-i)) - t(-i)`, `a = sum L^3 / (6 (sum L^2)^1.5)`.
pub(super) fn acceleration(left_out: &[f64], strata: Option<&[usize]>) -> Option<f64> {
    let n_strata = strata.map_or(1, |codes| codes.iter().max().map_or(0, |most| most + 1));
    let (mut squares, mut cubes) = (0.0, 0.0);
    for stratum in 0..n_strata {
        let member = |i: &usize| strata.is_none_or(|codes| codes[*i] == stratum);
        let values: Vec<f64> = (0..left_out.len()).filter(member).map(|i| left_out[i]).collect();
        let size = values.len() as f64;
        let mean = values.iter().sum::<f64>() / size;
        let factor = if strata.is_some() { (size - 1.0) / size } else { 1.0 };
        for value in values {
            let influence = (mean - value) * factor;
            squares += influence * influence;
            cubes += influence.powi(3);
        }
    }
    (squares > 0.0).then(|| cubes / (6.0 * squares.powf(1.5)))
}
