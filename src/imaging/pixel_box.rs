//! Rectangles of pixels and what can be cut out with them.

use super::frame::{Frame, Mask, Plane};

/// A rectangle of pixels, 0-based and half-open: rows `row0..row1`, columns `col0..col1`.
///
/// ```
/// use herscope::imaging::PixelBox;
/// let bbox = PixelBox { row0: 2, col0: 3, row1: 5, col1: 10 };
/// assert_eq!((bbox.rows(), bbox.cols()), (3, 7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct PixelBox {
    /// First row.
    pub row0: usize,
    /// First column.
    pub col0: usize,
    /// One past the last row.
    pub row1: usize,
    /// One past the last column.
    pub col1: usize,
}

impl PixelBox {
    /// Height in pixels.
    pub fn rows(&self) -> usize {
        self.row1.saturating_sub(self.row0)
    }

    /// Width in pixels.
    pub fn cols(&self) -> usize {
        self.col1.saturating_sub(self.col0)
    }

    /// The part of this box that lies on a grid of `rows x cols`, or `None` if no pixel does.
    pub fn clamped(&self, rows: usize, cols: usize) -> Option<Self> {
        let inside = Self { row1: self.row1.min(rows), col1: self.col1.min(cols), ..*self };
        (inside.row0 < inside.row1 && inside.col0 < inside.col1).then_some(inside)
    }

    /// Pixels between the box and the nearest side of a frame it lies in.
    pub(crate) fn distance_to_border(&self, rows: usize, cols: usize) -> usize {
        self.row0.min(self.col0).min(rows - self.row1).min(cols - self.col1)
    }

    /// The pixels of a row-major `values` grid of width `cols` that lie in the box.
    fn cut<T: Copy>(&self, values: &[T], cols: usize) -> Vec<T> {
        (self.row0..self.row1)
            .flat_map(|row| &values[row * cols + self.col0..row * cols + self.col1])
            .copied()
            .collect()
    }

    /// The part of a plane in the box; the box must lie on the plane (see [`Self::clamped`]).
    pub(crate) fn cut_plane(&self, plane: &Plane) -> Plane {
        Plane::new(self.rows(), self.cols(), self.cut(&plane.pixels, plane.cols))
    }

    /// The part of a mask in the box; the box must lie on the mask.
    pub(crate) fn cut_mask(&self, mask: &Mask) -> Mask {
        Mask { rows: self.rows(), cols: self.cols(), pixels: self.cut(&mask.pixels, mask.cols) }
    }

    /// All channels of a frame in the box; the box must lie on the frame.
    pub(crate) fn cut_frame(&self, frame: &Frame) -> Frame {
        Frame {
            number: frame.number,
            channels: frame.channels.clone(),
            planes: frame.planes.iter().map(|plane| self.cut_plane(plane)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_beyond_the_plane_is_clamped_and_one_outside_is_none() {
        let bbox = PixelBox { row0: 1, col0: 2, row1: 9, col1: 9 };
        let inside = bbox.clamped(4, 5).expect("rows 1..4 and columns 2..5 are inside");
        assert_eq!((inside.rows(), inside.cols()), (3, 3), "clamped to the plane");
        assert_eq!(bbox.clamped(1, 5), None, "row 1 is outside a plane of one row");
    }

    #[test]
    fn cutting_keeps_rows_together() {
        let plane = Plane::new(2, 3, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let cut = PixelBox { row0: 0, col0: 1, row1: 2, col1: 3 }.cut_plane(&plane);
        assert_eq!(cut, Plane::new(2, 2, vec![1.0, 2.0, 4.0, 5.0]), "columns 1 and 2 of both rows");
    }
}
