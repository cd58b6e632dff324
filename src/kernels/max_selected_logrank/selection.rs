//! Scores and cut-offs as integers.

use crate::survival::logrank_scores;
use bytemuck::{Pod, Zeroable};

/// Most fraction bits of a score.
const MOST_BITS: u32 = 26;
/// The largest weight of a cut, 2^31.
const LARGEST_WEIGHT: f64 = 2_147_483_648.0;

/// A cut-off, as the kernel sees it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Cut {
    /// Subjects in the upper group.
    pub n_upper: u32,
    /// Mean of the sum of so many scores over all permutations.
    pub centre: i32,
    /// `2^31 sqrt(w_min / w)`, rounded, with `w = m (n - m)` of an upper group of m.
    pub weight: u32,
}

impl Cut {
    /// The weighted distance of a sum of scores from its mean.
    pub(super) fn weighted(&self, sum: i32) -> u64 {
        u64::from(sum.wrapping_sub(self.centre).unsigned_abs()) * u64::from(self.weight)
    }
}

/// A search for the cut-off of a marker with the largest standardised log-rank statistic.
///
/// A cut-off `c` puts marker `>= c` into the upper group, `c` being a value that occurs. With
/// log-rank scores `a_i` the sum over the upper group is observed less expected events; under all
/// permutations its variance is `m (n - m) / (n (n - 1)) sum (a_i - mean a)^2`.
///
/// Scores are integers, `round(a_i 2^k)` with the largest `k <= 26` for which no sum leaves 31 bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// Scores by falling marker `[n]`.
    pub scores: Vec<i32>,
    /// Cut-offs by growing upper group.
    pub cuts: Vec<Cut>,
    /// The cut-offs in the marker's unit, falling, one a cut.
    pub values: Vec<f64>,
    /// Standardised statistic of one unit of the weighted sums.
    unit: f64,
}

impl Selection {
    /// Scores and cut-offs of `n` subjects, at least `min_group` (and one) on either side of a cut.
    /// `None` where no cut-off leaves that, or scores do not differ (no event, or all at once).
    ///
    /// # Panics
    /// When the columns differ in length or hold more than 65 535 rows: the caller checks.
    ///
    /// ```
    /// use herscope::kernels::max_selected_logrank::Selection;
    /// let (time, event) = ([1.0, 2.0, 3.0, 4.0], [true; 4]);
    /// let found = Selection::new(&time, &event, &[9.0, 8.0, 1.0, 2.0], 1).expect("three cuts");
    /// assert_eq!(found.values, [9.0, 8.0, 2.0]);
    /// // Scores 3/4, 5/12, -1/12, -13/12: the upper two have 7/6 more events than expected.
    /// let (weighted, cut) = found.maximum();
    /// let variance: f64 = 1.0 / 3.0 * (0.5625 + 25.0 / 144.0 + 1.0 / 144.0 + 169.0 / 144.0);
    /// assert_eq!(found.values[cut], 8.0);
    /// assert!((found.statistic(weighted) - 7.0 / 6.0 / variance.sqrt()).abs() < 1e-6);
    /// ```
    pub fn new(time: &[f64], event: &[bool], marker: &[f64], min_group: usize) -> Option<Self> {
        let n = time.len();
        assert!(event.len() == n && marker.len() == n, "columns of one length");
        assert!(n <= 65_535, "sums of more scores leave their integers");
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| marker[b].total_cmp(&marker[a]));
        let min_group = min_group.max(1);
        let ends = (min_group..=n.checked_sub(min_group)?)
            .filter(|&m| m < n && marker[order[m - 1]] > marker[order[m]]);
        let ends: Vec<usize> = ends.collect();
        let width = |m: usize| (m * (n - m)) as f64;
        let narrowest = ends.iter().map(|&m| width(m)).min_by(f64::total_cmp)?;
        let bits = bits(n, event.iter().filter(|&&event| event).count());
        let scale = f64::from(1_u32 << bits);
        let of_rows = logrank_scores(time, event);
        let scores: Vec<i32> =
            order.iter().map(|&row| (of_rows[row] * scale).round() as i32).collect();
        let mean = scores.iter().map(|&score| f64::from(score)).sum::<f64>() / n as f64;
        let squares: f64 = scores.iter().map(|&score| (f64::from(score) - mean).powi(2)).sum();
        let spread = squares / (n as f64 * (n as f64 - 1.0));
        // Scores that all round to one value differ by less than their unit.
        if scores.iter().all(|&score| score == scores[0]) {
            return None;
        }
        let cut = |&m: &usize| Cut {
            n_upper: m as u32,
            centre: (m as f64 * mean).round() as i32,
            weight: (LARGEST_WEIGHT * (narrowest / width(m)).sqrt()).round() as u32,
        };
        Some(Self {
            scores,
            cuts: ends.iter().map(cut).collect(),
            values: ends.iter().map(|&m| marker[order[m - 1]]).collect(),
            unit: 1.0 / (LARGEST_WEIGHT * (narrowest * spread).sqrt()),
        })
    }

    /// The largest weighted sum of the data as given, and its cut.
    pub fn maximum(&self) -> (u64, usize) {
        self.maximum_of(self.scores.iter().copied())
    }

    /// The same of scores in another order, up to the largest upper group at least.
    pub(super) fn maximum_of(&self, scores: impl Iterator<Item = i32>) -> (u64, usize) {
        let (mut sum, mut best, mut next) = (0_i32, (0, 0), 0);
        for (place, score) in (1..).zip(scores) {
            sum = sum.wrapping_add(score);
            let Some(cut) = self.cuts.get(next) else { break };
            if cut.n_upper == place {
                let weighted = cut.weighted(sum);
                if weighted > best.0 {
                    best = (weighted, next);
                }
                next += 1;
            }
        }
        best
    }

    /// The standardised statistic of every cut-off, signed: above 0 with more events than expected
    /// in the upper group `[n_cuts]`.
    pub fn statistics(&self) -> Vec<f64> {
        let mut sum = 0_i32;
        let mut sums = Vec::with_capacity(self.scores.len());
        sums.extend(self.scores.iter().map(|&score| {
            sum = sum.wrapping_add(score);
            sum
        }));
        let signed = |cut: &Cut| {
            let sum = sums[cut.n_upper as usize - 1];
            let sign = f64::from((sum - cut.centre).signum());
            sign * self.statistic(cut.weighted(sum))
        };
        self.cuts.iter().map(signed).collect()
    }

    /// A weighted sum as a standardised statistic: standard deviations from the mean.
    pub fn statistic(&self, weighted: u64) -> f64 {
        weighted as f64 * self.unit
    }

    /// Weighted sums nearer than this to each other count as equal: rounding n scores moves a sum by
    /// `sqrt(n / 12)` of their unit, one standard deviation; three `sqrt(n)` are ten of them, and two
    /// more units cover centre and weight. Of n = 60 that is 4e-7 of a statistic of 3.
    pub fn slack(&self) -> u64 {
        ((3.0 * (self.scores.len() as f64).sqrt() + 2.0) * LARGEST_WEIGHT) as u64
    }
}

