//! Exact order statistics of a stream that is too long to keep.
//!
//! The first values are all kept. Then only those near the ranks that will be asked for stay:
//! bands around them, wide enough that the final rank lies inside but for a chance of some 1e-30,
//! and narrower as the stream grows. Everything outside is counted. What comes out are order
//! statistics, not estimates; they do not depend on where the bands were, and should a rank fall
//! outside after all, that is said and the stream can be read again.

use serde::{Deserialize, Serialize};

use super::order_statistics::order_statistics;

/// Values kept before the first bands are drawn; a stream no longer than this is kept whole.
const KEEP_ALL: usize = 1 << 20;

/// Half-width of a band in binomial standard errors of the share at the time it is drawn. The
/// share itself moves with an estimate from the same stream (BCa), by some multiples of that error.
const HALF_WIDTH: f64 = 24.0;

/// Keeps what may become an order statistic.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct OrderTracker {
    /// Ascending, disjoint `[low, high]`; empty while everything is kept.
    bands: Vec<(f64, f64)>,
    /// Values before the first band, between the first and the second, ..., after the last.
    outside: Vec<u64>,
    kept: Vec<f64>,
    n: u64,
    /// Number kept at which bands are drawn anew.
    limit: usize,
}

/// A rank whose value was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missed;

impl OrderTracker {
    pub(super) fn new() -> Self {
        Self { outside: vec![0], limit: KEEP_ALL, ..Self::default() }
    }

    /// A tracker that forgets nothing.
    pub(super) fn keeping_all() -> Self {
        Self { limit: usize::MAX, ..Self::new() }
    }

    #[cfg(test)]
    fn with_limit(limit: usize) -> Self {
        Self { limit, ..Self::new() }
    }

    /// Takes `values`, all finite. `shares` gives the shares (of all values so far) whose order
    /// statistics will be asked for; it is called when bands are drawn.
    pub(super) fn push(&mut self, values: &[f64], shares: impl FnOnce() -> Vec<f64>) {
        self.n += values.len() as u64;
        if self.bands.is_empty() {
            self.kept.extend_from_slice(values);
        } else {
            for &value in values {
                // Few bands: counting is quicker than searching.
                let below = self.bands.iter().filter(|(_, high)| value > *high).count();
                match self.bands.get(below) {
                    Some((low, _)) if value >= *low => self.kept.push(value),
                    _ => self.outside[below] += 1,
                }
            }
        }
        if self.kept.len() > self.limit {
            self.draw_bands(&shares());
            self.limit = self.limit.max(2 * self.kept.len());
        }
    }

    /// Sorts what is kept: reading it many times then costs less.
    pub(super) fn sort_kept(&mut self) {
        self.kept.sort_unstable_by(f64::total_cmp);
    }

    /// Draws bands about `shares` from the values kept, and forgets what lies outside.
    fn draw_bands(&mut self, shares: &[f64]) {
        let n = self.n as f64;
        let mut ranges: Vec<(u64, u64)> = shares
            .iter()
            .map(|&share| {
                let half = HALF_WIDTH * (n * share * (1.0 - share)).max(1.0).sqrt();
                let low = (n * share - half).floor().max(0.0) as u64;
                (low, ((n * share + half).ceil() as u64).min(self.n - 1))
            })
            .collect();
        ranges.sort_unstable();
        ranges.dedup_by(|next, last| {
            let touches = next.0 <= last.1;
            if touches {
                last.1 = last.1.max(next.1);
            }
            touches
        });
        let ends: Vec<u64> = ranges.iter().flat_map(|&(low, high)| [low, high]).collect();
        // A rank outside the old bands would need values that are gone: the bands stay.
        let Ok(values) = self.find(&ends) else { return };
        // A band that reaches the least or greatest value so far takes what lies beyond it too.
        let last = self.n - 1;
        let bands: Vec<(f64, f64)> = (ranges.iter().zip(values.chunks_exact(2)))
            .map(|(&(low, high), pair)| {
                let low = if low == 0 { f64::MIN } else { pair[0] };
                (low, if high == last { f64::MAX } else { pair[1] })
            })
            .collect();
        let whole = |(low, high): &(f64, f64)| {
            self.bands.is_empty() || self.bands.iter().any(|old| old.0 <= *low && *high <= old.1)
        };
        if !bands.iter().all(whole) {
            return;
        }
        let mut outside = vec![0; bands.len() + 1];
        let mut kept = Vec::new();
        let below = |value: f64| bands.iter().filter(|(_, high)| value > *high).count();
        for &value in &self.kept {
            match bands.get(below(value)) {
                Some((low, _)) if value >= *low => kept.push(value),
                _ => outside[below(value)] += 1,
            }
        }
        // The values already forgotten lie between old bands, and so between the new ones.
        for (gap, &count) in self.outside.iter().enumerate() {
            let place = match (self.bands.get(gap), gap.checked_sub(1)) {
                (Some((low, _)), _) => bands.iter().filter(|(_, high)| low > high).count(),
                (None, Some(last)) => {
                    let edge = self.bands[last].1;
                    bands.iter().filter(|(_, high)| edge >= *high).count()
                }
                (None, None) => 0,
            };
            outside[place] += count;
        }
        (self.bands, self.outside, self.kept) = (bands, outside, kept);
    }

