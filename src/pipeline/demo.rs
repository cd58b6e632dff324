//! `demo`: the embedded study, written out to be run and looked at.

use std::path::{Path, PathBuf};

pub use super::demo_cartridges::DemoCartridges;
use super::demo_cartridges::render_cartridges;
use super::simulate_cartridge::FrameProgress;
use crate::Error;
use crate::io::output_folder::OutputFolder;

/// The study file of the demo, below the folder that [`write_demo`] fills.
pub const DEMO_STUDY: &str = "study.toml";

const STUDY: &str = include_str!("../../demo/study.toml");
/// What makes the study take its cells from the table.
const CELLS_OF_TABLE: &str = include_str!("../../demo/cells.toml");
const SAMPLES: &[u8] = include_bytes!("../../demo/samples.csv");
const CELLS: &[u8] = include_bytes!("../../demo/cells.csv");

/// The demo's other input files: name and content.
const FILES: &[(&str, &[u8])] = &[
    ("README.md", include_bytes!("../../demo/README.md")),
    ("gates.txt", include_bytes!("../../demo/gates.txt")),
    ("patients.csv", include_bytes!("../../demo/patients.csv")),
    ("cells.csv", CELLS),
];

/// Where the demo's cells come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoCells {
    /// Cartridges are rendered from the cell table, with this seed; the study segments them.
    Pixels {
        /// Seed of everything that is drawn.
        seed: u64,
    },
    /// The study reads the cell table.
    Table,
}

/// What [`write_demo`] wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// The study file.
    pub study: PathBuf,
    /// The cartridges that were rendered; `None` for [`DemoCells::Table`].
    pub cartridges: Option<DemoCartridges>,
}

/// Writes the demo's inputs to the folder `target`, whole or not at all.
///
/// # Errors
/// An output error: `target` has files in it and `force` is false, or cannot be written; an
/// interrupt.
pub fn write_demo(
    target: &Path,
    force: bool,
    cells: DemoCells,
    progress: &FrameProgress<'_>,
) -> Result<Demo, Error> {
    let folder = OutputFolder::create(target, force)?;
    for (path, content) in FILES {
        folder.write(path, content)?;
    }
    let cartridges = match cells {
        DemoCells::Pixels { seed } => {
            folder.write(DEMO_STUDY, STUDY)?;
            let (sheet, cartridges) = render_cartridges(SAMPLES, CELLS, seed, &folder, progress)?;
            folder.write("samples.csv", sheet)?;
            Some(cartridges)
        }
        DemoCells::Table => {
            folder.write(DEMO_STUDY, format!("{STUDY}{CELLS_OF_TABLE}"))?;
            folder.write("samples.csv", SAMPLES)?;
            None
        }
    };
    Ok(Demo { study: folder.commit()?.join(DEMO_STUDY), cartridges })
}
