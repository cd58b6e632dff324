//! The demo's cartridges: the cell table as pixels.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::simulate_cartridge::{ArchivePlace, FrameProgress, render_archive};
use crate::Error;
use crate::imaging::{
    Camera, CellKind, Chamber, FrameGrid, Illumination, Population, SimulatedCell, Simulator,
    StorageDepth, draw_cells, gap_px,
};
use crate::io::output_folder::OutputFolder;
use crate::io::table::Table;
use crate::io::table_writer::csv_bytes;
use crate::io::tiff_writer::FrameCompression;
use crate::numeric::draw::Stream;
use crate::numeric::philox::{key_of_seed, philox4x32};

const DOING: &str = "rendering the demo's cartridges";

/// Side of a frame: room for one tumour cell (up to 33 px long), a few leukocytes and specks, and
/// nine tenths of background for the histogram.
const FRAME_PX: usize = 128;

/// Side of a pixel of CellSearch images.
const PIXEL_UM: f64 = 0.64;

/// Fewest rows and columns of frames: a sample of one cell has three frames without any.
const MIN_SIDE: usize = 2;

/// Samples without tumour cells that are rendered all the same.
const N_EMPTY: usize = 3;

/// Drawn for each frame, before those too near to its tumour cell are left out.
const LEUKOCYTES_PER_FRAME: usize = 3;
const SPECKS_PER_FRAME: usize = 1;

/// Pixels kept free around a tumour cell. Rims are soft over 3 px, and an outline that is 1.5 px
/// too wide on both sides still leaves a gap.
const GAP_PX: f64 = 8.0;

/// Farthest that a tumour cell lies from the middle of its frame, along each side.
const JITTER_PX: f64 = 12.0;

/// What was rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DemoCartridges {
    /// Cartridges.
    pub n_cartridges: usize,
    /// Frames of all of them.
    pub n_frames: usize,
    /// Tumour cells drawn, those of the cell table.
    pub n_ctc: usize,
    /// Leukocytes drawn.
    pub n_leukocytes: usize,
    /// Specks drawn.
    pub n_debris: usize,
    /// Samples of the sheet without a cartridge.
    pub n_without: usize,
}

/// A blood sample to be rendered.
struct Sample {
    name: String,
    rows: Vec<usize>,
}

/// Renders a cartridge into `archives/PATIENT-TIMEPOINT` for every sample of the sheet that has
/// cells in the table and for the first three that have none; returns the sheet with their folders
/// in a column `archive`.
///
/// A frame holds one tumour cell at most, as in most frames of a real cartridge: the class means of
/// the contour are those of a frame, and a weak cell beside a bright one gets no outline. A cell has
/// the area and the mean intensities of its row; its HER2 level is the one at which a cell that
/// stands alone is expected to be read as the row says ([`Illumination::with_her2_reading`]). Shape,
/// place, leukocytes and specks are drawn.
///
/// The files are the same for any number of threads.
pub(super) fn render_cartridges(
    sheet: &[u8],
    cells: &[u8],
    seed: u64,
    folder: &OutputFolder,
    progress: &FrameProgress<'_>,
) -> Result<(Vec<u8>, DemoCartridges), Error> {
    let sheet = Table::parse(sheet, "samples.csv", DOING)?;
    let cells = Table::parse(cells, "cells.csv", DOING)?;
    let samples = samples_to_render(&sheet, &cells)?;
    let rendered: Vec<(usize, &Sample)> =
        samples.iter().enumerate().filter_map(|(i, s)| Some((i, s.as_ref()?))).collect();
    let total = rendered.iter().map(|(_, s)| grid_of(s.rows.len()).n_frames() as u64).sum();
    let done = AtomicU64::new(0);
    let step = |_: u64, _: u64| progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
    let parts: Vec<DemoCartridges> = rendered
        .par_iter()
        .map(|&(index, sample)| render(sample, &cells, (seed, index), folder, &step))
        .collect::<Result<_, Error>>()?;
    let mut all = DemoCartridges { n_without: sheet.n_rows() - parts.len(), ..parts.iter().sum() };
    all.n_cartridges = parts.len();
    let archive = |sample: &Option<Sample>| {
        sample.as_ref().map_or_else(String::new, |sample| archive_of(&sample.name))
    };
    let header: Vec<&str> = sheet.columns().iter().map(String::as_str).chain(["archive"]).collect();
    let rows = samples.iter().enumerate().map(|(row, sample)| {
        let fields = (0..sheet.columns().len()).map(|column| sheet.cell(row, column).to_owned());
        fields.chain([archive(sample)]).collect::<Vec<_>>()
    });
    Ok((csv_bytes(&header, rows), all))
}

