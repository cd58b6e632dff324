//! Thresholds of a channel, and the pixels above them.

use super::frame::{Mask, Plane};
use super::histogram::Histogram;

/// Bins averaged into one by [`triangle_threshold`], fewer at both ends.
const SPAN: usize = 9;

/// Least common multiple of the spans 1, 3, 5, 7 and 9: scaled by it, moving averages are whole.
const SPAN_MULTIPLE: i128 = 315;

/// The triangle threshold: a bin number; foreground is what lies above it.
///
/// The counts are smoothed by a moving average over 9 bins (1, 3, 5, 7 at the ends). A line is
/// drawn from the first highest bin to the last bin that is not empty; the threshold is the bin
/// farthest from this line, the first one on ties. An empty histogram has threshold 0. Computed
/// in whole numbers, so that ties are ties.
///
/// # Source
/// Zack, Rogers and Latt 1977, J. Histochem. Cytochem. 25:741, in ACCEPT's form: only the side
/// right of the peak is looked at. Not the variant of scikit-image or OpenCV.
///
/// ```
/// use herscope::imaging::{Histogram, triangle_threshold};
/// let mut histogram = Histogram::new();
/// histogram.add_values(&[100.0; 900]);
/// // one bin smoothed over 96..=104: the line joins its two ends, nothing lies off it
/// assert_eq!(triangle_threshold(&histogram), 96.0);
/// ```
pub fn triangle_threshold(histogram: &Histogram) -> f64 {
    let mut smooth = moving_sums(histogram.counts());
    let Some(last) = smooth.iter().rposition(|&height| height > 0) else {
        return 0.0;
    };
    let mut peak = first_highest(&smooth);
    if peak + 1 == smooth.len() {
        smooth[peak] = 0;
        peak = first_highest(&smooth);
    }
    if peak >= last {
        return (peak + 1) as f64;
    }
    let run = (last - peak) as i128;
    let rise = smooth[last] - smooth[peak];
    // distance times the length of the line, which is the same for all bins
    let distance =
        |bin: usize| (run * (smooth[bin] - smooth[peak]) - rise * (bin - peak) as i128).abs();
    let mut farthest = peak;
    let mut greatest = distance(peak);
    for bin in peak + 1..=last {
        let here = distance(bin);
        if here > greatest {
            (farthest, greatest) = (bin, here);
        }
    }
    (farthest + 1) as f64
}

/// Moving averages of the counts, times [`SPAN_MULTIPLE`].
fn moving_sums(counts: &[i64]) -> Vec<i128> {
    let n = counts.len();
    (0..n)
        .map(|bin| {
            let reach = (SPAN / 2).min(bin).min(n - 1 - bin);
            let sum: i64 = counts[bin - reach..=bin + reach].iter().sum();
            i128::from(sum) * (SPAN_MULTIPLE / (2 * reach as i128 + 1))
        })
        .collect()
}

fn first_highest(heights: &[i128]) -> usize {
    let mut highest = 0;
    for (bin, &height) in heights.iter().enumerate() {
        if height > heights[highest] {
            highest = bin;
        }
    }
    highest
}

