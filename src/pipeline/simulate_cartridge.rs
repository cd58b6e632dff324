//! `simulate cartridge`: a CellTracks archive of cells that are known.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use crate::imaging::{
    CellKind, CellTruth, Illumination, PixelBox, Population, SIMULATED_CHANNELS, SimulatedCell,
    Simulator, StorageDepth, draw_cells,
};
use crate::io::celltracks_writer::{ArchiveEvent, archive_stem, archive_xml, frame_name};
use crate::io::manifest::{Manifest, ManifestFile};
use crate::io::output_folder::OutputFolder;
use crate::io::simulated_cells::{read_simulated_cells, truth_csv};
use crate::io::tiff_writer::{FrameCompression, encode_frame, write_frame};
use crate::numeric::draw::Stream;
use crate::numeric::philox::{key_of_seed, philox4x32};
use crate::{Error, Warning};

const DOING: &str = "simulating a cartridge";

/// Every so many-th leukocyte is an event that the operator did not assign.
const LEUKOCYTES_PER_EVENT: usize = 10;

/// Diameter of the disc that the edge step opens the overview with, in pixels of a frame.
const EDGE_DISC_PX: f64 = 800.0;

/// Where the cells come from.
#[derive(Clone, Debug, PartialEq)]
pub enum CellSource {
    /// A table of cells.
    Table(PathBuf),
    /// Drawn at random.
    Drawn(Population),
}

/// Choices of a `simulate cartridge` run.
#[derive(Clone, Debug, PartialEq)]
pub struct CartridgeSettings {
    /// The cartridge; its seed is that of everything drawn.
    pub illumination: Illumination,
    /// Its cells.
    pub source: CellSource,
    /// Share of the tumour cells that the XML's operator assigned, in 0..=1; the others are events
    /// without a call.
    pub assigned_share: f64,
    /// How pages are packed.
    pub compression: FrameCompression,
}

/// What a run made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CartridgeDocument {
    /// Version of this document's shape.
    pub schema_version: u32,
    /// `simulate cartridge`.
    pub command: &'static str,
    /// What a reader must know.
    pub warnings: Vec<Warning>,
    /// Name of the sample: of the folder.
    pub sample_id: String,
    /// Seed of all draws.
    pub seed: u64,
    /// Rows and columns of frames.
    pub grid: [usize; 2],
    /// Rows and columns of pixels in a frame.
    pub frame_size: [usize; 2],
    /// Frames written.
    pub n_frames: usize,
    /// Tumour cells.
    pub n_ctc: usize,
    /// Leukocytes.
    pub n_leukocytes: usize,
    /// Specks.
    pub n_debris: usize,
    /// Events in the XML.
    pub n_events: usize,
    /// Events that are assigned.
    pub n_assigned: usize,
    /// Time of the run; not in the manifest.
    pub elapsed_seconds: f64,
}

/// Called with frames done and all frames; false stops the run.
pub type FrameProgress<'a> = dyn Fn(u64, u64) -> bool + Sync + 'a;

/// Renders a cartridge into `folder`: `processed/STEM_NNN.tif`, `STEM.xml`, `truth.csv` and the
/// manifest, where STEM is the folder's name up to its first dot. The folder is not committed.
///
/// Frames are rendered in parallel on rayon's current pool, one a thread in memory; the files do
/// not depend on the number of threads.
///
/// # Errors
/// Settings or cells that cannot be; a disk that refuses; an interrupt.
pub fn simulate_cartridge(
    settings: &CartridgeSettings,
    folder: &OutputFolder,
    progress: &FrameProgress<'_>,
) -> Result<CartridgeDocument, Error> {
    let begin = Instant::now();
    if !(0.0..=1.0).contains(&settings.assigned_share) {
        return Err(Error::usage(DOING)
            .found(format!("a share of {} assigned", settings.assigned_share))
            .expected("0 to 1"));
    }
    let stem = archive_stem(folder.target())?;
    let (simulator, inputs) = simulator_of(settings)?;
    let illumination = simulator.illumination();
    let place = ArchivePlace { folder, prefix: "", stem: &stem };
    let (truths, events) = render_archive(
        &simulator,
        settings.assigned_share,
        settings.compression,
        &place,
        progress,
    )?;
    let warnings = warnings_of(illumination, &truths);
    let manifest = Manifest {
        seed: Some(illumination.seed),
        inputs,
        warnings: warnings.clone(),
        ..Manifest::of("simulate cartridge", settings_json(settings))
    };
    manifest.write(folder)?;
    let n = |kind| simulator.cells().iter().filter(|cell| cell.kind == kind).count();
    let sample_id = folder.target().file_name().unwrap_or_default();
    let (grid, (rows, cols)) = (illumination.grid, illumination.frame_size);
    Ok(CartridgeDocument {
        schema_version: 1,
        command: "simulate cartridge",
        warnings,
        sample_id: sample_id.to_string_lossy().into_owned(),
        seed: illumination.seed,
        grid: [grid.rows, grid.cols],
        frame_size: [rows, cols],
        n_frames: grid.n_frames(),
        n_ctc: n(CellKind::Ctc),
        n_leukocytes: n(CellKind::Leukocyte),
        n_debris: n(CellKind::Debris),
        n_events: events.len(),
        n_assigned: events.iter().filter(|event| event.assigned).count(),
        elapsed_seconds: begin.elapsed().as_secs_f64(),
    })
}

