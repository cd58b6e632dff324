//! Frames of a cartridge whose cells are known.

use super::frame::Channel;
use super::frame_grid::FrameGrid;
use super::rescale::RawPage;
use super::simulator_camera::{Camera, StorageDepth, store};
use super::simulator_cell::{CellPixel, SIMULATED_CHANNELS, SimulatedCell};
use super::simulator_chamber::{Chamber, ChamberView};
use super::simulator_population::gap_px;
use crate::Error;
use crate::numeric::normal_table::NormalTable;

/// Frames a simulated cartridge may have: their file names count to three digits.
const MAX_FRAMES: usize = 999;

/// Shortest and longest side of a simulated frame.
const SIDES_PX: std::ops::RangeInclusive<usize> = 16..=16_384;

/// Longest axis of a cell.
const MAX_LENGTH_PX: f64 = 400.0;

/// Everything about a simulated cartridge but its cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Illumination {
    /// How the frames lie.
    pub grid: FrameGrid,
    /// `(rows, cols)` of a frame.
    pub frame_size: (usize, usize),
    /// Background in camera units, in the order of [`SIMULATED_CHANNELS`].
    pub background: [f64; 4],
    /// Relative change of the background from the middle of a frame to its corners: brighter
    /// towards the last row and column, darker towards the first; in 0..1.
    pub gradient: f64,
    /// The bright chamber.
    pub chamber: Chamber,
    /// Noise.
    pub camera: Camera,
    /// Bits of a stored sample.
    pub depth: StorageDepth,
    /// Seed of the noise.
    pub seed: u64,
}

/// A cartridge that can be looked at frame by frame: frame `n` is a pure function of the
/// illumination, the cells and the seed.
#[derive(Clone, Debug)]
pub struct Simulator {
    illumination: Illumination,
    cells: Vec<SimulatedCell>,
    /// Cells of each frame, by index.
    of_frame: Vec<Vec<usize>>,
    normals: NormalTable,
}

/// A cell as it is in the picture before noise, in the order of [`SIMULATED_CHANNELS`].
#[derive(Clone, Debug, PartialEq)]
pub struct CellTruth {
    /// Index of the cell.
    pub cell: usize,
    /// Pixels of its outline in the frame.
    pub area_px: usize,
    /// Pixels of the outline of its nucleus in the frame.
    pub nucleus_area_px: usize,
    /// Mean light over the background, neighbours' light included: for DAPI inside the nucleus, for
    /// the others inside the cell; `None` without a pixel there.
    pub mean: [Option<f64>; 4],
    /// Largest such light.
    pub max: [Option<f64>; 4],
    /// Pixels to the nearest other cell of the frame, between circles of the cells' areas; negative
    /// where they overlap, `None` for the only cell.
    pub gap_px: Option<f64>,
    /// True when a part of the outline lies beyond the frame.
    pub is_cut: bool,
}

/// One frame: its pages as a CellTracks file has them, and the cells in it.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedFrame {
    /// Frame number, 1-based.
    pub number: u32,
    /// Pages in the order of [`SIMULATED_CHANNELS`].
    pub pages: Vec<RawPage>,
    /// Its cells, by index.
    pub truth: Vec<CellTruth>,
}

impl Simulator {
    /// A cartridge of these cells.
    ///
    /// # Errors
    /// A usage error for an illumination, an input error for a cell that cannot be.
    pub fn new(illumination: Illumination, cells: Vec<SimulatedCell>) -> Result<Self, Error> {
        check(&illumination)?;
        let mut of_frame = vec![Vec::new(); illumination.grid.n_frames()];
        for (index, cell) in cells.iter().enumerate() {
            illumination.check_cell(cell).map_err(|(what, expected)| {
                Error::input("simulating a cartridge")
                    .at(format!("cell {}", index + 1))
                    .found(what)
                    .expected(expected)
            })?;
            of_frame[cell.frame as usize - 1].push(index);
        }
        Ok(Self { illumination, cells, of_frame, normals: NormalTable::new() })
    }

    /// The cells, in the order given.
    pub fn cells(&self) -> &[SimulatedCell] {
        &self.cells
    }

    /// The cartridge around them.
    pub fn illumination(&self) -> &Illumination {
        &self.illumination
    }

