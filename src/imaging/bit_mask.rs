//! Sets of pixels with a bit a pixel: 64 of them are one operation.

use super::frame::{LabelImage, Mask};
use super::label::Run;

/// Pixels of a word.
const WORD: usize = 64;

/// A set of pixels, `[rows x cols]`; every row starts at a word, and what lies right of the last
/// column is unset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BitMask {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// Words a row.
    width: usize,
    words: Vec<u64>,
}

impl BitMask {
    /// An empty set.
    pub(crate) fn empty(rows: usize, cols: usize) -> Self {
        let width = cols.div_ceil(WORD);
        Self { rows, cols, width, words: vec![0; rows * width] }
    }

    /// The same set.
    pub(crate) fn of(mask: &Mask) -> Self {
        Self::of_rows(mask.rows, mask.cols, &mask.pixels, |&set| set)
    }

    /// Pixels of any object.
    pub(crate) fn of_labels(labels: &LabelImage) -> Self {
        Self::of_rows(labels.rows, labels.cols, &labels.labels, |&label| label > 0)
    }

    /// The pixels of `entries`, `[rows x cols]`, for which `is_set`.
    pub(crate) fn of_rows<T>(
        rows: usize,
        cols: usize,
        entries: &[T],
        is_set: impl Fn(&T) -> bool,
    ) -> Self {
        let mut bits = Self::empty(rows, cols);
        if cols > 0 {
            for (words, entries) in bits.words.chunks_mut(bits.width).zip(entries.chunks(cols)) {
                for (word, entries) in words.iter_mut().zip(entries.chunks(WORD)) {
                    *word = gathered(entries, &is_set);
                }
            }
        }
        bits
    }

    /// The same set.
    pub(crate) fn to_mask(&self) -> Mask {
        let mut mask = Mask::empty(self.rows, self.cols);
        for row in 0..self.rows {
            for run in self.runs_of_row(row) {
                mask.pixels[row * self.cols..][run.start..run.end].fill(true);
            }
        }
        mask
    }

    /// Words of a row; of no pixel above the first and below the last one.
    pub(crate) fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.width..][..self.width]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    pub(crate) fn contains(&self, row: usize, col: usize) -> bool {
        self.words[row * self.width + col / WORD] >> (col % WORD) & 1 == 1
    }

    /// Adds a pixel to the set, or takes it out.
    pub(crate) fn put(&mut self, row: usize, col: usize, is_set: bool) {
        let word = &mut self.words[row * self.width + col / WORD];
        let bit = 1 << (col % WORD);
        *word = if is_set { *word | bit } else { *word & !bit };
    }

    /// Takes the pixels of a run out.
    pub(crate) fn clear(&mut self, run: Run) {
        for col in (run.start / WORD * WORD..run.end).step_by(WORD) {
            let from = run.start.max(col) - col;
            let many = (run.end - col).min(WORD) - from;
            self.words[run.row * self.width + col / WORD] &= !(ones(many) << from);
        }
    }

    /// Adds the pixels of another set of the same size.
    pub(crate) fn unite(&mut self, other: &Self) {
        for (word, &more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    /// The pixels that another set of the same size lacks.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.by_word(|row, word| self.row(row)[word] & !other.row(row)[word])
    }

    /// The pixels that are not in the set.
    pub(crate) fn inverted(&self) -> Self {
        self.by_word(|row, word| !self.row(row)[word])
    }

    /// The set on a grid that has `margin` pixels more on every side; `margin` is under 64.
    pub(crate) fn padded(&self, margin: usize) -> Self {
        let mut padded = Self::empty(self.rows + 2 * margin, self.cols + 2 * margin);
        for row in 0..self.rows {
            let begin = (row + margin) * padded.width;
            let wide = &mut padded.words[begin..begin + padded.width];
            for (word, &bits) in self.row(row).iter().enumerate() {
                wide[word] |= bits << margin;
                if margin > 0 && word + 1 < wide.len() {
                    wide[word + 1] |= bits >> (WORD - margin);
                }
            }
        }
        padded
    }

    /// The set without `margin` pixels on every side; `margin` is under 64.
    pub(crate) fn cropped(&self, margin: usize) -> Self {
        let cropped = Self::empty(self.rows - 2 * margin, self.cols - 2 * margin);
        cropped.by_word(|row, word| {
            let wide = self.row(row + margin);
            let next = wide.get(word + 1).copied().unwrap_or(0);
            wide[word] >> margin | if margin > 0 { next << (WORD - margin) } else { 0 }
        })
    }

    /// A set of this size whose words a function of row and word gives; bits outside are dropped.
    pub(crate) fn by_word(&self, of: impl Fn(usize, usize) -> u64) -> Self {
        let mut made = Self::empty(self.rows, self.cols);
        let in_last = ones(self.cols - self.width.saturating_sub(1) * WORD);
        for row in 0..self.rows {
            let words = &mut made.words[row * self.width..][..self.width];
            for (word, bits) in words.iter_mut().enumerate() {
                *bits = of(row, word);
            }
            if let Some(last) = words.last_mut() {
                *last &= in_last;
            }
        }
        made
    }

    /// Places `(row, col)` of the set pixels, in row-major order.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        self.words.iter().enumerate().filter(|(_, word)| **word != 0).flat_map(|(at, &word)| {
            let (row, first) = (at / self.width, at % self.width * WORD);
            bits_of(word).map(move |bit| (row, first + bit))
        })
    }

    /// Runs of set pixels of a row, from left to right.
    pub(crate) fn runs_of_row(&self, row: usize) -> impl Iterator<Item = Run> {
        let (words, cols) = (self.row(row), self.cols);
        let mut from = 0;
        std::iter::from_fn(move || {
            let start = next(words, from, 0).filter(|&start| start < cols)?;
            let end = next(words, start, u64::MAX).map_or(cols, |end| end.min(cols));
            from = end;
            Some(Run { row, start, end })
        })
    }
}

