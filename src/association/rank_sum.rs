//! Wilcoxon's rank-sum test of two samples.

use super::ranks::MidRanks;
use crate::survival::{normal_quantile, normal_two_sided};

/// The rank-sum test of `x` against `y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankSum {
    /// Number of pairs in which `x` is larger, ties counting one half (R's `W`).
    pub w: f64,
    /// Two-sided p-value; `None` where all values are equal.
    pub p: Option<f64>,
    /// Whether p is exact; otherwise it is the normal approximation.
    pub exact: bool,
}

/// A side of at least this many uses the normal approximation, as in R.
const EXACT_BELOW: usize = 50;

/// Additions that the exact distribution may take: about a second.
const EXACT_WORK_LIMIT: usize = 500_000_000;

/// Wilcoxon's test as R's `wilcox.test` chooses it: exact with fewer than 50 values a side and no
/// ties, else [`rank_sum_test`]. `None` when a sample is empty. Values must be finite.
///
/// ```
/// use herscope::association::rank_sum;
///
/// // Two of the six orders of two pairs are as extreme as x below y.
/// let test = rank_sum(&[1.0, 2.0], &[3.0, 4.0]).expect("two samples");
/// assert!(test.exact && (test.p.expect("exact") - 2.0 / 6.0).abs() < 1e-12);
/// ```
pub fn rank_sum(x: &[f64], y: &[f64]) -> Option<RankSum> {
    let small = x.len() < EXACT_BELOW && y.len() < EXACT_BELOW;
    if small && !pooled(x, y).has_ties() {
        return rank_sum_exact(x, y).map(|test| RankSum {
            w: test.w,
            p: Some(test.two_sided),
            exact: true,
        });
    }
    rank_sum_test(x, y)
}

/// Wilcoxon's test by the normal approximation, corrected for ties and continuity; `None` when a
/// sample is empty. Values must be finite.
///
/// # Source
/// Wilcoxon 1945; variance of tied ranks (Lehmann, Nonparametrics, 1975, appendix 4) and a
/// continuity correction of one half, as R's `wilcox.test(exact = FALSE, correct = TRUE)`.
///
/// ```
/// use herscope::association::rank_sum_test;
///
/// // Every value of x is below every value of y: W = 0.
/// let test = rank_sum_test(&[1.0, 2.0], &[3.0, 4.0]).expect("two samples");
/// assert_eq!(test.w, 0.0);
/// // z = (0 - 2 + 0.5) / sqrt(2 * 2 * 5 / 12) = -1.1619, p = 0.2453.
/// assert!((test.p.expect("values differ") - 0.2453).abs() < 1e-4);
/// ```
pub fn rank_sum_test(x: &[f64], y: &[f64]) -> Option<RankSum> {
    let (n_x, n_y) = (x.len() as f64, y.len() as f64);
    if x.is_empty() || y.is_empty() {
        return None;
    }
    let ranks = pooled(x, y);
    let n = n_x + n_y;
    let w = statistic(&ranks, x.len());
    let variance = n_x * n_y / 12.0 * (n + 1.0 - ranks.tie_sum() / (n * (n - 1.0)));
    let distance = w - n_x * n_y / 2.0;
    let corrected = distance - 0.5 * distance.signum() * f64::from(u8::from(distance != 0.0));
    let p = (variance > 0.0).then(|| normal_two_sided(corrected / variance.sqrt()));
    Some(RankSum { w, p, exact: false })
}

fn pooled(x: &[f64], y: &[f64]) -> MidRanks {
    MidRanks::of(&[x, y].concat())
}

fn statistic(ranks: &MidRanks, n_x: usize) -> f64 {
    let doubled: u64 = ranks.doubled[..n_x].iter().sum();
    doubled as f64 / 2.0 - n_x as f64 * (n_x as f64 + 1.0) / 2.0
}

/// The exact rank-sum test, conditional on the values that occur.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankSumExact {
    /// Number of pairs in which `x` is larger, ties counting one half.
    pub w: f64,
    /// Chance of a statistic at least as far from its mean.
    pub two_sided: f64,
    /// Chance of a statistic as low or lower.
    pub less: f64,
    /// Chance of a statistic as high or higher.
    pub greater: f64,
}

/// Exact permutation distribution of the rank sum, also with ties (by mid-ranks); `None` when a
/// sample is empty or the samples are too large (several hundred values together).
///
/// # Source
/// The number of subsets of each size and sum by Streitberg and Roehmel's shift algorithm (1986,
/// Statistical Software Newsletter 12:10). Without ties it is R's `wilcox.test(exact = TRUE)`.
pub fn rank_sum_exact(x: &[f64], y: &[f64]) -> Option<RankSumExact> {
    if x.is_empty() || y.is_empty() {
        return None;
    }
    let ranks = pooled(x, y);
    let chances = SumDistribution::new(&ranks.doubled, x.len())?;
    let sum: u64 = ranks.doubled[..x.len()].iter().sum();
    // Twice the mean of the doubled sum is x.len() * (n + 1) * 2: compare in whole numbers.
    let centre = (x.len() * (x.len() + y.len() + 1)) as i64;
    let distance = (sum as i64 - centre).abs();
    let total = |wanted: &dyn Fn(i64) -> bool| chances.sum_where(wanted);
    Some(RankSumExact {
        w: statistic(&ranks, x.len()),
        two_sided: total(&|s| (s - centre).abs() >= distance).min(1.0),
        less: total(&|s| s <= sum as i64).min(1.0),
        greater: total(&|s| s >= sum as i64).min(1.0),
    })
}

