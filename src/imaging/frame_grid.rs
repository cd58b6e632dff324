//! Where the frames of a cartridge lie.

/// The frames of a cartridge: rows scanned in turns from left to right and from right to left.
///
/// ```
/// use herscope::imaging::FrameGrid;
/// let grid = FrameGrid { rows: 2, cols: 3 };
/// assert_eq!(grid.place(3), Some((0, 2)));
/// assert_eq!(grid.place(4), Some((1, 2))); // the second row starts at the right
/// assert_eq!(grid.place(7), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameGrid {
    /// Rows of frames.
    pub rows: usize,
    /// Frames in a row.
    pub cols: usize,
}

impl FrameGrid {
    /// Frames of the cartridge.
    pub fn n_frames(&self) -> usize {
        self.rows * self.cols
    }

    /// Row and column, 0-based, of frame `number` (1-based); `None` if there is no such frame.
    pub fn place(&self, number: u32) -> Option<(usize, usize)> {
        let index = (number as usize).checked_sub(1).filter(|&index| index < self.n_frames())?;
        let (row, along) = (index / self.cols, index % self.cols);
        Some((row, if row % 2 == 0 { along } else { self.cols - 1 - along }))
    }

    /// Whether a frame lies in the first or last row or column. Only those get an edge mask.
    pub fn is_edge_frame(&self, number: u32) -> bool {
        self.place(number).is_some_and(|(row, col)| {
            row == 0 || col == 0 || row + 1 == self.rows || col + 1 == self.cols
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_scanned_in_turns() {
        let grid = FrameGrid { rows: 4, cols: 5 };
        let places: Vec<_> = [1, 5, 6, 10, 11, 20].map(|n| grid.place(n)).to_vec();
        let expected = [(0, 0), (0, 4), (1, 4), (1, 0), (2, 0), (3, 0)].map(Some);
        assert_eq!(places, expected, "snake");
        assert_eq!(grid.place(0), None, "frames are counted from 1");
        let inner: Vec<u32> = (1..=20).filter(|&n| !grid.is_edge_frame(n)).collect();
        assert_eq!(inner, [7, 8, 9, 12, 13, 14], "two rows of three");
    }
}
