//! Medians of very many intensities.

/// Median of `f32` values given twice by `values` (called once a pass): the mean of the two middle
/// ones for an even count, `None` without any. NaN sorts above everything.
///
/// Two counting passes over the bits of the values instead of a sort: a frame has 1.4 million.
pub(crate) fn median_by_counting<I: Iterator<Item = f32>>(values: impl Fn() -> I) -> Option<f64> {
    let mut high_counts = vec![0_usize; 1 << 16];
    for value in values() {
        high_counts[(ordered_bits(value) >> 16) as usize] += 1;
    }
    let n: usize = high_counts.iter().sum();
    if n == 0 {
        return None;
    }
    let lower = nth(&values, &high_counts, (n - 1) / 2);
    let upper = if n.is_multiple_of(2) { nth(&values, &high_counts, n / 2) } else { lower };
    Some(f64::midpoint(f64::from(lower), f64::from(upper)))
}

/// The value of rank `rank` (0-based), given how often each high half of the bits occurs.
fn nth<I: Iterator<Item = f32>>(
    values: &impl Fn() -> I,
    high_counts: &[usize],
    rank: usize,
) -> f32 {
    let (high, rank) = bin_of_rank(high_counts, rank);
    let mut low_counts = vec![0_usize; 1 << 16];
    for bits in values().map(ordered_bits).filter(|bits| (bits >> 16) as usize == high) {
        low_counts[(bits & 0xFFFF) as usize] += 1;
    }
    let (low, _) = bin_of_rank(&low_counts, rank);
    from_ordered_bits((high as u32) << 16 | low as u32)
}

/// The bin that holds rank `rank`, and the rank within it.
fn bin_of_rank(counts: &[usize], mut rank: usize) -> (usize, usize) {
    for (bin, &count) in counts.iter().enumerate() {
        if rank < count {
            return (bin, rank);
        }
        rank -= count;
    }
    (counts.len() - 1, 0)
}

/// Bits that sort as the values do.
fn ordered_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn from_ordered_bits(bits: u32) -> f32 {
    f32::from_bits(if bits >> 31 == 1 { bits & !(1 << 31) } else { !bits })
}

/// Median of a few values, which are reordered; `None` without any.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    Some(f64::midpoint(values[(n - 1) / 2], values[n / 2]))
}

/// Quantile of sorted values, linear between order statistics (type 7 of Hyndman and Fan 1996);
/// `None` without any or for a level outside 0..=1.
pub(crate) fn quantile(sorted: &[f64], level: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    if !(0.0..=1.0).contains(&level) {
        return None;
    }
    let position = level * last as f64;
    let below = (position.floor() as usize).min(last);
    let above = (below + 1).min(last);
    Some(sorted[below] + (position - below as f64) * (sorted[above] - sorted[below]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_median_of_an_even_count_is_the_middle_of_two() {
        let values = [-1.5_f32, 4.0, 2.0, 1.0];
        assert_eq!(median_by_counting(|| values.iter().copied()), Some(1.5), "between 1 and 2");
        assert_eq!(median_by_counting(|| [].iter().copied()), None, "of nothing");
        assert_eq!(median(&mut []), None, "of nothing");
    }

    proptest! {
        #[test]
        fn counting_equals_sorting(values in prop::collection::vec(-1e6_f32..1e6, 1..60)) {
            let mut sorted: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
            prop_assert_eq!(median_by_counting(|| values.iter().copied()), median(&mut sorted), "same");
        }
    }
}
