//! The few distinct intensities of an 8-bit page: what is counted a level need not be counted a pixel.

use super::bit_mask::BitMask;

/// Levels of an 8-bit page.
const N_LEVELS: usize = 256;

/// Number of pixels at each level.
pub(crate) type LevelCounts = [u32; N_LEVELS];

/// The pixels of a plane as levels: pixel `i` has the intensity `values[codes[i]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    codes: Vec<u8>,
    /// Intensity of each level, never falling; the last one stands for all levels above.
    values: [f32; N_LEVELS],
}

impl Levels {
    /// Levels of stored values, `[rows x cols]`, whose intensities are in `table`.
    ///
    /// `None` unless the table rises with the stored value and holds every one of them.
    pub(crate) fn new(codes: &[u8], table: &[f32]) -> Option<Self> {
        let (&last, n) = (table.last()?, table.len().min(N_LEVELS));
        let holds_all = codes.iter().all(|&code| usize::from(code) < n);
        let mut values = [last; N_LEVELS];
        values[..n].copy_from_slice(&table[..n]);
        (holds_all && values.is_sorted()).then(|| Self { codes: codes.to_vec(), values })
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
            Ok(first) => BitMask::of_rows(rows, cols, &self.codes, |&code| code >= first),
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
        let is_there = |count: &u32| *count > 0;
        let (first, last) = (counts.iter().position(is_there)?, counts.iter().rposition(is_there)?);
        Some((self.values[first], self.values[last]))
    }

    /// Median of counted pixels; the mean of the two in the middle of an even number.
    pub(crate) fn median(&self, counts: &LevelCounts) -> Option<f64> {
        let n: u32 = counts.iter().sum();
        let nth = |rank: u32| {
            let mut below = 0;
            let reached = counts.iter().position(|&count| {
                below += count;
                below > rank
            });
            reached.map(|level| f64::from(self.values[level]))
        };
        let last = n.checked_sub(1)?;
        Some(f64::midpoint(nth(last / 2)?, nth(n / 2)?))
    }
}

/// Counts of what is in `all` and not in `part`.
pub(crate) fn without(all: &LevelCounts, part: &LevelCounts) -> LevelCounts {
    std::array::from_fn(|level| all[level] - part[level])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::median::medians_without;
    use crate::imaging::{Histogram, Plane, initial_mask};
    use proptest::prelude::*;

    #[test]
    fn a_table_that_falls_or_lacks_a_value_gives_no_levels() {
        assert!(Levels::new(&[0, 1], &[3.0, 2.0]).is_none(), "it falls");
        assert!(Levels::new(&[0, 2], &[1.0, 2.0]).is_none(), "2 has no intensity");
        assert!(Levels::new(&[0, 1], &[1.0, 2.0]).is_some(), "as it should be");
    }

    proptest! {
        #[test]
        fn levels_say_what_pixels_say(
            codes in prop::collection::vec(any::<u8>(), 1..80),
            step in 0.0_f32..20.0,
            threshold in 0.0..3000.0_f64,
        ) {
            let table: Vec<f32> = (0..256).map(|code| 7.0 + code as f32 * step).collect();
            let levels = Levels::new(&codes, &table).expect("it rises");
            let pixels = levels.looked_up(levels.values());
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
            let with_levels = Plane::of_levels(1, codes.len(), levels);
            prop_assert_eq!(Histogram::of_plane(&with_levels), histogram, "histogram");
        }
    }
}
