//! Medians of very many intensities.

/// Medians of `values` without those of each `left_out`, which must be among the values: the mean of
/// the two middle ones for an even count, `None` without any. NaN sorts above everything.
///
/// Two counting passes over the bits of the values instead of a sort: a frame has 1.4 million.
pub(crate) fn medians_without<const N: usize>(
    values: &[f32],
    left_out: [&[f32]; N],
) -> [Option<f64>; N] {
    let high_counts = count_high_halves(values);
    let mut last: Option<(usize, Vec<u32>)> = None;
    left_out.map(|left_out| {
        let n = values.len() - left_out.len();
        let mut counts = high_counts.clone();
        for &value in left_out {
            counts[(ordered_bits(value) >> 16) as usize] -= 1;
        }
        let mut nth = |rank: usize| {
            let (high, rank) = bin_of_rank(&counts, rank);
            let mut lows = match last.take() {
                Some((bin, lows)) if bin == high => lows,
                _ => count_low_halves(values, high),
            };
            let low = without(&mut lows, left_out, high, |lows| bin_of_rank(lows, rank).0);
            last = Some((high, lows));
            f64::from(from_ordered_bits((high as u32) << 16 | low as u32))
        };
        (n > 0).then(|| {
            let lower = nth((n - 1) / 2);
            f64::midpoint(lower, if n.is_multiple_of(2) { nth(n / 2) } else { lower })
        })
    })
}

/// How often each high half of the bits occurs.
fn count_high_halves(values: &[f32]) -> Vec<u32> {
    // neighbours are often equal: four counters wait less for each other than one
    let mut tables = vec![[0_u32; 4]; 1 << 16];
    let (fours, rest) = values.as_chunks::<4>();
    for four in fours {
        for (lane, &value) in four.iter().enumerate() {
            tables[(ordered_bits(value) >> 16) as usize][lane] += 1;
        }
    }
    for &value in rest {
        tables[(ordered_bits(value) >> 16) as usize][0] += 1;
    }
    tables.iter().map(|lanes| lanes.iter().sum()).collect()
}

/// How often each low half occurs beside the high half `high`.
fn count_low_halves(values: &[f32], high: usize) -> Vec<u32> {
    let mut counts = vec![0_u32; 1 << 16];
    let mut found = [0_u16; 512];
    for chunk in values.chunks(found.len()) {
        let mut n = 0;
        for &value in chunk {
            let bits = ordered_bits(value);
            found[n] = bits as u16;
            n += usize::from((bits >> 16) as usize == high);
        }
        for &low in &found[..n] {
            counts[usize::from(low)] += 1;
        }
    }
    counts
}

/// Does `work` with the counts less those of `left_out`, and puts them back.
fn without<T>(
    lows: &mut [u32],
    left_out: &[f32],
    high: usize,
    work: impl FnOnce(&[u32]) -> T,
) -> T {
    let here = || {
        let bits = left_out.iter().map(|&value| ordered_bits(value));
        bits.filter(|bits| (bits >> 16) as usize == high).map(|bits| (bits & 0xFFFF) as usize)
    };
    here().for_each(|low| lows[low] -= 1);
    let result = work(lows);
    here().for_each(|low| lows[low] += 1);
    result
}

/// The bin that holds rank `rank`, and the rank within it.
fn bin_of_rank(counts: &[u32], mut rank: usize) -> (usize, usize) {
    for (bin, &count) in counts.iter().enumerate() {
        if rank < count as usize {
            return (bin, rank);
        }
        rank -= count as usize;
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
        let found = medians_without(&values, [&[], &[2.0], &values]);
        assert_eq!(found, [Some(1.5), Some(1.0), None], "of four, of three, of none");
        assert_eq!(median(&mut []), None, "of nothing");
    }

    proptest! {
        #[test]
        fn counting_equals_sorting(
            values in prop::collection::vec(-1e6_f32..1e6, 1..60),
            n_left_out in 0..30_usize,
        ) {
            let left_out = &values[..n_left_out.min(values.len() - 1)];
            let sorted = |values: &[f32]| {
                let mut values: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
                median(&mut values)
            };
            let expected = [sorted(&values), sorted(&values[left_out.len()..])];
            prop_assert_eq!(medians_without(&values, [&[], left_out]), expected, "same");
        }
    }
}
