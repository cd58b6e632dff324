//! The edge of the cartridge's chamber, found on an overview of all frames.

use super::frame::{Mask, Plane};
use super::frame_grid::FrameGrid;
use super::grey_opening::{GreyImage, open_with_disc};
use super::histogram::Histogram;
use super::morphology::open_with_square;
use super::reduce::REDUCTION;

/// Radius of the disc that cells are removed with, in overview pixels (400 pixels of a frame).
const DISC_RADIUS_PX: usize = 50;

/// The region grows where the opened overview, scaled to 0..1, is nearer to its mean than this.
const MAX_DISTANCE: f64 = 0.1;

/// Candidates are visited by their distance to the mean in so many steps over 0..1.
const QUEUES: usize = 200;

/// The reduced frames of one channel side by side, rounded to 16 bit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    grid: FrameGrid,
    tile_rows: usize,
    tile_cols: usize,
    image: GreyImage,
}

impl Overview {
    /// An overview without frames; every frame has `frame_rows x frame_cols` pixels.
    pub fn new(grid: FrameGrid, frame_rows: usize, frame_cols: usize) -> Self {
        let (tile_rows, tile_cols) =
            (frame_rows.div_ceil(REDUCTION), frame_cols.div_ceil(REDUCTION));
        let (rows, cols) = (grid.rows * tile_rows, grid.cols * tile_cols);
        let image = GreyImage { rows, cols, pixels: vec![0; rows * cols] };
        Self { grid, tile_rows, tile_cols, image }
    }

    /// Puts a frame, reduced by [`reduce_eighth`](super::reduce_eighth), in its place.
    ///
    /// # Panics
    /// When the frame is not in the grid or the plane has another size than the tiles.
    pub fn set_tile(&mut self, number: u32, reduced: &Plane) {
        assert_eq!(
            (reduced.rows, reduced.cols),
            (self.tile_rows, self.tile_cols),
            "all frames of a cartridge have one size"
        );
        let (row, col) = self.grid.place(number).expect("the frame is in the grid");
        for (line, values) in reduced.pixels.chunks_exact(self.tile_cols.max(1)).enumerate() {
            let start = (row * self.tile_rows + line) * self.image.cols + col * self.tile_cols;
            for (pixel, &value) in self.image.pixels[start..].iter_mut().zip(values) {
                // rounds halves away from zero, saturates at both ends
                *pixel = value.round() as u16;
            }
        }
    }

    /// Takes the pixels of an edge mask out of a histogram of the reduced frames.
    ///
    /// The histogram counts unrounded values, this overview rounded ones: single bins may become
    /// negative.
    pub fn subtract_edge(&self, histogram: &mut Histogram, edge: &EdgeMask) {
        let values: Vec<f32> = self
            .image
            .pixels
            .iter()
            .zip(&edge.overview.pixels)
            .filter(|(_, in_edge)| **in_edge)
            .map(|(&value, _)| f32::from(value))
            .collect();
        histogram.subtract_values(&values);
    }
}

/// Which pixels of a cartridge lie outside its chamber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeMask {
    grid: FrameGrid,
    overview: Mask,
}

impl EdgeMask {
    /// Finds the chamber as the bright region around the middle of the overview of CD45 (the first
    /// analysis channel); the rest is edge.
    ///
    /// Cells are removed by a grey opening with a disc of 50 overview pixels, intensities scaled
    /// by the maximum, and a region grown from the centre over 4-neighbours that differ by less
    /// than 0.1 from the region's mean so far. Its complement is opened by 3 x 3 pixels. The
    /// chamber must be brighter than what is around it, and larger than the disc. An overview
    /// without any signal has no edge.
    ///
    /// # Source
    /// Behaviour of ACCEPT, but with a true disc (MATLAB's is an approximation by line segments):
    /// the border may differ by about one overview pixel.
    pub fn find(overview: &Overview) -> Self {
        let opened = open_with_disc(&overview.image, DISC_RADIUS_PX);
        let (rows, cols) = (opened.rows, opened.cols);
        let greatest = opened.pixels.iter().copied().max().unwrap_or(0);
        let mut edge = Mask::empty(rows, cols);
        if greatest > 0 {
            let scaled: Vec<f64> =
                opened.pixels.iter().map(|&v| f64::from(v) / f64::from(greatest)).collect();
            let centre = (half_rounded(rows), half_rounded(cols));
            let chamber = grow_region(&scaled, cols, centre.0 * cols + centre.1);
            edge.pixels = chamber.into_iter().map(|inside| !inside).collect();
            open_with_square(&mut edge);
        }
        Self { grid: overview.grid, overview: edge }
    }

    /// An edge mask found elsewhere, at overview size; `None` if the size does not fit the grid.
    pub fn from_overview(grid: FrameGrid, overview: Mask) -> Option<Self> {
        let fits = grid.n_frames() > 0
            && overview.rows.is_multiple_of(grid.rows)
            && overview.cols.is_multiple_of(grid.cols);
        fits.then_some(Self { grid, overview })
    }

    /// The mask at overview size.
    pub fn overview(&self) -> &Mask {
        &self.overview
    }

