//! The chamber of a simulated cartridge and the dark around it.

use super::frame_grid::FrameGrid;

/// Radius of the chamber's corners: that of the disc which the edge step opens the overview with,
/// so that the corners survive it.
const CORNER_RADIUS_PX: f64 = 400.0;

/// Half width of the soft border of the chamber.
const SOFT_PX: f64 = 8.0;

/// The bright chamber: a rectangle with round corners, `edge_px` smaller than the cartridge on
/// every side; background light outside is a share of that inside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chamber {
    /// Pixels between the border of the scan and the chamber; 0 for a chamber that fills the scan.
    pub edge_px: f64,
    /// Background outside over that inside, in 0..1.
    pub outside: f64,
}

/// The chamber seen from one frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChamberView {
    chamber: Chamber,
    origin: (f64, f64),
    half: (f64, f64),
    radius: f64,
    is_inside: bool,
}

impl Chamber {
    /// The view from frame `number`; `None` when it is not in the grid.
    pub(super) fn view(
        &self,
        grid: FrameGrid,
        number: u32,
        (rows, cols): (usize, usize),
    ) -> Option<ChamberView> {
        let (row, col) = grid.place(number)?;
        let half = |n: usize, size: usize| 0.5 * (n * size) as f64 - self.edge_px;
        let half = (half(grid.rows, rows), half(grid.cols, cols));
        let mut view = ChamberView {
            chamber: *self,
            origin: (
                (row * rows) as f64 - 0.5 * ((grid.rows * rows) as f64 - 1.0),
                (col * cols) as f64 - 0.5 * ((grid.cols * cols) as f64 - 1.0),
            ),
            half,
            radius: CORNER_RADIUS_PX.min(half.0).min(half.1).max(0.0),
            is_inside: self.edge_px == 0.0,
        };
        // the chamber is convex: a frame whose corners are inside is inside
        let corner = |r: usize, c: usize| view.depth_px(r as f64, c as f64) >= SOFT_PX;
        let (last_row, last_col) = (rows - 1, cols - 1);
        view.is_inside |= corner(0, 0)
            && corner(0, last_col)
            && corner(last_row, 0)
            && corner(last_row, last_col);
        Some(view)
    }
}

impl ChamberView {
    /// Whether the whole frame lies in the chamber.
    pub(super) fn is_inside(&self) -> bool {
        self.is_inside
    }

    /// Pixels from a place in the frame to the chamber's border; negative outside.
    pub(super) fn depth_px(&self, row: f64, col: f64) -> f64 {
        if self.chamber.edge_px == 0.0 {
            return f64::INFINITY;
        }
        let from_corner = |place: f64, half: f64| place.abs() - (half - self.radius);
        let down = from_corner(row + self.origin.0, self.half.0);
        let right = from_corner(col + self.origin.1, self.half.1);
        let beyond = down.max(0.0).hypot(right.max(0.0)) + down.max(right).min(0.0);
        self.radius - beyond
    }

    /// Share of the background light at a place in the frame.
    pub(super) fn light(&self, row: f64, col: f64) -> f64 {
        if self.is_inside {
            return 1.0;
        }
        let t = ((self.depth_px(row, col) + SOFT_PX) / (2.0 * SOFT_PX)).clamp(0.0, 1.0);
        self.chamber.outside + (1.0 - self.chamber.outside) * t * t * (3.0 - 2.0 * t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chamber_is_dark_at_the_border_and_bright_in_the_middle() {
        let grid = FrameGrid::serpentine(3, 4);
        let chamber = Chamber { edge_px: 50.0, outside: 0.25 };
        let size = (600, 800);
        let first = chamber.view(grid, 1, size).expect("a frame of the grid");
        assert_eq!(first.light(20.0, 700.0), 0.25, "30 px outside");
        assert_eq!(first.light(300.0, 500.0), 1.0, "well inside");
        assert_eq!(first.light(80.0, 80.0), 0.25, "cut off by the round corner");
        // pixel centres lie half a pixel off the border between pixels 49 and 50
        assert!((first.depth_px(49.5, 700.0)).abs() < 1e-9, "the border itself");
        let inner = chamber.view(grid, 7, size).expect("the second row from the right");
        assert!(inner.is_inside(), "frame 7 has no border");
        let full = Chamber { edge_px: 0.0, ..chamber };
        assert!(full.view(grid, 1, size).is_some_and(|view| view.is_inside()), "no edge at all");
        assert!(chamber.view(grid, 13, size).is_none(), "no such frame");
    }
}