    /// Renders frame `number`.
    ///
    /// Light is background (level, gradient, chamber) plus the light of every cell; the camera adds
    /// noise, rounds to 12 bits and each page is stretched to the depth of the file.
    ///
    /// # Panics
    /// When there is no such frame.
    pub fn render(&self, number: u32) -> SimulatedFrame {
        let (rows, cols) = self.illumination.frame_size;
        let here = &self.of_frame[number as usize - 1];
        let patches: Vec<Vec<CellPixel>> =
            here.iter().map(|&index| self.cells[index].pixels()).collect();
        let mut light = self.cell_light(&patches);
        let truth = here
            .iter()
            .zip(&patches)
            .map(|(&index, patch)| self.truth(index, patch, &light, here))
            .collect();
        let chamber = self.illumination.chamber;
        let view = chamber.view(self.illumination.grid, number, (rows, cols));
        let view = view.expect("the frame is in the grid");
        let pages = light.iter_mut().enumerate().map(|(page, light)| {
            self.add_background(light, page, &view);
            let Illumination { camera, seed, depth, .. } = self.illumination;
            let read = camera.read(light, (number, page as u32), seed, &self.normals);
            store(&read, rows, cols, depth)
        });
        SimulatedFrame { number, pages: pages.collect(), truth }
    }

    /// Index of a pixel of a patch in the frame; `None` beyond it.
    fn place(&self, pixel: &CellPixel) -> Option<usize> {
        let (rows, cols) = self.illumination.frame_size;
        let row = usize::try_from(pixel.row).ok().filter(|&row| row < rows)?;
        let col = usize::try_from(pixel.col).ok().filter(|&col| col < cols)?;
        Some(row * cols + col)
    }

    fn cell_light(&self, patches: &[Vec<CellPixel>]) -> [Vec<f32>; 4] {
        let (rows, cols) = self.illumination.frame_size;
        let mut light = [(); SIMULATED_CHANNELS.len()].map(|()| vec![0.0_f32; rows * cols]);
        for pixel in patches.iter().flatten() {
            let Some(place) = self.place(pixel) else { continue };
            for (plane, own) in light.iter_mut().zip(pixel.light) {
                plane[place] += own;
            }
        }
        light
    }

    fn truth(
        &self,
        index: usize,
        patch: &[CellPixel],
        light: &[Vec<f32>; 4],
        here: &[usize],
    ) -> CellTruth {
        let in_frame = |inside: fn(&CellPixel) -> bool| -> Vec<usize> {
            patch.iter().filter(|p| inside(p)).filter_map(|pixel| self.place(pixel)).collect()
        };
        let (cell, nucleus) = (in_frame(|p| p.in_cell), in_frame(|p| p.in_nucleus));
        let outline = |channel: usize| match SIMULATED_CHANNELS[channel] {
            Channel::Dapi => &nucleus,
            _ => &cell,
        };
        let values = |channel: usize| {
            outline(channel).iter().map(move |&place| f64::from(light[channel][place]))
        };
        let mean = |channel: usize| {
            let n = outline(channel).len();
            (n > 0).then(|| values(channel).sum::<f64>() / n as f64)
        };
        let others = here.iter().filter(|&&other| other != index);
        let gaps = others.map(|&other| gap_px(&self.cells[index], &self.cells[other]));
        CellTruth {
            cell: index,
            area_px: cell.len(),
            nucleus_area_px: nucleus.len(),
            mean: [0, 1, 2, 3].map(mean),
            max: [0, 1, 2, 3].map(|channel| values(channel).reduce(f64::max)),
            gap_px: gaps.reduce(f64::min),
            is_cut: patch.iter().filter(|p| p.in_cell).count() > cell.len(),
        }
    }

    fn add_background(&self, light: &mut [f32], page: usize, view: &ChamberView) {
        let Illumination { frame_size: (rows, cols), background, gradient, .. } = self.illumination;
        let from_middle = |place: usize, side: usize| place as f64 / (side - 1) as f64 - 0.5;
        for (row, line) in light.chunks_exact_mut(cols).enumerate() {
            let down = from_middle(row, rows);
            for (col, pixel) in line.iter_mut().enumerate() {
                let slope = 1.0 + gradient * (down + from_middle(col, cols));
                let chamber =
                    if view.is_inside() { 1.0 } else { view.light(row as f64, col as f64) };
                *pixel += (background[page] * slope * chamber) as f32;
            }
        }
    }
}

