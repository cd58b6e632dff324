//! The few distinct intensities of an 8-bit page: what is counted a level need not be counted a pixel.

use super::bit_mask::BitMask;
use super::rescale::Samples;
use super::stored_plane::StoredPlane;

/// Levels of an 8-bit page.
const N_LEVELS: usize = 256;

/// Number of pixels at each level.
pub(crate) type LevelCounts = [u32; N_LEVELS];

/// The pixels of a plane as levels: pixel `i` has the intensity `values[codes[i]]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels<'a> {
    codes: &'a [u8],
    /// Intensity of each level, never falling; the last one stands for all levels above.
    values: [f32; N_LEVELS],
}

impl<'a> Levels<'a> {
    /// The levels of an 8-bit page; `None` for others.
    pub(crate) fn of(page: &'a StoredPlane) -> Option<Self> {
        let Samples::U8(codes) = page.samples() else { return None };
        let known = page.values();
        let mut values = [*known.last()?; N_LEVELS];
        values[..known.len()].copy_from_slice(known);
        Some(Self { codes, values })
    }

    /// Intensity of each level.
    pub(crate) fn values(&self) -> &[f32; N_LEVELS] {
        &self.values
    }

    /// One value a pixel, from one a level.
    pub(crate) fn looked_up<T: Copy>(&self, table: &[T; N_LEVELS]) -> Vec<T> {
        self.codes.iter().map(|&code| table[usize::from(code)]).collect()
    }

    /// Pixels brighter than a threshold.
    pub(crate) fn above(&self, threshold: f64, rows: usize, cols: usize) -> BitMask {
        let first = self.values.partition_point(|&value| f64::from(value) <= threshold);
        match u8::try_from(first) {
            Ok(first) => BitMask::of_rows(rows, cols, self.codes, |&code| code >= first),
            Err(_) => BitMask::empty(rows, cols),
        }
    }

    /// Counts of all pixels.
    pub(crate) fn counts(&self) -> LevelCounts {
        // neighbours are often equal: four counters wait less for each other than one
        let mut counters = [[0_u32; N_LEVELS]; 4];
        let (fours, rest) = self.codes.as_chunks::<4>();
        for four in fours {
            for (counter, &code) in counters.iter_mut().zip(four) {
                counter[usize::from(code)] += 1;
            }
        }
        for &code in rest {
            counters[0][usize::from(code)] += 1;
        }
        std::array::from_fn(|level| counters.iter().map(|counter| counter[level]).sum())
    }

    /// Counts of the pixels of a set of the plane's size.
    pub(crate) fn counts_in(&self, set: &BitMask) -> LevelCounts {
        let mut counts = [0; N_LEVELS];
        for (row, col) in set.places() {
            counts[usize::from(self.codes[row * set.cols + col])] += 1;
        }
        counts
    }

    /// Least and greatest intensity among counted pixels.
    pub(crate) fn range(&self, counts: &LevelCounts) -> Option<(f32, f32)> {
        range_of_counts(counts).map(|(first, last)| (self.values[first], self.values[last]))
    }

    /// Median of counted pixels.
    pub(crate) fn median(&self, counts: &LevelCounts) -> Option<f64> {
        median_of_counts(counts, &self.values)
    }
}

/// Least and greatest level with a count, if there is one.
pub fn range_of_counts(counts: &[u32]) -> Option<(usize, usize)> {
    let occurs = |&count: &u32| count > 0;
    Some((counts.iter().position(occurs)?, counts.iter().rposition(occurs)?))
}

/// The median of the intensities `values` that `counts` count: the mean of the two middle ones for
/// an even count, `None` without any.
///
/// ```
/// use herscope::imaging::median_of_counts;
/// assert_eq!(median_of_counts(&[1, 0, 2, 1], &[1.0, 2.0, 4.0, 9.0]), Some(4.0));
/// assert_eq!(median_of_counts(&[1, 0, 0, 1], &[1.0, 2.0, 4.0, 9.0]), Some(5.0));
/// ```
pub fn median_of_counts(counts: &[u32], values: &[f32]) -> Option<f64> {
    let n: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let nth = |mut rank: u64| {
        let holds = |&count: &u32| {
            let found = rank < u64::from(count);
            rank = rank.saturating_sub(u64::from(count));
            found
        };
        counts.iter().position(holds).map(|level| f64::from(values[level]))
    };
    Some(f64::midpoint(nth(n.checked_sub(1)? / 2)?, nth(n / 2)?))
}

/// Counts of what is in `all` and not in `part`.
pub(crate) fn without(all: &LevelCounts, part: &LevelCounts) -> LevelCounts {
    std::array::from_fn(|level| all[level] - part[level])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::median::medians_without;
    use crate::imaging::{Histogram, IntensityScale, Plane, RawPage, StretchLimits, initial_mask};
    use proptest::prelude::*;

    fn page(samples: Samples, high: u16) -> StoredPlane {
        let limits = Some(StretchLimits { low: 7, high });
        let page = RawPage { rows: 1, cols: samples.len(), samples, limits };
        StoredPlane::new(page, IntensityScale::PageMaximum).expect("limits are in order")
    }

    #[test]
    fn pages_of_sixteen_bits_have_no_levels() {
        assert!(Levels::of(&page(Samples::U16(vec![0, 1]), 9)).is_none(), "too many");
    }

    proptest! {
        #[test]
        fn levels_say_what_pixels_say(
            codes in prop::collection::vec(any::<u8>(), 1..80),
            high in 7..4095_u16,
            threshold in 0.0..3000.0_f64,
        ) {
            let page = page(Samples::U8(codes.clone()), high);
            let levels = Levels::of(&page).expect("eight bits");
            let pixels = page.pixels();
            let plane = Plane::new(1, codes.len(), pixels.clone());
            let counts = levels.counts();
            let expected = medians_without(&pixels, [&[]])[0];
            prop_assert_eq!(levels.median(&counts), expected, "median");
            let above = levels.above(threshold, 1, codes.len());
            prop_assert_eq!(above.to_mask(), initial_mask(&plane, threshold), "threshold");
            let inside = levels.counts_in(&above);
            let bright: Vec<f32> = pixels.iter().copied().filter(|&v| f64::from(v) > threshold).collect();
            let of_rest = levels.median(&without(&counts, &inside));
            prop_assert_eq!(of_rest, medians_without(&pixels, [&bright])[0], "without the bright");
            let mut histogram = Histogram::new();
            histogram.add_values(&pixels);
            let with_levels = Plane::of_stored(page.clone());
            prop_assert_eq!(Histogram::of_plane(&with_levels), histogram, "histogram");
        }
    }
}
