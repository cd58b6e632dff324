//! Growing objects by one pixel without letting them meet.

use super::bit_mask::{BitMask, east, west};
use super::frame::Mask;

/// Pixels added on every side while thickening, so that the image's border does not matter.
const PADDING: usize = 2;

/// The mask with every object grown by one pixel; objects never merge.
///
/// The background is thinned once (two sub-iterations); background pixels are put back where the
/// thinned background would be cut between diagonal neighbours. An isolated pixel, which this
/// alone would not grow evenly, first grows into those neighbours that have no other set neighbour.
///
/// # Source
/// Inferred from the documented behaviour of MATLAB's `bwmorph(mask, 'thicken', 1)`; thinning is
/// that of Lam, Lee and Suen 1992, IEEE Trans. PAMI 14:869, page 879. Rims may differ from MATLAB's
/// by a pixel, which is why this is one function of its own.
pub fn thicken(mask: &Mask) -> Mask {
    thickened(&BitMask::of(mask)).to_mask()
}

/// [`thicken`] on bits.
pub(crate) fn thickened(mask: &BitMask) -> BitMask {
    if mask.is_empty() {
        return mask.clone();
    }
    let grown = with_isolated_grown(&mask.padded(PADDING));
    let background = grown.inverted();
    let thinned = thinned(&thinned(&background, first_subiteration()), second_subiteration());
    mended(thinned, &background).inverted().cropped(PADDING)
}

/// The eight neighbours as bits: east, north-east, north, .. south-east from bit 0; the pixel must
/// not lie on the outermost ring.
fn neighbours(mask: &BitMask, (row, col): (usize, usize)) -> usize {
    let around = [
        (row, col + 1),
        (row - 1, col + 1),
        (row - 1, col),
        (row - 1, col - 1),
        (row, col - 1),
        (row + 1, col - 1),
        (row + 1, col),
        (row + 1, col + 1),
    ];
    let bit = |(y, x)| usize::from(mask.contains(y, x));
    around.into_iter().enumerate().fold(0, |bits, (place, at)| bits | bit(at) << place)
}

/// One thinning sub-iteration: removes set pixels whose neighbourhood is in the table.
///
/// Only pixels beside an unset one can go; the outermost ring stays.
fn thinned(mask: &BitMask, removable: &[bool; 256]) -> BitMask {
    let mut left = mask.clone();
    let beside_unset = inside_ring(mask, |[above, here, below], word| {
        let column =
            |of: fn(&[u64], usize) -> u64| of(above, word) & of(here, word) & of(below, word);
        here[word] & !(column(own) & column(west) & column(east))
    });
    for (row, col) in beside_unset.places() {
        if removable[neighbours(mask, (row, col))] {
            left.put(row, col, false);
        }
    }
    left
}

fn own(row: &[u64], word: usize) -> u64 {
    row[word]
}

/// A set made word by word from three rows, without the pixels of the outermost ring.
fn inside_ring(mask: &BitMask, of: impl Fn([&[u64]; 3], usize) -> u64) -> BitMask {
    let (rows, cols) = (mask.rows, mask.cols);
    mask.by_word(|row, word| {
        if row == 0 || row + 1 == rows {
            return 0;
        }
        let mut bits = of([row - 1, row, row + 1].map(|row| mask.row(row)), word);
        for col in [0, cols - 1] {
            if col / 64 == word {
                bits &= !(1 << (col % 64));
            }
        }
        bits
    })
}

/// Puts pixels of `whole` back where two set diagonal neighbours have no set pixel beside both.
fn mended(mut thinned: BitMask, whole: &BitMask) -> BitMask {
    let (rows, cols) = (thinned.rows, thinned.cols);
    let cuts = thinned.by_word(|row, word| {
        if row + 1 == rows {
            return 0;
        }
        let (upper, lower) = (thinned.row(row), thinned.row(row + 1));
        (upper[word] ^ east(upper, word))
            & (lower[word] ^ east(lower, word))
            & (upper[word] ^ lower[word])
    });
    for (row, col) in cuts.places().filter(|&(_, col)| col + 1 < cols) {
        for (row, col) in [(row, col), (row, col + 1), (row + 1, col), (row + 1, col + 1)] {
            if whole.contains(row, col) {
                thinned.put(row, col, true);
            }
        }
    }
    thinned
}

