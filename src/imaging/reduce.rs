//! Frames reduced eight times, for the overview of a cartridge.

use super::frame::Plane;

/// How much smaller the overview is, along each side.
pub(crate) const REDUCTION: usize = 8;

/// Pixels that contribute to one reduced pixel, along each side.
const TAPS: usize = 4 * REDUCTION;

/// The plane at one eighth of its size, `[ceil(rows / 8) x ceil(cols / 8)]`, real-valued.
///
/// Cubic convolution (a = -0.5) widened eight times against aliasing; at the borders the plane is
/// mirrored. Columns first, then rows; sums in `f64`, rounded to `f32` once at the end.
///
/// # Source
/// Keys 1981, IEEE Trans. ASSP 29:1153. Behaviour of MATLAB's `imresize(plane, 1/8)`.
///
/// ```
/// use herscope::imaging::{Plane, reduce_eighth};
/// let reduced = reduce_eighth(&Plane::new(16, 20, vec![7.0; 320]));
/// assert_eq!((reduced.rows, reduced.cols), (2, 3));
/// assert!((reduced.pixels[0] - 7.0).abs() < 1e-5);
/// ```
pub fn reduce_eighth(plane: &Plane) -> Plane {
    let (rows, cols) = (plane.rows, plane.cols);
    let (small_rows, small_cols) = (rows.div_ceil(REDUCTION), cols.div_ceil(REDUCTION));
    let weights = weights();
    let mut reduced = Vec::with_capacity(small_rows * small_cols);
    let mut column_sums = vec![0.0_f64; cols];
    for small_row in 0..small_rows {
        let row_of = |tap: usize| mirrored(first_tap(small_row) + tap as isize, rows);
        let taps: [&[f32]; TAPS] =
            std::array::from_fn(|tap| &plane.pixels[row_of(tap) * cols..][..cols]);
        let (blocks, rest) = column_sums.as_chunks_mut::<BLOCK>();
        let n_blocks = blocks.len();
        for (index, sums) in blocks.iter_mut().enumerate() {
            *sums = block_sums(&taps, index * BLOCK, &weights);
        }
        for (sum, col) in rest.iter_mut().zip(n_blocks * BLOCK..) {
            let weighted = taps.iter().zip(&weights).map(|(row, w)| w * f64::from(row[col]));
            *sum = weighted.fold(0.0, |sum, value| sum + value);
        }
        reduced.extend((0..small_cols).map(|small_col| {
            let taps = weights.iter().enumerate().map(|(tap, weight)| {
                weight * column_sums[mirrored(first_tap(small_col) + tap as isize, cols)]
            });
            taps.sum::<f64>() as f32
        }));
    }
    Plane::new(small_rows, small_cols, reduced)
}

/// Columns whose sums are kept in registers.
const BLOCK: usize = 8;

/// Weighted sums down the columns from `col` on, tap after tap.
fn block_sums(taps: &[&[f32]; TAPS], col: usize, weights: &[f64; TAPS]) -> [f64; BLOCK] {
    let mut sums = [0.0; BLOCK];
    for (row, &weight) in taps.iter().zip(weights) {
        let values: &[f32; BLOCK] =
            row[col..col + BLOCK].try_into().expect("a block is long enough");
        for (sum, &value) in sums.iter_mut().zip(values) {
            *sum += weight * f64::from(value);
        }
    }
    sums
}

/// The first pixel that contributes to reduced pixel `small`: its centre is at `8 small + 3.5`.
fn first_tap(small: usize) -> isize {
    (REDUCTION * small) as isize + REDUCTION as isize / 2 - TAPS as isize / 2
}

/// Mirrors an index about the outer borders of `0..n`: -1 is 0, n is n - 1.
fn mirrored(index: isize, n: usize) -> usize {
    let period = 2 * n;
    let folded = index.rem_euclid(period as isize) as usize;
    if folded < n { folded } else { period - 1 - folded }
}

/// The same for every reduced pixel, since its centre always lies between the same pixels.
fn weights() -> [f64; TAPS] {
    let centre = (TAPS as f64 - 1.0) / 2.0;
    let raw: [f64; TAPS] =
        std::array::from_fn(|tap| cubic((tap as f64 - centre) / REDUCTION as f64));
    let total: f64 = raw.iter().sum();
    raw.map(|weight| weight / total)
}

/// Cubic convolution kernel with a = -0.5.
fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x <= 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_ramp_keeps_its_values_at_the_centres_of_reduced_pixels() {
        let ramp = (0..64 * 64).map(|index| (index % 64) as f32).collect();
        let reduced = reduce_eighth(&Plane::new(64, 64, ramp));
        // cubic convolution reproduces straight lines; columns 2..6 are free of the mirror
        for col in 2..6 {
            let expected = 8.0 * col as f32 + 3.5;
            let found = reduced.pixels[3 * 8 + col];
            assert!((found - expected).abs() < 1e-4, "column {col}: {found} for {expected}");
        }
    }

    #[test]
    fn mirroring_repeats_the_border_pixel_even_for_planes_smaller_than_the_kernel() {
        let indices: Vec<usize> = (-4..7).map(|index| mirrored(index, 3)).collect();
        assert_eq!(indices, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0][..], "0 1 2 2 1 0 repeated");
        assert_eq!(reduce_eighth(&Plane::new(1, 1, vec![9.0])).pixels, [9.0], "one pixel");
    }

    #[test]
    fn an_empty_plane_reduces_to_an_empty_plane() {
        let reduced = reduce_eighth(&Plane::new(0, 5, Vec::new()));
        assert_eq!((reduced.rows, reduced.cols), (0, 1), "ceil of the sides");
    }
}