impl<'a> std::iter::Sum<&'a Self> for DemoCartridges {
    fn sum<I: Iterator<Item = &'a Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            n_cartridges: sum.n_cartridges + part.n_cartridges,
            n_frames: sum.n_frames + part.n_frames,
            n_ctc: sum.n_ctc + part.n_ctc,
            n_leukocytes: sum.n_leukocytes + part.n_leukocytes,
            n_debris: sum.n_debris + part.n_debris,
            n_without: sum.n_without + part.n_without,
        })
    }
}

fn archive_of(name: &str) -> String {
    format!("archives/{name}")
}

/// For each row of the sheet the sample with its rows in the cell table, or nothing.
fn samples_to_render(sheet: &Table, cells: &Table) -> Result<Vec<Option<Sample>>, Error> {
    let (patient, timepoint) = (sheet.column("patient_id")?, sheet.column("timepoint")?);
    let (of_patient, at) = (cells.column("patient_id")?, cells.column("timepoint")?);
    let mut n_empty = 0;
    let samples = (0..sheet.n_rows()).map(|row| {
        let (patient, timepoint) = (sheet.cell(row, patient), sheet.cell(row, timepoint));
        let is_of = |&cell: &usize| {
            cells.cell(cell, of_patient) == patient && cells.cell(cell, at) == timepoint
        };
        let rows: Vec<usize> = (0..cells.n_rows()).filter(is_of).collect();
        if rows.is_empty() {
            n_empty += 1;
        }
        let is_rendered = !rows.is_empty() || n_empty <= N_EMPTY;
        is_rendered.then(|| Sample { name: format!("{patient}-{timepoint}"), rows })
    });
    Ok(samples.collect())
}

/// About as many rows as columns, a frame or more a cell.
fn grid_of(n_cells: usize) -> FrameGrid {
    let cols = (n_cells as f64).sqrt().ceil() as usize;
    let cols = cols.max(MIN_SIDE);
    FrameGrid::serpentine(n_cells.div_ceil(cols).max(MIN_SIDE), cols)
}

/// The cartridge of one sample. Its seed is that of the demo, with the sample's row in the upper
/// half, so that no two samples share a draw.
fn render(
    sample: &Sample,
    cells: &Table,
    (seed, index): (u64, usize),
    folder: &OutputFolder,
    progress: &FrameProgress<'_>,
) -> Result<DemoCartridges, Error> {
    let illumination = Illumination {
        grid: grid_of(sample.rows.len()),
        frame_size: (FRAME_PX, FRAME_PX),
        background: [100.0; 4],
        gradient: 0.05,
        chamber: Chamber { edge_px: 0.0, outside: 1.0 },
        camera: Camera { read_noise: 3.0, shot_noise: 0.25 },
        depth: StorageDepth::Eight,
        seed: seed ^ ((index as u64 + 1) << 32),
    };
    let mut drawn = Vec::new();
    for (place, &row) in sample.rows.iter().enumerate() {
        drawn.push(tumour_cell(cells, row, place, &illumination)?);
    }
    let others = others(&illumination, &drawn)?;
    let n_of = |kind| others.iter().filter(|cell| cell.kind == kind).count();
    let (n_leukocytes, n_debris) = (n_of(CellKind::Leukocyte), n_of(CellKind::Debris));
    let n_frames = illumination.grid.n_frames();
    drawn.extend(others);
    let simulator = Simulator::new(illumination, drawn)?;
    let prefix = format!("{}/", archive_of(&sample.name));
    let place = ArchivePlace { folder, prefix: &prefix, stem: &sample.name };
    render_archive(&simulator, 1.0, FrameCompression::Lzw, &place, progress)?;
    let n_ctc = sample.rows.len();
    Ok(DemoCartridges { n_cartridges: 1, n_frames, n_ctc, n_leukocytes, n_debris, n_without: 0 })
}

