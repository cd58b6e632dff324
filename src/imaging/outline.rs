//! Length of an object's outline.

use super::pixel_box::PixelBox;

/// Length weights of Vossepoel and Smeulders, as MATLAB's `regionprops` has them.
const EVEN_STEP: f64 = 0.980;
const DIAGONAL_STEP: f64 = 1.406;
const CORNER: f64 = -0.091;

/// Steps (row, col) to the eight neighbours, clockwise on the screen from east.
const STEPS: [(isize, isize); 8] =
    [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)];

/// A small drawing of one object, with a margin of one unset pixel on all sides.
pub(crate) struct Silhouette {
    cols: usize,
    pixels: Vec<bool>,
}

impl Silhouette {
    /// Draws `pixels` (row, col), all of which lie in `bbox`.
    pub(crate) fn new(bbox: PixelBox, pixels: impl Iterator<Item = (usize, usize)>) -> Self {
        let cols = bbox.cols() + 2;
        let mut drawn = vec![false; (bbox.rows() + 2) * cols];
        for (row, col) in pixels {
            drawn[(row - bbox.row0 + 1) * cols + col - bbox.col0 + 1] = true;
        }
        Self { cols, pixels: drawn }
    }

    /// Perimeter in pixels of the piece that is met first down the columns; 0 for one pixel and
    /// for an empty drawing. Holes and other pieces do not count.
    ///
    /// The outer 8-connected boundary is traced from pixel to pixel until it closes: 0.980 a step
    /// along a row or column, 1.406 a diagonal one, less 0.091 wherever the kind of step (along a
    /// row, along a column, diagonal) changes, the closing place included.
    ///
    /// # Source
    /// Vossepoel and Smeulders 1982, Comput. Graph. Image Process. 20:347; behaviour of MATLAB.
    pub(crate) fn perimeter_px(&self) -> f64 {
        let Some(start) = self.first_pixel() else { return 0.0 };
        let steps = self.boundary_steps(start);
        // 0 along a row, 1 diagonal, 2 along a column: a change is a corner
        let kind = |direction: usize| [0, 1, 2, 1][direction % 4];
        let length = |&direction: &usize| {
            if direction % 2 == 0 { EVEN_STEP } else { DIAGONAL_STEP }
        };
        let changes = steps
            .iter()
            .zip(steps.iter().cycle().skip(1))
            .filter(|(here, next)| kind(**here) != kind(**next))
            .count();
        steps.iter().map(length).sum::<f64>() + CORNER * changes as f64
    }

    /// Leftmost column, then topmost row.
    fn first_pixel(&self) -> Option<usize> {
        let rows = self.pixels.len() / self.cols;
        (0..self.cols)
            .flat_map(|col| (0..rows).map(move |row| row * self.cols + col))
            .find(|&pixel| self.pixels[pixel])
    }

    /// Directions (indices of [`STEPS`]) along the closed boundary; none for a single pixel.
    fn boundary_steps(&self, start: usize) -> Vec<usize> {
        // nothing is set to the west of the first pixel: look round clockwise from there
        let Some(first) = self.next_step(start, 4) else { return Vec::new() };
        let mut steps = vec![first];
        let mut pixel = self.moved(start, first);
        loop {
            // clockwise from just after the place we came from
            let direction = steps[steps.len() - 1];
            let Some(next) = self.next_step(pixel, (direction + 5) % 8) else { return steps };
            if pixel == start && next == first {
                return steps;
            }
            steps.push(next);
            pixel = self.moved(pixel, next);
        }
    }

    /// The first set neighbour clockwise, beginning with direction `from`.
    fn next_step(&self, pixel: usize, from: usize) -> Option<usize> {
        (from..from + 8).map(|d| d % 8).find(|&d| self.pixels[self.moved(pixel, d)])
    }

    fn moved(&self, pixel: usize, direction: usize) -> usize {
        let (rows, cols) = STEPS[direction];
        pixel.wrapping_add_signed(rows * self.cols as isize + cols)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Mask;
    use crate::imaging::drawing::mask;

    fn perimeter(drawn: &Mask) -> f64 {
        let bbox = PixelBox { row0: 0, col0: 0, row1: drawn.rows, col1: drawn.cols };
        let set = (0..drawn.pixels.len()).filter(|&index| drawn.pixels[index]);
        Silhouette::new(bbox, set.map(|index| (index / drawn.cols, index % drawn.cols)))
            .perimeter_px()
    }

    fn assert_close(found: f64, expected: f64, what: &str) {
        assert!((found - expected).abs() < 1e-12, "{what}: {found} for {expected}");
    }

    #[test]
    fn a_square_of_three_has_eight_even_steps_and_four_corners() {
        assert_close(perimeter(&mask!("###" "###" "###")), 8.0 * 0.98 - 4.0 * 0.091, "by hand");
        assert_close(perimeter(&mask!("###" "#.#" "###")), 8.0 * 0.98 - 4.0 * 0.091, "a hole");
    }

    #[test]
    fn a_line_is_walked_there_and_back() {
        assert_close(perimeter(&mask!("####")), 6.0 * 0.98, "three steps each way, no corner");
        assert_close(perimeter(&mask!("#.." ".#." "..#")), 4.0 * 1.406, "diagonal");
        assert_close(perimeter(&mask!("##")), 2.0 * 0.98, "two pixels");
        assert_close(perimeter(&mask!("#")), 0.0, "one pixel");
        assert_close(perimeter(&mask!("...")), 0.0, "none");
    }

    #[test]
    fn a_diamond_has_only_diagonal_steps() {
        assert_close(perimeter(&mask!(".#." "###" ".#.")), 4.0 * 1.406, "no corner: one kind");
    }

    #[test]
    fn a_waist_of_one_pixel_is_passed_twice() {
        // down the left diagonal pair, through the middle, and back: 2 even and 4 diagonal steps
        let drawn = mask!("#...#" "#...#" ".#.#." "..#..");
        let steps = 4.0 * 0.98 + 8.0 * 1.406;
        assert_close(perimeter(&drawn), steps - 4.0 * 0.091, "a V walked round");
    }

    #[test]
    fn only_the_piece_met_first_counts() {
        assert_close(perimeter(&mask!("##...##" ".....##")), 2.0 * 0.98, "the left one");
    }
}
