//! `herscope simulate`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::args::Shared;
use super::exit::ExitCode;
use super::output::{note, print_document};
use super::progress::{Progress, watch_interrupts};
use crate::Error;
use crate::imaging::{Camera, Chamber, FrameGrid, Illumination, Population, StorageDepth};
use crate::io::archive::grid_of_frame_count;
use crate::io::output_folder::OutputFolder;
use crate::io::tiff_writer::FrameCompression;
use crate::pipeline::simulate_cartridge::{
    CartridgeDocument, CartridgeSettings, CellSource, simulate_cartridge,
};

/// Frames of a usual cartridge.
const USUAL_FRAMES: usize = 175;

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    #[command(subcommand)]
    what: Simulation,
}

#[derive(Debug, Subcommand)]
enum Simulation {
    /// A CellTracks archive of known cells: frames, XML, truth.csv, manifest. --out names the sample
    Cartridge(Box<CartridgeArgs>),
    /// A cohort with visits and outcomes whose joint model is known: visits.csv, subjects.csv, truth.json
    Joint(Box<super::simulate_joint::SimulateJointArgs>),
}

#[derive(Debug, Args)]
struct CartridgeArgs {
    /// Table of the cells, one a row: frame, row_px, col_px, length_px and more
    #[arg(long, value_name = "CELLS.csv", conflicts_with_all = [
        "n_ctc", "n_leukocytes", "n_debris", "crowding", "brightness", "her2_levels", "her2_shares",
    ])]
    cells: Option<PathBuf>,
    /// Tumour cells to draw [200]
    #[arg(long, value_name = "N")]
    n_ctc: Option<usize>,
    /// Leukocytes to draw [2000]
    #[arg(long, value_name = "N")]
    n_leukocytes: Option<usize>,
    /// Specks to draw [500]
    #[arg(long, value_name = "N")]
    n_debris: Option<usize>,
    /// Probability that a cell touches or overlaps another [0]
    #[arg(long, value_name = "P")]
    crowding: Option<f64>,
    /// Factor of the light of all drawn cells [1]
    #[arg(long, value_name = "F")]
    brightness: Option<f64>,
    /// Median HER2 of each class of tumour cells [10,80,300]
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', requires = "her2_shares")]
    her2_levels: Vec<f64>,
    /// Share of the tumour cells in each class [0.4,0.3,0.3]
    #[arg(long, value_name = "P,Q,R", value_delimiter = ',')]
    her2_shares: Vec<f64>,
    /// Number of frames, of a known scan [175]
    #[arg(long, value_name = "N")]
    frames: Option<usize>,
    /// Rows and columns of frames, such as 5x35
    #[arg(long, value_name = "ROWSxCOLS")]
    grid: Option<String>,
    /// Height of a frame in pixels
    #[arg(long, value_name = "N", default_value_t = 1036)]
    rows: usize,
    /// Width of a frame in pixels
    #[arg(long, value_name = "N", default_value_t = 1384)]
    cols: usize,
    /// Background in camera units: one level, or four for DAPI, HER2, CK and CD45
    #[arg(long, value_name = "LEVEL[,..]", value_delimiter = ',', default_value = "100")]
    background: Vec<f64>,
    /// Relative change of the background from the middle of a frame to its corners
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    gradient: f64,
    /// Pixels between the border of the scan and the chamber
    #[arg(long, value_name = "PX", default_value_t = 120.0)]
    edge_px: f64,
    /// Background outside the chamber over that inside
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    outside: f64,
    /// Standard deviation of reading a pixel, in camera units
    #[arg(long, value_name = "SD", default_value_t = 3.0)]
    read_noise: f64,
    /// Variance of a pixel per camera unit of light
    #[arg(long, value_name = "F", default_value_t = 0.25)]
    shot_noise: f64,
    /// Share of the tumour cells that the XML calls assigned
    #[arg(long, value_name = "SHARE", default_value_t = 0.9)]
    assigned: f64,
    /// Bits of a stored pixel: 8 or 16
    #[arg(long, default_value = "8", value_parser = ["8", "16"])]
    bits: String,
    /// How pages are packed
    #[arg(long, default_value = "lzw", value_parser = ["lzw", "none"])]
    compression: String,
}

/// Runs the command.
pub(super) fn simulate(args: &SimulateArgs, shared: &Shared) -> Result<ExitCode, Error> {
    match &args.what {
        Simulation::Cartridge(args) => cartridge(args, shared),
        Simulation::Joint(args) => super::simulate_joint::joint(args, shared),
    }
}

