//! Masks and pages as kernels read them: rows begin at whole words.

use crate::imaging::{Mask, Samples, StoredPlane};

/// Words of a row of a bit mask; a row of a page has 32 pixels for each.
pub const fn words_per_row(cols: usize) -> usize {
    cols.div_ceil(32)
}

/// A mask as bits, `[rows x words_per_row]`: bit i of word w of a row is column 32 w + i; bits
/// beyond a row are unset.
///
/// ```
/// use herscope::{imaging::Mask, kernels::packing::{packed_mask, unpacked_mask}};
/// let mask = Mask { rows: 2, cols: 3, pixels: vec![true, false, true, false, true, false] };
/// assert_eq!(packed_mask(&mask), [0b101, 0b010]);
/// assert_eq!(unpacked_mask(2, 3, &[0b101, 0b010]), mask);
/// ```
pub fn packed_mask(mask: &Mask) -> Vec<u32> {
    let mut words = Vec::with_capacity(mask.rows * words_per_row(mask.cols));
    for row in mask.pixels.chunks(mask.cols.max(1)) {
        words
            .extend(row.chunks(32).map(|pixels| {
                pixels.iter().rev().fold(0, |word, &set| word << 1 | u32::from(set))
            }));
    }
    words
}

/// The mask of `rows x cols` that [`packed_mask`] packs into `words`.
pub fn unpacked_mask(rows: usize, cols: usize, words: &[u32]) -> Mask {
    let mut pixels = Vec::with_capacity(rows * cols);
    for row in words.chunks(words_per_row(cols).max(1)) {
        for (&word, first) in row.iter().zip((0..cols).step_by(32)) {
            pixels.extend((0..32.min(cols - first)).map(|bit| word >> bit & 1 == 1));
        }
    }
    Mask { rows, cols, pixels }
}

/// Bits a pixel of a stored page: 8 or 16.
pub fn bits_per_pixel(plane: &StoredPlane) -> u32 {
    match plane.samples() {
        Samples::U8(_) => 8,
        Samples::U16(_) => 16,
    }
}

/// Stored values of a page in words, rows padded to [`words_per_row`] times 32 pixels, lowest bits
/// first.
pub fn packed_page(plane: &StoredPlane) -> Vec<u32> {
    match plane.samples() {
        Samples::U8(values) => packed(values, plane.cols()),
        Samples::U16(values) => packed(values, plane.cols()),
    }
}

fn packed<T: Copy + Into<u32>>(values: &[T], cols: usize) -> Vec<u32> {
    let per_word = 4 / size_of::<T>();
    let bits = 32 / per_word;
    let row_words = 32 * words_per_row(cols) / per_word;
    let mut words = Vec::with_capacity(values.len() / cols.max(1) * row_words);
    for row in values.chunks(cols.max(1)) {
        let end = words.len() + row_words;
        words.extend(
            row.chunks(per_word).map(|pixels| {
                pixels.iter().rev().fold(0, |word, &value| word << bits | value.into())
            }),
        );
        words.resize(end, 0);
    }
    words
}
