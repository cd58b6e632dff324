//! Where the frames of a cartridge lie: rows and columns scanned like a snake.

use crate::Error;

/// Frames of a cartridge in rows and columns. Frame 1 is at the top left; odd rows (1, 3, ..) run
/// left to right, even ones right to left. Frames do not overlap.
///
/// ```
/// use herscope::imaging::CartridgeGrid;
///
/// let grid = CartridgeGrid::new(4, 5)?;
/// assert_eq!(grid.position(5), Some((0, 4)));
/// assert_eq!(grid.position(6), Some((1, 4)));
/// assert_eq!(grid.position(21), None);
/// # Ok::<(), herscope::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CartridgeGrid {
    rows: u32,
    cols: u32,
}

/// Frame counts of CellTracks scans and their grids.
const KNOWN_GRIDS: [(usize, u32, u32); 6] =
    [(210, 6, 35), (180, 5, 36), (175, 5, 35), (170, 5, 34), (144, 4, 36), (140, 4, 35)];

/// Frames a cartridge may have; scans have at most 210.
const MAX_FRAMES: u64 = 100_000;

impl CartridgeGrid {
    /// A grid of `rows x cols` frames.
    ///
    /// # Errors
    /// No row, no column, or more than 100 000 frames (an input error).
    pub fn new(rows: u32, cols: u32) -> Result<Self, Error> {
        let n_frames = u64::from(rows) * u64::from(cols);
        if n_frames == 0 || n_frames > MAX_FRAMES {
            return Err(Error::input("arranging frames in a grid")
                .found(format!("{rows} x {cols} frames"))
                .expected(format!("1 to {MAX_FRAMES} frames")));
        }
        Ok(Self { rows, cols })
    }

    /// The grid that a CellTracks scan of this many frames has, if there is one.
    ///
    /// # Source
    /// Table in the ACCEPT loader: 210 = 6 x 35, 180 = 5 x 36, 175 = 5 x 35, 170 = 5 x 34,
    /// 144 = 4 x 36, 140 = 4 x 35.
    pub fn from_frame_count(n_frames: usize) -> Option<Self> {
        let known = KNOWN_GRIDS.iter().find(|(n, _, _)| *n == n_frames);
        known.map(|&(_, rows, cols)| Self { rows, cols })
    }

    /// Rows of frames.
    pub fn rows(&self) -> usize {
        self.rows as usize
    }

    /// Columns of frames.
    pub fn cols(&self) -> usize {
        self.cols as usize
    }

    /// Frames in all.
    pub fn n_frames(&self) -> usize {
        self.rows() * self.cols()
    }

    /// 0-based `(row, col)` of frame `number` (1-based), or `None` beyond the grid.
    pub fn position(&self, number: u32) -> Option<(usize, usize)> {
        let index = (number as usize).checked_sub(1).filter(|&index| index < self.n_frames())?;
        let (row, step) = (index / self.cols(), index % self.cols());
        let col = if row % 2 == 0 { step } else { self.cols() - 1 - step };
        Some((row, col))
    }

    /// True for frames in the first or last row or column: the chamber's edge may run through them.
    pub fn is_border(&self, number: u32) -> bool {
        self.position(number).is_some_and(|(row, col)| {
            row == 0 || col == 0 || row + 1 == self.rows() || col + 1 == self.cols()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_rows_run_backwards() {
        let grid = CartridgeGrid::new(3, 4).expect("12 frames");
        let cols: Vec<_> = (1..=12).filter_map(|n| grid.position(n)).map(|(_, col)| col).collect();
        assert_eq!(cols, [0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3], "a snake");
        assert_eq!(grid.position(0), None, "frames count from 1");
    }

    #[test]
    fn only_outer_frames_are_at_the_border() {
        let grid = CartridgeGrid::new(3, 4).expect("12 frames");
        let inner: Vec<u32> = (1..=12).filter(|&n| !grid.is_border(n)).collect();
        assert_eq!(inner, [6, 7], "the middle row without its ends");
    }

    #[test]
    fn grids_without_frames_or_with_absurdly_many_are_refused() {
        assert!(CartridgeGrid::new(0, 1).is_err(), "no row");
        assert!(CartridgeGrid::new(2_000_000_000, 2_000_000_000).is_err(), "4e18 frames");
        assert_eq!(CartridgeGrid::from_frame_count(20), None, "not a CellTracks scan");
        let scan = CartridgeGrid::from_frame_count(175).expect("a CellTracks scan");
        assert_eq!((scan.rows(), scan.cols()), (5, 35), "175 frames");
    }
}