fn cartridge(args: &CartridgeArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let Some(target) = &shared.out else {
        return Err(Error::usage("simulating a cartridge")
            .found("no --out")
            .expected("--out DIR, named like a sample: 900012.1.1"));
    };
    shared.refuse_gpu("simulating a cartridge", "frames are rendered on the CPU")?;
    let seed = shared.seed.unwrap_or(1);
    let settings = settings(args, seed)?;
    let out = OutputFolder::create(target, shared.force)?;
    if shared.seed.is_none() {
        note(shared.quiet, &format!("seed: {seed} (chosen; set it with --seed)"));
    }
    watch_interrupts();
    let document = {
        let progress = Progress::new(shared.quiet, "rendering");
        simulate_cartridge(&settings, &out, &|done, total| progress.at(done, total))?
    };
    let folder = out.commit()?;
    print_document(shared, &document.warnings, &document, &text(&document, &folder))?;
    Ok(ExitCode::Done)
}

fn settings(args: &CartridgeArgs, seed: u64) -> Result<CartridgeSettings, Error> {
    let background = match args.background[..] {
        [level] => [level; 4],
        [dapi, her2, ck, cd45] => [dapi, her2, ck, cd45],
        _ => {
            return Err(Error::usage("reading --background")
                .found(format!("{} levels", args.background.len()))
                .expected("one, or four for DAPI, HER2, CK and CD45"));
        }
    };
    Ok(CartridgeSettings {
        illumination: Illumination {
            grid: grid(args)?,
            frame_size: (args.rows, args.cols),
            background,
            gradient: args.gradient,
            chamber: Chamber { edge_px: args.edge_px, outside: args.outside },
            camera: Camera { read_noise: args.read_noise, shot_noise: args.shot_noise },
            depth: match args.bits.as_str() {
                "16" => StorageDepth::Sixteen,
                _ => StorageDepth::Eight,
            },
            seed,
        },
        source: match &args.cells {
            Some(path) => CellSource::Table(path.clone()),
            None => CellSource::Drawn(population(args)),
        },
        assigned_share: args.assigned,
        compression: match args.compression.as_str() {
            "none" => FrameCompression::None,
            _ => FrameCompression::Lzw,
        },
    })
}

fn population(args: &CartridgeArgs) -> Population {
    let usual = Population::default();
    let or_usual = |given: &[f64], usual: Vec<f64>| match given {
        [] => usual,
        given => given.to_vec(),
    };
    Population {
        n_ctc: args.n_ctc.unwrap_or(usual.n_ctc),
        n_leukocytes: args.n_leukocytes.unwrap_or(usual.n_leukocytes),
        n_debris: args.n_debris.unwrap_or(usual.n_debris),
        crowding: args.crowding.unwrap_or(usual.crowding),
        brightness: args.brightness.unwrap_or(usual.brightness),
        her2_levels: or_usual(&args.her2_levels, usual.her2_levels),
        her2_shares: or_usual(&args.her2_shares, usual.her2_shares),
    }
}

/// The grid given, or that of the number of frames; both must agree.
fn grid(args: &CartridgeArgs) -> Result<FrameGrid, Error> {
    let given = args.grid.as_deref().map(super::segment_archive::grid).transpose()?;
    match (given, args.frames) {
        (Some(grid), Some(n)) if grid.rows.checked_mul(grid.cols) != Some(n) => {
            Err(Error::usage("reading --frames")
                .found(format!("{n} frames for a grid of {} x {}", grid.rows, grid.cols))
                .expected("the frames of the grid, or --grid alone"))
        }
        (Some(grid), _) => Ok(grid),
        (None, frames) => {
            let n = frames.unwrap_or(USUAL_FRAMES);
            grid_of_frame_count(n).ok_or_else(|| {
                Error::usage("reading --frames")
                    .found(format!("{n} frames"))
                    .expected("1, 140, 144, 170, 175, 180 or 210, or --grid ROWSxCOLS")
            })
        }
    }
}

fn text(document: &CartridgeDocument, folder: &Path) -> String {
    let CartridgeDocument { n_frames, frame_size: [rows, cols], .. } = document;
    format!(
        "{}: {n_frames} frames of {rows} x {cols} px; {} CTC, {} leukocytes, {} specks; {} events, \
         {} of them assigned\nThe archive and its truth.csv are in {}\n",
        document.sample_id,
        document.n_ctc,
        document.n_leukocytes,
        document.n_debris,
        document.n_events,
        document.n_assigned,
        folder.display()
    )
}
