//! Growing objects by one pixel without letting them meet.

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
    if mask.count() == 0 {
        return mask.clone();
    }
    let grown = grow_isolated(&Padded::new(mask));
    let background = grown.inverted();
    let thinned = background.thinned(first_subiteration()).thinned(second_subiteration());
    thinned.mended(&background).inverted().cropped(mask.rows, mask.cols)
}

/// A mask with a margin, as bytes.
struct Padded {
    cols: usize,
    pixels: Vec<u8>,
}

impl Padded {
    fn new(mask: &Mask) -> Self {
        let cols = mask.cols + 2 * PADDING;
        let mut pixels = vec![0; (mask.rows + 2 * PADDING) * cols];
        for (row, source) in mask.pixels.chunks_exact(mask.cols).enumerate() {
            let start = (row + PADDING) * cols + PADDING;
            for (pixel, &set) in pixels[start..].iter_mut().zip(source) {
                *pixel = u8::from(set);
            }
        }
        Self { cols, pixels }
    }

    fn rows(&self) -> usize {
        self.pixels.len() / self.cols
    }

    fn inverted(&self) -> Self {
        Self { cols: self.cols, pixels: self.pixels.iter().map(|&set| set ^ 1).collect() }
    }

    fn cropped(&self, rows: usize, cols: usize) -> Mask {
        let mut pixels = Vec::with_capacity(rows * cols);
        for row in PADDING..PADDING + rows {
            let kept = &self.pixels[row * self.cols + PADDING..][..cols];
            pixels.extend(kept.iter().map(|&set| set == 1));
        }
        Mask { rows, cols, pixels }
    }

    /// The eight neighbours as bits: east, north-east, north, .. south-east from bit 0; the pixel
    /// must not lie on the outermost ring.
    fn neighbours(&self, pixel: usize) -> usize {
        let (p, c) = (&self.pixels, self.cols);
        let around = [
            p[pixel + 1],
            p[pixel - c + 1],
            p[pixel - c],
            p[pixel - c - 1],
            p[pixel - 1],
            p[pixel + c - 1],
            p[pixel + c],
            p[pixel + c + 1],
        ];
        around.iter().enumerate().fold(0, |bits, (bit, &set)| bits | usize::from(set) << bit)
    }

    /// One thinning sub-iteration: removes set pixels whose neighbourhood is in the table.
    ///
    /// Only pixels beside an unset one can go; the outermost ring stays.
    fn thinned(&self, removable: &[bool; 256]) -> Self {
        let mut pixels = self.pixels.clone();
        for pixel in self.set_beside_unset() {
            if removable[self.neighbours(pixel)] {
                pixels[pixel] = 0;
            }
        }
        Self { cols: self.cols, pixels }
    }

    /// Set pixels, outermost ring excluded, with an unset pixel among their eight neighbours.
    fn set_beside_unset(&self) -> Vec<usize> {
        let mut above_to_below = vec![0_u8; self.cols];
        let mut flags = vec![0_u8; self.cols];
        let mut found = Vec::new();
        for row in 1..self.rows() - 1 {
            let [above, here, below] = [row - 1, row, row + 1].map(|row| self.row(row));
            for (((all, &a), &h), &b) in above_to_below.iter_mut().zip(above).zip(here).zip(below) {
                *all = a & h & b;
            }
            let inside = above_to_below.windows(3).map(|three| three[0] & three[1] & three[2]);
            for ((flag, &set), inside) in flags[1..].iter_mut().zip(&here[1..]).zip(inside) {
                *flag = set & (inside ^ 1);
            }
            push_set(&flags, row * self.cols, &mut found);
        }
        found
    }

    /// Puts pixels of `whole` back where two set diagonal neighbours have no set pixel beside both.
    fn mended(&self, whole: &Self) -> Self {
        let cols = self.cols;
        let mut flags = vec![0_u8; cols];
        let mut cuts = Vec::new();
        for row in 0..self.rows() - 1 {
            let (upper, lower) = (self.row(row), self.row(row + 1));
            let pairs = upper.windows(2).zip(lower.windows(2));
            for (flag, (up, low)) in flags.iter_mut().zip(pairs) {
                *flag = (up[0] ^ up[1]) & (low[0] ^ low[1]) & (up[0] ^ low[0]);
            }
            push_set(&flags, row * cols, &mut cuts);
        }
        let mut pixels = self.pixels.clone();
        for top in cuts {
            for pixel in [top, top + 1, top + cols, top + cols + 1] {
                pixels[pixel] |= whole.pixels[pixel];
            }
        }
        Self { cols, pixels }
    }

    fn row(&self, row: usize) -> &[u8] {
        &self.pixels[row * self.cols..][..self.cols]
    }
}

/// Appends `start` plus the places of the set flags, which are few: looks at 32 at once.
fn push_set(flags: &[u8], start: usize, found: &mut Vec<usize>) {
    for (chunk, first) in flags.chunks(32).zip((start..).step_by(32)) {
        if chunk.iter().fold(0, |any, &flag| any | flag) != 0 {
            let set = chunk.iter().zip(first..).filter(|(flag, _)| **flag != 0);
            found.extend(set.map(|(_, place)| place));
        }
    }
}

/// Set pixels without set neighbours, with those neighbours that touch no other set pixel.
fn grow_isolated(mask: &Padded) -> Padded {
    let cols = mask.cols;
    let mut pixels = mask.pixels.clone();
    let isolated = mask
        .set_beside_unset()
        .into_iter()
        .filter(|&pixel| mask.neighbours(pixel) == 0)
        .collect::<Vec<_>>();
    for pixel in isolated {
        let above = pixel - cols;
        let below = pixel + cols;
        for beside in
            [above - 1, above, above + 1, pixel - 1, pixel + 1, below - 1, below, below + 1]
        {
            if mask.neighbours(beside).count_ones() == 1 {
                pixels[beside] = 1;
            }
        }
    }
    Padded { cols, pixels }
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
    use crate::imaging::label::{Components, Connectivity};
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
            let before = Components::of(&mask, Connectivity::Eight).len();
            let after = Components::of(&grown, Connectivity::Eight).len();
            prop_assert_eq!(before, after, "as many objects as before");
        }
    }
}
