//! Where the frames of a cartridge lie.

/// In which order the stage goes over the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScanOrder {
    /// Rows in turns from left to right and from right to left, the first row at the top.
    #[default]
    Serpentine,
    /// As [`Self::Serpentine`], but of all rows only the second, fourth and sixth run from right to
    /// left: what ACCEPT does with cartridges of eight rows and more.
    AcceptSerpentine,
    /// As [`Self::Serpentine`], but the first row is the one at the bottom.
    SerpentineFromBelow,
    /// Every row from left to right.
    Raster,
}

/// The frames of a cartridge and the order in which they were taken.
///
/// ```
/// use herscope::imaging::{FrameGrid, ScanOrder};
/// let grid = FrameGrid::serpentine(2, 3);
/// assert_eq!(grid.place(3), Some((0, 2)));
/// assert_eq!(grid.place(4), Some((1, 2))); // the second row starts at the right
/// assert_eq!(grid.place(7), None);
/// assert_eq!(grid.in_order(ScanOrder::Raster).place(4), Some((1, 0)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameGrid {
    /// Rows of frames.
    pub rows: usize,
    /// Frames in a row.
    pub cols: usize,
    /// In which order they were taken.
    pub order: ScanOrder,
}

impl FrameGrid {
    /// Frames of a CellTracks scan.
    pub const fn serpentine(rows: usize, cols: usize) -> Self {
        Self { rows, cols, order: ScanOrder::Serpentine }
    }

    /// The same frames taken in another order.
    #[must_use]
    pub const fn in_order(self, order: ScanOrder) -> Self {
        Self { order, ..self }
    }

    /// Frames of the cartridge.
    pub fn n_frames(&self) -> usize {
        self.rows * self.cols
    }

    /// Row and column, 0-based, of frame `number` (1-based); `None` if there is no such frame.
    pub fn place(&self, number: u32) -> Option<(usize, usize)> {
        let index = (number as usize).checked_sub(1).filter(|&index| index < self.n_frames())?;
        let (turn, along) = (index / self.cols, index % self.cols);
        let runs_left = match self.order {
            ScanOrder::Serpentine | ScanOrder::SerpentineFromBelow => turn % 2 == 1,
            ScanOrder::AcceptSerpentine => matches!(turn, 1 | 3 | 5),
            ScanOrder::Raster => false,
        };
        let row = match self.order {
            ScanOrder::SerpentineFromBelow => self.rows - 1 - turn,
            _ => turn,
        };
        Some((row, if runs_left { self.cols - 1 - along } else { along }))
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

    fn places(grid: FrameGrid, numbers: &[u32]) -> Vec<(usize, usize)> {
        numbers.iter().map(|&n| grid.place(n).expect("a frame of the grid")).collect()
    }

    #[test]
    fn rows_are_scanned_in_turns() {
        let grid = FrameGrid::serpentine(4, 5);
        let expected = [(0, 0), (0, 4), (1, 4), (1, 0), (2, 0), (3, 0)];
        assert_eq!(places(grid, &[1, 5, 6, 10, 11, 20]), expected, "snake");
        assert_eq!(grid.place(0), None, "frames are counted from 1");
        let inner: Vec<u32> = (1..=20).filter(|&n| !grid.is_edge_frame(n)).collect();
        assert_eq!(inner, [7, 8, 9, 12, 13, 14], "two rows of three");
    }

    #[test]
    fn other_orders_put_frames_elsewhere() {
        let raster = FrameGrid::serpentine(2, 3).in_order(ScanOrder::Raster);
        assert_eq!(places(raster, &[3, 4, 6]), [(0, 2), (1, 0), (1, 2)], "all from the left");
        let below = FrameGrid::serpentine(4, 35).in_order(ScanOrder::SerpentineFromBelow);
        assert_eq!(places(below, &[1, 36, 140]), [(3, 0), (2, 34), (0, 0)], "from the bottom");
        let accept = FrameGrid::serpentine(8, 2).in_order(ScanOrder::AcceptSerpentine);
        assert_eq!(places(accept, &[11, 15]), [(5, 1), (7, 0)], "row 6 runs left, row 8 does not");
    }
}
