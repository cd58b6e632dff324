//! Grey opening with a disc: what is brighter than its surroundings and smaller than the disc goes.

/// An image of whole intensities, `[rows x cols]` row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GreyImage {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) pixels: Vec<u16>,
}

/// Opening with the disc of all offsets within `radius_px`: the minimum over the disc around each
/// pixel, then the maximum of these. Pixels outside the image take no part.
pub(crate) fn open_with_disc(image: &GreyImage, radius_px: usize) -> GreyImage {
    let eroded = over_disc(image, radius_px, u16::MAX, u16::min);
    over_disc(&eroded, radius_px, 0, u16::max)
}

/// Minimum or maximum (`pick`) over the disc around each pixel; `neutral` stands outside.
///
/// A disc is a stack of horizontal chords, and the extremum over a chord that of two overlapping
/// windows whose length is a power of two; those windows are shared by all chords.
fn over_disc(
    image: &GreyImage,
    radius_px: usize,
    neutral: u16,
    pick: impl Fn(u16, u16) -> u16,
) -> GreyImage {
    let (rows, cols) = (image.rows, image.cols);
    let windows = Windows::new(image, radius_px, neutral, &pick);
    let chords: Vec<usize> = (0..=radius_px).map(|dy| half_chord(radius_px, dy)).collect();
    let mut pixels = vec![neutral; rows * cols];
    for (row, out) in pixels.chunks_exact_mut(cols.max(1)).enumerate() {
        let first = row.saturating_sub(radius_px);
        for source in first..(row + radius_px + 1).min(rows) {
            let half = chords[source.abs_diff(row)];
            let (left, right) = windows.chord(source, half);
            for ((value, &l), &r) in out.iter_mut().zip(left).zip(right) {
                *value = pick(*value, pick(l, r));
            }
        }
    }
    GreyImage { rows, cols, pixels }
}

/// Greatest column offset of the disc at row offset `dy`.
fn half_chord(radius: usize, dy: usize) -> usize {
    (radius * radius - dy * dy).isqrt()
}

/// Extrema over horizontal windows of 1, 2, 4, .. pixels of an image with margins.
struct Windows {
    margin: usize,
    stride: usize,
    cols: usize,
    /// Level k: the extremum over `2^k` pixels from each pixel on.
    levels: Vec<Vec<u16>>,
}

impl Windows {
    fn new(
        image: &GreyImage,
        margin: usize,
        neutral: u16,
        pick: &impl Fn(u16, u16) -> u16,
    ) -> Self {
        let stride = image.cols + 2 * margin;
        let mut base = vec![neutral; image.rows * stride];
        for row in 0..image.rows {
            base[row * stride + margin..][..image.cols]
                .copy_from_slice(&image.pixels[row * image.cols..][..image.cols]);
        }
        let mut levels = vec![base];
        let mut length = 1;
        while 2 * length <= 2 * margin + 1 {
            let finer = &levels[levels.len() - 1];
            let mut coarser = finer.clone();
            for (coarse, &next) in coarser.iter_mut().zip(&finer[length.min(finer.len())..]) {
                // near the right margin windows reach into the next row; no chord uses those
                *coarse = pick(*coarse, next);
            }
            levels.push(coarser);
            length *= 2;
        }
        Self { margin, stride, cols: image.cols, levels }
    }

    /// For every column the two windows that cover the chord of `2 half + 1` pixels around it.
    fn chord(&self, row: usize, half: usize) -> (&[u16], &[u16]) {
        let length = 2 * half + 1;
        let level = length.ilog2() as usize;
        let start = row * self.stride + self.margin - half;
        let windows = &self.levels[level];
        let second = start + length - (1 << level);
        (&windows[start..][..self.cols], &windows[second..][..self.cols])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Extremum over the disc, pixel by pixel.
    fn slow(image: &GreyImage, radius: isize, pick: fn(u16, u16) -> u16) -> GreyImage {
        let at = |row: isize, col: isize| image.pixels[row as usize * image.cols + col as usize];
        let (rows, cols) = (image.rows as isize, image.cols as isize);
        let mut pixels = image.pixels.clone();
        for (index, value) in pixels.iter_mut().enumerate() {
            let (row, col) = (index as isize / cols, index as isize % cols);
            for (y, x) in (0..rows).flat_map(|y| (0..cols).map(move |x| (y, x))) {
                if (y - row).pow(2) + (x - col).pow(2) <= radius * radius {
                    *value = pick(*value, at(y, x));
                }
            }
        }
        GreyImage { rows: image.rows, cols: image.cols, pixels }
    }

    proptest! {
        #[test]
        fn chords_equal_the_disc_pixel_by_pixel(
            (rows, cols, radius) in (1..9_usize, 1..9_usize, 0..6_usize),
            values in prop::collection::vec(0..50_u16, 81),
        ) {
            let image = GreyImage { rows, cols, pixels: values[..rows * cols].to_vec() };
            let eroded = slow(&image, radius as isize, u16::min);
            let expected = slow(&eroded, radius as isize, u16::max);
            prop_assert_eq!(open_with_disc(&image, radius), expected, "same");
        }
    }
}
