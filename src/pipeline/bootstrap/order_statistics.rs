//! Exact order statistics of many values without sorting them all.

use rayon::prelude::*;

/// Bins of the first pass: enough that a bin of millions of values holds some hundreds.
const N_BINS: usize = 1 << 16;

/// Values that are sorted outright: that costs less than the histogram's memory up to here.
const SORT_ALL: usize = 1 << 13;

/// The values of the given 0-based `ranks` in ascending order of `values` (finite, any order).
///
/// A histogram finds the bins the ranks fall into; only these are sorted. The result is exact and
/// does not depend on threads.
///
/// # Panics
/// When a rank is not below the number of values.
///
/// ```
/// use herscope::pipeline::bootstrap::order_statistics::order_statistics;
/// assert_eq!(order_statistics(&[3.0, 1.0, 2.0, 5.0], &[0, 2]), [1.0, 3.0]);
/// ```
pub fn order_statistics(values: &[f64], ranks: &[usize]) -> Vec<f64> {
    if ranks.is_empty() {
        return Vec::new();
    }
    assert!(ranks.iter().all(|&rank| rank < values.len()), "ranks lie within the values");
    if values.len() <= SORT_ALL {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        return ranks.iter().map(|&rank| sorted[rank]).collect();
    }
    let (least, greatest) = values
        .par_iter()
        .fold(|| (f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)))
        .reduce(|| (f64::INFINITY, f64::NEG_INFINITY), |x, y| (x.0.min(y.0), x.1.max(y.1)));
    let scale = (N_BINS - 1) as f64 / (greatest - least);
    if !scale.is_finite() {
        return vec![least; ranks.len()];
    }
    // Monotone in the value, so the bins are in the order of the values.
    let bin = |value: f64| ((value - least) * scale) as usize;
    let counts = values
        .par_chunks(1 << 16)
        .fold(
            || vec![0_u32; N_BINS],
            |mut counts, chunk| {
                chunk.iter().for_each(|&value| counts[bin(value)] += 1);
                counts
            },
        )
        .reduce(
            || vec![0_u32; N_BINS],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        );
    let mut starts = vec![0_usize; N_BINS + 1];
    for (i, &count) in counts.iter().enumerate() {
        starts[i + 1] = starts[i] + count as usize;
    }
    let bin_of_rank = |rank: usize| starts.partition_point(|&start| start <= rank) - 1;
    let mut wanted: Vec<usize> = ranks.iter().map(|&rank| bin_of_rank(rank)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut slot_of_bin = vec![usize::MAX; N_BINS];
    for (slot, &index) in wanted.iter().enumerate() {
        slot_of_bin[index] = slot;
    }
    let mut contents = values
        .par_chunks(1 << 16)
        .fold(
            || vec![Vec::new(); wanted.len()],
            |mut contents: Vec<Vec<f64>>, chunk| {
                for &value in chunk {
                    if let Some(content) = contents.get_mut(slot_of_bin[bin(value)]) {
                        content.push(value);
                    }
                }
                contents
            },
        )
        .reduce(
            || vec![Vec::new(); wanted.len()],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| a.extend(b));
                a
            },
        );
    contents.par_iter_mut().for_each(|content| content.sort_unstable_by(f64::total_cmp));
    ranks
        .iter()
        .map(|&rank| {
            let index = bin_of_rank(rank);
            contents[slot_of_bin[index]][rank - starts[index]]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::order_statistics;

    #[test]
    fn order_statistics_are_those_of_the_sorted_values() {
        // Both ways: few values are sorted, many are counted into bins first.
        for n in [5_003_u32, 20_003] {
            let mut values: Vec<f64> =
                (0..n).map(|i| f64::from(i.wrapping_mul(2_654_435_761) >> 7)).collect();
            values.push(-1e12);
            values.extend([7.0; 50]);
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let ranks = [0, 1, 26, 40, 2_500, n as usize + 50];
            let expected: Vec<f64> = ranks.iter().map(|&rank| sorted[rank]).collect();
            assert_eq!(order_statistics(&values, &ranks), expected, "exact, ties and outliers too");
        }
        assert_eq!(order_statistics(&[4.0; 9], &[0, 8]), [4.0, 4.0], "constant values");
    }
}