    /// The values of 0-based `ranks` among all that were pushed.
    ///
    /// # Errors
    /// A rank outside what was kept.
    ///
    /// # Panics
    /// When a rank is not below the number of values.
    pub(super) fn find(&self, ranks: &[u64]) -> Result<Vec<f64>, Missed> {
        assert!(ranks.iter().all(|&rank| rank < self.n), "ranks lie within the values");
        if self.bands.is_empty() {
            let ranks: Vec<usize> = ranks.iter().map(|&rank| rank as usize).collect();
            return Ok(order_statistics(&self.kept, &ranks));
        }
        // Ranks among the kept values alone: less what is outside below.
        let counts: Vec<u64> = self
            .bands
            .iter()
            .map(|(low, high)| {
                self.kept.iter().filter(|value| (*low..=*high).contains(*value)).count() as u64
            })
            .collect();
        let mut wanted = Vec::with_capacity(ranks.len());
        for &rank in ranks {
            let (mut before, mut kept_before, mut found) = (0, 0, None);
            for (band, &count) in counts.iter().enumerate() {
                before += self.outside[band];
                if rank < before {
                    break;
                }
                if rank < before + count {
                    found = Some(kept_before + rank - before);
                    break;
                }
                before += count;
                kept_before += count;
            }
            wanted.push(found.ok_or(Missed)? as usize);
        }
        Ok(order_statistics(&self.kept, &wanted))
    }

    /// Number of values kept.
    #[cfg(test)]
    fn n_kept(&self) -> usize {
        self.kept.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(i: u64) -> f64 {
        let word = i.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (i << 7);
        ((word.wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20) as f64 / (1u64 << 44) as f64).ln()
    }

    #[test]
    fn order_statistics_of_a_long_stream_are_those_of_the_sorted_values() {
        let values: Vec<f64> = (1..400_000).map(noise).collect();
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = values.len() as u64;
        let shares = [0.025, 0.4, 0.975];
        let mut tracker = OrderTracker::with_limit(10_000);
        for chunk in values.chunks(1_777) {
            tracker.push(chunk, || shares.to_vec());
        }
        assert!(tracker.n_kept() < 120_000, "{} of {n} are kept", tracker.n_kept());
        let ranks: Vec<u64> = shares
            .iter()
            .flat_map(|share| [-300.0, 0.0, 300.0].map(|by| (share * n as f64 + by) as u64))
            .collect();
        let expected: Vec<f64> = ranks.iter().map(|&rank| sorted[rank as usize]).collect();
        assert_eq!(tracker.find(&ranks), Ok(expected), "exact");
        assert_eq!(tracker.find(&[n / 5]), Err(Missed), "a rank nobody announced is not made up");
    }

    #[test]
    fn the_outermost_values_are_kept_wherever_they_come() {
        let values: Vec<f64> = (1..50_000).map(noise).chain([-1e9, 1e9]).collect();
        let n = values.len() as u64;
        let mut tracker = OrderTracker::with_limit(3_000);
        for chunk in values.chunks(700) {
            tracker.push(chunk, || vec![1e-6, 1.0 - 1e-6]);
        }
        assert!(tracker.n_kept() < 10_000, "{} of {n} are kept", tracker.n_kept());
        assert_eq!(tracker.find(&[0, n - 1]), Ok(vec![-1e9, 1e9]), "the least and the greatest");
    }

    #[test]
    fn ties_at_the_edge_of_a_band_keep_their_ranks() {
        let values: Vec<f64> =
            (0..60_000u64).map(|i| (i.wrapping_mul(2_654_435_761) % 7) as f64).collect();
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut tracker = OrderTracker::with_limit(5_000);
        for chunk in values.chunks(900) {
            tracker.push(chunk, || vec![0.05, 0.5]);
        }
        for rank in [2_500, 3_000, 30_000] {
            assert_eq!(tracker.find(&[rank]), Ok(vec![sorted[rank as usize]]), "rank {rank}");
        }
    }
}
