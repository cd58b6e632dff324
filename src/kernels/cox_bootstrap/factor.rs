//! The information of eight replicates in factors `L D L'`.

use super::newton::{MOST_COLUMNS, MOST_PAIRS, packed};
use crate::kernels::lanes::Lanes;

/// Share of its information that the other columns must leave to a column: with sums exact to
/// 1e-14, its standard error keeps seven digits.
const LEAST_SHARE: f64 = 1e-6;
/// Least information of a standardised column, a standard error of a hundred deviations.
const LEAST_INFORMATION: f64 = 1e-4;

/// `information = L D L'`.
pub(super) struct Factor<L: Lanes> {
    /// Element `packed(k, i)`, k < i, is `L[i][k] D[k]`; the diagonal is D.
    lower: [L::D; MOST_PAIRS],
    /// 1 / D.
    inverses: [L::D; MOST_COLUMNS],
    /// Whether the information is safely positive definite.
    pub(super) definite: L::B,
}

#[allow(clippy::needless_range_loop, reason = "rows and columns of triangles")]
impl<L: Lanes> Factor<L> {
    #[inline(always)]
    pub(super) fn new(l: L, p: usize, information: &[L::D; MOST_PAIRS]) -> Self {
        let (zero, one) = (l.d(0.0), l.d(1.0));
        let mut lower = *information;
        let mut inverses = [zero; MOST_COLUMNS];
        let mut definite = l.lt_d(zero, one);
        for k in 0..p {
            let diagonal = information[packed(p, k, k)];
            let pivot = lower[packed(p, k, k)];
            let enough = l.max_d(l.mul_d(diagonal, l.d(LEAST_SHARE)), l.d(LEAST_INFORMATION));
            // Asks for a number too: NaN is not above anything.
            definite = l.and_b(definite, l.lt_d(enough, pivot));
            inverses[k] = l.div_d(one, pivot);
            for i in k + 1..p {
                let factor = l.mul_d(lower[packed(p, k, i)], inverses[k]);
                for j in i..p {
                    let at = packed(p, i, j);
                    lower[at] = l.sub_d(lower[at], l.mul_d(factor, lower[packed(p, k, j)]));
                }
            }
        }
        Self { lower, inverses, definite }
    }

    /// Solves for `score`; also returns `score' information^-1 score`.
    #[inline(always)]
    pub(super) fn solve(
        &self,
        l: L,
        p: usize,
        score: &[L::D; MOST_COLUMNS],
    ) -> ([L::D; MOST_COLUMNS], L::D) {
        let zero = l.d(0.0);
        let (mut half, mut distance) = (*score, zero);
        for k in 0..p {
            let scaled = l.mul_d(half[k], self.inverses[k]);
            distance = l.add_d(distance, l.mul_d(half[k], scaled));
            for i in k + 1..p {
                half[i] = l.sub_d(half[i], l.mul_d(self.lower[packed(p, k, i)], scaled));
            }
        }
        let mut step = [zero; MOST_COLUMNS];
        for k in (0..p).rev() {
            let mut sum = half[k];
            for i in k + 1..p {
                sum = l.sub_d(sum, l.mul_d(self.lower[packed(p, k, i)], step[i]));
            }
            step[k] = l.mul_d(sum, self.inverses[k]);
        }
        (step, distance)
    }

    /// What the other columns leave of the information of the last one: the inverse of its
    /// variance.
    #[inline(always)]
    pub(super) fn left_to_last(&self, p: usize) -> L::D {
        self.lower[packed(p, p - 1, p - 1)]
    }

    /// The inverse `[p x p]`, packed.
    #[inline(always)]
    pub(super) fn inverse(&self, l: L, p: usize) -> [L::D; MOST_PAIRS] {
        let mut inverse = [l.d(0.0); MOST_PAIRS];
        for a in 0..p {
            let mut unit = [l.d(0.0); MOST_COLUMNS];
            unit[a] = l.d(1.0);
            let (column, _) = self.solve(l, p, &unit);
            for b in a..p {
                inverse[packed(p, a, b)] = column[b];
            }
        }
        inverse
    }
}
