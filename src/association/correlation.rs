//! Correlation of two columns: the result type, and Pearson's coefficient.

use super::student::t_two_sided;

/// How a p-value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrelationMethod {
    /// Student's t with n - 2 degrees of freedom.
    StudentT,
    /// All orders counted.
    Exact,
    /// Edgeworth's series of the exact distribution.
    Edgeworth,
    /// The normal approximation.
    Normal,
}

/// A correlation with its test against none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation {
    /// In [-1, 1].
    pub estimate: f64,
    /// Pearson: t. Spearman: S, the sum of squared rank differences. Kendall: z, or the number of
    /// concordant pairs where exact.
    pub statistic: f64,
    /// Two-sided p-value; `None` with too few pairs to test (fewer than three).
    pub p: Option<f64>,
    /// How p was found.
    pub method: CorrelationMethod,
}

/// Pearson's correlation; `None` if lengths differ or a column has no spread. Values must be
/// finite.
///
/// # Source
/// Pearson 1895; t test of zero as R's `cor.test`.
///
/// ```
/// use herscope::association::pearson;
///
/// let found = pearson(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]).expect("spread");
/// assert!((found.estimate - 0.5).abs() < 1e-12);
/// ```
pub fn pearson(x: &[f64], y: &[f64]) -> Option<Correlation> {
    let estimate = product_moment(x, y)?;
    let (statistic, p) = t_of(estimate, x.len());
    Some(Correlation { estimate, statistic, p, method: CorrelationMethod::StudentT })
}

/// The product-moment coefficient.
pub(super) fn product_moment(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() != y.len() || x.is_empty() {
        return None;
    }
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(y) {
        let (a, b) = (a - mean_x, b - mean_y);
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    let spread = xx.sqrt() * yy.sqrt();
    (spread > 0.0).then(|| (xy / spread).clamp(-1.0, 1.0))
}

/// t of a correlation over `n` pairs, and its two-sided p; a perfect correlation has p = 0.
pub(super) fn t_of(estimate: f64, n: usize) -> (f64, Option<f64>) {
    let df = n as f64 - 2.0;
    let t = estimate * (df.max(0.0) / (1.0 - estimate * estimate)).sqrt();
    if df < 1.0 {
        return (0.0, None);
    }
    let p = if t.is_finite() { t_two_sided(t, df) } else { 0.0 };
    (t, Some(p))
}
