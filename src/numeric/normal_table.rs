//! Standard normal numbers from 16 random bits each.

use statrs::distribution::{ContinuousCDF, Normal};

/// Number of entries: one for each value of 16 bits.
const ENTRIES: usize = 1 << 16;

/// Quantiles of the standard normal distribution at the middles of 65536 equal parts of (0, 1).
///
/// For noise that is rounded to whole camera units afterwards: eight numbers of one Philox block,
/// without a logarithm. The tails end at 4.33 standard deviations, beyond which 1.5 of 100 000
/// numbers would lie.
#[derive(Clone, Debug)]
pub struct NormalTable {
    quantiles: Vec<f32>,
}

impl NormalTable {
    /// The table; 256 KiB.
    pub fn new() -> Self {
        let normal = Normal::standard();
        let upper: Vec<f32> = (ENTRIES / 2..ENTRIES)
            .map(|entry| normal.inverse_cdf((entry as f64 + 0.5) / ENTRIES as f64) as f32)
            .collect();
        let lower = upper.iter().rev().map(|quantile| -quantile);
        Self { quantiles: lower.chain(upper.iter().copied()).collect() }
    }

    /// The quantile that `bits` pick.
    ///
    /// ```
    /// use herscope::numeric::normal_table::NormalTable;
    /// let table = NormalTable::new();
    /// assert_eq!(table.at(0), -table.at(u16::MAX));
    /// // The 0.975 quantile is 1.959964; the entry nearest to it is at 63897.5 / 65536.
    /// assert!((table.at(63_897) - 1.960).abs() < 0.001);
    /// ```
    #[inline]
    pub fn at(&self, bits: u16) -> f32 {
        self.quantiles[usize::from(bits)]
    }
}

impl Default for NormalTable {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_mean_zero_and_variance_one() {
        let table = NormalTable::new();
        let values = (0..=u16::MAX).map(|bits| f64::from(table.at(bits)));
        let (sum, squares) = values.fold((0.0, 0.0), |(s, q), v| (s + v, q + v * v));
        assert!(sum.abs() < 1e-6, "symmetric: {sum}");
        let variance = squares / ENTRIES as f64;
        // The outermost 1/65536 on either side is drawn in to its middle.
        assert!((variance - 1.0).abs() < 1e-4, "{variance}");
    }
}