impl Illumination {
    /// What is wrong with a cell in this cartridge, and what would be right.
    pub(crate) fn check_cell(&self, cell: &SimulatedCell) -> Result<(), (String, String)> {
        let (rows, cols) = self.frame_size;
        let n_frames = self.grid.n_frames();
        let wrong = |found: String, expected: String| Err((found, expected));
        if cell.frame == 0 || cell.frame as usize > n_frames {
            return wrong(format!("frame {}", cell.frame), format!("1 to {n_frames}"));
        }
        let inside = |place: f64, side: usize| place >= -0.5 && place < side as f64 - 0.5;
        if !inside(cell.row_px, rows) || !inside(cell.col_px, cols) {
            return wrong(
                format!("a centre at row {}, column {}", cell.row_px, cell.col_px),
                format!("a place in a frame of {rows} x {cols} pixels"),
            );
        }
        for (axis, name) in [(cell.length_px, "length"), (cell.width_px, "width")] {
            if !(axis > 0.0 && axis <= MAX_LENGTH_PX) {
                return wrong(
                    format!("a {name} of {axis} px"),
                    format!("more than 0, at most {MAX_LENGTH_PX}"),
                );
            }
        }
        if !cell.angle_deg.is_finite() {
            return wrong(format!("an angle of {}", cell.angle_deg), "degrees".into());
        }
        if !(cell.nucleus_share > 0.0 && cell.nucleus_share <= 1.0) {
            return wrong(
                format!("a nucleus of {} of the cell", cell.nucleus_share),
                "a share above 0, at most 1".into(),
            );
        }
        if !(0.0..=0.3).contains(&cell.lobe) {
            return wrong(format!("lobes of {}", cell.lobe), "a share in 0 to 0.3".into());
        }
        match cell.levels.iter().find(|level| !(0.0..=100_000.0).contains(*level)) {
            Some(level) => {
                wrong(format!("a level of {level}"), "camera units in 0 to 100000".into())
            }
            None => Ok(()),
        }
    }
}

