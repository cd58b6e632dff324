//! Tidying of one channel's contour: what is too small or cut by the border goes.

use super::bit_mask::{BitMask, east, west};
use super::frame::Mask;
use super::label::{Components, Connectivity};
use super::thicken::thickened;

/// Fewest pixels of an 8-connected component that is kept, here and before the contour.
pub const MIN_AREA_PX: usize = 10;

/// Drops 8-connected components of fewer than `min_area_px` pixels.
pub fn open_area(mask: &mut Mask, min_area_px: usize) {
    let mut bits = BitMask::of(mask);
    drop_small(&mut bits, min_area_px);
    *mask = bits.to_mask();
}

/// [`open_area`] on bits.
pub(crate) fn drop_small(mask: &mut BitMask, min_area_px: usize) {
    let components = Components::of(mask, Connectivity::Eight);
    components.clear(mask, |component| components.sizes[component] < min_area_px);
}

/// Drops 8-connected components that have a pixel in the first or last row or column.
pub fn clear_border(mask: &mut Mask) {
    let mut bits = BitMask::of(mask);
    drop_touching_border(&mut bits);
    *mask = bits.to_mask();
}

fn drop_touching_border(mask: &mut BitMask) {
    let components = Components::of(mask, Connectivity::Eight);
    let mut touches = vec![false; components.len()];
    for (run, &component) in components.runs.iter().zip(&components.of_run) {
        let at_border =
            run.row == 0 || run.row + 1 == mask.rows || run.start == 0 || run.end == mask.cols;
        touches[component] |= at_border;
    }
    components.clear(mask, |component| touches[component]);
}

/// The mask without its perimeter: pixels that have an unset neighbour above, below, left or
/// right; what lies outside the mask counts as unset.
pub fn without_perimeter(mask: &Mask) -> Mask {
    inner(&BitMask::of(mask)).to_mask()
}

fn inner(mask: &BitMask) -> BitMask {
    mask.by_word(|row, word| {
        if row == 0 || row + 1 == mask.rows {
            return 0;
        }
        let here = mask.row(row);
        let beside = west(here, word) & east(here, word);
        here[word] & beside & mask.row(row - 1)[word] & mask.row(row + 1)[word]
    })
}

/// Opening with a square of 3 x 3 pixels; what lies outside the mask takes no part.
pub(crate) fn open_with_square(mask: &mut Mask) {
    let shrunk = over_square(mask, true);
    *mask = over_square(&shrunk, false);
}

/// Whether all (or any) pixels of the 3 x 3 square around each pixel are set.
fn over_square(mask: &Mask, all: bool) -> Mask {
    let mut result = Mask::empty(mask.rows, mask.cols);
    for (index, out) in result.pixels.iter_mut().enumerate() {
        let (row, col) = (index / mask.cols, index % mask.cols);
        let rows = row.saturating_sub(1)..(row + 2).min(mask.rows);
        let cols = col.saturating_sub(1)..(col + 2).min(mask.cols);
        let mut square =
            rows.flat_map(|y| mask.pixels[y * mask.cols..][cols.clone()].iter().copied());
        *out = if all { square.all(|set| set) } else { square.any(|set| set) };
    }
    result
}

/// A channel's objects from its contour.
///
/// With `clear_border_objects`, objects at the frame's border go first. Then twice: the perimeter
/// is removed, components of fewer than 10 pixels are dropped, and the rest is thickened by one
/// pixel. So an object needs an interior of 10 pixels, and loses what is thinner than three.
///
/// # Source
/// Behaviour of ACCEPT.
pub fn tidy(contour: &Mask, clear_border_objects: bool) -> Mask {
    let mut mask = BitMask::of(contour);
    if clear_border_objects {
        drop_touching_border(&mut mask);
    }
    for _ in 0..2 {
        mask = inner(&mask);
        drop_small(&mut mask, MIN_AREA_PX);
        mask = thickened(&mask);
    }
    mask.to_mask()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::drawing::mask;
    use proptest::prelude::*;

    #[test]
    fn components_at_the_minimum_area_are_kept() {
        let mut drawn = mask!("###.." "...##" "#....");
        open_area(&mut drawn, 5);
        assert_eq!(drawn, mask!("###.." "...##" "....."), "five pixels joined by a corner stay");
    }

    #[test]
    fn only_objects_at_the_border_are_cleared() {
        let mut drawn = mask!("#....." ".#...." "...#.." "......");
        clear_border(&mut drawn);
        assert_eq!(drawn, mask!("......" "......" "...#.." "......"), "joined by a corner too");
    }

    #[test]
    fn the_border_of_the_image_is_perimeter() {
        let inner = without_perimeter(&mask!("####" "####" "####"));
        assert_eq!(inner, mask!("...." ".##." "...."), "outside counts as unset");
        assert_eq!(without_perimeter(&mask!("##" "##")).count(), 0, "all perimeter");
    }

    #[test]
    fn opening_with_a_square_keeps_squares_also_at_the_border() {
        let mut drawn = mask!("##...#" "##..##" "....##" "#...##");
        open_with_square(&mut drawn);
        assert_eq!(drawn, mask!("##...." "##..##" "....##" "....##"), "two wide at the border");
    }

    #[test]
    fn a_disc_survives_and_specks_and_bridges_do_not() {
        let drawn = mask!(
            ".............."
            "...####......."
            "..######..##.."
            "..############"
            "..######..##.."
            "..######......"
            "...####......."
            ".............."
        );
        let tidied = tidy(&drawn, false);
        assert!(tidied.count() >= 24, "the disc stays: {}", tidied.count());
        assert!(!tidied.pixels[3 * 14 + 9], "the bridge to the speck goes");
        assert!(!tidied.pixels[3 * 14 + 11], "the speck goes");
        assert_eq!(tidy(&drawn, true).count(), 0, "it touches the border through the bridge");
    }

    proptest! {
        #[test]
        fn area_opening_twice_is_area_opening_once(
            pixels in prop::collection::vec(any::<bool>(), 80),
            min_area_px in 0..12_usize,
        ) {
            let mut once = Mask { rows: 8, cols: 10, pixels };
            open_area(&mut once, min_area_px);
            let mut twice = once.clone();
            open_area(&mut twice, min_area_px);
            prop_assert_eq!(once, twice, "nothing small is left");
        }
    }
}