/// Where an archive is written.
pub(super) struct ArchivePlace<'a> {
    pub(super) folder: &'a OutputFolder,
    /// Its folder below that one, empty or with a `/` at the end.
    pub(super) prefix: &'a str,
    /// What its files are named after.
    pub(super) stem: &'a str,
}

/// Writes the archive itself: frames, `STEM.xml` and `truth.csv`. Returns the truth of every cell
/// and the events of the XML.
pub(super) fn render_archive(
    simulator: &Simulator,
    assigned_share: f64,
    compression: FrameCompression,
    place: &ArchivePlace<'_>,
    progress: &FrameProgress<'_>,
) -> Result<(Vec<CellTruth>, Vec<ArchiveEvent>), Error> {
    let illumination = simulator.illumination();
    let truths = render_frames(simulator, compression, place, progress)?;
    let events = events_of(simulator, assigned_share);
    let mut rids = vec![None; simulator.cells().len()];
    for (cell, event) in &events {
        rids[*cell] = Some(event.rid);
    }
    let events: Vec<ArchiveEvent> = events.into_iter().map(|(_, event)| event).collect();
    let xml = archive_xml(illumination.grid, illumination.frame_size, &events);
    let ArchivePlace { folder, prefix, stem } = place;
    folder.write(&format!("{prefix}{stem}.xml"), xml)?;
    folder.write(&format!("{prefix}truth.csv"), truth_csv(simulator.cells(), &truths, &rids))?;
    Ok((truths, events))
}

/// The cartridge with its cells, and the file they were read from.
fn simulator_of(settings: &CartridgeSettings) -> Result<(Simulator, Vec<ManifestFile>), Error> {
    // what is wrong with the cartridge is said before a table is read or a cell drawn
    Simulator::new(settings.illumination.clone(), Vec::new())?;
    let illumination = &settings.illumination;
    let (cells, inputs) = match &settings.source {
        CellSource::Table(path) => {
            (read_simulated_cells(path, illumination)?, vec![ManifestFile::of_input(path)?])
        }
        CellSource::Drawn(population) => {
            let Illumination { grid, frame_size, chamber, seed, .. } = *illumination;
            (draw_cells(population, grid, frame_size, chamber, seed)?, Vec::new())
        }
    };
    Ok((Simulator::new(illumination.clone(), cells)?, inputs))
}

/// Writes every frame and returns the truth of every cell in the order of the cells.
fn render_frames(
    simulator: &Simulator,
    compression: FrameCompression,
    place: &ArchivePlace<'_>,
    progress: &FrameProgress<'_>,
) -> Result<Vec<CellTruth>, Error> {
    let total = simulator.illumination().grid.n_frames() as u64;
    let done = AtomicU64::new(0);
    let of_frames: Vec<Vec<CellTruth>> = (1..=total as u32)
        .into_par_iter()
        .map(|number| {
            let frame = simulator.render(number);
            let bytes = encode_frame(&frame.pages, compression)?;
            let name = format!("{}{}", place.prefix, frame_name(place.stem, number));
            write_frame(&place.folder.path_of(&name)?, &bytes)?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if progress(done, total) {
                Ok(frame.truth)
            } else {
                Err(Error::interrupted(DOING)
                    .found(format!("an interrupt after {done} of {total} frames")))
            }
        })
        .collect::<Result<_, Error>>()?;
    let mut truths: Vec<CellTruth> = of_frames.into_iter().flatten().collect();
    truths.sort_by_key(|truth| truth.cell);
    Ok(truths)
}