/// Bit `i`: the pixel left of pixel `i` of the word.
pub(crate) fn west(row: &[u64], word: usize) -> u64 {
    row[word] << 1 | if word > 0 { row[word - 1] >> (WORD - 1) } else { 0 }
}

/// Bit `i`: the pixel right of pixel `i` of the word.
pub(crate) fn east(row: &[u64], word: usize) -> u64 {
    row[word] >> 1 | row.get(word + 1).map_or(0, |next| next << (WORD - 1))
}

/// The lowest `n` of 64 bits.
fn ones(n: usize) -> u64 {
    if n >= WORD { u64::MAX } else { (1 << n) - 1 }
}

/// Places of the set bits of a word, lowest first.
fn bits_of(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}

/// The first pixel from `from` on whose bit, flipped by `flip`, is set.
fn next(words: &[u64], from: usize, flip: u64) -> Option<usize> {
    let mut word = from / WORD;
    let mut bits = (words.get(word)? ^ flip) & !ones(from % WORD);
    while bits == 0 {
        word += 1;
        bits = words.get(word)? ^ flip;
    }
    Some(word * WORD + bits.trailing_zeros() as usize)
}

/// Which of up to 64 entries are set, as bits, the first one lowest.
fn gathered<T>(entries: &[T], is_set: impl Fn(&T) -> bool) -> u64 {
    let mut flags = [0_u8; WORD];
    for (flag, entry) in flags.iter_mut().zip(entries) {
        *flag = u8::from(is_set(entry));
    }
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().rev().fold(0, |bits, &eight| bits << 8 | u64::from(gathered_eight(eight)))
}

/// Eight flags, each 0 or 1, as bits, the first one lowest.
#[inline(always)]
pub(crate) fn gathered_eight(flags: [u8; 8]) -> u8 {
    // moves bit 0 of byte i to bit 56 + i; no two terms of the product meet
    const GATHER: u64 = 0x0102_0408_1020_4080;
    (u64::from_le_bytes(flags).wrapping_mul(GATHER) >> 56) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_set_stays_the_same_as_bits(
            cols in 0..150_usize,
            seed in prop::collection::vec(0..3_u8, 450),
        ) {
            let rows = seed.len().checked_div(cols).unwrap_or(0).min(3);
            let pixels = seed[..rows * cols].iter().map(|&value| value == 0).collect();
            let mask = Mask { rows, cols, pixels };
            let bits = BitMask::of(&mask);
            prop_assert_eq!(bits.to_mask(), mask.clone(), "there and back");
            prop_assert_eq!(bits.padded(2).cropped(2), bits.clone(), "padded and cropped");
            prop_assert_eq!(bits.inverted().inverted(), bits.clone(), "inverted twice");
            let places: Vec<_> = bits.places().map(|(row, col)| row * cols + col).collect();
            let set: Vec<_> = (0..rows * cols).filter(|&index| mask.pixels[index]).collect();
            prop_assert_eq!(places, set, "the places of the set pixels");
            let mut without = bits.clone();
            for row in 0..rows {
                bits.runs_of_row(row).for_each(|run| without.clear(run));
            }
            prop_assert!(without.is_empty(), "without its runs nothing is left");
        }
    }

    #[test]
    fn neighbours_reach_over_the_words() {
        let mut bits = BitMask::empty(1, 130);
        bits.put(0, 63, true);
        bits.put(0, 64, true);
        assert_eq!(west(bits.row(0), 1), 0b11, "pixels 63 and 64 lie left of 64 and 65");
        assert_eq!(east(bits.row(0), 0), 0b11 << 62, "and right of 62 and 63");
        assert!(bits.contains(0, 64) && !bits.contains(0, 65), "what was put");
    }
}
