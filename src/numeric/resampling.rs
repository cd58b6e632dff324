//! How often each row of a data set stands in a resample.
//!
//! Units are drawn with replacement by the draw layout ([`super::draw`]); a unit is a row, or all
//! rows of a cluster. Units of a stratum are drawn for each other only.

use super::draw::{self, Stream, Width};

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
        for slot in 0..self.slots.len() {
            for &row in self.members(self.draw(replicate, slot)) {
                counts[row as usize] += 1;
            }
        }
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
