//! How often each row of a data set stands in a resample.
//!
//! Units are drawn with replacement by the draw layout ([`super::draw`]); a unit is a row, or all
//! rows of a cluster. Units of a stratum are drawn for each other only.

use super::draw::{self, Stream, Width};
use super::log::ln;
use super::philox::{key_of_seed, philox4x32};

/// A way of resampling `n` rows: replicate `r` is a pure function of (seed, r).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resampling {
    seed: u64,
    stream: Stream,
    n_rows: usize,
    /// First unit and number of units that each slot chooses among.
    slots: Vec<(u32, u32)>,
    width: Width,
    /// Rows of unit `u`: `members[first_member[u]..first_member[u + 1]]`.
    members: Vec<u32>,
    first_member: Vec<u32>,
}

impl Resampling {
    /// Draws `n` of `n` rows; with `strata` (a code a row) each stratum within itself; with
    /// `clusters` (a code a row) whole clusters, as many as there are. Both together draw clusters
    /// within strata; a cluster then belongs to the stratum of its first row.
    ///
    /// # Panics
    /// When a column has another length than `n`, or `n` is 2^32 or more: the caller checks.
    ///
    /// ```
    /// use herscope::numeric::resampling::Resampling;
    /// let mut counts = [0; 6];
    /// let whole = Resampling::new(6, None, Some(&[0, 0, 0, 1, 1, 1]), 7);
    /// whole.counts(0, &mut counts);
    /// assert_eq!(counts.iter().sum::<u32>(), 6, "two clusters of three rows are drawn");
    /// assert!(counts[..3].iter().all(|&count| count == counts[0]), "a cluster stays together");
    /// ```
    pub fn new(n: usize, strata: Option<&[usize]>, clusters: Option<&[usize]>, seed: u64) -> Self {
        assert!(u32::try_from(n).is_ok(), "rows are counted in 32 bits");
        assert!(
            [strata, clusters].into_iter().flatten().all(|codes| codes.len() == n),
            "one code a row"
        );
        let mut rows: Vec<usize> = (0..n).collect();
        let unit = |row: usize| clusters.map_or(row, |codes| codes[row]);
        rows.sort_by_key(|&row| unit(row));
        let mut units: Vec<&[usize]> = rows.chunk_by(|&a, &b| unit(a) == unit(b)).collect();
        let stratum = |members: &[usize]| strata.map_or(0, |codes| codes[members[0]]);
        units.sort_by_key(|members| stratum(members));
        let mut slots = Vec::with_capacity(units.len());
        for group in units.chunk_by(|a, b| stratum(a) == stratum(b)) {
            let slot = (slots.len() as u32, group.len() as u32);
            slots.extend(std::iter::repeat_n(slot, group.len()));
        }
        let largest = slots.iter().map(|&(_, bound)| bound).max().unwrap_or(1);
        let mut first_member = vec![0];
        let mut members = Vec::with_capacity(n);
        for unit in &units {
            members.extend(unit.iter().map(|&row| row as u32));
            first_member.push(members.len() as u32);
        }
        Self {
            seed,
            stream: Stream::Resample,
            n_rows: n,
            width: Width::of(largest),
            slots,
            members,
            first_member,
        }
    }

    /// Number of draws a replicate takes.
    pub fn n_draws(&self) -> usize {
        self.slots.len()
    }

    /// Number of rows of the data.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// First unit and number of units that each slot chooses among `[n_draws]`.
    pub fn slots(&self) -> &[(u32, u32)] {
        &self.slots
    }

    /// How many random bits a draw takes.
    pub fn width(&self) -> Width {
        self.width
    }

    /// The seed of all draws.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Rows of unit `unit`, the units standing in the order in which slots index them.
    pub fn members(&self, unit: u32) -> &[u32] {
        let unit = unit as usize;
        &self.members[self.first_member[unit] as usize..self.first_member[unit + 1] as usize]
    }

    /// The unit that `slot` of `replicate` draws.
    pub fn draw(&self, replicate: u64, slot: usize) -> u32 {
        let (base, bound) = self.slots[slot];
        base + draw::draw(self.seed, self.stream, replicate, slot as u32, bound, self.width)
    }

    /// How often each row stands in `replicate`, into `counts [n]`.
    pub fn counts(&self, replicate: u64, counts: &mut [u32]) {
        counts.fill(0);
        self.each_unit(replicate, |unit| {
            for &row in self.members(unit) {
                counts[row as usize] += 1;
            }
        });
    }

    /// Calls `visit` with the unit of each slot of `replicate`, in order.
    pub fn each_unit(&self, replicate: u64, visit: impl FnMut(u32)) {
        self.each_draw(self.stream, replicate, visit);
    }

    /// The same for resample `inner` of resample `outer`, whose units are `outer_units [n_draws]`
    /// in the order drawn.
    pub fn each_inner_unit(
        &self,
        outer_units: &[u32],
        outer: u32,
        inner: u32,
        mut visit: impl FnMut(u32),
    ) {
        let number = u64::from(outer) << 32 | u64::from(inner);
        self.each_draw(Stream::Nested, number, |slot| visit(outer_units[slot as usize]));
    }

