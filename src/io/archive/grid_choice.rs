//! How the frames of a sample lie, as far as anything tells.

use std::path::Path;

use super::{ArchiveOptions, Compat, refusal};
use crate::imaging::{FrameGrid, ScanOrder};
use crate::{Error, Warning};

/// Frame counts of CellTracks scans with their rows and columns.
const KNOWN_GRIDS: [(usize, usize, usize); 6] =
    [(210, 6, 35), (180, 5, 36), (175, 5, 35), (170, 5, 34), (144, 4, 36), (140, 4, 35)];

/// The grid that a CellTracks scan of this many frames has; a single frame is 1 x 1.
///
/// # Source
/// Table in the ACCEPT loader for archives without XML.
pub fn grid_of_frame_count(n_frames: usize) -> Option<FrameGrid> {
    if n_frames == 1 {
        return Some(FrameGrid::serpentine(1, 1));
    }
    let known = KNOWN_GRIDS.iter().find(|(n, _, _)| *n == n_frames);
    known.map(|&(_, rows, cols)| FrameGrid::serpentine(rows, cols))
}

/// The most square grid of `n_frames`: as many rows as the largest divisor not above the square
/// root. A prime number of frames is one row.
///
/// # Source
/// ACCEPT's default loader takes rows and columns from the prime factors; which of them it puts
/// together is not known, so this is a choice.
pub fn most_square_grid(n_frames: usize) -> FrameGrid {
    let divisors = (1..=n_frames.isqrt()).rev();
    let rows = divisors.into_iter().find(|rows| n_frames.is_multiple_of(*rows)).unwrap_or(1);
    FrameGrid::serpentine(rows, n_frames / rows)
}

/// What a sample's own files say about its grid.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Declared {
    /// Rows and columns.
    pub(super) size: Option<(u64, u64)>,
    /// In which order the frames were taken.
    pub(super) order: ScanOrder,
}

/// The grid of the options, else of the sample's files, else of the frame count, else (as ACCEPT)
/// a guess with a warning. It must hold as many frames as there are: with one missing, no frame
/// after it would be in its place.
pub(super) fn choose_grid(
    place: &Path,
    declared: Declared,
    n_frames: usize,
    options: &ArchiveOptions,
    warnings: &mut Vec<Warning>,
) -> Result<FrameGrid, Error> {
    let size = declared.size.filter(|&(rows, cols)| rows > 0 && cols > 0);
    if let (Some((rows, cols)), None) = (declared.size, size) {
        let message = format!("{}: {rows} x {cols} frames are declared", place.display());
        warnings.push(Warning::new("grid_ignored", message));
    }
    let given = options.grid.map(|grid| (grid.rows as u64, grid.cols as u64));
    let grid = match given.or(size) {
        Some((rows, cols)) if rows.checked_mul(cols) == Some(n_frames as u64) => {
            FrameGrid::serpentine(rows as usize, cols as usize)
        }
        Some((rows, cols)) => {
            return Err(refusal(place)
                .found(format!("{n_frames} frames for a grid of {rows} x {cols}"))
                .expected("one file a frame of the grid, or another --grid ROWSxCOLS"));
        }
        None => match (grid_of_frame_count(n_frames), options.compat) {
            (Some(grid), _) => grid,
            (None, Compat::Accept) => guess(place, n_frames, warnings),
            (None, Compat::Repaired) => {
                return Err(refusal(place)
                    .found(format!("{n_frames} frames and nothing that says how they lie"))
                    .expected("--grid ROWSxCOLS, or an XML with numrows and numcols"));
            }
        },
    };
    let order = options.scan_order.unwrap_or(declared.order);
    let order = match (order, options.compat) {
        (ScanOrder::Serpentine, Compat::Accept) => ScanOrder::AcceptSerpentine,
        (order, _) => order,
    };
    Ok(grid.in_order(order))
}

fn guess(place: &Path, n_frames: usize, warnings: &mut Vec<Warning>) -> FrameGrid {
    let grid = most_square_grid(n_frames);
    let message = format!(
        "{}: nothing says how {n_frames} frames lie; {} x {} is a guess from the factors of their \
         number, and places of frames and the chamber's edge depend on it",
        place.display(),
        grid.rows,
        grid.cols
    );
    warnings.push(Warning::new("grid_guessed", message));
    grid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guessed_grid_is_as_square_as_the_number_allows() {
        let found: Vec<(usize, usize)> = [1, 2, 12, 36, 37, 90]
            .map(most_square_grid)
            .iter()
            .map(|grid| (grid.rows, grid.cols))
            .collect();
        assert_eq!(found, [(1, 1), (1, 2), (3, 4), (6, 6), (1, 37), (9, 10)], "rows, columns");
    }
}