/// Chances of each sum of a random subset.
struct SumDistribution {
    chance: Vec<f64>,
}

impl SumDistribution {
    fn new(values: &[u64], size: usize) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let largest: u64 = sorted.iter().rev().take(size).sum();
        let width = usize::try_from(largest).ok()? + 1;
        let work = values.len().checked_mul(size)?.checked_mul(width)?;
        if work > EXACT_WORK_LIMIT {
            return None;
        }
        // Row k holds the chance that k of the values so far are chosen, with that sum, when each
        // value is chosen with the same chance: no count can overflow.
        let share = size as f64 / values.len() as f64;
        let mut rows = vec![0.0; (size + 1) * width];
        rows[0] = 1.0;
        for (seen, &value) in sorted.iter().enumerate() {
            let value = usize::try_from(value).ok()?;
            for k in (0..=size.min(seen + 1)).rev() {
                let (below, own) = rows.split_at_mut(k * width);
                let own = &mut own[..width];
                own.iter_mut().for_each(|chance| *chance *= 1.0 - share);
                if k > 0 {
                    let below = &below[(k - 1) * width..];
                    for (to, from) in own[value.min(width)..].iter_mut().zip(below) {
                        *to += share * from;
                    }
                }
            }
        }
        let chance = rows.split_off(size * width);
        let total: f64 = chance.iter().sum();
        (total > 0.0).then(|| Self { chance: chance.iter().map(|c| c / total).collect() })
    }

    fn sum_where(&self, wanted: &dyn Fn(i64) -> bool) -> f64 {
        (0_i64..).zip(&self.chance).filter(|(sum, _)| wanted(*sum)).map(|(_, c)| c).sum()
    }
}

/// Hodges and Lehmann's shift of `x` against `y` with exact limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HodgesLehmann {
    /// Median of all differences x - y.
    pub shift: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

/// Shift between two samples and its limits at `conf_level`; `None` when a sample is empty or there
/// are more than a million pairs. Limits are exact with fewer than 50 values a side and no ties, by
/// the normal approximation of the rank otherwise.
///
/// # Source
/// Hodges and Lehmann 1963; limits are the differences whose order number is the quantile of the
/// rank-sum statistic (Bauer 1972), as in R's `wilcox.test(conf.int = TRUE)`.
pub fn hodges_lehmann(x: &[f64], y: &[f64], conf_level: f64) -> Option<HodgesLehmann> {
    let pairs = x.len().checked_mul(y.len()).filter(|&n| n > 0 && n <= 1_000_000)?;
    let mut differences: Vec<f64> = x.iter().flat_map(|a| y.iter().map(move |b| a - b)).collect();
    differences.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - conf_level) / 2.0;
    let (n_x, n_y) = (x.len(), y.len());
    let small = n_x < EXACT_BELOW && n_y < EXACT_BELOW && !pooled(x, y).has_ties();
    let order = if small {
        let ranks: Vec<u64> = (1..=(n_x + n_y) as u64).collect();
        let chances = SumDistribution::new(&ranks, n_x)?;
        let least = n_x * (n_x + 1) / 2;
        let mut cumulative = 0.0;
        chances.chance[least..]
            .iter()
            .position(|chance| {
                cumulative += chance;
                cumulative >= tail * (1.0 - 64.0 * f64::EPSILON)
            })
            .unwrap_or(0)
    } else {
        let spread = (pairs as f64 * (n_x + n_y + 1) as f64 / 12.0).sqrt();
        (pairs as f64 / 2.0 + normal_quantile(tail) * spread).round().max(0.0) as usize
    };
    let order = order.clamp(1, pairs.div_ceil(2));
    Some(HodgesLehmann {
        shift: super::summary::median(&differences)?,
        lower: differences[order - 1],
        upper: differences[pairs - order],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_all_equal_have_no_p_value() {
        let test = rank_sum_test(&[1.0, 1.0], &[1.0]).expect("two samples");
        assert_eq!((test.w, test.p), (1.0, None), "half of two pairs, no variance");
        assert_eq!(rank_sum_test(&[], &[1.0]), None, "nothing to compare");
        let exact = rank_sum_exact(&[1.0, 1.0], &[1.0]).expect("two samples");
        assert_eq!(exact.two_sided, 1.0, "one possible sum");
    }

    #[test]
    fn exchanging_the_samples_keeps_p() {
        let (x, y) = ([1.0, 4.0, 4.0, 7.0], [2.0, 4.0, 9.0]);
        let (a, b) = (rank_sum_test(&x, &y), rank_sum_test(&y, &x));
        let (a, b) = (a.expect("two samples"), b.expect("two samples"));
        assert_eq!(a.w + b.w, 12.0, "every pair is counted once");
        assert_eq!(a.p, b.p, "the test is two-sided");
    }
}