    /// The mask of frame `number`, enlarged eight times and cut to the frame's size.
    ///
    /// `None` for frames that are not at the cartridge's border, which have no edge, and for
    /// frames that are not in the grid.
    pub fn of_frame(&self, number: u32, frame_rows: usize, frame_cols: usize) -> Option<Mask> {
        if !self.grid.is_edge_frame(number) {
            return None;
        }
        let (row, col) = self.grid.place(number)?;
        let tile_rows = self.overview.rows / self.grid.rows;
        let tile_cols = self.overview.cols / self.grid.cols;
        if tile_rows == 0 || tile_cols == 0 {
            return None;
        }
        let mut mask = Mask::empty(frame_rows, frame_cols);
        for (line, pixels) in mask.pixels.chunks_exact_mut(frame_cols.max(1)).enumerate() {
            let source = row * tile_rows + (line / REDUCTION).min(tile_rows - 1);
            let start = source * self.overview.cols + col * tile_cols;
            for (place, pixel) in pixels.iter_mut().enumerate() {
                *pixel = self.overview.pixels[start + (place / REDUCTION).min(tile_cols - 1)];
            }
        }
        Some(mask)
    }
}

/// 0-based middle of a side: pixel round(n / 2) of 1..n, halves upwards.
fn half_rounded(side: usize) -> usize {
    side.div_ceil(2).saturating_sub(1)
}

/// Grows a region from `seed` over 4-neighbours near its running mean; nearest candidates first.
fn grow_region(scaled: &[f64], cols: usize, seed: usize) -> Vec<bool> {
    let mut region = vec![false; scaled.len()];
    let mut seen = vec![false; scaled.len()];
    let mut queues: Vec<Vec<usize>> = vec![Vec::new(); QUEUES + 1];
    let (mut sum, mut count) = (0.0, 0_u64);
    let mut mean = scaled[seed];
    let mut nearest_queue = 0;
    queues[0].push(seed);
    seen[seed] = true;
    while nearest_queue <= QUEUES {
        let Some(pixel) = queues[nearest_queue].pop() else {
            nearest_queue += 1;
            continue;
        };
        if (scaled[pixel] - mean).abs() >= MAX_DISTANCE {
            continue;
        }
        region[pixel] = true;
        sum += scaled[pixel];
        count += 1;
        mean = sum / count as f64;
        for neighbour in four_neighbours(pixel, cols, scaled.len()) {
            if !std::mem::replace(&mut seen[neighbour], true) {
                let distance = (scaled[neighbour] - mean).abs();
                let queue = ((distance * QUEUES as f64) as usize).min(QUEUES);
                queues[queue].push(neighbour);
                nearest_queue = nearest_queue.min(queue);
            }
        }
    }
    region
}

fn four_neighbours(pixel: usize, cols: usize, n_pixels: usize) -> impl Iterator<Item = usize> {
    let col = pixel % cols;
    let above = pixel.checked_sub(cols);
    let below = Some(pixel + cols).filter(|&below| below < n_pixels);
    let left = (col > 0).then(|| pixel - 1);
    let right = (col + 1 < cols).then_some(pixel + 1);
    [above, below, left, right].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: FrameGrid = FrameGrid::serpentine(2, 2);

    /// Four frames of 800 x 800: a chamber of 200 with the given dark margin around all of it.
    fn chamber(margin: usize) -> Overview {
        let mut overview = Overview::new(GRID, 800, 800);
        for number in 1..=4 {
            let (row, col) = GRID.place(number).expect("four frames");
            let pixels = (0..100 * 100).map(|index| {
                let (y, x) = (row * 100 + index / 100, col * 100 + index % 100);
                let depth = y.min(x).min(199 - y).min(199 - x);
                if depth >= margin { 200.0 } else { 20.0 }
            });
            overview.set_tile(number, &Plane::new(100, 100, pixels.collect()));
        }
        overview
    }

    #[test]
    fn the_dark_margin_is_edge_and_the_chamber_is_not() {
        let edge = EdgeMask::find(&chamber(20));
        let at = |row: usize, col: usize| edge.overview().pixels[row * 200 + col];
        assert!(at(0, 0) && at(19, 100) && at(100, 180), "the margin");
        assert!(!at(20, 100) && !at(100, 100) && !at(100, 179), "the chamber");
        assert!(at(21, 21), "a corner that the disc cannot reach");
    }

    #[test]
    fn bright_cells_do_not_break_the_chamber() {
        let mut overview = chamber(20);
        for row in 60..70 {
            overview.image.pixels[row * 200 + 60..row * 200 + 70].fill(4000);
        }
        let without = EdgeMask::find(&chamber(20));
        assert_eq!(EdgeMask::find(&overview), without, "smaller than the disc");
    }

    #[test]
    fn each_frame_gets_its_own_part_enlarged() {
        let edge = EdgeMask::find(&chamber(20));
        let last = edge.of_frame(3, 800, 800).expect("all four are at the border");
        // frame 3 is at the right of the second row: edge to the right and below
        assert!(last.pixels[799 * 800 + 100] && last.pixels[100 * 800 + 799], "outer sides");
        assert!(
            last.pixels[640 * 800] && !last.pixels[639 * 800],
            "80 overview pixels are chamber"
        );
        assert!(!last.pixels[0], "the middle of the cartridge");
        assert_eq!(edge.of_frame(5, 800, 800), None, "no such frame");
    }

    #[test]
    fn a_dark_cartridge_has_no_edge() {
        let edge = EdgeMask::find(&Overview::new(GRID, 80, 80));
        assert_eq!(edge.overview().count(), 0, "nothing to compare");
    }

    #[test]
    fn edge_pixels_are_taken_out_of_the_histogram() {
        let overview = chamber(20);
        let edge = EdgeMask::find(&overview);
        let mut histogram = Histogram::new();
        histogram.add_values(&vec![20.4; 200 * 200 - 160 * 160]);
        overview.subtract_edge(&mut histogram, &edge);
        assert_eq!(histogram.count(20), 0, "all dark pixels are edge");
    }
}
