//! Exact Euclidean distance of every pixel of a mask to the nearest pixel outside it.

use super::frame::Mask;

/// Squared distances, in square pixels, from the centre of each pixel to that of the nearest unset
/// one, `[rows x cols]` row-major; 0 where the mask is unset. What lies outside the mask counts as
/// unset.
///
/// ```
/// use herscope::imaging::{Mask, squared_distances};
/// let mask = Mask { rows: 3, cols: 4, pixels: vec![true; 12] };
/// assert_eq!(squared_distances(&mask), [1, 1, 1, 1, 1, 4, 4, 1, 1, 1, 1, 1]);
/// ```
///
/// # Source
/// Felzenszwalb & Huttenlocher 2012, Theory of Computing 8:415, section 3: along the columns, then
/// the lower envelope of parabolas along the rows. In integers, as places are whole: where two
/// parabolas cross is rounded down. Checked against all pairs of pixels.
pub fn squared_distances(mask: &Mask) -> Vec<u32> {
    let in_column = distances_in_columns(mask);
    let mut squared = vec![0; mask.pixels.len()];
    let mut envelope = Vec::new();
    for row in 0..mask.rows {
        let range = row * mask.cols..(row + 1) * mask.cols;
        let (heights, out) = (&in_column[range.clone()], &mut squared[range]);
        let mut start = 0;
        while start < mask.cols {
            let end = start + heights[start..].iter().take_while(|&&height| height > 0).count();
            if end > start {
                along_run(heights, start..end, &mut envelope, out);
            }
            start = end + 1;
        }
    }
    squared
}

/// Distance to the nearest unset pixel of the same column.
fn distances_in_columns(mask: &Mask) -> Vec<u32> {
    let (rows, cols) = (mask.rows, mask.cols);
    let mut distances = vec![0_u32; rows * cols];
    for index in 0..rows * cols {
        if mask.pixels[index] {
            distances[index] = 1 + if index < cols { 0 } else { distances[index - cols] };
        }
    }
    for index in (0..rows * cols).rev() {
        let below = distances.get(index + cols).copied().unwrap_or(0);
        distances[index] = distances[index].min(below + 1);
    }
    distances
}

/// A parabola of the lower envelope.
struct Parabola {
    /// Column of its lowest point.
    vertex: i64,
    /// Its height there.
    height: i64,
    /// First column where it is the lowest.
    from: i64,
}

/// Squared distances of set pixels that follow each other in a row. The unset pixels at their two
/// ends are nearer than whatever lies beyond them.
fn along_run(
    heights: &[u32],
    run: std::ops::Range<usize>,
    envelope: &mut Vec<Parabola>,
    out: &mut [u32],
) {
    envelope.clear();
    let before = run.start as i64 - 1;
    envelope.push(Parabola { vertex: before, height: 0, from: before });
    for vertex in run.start..=run.end {
        let height = heights.get(vertex).map_or(0, |&height| i64::from(height).pow(2));
        let vertex = vertex as i64;
        let mut from = before;
        while let Some(last) = envelope.last() {
            let rise = vertex * vertex + height - last.vertex * last.vertex - last.height;
            from = rise.div_euclid(2 * (vertex - last.vertex)) + 1;
            if from > last.from {
                break;
            }
            envelope.pop();
        }
        envelope.push(Parabola { vertex, height, from });
    }
    let mut lowest = 0;
    for col in run {
        let place = col as i64;
        while envelope.get(lowest + 1).is_some_and(|next| next.from <= place) {
            lowest += 1;
        }
        let parabola = &envelope[lowest];
        // at most half of the mask's smaller side, squared
        out[col] = ((place - parabola.vertex).pow(2) + parabola.height) as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::drawing::mask;

    /// All pairs of pixels, the slow and obvious way.
    fn brute_force(mask: &Mask) -> Vec<u32> {
        let (rows, cols) = (mask.rows as i64, mask.cols as i64);
        let is_set = |row: i64, col: i64| {
            (0..rows).contains(&row)
                && (0..cols).contains(&col)
                && mask.pixels[(row * cols + col) as usize]
        };
        let nearest = |row: i64, col: i64| {
            let others = (-1..=rows).flat_map(|y| (-1..=cols).map(move |x| (y, x)));
            let unset = others.filter(|&(y, x)| !is_set(y, x));
            unset.map(|(y, x)| ((y - row).pow(2) + (x - col).pow(2)) as u32).min()
        };
        (0..rows * cols).map(|index| nearest(index / cols, index % cols).expect("a rim")).collect()
    }

    /// A mask of `rows x cols` that is set but for about one pixel in `sparsity`; the seed is fixed.
    fn speckled(rows: usize, cols: usize, sparsity: u64) -> Mask {
        let mut state = 2_026 + (rows * 100 + cols) as u64;
        let pixels = (0..rows * cols).map(|_| {
            // Knuth's linear congruential generator; its high bits
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            !(state >> 33).is_multiple_of(sparsity)
        });
        Mask { rows, cols, pixels: pixels.collect() }
    }

    #[test]
    fn distances_are_those_of_all_pairs_of_pixels() {
        for (rows, cols) in [(1, 1), (1, 13), (13, 1), (7, 9), (16, 16), (23, 31)] {
            for sparsity in [1, 2, 5, 40, 1_000_000] {
                let mask = speckled(rows, cols, sparsity);
                let found = squared_distances(&mask);
                assert_eq!(found, brute_force(&mask), "{rows} x {cols}, one unset in {sparsity}");
            }
        }
    }

    #[test]
    fn a_notch_is_nearer_than_the_rim() {
        let notched = mask!("......." ".#####." ".#####." ".##.##." ".......");
        let expected = [1, 1, 1, 1, 1, 1, 2, 1, 2, 1, 1, 1, 0, 1, 1];
        let found = squared_distances(&notched);
        let inner: Vec<u32> = (1..4).flat_map(|row| found[row * 7 + 1..][..5].to_vec()).collect();
        assert_eq!(inner, expected, "by hand");
    }

    #[test]
    fn an_empty_mask_has_no_distances() {
        assert_eq!(squared_distances(&Mask::empty(0, 0)), [0; 0], "no pixel");
        assert_eq!(squared_distances(&Mask::empty(2, 2)), [0; 4], "nothing set");
    }
}
