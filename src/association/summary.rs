//! One sample in a few numbers, and how far two samples stand apart.

use nalgebra::{DMatrix, DVector};

/// Location and spread of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Number of values.
    pub n: usize,
    /// Middle value, or the mean of the middle two.
    pub median: f64,
    /// First quartile (type 7, see [`quantile`]).
    pub q1: f64,
    /// Third quartile.
    pub q3: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation with n - 1; `None` for one value.
    pub sd: Option<f64>,
}

impl Summary {
    /// Summarises finite values; `None` without any.
    ///
    /// ```
    /// use herscope::association::Summary;
    ///
    /// let summary = Summary::of(&[1.0, 2.0, 3.0, 4.0]).expect("four values");
    /// assert_eq!((summary.q1, summary.median, summary.q3), (1.75, 2.5, 3.25));
    /// assert_eq!(summary.sd, Some((5.0_f64 / 3.0).sqrt()));
    /// ```
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        let (mean, variance) = mean_and_variance(values)?;
        Some(Self {
            n,
            median: median(values)?,
            q1: quantile(values, 0.25)?,
            q3: quantile(values, 0.75)?,
            mean,
            sd: variance.map(f64::sqrt),
        })
    }
}

/// Mean, and variance with n - 1 (`None` for one value); `None` without values.
pub(super) fn mean_and_variance(values: &[f64]) -> Option<(f64, Option<f64>)> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    Some((mean, (values.len() > 1).then(|| squares / (n - 1.0))))
}

/// The median, the mean of the middle two of an even number; `None` without values.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The quantile at `share` in `[0, 1]`; `None` without values or for another share.
///
/// # Source
/// Hyndman and Fan 1996, type 7 (R's default): linear between order statistics at
/// 1 + (n - 1) * share.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    if values.is_empty() || !(0.0..=1.0).contains(&share) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() - 1) as f64 * share;
    let below = place.floor();
    let (lower, upper) = (sorted[below as usize], sorted[place.ceil() as usize]);
    Some(lower + (place - below) * (upper - lower))
}

/// Difference of means in units of the root mean square of both standard deviations; `None` with
/// fewer than two values on a side, or without spread.
///
/// # Source
/// Austin 2009, Statistics in Medicine 28:3083, equation 1. Signed: `x` less `y`.
///
/// ```
/// use herscope::association::standardised_difference;
///
/// // Means 2 and 4, both variances 1.
/// assert_eq!(standardised_difference(&[1.0, 2.0, 3.0], &[3.0, 4.0, 5.0]), Some(-2.0));
/// ```
pub fn standardised_difference(x: &[f64], y: &[f64]) -> Option<f64> {
    let (mean_x, variance_x) = mean_and_variance(x)?;
    let (mean_y, variance_y) = mean_and_variance(y)?;
    let pooled = ((variance_x? + variance_y?) / 2.0).sqrt();
    (pooled > 0.0).then(|| (mean_x - mean_y) / pooled)
}

/// Standardised difference of a factor's level counts in two groups, >= 0; `None` if a group is
/// empty, fewer than two levels occur, or the levels separate the groups without any spread.
///
/// # Source
/// Yang and Dalton 2012, SAS Global Forum 335: Mahalanobis distance of the shares of all levels
/// but the first, under the mean of both multinomial covariances. With two levels it is the
/// absolute difference of shares over the root mean square standard deviation.
pub fn standardised_difference_of_shares(x: &[u64], y: &[u64]) -> Option<f64> {
    if x.len() != y.len() {
        return None;
    }
    let (total_x, total_y) = (x.iter().sum::<u64>() as f64, y.iter().sum::<u64>() as f64);
    let occurring: Vec<usize> = (0..x.len()).filter(|&k| x[k] + y[k] > 0).collect();
    if total_x == 0.0 || total_y == 0.0 || occurring.len() < 2 {
        return None;
    }
    let shares = |counts: &[u64], total: f64| {
        DVector::from_iterator(
            occurring.len() - 1,
            occurring[1..].iter().map(|&k| counts[k] as f64 / total),
        )
    };
    let covariance = |p: &DVector<f64>| DMatrix::from_diagonal(p) - p * p.transpose();
    let (p, q) = (shares(x, total_x), shares(y, total_y));
    let mean = (covariance(&p) + covariance(&q)) / 2.0;
    let difference = p - q;
    let solved = mean.cholesky()?.solve(&difference);
    Some(difference.dot(&solved).max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_even_numbers_lie_between() {
        assert_eq!(median(&[4.0, 1.0, 2.0]), Some(2.0), "the middle one");
        assert_eq!(median(&[4.0, 1.0]), Some(2.5), "between both");
        assert_eq!(median(&[]), None, "none");
    }

    #[test]
    fn two_levels_give_the_textbook_standardised_difference() {
        // Shares 0.2 and 0.5: 0.3 / sqrt((0.16 + 0.25) / 2).
        let found = standardised_difference_of_shares(&[8, 2], &[5, 5]).expect("two levels");
        let expected = 0.3 / (0.41_f64 / 2.0).sqrt();
        assert!((found - expected).abs() < 1e-12, "{found} beside {expected}");
        let split = standardised_difference_of_shares(&[8, 2, 0], &[5, 5, 0]);
        assert_eq!(split, Some(found), "a level that does not occur changes nothing");
        let separated = standardised_difference_of_shares(&[8, 0], &[0, 8]);
        assert_eq!(separated, None, "no spread to measure in");
    }
}
