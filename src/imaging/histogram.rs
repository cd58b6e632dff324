//! Counts of intensities over a cartridge, from which thresholds are taken.

use super::frame::Plane;

/// Largest bin.
const LAST_BIN: usize = 65_535;

/// Counts of pixels by intensity: bin `k` of 1..=65535 counts values with `k <= v < k + 1`.
///
/// Values below 1 and above 65535 are in no bin, so the total may be less than the number of
/// pixels. A bin may become negative when pixels of a rounded image are subtracted from a
/// histogram of the unrounded one (see [`EdgeMask`](super::EdgeMask)).
///
/// # Source
/// Behaviour of ACCEPT: edges 1, 2, .. 65535, the last of which holds only 65535 itself.
///
/// ```
/// use herscope::imaging::Histogram;
/// let mut histogram = Histogram::new();
/// histogram.add_values(&[0.9, 1.0, 1.99, 2.0]);
/// assert_eq!(histogram.count(1), 2);
/// assert_eq!(histogram.total(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Count of bin k at k - 1.
    counts: Vec<i64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// The bin of a value, if it has one.
fn bin_of(value: f64) -> Option<usize> {
    // truncation is the floor of what is not negative
    (value >= 1.0 && value <= LAST_BIN as f64).then_some(value as u32 as usize)
}

impl Histogram {
    /// A histogram without counts.
    pub fn new() -> Self {
        Self { counts: vec![0; LAST_BIN] }
    }

    /// The histogram of one plane.
    pub fn of_plane(plane: &Plane) -> Self {
        let mut histogram = Self::new();
        histogram.add_plane(plane);
        histogram
    }

    /// Counts every pixel of a plane.
    pub fn add_plane(&mut self, plane: &Plane) {
        match plane.levels() {
            Some(levels) => {
                for (&value, count) in levels.values().iter().zip(levels.counts()) {
                    self.change(f64::from(value), i64::from(count));
                }
            }
            None => self.add_values(&plane.pixels),
        }
    }

    /// Counts every value.
    pub fn add_values(&mut self, values: &[f32]) {
        for &value in values {
            self.change(f64::from(value), 1);
        }
    }

    /// Takes every value out of the counts.
    pub fn subtract_values(&mut self, values: &[f32]) {
        for &value in values {
            self.change(f64::from(value), -1);
        }
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    fn change(&mut self, value: f64, by: i64) {
        if let Some(bin) = bin_of(value) {
            self.counts[bin - 1] += by;
        }
    }

    /// Count of bin `bin`; 0 for bins that do not exist.
    pub fn count(&self, bin: usize) -> i64 {
        bin.checked_sub(1).and_then(|index| self.counts.get(index)).copied().unwrap_or(0)
    }

    /// Counts of bins 1..=65535 in order.
    pub fn counts(&self) -> &[i64] {
        &self.counts
    }

    /// Sum of all counts.
    pub fn total(&self) -> i64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_floored_and_those_below_one_are_not_counted() {
        let mut histogram = Histogram::new();
        histogram.add_values(&[-3.0, 0.0, 0.999, 1.0, 1.5, 65_535.0, 65_535.5, f32::NAN]);
        assert_eq!(histogram.count(1), 2, "1.0 and 1.5");
        assert_eq!(histogram.count(65_535), 1, "only 65535 itself is in the last bin");
        assert_eq!(histogram.total(), 3, "the others are in no bin");
        assert_eq!(histogram.count(0), 0, "there is no bin 0");
    }

    #[test]
    fn merging_equals_counting_together_and_subtraction_undoes() {
        let mut left = Histogram::new();
        left.add_values(&[5.0, 6.0]);
        let mut right = Histogram::new();
        right.add_values(&[6.0]);
        left.merge(&right);
        assert_eq!(left.count(6), 2, "one from each side");
        left.subtract_values(&[6.0, 7.0]);
        assert_eq!((left.count(6), left.count(7)), (1, -1), "bins may become negative");
    }
}