/// The cell of a row of the table, in frame `place + 1` of its cartridge.
///
/// Numbers that the table has none for come from the Philox blocks at counters `(0 and 1, place, 0,
/// 5 << 16 | 3)` under the cartridge's seed: place, roundness, direction, size of the nucleus.
fn tumour_cell(
    cells: &Table,
    row: usize,
    place: usize,
    illumination: &Illumination,
) -> Result<SimulatedCell, Error> {
    let number = |name: &str| {
        let column = cells.column(name)?;
        let found = cells.number(row, column, "a number")?;
        found.ok_or_else(|| cells.bad_cell(row, column, "a number"))
    };
    let key = key_of_seed(illumination.seed);
    let tag = (Stream::Cartridge as u32) << 16 | 3;
    let [first, second] = [0, 1].map(|block| philox4x32(key, [block, place as u32, 0, tag]));
    let uniform = |word: u32, low: f64, high: f64| {
        low + (high - low) * (f64::from(word) + 0.5) / 4_294_967_296.0
    };
    let area_px = number("size_um2")? / (PIXEL_UM * PIXEL_UM);
    let roundness = uniform(first[2], 0.75, 1.0);
    let length_px = (4.0 * area_px / (std::f64::consts::PI * roundness)).sqrt();
    let middle = 0.5 * FRAME_PX as f64;
    let her2 = number("her2_mean_au")?;
    let cell = SimulatedCell {
        kind: CellKind::Ctc,
        frame: place as u32 + 1,
        row_px: middle + uniform(first[0], -JITTER_PX, JITTER_PX),
        col_px: middle + uniform(first[1], -JITTER_PX, JITTER_PX),
        length_px,
        width_px: length_px * roundness,
        angle_deg: uniform(first[3], 0.0, 180.0),
        nucleus_share: uniform(second[0], 0.55, 0.75),
        lobe: 0.0,
        levels: [number("dapi_mean_au")?, her2, number("ck_mean_au")?, number("cd45_mean_au")?],
    };
    Ok(illumination.with_her2_reading(cell, her2))
}

/// Leukocytes and specks that leave the tumour cells alone.
fn others(
    illumination: &Illumination,
    tumour_cells: &[SimulatedCell],
) -> Result<Vec<SimulatedCell>, Error> {
    let Illumination { grid, frame_size, chamber, seed, .. } = *illumination;
    let population = Population {
        n_ctc: 0,
        n_leukocytes: LEUKOCYTES_PER_FRAME * grid.n_frames(),
        n_debris: SPECKS_PER_FRAME * grid.n_frames(),
        ..Population::default()
    };
    let mut others = draw_cells(&population, grid, frame_size, chamber, seed)?;
    others.retain(|other| {
        let mut here = tumour_cells.iter().filter(|cell| cell.frame == other.frame);
        here.all(|cell| gap_px(cell, other) >= GAP_PX)
    });
    Ok(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_a_frame_for_every_cell_and_four_at_least() {
        for n in [0, 1, 4, 5, 12, 86, 132] {
            let grid = grid_of(n);
            assert!(grid.n_frames() >= n.max(4), "{n} cells in {grid:?}");
            // less than a row of frames, or the smallest grid, is left empty
            assert!(grid.n_frames() < n + grid.cols || grid.n_frames() == 4, "{n} in {grid:?}");
        }
    }
}