fn check(illumination: &Illumination) -> Result<(), Error> {
    let refuse = |found: String, expected: String| {
        Err(Error::usage("simulating a cartridge").found(found).expected(expected))
    };
    let Illumination { grid, frame_size: (rows, cols), chamber, camera, .. } = *illumination;
    let n_frames = grid.rows.saturating_mul(grid.cols);
    if n_frames == 0 || n_frames > MAX_FRAMES {
        return refuse(
            format!("{} x {} frames", grid.rows, grid.cols),
            format!("1 to {MAX_FRAMES} in all"),
        );
    }
    if !SIDES_PX.contains(&rows) || !SIDES_PX.contains(&cols) {
        return refuse(
            format!("frames of {rows} x {cols} pixels"),
            format!("{} to {} rows and columns", SIDES_PX.start(), SIDES_PX.end()),
        );
    }
    for level in illumination.background {
        if !(0.0..=4_095.0).contains(&level) {
            return refuse(format!("background {level}"), "a camera value in 0 to 4095".into());
        }
    }
    if !(0.0..1.0).contains(&illumination.gradient) {
        let found = format!("gradient {}", illumination.gradient);
        return refuse(found, "a share from 0 to below 1".into());
    }
    let smallest = 0.5 * (grid.rows * rows).min(grid.cols * cols) as f64;
    if !(chamber.edge_px >= 0.0 && chamber.edge_px < smallest) {
        return refuse(
            format!("an edge of {} px", chamber.edge_px),
            format!("0 to below {smallest}, half of the cartridge's shorter side"),
        );
    }
    if !(0.0..=1.0).contains(&chamber.outside) {
        return refuse(format!("a light of {} outside", chamber.outside), "0 to 1".into());
    }
    if !(0.0..=1_000.0).contains(&camera.read_noise) {
        return refuse(format!("read noise {}", camera.read_noise), "0 to 1000".into());
    }
    if !(0.0..=100.0).contains(&camera.shot_noise) {
        return refuse(format!("shot noise {}", camera.shot_noise), "0 to 100".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::simulator_cell::tests::round_cell;
    use super::*;
    use crate::imaging::{IntensityScale, rescale};

    fn dark() -> Illumination {
        Illumination {
            grid: FrameGrid::serpentine(1, 2),
            frame_size: (60, 80),
            background: [50.0, 40.0, 30.0, 20.0],
            gradient: 0.0,
            chamber: Chamber { edge_px: 0.0, outside: 0.3 },
            camera: Camera { read_noise: 0.0, shot_noise: 0.0 },
            depth: StorageDepth::Sixteen,
            seed: 1,
        }
    }

    #[test]
    fn integrated_intensity_of_a_lone_cell_without_noise_is_that_of_the_truth() {
        let simulator = Simulator::new(dark(), vec![round_cell()]).expect("good");
        let frame = simulator.render(1);
        let truth = &frame.truth[0];
        let inside = |row: usize, col: usize, radius: f64| {
            (row as f64 - 30.0).hypot(col as f64 - 40.0) <= radius
        };
        for (page, background, radius) in [(0, 50.0, 6.0), (1, 40.0, 10.0), (2, 30.0, 10.0)] {
            let plane = rescale(&frame.pages[page], IntensityScale::PageMaximum).expect("limits");
            let mut sum = 0.0;
            let mut n = 0;
            for row in 0..60 {
                for col in 0..80 {
                    if inside(row, col, radius) {
                        sum += f64::from(plane.pixels[row * 80 + col]) - background;
                        n += 1;
                    }
                }
            }
            let area = if page == 0 { truth.nucleus_area_px } else { truth.area_px };
            assert_eq!(n, area, "pixels of a circle by its equation");
            let expected = truth.mean[page].expect("an outline") * area as f64;
            // The camera rounds each pixel: 0.5 at worst, 0.29 sqrt(n) on average. Half is allowed
            // where cells are symmetric, since equal pixels are rounded alike.
            assert!((sum - expected).abs() < 0.25 * n as f64, "{sum} for {expected}");
            let level = simulator.cells()[0].levels[page];
            assert!((truth.mean[page].expect("an outline") - level).abs() < 1e-3, "its own level");
        }
        assert_eq!(truth.gap_px, None, "alone");
        assert!(simulator.render(2).truth.is_empty(), "the other frame is empty");
    }

    #[test]
    fn light_of_cells_adds_up_and_their_gap_is_told() {
        let other = SimulatedCell { col_px: 55.0, ..round_cell() };
        let alone = Simulator::new(dark(), vec![round_cell()]).expect("good").render(1);
        let pair = Simulator::new(dark(), vec![round_cell(), other]).expect("good").render(1);
        let gap = pair.truth[0].gap_px.expect("a neighbour");
        assert!((gap + 5.0).abs() < 1e-9, "15 px between centres of radius 10: {gap}");
        assert!(pair.truth[0].mean[2] > alone.truth[0].mean[2], "the neighbour's light adds");
        let at_border = SimulatedCell { col_px: 75.0, ..round_cell() };
        let cut = Simulator::new(dark(), vec![at_border]).expect("good").render(1);
        assert!(cut.truth[0].is_cut, "cut by the frame's border");
        assert!(cut.truth[0].area_px < alone.truth[0].area_px, "only the part in the frame");
    }

    #[test]
    fn a_frame_is_the_same_alone_and_differs_from_the_others() {
        let noisy = Illumination { camera: Camera { read_noise: 2.0, shot_noise: 0.2 }, ..dark() };
        let simulator = Simulator::new(noisy, Vec::new()).expect("good");
        assert_eq!(simulator.render(2), simulator.render(2), "again");
        assert_ne!(simulator.render(1).pages, simulator.render(2).pages, "its own noise");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            Illumination { grid: FrameGrid::serpentine(0, 2), ..dark() },
            Illumination { grid: FrameGrid::serpentine(100, 20), ..dark() },
            Illumination { frame_size: (1, 80), ..dark() },
            Illumination { background: [f64::NAN; 4], ..dark() },
            Illumination { gradient: 1.0, ..dark() },
            Illumination { chamber: Chamber { edge_px: 30.0, outside: 0.3 }, ..dark() },
            Illumination { camera: Camera { read_noise: -1.0, shot_noise: 0.2 }, ..dark() },
        ] {
            let error = Simulator::new(bad, Vec::new()).expect_err("refused");
            assert!(error.is_usage(), "{error}");
        }
        for bad in [
            SimulatedCell { frame: 3, ..round_cell() },
            SimulatedCell { row_px: 60.0, ..round_cell() },
            SimulatedCell { length_px: 0.0, ..round_cell() },
            SimulatedCell { levels: [f64::INFINITY; 4], ..round_cell() },
        ] {
            let error = Simulator::new(dark(), vec![bad]).expect_err("refused");
            assert!(error.is_input() && error.to_string().contains("cell 1"), "{error}");
        }
    }
}
