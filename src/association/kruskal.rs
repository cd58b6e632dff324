//! Kruskal and Wallis' test of several samples.

use super::ranks::MidRanks;
use crate::survival::chi_squared_upper;

/// The rank test of several samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KruskalWallis {
    /// H, corrected for ties.
    pub statistic: f64,
    /// Number of samples less one.
    pub df: usize,
    /// Upper tail of chi-squared.
    pub p: f64,
}

/// Kruskal-Wallis test of the non-empty samples; `None` with fewer than two, or if all values are
/// equal. Values must be finite.
///
/// # Source
/// Kruskal and Wallis 1952, JASA 47:583, equations 1.1 and 1.2 (tie correction).
///
/// ```
/// use herscope::association::kruskal_wallis;
///
/// // Rank sums 3 and 7: H = 12 / (4 * 5) * (9 / 2 + 49 / 2) - 3 * 5 = 2.4.
/// let test = kruskal_wallis(&[&[1.0, 2.0], &[3.0, 4.0]]).expect("two samples");
/// assert!((test.statistic - 2.4).abs() < 1e-12 && test.df == 1);
/// ```
pub fn kruskal_wallis(samples: &[&[f64]]) -> Option<KruskalWallis> {
    let samples: Vec<&[f64]> = samples.iter().filter(|s| !s.is_empty()).copied().collect();
    let ranks = MidRanks::of(&samples.concat());
    let n = ranks.doubled.len() as f64;
    if samples.len() < 2 || ranks.runs.len() < 2 {
        return None;
    }
    let values = ranks.ranks();
    let mut start = 0;
    let mut squares = 0.0;
    for sample in &samples {
        let sum: f64 = values[start..start + sample.len()].iter().sum();
        squares += sum * sum / sample.len() as f64;
        start += sample.len();
    }
    let plain = 12.0 * squares / (n * (n + 1.0)) - 3.0 * (n + 1.0);
    let statistic = plain / (1.0 - ranks.tie_sum() / (n * n * n - n));
    let df = samples.len() - 1;
    Some(KruskalWallis { statistic, df, p: chi_squared_upper(statistic, df) })
}
