//! Wilcoxon's rank-sum test of two samples, and their medians.

use crate::survival::normal_two_sided;

/// The rank-sum test of `x` against `y` by the normal approximation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankSum {
    /// Number of pairs in which `x` is larger, ties counting one half (R's `W`).
    pub w: f64,
    /// Two-sided p-value, corrected for ties and continuity; `None` where all values are equal.
    pub p: Option<f64>,
}

/// Wilcoxon's test whether values of `x` tend to be larger or smaller than those of `y`; `None`
/// when one is empty. Values must be finite.
///
/// # Source
/// Wilcoxon 1945; normal approximation with the variance of tied ranks (Lehmann, Nonparametrics,
/// 1975, appendix 4) and a continuity correction of one half, as R's
/// `wilcox.test(exact = FALSE, correct = TRUE)`.
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
    let mut pooled: Vec<(f64, bool)> =
        x.iter().map(|&v| (v, true)).chain(y.iter().map(|&v| (v, false))).collect();
    pooled.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum_x, mut ties, mut n_before) = (0.0, 0.0, 0.0);
    for run in pooled.chunk_by(|a, b| a.0 == b.0) {
        let length = run.len() as f64;
        let mean_rank = n_before + (length + 1.0) / 2.0;
        rank_sum_x += mean_rank * run.iter().filter(|(_, is_x)| *is_x).count() as f64;
        ties += length * (length * length - 1.0);
        n_before += length;
    }
    let n = n_x + n_y;
    let w = rank_sum_x - n_x * (n_x + 1.0) / 2.0;
    let variance = n_x * n_y / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
    let distance = w - n_x * n_y / 2.0;
    let corrected = distance - 0.5 * distance.signum() * f64::from(u8::from(distance != 0.0));
    let p = (variance > 0.0).then(|| normal_two_sided(corrected / variance.sqrt()));
    Some(RankSum { w, p })
}

/// The median, the mean of the middle two of an even number; `None` without values.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(lower + (upper - lower) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_all_equal_have_no_p_value() {
        let test = rank_sum_test(&[1.0, 1.0], &[1.0]).expect("two samples");
        assert_eq!((test.w, test.p), (1.0, None), "half of two pairs, no variance");
        assert_eq!(rank_sum_test(&[], &[1.0]), None, "nothing to compare");
    }

    #[test]
    fn exchanging_the_samples_keeps_p() {
        let (x, y) = ([1.0, 4.0, 4.0, 7.0], [2.0, 4.0, 9.0]);
        let (a, b) = (rank_sum_test(&x, &y), rank_sum_test(&y, &x));
        let (a, b) = (a.expect("two samples"), b.expect("two samples"));
        assert_eq!(a.w + b.w, 12.0, "every pair is counted once");
        assert_eq!(a.p, b.p, "the test is two-sided");
    }

    #[test]
    fn medians_of_even_numbers_lie_between() {
        assert_eq!(median(&[4.0, 1.0, 2.0]), Some(2.0), "the middle one");
        assert_eq!(median(&[4.0, 1.0]), Some(2.5), "between both");
        assert_eq!(median(&[]), None, "none");
    }
}