    /// Every draw of a resample, a block of random words at a time.
    fn each_draw(&self, stream: Stream, number: u64, mut visit: impl FnMut(u32)) {
        let key = key_of_seed(self.seed);
        let (low, high) = (number as u32, (number >> 32) as u32);
        let per_block = if self.width == Width::Narrow { 8 } else { 4 };
        for (block, slots) in self.slots.chunks(per_block).enumerate() {
            let words = philox4x32(key, [block as u32, low, high, (stream as u32) << 16]);
            for (at, &(base, bound)) in slots.iter().enumerate() {
                let (unit, fraction, steps) = match self.width {
                    Width::Narrow => {
                        let bits = words[at >> 1] >> (16 * (at & 1)) & 0xFFFF;
                        let product = bits * bound;
                        (product >> 16, product & 0xFFFF, 1 << 16)
                    }
                    Width::Wide => {
                        let product = u64::from(words[at]) * u64::from(bound);
                        ((product >> 32) as u32, product as u32, 1_u64 << 32)
                    }
                };
                // What is rejected lies below `steps mod bound`, so below `bound`.
                let doubtful = fraction < bound && u64::from(fraction) < steps % u64::from(bound);
                let unit = if doubtful {
                    let slot = (block * per_block + at) as u32;
                    draw::draw(self.seed, stream, number, slot, bound, self.width)
                } else {
                    unit
                };
                visit(base + unit);
            }
        }
    }

    /// Weights of the units in Bayesian bootstrap `replicate`, into `weights [n_draws]`: standard
    /// exponentials, divided by their mean.
    ///
    /// # Source
    /// Rubin 1981, Annals of Statistics 9:130: gaps of uniforms are Dirichlet, as are exponentials
    /// divided by their sum. The exponential is `-ln((word + 1/2) / 2^32)`.
    pub fn weights(&self, replicate: u64, weights: &mut [f64]) {
        let (low, high) = (replicate as u32, (replicate >> 32) as u32);
        let tag = (Stream::Weights as u32) << 16;
        let mut sum = 0.0;
        for (block, weights) in weights.chunks_mut(4).enumerate() {
            let words = philox4x32(key_of_seed(self.seed), [block as u32, low, high, tag]);
            for (weight, word) in weights.iter_mut().zip(words) {
                *weight = -ln((f64::from(word) + 0.5) * (1.0 / 4_294_967_296.0));
                sum += *weight;
            }
        }
        let scale = weights.len() as f64 / sum;
        weights.iter_mut().for_each(|weight| *weight *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strata_keep_their_sizes_and_case_resamples_do_not() {
        let strata = [1, 0, 1, 1, 0, 1, 1];
        let within = Resampling::new(7, Some(&strata), None, 3);
        let free = Resampling::new(7, None, None, 3);
        let (mut counts, mut moved) = ([0; 7], false);
        for replicate in 0..50 {
            within.counts(replicate, &mut counts);
            let of_0: u32 = (0..7).filter(|&i| strata[i] == 0).map(|i| counts[i]).sum();
            assert_eq!((of_0, counts.iter().sum::<u32>()), (2, 7), "replicate {replicate}");
            free.counts(replicate, &mut counts);
            assert_eq!(counts.iter().sum::<u32>(), 7, "replicate {replicate}");
            moved |= counts[1] + counts[4] != 2;
        }
        assert!(moved, "without strata their sizes vary");
    }

    #[test]
    fn draws_by_the_block_are_the_draws_of_the_layout_one_by_one() {
        // 4095 of 65 536 values of 16 bits leave 16 to reject; 5000 units draw whole words.
        for n in [1, 60, 4_095, 5_000] {
            let resampling = Resampling::new(n, None, None, 5);
            for replicate in [0, 1, 2, u64::from(u32::MAX) + 1] {
                let mut slot = 0;
                resampling.each_unit(replicate, |unit| {
                    assert_eq!(unit, resampling.draw(replicate, slot), "slot {slot} of {n}");
                    slot += 1;
                });
                assert_eq!(slot, n, "every slot draws");
            }
        }
    }

    #[test]
    fn bayesian_weights_have_mean_one_and_the_spread_of_a_dirichlet() {
        let resampling = Resampling::new(60, None, None, 5);
        let (mut weights, mut squares) = ([0.0; 60], 0.0);
        for replicate in 0..500 {
            resampling.weights(replicate, &mut weights);
            assert!((weights.iter().sum::<f64>() - 60.0).abs() < 1e-9, "they sum to n");
            squares += weights.iter().map(|w| (w - 1.0).powi(2)).sum::<f64>();
        }
        // Variance (n - 1) / (n + 1); 30 000 weights know it to some 2 % (fourth moment 9).
        let variance = squares / 30_000.0;
        assert!((variance - 59.0 / 61.0).abs() < 0.08, "variance {variance}");
    }

    #[test]
    fn a_case_resample_draws_what_the_draw_layout_says() {
        let resampling = Resampling::new(60, None, None, 9);
        let mut counts = [0; 60];
        resampling.counts(4, &mut counts);
        let mut expected = [0; 60];
        for slot in 0..60 {
            expected[draw::draw(9, Stream::Resample, 4, slot, 60, Width::Narrow) as usize] += 1;
        }
        assert_eq!(counts, expected, "slot by slot");
    }
}