/// Fraction bits of the scores: the positive ones sum to less than the events, the others to the
/// same; rounding and the centre add n at most.
fn bits(n: usize, n_events: usize) -> u32 {
    let fits = |bits: u32| ((n_events as u64) << bits) + (n as u64) < 1 << 31;
    (0..=MOST_BITS).rev().find(|&bits| fits(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survival::{Outcome, fit_logrank};

    #[test]
    fn sums_of_scores_are_observed_less_expected_events() {
        let time: Vec<f64> = (0..40).map(|i| f64::from(i * 17 % 13 + 1)).collect();
        let event: Vec<bool> = (0..40).map(|i| i % 3 != 0).collect();
        let marker: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 19)).collect();
        let selection = Selection::new(&time, &event, &marker, 4).expect("cuts");
        let outcome = Outcome::right_censored(time, event.clone()).expect("valid rows");
        let scale = f64::from(1_u32 << bits(40, event.iter().filter(|&&e| e).count()));
        assert!(selection.cuts.len() > 10, "{} cuts", selection.cuts.len());
        for (cut, value) in selection.cuts.iter().zip(&selection.values) {
            let codes: Vec<usize> = marker.iter().map(|m| usize::from(m >= value)).collect();
            let test = fit_logrank(&outcome, &codes, None, 0.0).expect("two groups");
            let upper = &selection.scores[..cut.n_upper as usize];
            let sum: f64 = upper.iter().map(|&score| f64::from(score)).sum();
            let excess = test.observed[1] - test.expected[1];
            // Half a unit a score.
            assert!((sum / scale - excess).abs() < 20.0 / scale, "cut {value}: {sum} {excess}");
        }
    }

    #[test]
    fn nothing_is_selected_without_events_or_room() {
        let (time, marker) = ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]);
        assert!(Selection::new(&time, &[false; 4], &marker, 1).is_none(), "no event");
        assert!(Selection::new(&time, &[true; 4], &marker, 3).is_none(), "groups too large");
        assert!(Selection::new(&time, &[true; 4], &[7.0; 4], 1).is_none(), "one value");
        assert!(Selection::new(&[2.0; 4], &[true; 4], &marker, 1).is_none(), "all at once");
        assert!(Selection::new(&[], &[], &[], 1).is_none(), "nobody");
    }

    #[test]
    fn the_largest_cohort_stays_within_its_integers() {
        let n = 65_535;
        let time: Vec<f64> = (1..=n).map(f64::from).collect();
        // The marker follows time: all events of the upper group come late, sums are extreme.
        let selection = Selection::new(&time, &vec![true; n as usize], &time, 1).expect("cuts");
        let mut sum = 0_i64;
        for &score in &selection.scores {
            sum += i64::from(score);
            assert!(sum.abs() < 1 << 31, "{sum} leaves 31 bits");
        }
        assert!(selection.cuts.iter().all(|cut| cut.weight > 1 << 23), "weights keep 23 bits");
    }
}
