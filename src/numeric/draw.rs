//! Which unit a resample draws: the draw layout, version 1.
//!
//! This layout is a promise of reproducibility: the same seed gives the same resamples on every
//! device and in every later version that states the same [`LAYOUT_VERSION`].
//!
//! Slot `j` of replicate `r` picks one of `bound` units. Its random bits are
//!
//! - **narrow** (`bound <= 4096` for all slots): half `j & 1` (low half first) of word
//!   `(j >> 1) & 3` of block `j >> 3`, 16 bits;
//! - **wide** (otherwise): word `j & 3` of block `j >> 2`, 32 bits;
//!
//! where a block is Philox4x32-10 with the seed as key (low word first) at counter
//! `(block, r low word, r high word, stream << 16 | attempt)`. With `w` bits drawn, the unit is the
//! high part of `bits * bound` and the draw is rejected, `attempt` growing by one, while the low
//! part is under `2^w mod bound`: unbiased, and still a pure function of `(seed, stream, r, j)`.
//!
//! # Source
//! Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019), algorithm 5,
//! with counters in the place of a sequential generator.

use super::philox::{key_of_seed, philox4x32};

/// Version of the layout written down above; shard headers and manifests carry it.
pub const LAYOUT_VERSION: u32 = 1;

/// Largest bound that 16 bits serve. Above it the chance of a rejection (`bound / 2^16` at most)
/// would cost more than the halved generator work saves.
pub const NARROW_LIMIT: u32 = 4096;

/// Purposes that draw from one seed without ever sharing random words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Units of a bootstrap resample.
    Resample = 0,
    /// Shuffles of a permutation test.
    Permutation = 1,
    /// Resamples of a resample: the outer number is the high word of the replicate, the inner one
    /// the low word.
    Nested = 2,
    /// Weights of a Bayesian bootstrap: whole words in the wide layout, none rejected.
    Weights = 3,
    /// Simulated trials: whole words, the layout of [`crate::survival::TrialModel::simulate`].
    Simulation = 4,
    /// Simulated cartridges: whole words and halves, the layout of [`crate::imaging::Simulator`].
    Cartridge = 5,
    /// Cells of the patients of a resample: a wide draw and a half of a word each.
    Cells = 6,
    /// Simulated cohorts of a joint model: whole words, the layout of [`crate::joint::JointTruth::draw`].
    JointCohort = 7,
}

/// How many random bits a slot takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 16 bits, eight slots a Philox block.
    Narrow,
    /// 32 bits, four slots a Philox block.
    Wide,
}

impl Width {
    /// The width that serves draws among at most `largest_bound` units.
    pub fn of(largest_bound: u32) -> Self {
        if largest_bound <= NARROW_LIMIT { Self::Narrow } else { Self::Wide }
    }
}

/// Bits below which a draw is rejected: `2^16 mod bound` or `2^32 mod bound`.
///
/// # Panics
/// When `bound` is 0: there is nothing to draw from.
pub fn rejection_threshold(width: Width, bound: u32) -> u32 {
    match width {
        Width::Narrow => (1 << 16) % bound,
        Width::Wide => ((1_u64 << 32) % u64::from(bound)) as u32,
    }
}

/// The unit, in `0..bound`, that slot `slot` of replicate `replicate` draws.
///
/// ```
/// use herscope::numeric::draw::{Stream, Width, draw};
/// let units: Vec<u32> = (0..60).map(|slot| draw(1, Stream::Resample, 0, slot, 60, Width::Narrow)).collect();
/// assert!(units.iter().all(|&unit| unit < 60));
/// ```
pub fn draw(seed: u64, stream: Stream, replicate: u64, slot: u32, bound: u32, width: Width) -> u32 {
    let threshold = rejection_threshold(width, bound);
    let mut attempt = 0;
    loop {
        if let Some(unit) =
            try_draw(seed, stream, replicate, slot, bound, threshold, width, attempt)
        {
            return unit;
        }
        attempt += 1;
    }
}

/// One attempt of [`draw`]; `None` when it is rejected.
#[allow(clippy::too_many_arguments, reason = "the arguments are the layout's coordinates")]
pub(crate) fn try_draw(
    seed: u64,
    stream: Stream,
    replicate: u64,
    slot: u32,
    bound: u32,
    threshold: u32,
    width: Width,
    attempt: u32,
) -> Option<u32> {
    let tag = (stream as u32) << 16 | attempt;
    let (low, high) = (replicate as u32, (replicate >> 32) as u32);
    match width {
        Width::Narrow => {
            let block = philox4x32(key_of_seed(seed), [slot >> 3, low, high, tag]);
            let bits = block[(slot >> 1) as usize & 3] >> (16 * (slot & 1)) & 0xFFFF;
            let product = bits * bound;
            (product & 0xFFFF >= threshold).then_some(product >> 16)
        }
        Width::Wide => {
            let block = philox4x32(key_of_seed(seed), [slot >> 2, low, high, tag]);
            let product = u64::from(block[slot as usize & 3]) * u64::from(bound);
            (product as u32 >= threshold).then_some((product >> 32) as u32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chi-squared over all units; 4096 draws of 60 have 59 degrees of freedom, and 5 standard
    /// deviations above the mean (59 + 5 * sqrt(118) = 113) is passed once in millions.
    #[test]
    fn draws_are_uniform_in_both_widths() {
        for width in [Width::Narrow, Width::Wide] {
            let mut counts = [0_u32; 60];
            for replicate in 0..1024 {
                for slot in 0..60 {
                    let unit = draw(7, Stream::Resample, replicate, slot, 60, width);
                    counts[unit as usize] += 1;
                }
            }
            let expected = 1024.0;
            let chisq: f64 =
                counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
            assert!(chisq < 113.0, "{width:?}: chi-squared {chisq} on 59 degrees of freedom");
        }
    }

    #[test]
    fn rejected_bits_are_drawn_again_from_the_next_attempt() {
        // 2^16 mod 4095 = 16, so one draw in 4096 is rejected; find one and follow it by hand.
        let (bound, width) = (4095, Width::Narrow);
        let threshold = rejection_threshold(width, bound);
        let rejected = (0..100_000_u64).find(|&replicate| {
            try_draw(3, Stream::Resample, replicate, 0, bound, threshold, width, 0).is_none()
        });
        let replicate = rejected.expect("one in 4096 is rejected, so one in 100 000 must be");
        let block = philox4x32([3, 0], [0, replicate as u32, 0, 1]);
        let product = (block[0] & 0xFFFF) * bound;
        assert!(product & 0xFFFF >= threshold, "this seed's second attempt is accepted");
        assert_eq!(
            draw(3, Stream::Resample, replicate, 0, bound, width),
            product >> 16,
            "the second attempt counts"
        );
    }
}