/// Events of the original analysis, each with its cell: every tumour cell, assigned with the given
/// probability, and some leukocytes that are not.
fn events_of(simulator: &Simulator, assigned_share: f64) -> Vec<(usize, ArchiveEvent)> {
    let (rows, cols) = simulator.illumination().frame_size;
    let seed = simulator.illumination().seed;
    let mut n_leukocytes = 0;
    let mut events = Vec::new();
    for (index, cell) in simulator.cells().iter().enumerate() {
        let assigned = match cell.kind {
            CellKind::Ctc => is_assigned(seed, index, assigned_share),
            CellKind::Leukocyte => {
                n_leukocytes += 1;
                if n_leukocytes % LEUKOCYTES_PER_EVENT != 0 {
                    continue;
                }
                false
            }
            CellKind::Debris => continue,
        };
        let Some(bbox) = event_box(cell, rows, cols) else { continue };
        let rid = events.len() + 1;
        events.push((index, ArchiveEvent { rid, frame: cell.frame, bbox, assigned }));
    }
    events
}

/// The outline's box, two pixels wider on all sides, within the frame.
fn event_box(cell: &SimulatedCell, rows: usize, cols: usize) -> Option<PixelBox> {
    let bbox = cell.bbox(rows, cols)?;
    Some(PixelBox {
        row0: bbox.row0.saturating_sub(2),
        col0: bbox.col0.saturating_sub(2),
        row1: (bbox.row1 + 2).min(rows),
        col1: (bbox.col1 + 2).min(cols),
    })
}

/// By the first word of the Philox block at counter `(0, cell, 0, 5 << 16 | 2)`.
fn is_assigned(seed: u64, cell: usize, share: f64) -> bool {
    let tag = (Stream::Cartridge as u32) << 16 | 2;
    let [word, ..] = philox4x32(key_of_seed(seed), [0, cell as u32, 0, tag]);
    (f64::from(word) + 0.5) / 4_294_967_296.0 < share
}

fn warnings_of(illumination: &Illumination, truths: &[CellTruth]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let (grid, (rows, cols)) = (illumination.grid, illumination.frame_size);
    let smaller = (grid.rows * rows).min(grid.cols * cols) as f64;
    let edge_px = illumination.chamber.edge_px;
    if edge_px > 0.0 && smaller - 2.0 * edge_px < EDGE_DISC_PX {
        warnings.push(Warning::new(
            "edge_cannot_be_found",
            format!(
                "the chamber is narrower than {EDGE_DISC_PX} px, the disc of the edge step, which \
                 will not find its edge"
            ),
        ));
    }
    let n_cut = truths.iter().filter(|truth| truth.is_cut).count();
    if n_cut > 0 {
        let message = format!("{n_cut} cells reach over the border of their frame");
        warnings.push(Warning::new("cells_cut_by_frame", message));
    }
    warnings
}

/// Every parameter, as used.
fn settings_json(settings: &CartridgeSettings) -> serde_json::Value {
    let Illumination { grid, frame_size, background, gradient, chamber, camera, depth, seed } =
        settings.illumination.clone();
    let channels = SIMULATED_CHANNELS.iter().map(|channel| channel.column_name());
    let cells = match &settings.source {
        CellSource::Table(path) => serde_json::json!({ "table": path.display().to_string() }),
        CellSource::Drawn(population) => serde_json::json!({
            "n_ctc": population.n_ctc,
            "n_leukocytes": population.n_leukocytes,
            "n_debris": population.n_debris,
            "crowding": population.crowding,
            "brightness": population.brightness,
            "her2_levels": population.her2_levels,
            "her2_shares": population.her2_shares,
        }),
    };
    serde_json::json!({
        "grid": [grid.rows, grid.cols],
        "rows": frame_size.0,
        "cols": frame_size.1,
        "channels": channels.collect::<Vec<_>>(),
        "background": background,
        "gradient": gradient,
        "edge_px": chamber.edge_px,
        "outside": chamber.outside,
        "read_noise": camera.read_noise,
        "shot_noise": camera.shot_noise,
        "bits": match depth {
            StorageDepth::Eight => 8,
            StorageDepth::Sixteen => 16,
        },
        "compression": match settings.compression {
            FrameCompression::Lzw => "lzw",
            FrameCompression::None => "none",
        },
        "assigned_share": settings.assigned_share,
        "cells": cells,
        "seed": seed,
    })
}
