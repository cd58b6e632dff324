//! How the HER2 of a patient's tumour cells moves from one time point to the next.

use crate::association::{RankSum, rank_sum, wasserstein_1};

/// Two samples of one patient compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Her2Shift {
    /// Cells of the earlier sample.
    pub n_from: usize,
    /// Cells of the later sample.
    pub n_to: usize,
    /// `n_to / n_from`; `None` without a cell in the earlier sample.
    pub count_ratio: Option<f64>,
    /// Wasserstein-1 distance of the two distributions of HER2, in its unit; `None` where a sample
    /// has no cell.
    pub wasserstein_1: Option<f64>,
    /// Wilcoxon's test of the later cells (x) against the earlier ones. It takes the cells as the
    /// units: it speaks of this patient's cells, not of patients.
    pub rank_sum: Option<RankSum>,
}

impl Her2Shift {
    /// Compares the finite HER2 values of an earlier and a later sample.
    ///
    /// ```
    /// use herscope::pipeline::her2_shift::Her2Shift;
    /// let shift = Her2Shift::of(&[10.0, 20.0], &[30.0, 40.0, 50.0]);
    /// assert_eq!(shift.count_ratio, Some(1.5));
    /// // Everything goes up, from a mean of 15 to one of 40; thirds are rounded.
    /// assert!((shift.wasserstein_1.expect("two samples") - 25.0).abs() < 1e-12);
    /// // All six pairs go up; 2 of the 10 splits are as extreme.
    /// let test = shift.rank_sum.expect("two samples");
    /// assert!(test.w == 6.0 && (test.p.expect("exact") - 0.2).abs() < 1e-12);
    /// ```
    pub fn of(from: &[f64], to: &[f64]) -> Self {
        let finite = |values: &[f64]| -> Vec<f64> {
            values.iter().copied().filter(|value| value.is_finite()).collect()
        };
        let (from, to) = (finite(from), finite(to));
        Self {
            n_from: from.len(),
            n_to: to.len(),
            count_ratio: (!from.is_empty()).then(|| to.len() as f64 / from.len() as f64),
            wasserstein_1: wasserstein_1(&from, &to),
            rank_sum: rank_sum(&to, &from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_vanish_or_appear_have_counts_and_no_distance() {
        let gone = Her2Shift::of(&[10.0, 20.0], &[]);
        assert_eq!((gone.count_ratio, gone.wasserstein_1), (Some(0.0), None), "all gone");
        let new = Her2Shift::of(&[f64::NAN], &[5.0]);
        assert_eq!((new.n_from, new.count_ratio), (0, None), "nothing to divide by");
        assert!(new.rank_sum.is_none(), "nothing to compare with");
    }
}