/// Otsu's threshold: foreground is what lies above it.
///
/// Maximises the variance between classes, `(mu_T w - mu)^2 / (w (1 - w))`, over the bins; bins
/// that share the maximum are averaged, so that half bins occur. Negative bins count as empty. 1
/// when no bin has a finite value, as in a histogram of a single bin.
///
/// # Source
/// Otsu 1979, IEEE Trans. SMC 9:62; behaviour of MATLAB's `otsuthresh` on 65535 bins.
///
/// ```
/// use herscope::imaging::{Histogram, otsu_threshold};
/// let mut histogram = Histogram::new();
/// histogram.add_values(&[10.0, 10.0, 20.0, 20.0]);
/// assert_eq!(otsu_threshold(&histogram), 14.5); // bins 10..=19 separate them equally well
/// ```
pub fn otsu_threshold(histogram: &Histogram) -> f64 {
    let counts = || histogram.counts().iter().map(|&count| count.max(0));
    let total = counts().sum::<i64>() as f64;
    let bins = || counts().zip(1_u64..);
    let weighted_total: i128 = bins().map(|(count, bin)| weighted(count, bin)).sum();
    let mean_total = weighted_total as f64 / total;
    let (mut below, mut weighted_below) = (0_i64, 0_i128);
    let mut best = f64::NEG_INFINITY;
    let (mut tied, mut tied_sum) = (0_u64, 0_u64);
    for (count, bin) in bins() {
        below += count;
        weighted_below += weighted(count, bin);
        let weight = below as f64 / total;
        let between = (mean_total * weight - weighted_below as f64 / total).powi(2)
            / (weight * (1.0 - weight));
        if !between.is_finite() || between < best {
            continue;
        }
        if between > best {
            (best, tied, tied_sum) = (between, 0, 0);
        }
        tied += 1;
        tied_sum += bin;
    }
    if tied == 0 { 1.0 } else { tied_sum as f64 / tied as f64 }
}

fn weighted(count: i64, bin: u64) -> i128 {
    i128::from(count) * i128::from(bin)
}

/// The pixels whose intensity is greater than `threshold` (not equal to it; NaN is not).
pub fn initial_mask(plane: &Plane, threshold: f64) -> Mask {
    if let Some(levels) = plane.levels() {
        return levels.above(threshold, plane.rows, plane.cols).to_mask();
    }
    let pixels = plane.pixels.iter().map(|&value| f64::from(value) > threshold).collect();
    Mask { rows: plane.rows, cols: plane.cols, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(bins: &[(usize, usize)]) -> Histogram {
        let mut histogram = Histogram::new();
        for &(bin, count) in bins {
            histogram.add_values(&vec![bin as f32; count]);
        }
        histogram
    }

    #[test]
    fn an_empty_histogram_has_triangle_threshold_zero_and_otsu_one() {
        assert_eq!(triangle_threshold(&Histogram::new()), 0.0, "nothing to separate");
        assert_eq!(otsu_threshold(&Histogram::new()), 1.0, "nothing finite");
    }

    #[test]
    fn the_triangle_threshold_is_at_the_foot_of_a_falling_peak() {
        // 9 equal bins smooth to a tent over 96..=112 with its top at 104, then a faint tail
        let mut bins: Vec<(usize, usize)> = (100..109).map(|bin| (bin, 900)).collect();
        bins.extend((109..400).map(|bin| (bin, 1)));
        // first bin whose window holds only tail pixels: 109 + 4
        assert_eq!(triangle_threshold(&histogram(&bins)), 113.0, "the corner of the curve");
    }

    #[test]
    fn a_peak_in_the_last_bin_is_ignored() {
        // the last bin smooths to 1000, its neighbour to 333, the background to 444
        let bins = [(50, 4000), (60, 1), (65_535, 1000)];
        let found = triangle_threshold(&histogram(&bins));
        assert!(found < 65_531.0, "saturated pixels are not the background: {found}");
    }

    #[test]
    fn otsu_averages_over_the_gap_between_two_classes() {
        assert_eq!(otsu_threshold(&histogram(&[(5, 3), (8, 3)])), 6.0, "bins 5, 6 and 7 tie");
        assert_eq!(otsu_threshold(&histogram(&[(5, 3)])), 1.0, "one bin cannot be split");
    }

    #[test]
    fn negative_bins_count_as_empty_for_otsu() {
        let mut with_negative = histogram(&[(5, 3), (8, 3)]);
        with_negative.subtract_values(&[200.0, 200.0]);
        assert_eq!(otsu_threshold(&with_negative), 6.0, "as without bin 200");
    }

    #[test]
    fn pixels_at_the_threshold_are_background() {
        let mask = initial_mask(&Plane::new(1, 4, vec![1.0, 2.0, 2.5, f32::NAN]), 2.0);
        assert_eq!(mask.pixels, [false, false, true, false], "greater than, not equal");
    }
}