/// The set with the neighbours of isolated pixels that touch no other set pixel.
fn with_isolated_grown(mask: &BitMask) -> BitMask {
    let mut grown = mask.clone();
    let isolated = inside_ring(mask, |[above, here, below], word| {
        let beside = west(here, word) | east(here, word);
        let in_row = |row: &[u64]| row[word] | west(row, word) | east(row, word);
        here[word] & !(beside | in_row(above) | in_row(below))
    });
    for (row, col) in isolated.places() {
        for (y, x) in (row - 1..=row + 1).flat_map(|y| (col - 1..=col + 1).map(move |x| (y, x))) {
            if (y, x) != (row, col) && neighbours(mask, (y, x)).count_ones() == 1 {
                grown.put(y, x, true);
            }
        }
    }
    grown
}

/// Neighbourhoods whose centre the first sub-iteration removes.
fn first_subiteration() -> &'static [bool; 256] {
    static TABLE: [bool; 256] = removable_table(0);
    &TABLE
}

/// Neighbourhoods whose centre the second sub-iteration removes.
fn second_subiteration() -> &'static [bool; 256] {
    static TABLE: [bool; 256] = removable_table(4);
    &TABLE
}

/// Conditions G1, G2 and G3 (`turn` 0) or G3' (`turn` 4: the same turned by half a circle).
const fn removable_table(turn: usize) -> [bool; 256] {
    let mut table = [false; 256];
    let mut bits = 0;
    while bits < 256 {
        table[bits] = crossings(bits) == 1 && ends_allow(bits) && side_allows(bits, turn);
        bits += 1;
    }
    table
}

/// Neighbour x1..x8 (counter-clockwise from east, cyclic) of a neighbourhood.
const fn x(bits: usize, index: usize) -> bool {
    bits >> ((index + 7) % 8) & 1 == 1
}

/// G1: how many times the neighbourhood changes from unset to set over its four sides.
const fn crossings(bits: usize) -> u32 {
    let mut count = 0;
    let mut side = 1;
    while side <= 7 {
        if !x(bits, side) && (x(bits, side + 1) || x(bits, side + 2)) {
            count += 1;
        }
        side += 2;
    }
    count
}

/// G2: neither the end of a line nor inside.
const fn ends_allow(bits: usize) -> bool {
    let (mut odd_pairs, mut even_pairs) = (0, 0);
    let mut k = 1;
    while k <= 7 {
        if x(bits, k) || x(bits, k + 1) {
            odd_pairs += 1;
        }
        if x(bits, k + 1) || x(bits, k + 2) {
            even_pairs += 1;
        }
        k += 2;
    }
    let fewer = if odd_pairs < even_pairs { odd_pairs } else { even_pairs };
    fewer == 2 || fewer == 3
}

/// G3: `(x2 or x3 or not x8) and x1` is false; turned by `turn` neighbours.
const fn side_allows(bits: usize, turn: usize) -> bool {
    !((x(bits, 2 + turn) || x(bits, 3 + turn) || !x(bits, 8 + turn)) && x(bits, 1 + turn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::drawing::mask;
    use crate::imaging::label::{Connectivity, label_components};
    use crate::imaging::morphology::open_area;
    use proptest::prelude::*;

    #[test]
    fn a_square_grows_by_one_pixel_on_each_side() {
        let grown =
            thicken(&mask!("......." "......." "..###.." "..###.." "..###.." "......." "......."));
        for (row, col) in [(1, 3), (5, 3), (3, 1), (3, 5)] {
            assert!(grown.pixels[row * 7 + col], "row {row}, column {col}");
        }
        assert!(!grown.pixels[0], "not by more");
        assert!((21..=25).contains(&grown.count()), "corners may or may not: {}", grown.count());
    }

    #[test]
    fn an_isolated_pixel_grows_evenly() {
        let grown =
            thicken(&mask!("......." "......." "......." "...#..." "......." "......." "......."));
        assert!(grown.count() >= 9, "at least its eight neighbours: {}", grown.count());
    }

    #[test]
    fn an_object_at_the_border_grows_along_it() {
        let grown = thicken(&mask!("##......" "##......" "........" "........"));
        assert!(grown.pixels[2] && grown.pixels[2 * 8], "right and below");
    }

    proptest! {
        #[test]
        fn objects_grow_and_never_merge(pixels in prop::collection::vec(0..4_u8, 15 * 15)) {
            let mut mask =
                Mask { rows: 15, cols: 15, pixels: pixels.iter().map(|&p| p == 0).collect() };
            // isolated pixels grow before the thinning that keeps objects apart
            open_area(&mut mask, 2);
            let grown = thicken(&mask);
            prop_assert!(
                mask.pixels.iter().zip(&grown.pixels).all(|(&was, &is)| is || !was),
                "no pixel is lost"
            );
            let before = label_components(&mask, Connectivity::Eight).n_labels;
            let after = label_components(&grown, Connectivity::Eight).n_labels;
            prop_assert_eq!(before, after, "as many objects as before");
        }
    }
}
